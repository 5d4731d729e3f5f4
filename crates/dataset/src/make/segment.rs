//! A job: stretches of one source, one after the other.

use std::ffi::OsString;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;
use std::{fs, thread};

use nervure_media::Codec;
use sha2::{Digest, Sha256};

use super::frames::Frames;
use super::helper::{self, Order};
use super::journal::Done;
use super::pairs::Pictures;
use super::plan::Job;
use super::stage::{Staged, stage};
use super::variant::{Failure, Task, code};
use super::{Ended, Event, Stages, Work};
use crate::Error;
use crate::clip::ClipReader;
use crate::manifest::{ClipRecord, Skipped, SourceRecord};
use crate::recipe::{Rate, Variant};
use crate::sources::Source;
use crate::store::Store;

/// Works on a job until it is done, the caller wants no more, or another job `failed`.
pub(super) fn run(work: &Work<'_>, job: &Job, failed: &AtomicBool) -> Result<(), Ended> {
    let recipe = &work.maker.recipe;
    let source = &work.maker.sources[job.source];
    let halted = || (work.stop)() || failed.load(Ordering::Relaxed);
    let mut budget = recipe.max_frames;
    let mut segment = job.first;
    // What an earlier run finished is not done again.
    while let Some(done) = work.journal.finished(&id(source, segment)) {
        let done = done.clone();
        // Reading it all again to be sure would be the greater part of going on with an archive.
        if done.stamp != source.stamp() {
            unchanged(work, job)?;
        }
        (work.tell)(Event::Coded(
            job.seconds.min(recipe.segment_seconds) * recipe.variants().count() as f64,
        ));
        (work.tell)(Event::Pairs(
            done.clips.iter().map(|clip| clip.frames).sum(),
        ));
        let next = following(job, &done, &mut budget);
        keep(work, job.source, segment, done);
        match next {
            Some(next) => segment = next,
            None => return Ok(()),
        }
    }
    let mut frames = match open(work, job, source, segment) {
        Ok(frames) => Some(frames),
        Err(error) => {
            let done = Done {
                skipped: vec![skip(work, source, error.to_string())],
                stamp: source.stamp(),
                ..Done::default()
            };
            work.journal.note(&id(source, segment), &done)?;
            keep(work, job.source, segment, done);
            return Ok(());
        }
    };
    unchanged(work, job)?;
    while frames.is_some() {
        let stretch = Stretch {
            work,
            job,
            source,
            segment,
            halted: &halted,
        };
        let (done, next) = stretch.run(&mut frames, &mut budget)?;
        work.journal.note(&id(source, segment), &done)?;
        keep(work, job.source, segment, done);
        segment = next.unwrap_or(segment);
    }
    Ok(())
}

/// Refuses a source that is not what it was when the first pairs were made of it.
fn unchanged(work: &Work<'_>, job: &Job) -> Result<(), Error> {
    let source = &work.maker.sources[job.source];
    match work.journal.digest(&source.name) {
        Some(was) if was != work.digest(job.source)? => Err(Error::Unsupported {
            what: format!("{} has changed since pairs were made of it", source.name),
            hint: Some("begin anew with --force".into()),
        }),
        _ => Ok(()),
    }
}

/// The job's next stretch after one that is done.
fn following(job: &Job, done: &Done, budget: &mut Option<u64>) -> Option<u32> {
    if let Some(budget) = budget {
        *budget = budget.saturating_sub(done.pairs);
        if *budget == 0 {
            return None;
        }
    }
    done.next
        .filter(|next| job.end.is_none_or(|end| *next < end))
}

fn open(work: &Work<'_>, job: &Job, source: &Source, segment: u32) -> crate::Result<Frames> {
    let recipe = &work.maker.recipe;
    let seed = seed_of(recipe.seed, &source.slug);
    let mut frames = Frames::open(source, recipe, seed)?;
    if segment > 0 {
        frames.skip_to(f64::from(segment) * recipe.segment_seconds)?;
    }
    // Read now: a source that cannot be read is skipped, whatever it is that fails.
    work.digest(job.source)?;
    Ok(frames)
}

fn keep(work: &Work<'_>, source: usize, segment: u32, done: Done) {
    work.done
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert((source, segment), done);
}

fn skip(work: &Work<'_>, source: &Source, reason: String) -> Skipped {
    let skipped = Skipped {
        source: source.name.clone(),
        reason,
    };
    (work.tell)(Event::Skipped(&skipped));
    skipped
}

/// Whether its encoder may be the only one in a process.
fn wants_helper(variant: Variant) -> bool {
    variant.codec == Codec::Av1
}

/// What a stretch is called, in names of files too.
fn id(source: &Source, segment: u32) -> String {
    format!("{}_{segment:04}", source.slug)
}

/// A seed of its own for each thing that has a name: it does not depend on what else is made.
fn seed_of(seed: u64, name: &str) -> u64 {
    let digest = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(name)
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

/// Moves pictures to their places as they come, when they are on the disk. The large ones have a name
/// beside each of the small ones.
fn place(
    store: &Store,
    high: &Pictures,
    waiting: Receiver<(Pictures, String)>,
) -> crate::Result<()> {
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

/// One stretch of a source, in every variant.
struct Stretch<'a> {
    work: &'a Work<'a>,
    job: &'a Job,
    source: &'a Source,
    segment: u32,
    halted: &'a dyn Fn() -> bool,
}

/// A folder for unfinished work, which vanishes.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Self {
        // What a run that was killed has left.
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is when the stretch is begun again.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Stretch<'_> {
    /// Leaves the frames for the job's next stretch, and says which that is, if there is one.
    fn run(
        &self,
        frames: &mut Option<Frames>,
        budget: &mut Option<u64>,
    ) -> Result<(Done, Option<u32>), Ended> {
        let recipe = &self.work.maker.recipe;
        let scratch = Scratch::new(
            self.work
                .maker
                .store
                .staging()
                .join(id(self.source, self.segment)),
        );
        let mut spent = Stages::default();
        let Some(source) = frames else {
            return Ok((Done::default(), None));
        };
        let outcome = stage(
            source,
            recipe,
            self.segment,
            *budget,
            &scratch.0.join("source"),
            &mut spent,
            self.halted,
        )?;
        let mut done = Done {
            next: outcome.next,
            stamp: self.source.stamp(),
            ..Done::default()
        };
        if let Some(reason) = outcome.fault {
            done.skipped.push(skip(self.work, self.source, reason));
        }
        done.pairs = outcome.staged.as_ref().map_or(0, |staged| staged.pairs);
        let next = following(self.job, &done, budget);
        if next.is_none() {
            // A decoder holds many pictures: not while encoders do as well.
            *frames = None;
        }
        if let Some(staged) = &outcome.staged {
            self.code(staged, &scratch, &mut done, &mut spent)?;
        }
        self.work.spent(&spent);
        Ok((done, next))
    }

    /// Codes a stretch that is put aside in every variant. A thread beside it waits for the disk.
    fn code(
        &self,
        staged: &Staged,
        scratch: &Scratch,
        done: &mut Done,
        spent: &mut Stages,
    ) -> Result<(), Ended> {
        // Stays open when the file moves to its place.
        let large = ClipReader::open(&staged.large)?;
        let (finished, waiting) = mpsc::channel();
        thread::scope(|scope| {
            let placer = scope.spawn(|| place(&self.work.maker.store, &staged.high, waiting));
            let coded = self.code_variants(staged, &large, scratch, done, spent, &finished);
            drop(finished);
            let began = Instant::now();
            let placed = placer.join().unwrap_or_else(|cause| resume_unwind(cause));
            spent.writing += began.elapsed();
            // A full disk is what ended the other too.
            placed.map_err(Ended::from).and(coded)
        })
    }

    fn code_variants(
        &self,
        staged: &Staged,
        large: &ClipReader,
        scratch: &Scratch,
        done: &mut Done,
        spent: &mut Stages,
        finished: &Sender<(Pictures, String)>,
    ) -> Result<(), Ended> {
        let recipe = &self.work.maker.recipe;
        let each = staged.seconds / staged.frames.max(1) as f64;
        let helpers = self.large_for_helpers(staged, scratch);
        for (number, variant) in recipe.variants().enumerate() {
            let stem = format!("{}_{variant}", id(self.source, self.segment));
            let seed = seed_of(recipe.seed, &stem);
            let mut step = || {
                (self.work.tell)(Event::Coded(each));
                match (self.halted)() {
                    true => Err(Ended::Stopped),
                    false => Ok(()),
                }
            };
            let folder = scratch.0.join(variant.to_string());
            let order = helpers.as_ref().filter(|_| wants_helper(variant));
            let order = order.and_then(|(command, large)| {
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
                    done.skipped.push(skip(self.work, self.source, reason));
                    continue;
                }
            };
            let record = self.record(staged, variant, stem.clone(), seed, &coded)?;
            (self.work.tell)(Event::Pairs(record.frames));
            (self.work.tell)(Event::Clip(&record));
            done.clips.push(record);
            if finished.send((coded.low, stem)).is_err() {
                // The other thread failed and will say how.
                return Ok(());
            }
        }
        Ok(())
    }

    /// The command of helpers, where several jobs may want them, and the large pictures under a name
    /// that stays when they move to their place.
    fn large_for_helpers(
        &self,
        staged: &Staged,
        scratch: &Scratch,
    ) -> Option<(&[OsString], PathBuf)> {
        let maker = self.work.maker;
        let command = maker.helper.as_deref().filter(|_| maker.jobs > 1)?;
        let large = scratch.0.join("large-too.clip");
        // Without such links the jobs wait for one another.
        fs::hard_link(&staged.large, &large).ok()?;
        Some((command, large))
    }

    fn record(
        &self,
        staged: &Staged,
        variant: Variant,
        stem: String,
        seed: u64,
        coded: &super::variant::Coded,
    ) -> Result<ClipRecord, Error> {
        let (requested_kbps, crf) = match variant.rate {
            Rate::Kbps(kbps) => (Some(kbps), None),
            Rate::Crf(crf) => (None, Some(crf)),
        };
        Ok(ClipRecord {
            stem,
            source: SourceRecord {
                name: self.source.name.clone(),
                sha256: self.work.digest(self.job.source)?.to_owned(),
                segment: self.segment,
                start: super::baseline::round(staged.start, 1e6),
            },
            content_type: staged.content.to_string(),
            content_confidence: staged.confidence,
            codec: variant.codec.name().into(),
            requested_kbps,
            crf,
            measured_kbps: super::baseline::round(coded.bytes as f64 * 8e-3 / staged.seconds, 1e3),
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
