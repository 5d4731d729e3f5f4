//! Which parts of a picture the network took.

/// Side of a macroblock in luma samples: damage is known at this grain.
pub const MACROBLOCK: usize = 16;

/// One bit per 16x16 macroblock of a picture: set where its data was lost and the decoder
/// concealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossMask {
    columns: usize,
    rows: usize,
    bits: Vec<u64>,
}

impl LossMask {
    /// A mask for a picture of `width` x `height` luma samples with nothing lost.
    pub fn whole(width: usize, height: usize) -> Self {
        let (columns, rows) = (width.div_ceil(MACROBLOCK), height.div_ceil(MACROBLOCK));
        LossMask {
            columns,
            rows,
            bits: vec![0; (columns * rows).div_ceil(64)],
        }
    }

    /// A mask with everything lost: a held or invented picture.
    pub fn lost(width: usize, height: usize) -> Self {
        let mut mask = LossMask::whole(width, height);
        for row in 0..mask.rows {
            for column in 0..mask.columns {
                mask.set(column, row, true);
            }
        }
        mask
    }

    /// Macroblocks in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Rows of macroblocks.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Marks one macroblock.
    ///
    /// # Panics
    /// When it lies outside the picture.
    pub fn set(&mut self, column: usize, row: usize, lost: bool) {
        let index = self.index(column, row);
        let bit = 1u64 << (index % 64);
        if lost {
            self.bits[index / 64] |= bit;
        } else {
            self.bits[index / 64] &= !bit;
        }
    }

    /// Whether one macroblock was lost.
    ///
    /// # Panics
    /// When it lies outside the picture.
    pub fn is_lost(&self, column: usize, row: usize) -> bool {
        let index = self.index(column, row);
        self.bits[index / 64] >> (index % 64) & 1 == 1
    }

    /// How many macroblocks were lost.
    pub fn count(&self) -> usize {
        self.bits
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Lost macroblocks as a share of all, 0 to 1.
    pub fn share(&self) -> f64 {
        self.count() as f64 / (self.columns * self.rows) as f64
    }

    /// The mask of the same picture resized `from` one size in luma samples `to` another: lost
    /// wherever any lost macroblock of this one reaches.
    pub fn resized(&self, from: (usize, usize), to: (usize, usize)) -> LossMask {
        let mut mask = LossMask::whole(to.0, to.1);
        let reach = |block: usize, from: usize, to: usize| {
            let (start, end) = (block * MACROBLOCK, ((block + 1) * MACROBLOCK).min(from));
            start * to / from / MACROBLOCK..(end * to).div_ceil(from).div_ceil(MACROBLOCK)
        };
        for row in 0..self.rows {
            for column in (0..self.columns).filter(|column| self.is_lost(*column, row)) {
                for y in reach(row, from.1, to.1) {
                    for x in reach(column, from.0, to.0) {
                        mask.set(x, y, true);
                    }
                }
            }
        }
        mask
    }

    fn index(&self, column: usize, row: usize) -> usize {
        assert!(
            column < self.columns && row < self.rows,
            "macroblock ({column}, {row}) is outside the picture"
        );
        row * self.columns + column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_marked() {
        let mut mask = LossMask::whole(100, 33);
        assert_eq!((mask.columns(), mask.rows(), mask.count()), (7, 3, 0));
        mask.set(6, 2, true);
        mask.set(0, 1, true);
        mask.set(0, 1, false);
        assert!(mask.is_lost(6, 2) && !mask.is_lost(0, 1));
        assert_eq!(mask.count(), 1);
        assert_eq!(LossMask::lost(100, 33).share(), 1.0);
    }

    #[test]
    fn resized_damage_covers_the_same_part_of_the_picture() {
        let mut mask = LossMask::whole(100, 33);
        mask.set(6, 2, true);
        mask.set(0, 0, true);
        let double = mask.resized((100, 33), (200, 66));
        assert_eq!((double.columns(), double.rows()), (13, 5));
        let lost: Vec<_> = (0..5)
            .flat_map(|row| (0..13).map(move |column| (column, row)))
            .filter(|(column, row)| double.is_lost(*column, *row))
            .collect();
        assert_eq!(lost, [(0, 0), (1, 0), (0, 1), (1, 1), (12, 4)]);
        assert_eq!(mask.resized((100, 33), (50, 17)).count(), 2);
        assert_eq!(
            LossMask::lost(100, 33).resized((100, 33), (31, 7)).share(),
            1.0
        );
    }
}
