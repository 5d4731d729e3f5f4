//! What a dataset holds, in words and bars.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use anyhow::{Context, Result};
use nervure_dataset::inspect::{Bin, Group, Overview};

use crate::table::{table, width};

/// Columns of the longest bar.
const LONGEST: usize = 40;
/// Skipped sources that are named; all are counted.
const MOST_SKIPPED: usize = 10;

/// Prints the tables on standard output.
pub(super) fn print(name: &str, overview: &Overview) -> Result<()> {
    io::stdout()
        .write_all(page(name, overview).as_bytes())
        .context("cannot write standard output")
}

fn page(name: &str, overview: &Overview) -> String {
    let mut page = format!(
        "{name}: {} clips of {} sources, {} pairs ({} of video), layout {}\nmade by {}\n",
        overview.clips,
        overview.sources,
        overview.frames,
        duration(overview.seconds),
        overview.layout,
        overview.made_by,
    );
    let mut add = |title: &str, table: String| {
        if !table.is_empty() {
            // Writing to a string does not fail.
            let _ = write!(page, "\n{title}\n{table}");
        }
    };
    add("by codec", groups("codec", &overview.codecs));
    add("by content", groups("content", &overview.content));
    add("measured rate, kbit/s", histogram(&overview.rates));
    add("PSNR of luma by Lanczos, dB", histogram(&overview.psnr));
    let skipped = overview.skipped.iter().take(MOST_SKIPPED);
    let mut lines: String = skipped
        .map(|skipped| format!("  {}: {}\n", skipped.source, skipped.reason))
        .collect();
    if overview.skipped.len() > MOST_SKIPPED {
        let more = overview.skipped.len() - MOST_SKIPPED;
        let _ = writeln!(lines, "  ... and {more} more");
    }
    add("skipped", lines);
    page
}

fn groups(what: &str, groups: &[Group]) -> String {
    let asked = groups.iter().any(|group| group.asked.is_some());
    let mut rows = vec![vec![
        what.to_string(),
        "asked".into(),
        "clips".into(),
        "pairs".into(),
        "kbit/s".into(),
        "PSNR-Y".into(),
        "SSIM".into(),
        "packets lost".into(),
        "frames damaged".into(),
    ]];
    let share = |share: f64| format!("{:.1}%", 100.0 * share);
    for group in groups {
        rows.push(vec![
            group.name.clone(),
            group.asked.clone().unwrap_or_default(),
            group.clips.to_string(),
            group.frames.to_string(),
            format!("{:.0}", group.measured_kbps),
            group.psnr_y.map_or("-".into(), |psnr| format!("{psnr:.2}")),
            format!("{:.4}", group.ssim),
            group.lost_packets.map_or("-".into(), share),
            match group.lost_packets {
                Some(_) => share(group.damaged_frames),
                None => "-".into(),
            },
        ]);
    }
    if !asked {
        for row in &mut rows {
            row.remove(1);
        }
    }
    table(&rows, if asked { 2 } else { 1 })
}

fn histogram(bins: &[Bin]) -> String {
    let most = bins.iter().map(|bin| bin.clips).max().unwrap_or(0).max(1);
    let rows: Vec<[String; 3]> = bins
        .iter()
        .map(|bin| [number(bin.from), number(bin.to), bin.clips.to_string()])
        .collect();
    let wide = |column: usize| {
        rows.iter()
            .map(|row| width(&row[column]))
            .max()
            .unwrap_or(0)
    };
    let (from, to, count) = (wide(0), wide(1), wide(2));
    rows.iter()
        .zip(bins)
        .map(|(row, bin)| {
            let bar = bar(bin.clips as f64 / most as f64);
            let line = format!(
                "  {:>from$} - {:<to$}  {:>count$}  {bar}",
                row[0], row[1], row[2]
            );
            format!("{}\n", line.trim_end())
        })
        .collect()
}

/// A bar of this share of the longest, in eighths of a column; what is there at all is seen.
fn bar(share: f64) -> String {
    let eighths = (share * (8 * LONGEST) as f64).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let mut bar = "█".repeat(eighths / 8);
    if let Some(rest) = (eighths % 8).checked_sub(1) {
        bar.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][rest]);
    }
    bar
}

/// A number with no more digits than it needs.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(Into::into).unwrap_or(text)
}

fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{seconds:.1} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_with_their_share() {
        assert_eq!(bar(0.0), "");
        assert_eq!(bar(1e-9), "▏");
        assert_eq!(bar(1.0), "█".repeat(LONGEST));
        assert_eq!(bar(0.5), "█".repeat(LONGEST / 2));
    }

    #[test]
    fn histograms_line_up() {
        let bin = |from, to, clips| Bin { from, to, clips };
        let text = histogram(&[bin(12.5, 25.0, 1), bin(25.0, 50.0, 0), bin(50.0, 100.0, 40)]);
        let expected = format!(
            "  12.5 - 25    1  █\n    25 - 50    0\n    50 - 100  40  {}\n",
            "█".repeat(40)
        );
        assert_eq!(text, expected);
        assert_eq!(histogram(&[]), "");
    }

    #[test]
    fn durations_are_read_at_a_glance() {
        assert_eq!(duration(9.96), "10.0 s");
        assert_eq!(duration(61.0), "1 min 01 s");
        assert_eq!(duration(7260.0), "2 h 01 min");
    }
}
