//! Making a dataset: sources are cut into stretches, each stretch is coded in every way the recipe
//! asks for, and what comes out is kept beside what went in.
//!
//! A stretch is worked on in two steps, so that a job holds one decoder or one encoder at a time and
//! never a stretch of pictures: first the source is decoded once and its pictures put aside at both
//! sizes, then each variant reads the small ones, codes them, and writes its pairs. Jobs run beside one
//! another, and one that finds no stretch left takes variants of another's. Decoders and encoders have
//! one thread each. So the same sources and recipe give the same bytes, however many jobs there are and
//! however often they are broken off.

mod baseline;
mod coding;
mod frames;
mod helper;
mod journal;
mod pairs;
mod plan;
mod segment;
mod stage;
mod variant;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use std::{panic, thread};

use serde::{Deserialize, Serialize};

use crate::manifest::{ClipRecord, Header, Manifest, Skipped, VERSION};
use crate::recipe::Recipe;
use crate::sources::Source;
use crate::store::{Guard, Store};
use crate::{Error, Result};

use coding::Idle;
pub use helper::help;
use journal::{Done, Journal};
use plan::Job;

/// What is made of what, where, and by how many.
pub struct Maker {
    /// What is asked for.
    pub recipe: Recipe,
    /// What pairs are made from.
    pub sources: Vec<Source>,
    /// Where they go.
    pub store: Store,
    /// Which part of the work is done here, from 0, and of how many.
    pub shard: (u32, u32),
    /// Stretches that are worked on at once.
    pub jobs: usize,
    /// Version of nervure, for the manifest.
    pub made_by: String,
    /// A command that does nothing but call [`help`]. Without one, jobs that code AV1 wait for one
    /// another.
    pub helper: Option<Vec<OsString>>,
}

/// What to do about work that was begun before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// There should be none.
    Refuse,
    /// Go on with it.
    Resume,
    /// Forget it.
    Discard,
}

/// A shard that this process may work on, and no other. Taken before sources are recorded: a
/// recording for work that is refused would be for nothing, or replace the one that the work needs.
#[derive(Debug)]
pub struct Claim {
    begun: Begun,
    finished: bool,
    _lock: Guard,
}

impl Claim {
    /// Takes a shard, unless another process has it or what was begun before forbids it.
    pub fn take(store: &Store, shard: (u32, u32), begun: Begun) -> Result<Self> {
        let lock = store.lock(shard)?;
        Ok(Claim {
            begun,
            finished: journal::may_begin(store, shard, begun)?,
            _lock: lock,
        })
    }

    /// Whether the shard is whole and stays as it is: nothing will be read of its sources.
    pub fn is_made(&self) -> bool {
        self.finished && self.begun == Begun::Resume
    }
}

/// Something that happened, for whoever shows progress.
#[derive(Debug)]
pub enum Event<'a> {
    /// How much there is to do: jobs, and seconds of video as far as sources tell.
    Planned {
        /// Jobs of this shard.
        jobs: usize,
        /// Seconds of video in them, each counted once for each variant.
        seconds: f64,
    },
    /// So many more seconds of video have been coded, or were by an earlier run.
    Coded(f64),
    /// Pairs were written.
    Pairs(u64),
    /// A clip is in its place.
    Clip(&'a ClipRecord),
    /// A source, or a part of one, gives no pairs.
    Skipped(&'a Skipped),
    /// Time was spent, summed over jobs since the last time this was told.
    Spent(&'a Stages),
}

/// Time spent, summed over jobs.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Stages {
    /// Reading and decoding the sources, and shrinking their pictures.
    pub source: Duration,
    /// Augmenting, encoding, losing and decoding.
    pub coding: Duration,
    /// Scoring the classical upscaler.
    pub scoring: Duration,
    /// Writing pairs and checking sums.
    pub writing: Duration,
}

impl Stages {
    /// Adds the times of other jobs.
    pub fn add(&mut self, other: &Stages) {
        self.source += other.source;
        self.coding += other.coding;
        self.scoring += other.scoring;
        self.writing += other.writing;
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// The manifest as it was written.
    pub manifest: Manifest,
    /// It was whole before, and nothing was done.
    pub already: bool,
    /// Time spent by this run.
    pub stages: Stages,
}

/// Why it ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// The caller said stop.
    #[error("interrupted")]
    Stopped,
    /// Something failed that is not a source's fault.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Maker {
    /// Makes this shard's part, telling `tell` how it goes, until done or until `stop` says so.
    ///
    /// # Errors
    /// A source that fails is none: it is skipped, and the manifest says why.
    pub fn run(
        &self,
        claim: &Claim,
        stop: &(dyn Fn() -> bool + Sync),
        tell: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<Made, Ended> {
        self.recipe.check()?;
        variant::check_encoders(&self.recipe)?;
        let journal = match Journal::open(self, claim)? {
            Ok(journal) => journal,
            Err(manifest) => {
                return Ok(Made {
                    manifest,
                    already: true,
                    stages: Stages::default(),
                });
            }
        };
        let jobs = plan::plan(&self.sources, &self.recipe, self.shard, self.jobs, stop);
        if stop() {
            return Err(Ended::Stopped);
        }
        let variants = self.recipe.variants().count() as f64;
        tell(Event::Planned {
            jobs: jobs.len(),
            seconds: jobs.iter().map(|job| job.seconds * variants).sum(),
        });
        let work = Work {
            maker: self,
            journal: &journal,
            stop,
            tell,
            digests: self.sources.iter().map(|_| OnceLock::new()).collect(),
            stages: Mutex::default(),
            idle: Idle::default(),
            done: Mutex::default(),
        };
        work.run_all(&jobs)?;
        let done = work
            .done
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut manifest = Manifest {
            header: self.header(),
            clips: Vec::new(),
            skipped: Vec::new(),
        };
        for (_, done) in done {
            manifest.clips.extend(done.clips);
            manifest.skipped.extend(done.skipped);
        }
        let text = manifest.to_text()?;
        self.store.sync()?;
        self.store
            .put_bytes(&Manifest::name(self.shard), text.as_bytes())?;
        journal.remove()?;
        Ok(Made {
            manifest,
            already: false,
            stages: work
                .stages
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
        })
    }

    fn header(&self) -> Header {
        Header {
            version: VERSION,
            made_by: self.made_by.clone(),
            layout: self.recipe.layout,
            shard: self.shard,
            recipe: self.recipe.to_json(),
        }
    }
}

/// What the jobs of a run share.
struct Work<'a> {
    maker: &'a Maker,
    journal: &'a Journal,
    stop: &'a (dyn Fn() -> bool + Sync),
    tell: &'a (dyn Fn(Event<'_>) + Sync),
    /// Of each source, found when its first job begins.
    digests: Vec<OnceLock<String>>,
    stages: Mutex<Stages>,
    /// Of the jobs that the run may have at once.
    idle: Idle,
    /// By source and stretch: the order of the manifest.
    done: Mutex<BTreeMap<(usize, u32), Done>>,
}

impl Work<'_> {
    /// Runs every job, several at once. The first failure stops the others between two frames.
    fn run_all(&self, jobs: &[Job]) -> Result<(), Ended> {
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let failure = Mutex::new(None);
        let work_through = || {
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                if (self.stop)() || failed.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(error) = segment::run(self, job, &failed) {
                    failed.store(true, Ordering::Relaxed);
                    let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                    // Others end because this one did: theirs is not the reason.
                    if !matches!(*failure, Some(Ended::Failed(_))) {
                        *failure = Some(error);
                    }
                    return;
                }
            }
        };
        let worker = || {
            work_through();
            self.idle.add(1);
        };
        let most = self.maker.jobs.max(1);
        self.idle.add(most.saturating_sub(jobs.len()));
        thread::scope(|scope| {
            let threads: Vec<_> = (0..most.min(jobs.len()))
                .map(|_| scope.spawn(worker))
                .collect();
            for thread in threads {
                if let Err(cause) = thread.join() {
                    panic::resume_unwind(cause);
                }
            }
        });
        if (self.stop)() {
            return Err(Ended::Stopped);
        }
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// The digest of a source, read once.
    fn digest(&self, source: usize) -> Result<&str> {
        let cell = &self.digests[source];
        if let Some(digest) = cell.get() {
            return Ok(digest);
        }
        // Two jobs of a source may read it at the same time: both find the same.
        let digest = self.maker.sources[source].digest()?;
        Ok(cell.get_or_init(|| digest))
    }

    fn spent(&self, stages: &Stages) {
        (self.tell)(Event::Spent(stages));
        self.stages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(stages);
    }
}
