//! From what the user asked and what the source holds to what will be done, decided and checked
//! before any work.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use nervure_frame::{BitDepth, PictureFormat, Rotation, Timestamp};
use nervure_media::{
    Codec, EncodeSettings, Input, Memory, PictureSpec, SourceInfo, container_keeps_rotation,
};

use super::arguments::EnhanceArgs;
use super::mending::Mending;
use super::realtime::Realtime;
use super::upscaler::Chosen;
use super::work::Work;
use crate::console::fail;
use crate::output::is_special;

/// Where the result goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// A file in this container.
    File { path: PathBuf, container: String },
    /// Standard output in this container.
    Stream { container: String },
    /// Uncompressed frames on standard output or in a file.
    Uncompressed {
        path: Option<PathBuf>,
        kind: Uncompressed,
    },
    /// Nowhere.
    Null,
}

/// Ways to write frames as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncompressed {
    /// YUV4MPEG2, which tells its size and rate.
    Y4m,
    /// Planes one after another and nothing else.
    Raw,
}

/// What will be done.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) upscaler: Chosen,
    /// Frames get less than that where there is no time.
    pub(crate) realtime: Option<Realtime>,
    /// What mends pictures, where they are to be mended.
    pub(crate) mending: Option<Mending>,
    /// A new picture's weight where still parts are kept from flickering.
    pub(crate) smooth: Option<f64>,
    /// Turn the pixels, since the container cannot say that players should.
    pub(crate) turn: Rotation,
    /// What the frames are when they reach the upscaler, and when they leave it.
    pub(crate) source: PictureFormat,
    pub(crate) spec: PictureSpec,
    pub(crate) encode: EncodeSettings,
    /// Worker threads for scaling.
    pub(crate) threads: usize,
    /// Seconds after the source's beginning, and how many.
    pub(crate) start: Option<f64>,
    pub(crate) duration: Option<f64>,
    /// The tick of the source's clock at which it begins.
    pub(crate) begin: i64,
    /// The tick of the source's clock that becomes zero in the result.
    pub(crate) origin: i64,
    /// Frames in a segment.
    pub(crate) segment_frames: u64,
    /// Things the user should know.
    pub(crate) notes: Vec<String>,
}

/// Seconds of video in a segment: what is lost at most when the power goes, and the distance of
/// keyframes that encoders choose by themselves.
const SEGMENT_SECONDS: f64 = 10.0;

impl Target {
    /// Decides from the arguments alone, before the source is opened.
    pub(crate) fn resolve(args: &EnhanceArgs) -> Result<Target> {
        let format = args.format.as_deref();
        let output = match &args.output {
            Some(output) => output.clone(),
            None if matches!(format, Some("null")) => return Ok(Target::Null),
            None => default_output(args)?,
        };
        let name = output.to_string_lossy();
        if name == "null:" || format == Some("null") {
            return Ok(Target::Null);
        }
        let path = (name != "-").then(|| output.clone());
        if output.is_dir() {
            return Err(fail(
                format!("{} is a folder", output.display()),
                format!(
                    "name a file in it, as in -o {}",
                    output.join("out.mp4").display()
                ),
            ));
        }
        let container = match (format, &path) {
            (Some(format), _) => format.to_ascii_lowercase(),
            (None, None) => "y4m".into(),
            (None, Some(path)) => match path.extension() {
                Some(extension) => extension.to_string_lossy().to_ascii_lowercase(),
                None => {
                    return Err(fail(
                        format!("{} has no extension to tell its container", path.display()),
                        "end its name in .mp4, .mkv or .webm, or give --format",
                    ));
                }
            },
        };
        let kind = match container.as_str() {
            "y4m" | "yuv4mpegpipe" => Some(Uncompressed::Y4m),
            "raw" | "rawvideo" | "yuv" => Some(Uncompressed::Raw),
            _ => None,
        };
        Ok(match (kind, path) {
            (Some(kind), path) => Target::Uncompressed { path, kind },
            (None, Some(path)) => Target::File { path, container },
            (None, None) => Target::Stream { container },
        })
    }

    /// The file that appears, if one does.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Target::File { path, .. } => Some(path),
            Target::Uncompressed { path, .. } => path.as_deref(),
            Target::Stream { .. } | Target::Null => None,
        }
    }

    /// Whether standard output carries the video.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(
            self,
            Target::Stream { .. } | Target::Uncompressed { path: None, .. }
        )
    }

    /// Refuses an output that is the input, stands in a folder that is not there, or would replace
    /// something without being told to.
    pub(crate) fn check(&self, args: &EnhanceArgs) -> Result<()> {
        let Some(path) = self.path() else {
            return Ok(());
        };
        if let Input::Path(input) = &args.input
            && let (Ok(a), Ok(b)) = (fs::canonicalize(input), fs::canonicalize(path))
            && a == b
        {
            return Err(fail("the output is the input", "give another name with -o"));
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(fail(
                format!("the folder {} does not exist", folder.display()),
                "create it first",
            ));
        }
        if is_special(path) {
            return Ok(());
        }
        let unfinished = Work::exists(path);
        if path.exists() && !args.force && !(args.resume && unfinished) {
            return Err(fail(
                format!("{} exists", path.display()),
                "replace it with --force, or give another name",
            ));
        }
        if unfinished && !args.force && !args.resume {
            return Err(fail(
                format!("an unfinished job for {} is there", path.display()),
                "continue it with --resume, or start afresh with --force",
            ));
        }
        Ok(())
    }
}

/// Containers that a result keeps from its source; others become Matroska, which holds everything.
const WRITTEN: [&str; 6] = ["mp4", "m4v", "mov", "mkv", "webm", "y4m"];

/// `IN-2x.EXT` beside `IN`, in a container that we write.
fn default_output(args: &EnhanceArgs) -> Result<PathBuf> {
    let Input::Path(input) = &args.input else {
        return Err(fail(
            format!("no output for {}", args.input),
            "name one with -o",
        ));
    };
    let extension = input
        .extension()
        .map(|text| text.to_string_lossy().to_ascii_lowercase());
    let kept = extension
        .as_deref()
        .filter(|extension| WRITTEN.contains(extension));
    let extension = kept.unwrap_or("mkv");
    let extension = args.format.as_deref().unwrap_or(extension);
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    let factor = args.scale.to_string().replace('/', "_");
    Ok(input.with_file_name(format!("{stem}-{factor}x.{extension}")))
}

impl Plan {
    /// Settles everything for a source.
    pub(crate) fn new(args: &EnhanceArgs, target: Target, source: &SourceInfo) -> Result<Plan> {
        let video = &source.video;
        let mut notes = Vec::new();
        if video.converted {
            notes.push(format!(
                "{} is processed as {}",
                video.source_pixels, video.format
            ));
        }
        let codec = args
            .codec
            .unwrap_or_else(|| default_codec(&target, video.format.depth));
        let encoded = matches!(target, Target::File { .. } | Target::Stream { .. });
        let step = if encoded {
            codec.size_step(video.format.chroma)
        } else {
            (1, 1)
        };
        let keeps_rotation = match &target {
            Target::File { container, .. } => container_keeps_rotation(container),
            _ => false,
        };
        let (turn, told) = if keeps_rotation {
            (Rotation::NONE, video.rotation)
        } else {
            (video.rotation, Rotation::NONE)
        };
        let turned = turn.format(video.format);
        let format = turned.with_size(
            args.scale.apply(turned.width, step.0),
            args.scale.apply(turned.height, step.1),
        );
        refuse_absurd(format, args)?;
        let exact = (
            args.scale.apply(turned.width, 1),
            args.scale.apply(turned.height, 1),
        );
        if exact != (format.width, format.height) {
            notes.push(format!(
                "{codec} needs even sizes: {}x{} instead of {}x{}",
                format.width, format.height, exact.0, exact.1
            ));
        }
        let (upscaler, told_of_upscaler) = Chosen::new(
            args,
            (turned.width, turned.height),
            (format.width, format.height),
        )?;
        notes.extend(told_of_upscaler);
        let realtime = Realtime::new(args, &upscaler, video.frame_rate, encoded)?;
        if realtime.is_some() && matches!(target, Target::File { .. }) {
            notes.push("in real time a file is made in one pass: it cannot be continued".into());
        }
        let sample_aspect = match turn.swaps_sides() {
            true => (video.sample_aspect.1, video.sample_aspect.0),
            false => video.sample_aspect,
        };
        let rate = video
            .frame_rate
            .map_or(25.0, |(num, den)| f64::from(num) / f64::from(den));
        // Cuts count from where the source begins. Its own zero is moved only when it was asked to
        // begin later, or when its clock means nothing.
        let begin = match source.start {
            Some(start) if source.broadcast_clock => start.rescale(video.time_base).ticks,
            Some(start) => start.rescale(video.time_base).ticks.max(0),
            None => 0,
        };
        let origin = match args.start {
            Some(start) => begin + video.time_base.ticks(start),
            None if source.broadcast_clock => begin,
            None => 0,
        };
        if let (Some(start), Some(length)) = (args.start, source.duration)
            && start >= length
        {
            return Err(fail(
                format!("--start {start} is behind the end at {length:.3} s"),
                "give an earlier time",
            ));
        }
        let threads = args.threads.map_or(0, usize::from);
        let workers = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        Ok(Plan {
            target,
            upscaler,
            realtime,
            mending: Mending::new(args)?,
            smooth: args.smooth,
            turn,
            source: turned,
            spec: PictureSpec {
                format,
                colour: video.colour,
                sample_aspect,
                time_base: video.time_base,
                frame_rate: video.frame_rate,
                rotation: told,
                hdr: video.hdr.clone(),
            },
            encode: EncodeSettings {
                codec,
                crf: args.crf,
                bitrate: args.bitrate.map(|kbps| kbps * 1000),
                preset: args.preset.clone(),
                threads,
                memory: match args.low_memory {
                    true => Memory::Least,
                    false => Memory::Usual,
                },
                ..EncodeSettings::default()
            },
            threads: workers,
            start: args.start,
            duration: args.duration,
            begin,
            origin,
            segment_frames: ((rate * SEGMENT_SECONDS).round() as u64).clamp(48, 1200),
            notes,
        })
    }

    /// The moment of the source that becomes zero in the result, where that is not its own zero.
    pub(crate) fn offset(&self) -> Option<Timestamp> {
        (self.origin != 0).then(|| Timestamp::new(-self.origin, self.spec.time_base))
    }

    /// The moment of the source that becomes zero in the result.
    pub(crate) fn origin_moment(&self) -> Timestamp {
        Timestamp::new(self.origin, self.spec.time_base)
    }

    /// The moment of the source at which the result ends, if it was asked to end early.
    pub(crate) fn end_moment(&self) -> Option<Timestamp> {
        let base = self.spec.time_base;
        let from = if self.start.is_some() {
            self.origin
        } else {
            self.begin
        };
        self.duration
            .map(|duration| Timestamp::new(from + base.ticks(duration), base))
    }

    /// How many frames the result will have, as far as the source tells.
    pub(crate) fn expected_frames(&self, source: &SourceInfo) -> Option<u64> {
        let frames = source.video.frames?;
        let (start, wanted) = (
            self.start.unwrap_or(0.0),
            self.duration.unwrap_or(f64::INFINITY),
        );
        let Some(length) = source.duration.filter(|length| *length > 0.0) else {
            return (self.start.is_none() && self.duration.is_none()).then_some(frames);
        };
        let share = wanted.min(length - start).max(0.0) / length;
        Some(((frames as f64 * share).round() as u64).clamp(1, frames))
    }

    /// Whether the container is one whose rules we know, so that what it holds was checked already.
    pub(crate) fn is_well_known(&self) -> bool {
        matches!(&self.target, Target::File { container, .. } if WRITTEN.contains(&container.as_str()))
    }

    /// What decides the bytes of the output: a job is continued only when all of it is the same.
    pub(crate) fn identity(&self) -> serde_json::Value {
        serde_json::json!({
            "size": format!("{}", self.spec.format),
            "upscaler": self.upscaler.identity(),
            "recover": self.mending.as_ref().map(Mending::identity),
            "smooth": self.smooth,
            "turn": format!("{:?}", self.turn),
            "container": match &self.target { Target::File { container, .. } => container, _ => "" },
            "codec": self.encode.codec.to_string(),
            "crf": self.encode.crf,
            "bitrate": self.encode.bitrate,
            "preset": self.encode.preset,
            "threads": self.encode.threads,
            "low_memory": self.encode.memory == Memory::Least,
            "start": self.start,
            "duration": self.duration,
            "segment_frames": self.segment_frames,
        })
    }
}

/// The codec most players of the container can show.
fn default_codec(target: &Target, depth: BitDepth) -> Codec {
    match (target, depth) {
        (Target::File { container, .. } | Target::Stream { container }, _)
            if container == "webm" =>
        {
            Codec::Vp9
        }
        (_, BitDepth::Ten) => Codec::Hevc,
        (_, BitDepth::Eight) => Codec::H264,
    }
}

/// Beyond this no codec here goes.
const MAX_SIDE: usize = 16384;

fn refuse_absurd(format: PictureFormat, args: &EnhanceArgs) -> Result<()> {
    if format.width > MAX_SIDE || format.height > MAX_SIDE {
        return Err(fail(
            format!(
                "{}x the source is {}x{}, over {MAX_SIDE} a side",
                args.scale, format.width, format.height
            ),
            "give a smaller --scale",
        ));
    }
    Ok(())
}
