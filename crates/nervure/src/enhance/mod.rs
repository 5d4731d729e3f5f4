//! `nervure enhance`: from a source to the same video, larger.

mod arguments;
mod direct;
mod mending;
mod plan;
mod realtime;
mod segmented;
mod source;
mod summary;
mod upscaler;
pub(crate) mod work;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use nervure_engine::{Smooth, Stage, Tally};
use nervure_media::{Action, Damage, Input, MuxOptions, Muxer, OpenOptions, Reader, StreamKind};

use arguments::Upscaler;

pub(crate) use arguments::{EnhanceArgs, seconds};
pub(crate) use summary::Summary;

use crate::console::{Progress, fail, note};
use crate::output::is_special;
use crate::signals::{INTERRUPTED, Signals, TERMINATED};
use mending::Mending;
use plan::{Plan, Target};
use realtime::Realtime;
use summary::{Picture, StreamSummary};

/// The command.
pub(crate) fn run(args: &EnhanceArgs) -> Result<ExitCode> {
    let signals = Signals::listen()?;
    let summary = match enhance(args, &signals) {
        Err(_) if signals.terminated() => return Ok(ExitCode::from(TERMINATED)),
        outcome => outcome?,
    };
    if args.json {
        crate::print_json(&summary)?;
    } else if !args.quiet {
        summary.say();
    }
    Ok(match summary.interrupted {
        true => ExitCode::from(INTERRUPTED),
        false => ExitCode::SUCCESS,
    })
}

/// What a run did, however it went about it.
#[derive(Debug, Default)]
struct Done {
    frames: u64,
    resumed: u64,
    damage: Damage,
    interrupted: bool,
    /// Of a job in real time.
    tally: Option<Tally>,
}

impl Done {
    fn add(&mut self, damage: Damage) {
        self.damage.frames += damage.frames;
        self.damage.packets += damage.packets;
        self.damage.timestamps += damage.timestamps;
        self.damage.deinterlaced += damage.deinterlaced;
        self.damage.truncated |= damage.truncated;
    }
}

/// Does the work and accounts for it.
pub(crate) fn enhance(args: &EnhanceArgs, signals: &Signals) -> Result<Summary> {
    let started = Instant::now();
    let target = Target::resolve(args)?;
    if args.json && target.is_stdout() {
        return Err(fail(
            "both the video and --json want standard output",
            "write the video to a file with -o",
        ));
    }
    Realtime::check(args)?;
    target.check(args)?;
    let open = OpenOptions {
        format: args.input_format.clone(),
        options: args.input_option.clone(),
        threads: args.threads.map_or(0, usize::from),
        deinterlace: !args.no_deinterlace,
        mender: Mending::mender(args),
        find_steps: args.smooth.is_some(),
        ..OpenOptions::default()
    };
    let reader = Reader::open(&args.input, &open)?;
    let info = reader.info().clone();
    let plan = Plan::new(args, target, &info)?;
    let mux = MuxOptions {
        container: match &plan.target {
            Target::File { container, .. } | Target::Stream { container } => {
                Some(container.clone())
            }
            Target::Uncompressed { .. } | Target::Null => None,
        },
        offset: plan.offset(),
        start: plan.start.map(|_| plan.origin_moment()),
        end: plan.end_moment(),
        ..MuxOptions::default()
    };
    let carried = match (&mux.container, reader.demuxer()) {
        (Some(container), Some(source)) => Muxer::check(container, plan.encode.codec, source)?,
        _ => nervure_media::Plan::default(),
    };
    if !args.quiet {
        plan.notes.iter().for_each(|text| note(text));
        for stream in &carried.streams {
            if let Action::Drop { reason } = &stream.action {
                note(&format!(
                    "{} stream {} is left out: {reason}",
                    kind_name(stream.kind),
                    stream.stream
                ));
            }
        }
        for tag in &carried.lost_tags {
            note(&format!(
                "{} has no place for the tag {tag:?}",
                mux.container.as_deref().unwrap_or("it")
            ));
        }
    }
    let total = plan.expected_frames(&info);
    let frame_seconds = info
        .video
        .frame_rate
        .map(|(num, den)| f64::from(den) / f64::from(num));
    let new_progress = |done| Progress::new("enhance", total, done, frame_seconds, args.quiet);
    let (done, progress) = match (&plan.target, &args.input) {
        (Target::File { path, .. }, Input::Path(_))
            if info.seekable && !is_special(path) && plan.realtime.is_none() =>
        {
            let job = segmented::Segmented {
                plan: &plan,
                input: &args.input,
                open: &open,
                path,
                carries: reader.demuxer().is_some(),
                mux: &mux,
                signals,
                quiet: args.quiet,
            };
            job.run(reader, args.resume, new_progress)?
        }
        _ => {
            if args.resume {
                return Err(fail(
                    "only a job from file to file can be continued",
                    "leave out --resume",
                ));
            }
            if let (Target::File { path, .. }, Some(_)) = (&plan.target, &plan.realtime) {
                work::Work::forget(path)?;
            }
            let mut progress = new_progress(0);
            let done = direct::run(&plan, reader, &mux, signals, &mut progress)?;
            (done, progress)
        }
    };
    progress.finish();
    let seconds = started.elapsed().as_secs_f64();
    let rate = (done.frames - done.resumed) as f64 / seconds;
    let picture = |format: nervure_frame::PictureFormat, codec: Option<String>| Picture {
        width: format.width,
        height: format.height,
        format: format.to_string(),
        codec,
    };
    let coded = matches!(plan.target, Target::File { .. } | Target::Stream { .. });
    Ok(Summary {
        input: args.input.to_string(),
        output: match &plan.target {
            Target::Null => None,
            target => Some(
                target
                    .path()
                    .map_or("-".into(), |path| path.display().to_string()),
            ),
        },
        frames: done.frames,
        resumed_frames: done.resumed,
        source: picture(info.video.format, Some(info.video.codec.clone())),
        result: picture(
            plan.spec.format,
            coded.then(|| plan.encode.codec.to_string()),
        ),
        upscaler: match plan.realtime {
            Some(_) => "realtime".into(),
            None => plan.upscaler.to_string(),
        },
        realtime: (plan.realtime.as_ref().zip(done.tally.as_ref()))
            .map(|(realtime, tally)| realtime.summary(tally)),
        recover: plan.mending.as_ref().map(ToString::to_string),
        smooth: plan.smooth,
        damaged_frames: done.damage.frames,
        lost_packets: done.damage.packets,
        mended_timestamps: done.damage.timestamps,
        deinterlaced_frames: done.damage.deinterlaced,
        streams: carried
            .streams
            .iter()
            .map(|stream| StreamSummary {
                index: stream.stream,
                kind: kind_name(stream.kind).into(),
                codec: stream.codec.clone(),
                action: match &stream.action {
                    Action::Copy => "copied".into(),
                    Action::Convert { to } => format!("converted to {to}"),
                    Action::Drop { reason } => format!("dropped: {reason}"),
                },
            })
            .collect(),
        interrupted: done.interrupted,
        seconds,
        frames_per_second: rate,
        speed: frame_seconds.map(|seconds| seconds * rate),
    })
}

fn kind_name(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::Audio => "audio",
        StreamKind::Subtitle => "subtitle",
        StreamKind::Data => "data",
        StreamKind::Attachment => "attachment",
        StreamKind::Picture => "picture",
        StreamKind::Video => "video",
    }
}

/// What frames go through between decoding and encoding.
type Stages = Vec<Box<dyn Stage>>;

/// The stages of a job, and in real time what they will have counted.
fn stages(plan: &Plan) -> Result<(Stages, Option<Tally>)> {
    let format = plan.spec.format;
    let size = (format.width, format.height);
    let mut stages = Stages::new();
    // What remembers begins afresh with each segment, so that a continued job gives what an unbroken one
    // gives; and in one pass too, so that the same pictures come out everywhere.
    if let Some(mending) = &plan.mending
        && let Some(recover) = mending.stage(plan.source, plan.threads)?
    {
        stages.push(Box::new(recover.restarting_every(plan.segment_frames)));
    }
    let tally = match &plan.realtime {
        Some(realtime) => {
            let stage = realtime.stage(plan.source, size, plan.threads)?;
            let tally = stage.tally();
            stages.push(Box::new(stage));
            Some(tally)
        }
        None => {
            stages.push(plan.upscaler.stage(plan.source, size, plan.threads)?);
            None
        }
    };
    if let Some(alpha) = plan.smooth {
        let smooth = Smooth::new(format, alpha as f32, plan.threads)?;
        stages.push(Box::new(smooth.restarting_every(plan.segment_frames)));
    }
    Ok((stages, tally))
}
