//! The words of the command line, and the values they stand for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use nervure_media::{Codec, Input};

use super::realtime::Rate;

/// Upscale a video, keeping its sound, subtitles and timing.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure enhance clip.mp4                         writes clip-2x.mp4 beside it
  nervure enhance film.mkv -o big.mkv --scale 3/2 --codec hevc --crf 20
  nervure enhance clip.mp4 --model xl              the best of the real-time models
  nervure enhance clip.mp4 --realtime -o - | ffplay -   the best that keeps up, played as it comes
  nervure enhance talk.mp4 --smooth                still parts do not flicker
  nervure enhance call.ts --recover                parts that a network lost are mended
  nervure enhance film.mkv --resume                goes on after a crash or power loss
  nervure enhance lavfi:testsrc2=size=640x360:duration=5 -o test.mkv
  ffmpeg -i clip.mp4 -f yuv4mpegpipe - | nervure enhance - -o - | ffplay -")]
pub(crate) struct EnhanceArgs {
    /// The video: a file, a URL, `-` for standard input, or `FORMAT:NAME` for a device or a test
    /// source (`v4l2:/dev/video0`, `lavfi:testsrc2=duration=5`)
    #[arg(value_name = "IN")]
    pub(crate) input: Input,

    /// The result: a file, `-` for standard output, or `null:` to throw the frames away
    /// [default: IN-2x beside IN]
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,

    /// How much larger: `2`, `1.5`, `3/2`, …
    #[arg(long, default_value = "2", value_name = "FACTOR")]
    pub(crate) scale: Scale,

    /// How new samples are made [default: neural at 2, 3 and 4 times, else lanczos]
    #[arg(long, value_enum)]
    pub(crate) upscaler: Option<Upscaler>,

    /// The model: a size (`xs`, `s`, `m`, `l`, `xl`), a name as in `nervure models list`, or a file
    /// [default: m]
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,

    /// Keep up with the source, or with RATE frames a second: each frame gets the best model that there is
    /// time for on this machine, up to --model, or Lanczos. Pictures then depend on how fast it is
    #[arg(long, value_name = "RATE", num_args = 0..=1, default_missing_value = "source")]
    pub(crate) realtime: Option<Rate>,

    /// Keep still parts from flickering: the weight of a new picture in their running average
    /// [default: off; 0.7 when given without ALPHA]
    #[arg(
        long, value_parser = weight, value_name = "ALPHA", num_args = 0..=1,
        default_missing_value = "0.7"
    )]
    pub(crate) smooth: Option<f64>,

    /// Mend what a network lost of pictures (H.264), from how things move; with the name or file of a model
    /// that mends, such as `frame-recovery`, it goes on from there [default: off]
    #[arg(
        long, value_name = "MODEL", num_args = 0..=1, require_equals = true,
        default_missing_value = "motion"
    )]
    pub(crate) recover: Option<String>,

    /// Codec of the result [default: by container and bit depth]
    #[arg(long, value_parser = codec, value_name = "h264|hevc|vp8|vp9|av1|ffv1")]
    pub(crate) codec: Option<Codec>,

    /// Constant quality: lower is better and larger [default: by codec]
    #[arg(long, value_name = "N", conflicts_with = "bitrate")]
    pub(crate) crf: Option<f32>,

    /// Average kbit/s instead of constant quality
    #[arg(long, value_name = "KBPS")]
    pub(crate) bitrate: Option<u64>,

    /// Speed preset of the encoder, by its own names
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,

    /// Let the encoder take less memory and more bits: H.264 at 1080p stays below 250 MB up to `medium`
    #[arg(long)]
    pub(crate) low_memory: bool,

    /// Container, or `y4m`, `raw` or `null`, when the name of OUT does not tell
    #[arg(long, value_name = "NAME")]
    pub(crate) format: Option<String>,

    /// Begin here: seconds or `[H:]MM:SS`
    #[arg(long, value_parser = seconds, value_name = "TIME")]
    pub(crate) start: Option<f64>,

    /// Take this much
    #[arg(long, value_parser = seconds, value_name = "TIME")]
    pub(crate) duration: Option<f64>,

    /// Format of the input, when it does not tell by itself (`rawvideo`, `v4l2`, …)
    #[arg(long, value_name = "NAME")]
    pub(crate) input_format: Option<String>,

    /// An option of the input's reader, as in `video_size=640x360`; may be given again
    #[arg(long, value_parser = pair, value_name = "KEY=VALUE")]
    pub(crate) input_option: Vec<(String, String)>,

    /// Refuse interlaced pictures instead of deinterlacing them
    #[arg(long)]
    pub(crate) no_deinterlace: bool,

    /// Threads for decoding, scaling and encoding alike [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,

    /// Continue an unfinished job; without one, begin it
    #[arg(long)]
    pub(crate) resume: bool,

    /// Replace OUT, or an unfinished job for it
    #[arg(long, conflicts_with = "resume")]
    pub(crate) force: bool,

    /// Print the summary as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,

    /// No progress and no notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Ways to make a picture larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Upscaler {
    /// A model that learnt from decoded video; luma only, chroma is Lanczos
    Neural,
    /// Sharper; three lobes
    Lanczos,
    /// Softer, less ringing
    Bicubic,
}

/// A rational factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    num: u32,
    den: u32,
}

/// Beyond these a mistyped number is likelier than a wish.
const FACTORS: std::ops::RangeInclusive<f64> = 0.0625..=16.0;

impl Scale {
    /// A length scaled and rounded to the nearest multiple of `step`, at least one step.
    pub(crate) fn apply(self, length: usize, step: usize) -> usize {
        let (num, den) = (self.num as usize, self.den as usize * step);
        ((length * num * 2 + den) / (den * 2)).max(1) * step
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no factor; give one like 2, 1.5 or 3/2");
        let (num, den) = match text.split_once('/') {
            Some((num, den)) => (
                num.parse().map_err(|_| wrong())?,
                den.parse().map_err(|_| wrong())?,
            ),
            None => decimal(text.strip_suffix('x').unwrap_or(text)).ok_or_else(wrong)?,
        };
        if num == 0 || den == 0 {
            return Err(wrong());
        }
        if !FACTORS.contains(&(f64::from(num) / f64::from(den))) {
            return Err(format!(
                "factor {text} is outside {}..{}",
                FACTORS.start(),
                FACTORS.end()
            ));
        }
        Ok(Scale { num, den })
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = f64::from(self.num) / f64::from(self.den);
        if value.to_string().len() <= 5 {
            write!(f, "{value}")
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

/// A decimal number as an exact fraction.
fn decimal(text: &str) -> Option<(u32, u32)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{part}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (num, den): (u32, u32) = (digits.parse().ok()?, 10u32.checked_pow(part.len() as u32)?);
    let common = greatest_common_divisor(num, den);
    Some((num / common, den / common))
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

/// Seconds from `12.5`, `1:30` or `1:02:03.5`.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no time; give seconds or [H:]MM:SS");
    let mut total = 0.0;
    for (index, part) in text.split(':').enumerate() {
        let value: f64 = part.parse().map_err(|_| wrong())?;
        if index > 2 || !value.is_finite() || value < 0.0 {
            return Err(wrong());
        }
        total = total * 60.0 + value;
    }
    Ok(total)
}

/// The weight of a picture in an average.
fn weight(text: &str) -> Result<f64, String> {
    let weight = text
        .parse()
        .ok()
        .filter(|weight| (0.01..=1.0).contains(weight));
    weight.ok_or_else(|| {
        format!("{text:?} is no weight from 0.01 to 1 (write --smooth=0.7 before a name)")
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is not KEY=VALUE"))?;
    Ok((key.to_string(), value.to_string()))
}

fn codec(text: &str) -> Result<Codec, String> {
    text.parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_exact() {
        let apply = |text: &str, length, step| text.parse::<Scale>().unwrap().apply(length, step);
        assert_eq!(apply("2", 960, 1), 1920);
        assert_eq!(apply("1.5", 101, 1), 152);
        assert_eq!(apply("4/3", 720, 2), 960);
        assert_eq!(apply("3x", 101, 2), 304);
        assert_eq!(apply("0.5", 1, 2), 2);
        assert_eq!("1.50".parse::<Scale>().unwrap().to_string(), "1.5");
        assert_eq!("4/3".parse::<Scale>().unwrap().to_string(), "4/3");
    }

    #[test]
    fn nonsense_factors_are_refused() {
        for text in [
            "",
            "0",
            "-2",
            "2/0",
            "x",
            "17",
            "1e9",
            "0.01",
            "nan",
            "99999999999",
        ] {
            assert!(text.parse::<Scale>().is_err(), "{text}");
        }
    }

    #[test]
    fn weights_are_shares() {
        assert_eq!(weight("0.7"), Ok(0.7));
        assert_eq!(weight("1"), Ok(1.0));
        for text in ["", "0", "-1", "1.1", "nan", "clip.mp4"] {
            assert!(weight(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(seconds("90"), Ok(90.0));
        assert_eq!(seconds("1:30.5"), Ok(90.5));
        assert_eq!(seconds("1:00:01"), Ok(3601.0));
        for text in ["", "-1", "1:2:3:4", "a", "inf", "1:-2"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
