//! `nervure dataset make`: sources in, pairs out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;
use std::{env, fmt, fs, thread};

use anyhow::Result;
use clap::Args;
use nervure_dataset::capture;
use nervure_dataset::content::Labelling;
use nervure_dataset::make::{Begun, Claim, Ended, Made, Maker, Stages};
use nervure_dataset::manifest::{Layout, Manifest};
use nervure_dataset::recipe::{Rate, Recipe};
use nervure_dataset::sources::{self, Source};
use nervure_media::degrade::Augmentation;
use nervure_media::{Codec, Input, LossLevel, LossModel, OpenOptions, library_version};
use serde::Serialize;

use super::progress::MakeProgress;
use crate::console::{fail, note, say};
use crate::signals::{INTERRUPTED, Signals, TERMINATED};

/// Make pairs of damaged and whole video: shrink, encode, lose, decode.
#[derive(Args, Debug)]
#[command(after_help = "\
Each source is cut into stretches, each stretch is coded with every codec at every rate, and what is
decoded becomes the low-resolution side of a clip. The manifest says what each clip is.

Examples:
  nervure dataset make films/ --out pairs --codec h264,vp9 --crf 23,29,35
  nervure dataset make 'clips/*.mp4' --out pairs --codec h264 --bitrates 100,200 --loss 0.02 --jobs 4
  nervure dataset make photos/ --out pairs --augment blur,noise=0.3 --layout clips
  nervure dataset make films/ --out s3://bucket/pairs --shard 3/16 --resume
  nervure dataset make --device /dev/video0 --capture 60 --out pairs
  ffmpeg -i in.mov -f yuv4mpegpipe - | nervure dataset make - --out pairs")]
pub(super) struct MakeArgs {
    /// Files, folders of video and images, patterns, URLs, `lavfi:…` test sources, or `-` for
    /// standard input
    #[arg(value_name = "IN", required_unless_present = "device")]
    inputs: Vec<String>,

    /// Where the pairs go: a folder, or s3://BUCKET/PREFIX with the usual AWS_ variables
    #[arg(short, long, value_name = "DIR")]
    out: String,

    /// A capture device to record from first: `/dev/video0`, or `FORMAT:NAME`
    #[arg(long, value_name = "NAME", conflicts_with = "inputs")]
    device: Option<String>,

    /// Record this many seconds of the device
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60.0,
        requires = "device"
    )]
    capture: f64,

    /// How pairs are kept: one PNG for each picture, or one file of bare samples for each clip
    #[arg(long, value_name = "png|clips", default_value = "png")]
    layout: Layout,

    /// Codecs
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "h264,hevc,vp8,vp9,av1",
        default_value = "h264"
    )]
    codec: Vec<Codec>,

    /// Rates to ask each codec for, in kbit/s
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "KBPS,…",
        conflicts_with = "crf"
    )]
    bitrates: Vec<f64>,

    /// Or constant qualities, by the codec's own numbers [default: 23,29,35]
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    crf: Vec<f64>,

    /// Speed preset of the encoders, by their own names
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,

    /// High resolution is this many times low resolution: 1, 2, 3 or 4
    #[arg(long, value_name = "N", default_value_t = 2)]
    scale: usize,

    /// What is done to pictures before they are encoded: blocking, ringing, blur, noise, each with a
    /// largest strength, as in `noise=0.3`; every clip draws its own below that
    #[arg(long, value_delimiter = ',', value_name = "KIND[=STRENGTH],…")]
    augment: Vec<Augmentation>,

    /// What the network loses: a share of the packets (`0.02`), bursts
    /// (`burst:rate=0.02,length=4`), or as a file tells (`trace:FILE`)
    #[arg(long, value_name = "MODEL", default_value = "none")]
    loss: LossModel,

    /// Lose slices, where the codec has them (H.264), or whole frames
    #[arg(long, value_name = "slice|frame", default_value = "slice")]
    loss_level: LossLevel,

    /// Share of frames that are never sent: the one before stays
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    frame_drops: f64,

    /// Take this many pairs of each source at most, from its beginning
    #[arg(long, value_name = "N")]
    max_frames: Option<u64>,

    /// Keep every K-th frame as a pair; all of them are coded
    #[arg(long, value_name = "K", default_value_t = 1)]
    every: u64,

    /// What the pictures show: `auto` to guess, `folder` for folders that bear these names, or one of
    /// sports, animation, talking-head, action, nature-or-other, night-city, screen
    #[arg(long, value_name = "NAME", default_value = "auto")]
    content_type: Labelling,

    /// Cut sources into stretches this long
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    segment: f64,

    /// Frames of the camera's motion over each still image
    #[arg(long, value_name = "N", default_value_t = 24)]
    image_frames: u64,

    /// Stretches to work on at once [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Do only this part of the work, counted from 0, as in 3/16; each part can run elsewhere
    #[arg(long, value_name = "I/N", default_value = "0/1")]
    shard: Shard,

    /// Folder of this machine for unfinished work, when DIR is not one
    #[arg(long, value_name = "DIR")]
    staging: Option<PathBuf>,

    /// Go on with unfinished work; where there is none, begin
    #[arg(long)]
    resume: bool,

    /// Replace the dataset that is there, finished or not
    #[arg(long, conflicts_with = "resume")]
    force: bool,

    /// Print the summary as JSON on standard output
    #[arg(long)]
    json: bool,

    /// No progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

/// A part of the work.
#[derive(Clone, Copy, Debug)]
struct Shard(u32, u32);

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

/// More parts than any scheduler runs.
const MOST_SHARDS: u32 = 100_000;

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((index, of)) if index < of && of <= MOST_SHARDS => Ok(Shard(index, of)),
            Some((index, of)) => Err(format!(
                "there is no part {index} of {of}: they count from 0 to one under the number of parts"
            )),
            None => Err("give a part and the number of parts, as in 0/4".into()),
        }
    }
}

impl MakeArgs {
    fn recipe(&self) -> Recipe {
        let usual = Recipe::default();
        let rates: Vec<Rate> = match (&self.bitrates[..], &self.crf[..]) {
            ([], []) => usual.rates,
            ([], crf) => crf.iter().copied().map(Rate::Crf).collect(),
            (rates, _) => rates.iter().copied().map(Rate::Kbps).collect(),
        };
        Recipe {
            layout: self.layout,
            codecs: self.codec.clone(),
            rates,
            preset: self.preset.clone(),
            scale: self.scale,
            augment: self.augment.clone(),
            loss: self.loss.clone(),
            loss_level: self.loss_level,
            frame_drops: self.frame_drops,
            max_frames: self.max_frames,
            every: self.every,
            content: self.content_type,
            segment_seconds: self.segment,
            image_frames: self.image_frames,
            seed: self.seed,
        }
    }
}

/// The command that runs a helper.
pub(super) const HELPER: &str = "make-helper";

/// The command.
pub(super) fn run(args: &MakeArgs) -> Result<ExitCode> {
    let began = Instant::now();
    let signals = Signals::listen()?;
    let recipe = args.recipe();
    recipe.check()?;
    let store = super::place::open(&args.out, args.staging.clone())?;
    let shard = (args.shard.0, args.shard.1);
    // Two shards read from two pipes.
    let spool = format!("spool-{:05}-of-{:05}", shard.0, shard.1);
    let spool = store.staging().join(spool);
    let live = args.device.is_some() || args.inputs == ["-"];
    let mut sources = match live {
        true => Vec::new(),
        false => sources::find(&args.inputs)?,
    };
    let begun = match (args.resume, args.force) {
        (true, _) => Begun::Resume,
        (_, true) => Begun::Discard,
        _ => Begun::Refuse,
    };
    let claim = Claim::take(&store, shard, begun)?;
    if live {
        match record(args, &spool, claim.is_made(), &signals) {
            _ if signals.stop() => {
                let _ = fs::remove_dir(&spool);
                return Ok(ended(&signals));
            }
            source => sources.push(source.inspect_err(|_| {
                let _ = fs::remove_dir(&spool);
            })?),
        }
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let maker = Maker {
        recipe,
        sources,
        store,
        shard,
        jobs: args.jobs.map_or(cores, usize::from),
        made_by: format!(
            "nervure {}, {}",
            env!("CARGO_PKG_VERSION"),
            library_version()
        ),
        helper: env::current_exe()
            .ok()
            .map(|program| vec![program.into(), "dataset".into(), HELPER.into()]),
    };
    let progress = Mutex::new(MakeProgress::new(args.quiet));
    let made = maker.run(&claim, &|| signals.stop(), &|event| {
        if let Ok(mut progress) = progress.lock() {
            progress.tell(&event);
        }
    });
    if let Ok(progress) = progress.lock() {
        progress.finish();
    }
    let made = match made {
        Ok(made) => made,
        Err(Ended::Stopped) => {
            if !args.quiet {
                note("stopped; go on with the same command and --resume");
            }
            return Ok(ended(&signals));
        }
        Err(Ended::Failed(error)) => return Err(error.into()),
        Err(other) => return Err(other.into()),
    };
    // What was spooled has been worked on; with the claim the folder that it stood in goes too.
    let _ = fs::remove_dir_all(&spool);
    drop(claim);
    let summary = Summary::new(args, &maker, &made, began.elapsed().as_secs_f64());
    if args.json {
        crate::print_json(&summary)?;
    } else if !args.quiet {
        summary.say();
    }
    if made.manifest.clips.is_empty() && maker.shard.1 == 1 {
        let reason = made.manifest.skipped.first();
        let reason = reason.map_or(String::new(), |skipped| {
            format!(": {}: {}", skipped.source, skipped.reason)
        });
        return Err(fail(
            format!("no source gave any pairs{reason}"),
            "the manifest names each source and what is wrong with it",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn ended(signals: &Signals) -> ExitCode {
    ExitCode::from(match signals.terminated() {
        true => TERMINATED,
        false => INTERRUPTED,
    })
}

/// Puts what can be read only once in a file, unless it was or need not be.
fn record(
    args: &MakeArgs,
    spool: &std::path::Path,
    is_made: bool,
    signals: &Signals,
) -> Result<Source> {
    let stop = || signals.stop();
    let wanted = |path: &std::path::Path| !(is_made || args.resume && path.exists());
    let Some(device) = &args.device else {
        let path = spool.join("stdin");
        if wanted(&path) {
            capture::spool(std::io::stdin().lock(), &path, &stop)?;
        }
        return Ok(Source::video("stdin", path));
    };
    let input = device_input(device)?;
    let path = spool.join("capture.mkv");
    if wanted(&path) {
        if !args.quiet {
            note(&format!("recording {} s of {input}", args.capture));
        }
        let options = OpenOptions::default();
        capture::record(&input, &options, args.capture, &path, &stop)?;
    }
    Ok(Source::video(input.to_string(), path))
}

/// A device by its usual name, or as [`Input`] has it.
fn device_input(name: &str) -> Result<Input> {
    let text = match cfg!(target_os = "macos") {
        _ if name.contains(':') => name.to_owned(),
        true => format!("avfoundation:{name}"),
        false => format!("v4l2:{name}"),
    };
    match text.parse() {
        Ok(input @ Input::Format { .. }) => Ok(input),
        _ => Err(fail(
            format!("{name} is not the name of a capture device"),
            "give one as in /dev/video0, v4l2:/dev/video0 or avfoundation:0",
        )),
    }
}

/// What was made.
#[derive(Debug, Serialize)]
struct Summary {
    out: String,
    manifest: String,
    layout: Layout,
    sources: usize,
    clips: usize,
    pairs: u64,
    damaged_frames: u64,
    skipped: usize,
    already_made: bool,
    seconds: f64,
    pairs_per_second: f64,
    stages: StageSeconds,
}

/// Time by stage, summed over jobs.
#[derive(Debug, Serialize)]
struct StageSeconds {
    source: f64,
    coding: f64,
    scoring: f64,
    writing: f64,
}

impl From<Stages> for StageSeconds {
    fn from(stages: Stages) -> Self {
        StageSeconds {
            source: stages.source.as_secs_f64(),
            coding: stages.coding.as_secs_f64(),
            scoring: stages.scoring.as_secs_f64(),
            writing: stages.writing.as_secs_f64(),
        }
    }
}

impl Summary {
    fn new(args: &MakeArgs, maker: &Maker, made: &Made, seconds: f64) -> Self {
        let clips = &made.manifest.clips;
        let pairs: u64 = clips.iter().map(|clip| clip.frames).sum();
        Summary {
            out: args.out.clone(),
            manifest: Manifest::name(maker.shard),
            layout: maker.recipe.layout,
            sources: maker.sources.len(),
            clips: clips.len(),
            pairs,
            damaged_frames: clips
                .iter()
                .filter_map(|clip| clip.loss.as_ref())
                .map(|loss| loss.damaged_frames)
                .sum(),
            skipped: made.manifest.skipped.len(),
            already_made: made.already,
            seconds,
            pairs_per_second: pairs as f64 / seconds.max(1e-9),
            stages: made.stages.into(),
        }
    }

    fn say(&self) {
        if self.already_made {
            say(&format!("{} was whole already", self.out));
        }
        say(&format!(
            "{}: {} clips, {} pairs of {} sources in {:.1} s ({:.1} pairs/s); {} skipped",
            self.out,
            self.clips,
            self.pairs,
            self.sources,
            self.seconds,
            self.pairs_per_second,
            self.skipped
        ));
        let stages = &self.stages;
        say(&format!(
            "time over all jobs: sources {:.1} s, coding {:.1} s, scoring {:.1} s, writing {:.1} s",
            stages.source, stages.coding, stages.scoring, stages.writing
        ));
    }
}
