//! Planes that are used again, so that the fast path does not allocate.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{BitDepth, Frame, PictureFormat, Plane, Planes, Sample, Timestamp};

/// Buffers kept for reuse. Bounded: what does not fit is freed.
#[derive(Debug)]
pub(crate) struct Shelf<T>(Arc<Mutex<Vec<Vec<T>>>>);

/// More spare planes than any bounded pipeline has in flight; keeps a burst from being kept for ever.
const SPARES: usize = 48;

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Shelf(Arc::clone(&self.0))
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Shelf(Arc::default())
    }
}

impl<T> Shelf<T> {
    pub(crate) fn give(&self, store: Vec<T>) {
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() < SPARES {
            spares.push(store);
        }
    }

    /// The smallest spare of at least `len` samples, else none.
    fn take(&self, len: usize) -> Vec<T> {
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = spares
            .iter()
            .enumerate()
            .filter(|(_, spare)| spare.len() >= len);
        match fitting
            .min_by_key(|(_, spare)| spare.len())
            .map(|(index, _)| index)
        {
            Some(index) => spares.swap_remove(index),
            None => Vec::new(),
        }
    }
}

/// Makes frames whose planes come back when the frame is dropped, on whatever thread that happens.
///
/// A frame from the pool holds whatever an earlier one held: its user writes every sample.
#[derive(Clone, Debug, Default)]
pub struct FramePool {
    eight: Shelf<u8>,
    ten: Shelf<u16>,
}

impl FramePool {
    /// An empty pool.
    pub fn new() -> Self {
        FramePool::default()
    }

    /// A frame with undefined samples, unspecified colour and no damage.
    pub fn frame(&self, format: PictureFormat, pts: Timestamp) -> Frame {
        let planes = match format.depth {
            BitDepth::Eight => Planes::Eight(planes(&self.eight, format)),
            BitDepth::Ten => Planes::Ten(planes(&self.ten, format)),
        };
        Frame::from_planes(format.chroma, planes, pts)
    }
}

fn planes<T: Sample>(shelf: &Shelf<T>, format: PictureFormat) -> [Plane<T>; 3] {
    std::array::from_fn(|plane| {
        let (width, height) = format.plane_size(plane);
        Plane::with_store(
            width,
            height,
            shelf.take(Plane::<T>::store_len(width, height)),
            Some(shelf.clone()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chroma, TimeBase};

    #[test]
    fn a_dropped_frame_is_used_again() {
        let pool = FramePool::new();
        let format = PictureFormat::new(100, 50, Chroma::C420, BitDepth::Ten);
        let zero = Timestamp::new(0, TimeBase::MICROS);
        let address = |frame: &Frame| frame.planes.ten().unwrap()[0].data().as_ptr() as usize;
        let first = pool.frame(format, zero);
        let place = address(&first);
        let second = pool.frame(format, zero);
        assert_ne!(address(&second), place);
        drop(first);
        assert_eq!(address(&pool.frame(format, zero)), place);
    }

    #[test]
    fn a_frame_outlives_its_pool() {
        let pool = FramePool::new();
        let format = PictureFormat::new(8, 8, Chroma::C444, BitDepth::Eight);
        let mut frame = pool.frame(format, Timestamp::new(0, TimeBase::MICROS));
        drop(pool);
        frame.planes.eight_mut().unwrap()[2].fill(7);
        assert_eq!(frame.planes.eight().unwrap()[2].row(7), [7; 8]);
    }
}
