//! The threads between two files and their scores.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use nervure_frame::metrics::{FrameScore, Metrics, Pooled};
use nervure_frame::{Frame, FramePool, Rotation};
use nervure_kernels::metrics::Scorer;
use nervure_media::{Damage, Reader};

use super::pairs::{Pairs, Timed};
use super::vmaf::{Scoring, VmafScore};
use crate::signals::Signals;

/// Frames that may wait for their partner: enough for a keyframe that decodes slowly, few since
/// they are large.
const QUEUE: usize = 4;
/// How long a wait for a frame lasts before signals are looked at.
const PATIENCE: Duration = Duration::from_millis(100);

/// The user does not want it any more.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// A comparison to be made.
pub(crate) struct Measurement<'a> {
    /// What is computed here.
    pub(crate) metrics: Metrics,
    /// Threads that compute it.
    pub(crate) threads: usize,
    /// Times count by the sources' clocks, not from their first frames.
    pub(crate) absolute: bool,
    /// How long a frame is where there is only one.
    pub(crate) frame_seconds: f64,
    /// The scores of single frames are wanted.
    pub(crate) keep_frames: bool,
    /// VMAF is being computed elsewhere.
    pub(crate) vmaf: Option<Scoring>,
    /// Whether to go on.
    pub(crate) signals: &'a Signals,
}

/// What came of it.
pub(crate) struct Measured {
    /// The scores of the whole.
    pub(crate) pooled: Pooled,
    /// The frames that scored lowest.
    pub(crate) worst: Worst,
    /// The scores of all pairs of frames, in order, if they are wanted.
    pub(crate) frames: Vec<Timed<FrameScore>>,
    /// VMAF of all pairs of frames, if asked for.
    pub(crate) vmaf: Option<Vec<VmafScore>>,
    /// Frames of the reference and of the other that had no partner.
    pub(crate) unpaired: [u64; 2],
    /// What was wrong with the sources.
    pub(crate) damage: [Damage; 2],
}

/// The lowest value of each metric and when it occurred.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worst {
    pub(crate) psnr: Option<Timed<f64>>,
    pub(crate) ssim: Option<Timed<f64>>,
    pub(crate) ms_ssim: Option<Timed<f64>>,
}

impl Worst {
    fn add(&mut self, seconds: f64, score: &FrameScore) {
        lower(&mut self.psnr, seconds, score.psnr().map(|psnr| psnr.all));
        lower(&mut self.ssim, seconds, score.ssim.map(|ssim| ssim.all));
        lower(&mut self.ms_ssim, seconds, score.ms_ssim);
    }
}

/// Keeps the lower of two values.
pub(crate) fn lower(worst: &mut Option<Timed<f64>>, seconds: f64, value: Option<f64>) {
    if let Some(item) = value
        && worst.is_none_or(|worst| item < worst.item)
    {
        *worst = Some(Timed { seconds, item });
    }
}

/// Two frames that are shown at one time.
pub(crate) struct Pair {
    /// How many pairs came before.
    index: u64,
    /// When, by the reference.
    seconds: f64,
    pub(crate) reference: Frame,
    pub(crate) distorted: Frame,
}

impl Pair {
    /// The pair after so many others.
    pub(crate) fn new(index: u64, reference: Frame, distorted: Frame) -> Pair {
        Pair {
            index,
            seconds: index as f64,
            reference,
            distorted,
        }
    }
}

/// Which pair, when, and its score.
type Scored = Result<(u64, Timed<FrameScore>)>;

/// The threads that take pairs and give scores, in any order.
struct Workers {
    jobs: Sender<Arc<Pair>>,
    scored: Receiver<Scored>,
}

impl Measurement<'_> {
    /// Compares the frames of the reference and the other, each turned before. `advance` is called
    /// for each pair.
    pub(crate) fn run(
        self,
        sources: [(Reader, Rotation); 2],
        mut advance: impl FnMut(),
    ) -> Result<Measured> {
        let mut streams = Vec::new();
        for (reader, turn) in sources {
            streams.push(Stream::new(reader, turn, self.absolute, self.signals)?);
        }
        let [mut reference, mut distorted] =
            <[Stream; 2]>::try_from(streams).unwrap_or_else(|_| unreachable!("two sources"));
        let Workers { jobs, scored } = self.start_workers()?;
        let mut collected = Collected::new(self.keep_frames);
        let mut pairs = Pairs::new(self.frame_seconds);
        let mut index = 0;
        while let Some((one, two)) = pairs.next(|| reference.next(), || distorted.next())? {
            let pair = Arc::new(Pair {
                index,
                seconds: one.seconds,
                reference: one.item,
                distorted: two.item,
            });
            index += 1;
            if self.vmaf.as_ref().is_some_and(|vmaf| !vmaf.push(&pair)) {
                break;
            }
            jobs.send(pair).context("a thread of the metrics is gone")?;
            for scored in scored.try_iter() {
                let (index, frame) = scored?;
                collected.add(index, frame);
                advance();
            }
        }
        drop(jobs);
        for scored in scored {
            let (index, frame) = scored?;
            collected.add(index, frame);
            advance();
        }
        let vmaf = self.vmaf.map(|vmaf| vmaf.finish(index, self.signals));
        Ok(Measured {
            pooled: collected.pooled,
            worst: collected.worst,
            frames: collected.frames,
            vmaf: vmaf.transpose()?,
            unpaired: pairs.unpaired(),
            damage: [reference.damage, distorted.damage],
        })
    }

    fn start_workers(&self) -> Result<Workers> {
        let (jobs, taken) = bounded::<Arc<Pair>>(self.threads);
        let (given, scored) = unbounded();
        for _ in 0..self.threads {
            let (taken, given, metrics) = (taken.clone(), given.clone(), self.metrics);
            spawn("metrics", move || {
                let mut scorer = Scorer::new();
                for pair in taken {
                    let score = scorer.score(&pair.reference, &pair.distorted, metrics);
                    let seconds = pair.seconds;
                    let scored = score.map(|item| (pair.index, Timed { seconds, item }));
                    if given.send(scored.map_err(Into::into)).is_err() {
                        break;
                    }
                }
            })?;
        }
        Ok(Workers { jobs, scored })
    }
}

/// Scores put back in order, so that sums come out the same whatever the threads do.
struct Collected {
    waiting: BTreeMap<u64, Timed<FrameScore>>,
    next: u64,
    pooled: Pooled,
    worst: Worst,
    keep: bool,
    frames: Vec<Timed<FrameScore>>,
}

impl Collected {
    fn new(keep: bool) -> Self {
        Collected {
            waiting: BTreeMap::new(),
            next: 0,
            pooled: Pooled::new(),
            worst: Worst::default(),
            keep,
            frames: Vec::new(),
        }
    }

    fn add(&mut self, index: u64, frame: Timed<FrameScore>) {
        self.waiting.insert(index, frame);
        while let Some(frame) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.pooled.add(&frame.item);
            self.worst.add(frame.seconds, &frame.item);
            if self.keep {
                self.frames.push(frame);
            }
        }
    }
}

/// What a decoding thread says last.
enum Last {
    Failed(nervure_media::Error),
    End(Damage),
}

/// A source that is decoded on a thread of its own.
struct Stream<'a> {
    messages: Receiver<Result<Frame, Last>>,
    signals: &'a Signals,
    absolute: bool,
    /// Ticks of the first frame.
    first: Option<i64>,
    damage: Damage,
}

impl<'a> Stream<'a> {
    fn new(reader: Reader, turn: Rotation, absolute: bool, signals: &'a Signals) -> Result<Self> {
        let (sender, messages) = bounded(QUEUE);
        // Not a scoped thread: it may wait for a pipe for ever when the other source has failed.
        spawn("decode", move || decode(reader, turn, &sender))?;
        Ok(Stream {
            messages,
            signals,
            absolute,
            first: None,
            damage: Damage::default(),
        })
    }

    fn next(&mut self) -> Result<Option<Timed<Frame>>> {
        loop {
            if self.signals.stop() {
                return Err(Interrupted.into());
            }
            match self.messages.recv_timeout(PATIENCE) {
                Ok(Ok(frame)) => {
                    let first = *self.first.get_or_insert(frame.pts.ticks);
                    let origin = if self.absolute { 0 } else { first };
                    let ticks = frame.pts.ticks.saturating_sub(origin);
                    return Ok(Some(Timed {
                        seconds: ticks as f64 * frame.pts.base.seconds(),
                        item: frame,
                    }));
                }
                Ok(Err(Last::Failed(error))) => return Err(error.into()),
                Ok(Err(Last::End(damage))) => {
                    self.damage = damage;
                    return Ok(None);
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The end was told before.
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

/// Sends all frames of a source, until nobody listens.
fn decode(mut reader: Reader, turn: Rotation, sender: &Sender<Result<Frame, Last>>) {
    let pool = FramePool::new();
    loop {
        let message = match reader.next() {
            Ok(Some(frame)) if turn.is_none() => Ok(frame),
            Ok(Some(frame)) => Ok(frame.rotated(turn, &pool)),
            Ok(None) => Err(Last::End(reader.damage())),
            Err(error) => Err(Last::Failed(error)),
        };
        let last = message.is_err();
        if sender.send(message).is_err() || last {
            return;
        }
    }
}

/// Starts a thread with a name.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<thread::JoinHandle<T>> {
    thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .context("cannot start a thread")
}
