//! Whole clips in order.

use std::sync::Arc;

use nervure_dataset::ClipReader;
use nervure_frame::{Frame, FramePool};

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
