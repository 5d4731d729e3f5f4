//! Ripples beside edges.
//!
//! Where a codec cuts high frequencies off, an edge is drawn with waves on both sides (Gibbs). The
//! waves alone are what a sharp low-pass filter has beside a soft one of about the same slope: added
//! to the picture near edges, they leave the edge itself nearly as sharp as it was.

use nervure_frame::Plane;

use super::sheet::{MARGIN, Sheet};
use super::{Level, Nominal};
use crate::draw::math::{exp, mix, round, sin_turns, smoothstep};
use crate::scenes::noise::Dice;

/// Side of the cells in which edges are looked for, and over which ripples fade out.
const CELL: usize = 8;

/// How far ripples reach, in samples: as far as a transform block.
const REACH: usize = MARGIN;

/// Steps between neighbouring samples, in 8-bit levels, that are no edge yet and surely one.
const EDGE: (f32, f32) = (12.0, 40.0);

#[derive(Debug)]
pub(super) struct Ringing {
    /// The ripple kernel, from its middle outwards.
    kernel: [f32; REACH + 1],
    source: Sheet<f32>,
    /// The strongest edge of each cell.
    cells: Vec<f32>,
    /// How much of the ripples is taken at the corners of the cells.
    corners: Vec<f32>,
}

impl Ringing {
    pub(super) fn new(strength: f32, dice: &mut Dice) -> Ringing {
        let period = dice.within(4.5, 7.5);
        Ringing {
            kernel: kernel(period).map(|tap| tap * 2.0 * strength),
            source: Sheet::default(),
            cells: Vec::new(),
            corners: Vec::new(),
        }
    }

    pub(super) fn apply<T: Level>(&mut self, plane: &mut Plane<T>, nominal: Nominal) {
        let unit = 1.0 / (1 << T::EXTRA_BITS) as f32;
        self.source.copy(plane, |value| value as f32 * unit);
        let (width, height) = (plane.width(), plane.height());
        let columns = self.weigh(width, height);
        for y in 0..height {
            let (cell, down) = (y / CELL, ((y % CELL) as f32 + 0.5) / CELL as f32);
            let upper = &self.corners[cell * (columns + 1)..][..columns + 1];
            let lower = &self.corners[(cell + 1) * (columns + 1)..][..columns + 1];
            let row = plane.row_mut(y);
            for (column, samples) in row.chunks_mut(CELL).enumerate() {
                let left = mix(upper[column], lower[column], down);
                let right = mix(upper[column + 1], lower[column + 1], down);
                if left == 0.0 && right == 0.0 {
                    continue;
                }
                let ripples = self.ripples(column * CELL, y, samples.len());
                for (i, sample) in samples.iter_mut().enumerate() {
                    let weight = mix(left, right, (i as f32 + 0.5) / CELL as f32);
                    let was = sample.value();
                    let change = round(ripples[i] * weight / unit) as i32;
                    *sample = T::level(nominal.hold(was + change, was));
                }
            }
        }
    }

    /// The ripples of edges above, below and on both sides, for up to a cell's width of samples.
    #[inline(always)]
    fn ripples(&self, x: usize, y: usize, count: usize) -> [f32; CELL] {
        let (y, mut sum) = (y as isize, [0.0; CELL]);
        let centre = self.source.wide(y);
        if count < CELL {
            // The last cell of a row, which need not be whole.
            for (i, sum) in sum[..count].iter_mut().enumerate() {
                let at = MARGIN + x + i;
                *sum = 2.0 * self.kernel[0] * centre[at];
                for tap in 1..=REACH {
                    let (above, below) = (
                        self.source.wide(y - tap as isize),
                        self.source.wide(y + tap as isize),
                    );
                    *sum += self.kernel[tap]
                        * (centre[at - tap] + centre[at + tap] + (above[at] + below[at]));
                }
            }
            return sum;
        }
        let at = MARGIN + x;
        for (sum, value) in sum.iter_mut().zip(&centre[at..at + CELL]) {
            *sum = 2.0 * self.kernel[0] * value;
        }
        for tap in 1..=REACH {
            let factor = self.kernel[tap];
            let left = &centre[at - tap..][..CELL];
            let right = &centre[at + tap..][..CELL];
            let above = &self.source.wide(y - tap as isize)[at..at + CELL];
            let below = &self.source.wide(y + tap as isize)[at..at + CELL];
            for i in 0..CELL {
                sum[i] += factor * (left[i] + right[i] + (above[i] + below[i]));
            }
        }
        sum
    }

    /// Fills the corners; returns how many cells there are in a row.
    fn weigh(&mut self, width: usize, height: usize) -> usize {
        let (columns, rows) = (width.div_ceil(CELL), height.div_ceil(CELL));
        self.cells.clear();
        self.cells.resize(columns * rows, 0.0);
        for y in 0..height {
            let (row, below) = (
                self.source.wide(y as isize),
                self.source.row(y as isize + 1),
            );
            let cells = &mut self.cells[y / CELL * columns..][..columns];
            let (row, next) = (&row[MARGIN..][..width], &row[MARGIN + 1..][..width]);
            let chunks = row
                .chunks(CELL)
                .zip(next.chunks(CELL))
                .zip(below.chunks(CELL));
            for (cell, ((row, next), below)) in cells.iter_mut().zip(chunks) {
                for ((a, b), c) in row.iter().zip(next).zip(below) {
                    *cell = cell.max((a - b).abs()).max((a - c).abs());
                }
            }
        }
        self.corners.clear();
        self.corners.resize((columns + 1) * (rows + 1), 0.0);
        for (index, edge) in self.cells.iter().enumerate() {
            let weight = smoothstep(EDGE.0, EDGE.1, *edge);
            let (column, row) = (index % columns, index / columns);
            for corner in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let place = (row + corner.1) * (columns + 1) + column + corner.0;
                self.corners[place] = self.corners[place].max(weight);
            }
        }
        columns
    }
}

/// What a sinc has beside a Gaussian of nearly the same slope at an edge; sums to zero over all its taps.
fn kernel(period: f32) -> [f32; REACH + 1] {
    let cutoff = 1.0 / period;
    let mut sharp = [0.0; REACH + 1];
    let mut soft = [0.0; REACH + 1];
    for tap in 0..=REACH {
        let n = tap as f32;
        sharp[tap] = match tap {
            0 => 2.0 * cutoff,
            _ => sin_turns(cutoff * n) / (std::f32::consts::PI * n),
        };
        // A Gaussian of sigma 1 / (2 cutoff sqrt(2 pi)) is as high in the middle. A narrower one
        // takes a little of the edge itself, without which the waves look like sharpening.
        let spread = 2.6 * cutoff * n;
        soft[tap] = exp(-std::f32::consts::PI * spread * spread);
    }
    let sum = |taps: &[f32; REACH + 1]| taps[0] + 2.0 * taps[1..].iter().sum::<f32>();
    let (sharp_sum, soft_sum) = (sum(&sharp), sum(&soft));
    std::array::from_fn(|tap| sharp[tap] / sharp_sum - soft[tap] / soft_sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ripples_have_no_mean_and_change_sign() {
        for period in [4.5, 6.0, 7.5] {
            let kernel = kernel(period);
            let sum = kernel[0] + 2.0 * kernel[1..].iter().sum::<f32>();
            assert!(sum.abs() < 1e-5, "{sum}");
            let changes = kernel.windows(2).filter(|pair| pair[0] * pair[1] < 0.0);
            assert!(changes.count() >= 2, "{kernel:?}");
        }
    }
}
