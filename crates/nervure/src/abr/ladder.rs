//! `nervure abr ladder`: how good a video looks at each rung of a ladder, without models and with them.

mod judge;
mod pass;
mod rungs;
mod tiers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use nervure_abr::energy::Basis;
use nervure_abr::quality::{self, Measured, MeasuredVideo, QualityTable};
use nervure_media::Input;
use serde::Serialize;

use self::pass::{Source, Weighed};
use self::rungs::{Rungs, Size};
use self::tiers::Tier;
use crate::console::{Meter, fail, say};
use crate::output::{Pending, may_write};
use crate::score::Vmaf;
use crate::signals::{INTERRUPTED, Signals, TERMINATED};
use crate::table::table;

/// Measure how good a video looks at each bitrate, without models and with them
///
/// Each rung is made smaller (bicubic), coded by x264 at its rate, decoded, and made as large as the video
/// again: by Lanczos, and by models, which make pictures twice as large (three or four times where that
/// fits and there is such a model), with Lanczos to the size that is left. All of them are scored against
/// the video. The table is what `nervure abr bench --quality` counts by; of several videos it has the
/// means.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure abr ladder film.mkv --start 5:00 --seconds 20 --out film.toml
  nervure abr ladder a.mp4 b.mp4 c.mp4 --metric psnr --models none,xs,m --out mine.toml
  nervure abr ladder film.mkv --rungs 400@426x240,800@640x360,1200@854x480 --out film.toml
  nervure abr bench --traces lte --quality film.toml --video constant:400,800,1200 \\
      --device mine.toml --controllers robustmpc,robustmpc-enhanced")]
pub(crate) struct LadderArgs {
    /// Videos of one size, each read several times: files or URLs
    #[arg(value_name = "VIDEO", required = true)]
    videos: Vec<Input>,

    /// The table to write
    #[arg(short, long, value_name = "FILE.toml")]
    out: PathBuf,

    /// Rates in kbit/s with the sizes of their pictures, the lowest first, as in 300@416x234,750@640x360
    /// [default: the rates of the protocol P1, and above 1080 rows those of P2, with sizes up to the
    /// video's]
    #[arg(long, value_name = "RUNGS")]
    rungs: Option<String>,

    /// Tiers: none, sizes of the real-time models, names as in `nervure models list`, or files
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "none,xs,s,m,l"
    )]
    models: Vec<String>,

    /// What to score by. VMAF needs an ffmpeg with libvmaf, on the path or named by NERVURE_FFMPEG
    #[arg(long, value_enum, default_value = "vmaf-neg")]
    metric: Metric,

    /// Begin here in each video
    #[arg(long, value_name = "TIME", value_parser = crate::enhance::seconds)]
    start: Option<f64>,

    /// Take so much of each
    #[arg(long, value_name = "TIME", value_parser = crate::enhance::seconds, default_value = "10")]
    seconds: f64,

    /// Speed preset of x264
    #[arg(long, value_name = "NAME", default_value = "medium")]
    preset: String,

    /// What the table is called [default: as its file]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Threads that make pictures larger [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,

    /// Replace the table
    #[arg(long)]
    force: bool,

    /// Print the table as JSON on standard output
    #[arg(long)]
    json: bool,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// A metric that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Metric {
    /// VMAF without what it gives for sharpening, which models do
    VmafNeg,
    /// VMAF
    Vmaf,
    /// PSNR of luma
    Psnr,
}

impl From<Metric> for quality::Metric {
    fn from(metric: Metric) -> quality::Metric {
        match metric {
            Metric::VmafNeg => quality::Metric::VmafNeg,
            Metric::Vmaf => quality::Metric::Vmaf,
            Metric::Psnr => quality::Metric::Psnr,
        }
    }
}

/// What was found, for machines.
#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    table: &'a QualityTable,
    /// Which share of the rate each tier saves at each rung at the same quality; null where no rung
    /// without a model is as good.
    saved: Vec<Vec<Option<f64>>>,
}

/// The command.
pub(crate) fn run(args: &LadderArgs) -> Result<ExitCode> {
    let signals = Signals::listen()?;
    let table = match measure(args, &signals) {
        Err(_) if signals.stop() => {
            return Ok(ExitCode::from(match signals.terminated() {
                true => TERMINATED,
                false => INTERRUPTED,
            }));
        }
        outcome => outcome?,
    };
    write(&args.out, &table)?;
    let levels = 0..table.rungs.len();
    if args.json {
        let saved = |level| {
            let tiers = 0..table.tiers.len();
            tiers.map(|tier| table.saved(level, tier)).collect()
        };
        crate::print_json(&Report {
            file: &args.out,
            table: &table,
            saved: levels.map(saved).collect(),
        })?;
    } else {
        crate::print_text(&words(&table))?;
    }
    if !args.quiet {
        say(&format!("{}: {}", args.out.display(), table.source));
    }
    Ok(ExitCode::SUCCESS)
}

/// Does the work: every rung of every video.
fn measure(args: &LadderArgs, signals: &Signals) -> Result<QualityTable> {
    may_write(&args.out, args.force, "ladder.toml")?;
    if args.seconds <= 0.0 {
        return Err(fail("--seconds 0 leaves nothing to score", "give more"));
    }
    let tiers = tiers::find(&args.models)?;
    if args.metric != Metric::Psnr {
        // Not after minutes of other work.
        Vmaf::find().map_err(|error| {
            fail(
                error.to_string(),
                "set NERVURE_FFMPEG to an ffmpeg with libvmaf, or score by --metric psnr",
            )
        })?;
    }
    let sources = open(args)?;
    let size = Size::of(sources[0].format());
    let rungs = match &args.rungs {
        Some(text) => text.parse().map_err(|reason: String| {
            fail(
                reason,
                "rungs are kbit/s with sizes, as in 300@416x234,750@640x360",
            )
        })?,
        None => Rungs::usual(size),
    };
    rungs.check(size)?;
    let parts = (sources.len() * rungs.0.len()) as u64;
    let meter = Meter::new("ladder", parts * PARTS, args.quiet);
    let mut found: Vec<Vec<Weighed>> = Vec::new();
    for source in &sources {
        let mut rows = Vec::new();
        for rung in &rungs.0 {
            let before = (found.len() * rungs.0.len() + rows.len()) as u64 * PARTS;
            let tell = |share: f64| {
                let done = before + (share.clamp(0.0, 1.0) * PARTS as f64) as u64;
                meter.set(done, || {
                    format!("{} at {} kbit/s", source.name(), rung.kbps)
                });
            };
            rows.push(source.rung(rung, &tiers, args.metric, signals, &tell)?);
        }
        found.push(rows);
    }
    meter.finish();
    Ok(tabulate(args, &tiers, &rungs, &sources, &found))
}

/// Steps of progress in one rung of one video.
const PARTS: u64 = 1000;

/// The videos, which must be of one size.
fn open(args: &LadderArgs) -> Result<Vec<Source>> {
    let mut sources: Vec<Source> = Vec::new();
    let threads = args.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    );
    for input in &args.videos {
        let source = Source::open(input, args.start, args.seconds, &args.preset, threads)?;
        if let Some(first) = sources.first()
            && first.format() != source.format()
        {
            let (one, two) = (first.format(), source.format());
            return Err(fail(
                format!(
                    "the videos differ: {} is {one}, {} is {two}",
                    first.name(),
                    source.name()
                ),
                "make a table for each",
            ));
        }
        sources.push(source);
    }
    Ok(sources)
}

/// Thousandths are finer than anything here is known.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count().max(1) as f64
}

/// Means over the videos, and each video's own numbers.
fn tabulate(
    args: &LadderArgs,
    tiers: &[Tier],
    rungs: &Rungs,
    sources: &[Source],
    found: &[Vec<Weighed>],
) -> QualityTable {
    let stem = args.out.file_stem().unwrap_or_default().to_string_lossy();
    let metric = quality::Metric::from(args.metric);
    let frames: u64 = found.iter().map(|rows| rows[0].frames).sum();
    let (count, what) = match sources.len() {
        1 => (String::new(), "video"),
        count => (format!("{count} "), "videos"),
    };
    let of = |rung: usize, part: &dyn Fn(&Weighed) -> f64| {
        rounded(mean(found.iter().map(|rows| part(&rows[rung]))))
    };
    let each = 0..tiers.len();
    let row = |at: usize| quality::Rung {
        kbps: rungs.0[at].kbps,
        width: rungs.0[at].size.width,
        height: rungs.0[at].size.height,
        quality: each
            .clone()
            .map(|tier| of(at, &|it| it.quality[tier]))
            .collect(),
        measured_kbps: Some(of(at, &|it| it.kbps)),
        frames_per_s: found[0][at].frames_per_s.as_ref().map(|_| {
            let rate = |tier: usize| {
                of(at, &|it| {
                    it.frames_per_s.as_ref().map_or(0.0, |rates| rates[tier])
                })
            };
            each.clone().map(rate).collect()
        }),
    };
    let video = |(source, rows): (&Source, &Vec<Weighed>)| MeasuredVideo {
        name: source.name(),
        width: source.format().width,
        height: source.format().height,
        frames: rows[0].frames,
        kbps: rows.iter().map(|row| rounded(row.kbps)).collect(),
        quality: rows
            .iter()
            .map(|row| row.quality.iter().copied().map(rounded).collect())
            .collect(),
    };
    QualityTable {
        schema: quality::SCHEMA,
        name: args.name.clone().unwrap_or_else(|| stem.into_owned()),
        metric,
        tiers: tiers.iter().map(|tier| tier.name.clone()).collect(),
        basis: Basis::Measured,
        source: format!("{metric} of {count}{what}, {frames} frames, by nervure abr ladder"),
        zero: None,
        units_per_point: None,
        rebuffer_penalty: None,
        switch_penalty: None,
        joule_penalty: None,
        rungs: (0..rungs.0.len()).map(row).collect(),
        measured: Some(Measured {
            tool: format!("nervure {}", env!("CARGO_PKG_VERSION")),
            encoder: format!("x264, preset {}, average bitrate, one thread", args.preset),
            method:
                "made smaller by bicubic; made larger by Lanczos in the tier none, else by the \
                     model and then by Lanczos to the size that is left"
                    .into(),
            threads: sources[0].threads(),
            videos: sources.iter().zip(found).map(video).collect(),
        }),
    }
}

/// Writes the table, whole or not at all.
fn write(path: &Path, table: &QualityTable) -> Result<()> {
    let text = format!(
        "# How good each rung looks in each tier: docs/abr.md says what the keys mean.\n{}",
        table.to_toml()?
    );
    let pending = Pending::new(path);
    fs::write(pending.part(), text).with_context(|| format!("cannot write {}", path.display()))?;
    pending.finish()
}

/// The table as people read it.
fn words(found: &QualityTable) -> String {
    let head = |more: &[&str], tiers: &[String]| -> Vec<String> {
        let words = ["kbit/s", "size"].iter().chain(more);
        let words = words.map(|word| (*word).to_string());
        words.chain(tiers.iter().cloned()).collect()
    };
    let mut scores = vec![head(&["weighs"], &found.tiers)];
    let mut saved = vec![head(&[], &found.tiers[1..])];
    let mut speeds = vec![head(&[], &found.tiers)];
    for (level, rung) in found.rungs.iter().enumerate() {
        let begin = [
            rung.kbps.to_string(),
            format!("{}x{}", rung.width, rung.height),
        ];
        let weighs = rung
            .measured_kbps
            .map_or("–".into(), |rate| format!("{rate:.0}"));
        let plain = rung.quality[0];
        let tiers = rung.quality.iter().enumerate();
        let values = tiers.map(|(tier, value)| match tier {
            0 => format!("{value:.2}"),
            _ => format!("{value:.2} ({:+.2})", value - plain),
        });
        scores.push(
            begin
                .iter()
                .cloned()
                .chain([weighs])
                .chain(values)
                .collect(),
        );
        // Pictures as large as the video were in no tier made larger.
        let Some(rates) = &rung.frames_per_s else {
            continue;
        };
        let share = |tier| match found.saved(level, tier) {
            Some(share) => format!("{:+.1}%", share * 100.0),
            None => "–".into(),
        };
        let shares = (1..found.tiers.len()).map(share);
        saved.push(begin.iter().cloned().chain(shares).collect());
        let rates = rates.iter().map(|rate| format!("{rate:.0}"));
        speeds.push(begin.into_iter().chain(rates).collect());
    }
    let metric = found.metric;
    let mut text = format!("{metric}:\n{}", table(&scores, 2));
    if saved.len() > 1 && found.tiers.len() > 1 {
        text += &format!(
            "\nOf the rate, saved at the same {metric} without a model:\n{}",
            table(&saved, 2)
        );
    }
    if speeds.len() > 1 {
        text += &format!("\nFrames/s on this machine:\n{}", table(&speeds, 2));
    }
    text
}
