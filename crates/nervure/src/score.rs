//! `nervure score`: how far a video is from its reference, frame by frame.
//!
//! Two threads decode, frames are paired by time on the caller's, and further threads compute the
//! metrics. Queues between them are bounded and frames come back to their reader's memory.

mod measure;
mod pairs;
mod report;
mod vmaf;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use nervure_frame::metrics::Metrics;
use nervure_frame::{PictureFormat, Range, Rotation};
use nervure_media::{Damage, Input, OpenOptions, Reader};
use serde::Serialize;

use crate::console::{Progress, fail, note};
use crate::signals::{INTERRUPTED, Signals, TERMINATED};
pub(crate) use measure::Pair;
use measure::{Interrupted, Measurement};
use report::Report;
pub(crate) use vmaf::{Scoring, Vmaf};

/// Measure how far a video is from its reference.
#[derive(Args, Debug)]
#[command(after_help = "\
Frames are paired by time; frames that have no partner within half a frame are counted, not compared.

Examples:
  nervure score original.mp4 enhanced.mp4
  nervure score original.mp4 enhanced.mp4 --json --csv frames.csv --plot quality.svg
  nervure score original.mp4 enhanced.mp4 --vmaf
  ffmpeg -i encoded.mp4 -f yuv4mpegpipe - | nervure score original.y4m -")]
pub(crate) struct ScoreArgs {
    /// What it should look like: a file, a URL, `-` for standard input, or `FORMAT:NAME`
    #[arg(value_name = "REF")]
    reference: Input,

    /// What it looks like, in the same size and format
    #[arg(value_name = "DIST")]
    distorted: Input,

    /// What to compute
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "psnr,ssim,ms-ssim"
    )]
    metrics: Vec<Metric>,

    /// VMAF and VMAF-NEG too, by an ffmpeg that has libvmaf (NERVURE_FFMPEG, or on PATH)
    #[arg(long)]
    vmaf: bool,

    /// Pair frames by the files' own clocks instead of from each one's first frame
    #[arg(long)]
    absolute: bool,

    /// Print the scores as JSON on standard output
    #[arg(long)]
    json: bool,

    /// Write the scores of every frame here
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Draw the score over time here: a name in .png or .svg
    #[arg(long, value_name = "FILE", value_parser = picture)]
    plot: Option<PathBuf>,

    /// What to draw [default: vmaf if computed, else the first of --metrics]
    #[arg(long, value_enum, value_name = "METRIC", requires = "plot")]
    plot_metric: Option<Curve>,

    /// Threads for each decoder, and for the metrics [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,

    /// No progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

/// A metric that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Metric {
    /// Peak signal-to-noise ratio of each plane and over all
    Psnr,
    /// Structural similarity
    Ssim,
    /// Multi-scale structural similarity of luma
    MsSsim,
}

/// A metric that can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Curve {
    /// Of each plane
    Psnr,
    /// Of luma and over all
    Ssim,
    /// Of luma
    MsSsim,
    /// With VMAF-NEG
    Vmaf,
}

/// A name that a chart can be written to.
fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    if ending.is_some_and(|ending| ending == "png" || ending == "svg") {
        Ok(path)
    } else {
        Err("a chart's name ends in .png or .svg".into())
    }
}

/// The command.
pub(crate) fn run(args: &ScoreArgs) -> Result<ExitCode> {
    let signals = Signals::listen()?;
    let report = match score(args, &signals) {
        Err(error) if error.is::<Interrupted>() => {
            let terminated = signals.terminated();
            let status = if terminated { TERMINATED } else { INTERRUPTED };
            return Ok(ExitCode::from(status));
        }
        outcome => outcome?,
    };
    if args.json {
        crate::print_json(&report)?;
    } else {
        report.print()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Does the work and accounts for it.
pub(crate) fn score(args: &ScoreArgs, signals: &Signals) -> Result<Report> {
    check_inputs(args)?;
    let curve = args.curve()?;
    let vmaf = args.vmaf.then(Vmaf::find).transpose()?;
    let threads = args.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    );
    let open = OpenOptions {
        threads: args.threads.map_or(0, usize::from),
        ..OpenOptions::default()
    };
    let reference = Reader::open(&args.reference, &open)?;
    let distorted = Reader::open(&args.distorted, &open)?;
    let turns = turns(&reference, &distorted);
    let format = comparable(&reference, &distorted, turns)?;
    if !args.quiet {
        tell_differences(&reference, &distorted, args.absolute);
    }

    let names = [&reference, &distorted].map(|reader| reader.info().name.clone());
    let video = &reference.info().video;
    let frame_seconds = video
        .frame_rate
        .map(|(num, den)| f64::from(den) / f64::from(num));
    let mut progress = Progress::new("score", video.frames, 0, frame_seconds, args.quiet);
    let measurement = Measurement {
        metrics: args.wanted(),
        threads,
        absolute: args.absolute,
        frame_seconds: frame_seconds.unwrap_or(1.0 / 25.0),
        keep_frames: args.csv.is_some() || args.plot.is_some() || args.vmaf,
        vmaf: vmaf
            .map(|vmaf| vmaf.start(format, video.colour, threads))
            .transpose()?,
        signals,
    };
    let measured = measurement.run([(reference, turns[0]), (distorted, turns[1])], || {
        progress.advance();
    });
    progress.finish();
    let measured = measured?;
    if measured.pooled.frames() == 0 {
        return Err(fail(
            "no frame of one video is shown when a frame of the other is",
            match args.absolute {
                true => "without --absolute, time counts from each one's first frame",
                false => "are these the same scene?",
            },
        ));
    }
    if !args.quiet {
        for (name, damage) in names.iter().zip(&measured.damage) {
            tell_damage(name, damage);
        }
    }
    let report = Report::new(names, format, &measured, progress.frames_per_second());
    if let Some(path) = &args.csv {
        report::write_csv(path, &measured)?;
    }
    if let Some(path) = &args.plot {
        report::plot(path, &report, &measured, curve)?;
    }
    Ok(report)
}

impl ScoreArgs {
    fn wanted(&self) -> Metrics {
        let has = |metric| self.metrics.contains(&metric);
        Metrics {
            psnr: has(Metric::Psnr),
            ssim: has(Metric::Ssim),
            ms_ssim: has(Metric::MsSsim),
        }
    }

    /// What to draw, if anything is drawn.
    fn curve(&self) -> Result<Curve> {
        let first = match self.metrics.first() {
            _ if self.vmaf => Curve::Vmaf,
            Some(Metric::Ssim) => Curve::Ssim,
            Some(Metric::MsSsim) => Curve::MsSsim,
            Some(Metric::Psnr) | None => Curve::Psnr,
        };
        let curve = self.plot_metric.unwrap_or(first);
        let wanted = self.wanted();
        let computed = match curve {
            Curve::Psnr => wanted.psnr,
            Curve::Ssim => wanted.ssim,
            Curve::MsSsim => wanted.ms_ssim,
            Curve::Vmaf => self.vmaf,
        };
        if computed {
            Ok(curve)
        } else {
            Err(fail(
                "what is to be drawn is not computed",
                "add it to --metrics, or ask for --vmaf",
            ))
        }
    }
}

/// Refuses what would read one source twice or write over a source.
fn check_inputs(args: &ScoreArgs) -> Result<()> {
    if args.reference == Input::Stdin && args.distorted == Input::Stdin {
        return Err(fail(
            "standard input cannot be both videos",
            "give one of them as a file",
        ));
    }
    let same = |output: &Path, input: &Input| match input {
        Input::Path(path) => fs::canonicalize(path)
            .and_then(|path| Ok(path == fs::canonicalize(output)?))
            .unwrap_or(false),
        _ => false,
    };
    for output in args.csv.iter().chain(&args.plot) {
        if [&args.reference, &args.distorted]
            .into_iter()
            .any(|input| same(output, input))
        {
            return Err(fail(
                format!("{} would be written over", output.display()),
                "give the report another name",
            ));
        }
    }
    if args.csv.is_some() && args.csv == args.plot {
        return Err(fail(
            "the table and the chart have one name",
            "give them two",
        ));
    }
    Ok(())
}

/// How frames are turned before they are compared: not at all, unless players show the two videos
/// turned differently from how they are stored.
fn turns(reference: &Reader, distorted: &Reader) -> [Rotation; 2] {
    let turns = [reference, distorted].map(|reader| reader.info().video.rotation);
    if turns[0] == turns[1] {
        [Rotation::NONE; 2]
    } else {
        turns
    }
}

/// The format in which both are compared, or why they cannot be.
fn comparable(
    reference: &Reader,
    distorted: &Reader,
    turns: [Rotation; 2],
) -> Result<PictureFormat> {
    let format = |reader: &Reader, turn: Rotation| turn.format(reader.info().video.format);
    let (one, two) = (format(reference, turns[0]), format(distorted, turns[1]));
    if one == two {
        return Ok(one);
    }
    let (what, hint) = if (one.width, one.height) != (two.width, two.height) {
        (
            "size",
            "scale one of them first: `nervure enhance --scale`, or ffmpeg's scale filter",
        )
    } else if one.chroma != two.chroma {
        (
            "chroma subsampling",
            "convert one of them first, as with `ffmpeg -pix_fmt yuv420p`",
        )
    } else {
        (
            "bit depth",
            "convert one of them first, as with `ffmpeg -pix_fmt yuv420p10le`",
        )
    };
    Err(fail(
        format!(
            "the videos differ in {what}: {} is {one}, {} is {two}",
            reference.info().name,
            distorted.info().name
        ),
        hint,
    ))
}

/// Tells what makes a comparison doubtful though not impossible.
fn tell_differences(reference: &Reader, distorted: &Reader, absolute: bool) {
    let (one, two) = (reference.info(), distorted.info());
    let (range, other) = (one.video.colour.range, two.video.colour.range);
    let full = |range| range == Range::Full;
    if full(range) != full(other) {
        note(&format!(
            "{} has {} range and {} {}: sample values are compared as they are",
            one.name,
            if full(range) { "full" } else { "limited" },
            two.name,
            if full(other) { "full" } else { "limited" },
        ));
    }
    let start = |info: &nervure_media::SourceInfo| match info.broadcast_clock {
        true => None,
        false => Some(info.video.start? as f64 * info.video.time_base.seconds()),
    };
    if let (Some(first), Some(second), false) = (start(one), start(two), absolute) {
        let half = one
            .video
            .frame_rate
            .map_or(0.02, |(num, den)| f64::from(den) / f64::from(num) / 2.0);
        if (first - second).abs() >= half {
            note(&format!(
                "{} starts {:.3} s {} than {} by its own clock; they are compared from their first \
                 frames (--absolute goes by the clocks)",
                two.name,
                (first - second).abs(),
                if second > first { "later" } else { "earlier" },
                one.name,
            ));
        }
    }
}

/// Tells what was wrong with a source.
fn tell_damage(name: &str, damage: &Damage) {
    let counts = [
        (damage.frames, "damaged frames"),
        (damage.packets, "packets that could not be decoded"),
        (damage.timestamps, "mended timestamps"),
        (damage.deinterlaced, "deinterlaced frames"),
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        note(&format!("{name}: {count} {what}"));
    }
    if damage.truncated {
        note(&format!("{name} breaks off before its end"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: ScoreArgs,
    }

    fn parse(text: &str) -> Result<ScoreArgs, clap::Error> {
        let words = ["score"].into_iter().chain(text.split(' '));
        Command::try_parse_from(words).map(|command| command.args)
    }

    #[test]
    fn what_is_drawn_is_what_is_computed() {
        let curve = |text: &str| parse(text).unwrap().curve().ok();
        assert_eq!(curve("a b --plot c.svg"), Some(Curve::Psnr));
        assert_eq!(curve("a b --vmaf --plot c.svg"), Some(Curve::Vmaf));
        assert_eq!(curve("a b --metrics ms-ssim,psnr"), Some(Curve::MsSsim));
        assert_eq!(curve("a b --plot c.png --plot-metric vmaf"), None);
        assert!(parse("a b --plot c.gif").is_err());
        assert!(parse("a b --metrics vif").is_err());
    }

    #[test]
    fn standard_input_is_one_video() {
        assert!(check_inputs(&parse("- -").unwrap()).is_err());
        assert!(check_inputs(&parse("- b.mp4").unwrap()).is_ok());
        assert!(check_inputs(&parse("a b --csv c.svg --plot c.svg").unwrap()).is_err());
    }
}
