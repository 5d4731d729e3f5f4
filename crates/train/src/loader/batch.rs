//! What a loader gives.

use nervure_frame::{BitDepth, Timestamp};

use super::LoaderConfig;

/// Samples of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// Of 8 bits.
    Eight(Vec<u8>),
    /// Of 10 bits.
    Ten(Vec<u16>),
}

impl Default for Samples {
    fn default() -> Self {
        Samples::Eight(Vec::new())
    }
}

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Samples::Eight(samples) => samples.len(),
            Samples::Ten(samples) => samples.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As numbers from 0 to 1, the largest code that there is, whatever the range: limited range
    /// stays limited, as it will be in what a network is used on.
    pub fn to_f32(&self, numbers: &mut Vec<f32>) {
        numbers.clear();
        match self {
            Samples::Eight(samples) => {
                numbers.extend(samples.iter().map(|code| f32::from(*code) / 255.0));
            }
            Samples::Ten(samples) => {
                numbers.extend(samples.iter().map(|code| f32::from(*code) / 1023.0));
            }
        }
    }

    pub(super) fn resize(&mut self, depth: BitDepth, len: usize) {
        match (depth, &mut *self) {
            (BitDepth::Eight, Samples::Eight(samples)) => samples.resize(len, 0),
            (BitDepth::Ten, Samples::Ten(samples)) => samples.resize(len, 0),
            (BitDepth::Eight, _) => *self = Samples::Eight(vec![0; len]),
            (BitDepth::Ten, _) => *self = Samples::Ten(vec![0; len]),
        }
    }
}

/// How large a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Patch sequences.
    pub batch: usize,
    /// Frames in each.
    pub frames: usize,
    /// Planes of each frame.
    pub planes: usize,
    /// Side of the low-resolution patch.
    pub patch: usize,
    /// How many times larger the high resolution is.
    pub scale: usize,
}

impl Shape {
    pub(super) fn of(config: &LoaderConfig, scale: usize) -> Shape {
        Shape {
            batch: config.batch,
            frames: config.frames,
            planes: config.planes.count(),
            patch: config.patch,
            scale,
        }
    }

    /// Sides of `lr`: batch, frames, planes, rows, columns.
    pub fn lr(&self) -> [usize; 5] {
        [self.batch, self.frames, self.planes, self.patch, self.patch]
    }

    /// Sides of `hr`.
    pub fn hr(&self) -> [usize; 5] {
        let side = self.patch * self.scale;
        [self.batch, self.frames, self.planes, side, side]
    }

    /// Sides of `mask`: batch, frames, rows, columns.
    pub fn mask(&self) -> [usize; 4] {
        [self.batch, self.frames, self.patch, self.patch]
    }
}

/// Where a patch sequence was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pick {
    /// Which clip of the loader.
    pub clip: usize,
    /// Its first frame.
    pub frame: usize,
    /// Its left column in the low resolution.
    pub x: usize,
    /// Its top row in the low resolution.
    pub y: usize,
    /// How it was turned: 1 is mirrored left to right, 2 top to bottom, 4 rows became columns after
    /// that; sums do several.
    pub turn: u8,
}

/// Patch sequences, all of one size. All arrays are in the order of their sides, the last fastest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Which batch it is.
    pub number: u64,
    /// How large it is.
    pub shape: Shape,
    /// Low resolution, after codec and network: `[batch, frames, planes, patch, patch]`.
    pub lr: Samples,
    /// High resolution: `[batch, frames, planes, patch * scale, patch * scale]`.
    pub hr: Samples,
    /// 1 where the network damaged the low resolution, for each of its samples, since patches do not
    /// begin where macroblocks do: `[batch, frames, patch, patch]`.
    pub mask: Vec<u8>,
    /// Where each sequence was taken: `[batch]`.
    pub picks: Vec<Pick>,
    /// When each frame is shown: `[batch, frames]`.
    pub times: Vec<Timestamp>,
}

impl Batch {
    pub(super) fn prepare(&mut self, number: u64, shape: Shape, depth: BitDepth) {
        self.number = number;
        self.shape = shape;
        self.lr.resize(depth, shape.lr().iter().product());
        self.hr.resize(depth, shape.hr().iter().product());
        self.mask.resize(shape.mask().iter().product(), 0);
        self.picks.clear();
        self.times.clear();
    }
}
