//! A job: stretches of one source, one after the other.

use std::fs;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::coding::{Coding, Outcome};
use super::frames::Frames;
use super::journal::Done;
use super::plan::Job;
use super::stage::stage;
use super::{Ended, Event, Stages, Work};
use crate::Error;
use crate::manifest::Skipped;
use crate::sources::Source;

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

pub(super) fn skip(work: &Work<'_>, source: &Source, reason: String) -> Skipped {
    let skipped = Skipped {
        source: source.name.clone(),
        reason,
    };
    (work.tell)(Event::Skipped(&skipped));
    skipped
}

/// What a stretch is called, in names of files too.
pub(super) fn id(source: &Source, segment: u32) -> String {
    format!("{}_{segment:04}", source.slug)
}

/// A seed of its own for each thing that has a name: it does not depend on what else is made.
pub(super) fn seed_of(seed: u64, name: &str) -> u64 {
    let digest = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(name)
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

/// One stretch of a source.
struct Stretch<'a> {
    work: &'a Work<'a>,
    job: &'a Job,
    source: &'a Source,
    segment: u32,
    halted: &'a (dyn Fn() -> bool + Sync),
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
            (self.segment, recipe.content.of(self.source.path())),
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
            let coding = Coding {
                work: self.work,
                source: self.job.source,
                segment: self.segment,
                staged,
                scratch: &scratch.0,
                halted: self.halted,
            };
            for outcome in coding.run(&mut spent)? {
                match outcome {
                    Outcome::Clip(record) => done.clips.push(*record),
                    Outcome::Skipped(skipped) => done.skipped.push(skipped),
                }
            }
        }
        self.work.spent(&spent);
        Ok((done, next))
    }
}
