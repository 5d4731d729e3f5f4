//! Pictures made larger in time: by the best tier that there is time for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nervure_frame::{Frame, PictureFormat, TimeBase, Timestamp};
use nervure_kernels::resample::Filter;

use super::calibrate::{Gauge, calibrate};
use super::pace::{Budget, Pace};
use super::ready::Ready;
use super::upscale::Shared;
use crate::{Error, Luma, Model, Pull, Stage, Upscale};

/// Tells how long it is since some moment. What is made of it is told in ARCHITECTURE.md: it is the one
/// thing that decides about pictures and is not in the input.
pub type Clock = Box<dyn FnMut() -> Duration + Send>;

/// Upscales each frame by a model if there is time, by a smaller one if there is less, and by Lanczos if
/// there is next to none.
///
/// It gives a frame for each that it gets, and holds none back. Time is counted from a frame's arrival
/// here until the next in line has taken it, so that a slow sink counts, and waiting for the source does
/// not.
pub struct Paced {
    /// The best first; the last is Lanczos.
    tiers: Vec<Upscale>,
    pace: Pace,
    clock: Clock,
    tally: Tally,
    /// When the last frame was made, until it is known to be taken; and when it was taken.
    made: Option<Duration>,
    taken: Option<Duration>,
    last: Option<Timestamp>,
    ready: Ready,
}

/// How many frames each tier made, and how many came late: read while the stage runs, or after.
#[derive(Clone, Debug)]
pub struct Tally(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    tiers: Vec<(String, AtomicU64)>,
    /// Seconds a frame by each tier, as they were found before the first.
    costs: Vec<f64>,
    missed: AtomicU64,
}

impl Tally {
    /// Names of the tiers, the best first, with their frames.
    pub fn tiers(&self) -> impl Iterator<Item = (&str, u64)> {
        let tiers = self.0.tiers.iter();
        tiers.map(|(name, frames)| (name.as_str(), frames.load(Ordering::Relaxed)))
    }

    /// Seconds that a frame takes by each tier, as measured or estimated at the start.
    pub fn costs(&self) -> &[f64] {
        &self.0.costs
    }

    /// Frames that were finished later than an interval after they were due to begin.
    pub fn missed(&self) -> u64 {
        self.0.missed.load(Ordering::Relaxed)
    }
}

impl Paced {
    /// A stage that takes frames of `source` and gives frames of `size`. Finds out how long the models
    /// take here, which takes some tenths of a second.
    ///
    /// All models must make that size, of single pictures; they may be given in any order, or none at
    /// all.
    pub fn new(
        source: PictureFormat,
        size: (usize, usize),
        mut models: Vec<Model>,
        threads: usize,
        budget: Budget,
        mut clock: Clock,
    ) -> Result<Paced, Error> {
        if let Some(model) = models.iter().find(|model| model.frames() > 1) {
            return Err(Error::Model {
                name: model.card().name.clone(),
                reason: "it looks at pictures before, which it may not have been given in time"
                    .into(),
            });
        }
        models.sort_by_key(|model| std::cmp::Reverse(model.macs()));
        let macs: Vec<usize> = models.iter().map(Model::macs).collect();
        let mut names: Vec<String> = models.iter().map(|it| it.card().name.clone()).collect();
        names.push("lanczos".into());
        let mut lumas: Vec<Luma> = models.into_iter().map(Luma::Model).collect();
        lumas.push(Filter::Lanczos.into());

        let shared = Shared::new(threads)?;
        let make = |luma: &Luma, source, size| {
            Upscale::sharing(source, size, luma.clone(), shared.clone())
        };
        let mut tiers = Vec::new();
        for luma in &lumas {
            tiers.push(make(luma, source, size)?);
        }
        let mut run = |gauge: Gauge| match gauge {
            Gauge::Frame(tier) => time(&mut tiers[tier], source, &mut clock),
            Gauge::Rows(tier, rows) => {
                let part = source.with_size(source.width, rows);
                let size = (size.0, size.1 * rows / source.height);
                time(&mut make(&lumas[tier], part, size)?, part, &mut clock)
            }
        };
        let costs = calibrate(&macs, source.height, budget.interval, &mut run)?;
        let tally = Tally(Arc::new(Counts {
            tiers: names.into_iter().map(|name| (name, 0.into())).collect(),
            costs: costs.clone(),
            missed: 0.into(),
        }));
        Ok(Paced {
            tiers,
            pace: Pace::new(costs, budget),
            clock,
            tally,
            made: None,
            taken: None,
            last: None,
            ready: Ready::default(),
        })
    }

    /// What it counts.
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// The name of the tier that most frames get now.
    pub fn level(&self) -> &str {
        &self.tally.0.tiers[self.pace.level()].0
    }
}

/// Seconds of a picture. It is made twice, since the first time memory is new.
fn time(stage: &mut Upscale, format: PictureFormat, clock: &mut Clock) -> Result<f64, Error> {
    let mut seconds = 0.0;
    for number in 0..2 {
        let frame = grey(format, number);
        let start = clock();
        push_through(stage, frame)?;
        seconds = clock().saturating_sub(start).as_secs_f64();
    }
    Ok(seconds)
}

/// A picture of one grey, another for each number: none is what another was.
fn grey(format: PictureFormat, number: u8) -> Frame {
    use nervure_frame::Planes;
    let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::new(1, 1)));
    let value = 64 + 64 * number;
    match &mut frame.planes {
        Planes::Eight(planes) => planes.iter_mut().for_each(|plane| plane.fill(value)),
        Planes::Ten(planes) => planes
            .iter_mut()
            .for_each(|plane| plane.fill(u16::from(value) << 2)),
    }
    frame
}

/// Upscalers give each frame at once.
fn push_through(stage: &mut Upscale, frame: Frame) -> Result<Option<Frame>, Error> {
    stage.push(frame)?;
    Ok(match stage.pull()? {
        Pull::Frame(frame) => Some(frame),
        Pull::NeedMore | Pull::End => None,
    })
}

impl Stage for Paced {
    fn output(&self, input: PictureFormat) -> PictureFormat {
        self.tiers[0].output(input)
    }

    fn push(&mut self, frame: Frame) -> Result<(), Error> {
        let start = (self.clock)();
        let at = frame.pts;
        let gap = self.last.replace(at).map(|last| between(last, at));
        let idle = self.taken.take().map(|taken| start.saturating_sub(taken));
        let tier = self.pace.begin(gap, idle.unwrap_or_default());
        if let Some(frame) = push_through(&mut self.tiers[tier], frame)? {
            self.ready.put(frame);
        }
        let made = (self.clock)();
        let counts = &self.tally.0;
        counts.tiers[tier].1.fetch_add(1, Ordering::Relaxed);
        if !self.pace.end(tier, made.saturating_sub(start)) {
            counts.missed.fetch_add(1, Ordering::Relaxed);
        }
        self.made = Some(made);
        Ok(())
    }

    fn pull(&mut self) -> Result<Pull, Error> {
        let pulled = self.ready.pull();
        if let Pull::Frame(_) = pulled {
            return Ok(pulled);
        }
        // Whoever asks again has done with the last.
        if let Some(made) = self.made.take() {
            let now = (self.clock)();
            self.pace.held(now.saturating_sub(made));
            self.taken = Some(now);
        }
        Ok(pulled)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.ready.flush();
        Ok(())
    }
}

/// Time from one frame to the next; none if they do not follow each other.
fn between(last: Timestamp, next: Timestamp) -> Duration {
    let seconds = next
        .rescale(last.base)
        .ticks
        .saturating_sub(last.ticks)
        .max(0) as f64
        * last.base.seconds();
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
