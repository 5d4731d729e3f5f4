//! Structural similarity as ffmpeg's `ssim` filter (and x264) computes it.

use std::ops::AddAssign;

use super::{same_size, value};
use crate::{Plane, Sample};

/// Side of a window.
pub const SSIM_WINDOW: usize = 8;

/// Side of the blocks that windows are put together from; windows begin on every block.
const BLOCK: usize = SSIM_WINDOW / 2;

/// A window's similarity of 1 in a [`SsimSum`].
pub const SSIM_ONE: i64 = 1 << 30;

/// The similarities of windows, added up in fixed point: whatever the order, the same sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SsimSum {
    /// In units of 1 / [`SSIM_ONE`].
    pub sum: i64,
    /// How many windows.
    pub windows: u64,
}

impl SsimSum {
    /// The mean similarity: 1 for equal planes.
    pub fn mean(self) -> f64 {
        self.sum as f64 / SSIM_ONE as f64 / self.windows as f64
    }
}

impl AddAssign for SsimSum {
    fn add_assign(&mut self, other: SsimSum) {
        self.sum += other.sum;
        self.windows += other.windows;
    }
}

/// What keeps the quotients of flat windows finite, for window sums rather than means.
pub fn ssim_stabilisers(peak: u16) -> (i64, i64) {
    let peak = f64::from(peak);
    let samples = (SSIM_WINDOW * SSIM_WINDOW) as f64;
    (
        (0.01 * 0.01 * peak * peak * samples + 0.5) as i64,
        (0.03 * 0.03 * peak * peak * samples * (samples - 1.0) + 0.5) as i64,
    )
}

/// Sums over a block or window: of one picture, of the other, of both's squares, of the products.
type Sums = [i64; 4];

/// The similarity of two planes: 8x8 windows at every fourth sample both ways. The last samples of
/// a side that is no multiple of four are left out; a side under eight is taken as if its last
/// sample went on to the eighth.
///
/// # Panics
/// When the planes differ in size.
pub fn ssim<T: Sample>(reference: &Plane<T>, distorted: &Plane<T>) -> SsimSum {
    same_size(reference, distorted);
    let width = reference.width().max(SSIM_WINDOW);
    let height = reference.height().max(SSIM_WINDOW);
    let (columns, rows) = (width / BLOCK, height / BLOCK);
    let mut total = SsimSum::default();
    let mut above = vec![Sums::default(); columns];
    let mut line = above.clone();
    for row in 0..rows {
        for (column, sums) in line.iter_mut().enumerate() {
            *sums = block(reference, distorted, column * BLOCK, row * BLOCK);
        }
        if row > 0 {
            for (above, line) in above.windows(2).zip(line.windows(2)) {
                let parts = [above[0], above[1], line[0], line[1]];
                let sums = std::array::from_fn(|n| parts.iter().map(|part| part[n]).sum());
                total.sum += similarity(sums, T::DEPTH.max());
                total.windows += 1;
            }
        }
        std::mem::swap(&mut above, &mut line);
    }
    total
}

fn block<T: Sample>(reference: &Plane<T>, distorted: &Plane<T>, left: usize, top: usize) -> Sums {
    let mut sums = Sums::default();
    for y in top..top + BLOCK {
        let y = y.min(reference.height() - 1);
        let (one, two) = (reference.row(y), distorted.row(y));
        for x in left..left + BLOCK {
            let x = x.min(one.len() - 1);
            let (a, b) = (i64::from(value(one[x])), i64::from(value(two[x])));
            sums[0] += a;
            sums[1] += b;
            sums[2] += a * a + b * b;
            sums[3] += a * b;
        }
    }
    sums
}

/// One window's similarity in units of 1 / [`SSIM_ONE`], rounded to the nearest (halves to even).
/// Integers up to the quotient's four factors, single precision from there.
fn similarity([one, two, squares, products]: Sums, peak: u16) -> i64 {
    let (c1, c2) = ssim_stabilisers(peak);
    let samples = (SSIM_WINDOW * SSIM_WINDOW) as i64;
    let variances = squares * samples - one * one - two * two;
    let covariance = products * samples - one * two;
    let likeness = (2 * one * two + c1) as f32 * (2 * covariance + c2) as f32;
    let size = (one * one + two * two + c1) as f32 * (variances + c2) as f32;
    (likeness / size * SSIM_ONE as f32).round_ties_even() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize, step: usize) -> Plane<u8> {
        let samples: Vec<u8> = (0..width * height)
            .map(|at| (at * step % 251) as u8)
            .collect();
        Plane::from_samples(width, height, &samples)
    }

    #[test]
    fn windows_are_counted_as_the_filter_counts_them() {
        for (size, windows) in [((8, 8), 1), ((11, 12), 2), ((64, 36), 15 * 8), ((3, 1), 1)] {
            let plane = ramp(size.0, size.1, 7);
            let sum = ssim(&plane, &plane);
            assert_eq!((sum.windows, sum.mean()), (windows, 1.0), "{size:?}");
        }
    }

    #[test]
    fn a_window_follows_the_formula() {
        let (one, two) = (ramp(8, 8, 3), ramp(8, 8, 5));
        let mean =
            |plane: &Plane<u8>| plane.rows().flatten().map(|&v| f64::from(v)).sum::<f64>() / 64.0;
        let (m1, m2) = (mean(&one), mean(&two));
        let moment = |a: &Plane<u8>, b: &Plane<u8>, ma: f64, mb: f64| {
            let pairs = a.rows().flatten().zip(b.rows().flatten());
            pairs
                .map(|(&a, &b)| (f64::from(a) - ma) * (f64::from(b) - mb))
                .sum::<f64>()
                / 63.0
        };
        // The filter divides its luminance constant by the number of samples once too often;
        // that is kept, to agree with it.
        let (c1, c2) = ((0.01f64 * 255.0).powi(2) / 64.0, (0.03f64 * 255.0).powi(2));
        let covariance = moment(&one, &two, m1, m2);
        let variances = moment(&one, &one, m1, m1) + moment(&two, &two, m2, m2);
        let expected = (2.0 * m1 * m2 + c1) * (2.0 * covariance + c2)
            / ((m1 * m1 + m2 * m2 + c1) * (variances + c2));
        assert!((ssim(&one, &two).mean() - expected).abs() < 1e-5);
    }
}
