//! One rectangle of samples.

use std::fmt;
use std::ops::Range;

use crate::pool::Shelf;
use crate::{BitDepth, Planes};

/// Rows begin on a cache line, so that a full vector load never straddles two.
const ALIGN_BYTES: usize = 64;

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
}

/// A sample type: `u8` for 8 bits, `u16` for 10.
pub trait Sample:
    sealed::Sealed + Copy + Default + Send + Sync + Into<i32> + fmt::Debug + PartialEq + 'static
{
    /// The bit depth of samples of this type.
    const DEPTH: BitDepth;

    /// A picture's planes, if its samples are of this type.
    fn planes(of: &Planes) -> Option<&[Plane<Self>; 3]>;

    /// The sample of a code, or the nearest that there is.
    fn of_code(code: i32) -> Self;
}

impl Sample for u8 {
    const DEPTH: BitDepth = BitDepth::Eight;

    fn planes(of: &Planes) -> Option<&[Plane<u8>; 3]> {
        of.eight()
    }

    fn of_code(code: i32) -> u8 {
        code.clamp(0, BitDepth::Eight.max().into()) as u8
    }
}

impl Sample for u16 {
    const DEPTH: BitDepth = BitDepth::Ten;

    fn planes(of: &Planes) -> Option<&[Plane<u16>; 3]> {
        of.ten()
    }

    fn of_code(code: i32) -> u16 {
        code.clamp(0, BitDepth::Ten.max().into()) as u16
    }
}

/// A rectangle of samples, row after row, each row on a 64-byte boundary.
///
/// Samples between `width` and `stride` are padding: they may hold anything and no result may
/// depend on them.
pub struct Plane<T: Sample> {
    store: Vec<T>,
    origin: usize,
    width: usize,
    height: usize,
    stride: usize,
    shelf: Option<Shelf<T>>,
}

impl<T: Sample> Plane<T> {
    /// A plane of zeros.
    ///
    /// # Panics
    /// When a side is zero: readers refuse such pictures before a plane is made.
    pub fn new(width: usize, height: usize) -> Self {
        Plane::with_store(width, height, Vec::new(), None)
    }

    /// A plane that lives in `store` (grown if it is too small, its old contents kept as they
    /// are) and goes back to `shelf` when dropped.
    pub(crate) fn with_store(
        width: usize,
        height: usize,
        mut store: Vec<T>,
        shelf: Option<Shelf<T>>,
    ) -> Self {
        assert!(
            width > 0 && height > 0,
            "a plane has at least one sample, not {width}x{height}"
        );
        let lane = ALIGN_BYTES / size_of::<T>();
        let stride = width.next_multiple_of(lane);
        let needed = Plane::<T>::store_len(width, height);
        if store.len() < needed {
            store.clear();
            store.resize(needed, T::default());
        }
        let origin = store.as_ptr().align_offset(ALIGN_BYTES).min(lane);
        Plane {
            store,
            origin,
            width,
            height,
            stride,
            shelf,
        }
    }

    /// Samples a store must have for a plane of this size: the rows, and room to align the first.
    pub(crate) fn store_len(width: usize, height: usize) -> usize {
        let lane = ALIGN_BYTES / size_of::<T>();
        width.next_multiple_of(lane) * height + lane
    }

    /// A plane of these rows, `width` samples each.
    ///
    /// # Panics
    /// When `samples` is not `width * height` long.
    pub fn from_samples(width: usize, height: usize, samples: &[T]) -> Self {
        assert_eq!(
            samples.len(),
            width * height,
            "{width}x{height} samples wanted"
        );
        let mut plane = Plane::new(width, height);
        for (row, source) in plane.rows_mut().zip(samples.chunks_exact(width)) {
            row.copy_from_slice(source);
        }
        plane
    }

    /// Samples in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Samples from the start of one row to the start of the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All rows with their padding: `stride * height` samples.
    pub fn data(&self) -> &[T] {
        &self.store[self.origin..self.origin + self.stride * self.height]
    }

    /// All rows with their padding, to write.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.store[self.origin..self.origin + self.stride * self.height]
    }

    /// Row `y`, without padding.
    pub fn row(&self, y: usize) -> &[T] {
        &self.data()[y * self.stride..][..self.width]
    }

    /// Row `y`, without padding, to write.
    pub fn row_mut(&mut self, y: usize) -> &mut [T] {
        let (start, width) = (y * self.stride, self.width);
        &mut self.data_mut()[start..][..width]
    }

    /// The rows from top to bottom, without padding.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[T]> {
        let width = self.width;
        self.data()
            .chunks_exact(self.stride)
            .map(move |row| &row[..width])
    }

    /// The rows from top to bottom, without padding, to write.
    pub fn rows_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [T]> {
        let (width, stride) = (self.width, self.stride);
        self.data_mut()
            .chunks_exact_mut(stride)
            .map(move |row| &mut row[..width])
    }

    /// The plane cut into bands of `rows` rows (the last may be lower), each with the rows it
    /// covers and its samples with padding, so that threads can fill them side by side.
    pub fn bands_mut(&mut self, rows: usize) -> impl Iterator<Item = (Range<usize>, &mut [T])> {
        let (stride, height) = (self.stride, self.height);
        self.data_mut()
            .chunks_mut(rows.max(1) * stride)
            .enumerate()
            .map(move |(band, data)| {
                let start = band * rows.max(1);
                (start..(start + rows.max(1)).min(height), data)
            })
    }

    /// Every sample becomes `value`.
    pub fn fill(&mut self, value: T) {
        self.data_mut().fill(value);
    }

    /// The samples of `source` copied here.
    ///
    /// # Panics
    /// When the sizes differ.
    pub fn copy_from(&mut self, source: &Plane<T>) {
        assert_eq!(
            (self.width, self.height),
            (source.width, source.height),
            "planes of one size"
        );
        self.data_mut().copy_from_slice(source.data());
    }
}

impl<T: Sample> Drop for Plane<T> {
    fn drop(&mut self) {
        if let Some(shelf) = self.shelf.take() {
            shelf.give(std::mem::take(&mut self.store));
        }
    }
}

/// A copy of its own memory, outside any pool.
impl<T: Sample> Clone for Plane<T> {
    fn clone(&self) -> Self {
        let mut copy = Plane::new(self.width, self.height);
        copy.copy_from(self);
        copy
    }
}

/// Equal size and equal samples; padding does not count.
impl<T: Sample> PartialEq for Plane<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height) == (other.width, other.height) && self.rows().eq(other.rows())
    }
}

impl<T: Sample> fmt::Debug for Plane<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plane({}x{})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_start_on_cache_lines_and_hide_their_padding() {
        for width in [1, 63, 64, 65, 961] {
            let plane = Plane::<u8>::new(width, 3);
            assert_eq!(plane.row(2).len(), width);
            assert_eq!(plane.row(1).as_ptr() as usize % 64, 0);
            let wide = Plane::<u16>::new(width, 3);
            assert_eq!(wide.row(1).as_ptr() as usize % 64, 0);
        }
    }

    #[test]
    fn bands_cover_every_row_once() {
        let mut plane = Plane::<u8>::new(7, 10);
        let mut seen = Vec::new();
        for (rows, data) in plane.bands_mut(4) {
            assert_eq!(data.len(), rows.len() * 64);
            data.fill(rows.start as u8);
            seen.extend(rows);
        }
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
        assert_eq!(
            (plane.row(3)[6], plane.row(4)[0], plane.row(9)[6]),
            (0, 4, 8)
        );
    }

    #[test]
    fn padding_does_not_make_planes_differ() {
        let mut one = Plane::from_samples(3, 2, &[1u8, 2, 3, 4, 5, 6]);
        let two = one.clone();
        one.data_mut()[3] = 99;
        assert_eq!(one, two);
        one.row_mut(1)[0] = 0;
        assert_ne!(one, two);
    }
}
