//! SSIM put together from sums over 4x4 blocks, a line of blocks at a time.

use nervure_frame::Plane;
use nervure_frame::metrics::SsimSum;

use super::Pixel;
use crate::Isa;

/// Side of a block: windows are 2x2 blocks.
const BLOCK: usize = 4;

/// Blocks that a line has room for beyond its last, since vector code works in whole steps and
/// looks one block ahead.
const SLACK: usize = 32;

/// Sums over the blocks of four rows.
#[derive(Debug, Default)]
pub struct Line {
    /// The two pictures' samples, the first's in the low 16 bits and the second's in the high:
    /// even those of a whole 10-bit window fit.
    pub(super) samples: Vec<u32>,
    /// Both pictures' squared samples.
    pub(super) squares: Vec<i32>,
    /// Products of the one's and the other's samples.
    pub(super) products: Vec<i32>,
}

impl Line {
    fn fit(&mut self, columns: usize) {
        let len = columns + SLACK;
        if self.samples.len() < len {
            self.samples.resize(len, 0);
            self.squares.resize(len, 0);
            self.products.resize(len, 0);
        }
    }

    /// Blocks that whole steps may touch.
    pub(super) fn room(&self) -> usize {
        self.samples.len()
    }
}

/// Two lines of blocks, which is all that is kept of a plane.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    lines: [Line; 2],
}

impl Blocks {
    /// SSIM and squared error of planes of one size that have room for a window.
    pub(super) fn ssim<T: Pixel>(
        &mut self,
        isa: Isa,
        one: &Plane<T>,
        two: &Plane<T>,
    ) -> (SsimSum, u64) {
        let (columns, lines) = (one.width() / BLOCK, one.height() / BLOCK);
        let whole = columns * BLOCK;
        let mut total = SsimSum::default();
        let mut error = 0;
        for line in &mut self.lines {
            line.fit(columns);
        }
        for row in 0..lines {
            let rows = |plane| -> [&[T]; BLOCK] {
                std::array::from_fn(|y| &Plane::row(plane, row * BLOCK + y)[..whole])
            };
            let [above, line] = &mut self.lines;
            error += T::block_sums(isa, rows(one), rows(two), line);
            if row > 0 {
                total.sum += T::windows(isa, above, line, columns - 1);
                total.windows += columns as u64 - 1;
            }
            self.lines.swap(0, 1);
        }
        // Squares less twice the products are squared differences; only the last few columns and
        // rows are in no block.
        for y in 0..one.height() {
            let from = if y < lines * BLOCK { whole } else { 0 };
            let (one, two) = (&one.row(y)[from..], &two.row(y)[from..]);
            if !one.is_empty() {
                error += T::row_error(isa, one, two);
            }
        }
        (total, error)
    }
}
