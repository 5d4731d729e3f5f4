//! `nervure sample`: synthetic video to try things on.

mod contact;
mod sink;
mod sound;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat};
use nervure_media::Codec;
use nervure_media::scenes::{Reel, Scene, SceneSpec};
use serde::Serialize;

use crate::console::{Progress, fail, say};
use crate::output::{Pending, may_write};
use crate::signals::{INTERRUPTED, Signals, TERMINATED};
use sink::Sink;
use sound::Sound;

/// Render synthetic scenes into a video file: material for tests and demos.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure sample -o reel.mkv                                all scenes, lossless
  nervure sample --scene sports --seconds 10 --size 1920x1080 -o match.mp4
  nervure sample --scene grain --depth 10 --codec hevc --crf 16 -o night.mkv
  nervure sample --scene screen -o - | ffplay -
  nervure sample --contact-sheet scenes.png")]
pub(crate) struct SampleArgs {
    /// Which scene, or all of them one after the other
    #[arg(long, default_value = "all", value_name = SCENES)]
    pub(crate) scene: Which,

    /// Which version of the scene; each number is another
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,

    /// Width and height
    #[arg(long, default_value = "1280x720", value_parser = size, value_name = "WxH")]
    pub(crate) size: (usize, usize),

    /// Length in seconds
    #[arg(long, default_value = "6", value_parser = seconds, value_name = "N")]
    pub(crate) seconds: f64,

    /// Frames a second: `30`, `29.97`, `30000/1001`
    #[arg(long, default_value = "30", value_parser = rate, value_name = "N")]
    pub(crate) fps: (u32, u32),

    /// Bits of a sample
    #[arg(long, value_enum, default_value_t = Depth::Eight)]
    pub(crate) depth: Depth,

    /// Chroma subsampling
    #[arg(long, value_enum, default_value_t = Subsampling::C420)]
    pub(crate) chroma: Subsampling,

    /// The result: a file in .mkv, .mp4, .webm or .y4m, or `-` for Y4M on standard output
    #[arg(
        short,
        long,
        value_name = "OUT",
        required_unless_present = "contact_sheet"
    )]
    pub(crate) output: Option<PathBuf>,

    /// Codec of the result [default: ffv1 in .mkv, h264 in .mp4, vp9 in .webm]
    #[arg(long, value_parser = codec, value_name = "h264|hevc|vp8|vp9|av1|ffv1")]
    pub(crate) codec: Option<Codec>,

    /// Constant quality: lower is better and larger [default: by codec]
    #[arg(long, value_name = "N")]
    pub(crate) crf: Option<f32>,

    /// Add a beep and a flash at every full second, to see and hear whether they stay together
    #[arg(long)]
    pub(crate) sound: bool,

    /// Also draw a sheet of pictures of the scenes
    #[arg(long, value_name = "OUT.png")]
    pub(crate) contact_sheet: Option<PathBuf>,

    /// Replace existing files
    #[arg(long)]
    pub(crate) force: bool,

    /// Print the summary as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,

    /// No progress and no summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

const SCENES: &str = "sports|animation|talking-head|action|screen|grain|all";

/// One scene or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Every scene, in order.
    All,
    /// This one.
    One(Scene),
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Which::All);
        }
        text.parse()
            .map(Which::One)
            .map_err(|error| format!("{error}; the scenes are {}", SCENES.replace('|', ", ")))
    }
}

impl Which {
    fn scenes(self) -> Vec<Scene> {
        match self {
            Which::All => Scene::all().to_vec(),
            Which::One(scene) => vec![scene],
        }
    }
}

/// Bits of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Depth {
    /// 8
    #[value(name = "8")]
    Eight,
    /// 10
    #[value(name = "10")]
    Ten,
}

/// Chroma subsampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subsampling {
    /// Halved both ways
    #[value(name = "420")]
    C420,
    /// Halved across
    #[value(name = "422")]
    C422,
    /// Whole
    #[value(name = "444")]
    C444,
}

/// What was rendered. A stable interface: keys are added, never renamed.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Where the video is; `-` for standard output, null when only a contact sheet was drawn.
    pub(crate) output: Option<String>,
    /// The scenes in their order, each with its first frame.
    pub(crate) scenes: Vec<Cut>,
    /// Which version of them.
    pub(crate) seed: u64,
    /// In luma samples.
    pub(crate) width: usize,
    /// In luma samples.
    pub(crate) height: usize,
    /// `4:2:0` and the like, with the bit depth.
    pub(crate) format: String,
    /// Frames in the video.
    pub(crate) frames: u64,
    /// Frames a second, as a fraction.
    pub(crate) frame_rate: String,
    /// libav's name of the codec; null for uncompressed frames.
    pub(crate) codec: Option<String>,
    /// Size of the file.
    pub(crate) bytes: Option<u64>,
    /// Where the contact sheet is.
    pub(crate) contact_sheet: Option<String>,
    /// Whether Ctrl-C ended it early; nothing was kept then.
    pub(crate) interrupted: bool,
    /// Wall time.
    pub(crate) seconds: f64,
    /// Frames rendered and written a second.
    pub(crate) frames_per_second: f64,
}

/// Where a scene begins.
#[derive(Debug, Serialize)]
pub(crate) struct Cut {
    /// Its name.
    pub(crate) scene: String,
    /// The number of its first frame.
    pub(crate) frame: u64,
}

/// The command.
pub(crate) fn run(args: &SampleArgs) -> Result<ExitCode> {
    let signals = Signals::listen()?;
    let summary = sample(args, &signals)?;
    if summary.interrupted {
        let code = if signals.terminated() {
            TERMINATED
        } else {
            INTERRUPTED
        };
        return Ok(ExitCode::from(code));
    }
    if args.json {
        crate::print_json(&summary)?;
    } else if !args.quiet {
        summary.say();
    }
    Ok(ExitCode::SUCCESS)
}

/// Does the work and accounts for it.
pub(crate) fn sample(args: &SampleArgs, signals: &Signals) -> Result<Summary> {
    let started = Instant::now();
    let stdout = args.output.as_deref() == Some(Path::new("-"));
    if args.json && stdout {
        return Err(fail(
            "both the video and --json want standard output",
            "write the video to a file with -o",
        ));
    }
    for path in [&args.output, &args.contact_sheet].into_iter().flatten() {
        if path != Path::new("-") {
            may_write(path, args.force, "sample.mkv")?;
        }
    }
    if let Some(sheet) = &args.contact_sheet
        && sheet
            .extension()
            .is_none_or(|ending| !ending.eq_ignore_ascii_case("png"))
    {
        return Err(fail(
            format!("{} does not end in .png", sheet.display()),
            "contact sheets are PNG files",
        ));
    }
    let (width, height) = args.size;
    let format = PictureFormat::new(width, height, args.chroma.into(), args.depth.into());
    let frames = (args.seconds * f64::from(args.fps.0) / f64::from(args.fps.1)).round() as u64;
    let scenes = args.scene.scenes();
    let spec = SceneSpec {
        scene: scenes[0],
        seed: args.seed,
        format,
        frame_rate: args.fps,
        frames: frames.max(1),
    };
    let reel = Reel::new(&scenes, spec)?;
    let mut summary = Summary {
        output: args.output.as_ref().map(|path| path.display().to_string()),
        scenes: reel
            .cuts()
            .map(|(scene, frame)| Cut {
                scene: scene.to_string(),
                frame,
            })
            .collect(),
        seed: args.seed,
        width,
        height,
        format: format.to_string(),
        frames: 0,
        frame_rate: format!("{}/{}", args.fps.0, args.fps.1),
        codec: None,
        bytes: None,
        contact_sheet: None,
        interrupted: false,
        seconds: 0.0,
        frames_per_second: 0.0,
    };
    if let Some(output) = &args.output {
        write_video(args, output, &reel, &spec, signals, &mut summary)?;
        let seconds = started.elapsed().as_secs_f64();
        summary.frames_per_second = summary.frames as f64 / seconds.max(1e-9);
    }
    if let Some(sheet) = args.contact_sheet.as_ref().filter(|_| !summary.interrupted) {
        let pending = Pending::new(sheet);
        contact::write(&scenes, &spec, pending.part())?;
        pending.finish()?;
        summary.contact_sheet = Some(sheet.display().to_string());
    }
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

/// Renders on one thread (which uses them all) while this one encodes.
fn write_video(
    args: &SampleArgs,
    output: &Path,
    reel: &Reel,
    spec: &SceneSpec,
    signals: &Signals,
    summary: &mut Summary,
) -> Result<()> {
    let pending = (output != Path::new("-")).then(|| Pending::new(output));
    let sound = args.sound.then(|| Sound::open(args.seconds)).transpose()?;
    let part = pending.as_ref().map(Pending::part);
    let mut sink = Sink::open(args, output, part, spec, sound)?;
    summary.codec = sink.codec().map(|codec| codec.name().to_string());
    let frames = reel.frames();
    let tick = f64::from(args.fps.1) / f64::from(args.fps.0);
    let mut progress = Progress::new("sample", Some(frames), 0, Some(tick), args.quiet);
    let outcome = std::thread::scope(|scope| -> Result<bool> {
        // A few frames ahead, so that neither waits for the other at every frame.
        let (sender, receiver) = sync_channel::<Frame>(4);
        scope.spawn(move || {
            for index in 0..frames {
                let mut frame = reel.frame(index);
                if args.sound {
                    sound::flash(&mut frame);
                }
                // The other side has left: it says why.
                if sender.send(frame).is_err() {
                    break;
                }
            }
        });
        for frame in receiver {
            if signals.stop() {
                return Ok(false);
            }
            sink.write(frame)?;
            progress.advance();
        }
        sink.finish()?;
        Ok(true)
    });
    progress.finish();
    summary.interrupted = !outcome?;
    summary.frames = progress.position();
    if let Some(pending) = pending.filter(|_| !summary.interrupted) {
        pending.finish()?;
        summary.bytes = std::fs::metadata(output).ok().map(|file| file.len());
    }
    Ok(())
}

impl Summary {
    fn say(&self) {
        if let Some(output) = &self.output {
            let size = self
                .bytes
                .map(|bytes| format!(", {:.1} MB", bytes as f64 / 1e6))
                .unwrap_or_default();
            say(&format!(
                "{output}: {} frames of {}x{}, {:.1} s, {:.1} fps{size}",
                self.frames, self.width, self.height, self.seconds, self.frames_per_second
            ));
        }
        if let Some(sheet) = &self.contact_sheet {
            say(&format!(
                "{sheet}: pictures of {} scenes",
                self.scenes.len()
            ));
        }
    }
}

impl From<Depth> for BitDepth {
    fn from(depth: Depth) -> BitDepth {
        match depth {
            Depth::Eight => BitDepth::Eight,
            Depth::Ten => BitDepth::Ten,
        }
    }
}

impl From<Subsampling> for Chroma {
    fn from(subsampling: Subsampling) -> Chroma {
        match subsampling {
            Subsampling::C420 => Chroma::C420,
            Subsampling::C422 => Chroma::C422,
            Subsampling::C444 => Chroma::C444,
        }
    }
}

/// The ending of a name, in small letters.
fn ending(path: &Path) -> Option<String> {
    path.extension()
        .and_then(OsStr::to_str)
        .map(str::to_ascii_lowercase)
}

fn size(text: &str) -> Result<(usize, usize), String> {
    let wrong = || format!("{text:?} is no size; give one like 1280x720");
    let (width, height) = text.split_once(['x', 'X', '×']).ok_or_else(wrong)?;
    let side = |side: &str| side.parse().ok().filter(|side| *side > 0).ok_or_else(wrong);
    Ok((side(width)?, side(height)?))
}

fn seconds(text: &str) -> Result<f64, String> {
    const MOST: f64 = 1e6;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= MOST => Ok(seconds),
        _ => Err(format!("{text:?} is no length; give seconds up to {MOST}")),
    }
}

/// Frames a second as an exact fraction. `29.97` and its like mean the rates of television.
fn rate(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{text:?} is no frame rate; give one like 30, 29.97 or 30000/1001");
    let (num, den) = match text {
        "23.976" | "23.98" => (24_000, 1001),
        "29.97" => (30_000, 1001),
        "59.94" => (60_000, 1001),
        "119.88" => (120_000, 1001),
        _ => match text.split_once('/') {
            Some((num, den)) => (
                num.parse().map_err(|_| wrong())?,
                den.parse().map_err(|_| wrong())?,
            ),
            None => {
                let value: f64 = text.parse().map_err(|_| wrong())?;
                if !(0.001..=1e6).contains(&value) {
                    return Err(wrong());
                }
                let thousandths = (value * 1000.0).round() as u32;
                if thousandths.is_multiple_of(1000) {
                    (thousandths / 1000, 1)
                } else {
                    (thousandths, 1000)
                }
            }
        },
    };
    let sensible =
        num > 0 && den > 0 && (0.001..=1000.0).contains(&(f64::from(num) / f64::from(den)));
    sensible.then_some((num, den)).ok_or_else(wrong)
}

fn codec(text: &str) -> Result<Codec, String> {
    text.parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_values() {
        assert_eq!(size("1280x720"), Ok((1280, 720)));
        assert_eq!(rate("30"), Ok((30, 1)));
        assert_eq!(rate("29.97"), Ok((30_000, 1001)));
        assert_eq!(rate("12.5"), Ok((12_500, 1000)));
        assert_eq!(rate("24000/1001"), Ok((24_000, 1001)));
        assert_eq!("all".parse(), Ok(Which::All));
        assert_eq!("grain".parse(), Ok(Which::One(Scene::Grain)));
        let listed: Vec<&str> = SCENES.split('|').collect();
        let known: Vec<&str> = Scene::all().iter().map(|scene| scene.name()).collect();
        assert_eq!(listed[..known.len()], known);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "x", "0x9", "9x", "-4x4", "4x4x4", "1e3x2"] {
            assert!(size(text).is_err(), "{text}");
        }
        for text in [
            "", "0", "-1", "nan", "inf", "1/0", "0/1", "99999999", "1/2/3", "4000/1",
        ] {
            assert!(rate(text).is_err(), "{text}");
        }
        for text in ["0", "-2", "nan", "1e9", "x"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert!(
            "opera"
                .parse::<Which>()
                .unwrap_err()
                .contains("talking-head")
        );
    }
}
