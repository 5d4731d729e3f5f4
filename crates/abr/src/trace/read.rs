//! Readers of the formats in which people keep traces.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::Trace;
use crate::Error;
use crate::error::one_line;

/// What one line of a Mahimahi trace lets through.
pub(super) const PACKET_BYTES: f64 = 1500.0;

/// Mahimahi traces become rows of this many milliseconds.
const MAHIMAHI_STEP_MS: u64 = 1000;

/// The time between rows of the FCC's raw measurements of one unit and one target.
const FCC_STEP_S: f64 = 5.0;

/// Longer Mahimahi traces than this are refused: three days, and nobody's memory.
const LONGEST_MS: u64 = 3 * 24 * 3_600_000;

/// How a trace is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A table headed `seconds,mbps`.
    Csv,
    /// The millisecond of each packet of 1500 bytes, one a line.
    Mahimahi,
    /// Seconds and Mbit/s, as Pensieve's simulators read them.
    Cooked,
    /// The FCC's raw table of timed downloads (`curr_webget`): many traces in one file, one for each
    /// unit and target.
    Fcc,
    /// Raw logs of the Norwegian HSDPA measurements: clock, milliseconds, latitude, longitude, bytes and
    /// the milliseconds that they took.
    Hsdpa,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 5] = [
        Format::Csv,
        Format::Mahimahi,
        Format::Cooked,
        Format::Fcc,
        Format::Hsdpa,
    ];

    /// Its name, as arguments write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Mahimahi => "mahimahi",
            Format::Cooked => "cooked",
            Format::Fcc => "fcc",
            Format::Hsdpa => "hsdpa",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Format, Error> {
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| Error::Unknown {
            kind: "format of traces",
            name: name.into(),
            known: Format::ALL.map(Format::name).join(", "),
        })
    }
}

/// The format that a text looks like, by its first line that says anything.
#[must_use]
pub fn detect(text: &str) -> Option<Format> {
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    let commas = line.matches(',').count();
    if commas > 5 {
        return Some(Format::Fcc);
    }
    if commas > 0 {
        return Some(Format::Csv);
    }
    match line.split_whitespace().count() {
        1 => Some(Format::Mahimahi),
        2 => Some(Format::Cooked),
        6 => Some(Format::Hsdpa),
        _ => None,
    }
}

/// Reads the traces of a text: one, but for the FCC's tables.
///
/// # Errors
/// Names `file` and the line when a row cannot be, and when nothing is there.
pub fn parse(file: &str, text: &str, format: Option<Format>) -> Result<Vec<Trace>, Error> {
    let unknown = || Error::Trace {
        file: file.into(),
        line: 1,
        reason: match text.trim().is_empty() {
            true => "the trace is empty".into(),
            false => "a format of traces that is not known".into(),
        },
    };
    let format = match format {
        Some(format) => format,
        None => detect(text).ok_or_else(unknown)?,
    };
    let lines = Lines { file, text };
    match format {
        Format::Csv => lines.csv().map(|it| vec![it]),
        Format::Mahimahi => lines.mahimahi().map(|it| vec![it]),
        Format::Cooked => lines.cooked().map(|it| vec![it]),
        Format::Fcc => lines.fcc(),
        Format::Hsdpa => lines.hsdpa().map(|it| vec![it]),
    }
}

/// Reads the traces of a file.
///
/// # Errors
/// As [`parse`], and when the file cannot be read.
pub fn read_file(path: &Path, format: Option<Format>) -> Result<Vec<Trace>, Error> {
    let bytes = fs::read(path).map_err(|source| Error::read(path, source))?;
    parse(
        &path.display().to_string(),
        &String::from_utf8_lossy(&bytes),
        format,
    )
}

/// Reads the traces of all files of a folder, in the order of their names. Hidden files and notes in
/// Markdown are passed over.
///
/// # Errors
/// As [`read_file`], and when there are none.
pub fn read_folder(path: &Path, format: Option<Format>) -> Result<Vec<Trace>, Error> {
    let entries = fs::read_dir(path).map_err(|source| Error::read(path, source))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(|source| Error::read(path, source))?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if file.is_file() && !name.starts_with('.') && !name.ends_with(".md") {
            files.push(file);
        }
    }
    files.sort();
    let mut traces = Vec::new();
    for file in &files {
        traces.extend(read_file(file, format)?);
    }
    match traces.is_empty() {
        true => Err(Error::NoTraces { path: path.into() }),
        false => Ok(traces),
    }
}

/// Rows with the lines they stood on.
#[derive(Default)]
struct Rows {
    times_s: Vec<f64>,
    mbps: Vec<f64>,
    lines: Vec<usize>,
}

impl Rows {
    fn push(&mut self, line: usize, time_s: f64, mbps: f64) {
        self.times_s.push(time_s);
        self.mbps.push(mbps);
        self.lines.push(line);
    }

    fn trace(self, name: &str) -> Result<Trace, Error> {
        Trace::of_lines(name, self.times_s, self.mbps, &self.lines)
    }
}

struct Lines<'a> {
    file: &'a str,
    text: &'a str,
}

impl Lines<'_> {
    fn fault(&self, line: usize, reason: impl Into<String>) -> Error {
        Error::Trace {
            file: self.file.into(),
            line,
            reason: one_line(&reason.into()),
        }
    }

    /// Lines that say something, with their numbers.
    fn each(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate();
        numbered
            .map(|(at, line)| (at + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty())
    }

    fn number(&self, line: usize, cell: &str) -> Result<f64, Error> {
        let cell = cell.trim();
        cell.parse()
            .map_err(|_| self.fault(line, format!("{cell:?} is no number")))
    }

    /// A number of a download: bytes or time, which cannot be less than nothing.
    fn amount(&self, line: usize, what: &str, cell: &str) -> Result<f64, Error> {
        let value = self.number(line, cell)?;
        match value.is_finite() && value >= 0.0 {
            true => Ok(value),
            false => Err(self.fault(line, format!("{what} {value}"))),
        }
    }

    fn csv(&self) -> Result<Trace, Error> {
        let mut rows = Rows::default();
        let mut headed = false;
        for (line, text) in self.each() {
            let cells: Vec<&str> = text.split(',').map(str::trim).collect();
            if !headed {
                headed = true;
                if cells != ["seconds", "mbps"] {
                    return Err(self.fault(line, "the header is not `seconds,mbps`"));
                }
                continue;
            }
            let [time, rate] = cells[..] else {
                return Err(self.fault(line, format!("{} cells, not 2", cells.len())));
            };
            rows.push(line, self.number(line, time)?, self.number(line, rate)?);
        }
        rows.trace(self.file)
    }

    fn cooked(&self) -> Result<Trace, Error> {
        let mut rows = Rows::default();
        for (line, text) in self.each() {
            let cells: Vec<&str> = text.split_whitespace().collect();
            let [time, rate] = cells[..] else {
                return Err(self.fault(line, format!("{} cells, not 2", cells.len())));
            };
            rows.push(line, self.number(line, time)?, self.number(line, rate)?);
        }
        rows.trace(self.file)
    }

    fn mahimahi(&self) -> Result<Trace, Error> {
        let mut packets: Vec<f64> = Vec::new(); // in each step
        let (mut last, mut last_line) = (0_u64, 1);
        for (line, text) in self.each() {
            let ms: u64 = text
                .parse()
                .map_err(|_| self.fault(line, format!("{text:?} is no millisecond")))?;
            if ms < last {
                return Err(self.fault(line, format!("{ms} ms follows {last} ms")));
            }
            if ms > LONGEST_MS {
                return Err(self.fault(line, format!("{ms} ms: longer than three days")));
            }
            // A packet at the end of a step has come in it.
            let step = (ms.saturating_sub(1) / MAHIMAHI_STEP_MS) as usize;
            packets.resize(packets.len().max(step + 1), 0.0);
            packets[step] += 1.0;
            (last, last_line) = (ms, line);
        }
        let mut rows = Rows::default();
        if last == 0 {
            return Err(self.fault(last_line, "the trace is empty"));
        }
        for (step, count) in packets.iter().enumerate() {
            let from_ms = step as u64 * MAHIMAHI_STEP_MS;
            let to_ms = (from_ms + MAHIMAHI_STEP_MS).min(last);
            let mbps = count * PACKET_BYTES * 8.0 / ((to_ms - from_ms) as f64 * 1e3);
            if step == 0 {
                rows.push(1, 0.0, mbps);
            }
            rows.push(last_line, to_ms as f64 / 1e3, mbps);
        }
        rows.trace(self.file)
    }

    fn fcc(&self) -> Result<Vec<Trace>, Error> {
        // The columns: unit, clock, target, address, time, bytes in all, bytes a second, ...
        const UNIT: usize = 0;
        const TARGET: usize = 2;
        const RATE: usize = 6;
        let mut found: BTreeMap<(String, String), Rows> = BTreeMap::new();
        for (line, text) in self.each() {
            let cells: Vec<&str> = text.split(',').map(|cell| cell.trim_matches('"')).collect();
            if cells[UNIT].trim() == "unit_id" {
                continue;
            }
            if cells.len() <= RATE {
                return Err(self.fault(line, format!("{} cells, not 7 or more", cells.len())));
            }
            let mbps = self.amount(line, "bytes a second:", cells[RATE])? * 8.0 / 1e6;
            // Names of traces are told: nothing that a terminal would obey may be in them.
            let key = (one_line(cells[UNIT]), one_line(cells[TARGET]));
            let rows = found.entry(key).or_default();
            let time = rows.times_s.len() as f64 * FCC_STEP_S;
            rows.push(line, time, mbps);
        }
        if found.is_empty() {
            return Err(self.fault(1, "the trace is empty"));
        }
        // Most units were asked once or stood still: that is how these tables are, and no fault.
        let mut fault = None;
        let mut traces = Vec::new();
        for ((unit, target), rows) in found {
            match rows.trace(&format!("{}#{unit}_{target}", self.file)) {
                Ok(trace) => traces.push(trace),
                Err(error) => fault = Some(error),
            }
        }
        match fault {
            Some(error) if traces.is_empty() => Err(error),
            _ => Ok(traces),
        }
    }

    fn hsdpa(&self) -> Result<Trace, Error> {
        let mut rows = Rows::default();
        let mut time_s = 0.0;
        for (line, text) in self.each() {
            let cells: Vec<&str> = text.split_whitespace().collect();
            let [_, _, _, _, bytes, ms] = cells[..] else {
                return Err(self.fault(line, format!("{} cells, not 6", cells.len())));
            };
            let bytes = self.amount(line, "bytes:", bytes)?;
            let ms = self.amount(line, "milliseconds:", ms)?;
            if ms == 0.0 {
                return Err(self.fault(line, format!("{bytes} bytes in no time")));
            }
            let mbps = bytes * 8.0 / (ms * 1e3);
            if rows.times_s.is_empty() {
                rows.push(line, 0.0, mbps);
            }
            time_s += ms / 1e3;
            rows.push(line, time_s, mbps);
        }
        rows.trace(self.file)
    }
}
