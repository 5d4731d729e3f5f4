//! Networks in single precision: slow, and of every family.
//!
//! A network becomes a list of operations, from its artefact alone. They are carried out on tiles, a few
//! rows at a time, with the convolutions that training is done with. A picture does not depend on how it
//! was cut or by how many threads it was made; and on every instruction set that rounds products and sums
//! at once (all but the scalar one, whose numbers differ in their last bits) it is the same.

mod families;
mod plan;
mod run;
mod source;
mod tiles;

use std::sync::{Arc, Mutex, PoisonError};

use nervure_frame::{LossMask, Plane};
use nervure_kernels::Isa;
use nervure_kernels::motion::mended;
use nervure_record::{Artefact, Card, Family};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;
use plan::Plan;
use run::{Scratch, Tile};
use source::{Damaged, Shown, Source};
use tiles::{Band, Columns, Cut};

pub(crate) use source::Level;

/// A network in single precision: what its card says, and what it does. Copies share it.
#[derive(Clone, Debug)]
pub struct FloatModel {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    card: Card,
    plan: Plan,
    window: usize,
    target: usize,
}

impl FloatModel {
    /// Of a file's bytes, for the best instructions that the processor has.
    pub fn from_bytes(bytes: &[u8]) -> Result<FloatModel, Error> {
        let artefact = Artefact::from_bytes(bytes).map_err(|error| Error::Model {
            name: "given".into(),
            reason: error.to_string(),
        })?;
        FloatModel::new(&artefact, Isa::detect())
    }

    /// Of an artefact, for an instruction set that the processor has.
    pub fn new(artefact: &Artefact, isa: Isa) -> Result<FloatModel, Error> {
        let card = artefact.card.clone();
        let made = families::plan(artefact, isa).map_err(|reason| Error::Model {
            name: card.name.clone(),
            reason,
        })?;
        Ok(FloatModel {
            shared: Arc::new(Shared {
                card,
                plan: made.plan,
                window: made.window,
                target: made.target,
            }),
        })
    }

    /// What it says of itself.
    pub fn card(&self) -> &Card {
        &self.shared.card
    }

    /// How many times as large a picture becomes.
    pub fn scale(&self) -> usize {
        self.shared.plan.scale
    }

    /// Pictures that it is given at once, in the order they are shown.
    pub fn window(&self) -> usize {
        self.shared.window
    }

    /// Which of them it works on.
    pub fn target(&self) -> usize {
        self.shared.target
    }

    /// Whether it mends pictures, rather than making them larger.
    pub fn mends(&self) -> bool {
        self.shared.card.family == Family::FrameRecovery
    }

    /// Multiplications for each pixel of the picture, the classical upscaler's not counted.
    pub fn macs(&self) -> f64 {
        self.shared.plan.macs()
    }

    /// Ready for pictures of one size, on as many threads.
    pub fn fit(&self, width: usize, height: usize, threads: usize) -> Result<Fitted, Error> {
        let workers = match threads {
            0 | 1 => None,
            threads => Some(
                ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .thread_name(|index| format!("float-{index}"))
                    .build()
                    .map_err(|error| Error::Threads(error.to_string()))?,
            ),
        };
        let picture = self.picture_size(width, height);
        Ok(self.cut(width, height, usual_cut(picture, threads.max(1)), workers))
    }

    /// Rows and columns that it works on: those that it halves must be even.
    fn picture_size(&self, width: usize, height: usize) -> (usize, usize) {
        match self.mends() {
            true => (height.next_multiple_of(2), width.next_multiple_of(2)),
            false => (height, width),
        }
    }

    fn cut(&self, width: usize, height: usize, cut: Cut, workers: Option<ThreadPool>) -> Fitted {
        assert!(width > 0 && height > 0, "a picture of {width}x{height}");
        let picture = self.picture_size(width, height);
        let plan = &self.shared.plan;
        Fitted {
            model: self.clone(),
            size: (width, height),
            picture,
            columns: Columns::all(plan, picture, cut),
            bands: Band::all(plan, picture, cut),
            scratch: Mutex::new(Vec::new()),
            workers,
        }
    }
}

/// Columns of a tile: its rows of 64 channels, some at a time, fit a second-level cache.
const COLUMNS: usize = 256;
/// Rows that are made at a time.
const ROWS: usize = 8;
/// Fewer rows than this are not worth what a band computes of its neighbours.
const LEAST_ROWS: usize = 64;

/// As few bands as keep the threads busy.
fn usual_cut(picture: (usize, usize), threads: usize) -> Cut {
    let across = picture.1.div_ceil(COLUMNS);
    let most = (picture.0 / LEAST_ROWS).max(1);
    let busy = |bands: &usize| {
        let tiles = across * bands;
        tiles.is_multiple_of(threads) || tiles >= 4 * threads
    };
    Cut {
        columns: COLUMNS,
        bands: (1..=most).find(busy).unwrap_or(most),
        rows: ROWS,
    }
}

/// A network, ready for pictures of one size.
#[derive(Debug)]
pub struct Fitted {
    model: FloatModel,
    /// Width and height that were asked for.
    size: (usize, usize),
    /// Rows and columns that are worked on.
    picture: (usize, usize),
    columns: Vec<Columns>,
    bands: Vec<Band>,
    /// Kept from picture to picture: one for each thread.
    scratch: Mutex<Vec<Scratch>>,
    workers: Option<ThreadPool>,
}

impl Fitted {
    /// The network.
    pub fn model(&self) -> &FloatModel {
        &self.model
    }

    /// What it makes of a window of 8-bit pictures, as numbers from 0 to 1 and a little beyond, before
    /// they become samples. `lost` is for networks that mend.
    ///
    /// # Panics
    /// When there are other pictures than it is given, or a network that mends is not told what is lost.
    pub fn numbers(&self, window: &[&Plane<u8>], lost: Option<&LossMask>) -> Vec<f32> {
        let (width, height) = self.made_size();
        let mut numbers = vec![0.0; width * height];
        let lines = self.lines(&mut numbers, width);
        self.with_source(window, lost, lines, |number| number);
        numbers
    }

    /// Makes the picture of a window.
    ///
    /// # Panics
    /// As [`Fitted::numbers`], and when `out` has another size.
    pub(crate) fn make<T: Level>(
        &self,
        window: &[&Plane<T>],
        lost: Option<&LossMask>,
        out: &mut Plane<T>,
    ) {
        assert_eq!((out.width(), out.height()), self.made_size());
        let stride = out.stride();
        let lines = self.lines(out.data_mut(), stride);
        self.with_source(window, lost, lines, T::nearest);
    }

    fn made_size(&self) -> (usize, usize) {
        let scale = self.model.scale();
        (self.size.0 * scale, self.size.1 * scale)
    }

    /// The result's rows, cut into those of tiles: of each band, of each of its tiles.
    fn lines<'a, S>(&self, data: &'a mut [S], stride: usize) -> Vec<Vec<&'a mut [S]>> {
        let scale = self.model.scale();
        let across = self.columns.len();
        let mut lines = Vec::new();
        lines.resize_with(self.bands.len() * across, Vec::new);
        let mut rows = data.chunks_mut(stride).take(self.size.1 * scale);
        for (number, band) in self.bands.iter().enumerate() {
            for mut row in rows.by_ref().take(band.core.len() * scale) {
                for (tile, columns) in self.columns.iter().enumerate() {
                    let end = columns.core.end.min(self.size.0);
                    let count = (end - columns.core.start.min(end)) * scale;
                    let (own, rest) = std::mem::take(&mut row).split_at_mut(count);
                    lines[number * across + tile].push(own);
                    row = rest;
                }
            }
        }
        lines
    }

    fn with_source<T: Level, S: Send>(
        &self,
        window: &[&Plane<T>],
        lost: Option<&LossMask>,
        lines: Vec<Vec<&mut [S]>>,
        sample: impl Fn(f32) -> S + Sync,
    ) {
        assert_eq!(window.len(), self.model.window(), "pictures");
        for picture in window {
            assert_eq!((picture.width(), picture.height()), self.size);
        }
        match (self.model.mends(), lost) {
            (false, _) => self.tiles(&Shown(window), lines, sample),
            (true, Some(lost)) => {
                let target = self.model.target();
                let guesses = mended(&window[..target], window[target], lost);
                let mut shown: Vec<&Plane<T>> = guesses.iter().collect();
                shown.push(window[target]);
                let shown = &shown;
                self.tiles(&Damaged { shown, lost }, lines, sample);
            }
            (true, None) => panic!("what is lost?"),
        }
    }

    fn tiles<S: Send>(
        &self,
        source: &dyn Source,
        lines: Vec<Vec<&mut [S]>>,
        sample: impl Fn(f32) -> S + Sync,
    ) {
        let one = |(number, lines): (usize, Vec<&mut [S]>)| {
            let across = self.columns.len();
            let tile = Tile {
                plan: &self.model.shared.plan,
                picture: self.picture,
                band: &self.bands[number / across],
                columns: &self.columns[number % across],
                source,
            };
            let spare = || self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
            let mut scratch = spare().pop().unwrap_or_default();
            let scale = self.model.scale();
            let mut lines = lines.into_iter();
            tile.run(&mut scratch, &mut |_, squares| {
                for (down, line) in lines.by_ref().take(scale).enumerate() {
                    let places = &squares[down * scale..][..scale];
                    for (across, numbers) in places.iter().enumerate() {
                        let every = line.iter_mut().skip(across).step_by(scale);
                        for (to, number) in every.zip(*numbers) {
                            *to = sample(*number);
                        }
                    }
                }
            });
            spare().push(scratch);
        };
        match &self.workers {
            Some(workers) => {
                workers.install(|| lines.into_par_iter().enumerate().for_each(one));
            }
            None => lines.into_iter().enumerate().for_each(one),
        }
    }
}

#[cfg(test)]
mod tests;
