//! `nervure bench engine`: milliseconds of a frame, and products of a second beside those that the processor
//! can make at most.

use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use nervure_engine::{FloatModel, FloatUpscale, Model, Pull, Stage, Upscale, whole_numbers};
use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, Plane, Planes, TimeBase, Timestamp};
use nervure_kernels::Isa;
use nervure_kernels::int8::{Code, Network, Scratch, products, reference};
use nervure_record::Precision;
use serde::Serialize;

use crate::console::say;
use crate::models::find_model;

/// Measure a model: milliseconds of a frame, with chroma or without
///
/// In turns with frames, every thread multiplies bytes in registers and does nothing else, which no
/// network can do faster: `peak`. A part of the picture is compared with the definition of the network,
/// to the bit. Of a model in single precision, only the time is measured.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure bench engine
  nervure bench engine --model s --threads 1 --isa avx2 --json")]
pub(super) struct EngineArgs {
    /// The model: a size (`xs`, `s`, `m`, `l`, `xl`), a name, or a file
    #[arg(long, value_name = "MODEL", default_value = "m")]
    model: String,

    /// How many times larger, for a model that is given by size
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=4))]
    scale: u8,

    /// Width of the small picture
    #[arg(long, value_name = "N", default_value_t = 960, value_parser = clap::value_parser!(u16).range(1..=8192))]
    width: u16,

    /// Height of the small picture
    #[arg(long, value_name = "N", default_value_t = 540, value_parser = clap::value_parser!(u16).range(1..=8192))]
    height: u16,

    /// Bits of a sample
    #[arg(long, value_name = "8|10", default_value_t = 8, value_parser = depth)]
    depth: u8,

    /// Threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,

    /// Instructions to use: auto, scalar, avx2, avxvnni, avx512, neon, neondot
    #[arg(long, value_name = "NAME", default_value = "auto")]
    isa: Isa,

    /// Make luma alone, as other programs do that the same network is given to
    #[arg(long)]
    luma: bool,

    /// How long to measure
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    seconds: f64,

    /// Print JSON on standard output
    #[arg(long)]
    json: bool,
}

fn depth(text: &str) -> Result<u8, String> {
    match text {
        "8" => Ok(8),
        "10" => Ok(10),
        _ => Err("choose 8 or 10".into()),
    }
}

/// What was measured. A stable interface: keys are added, never renamed.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    isa: String,
    threads: usize,
    width: usize,
    height: usize,
    scale: usize,
    depth: u32,
    frames: usize,
    ms_median: f64,
    ms_min: f64,
    /// Multiplications with a weight, in billions.
    gmac_per_frame: f64,
    gmac_per_s: f64,
    /// What all threads together can multiply at most; this and what follows only for whole numbers.
    peak_gmac_per_s: Option<f64>,
    /// More than 1 where pixels are made with fewer products than the network is written down with.
    peak_share: Option<f64>,
    bit_exact: Option<bool>,
}

/// Frames that are not counted.
const WARM: usize = 3;
/// The least and the most that are.
const FRAMES: std::ops::RangeInclusive<usize> = 5..=100_000;
/// Multiplications are counted for as long as the frame before took, within these bounds: where other
/// programs want the processor too, both then meet as many of them.
const PEAK: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(100)];
/// How long nothing is done before that.
const REST: Duration = Duration::from_millis(2);
/// The part that is compared with the definition, which is slow.
const EXACT: (usize, usize) = (200, 24);

/// The command.
pub(super) fn run(args: &EngineArgs) -> Result<ExitCode> {
    let artefact = find_model(&args.model, args.scale.into())?;
    let threads = match args.threads {
        Some(threads) => threads.into(),
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    let depth = match args.depth {
        10 => BitDepth::Ten,
        _ => BitDepth::Eight,
    };
    let (width, height) = (usize::from(args.width), usize::from(args.height));
    let frame = picture(PictureFormat::new(width, height, Chroma::C420, depth));
    let in_whole_numbers = artefact.card.precision == Precision::Int8;
    let (mut stage, scale, macs, bit_exact) = if in_whole_numbers {
        let model = Model::new(&artefact, args.isa)?;
        let exact = is_exact(&model, &whole_numbers(&artefact)?, &frame);
        let (scale, macs) = (model.scale(), model.macs() as f64);
        let size = (width * scale, height * scale);
        // The same frame comes again and again, which is not what is measured.
        let stage = Upscale::new(frame.format(), size, model, threads)?;
        let stage = match args.luma {
            true => stage.luma_alone(),
            false => stage.without_memory(),
        };
        (Box::new(stage) as Box<dyn Stage>, scale, macs, Some(exact))
    } else {
        let model = FloatModel::new(&artefact, args.isa)?;
        let stage = FloatUpscale::new(frame.format(), &model, threads)?;
        let (scale, macs) = (model.scale(), model.macs());
        (Box::new(stage) as Box<dyn Stage>, scale, macs, None)
    };

    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    let began = Instant::now();
    while times.len() < WARM + FRAMES.start()
        || (began.elapsed().as_secs_f64() < args.seconds && times.len() < *FRAMES.end())
    {
        let given = frame.clone();
        let start = Instant::now();
        stage.push(given)?;
        // A stage that looks ahead makes its first picture later.
        if let Pull::Frame(_) = stage.pull()? {
            let took = start.elapsed();
            times.push(took.as_secs_f64());
            if in_whole_numbers {
                peaks.push(peak(args.isa, threads, took.clamp(PEAK[0], PEAK[1])));
            }
        }
    }
    times.drain(..WARM);
    let (median, least) = (middle(&mut times), times[0]);
    let gmac = macs * (width * height) as f64 / 1e9;
    let peak = in_whole_numbers.then(|| middle(&mut peaks));
    let report = Report {
        model: artefact.card.name.clone(),
        isa: args.isa.to_string(),
        threads,
        width,
        height,
        scale,
        depth: depth.bits(),
        frames: times.len(),
        ms_median: median * 1e3,
        ms_min: least * 1e3,
        gmac_per_frame: gmac,
        gmac_per_s: gmac / median,
        peak_gmac_per_s: peak,
        peak_share: peak.map(|peak| gmac / median / peak),
        bit_exact,
    };
    if args.json {
        crate::print_json(&report)?;
    } else {
        report.say();
    }
    Ok(ExitCode::from(u8::from(bit_exact == Some(false))))
}

impl Report {
    fn say(&self) {
        say(&format!(
            "{}, {} on {} {}: {}x{} to {}x{} in {:.2} ms, {:.1} frames a second",
            self.model,
            self.isa,
            self.threads,
            if self.threads == 1 {
                "thread"
            } else {
                "threads"
            },
            self.width,
            self.height,
            self.width * self.scale,
            self.height * self.scale,
            self.ms_median,
            1e3 / self.ms_median,
        ));
        say(&match self.peak_gmac_per_s.zip(self.peak_share) {
            Some((peak, share)) => format!(
                "  {:.0} billion multiplications of the network a second, {:.1}% of the {peak:.0} that \
                 this machine makes",
                self.gmac_per_s,
                share * 100.0
            ),
            None => format!("  {:.0} billion multiplications a second", self.gmac_per_s),
        });
        if self.bit_exact == Some(false) {
            say("  NOT what the network is defined to give");
        }
    }
}

/// The median, of numbers that are sorted on the way.
fn middle(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Billions of multiplications a second, by all threads at once for so long.
fn peak(isa: Isa, threads: usize, long: Duration) -> f64 {
    let start = Barrier::new(threads);
    let one = || {
        start.wait();
        let (start, mut count) = (Instant::now(), 0);
        while start.elapsed() < long {
            count += products(isa, 2000);
        }
        count as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    if threads == 1 {
        return one();
    }
    // The engine's threads look for more work for a while before they sleep, and would take a part of
    // what there is.
    thread::sleep(REST);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let rates = workers.into_iter().map(|it| it.join().unwrap_or(0.0));
        rates.sum()
    })
}

/// Waves, and some noise from a fixed seed.
fn picture(format: PictureFormat) -> Frame {
    let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::new(1, 25)));
    match &mut frame.planes {
        Planes::Eight(planes) => draw(planes, |sample| (sample * 255.0) as u8),
        Planes::Ten(planes) => draw(planes, |sample| (sample * 1023.0) as u16),
    }
    frame
}

fn draw<T: Code>(planes: &mut [Plane<T>; 3], code: impl Fn(f64) -> T) {
    let mut seed = 7_u32;
    for (y, row) in planes.iter_mut().flat_map(|it| it.rows_mut().enumerate()) {
        for (x, to) in row.iter_mut().enumerate() {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wave = (x as f64 / 9.0).sin() * (y as f64 / 13.0).cos();
            *to = code(0.45 + 0.35 * wave + f64::from(seed >> 24) / 2560.0);
        }
    }
}

/// Whether a part of the picture is what the definition says.
fn is_exact(model: &Model, network: &Network, frame: &Frame) -> bool {
    match &frame.planes {
        Planes::Eight([y, ..]) => is_exact_of(model, network, y),
        Planes::Ten([y, ..]) => is_exact_of(model, network, y),
    }
}

fn is_exact_of<T: Code + Into<u16>>(model: &Model, network: &Network, luma: &Plane<T>) -> bool {
    let (width, height) = (luma.width().min(EXACT.0), luma.height().min(EXACT.1));
    let (wide, high) = (width * model.scale(), height * model.scale());
    let rows = luma.rows().take(height);
    let part: Vec<T> = rows.flat_map(|row| &row[..width]).copied().collect();
    let plane = Plane::from_samples(width, height, &part);
    let mut out = vec![T::default(); wide * high];
    let program = model.program();
    // Pictures before it are as many of the same.
    let planes = vec![&plane; model.frames()];
    program.run(&planes, 0..height, &mut out, wide, &mut Scratch::default());
    let words = |samples: Vec<T>| -> Vec<u16> { samples.into_iter().map(T::into).collect() };
    let part = words(part);
    let parts = vec![&part[..]; model.frames()];
    words(out) == reference(network, &parts, width, height, T::DEPTH)
}
