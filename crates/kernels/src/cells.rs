//! Parts of a picture: where two pictures differ, and what else can see it.

use std::ops::Range;

use nervure_frame::{Plane, Sample};

/// Samples of a cell: so many side by side in one row.
pub const CELL: usize = 8;

/// Cells of a word.
const BITS: usize = u64::BITS as usize;

/// Some cells of a picture. The last of a row may be narrower than the others.
///
/// The same one goes from picture to picture, and keeps its memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    width: usize,
    height: usize,
    /// Words of a row, in which the first cell is the lowest bit of the first. Bits beyond the last cell
    /// are zero.
    words: usize,
    bits: Vec<u64>,
}

impl Cells {
    /// No cell of no picture.
    pub fn new() -> Self {
        Cells::default()
    }

    /// Makes it no cell of pictures of a size.
    pub fn clear(&mut self, width: usize, height: usize) {
        self.width = width;
        self.height = height;
        self.words = width.div_ceil(CELL).div_ceil(BITS);
        self.bits.clear();
        self.bits.resize(self.words * height, 0);
    }

    /// Makes it the cells in which two pictures differ.
    ///
    /// # Panics
    /// When they are of different sizes.
    pub fn compare<T: Sample>(&mut self, one: &Plane<T>, other: &Plane<T>) {
        let (width, height) = (one.width(), one.height());
        assert_eq!(
            (width, height),
            (other.width(), other.height()),
            "pictures of one size"
        );
        self.clear(width, height);
        let rows = one.rows().zip(other.rows());
        for (bits, (one, other)) in self.bits.chunks_exact_mut(self.words).zip(rows) {
            // What most rows of a picture that stands still are is told at the speed of memory.
            if one != other {
                compare(one, other, bits);
            }
        }
    }

    /// Makes it the cells of all of some, which are of pictures of one size.
    pub fn join<'a>(&mut self, all: impl IntoIterator<Item = &'a Cells>) {
        let mut all = all.into_iter().peekable();
        let (width, height) = all.peek().map_or((0, 0), |first| first.size());
        self.clear(width, height);
        for cells in all {
            assert_eq!(self.size(), cells.size(), "cells of pictures of one size");
            for (to, more) in self.bits.iter_mut().zip(&cells.bits) {
                *to |= more;
            }
        }
    }

    /// Makes it all cells that see one of `from`, when each sample sees those that are up to `reach` away,
    /// in both directions.
    pub fn spread(&mut self, from: &Cells, reach: usize) {
        self.clear(from.width, from.height);
        for row in 0..self.height {
            let bits = &mut self.bits[row * self.words..][..self.words];
            from.seen_by(row, reach, reach, 0..from.height, bits);
        }
    }

    /// Adds the cell that a sample is in.
    ///
    /// # Panics
    /// When the picture has no such sample.
    pub fn insert(&mut self, column: usize, row: usize) {
        let Cells { width, height, .. } = *self;
        assert!(
            column < width && row < height,
            "({column}, {row}) of {width}x{height}"
        );
        let cell = column / CELL;
        self.bits[row * self.words + cell / BITS] |= 1 << (cell % BITS);
    }

    /// Whether the cell that a sample is in is one of them.
    pub fn contains(&self, column: usize, row: usize) -> bool {
        let cell = column / CELL;
        let words = self.row(row);
        words[cell / BITS] >> (cell % BITS) & 1 == 1
    }

    /// Width and height of the picture, in samples.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// How many cells there are in some rows.
    pub fn count(&self, rows: Range<usize>) -> usize {
        let bits = &self.bits[rows.start * self.words..rows.end * self.words];
        bits.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Some rows without those before the first and behind the last that has a cell.
    pub(crate) fn narrowed(&self, rows: Range<usize>) -> Range<usize> {
        let any = |row: &usize| self.row(*row).iter().any(|word| *word != 0);
        let Some(first) = rows.clone().find(any) else {
            return rows.start..rows.start;
        };
        first..rows.rev().find(any).map_or(first, |last| last + 1)
    }

    /// Their part of the picture, from 0 to 1.
    pub fn share(&self) -> f64 {
        let all = self.width.div_ceil(CELL) * self.height;
        self.count(0..self.height) as f64 / all.max(1) as f64
    }

    fn row(&self, row: usize) -> &[u64] {
        &self.bits[row * self.words..][..self.words]
    }

    /// Writes which cells of a row see one in `rows`, so many rows and columns away or nearer. Whether
    /// there is any.
    pub(crate) fn seen_by(
        &self,
        row: usize,
        down: usize,
        across: usize,
        rows: Range<usize>,
        to: &mut [u64],
    ) -> bool {
        to.fill(0);
        for near in row.saturating_sub(down).max(rows.start)..(row + down + 1).min(rows.end) {
            for (to, word) in to.iter_mut().zip(self.row(near)) {
                *to |= word;
            }
        }
        if to.iter().all(|word| *word == 0) {
            return false;
        }
        for _ in 0..across.div_ceil(CELL) {
            widen(to);
        }
        if let (Some(last), rest @ 1..) = (to.last_mut(), self.width.div_ceil(CELL) % BITS) {
            *last &= (1 << rest) - 1;
        }
        true
    }
}

/// Sets the bits of cells that differ.
fn compare<T: Sample>(one: &[T], other: &[T], bits: &mut [u64]) {
    let (ones, last) = one.as_chunks::<CELL>();
    let (others, other_last) = other.as_chunks::<CELL>();
    let words = ones.chunks(BITS).zip(others.chunks(BITS));
    for (to, (ones, others)) in bits.iter_mut().zip(words) {
        let mut word = 0;
        for (cell, (one, other)) in ones.iter().zip(others).enumerate() {
            word |= u64::from(one != other) << cell;
        }
        *to = word;
    }
    if last != other_last {
        bits[ones.len() / BITS] |= 1 << (ones.len() % BITS);
    }
}

/// Adds a cell on either side of each.
fn widen(words: &mut [u64]) {
    let mut before = 0;
    for at in 0..words.len() {
        let word = words[at];
        let after = words.get(at + 1).map_or(0, |next| next << (BITS - 1));
        words[at] = word | word << 1 | word >> 1 | before >> (BITS - 1) | after;
        before = word;
    }
}

/// Cells of a row that stand together, from left to right.
pub(crate) fn runs(words: &[u64]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = find(words, at, true)?;
        at = find(words, start, false).unwrap_or(words.len() * BITS);
        Some(start..at)
    })
}

/// The first cell from one on that is set, or not.
fn find(words: &[u64], from: usize, set: bool) -> Option<usize> {
    let flip = match set {
        true => 0,
        false => u64::MAX,
    };
    let mut at = from / BITS;
    let mut word = (words.get(at)? ^ flip) & u64::MAX << (from % BITS);
    while word == 0 {
        at += 1;
        word = words.get(at)? ^ flip;
    }
    Some(at * BITS + word.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of zeros but for some samples.
    fn plane(width: usize, height: usize, ones: &[(usize, usize)]) -> Plane<u8> {
        let mut plane = Plane::new(width, height);
        for &(column, row) in ones {
            plane.row_mut(row)[column] = 1;
        }
        plane
    }

    fn of(cells: &Cells) -> Vec<(usize, usize)> {
        let (width, height) = cells.size();
        let all =
            (0..height).flat_map(|row| (0..width.div_ceil(CELL)).map(move |cell| (cell, row)));
        all.filter(|&(cell, row)| cells.contains(cell * CELL, row))
            .collect()
    }

    #[test]
    fn cells_differ_where_a_sample_does() {
        let mut cells = Cells::new();
        let samples = [(0, 0), (7, 1), (8, 1), (511, 2), (512, 2), (1030, 3)];
        cells.compare(&plane(1031, 5, &samples), &plane(1031, 5, &[]));
        assert_eq!(
            of(&cells),
            [(0, 0), (0, 1), (1, 1), (63, 2), (64, 2), (128, 3)]
        );
        assert_eq!((cells.count(0..5), cells.count(1..3)), (6, 4));
        let mut same = Cells::new();
        same.clear(1031, 5);
        for (column, row) in samples {
            same.insert(column, row);
        }
        assert_eq!(same, cells);
        // Of another size, with what it held.
        cells.compare(&plane(3, 2, &[(2, 1)]), &plane(3, 2, &[]));
        assert_eq!((of(&cells), cells.share()), (vec![(0, 1)], 0.5));
        cells.compare(&plane(3, 2, &[(2, 1)]), &plane(3, 2, &[(2, 1)]));
        assert_eq!((of(&cells), cells.share()), (vec![], 0.0));
    }

    #[test]
    fn padding_is_no_difference() {
        let mut one = plane(13, 2, &[]);
        one.data_mut()[13] = 9;
        let mut cells = Cells::new();
        cells.compare(&one, &plane(13, 2, &[]));
        assert_eq!(of(&cells), []);
    }

    #[test]
    fn what_is_near_is_seen() {
        let mut seed = 3_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        let mut spread = Cells::new();
        for (width, height) in [(1, 1), (17, 9), (511, 6), (512, 4), (1100, 12), (40, 60)] {
            for reach in [0, 1, 3, 8, 9, 30] {
                let mut cells = Cells::new();
                cells.clear(width, height);
                for _ in 0..next(4) {
                    cells.insert(next(width), next(height));
                }
                spread.spread(&cells, reach);
                let marked = of(&cells);
                for row in 0..height {
                    for cell in 0..width.div_ceil(CELL) {
                        let near = |&(other, at): &(usize, usize)| {
                            at.abs_diff(row) <= reach
                                && other.abs_diff(cell) <= reach.div_ceil(CELL)
                        };
                        assert_eq!(
                            spread.contains(cell * CELL, row),
                            marked.iter().any(near),
                            "{width}x{height}, {reach}: cell {cell} of row {row}"
                        );
                    }
                }
                assert_eq!(
                    spread.count(0..height),
                    of(&spread).len(),
                    "nothing beyond the last"
                );
            }
        }
    }

    #[test]
    fn cells_that_stand_together_are_one_run() {
        let found = |words: &[u64]| {
            let ends = runs(words).map(|run| (run.start, run.end));
            ends.collect::<Vec<_>>()
        };
        assert_eq!(found(&[0, 0]), []);
        assert_eq!(
            found(&[0b1101, u64::MAX << 60]),
            [(0, 1), (2, 4), (124, 128)]
        );
        assert_eq!(found(&[1 << 63, u64::MAX, 1]), [(63, 129)]);
        assert_eq!(found(&[]), []);
    }
}
