//! All variants of a stretch that is put aside. Whoever works on the stretch takes one after the other,
//! and so do threads whose own work has run out, so that a short list of sources keeps every core busy.

use std::ffi::OsString;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{fs, thread};

use nervure_media::Codec;

use super::baseline::round;
use super::helper::{self, Order};
use super::pairs::Pictures;
use super::segment::{id, seed_of, skip};
use super::stage::Staged;
use super::variant::{Coded, Failure, Task, code};
use super::{Ended, Event, Stages, Work};
use crate::clip::ClipReader;
use crate::manifest::{ClipRecord, Skipped, SourceRecord};
use crate::recipe::{Rate, Variant};
use crate::store::Store;
use crate::{Error, Result};

/// Threads that a run may have and does not use.
#[derive(Default)]
pub(super) struct Idle {
    threads: Mutex<usize>,
    changed: Condvar,
}

impl Idle {
    /// So many more have nothing to do.
    pub(super) fn add(&self, threads: usize) {
        *self.lock() += threads;
        self.changed.notify_all();
    }

    /// Waits for one, unless it is wanted no more: [`Idle::look_again`] says when to ask.
    fn take(&self, wanted: impl Fn() -> bool) -> Option<Taken<'_>> {
        let mut threads = self.lock();
        loop {
            if !wanted() {
                return None;
            }
            if *threads > 0 {
                *threads -= 1;
                return Some(Taken(self));
            }
            threads = self
                .changed
                .wait(threads)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn look_again(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that is not idle for now.
struct Taken<'a>(&'a Idle);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.add(1);
    }
}

/// A stretch of a source, put aside, being coded.
pub(super) struct Coding<'a> {
    pub(super) work: &'a Work<'a>,
    /// Number of the source, and of the stretch in it.
    pub(super) source: usize,
    pub(super) segment: u32,
    pub(super) staged: &'a Staged,
    /// A folder for unfinished work.
    pub(super) scratch: &'a Path,
    pub(super) halted: &'a (dyn Fn() -> bool + Sync),
}

/// What becomes of a variant.
pub(super) enum Outcome {
    Clip(Box<ClipRecord>),
    Skipped(Skipped),
}

/// How far it is.
struct Progress {
    /// The next variant that nobody has begun.
    next: AtomicUsize,
    failed: AtomicBool,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    outcomes: Vec<(usize, Outcome)>,
    spent: Stages,
    failure: Option<Ended>,
}

impl Coding<'_> {
    /// Codes every variant and moves it to its place; what became of them, in the recipe's order.
    pub(super) fn run(&self, spent: &mut Stages) -> Result<Vec<Outcome>, Ended> {
        // Stays open when the file moves to its place.
        let large = ClipReader::open(&self.staged.large)?;
        let helpers = self.large_for_helpers();
        let variants: Vec<Variant> = self.work.maker.recipe.variants().collect();
        let progress = Progress {
            next: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            found: Mutex::default(),
        };
        let more = || {
            !progress.failed.load(Ordering::Relaxed)
                && progress.next.load(Ordering::Relaxed) < variants.len()
        };
        let idle = &self.work.idle;
        let (finished, waiting) = mpsc::channel();
        let take_turns = |finished: &Sender<(Pictures, String)>| {
            let mut spent = Stages::default();
            while more() {
                let number = progress.next.fetch_add(1, Ordering::Relaxed);
                let Some(variant) = variants.get(number) else {
                    break;
                };
                let outcome = self.one(
                    (number, *variant),
                    &large,
                    helpers.as_ref(),
                    &progress,
                    finished,
                    &mut spent,
                );
                progress.keep(number, outcome);
            }
            progress.lock().spent.add(&spent);
            idle.look_again();
        };
        let placed = thread::scope(|scope| {
            // Waits for the disk, so that no other has to.
            let placer = scope.spawn(|| place(&self.work.maker.store, &self.staged.high, waiting));
            let (take_turns, more) = (&take_turns, &more);
            let theirs = finished.clone();
            scope.spawn(move || {
                while let Some(taken) = idle.take(more) {
                    let finished = theirs.clone();
                    scope.spawn(move || {
                        let _taken = taken;
                        take_turns(&finished);
                    });
                }
            });
            take_turns(&finished);
            drop(finished);
            let began = Instant::now();
            let placed = placer.join().unwrap_or_else(|cause| resume_unwind(cause));
            spent.writing += began.elapsed();
            placed
        });
        let found = progress
            .found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        spent.add(&found.spent);
        // A full disk is what ended the others too.
        placed?;
        if let Some(failure) = found.failure {
            return Err(failure);
        }
        let mut outcomes = found.outcomes;
        outcomes.sort_by_key(|(number, _)| *number);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }

    fn one(
        &self,
        (number, variant): (usize, Variant),
        large: &ClipReader,
        helpers: Option<&(&[OsString], PathBuf)>,
        progress: &Progress,
        finished: &Sender<(Pictures, String)>,
        spent: &mut Stages,
    ) -> Result<Outcome, Ended> {
        let (recipe, staged) = (&self.work.maker.recipe, self.staged);
        let source = &self.work.maker.sources[self.source];
        let each = staged.seconds / staged.frames.max(1) as f64;
        let stem = format!("{}_{variant}", id(source, self.segment));
        let seed = seed_of(recipe.seed, &stem);
        let mut step = || {
            (self.work.tell)(Event::Coded(each));
            match (self.halted)() || progress.failed.load(Ordering::Relaxed) {
                true => Err(Ended::Stopped),
                false => Ok(()),
            }
        };
        let folder = self.scratch.join(variant.to_string());
        let helper = helpers.filter(|_| wants_helper(variant));
        let order = helper.and_then(|(command, large)| {
            let order = Order {
                small: staged.small.clone(),
                large: large.clone(),
                folder: folder.clone(),
                recipe: recipe.to_json(),
                variant: number,
                seed,
                frame_rate: staged.frame_rate,
            };
            // A path may have no words.
            Some((command, serde_json::to_string(&order).ok()?))
        });
        let coded = match order {
            Some((command, order)) => helper::order(command, &order, spent, &mut step),
            None => {
                let task = Task {
                    small: &staged.small,
                    large,
                    recipe,
                    variant,
                    seed,
                    folder: &folder,
                    frame_rate: staged.frame_rate,
                };
                code(&task, spent, &mut step)
            }
        };
        let coded = match coded {
            Ok(coded) => coded,
            Err(Failure::Run(ended)) => return Err(ended),
            Err(Failure::Variant(error)) => {
                let reason = format!("{variant} from {:.1} s: {error}", staged.start);
                return Ok(Outcome::Skipped(skip(self.work, source, reason)));
            }
        };
        let record = self.record(variant, stem.clone(), seed, &coded)?;
        (self.work.tell)(Event::Pairs(record.frames));
        (self.work.tell)(Event::Clip(&record));
        if finished.send((coded.low, stem)).is_err() {
            // The other thread failed and will say how.
            progress.failed.store(true, Ordering::Relaxed);
        }
        Ok(Outcome::Clip(Box::new(record)))
    }

    /// The command of helpers, where several jobs may want them, and the large pictures under a name
    /// that stays when they move to their place.
    fn large_for_helpers(&self) -> Option<(&[OsString], PathBuf)> {
        let maker = self.work.maker;
        let command = maker.helper.as_deref().filter(|_| maker.jobs > 1)?;
        let large = self.scratch.join("large-too.clip");
        // Without such links the jobs wait for one another.
        fs::hard_link(&self.staged.large, &large).ok()?;
        Some((command, large))
    }

    fn record(
        &self,
        variant: Variant,
        stem: String,
        seed: u64,
        coded: &Coded,
    ) -> Result<ClipRecord> {
        let staged = self.staged;
        let (requested_kbps, crf) = match variant.rate {
            Rate::Kbps(kbps) => (Some(kbps), None),
            Rate::Crf(crf) => (None, Some(crf)),
        };
        Ok(ClipRecord {
            stem,
            source: SourceRecord {
                name: self.work.maker.sources[self.source].name.clone(),
                sha256: self.work.digest(self.source)?.to_owned(),
                segment: self.segment,
                start: round(staged.start, 1e6),
            },
            content_type: staged.content.to_string(),
            content_confidence: staged.confidence,
            codec: variant.codec.name().into(),
            requested_kbps,
            crf,
            measured_kbps: round(coded.bytes as f64 * 8e-3 / staged.seconds, 1e3),
            augment: coded.augment.clone(),
            loss: coded.loss.clone(),
            dropped_frames: coded.dropped,
            seed,
            frames: staged.pairs,
            frame_rate: staged.frame_rate,
            lr: staged.lr,
            hr: staged.hr,
            baseline: coded.baseline.clone(),
            lr_sha256: coded.low.sha256.clone(),
            hr_sha256: staged.high.sha256.clone(),
        })
    }
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, number: usize, outcome: Result<Outcome, Ended>) {
        let mut found = self.lock();
        match outcome {
            Ok(outcome) => found.outcomes.push((number, outcome)),
            Err(ended) => {
                self.failed.store(true, Ordering::Relaxed);
                // Others end because this one did: theirs is not the reason.
                if !matches!(found.failure, Some(Ended::Failed(_))) {
                    found.failure = Some(ended);
                }
            }
        }
    }
}

/// Whether its encoder may be the only one in a process.
fn wants_helper(variant: Variant) -> bool {
    variant.codec == Codec::Av1
}

/// Moves pictures to their places as they come, when they are on the disk. The large ones have a name
/// beside each of the small ones.
fn place(
    store: &Store,
    high: &Pictures,
    waiting: Receiver<(Pictures, String)>,
) -> Result<(), Error> {
    high.sync()?;
    let mut first: Option<String> = None;
    for (low, stem) in waiting {
        low.sync()?;
        low.place(store, &stem)?;
        match &first {
            Some(first) => high.link(store, first, &stem)?,
            None => high.place(store, &stem)?,
        }
        first.get_or_insert(stem);
    }
    Ok(())
}
