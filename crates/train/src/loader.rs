//! Random patches of pairs, ahead of need.
//!
//! Every patch is drawn from dice of its own, made of the seed, the batch's number and its place in
//! the batch. Worker threads make whole batches by turns and hand them over in order, so how many
//! there are changes when a batch is ready and never what is in it.
//!
//! Clips are read where they lie: of each picture only the rows that a patch needs. A PNG has to be
//! decoded whole to get at any row, which for a patch of 48x48 from a 1080p picture is some five
//! hundred times the work; and serving many patches from each decoded picture instead would fill
//! batches with neighbours. So datasets of PNG files are packed into clips once, when they are
//! opened, in a folder where the next run finds them.

mod batch;
mod catalogue;
mod config;
mod dice;
mod guesses;
mod packed;
mod patch;
mod readers;
mod validate;
mod workers;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use batch::{Batch, Pick, Samples, Shape};
pub use catalogue::{Clip, PassedOver};
pub use config::{Filter, LoaderConfig, PlaneSet};
pub use validate::Pairs;

use crate::{Error, Result};
use catalogue::Catalogue;
use patch::Maker;
use workers::Workers;

/// Where a loader stands: what a checkpoint of training keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The number of the next batch.
    pub batch: u64,
    /// Of the datasets and the configuration: others give other batches.
    pub mark: u32,
}

/// Gives batches.
#[derive(Debug)]
pub struct Loader {
    catalogue: Arc<Catalogue>,
    config: Arc<LoaderConfig>,
    mark: u32,
    next: u64,
    workers: Option<Workers>,
    /// For when there are no workers.
    maker: Maker,
}

impl Loader {
    /// Opens datasets by their folders. Those of PNG files are packed first where they are not yet,
    /// which takes about as long as reading every picture of them once.
    pub fn open<P: AsRef<Path>>(datasets: &[P], config: &LoaderConfig) -> Result<Self> {
        config.check()?;
        let folders: Vec<&Path> = datasets.iter().map(AsRef::as_ref).collect();
        if let Some(missing) = folders.iter().find(|folder| !folder.exists()) {
            return Err(Error::refused(
                format!("there is no dataset at {}", missing.display()),
                "make one with `nervure dataset make ... --layout clips`, or name another",
            ));
        }
        let catalogue = Arc::new(Catalogue::open(&folders, config)?);
        let config = Arc::new(config.clone());
        Ok(Loader {
            mark: catalogue.mark(&config),
            next: 0,
            workers: None,
            maker: Maker::new(Arc::clone(&catalogue), Arc::clone(&config)),
            catalogue,
            config,
        })
    }

    /// The next batch, into memory that is used again.
    ///
    /// After an error the batch that could not be made is passed over: the next call gives the one
    /// after it.
    pub fn next(&mut self, batch: &mut Batch) -> Result<()> {
        let number = self.next;
        self.next += 1;
        if self.config.workers == 0 {
            return self.maker.make(number, batch);
        }
        let workers = match &mut self.workers {
            Some(workers) => workers,
            // Only now: whoever continues from a state does not wait for batches from before it.
            None => self.workers.insert(Workers::start(
                &self.catalogue,
                &self.config,
                self.config.workers,
                number,
            )?),
        };
        workers.take(number, batch)
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        State {
            batch: self.next,
            mark: self.mark,
        }
    }

    /// Goes on from where another loader of the same datasets and configuration stood, whatever
    /// number of workers it had.
    pub fn resume(&mut self, state: State) -> Result<()> {
        if state.mark != self.mark {
            return Err(Error::OtherState {
                state: state.mark,
                loader: self.mark,
            });
        }
        self.workers = None;
        self.next = state.batch;
        Ok(())
    }

    /// How large its batches are.
    pub fn shape(&self) -> Shape {
        Shape::of(&self.config, self.catalogue.scale())
    }

    /// The clips that patches are drawn from.
    pub fn clips(&self) -> &[Clip] {
        self.catalogue.clips()
    }

    /// Clips that passed the filter and cannot be used, and why.
    pub fn passed_over(&self) -> &[PassedOver] {
        self.catalogue.passed_over()
    }

    /// The frames of one clip in order, for validation: whole, and checked against their checksums.
    ///
    /// # Panics
    /// When there is no such clip.
    pub fn pairs(&self, clip: usize) -> Result<Pairs> {
        Pairs::open(&self.catalogue, clip)
    }
}
