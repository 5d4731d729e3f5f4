//! Whole clips in order.

use std::sync::Arc;

use nervure_dataset::ClipReader;
use nervure_frame::{BitDepth, Frame, FramePool, LossMask, Plane, Planes};

use super::catalogue::Catalogue;
use crate::Result;

/// The frames of a clip in low and high resolution, in order.
#[derive(Debug)]
pub struct Pairs {
    lr: Arc<ClipReader>,
    hr: Arc<ClipReader>,
    pool: FramePool,
    next: usize,
}

impl Pairs {
    pub(super) fn open(catalogue: &Catalogue, clip: usize) -> Result<Self> {
        let clip = &catalogue.clips()[clip];
        Ok(Pairs {
            lr: catalogue.readers.get(clip.lr)?,
            hr: catalogue.readers.get(clip.hr)?,
            pool: FramePool::new(),
            next: 0,
        })
    }

    /// How many there are.
    pub fn frames(&self) -> usize {
        self.lr.frames()
    }

    /// Whether the network damaged a picture.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn is_damaged(&self, index: usize) -> bool {
        self.lr.damage(index).is_some()
    }

    /// Luma of one picture in low resolution, in 8 bits, and what of it was damaged.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn low(&self, index: usize) -> Result<(Plane<u8>, Option<&LossMask>)> {
        Ok((luma(&self.lr, index, &self.pool)?, self.lr.damage(index)))
    }

    /// Luma of one picture in high resolution, in 8 bits.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn high(&self, index: usize) -> Result<Plane<u8>> {
        luma(&self.hr, index, &self.pool)
    }
}

fn luma(clip: &ClipReader, index: usize, pool: &FramePool) -> Result<Plane<u8>> {
    let format = clip.format();
    let mut plane = Plane::new(format.width, format.height);
    if format.depth == BitDepth::Eight {
        clip.luma(index, &mut plane)?;
        return Ok(plane);
    }
    if let Planes::Ten(planes) = &clip.frame(index, pool)?.planes {
        for (to, from) in plane.rows_mut().zip(planes[0].rows()) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = ((from + 2) >> 2).min(255) as u8;
            }
        }
    }
    Ok(plane)
}

impl Iterator for Pairs {
    type Item = Result<(Frame, Frame)>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.next;
        if index >= self.lr.frames() {
            return None;
        }
        self.next += 1;
        let lr = self.lr.frame(index, &self.pool);
        let pair = lr.and_then(|lr| Ok((lr, self.hr.frame(index, &self.pool)?)));
        Some(pair.map_err(Into::into))
    }
}
