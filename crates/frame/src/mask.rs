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
}
