//! Bandwidth traces: how fast a link was, row by row.

mod generate;
mod read;

pub use generate::{Markov, MarkovState};
pub use read::{Format, detect, parse, read_file, read_folder};

use serde::{Deserialize, Serialize};

use crate::Error;

/// The least mean rate of a trace in Mbit/s: below it, one chunk would take days.
const SLOWEST_MBPS: f64 = 0.001;

/// The shortest trace in seconds: a shorter one would be gone round for ever.
const SHORTEST_S: f64 = 0.1;

/// The latest time in seconds, and the fastest rate in Mbit/s: beyond them, numbers are mistakes.
const LATEST_S: f64 = 1e9;
const FASTEST_MBPS: f64 = 1e6;

/// What a link gave. Row `i` is the mean rate from the time of row `i - 1` to its own; the first row
/// only marks where time begins.
///
/// ```
/// use nervure_abr::trace::Trace;
///
/// let trace = Trace::new("commute", vec![0.0, 1.0, 3.0], vec![0.0, 4.0, 1.0])?;
/// assert_eq!(trace.seconds(), 3.0);
/// assert_eq!(trace.mean_mbps(), 2.0);
/// assert!(Trace::new("backwards", vec![0.0, 2.0, 1.0], vec![1.0; 3]).is_err());
/// # Ok::<(), nervure_abr::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    name: String,
    times_s: Vec<f64>,
    mbps: Vec<f64>,
}

impl Trace {
    /// A trace of rows.
    ///
    /// # Errors
    /// When there are not two rows, times do not rise or hardly, or rates are negative, no numbers, or all zero.
    pub fn new(name: impl Into<String>, times_s: Vec<f64>, mbps: Vec<f64>) -> Result<Trace, Error> {
        let lines: Vec<usize> = (1..=times_s.len()).collect();
        Trace::of_lines(&name.into(), times_s, mbps, &lines)
    }

    /// A trace whose rows stood on these lines of a file.
    fn of_lines(
        name: &str,
        times_s: Vec<f64>,
        mbps: Vec<f64>,
        lines: &[usize],
    ) -> Result<Trace, Error> {
        let last = lines.last().copied().unwrap_or(1);
        let fault = |line: usize, reason: String| Error::Trace {
            file: name.into(),
            line,
            reason,
        };
        if times_s.len() != mbps.len() {
            let reason = format!("{} times and {} rates", times_s.len(), mbps.len());
            return Err(fault(last, reason));
        }
        for (row, (time, rate)) in times_s.iter().zip(&mbps).enumerate() {
            let line = lines[row];
            if !(0.0..=LATEST_S).contains(time) {
                return Err(fault(line, format!("the time {time} is no time")));
            }
            if row > 0 && *time <= times_s[row - 1] {
                let before = times_s[row - 1];
                return Err(fault(line, format!("the time {time} s follows {before} s")));
            }
            if !(0.0..=FASTEST_MBPS).contains(rate) {
                return Err(fault(line, format!("the rate {rate} Mbit/s is no rate")));
            }
        }
        if times_s.len() < 2 {
            let reason = match times_s.len() {
                0 => "the trace is empty",
                _ => "one row makes no trace: the first only marks where time begins",
            };
            return Err(fault(last, reason.into()));
        }
        if mbps[1..].iter().all(|rate| *rate == 0.0) {
            let reason = "every rate behind the first row is zero: nothing would ever arrive";
            return Err(fault(last, reason.into()));
        }
        let trace = Trace {
            name: name.into(),
            times_s,
            mbps,
        };
        if trace.seconds() < SHORTEST_S {
            let reason = format!("{:.2e} s in all, less than {SHORTEST_S}", trace.seconds());
            return Err(fault(last, reason));
        }
        let mean = trace.mean_mbps();
        if mean.is_nan() || mean < SLOWEST_MBPS {
            let reason = format!("{mean:.2e} Mbit/s in the mean, less than {SLOWEST_MBPS}");
            return Err(fault(last, reason));
        }
        Ok(trace)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The times of its rows in seconds.
    #[must_use]
    pub fn times_s(&self) -> &[f64] {
        &self.times_s
    }

    /// The rates of its rows in Mbit/s.
    #[must_use]
    pub fn mbps(&self) -> &[f64] {
        &self.mbps
    }

    /// The same link, this many times as fast.
    ///
    /// # Errors
    /// When it is then too slow or too fast for a link.
    pub fn faster(&self, factor: f64) -> Result<Trace, Error> {
        let mbps = self.mbps.iter().map(|rate| rate * factor).collect();
        Trace::new(&self.name, self.times_s.clone(), mbps)
    }

    /// From the first row to the last.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.times_s[self.times_s.len() - 1] - self.times_s[0]
    }

    /// The mean rate over time.
    #[must_use]
    pub fn mean_mbps(&self) -> f64 {
        let steps = self.times_s.windows(2).map(|pair| pair[1] - pair[0]);
        let sum: f64 = steps
            .zip(&self.mbps[1..])
            .map(|(step, rate)| step * rate)
            .sum();
        sum / self.seconds()
    }

    /// The share of time in which nothing arrived.
    #[must_use]
    pub fn outage(&self) -> f64 {
        let steps = self.times_s.windows(2).map(|pair| pair[1] - pair[0]);
        let still = steps.zip(&self.mbps[1..]).filter(|(_, rate)| **rate == 0.0);
        // From 0, since an empty sum is -0.
        still.fold(0.0, |sum, (step, _)| sum + step) / self.seconds()
    }

    /// As a table `seconds,mbps`, which [`parse`] reads back to the same trace.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from("seconds,mbps\n");
        for (time, rate) in self.times_s.iter().zip(&self.mbps) {
            text.push_str(&format!("{time},{rate}\n"));
        }
        text
    }

    /// As Pensieve's simulators read it: seconds and Mbit/s, no header.
    #[must_use]
    pub fn to_cooked(&self) -> String {
        let rows = self.times_s.iter().zip(&self.mbps);
        rows.map(|(time, rate)| format!("{time} {rate}\n"))
            .collect()
    }

    /// As Mahimahi reads it: the millisecond of each packet of 1500 bytes. What is left of a packet
    /// at the end of a row counts in the next.
    #[must_use]
    pub fn to_mahimahi(&self) -> String {
        let start = self.times_s[0];
        let mut text = String::new();
        let mut owed = 0.0;
        for (pair, rate) in self.times_s.windows(2).zip(&self.mbps[1..]) {
            let (from_ms, to_ms) = ((pair[0] - start) * 1e3, (pair[1] - start) * 1e3);
            let packets_per_ms = rate * 1e3 / (read::PACKET_BYTES * 8.0);
            let mut at = from_ms;
            if packets_per_ms == 0.0 {
                continue;
            }
            loop {
                let needed = (1.0 - owed) / packets_per_ms;
                if at + needed > to_ms {
                    owed += (to_ms - at) * packets_per_ms;
                    break;
                }
                at += needed;
                owed = 0.0;
                text.push_str(&format!("{}\n", at.ceil() as u64));
            }
        }
        text
    }
}

/// Every so many traces of a folder, from one on: `1/2` is the first, the third and so on, `2/2` is the
/// rest. What one part decides can so be measured on another.
///
/// ```
/// use nervure_abr::trace::Part;
///
/// let part: Part = "2/3".parse()?;
/// assert_eq!(part.of(vec!['a', 'b', 'c', 'd', 'e']), ['b', 'e']);
/// assert!("0/2".parse::<Part>().is_err() && "3/2".parse::<Part>().is_err());
/// # Ok::<(), nervure_abr::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Part {
    which: usize,
    of: usize,
}

impl Part {
    /// What belongs to it.
    #[must_use]
    pub fn of<T>(&self, all: Vec<T>) -> Vec<T> {
        all.into_iter()
            .skip(self.which - 1)
            .step_by(self.of)
            .collect()
    }
}

impl std::str::FromStr for Part {
    type Err = Error;

    fn from_str(text: &str) -> Result<Part, Error> {
        let numbers = text.split_once('/');
        let numbers = numbers.map(|(which, of)| (which.parse().ok(), of.parse().ok()));
        match numbers {
            Some((Some(which), Some(of))) if which > 0 && which <= of => Ok(Part { which, of }),
            _ => Err(Error::setting(text, "a part of traces is named as in 1/2")),
        }
    }
}

impl TryFrom<String> for Part {
    type Error = Error;

    fn try_from(text: String) -> Result<Part, Error> {
        text.parse()
    }
}

impl From<Part> for String {
    fn from(part: Part) -> String {
        part.to_string()
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.which, self.of)
    }
}

#[cfg(test)]
mod tests;
