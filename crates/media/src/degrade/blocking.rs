//! Blocks: the cosine transform of codecs, quantised too coarsely.

use nervure_frame::Plane;

use super::{Level, Nominal};
use crate::draw::math::{cos_turns, round};
use crate::scenes::noise::Dice;

/// Side of the grid that the seed moves: chroma follows it as macroblocks do.
const MACROBLOCK: usize = 16;

/// What is quantised, and how coarsely.
#[derive(Debug)]
pub(super) struct Blocking {
    luma: Transforms,
    chroma: Transforms,
    /// Macroblocks whose samples differ by no more than this many 8-bit levels are transformed
    /// whole, as newer codecs do.
    flat: i32,
    offset: (usize, usize),
}

impl Blocking {
    pub(super) fn new(strength: f32, dice: &mut Dice) -> Blocking {
        // About the steps of H.264 at QP 26 (0.25), 34 (0.4), 47 (0.9).
        let step = 4.0 * strength + 156.0 * strength * strength;
        Blocking {
            luma: Transforms::new(step),
            // Codecs hold chroma back from the coarsest steps, as H.264's table of QPs does: eyes
            // forgive blocks sooner than a wrong colour.
            chroma: Transforms::new(step.min(14.0 + 0.25 * step)),
            flat: (160.0 * (strength - 0.5)) as i32,
            offset: (dice.below(MACROBLOCK), dice.below(MACROBLOCK)),
        }
    }

    /// Where the block grid lies: the first columns and rows of the luma plane before which a block
    /// of 8 begins.
    #[cfg(test)]
    pub(super) fn offset(&self) -> (usize, usize) {
        (self.offset.0 % 8, self.offset.1 % 8)
    }

    pub(super) fn apply<T: Level>(
        &self,
        plane: &mut Plane<T>,
        luma: bool,
        shift: (u32, u32),
        nominal: Nominal,
    ) {
        let transforms = if luma { &self.luma } else { &self.chroma };
        let side = (MACROBLOCK >> shift.0, MACROBLOCK >> shift.1);
        let start = |offset: usize, side: usize| (offset % side) as isize - side as isize;
        let (left, top) = (
            start(self.offset.0 >> shift.0, side.0),
            start(self.offset.1 >> shift.1, side.1),
        );
        for y in (top..plane.height() as isize).step_by(side.1) {
            for x in (left..plane.width() as isize).step_by(side.0) {
                if side == (16, 16) && self.flat >= 0 {
                    let block = Block::<16>::load(plane, x, y);
                    if block.range() <= (self.flat << T::EXTRA_BITS) as f32 {
                        transforms.large.run(block, plane, x, y, nominal);
                        continue;
                    }
                }
                for j in (0..side.1 as isize).step_by(8) {
                    for i in (0..side.0 as isize).step_by(8) {
                        let block = Block::<8>::load(plane, x + i, y + j);
                        transforms.small.run(block, plane, x + i, y + j, nominal);
                    }
                }
            }
        }
    }
}

/// The transforms of blocks of both sizes.
#[derive(Debug)]
struct Transforms {
    small: Transform<8>,
    large: Transform<16>,
}

impl Transforms {
    fn new(step: f32) -> Transforms {
        Transforms {
            small: Transform::new(step),
            // The same precision of a block's mean, which is scaled by its side.
            large: Transform::new(2.0 * step),
        }
    }
}

/// A square of samples or of coefficients.
struct Block<const N: usize>([[f32; N]; N]);

impl<const N: usize> Block<N> {
    /// The samples at a place; beyond the picture its last ones go on.
    fn load<T: Level>(plane: &Plane<T>, x: isize, y: isize) -> Block<N> {
        let mut block = [[0.0; N]; N];
        let (last_column, last_row) = (plane.width() as isize - 1, plane.height() as isize - 1);
        let inside = x >= 0 && x + N as isize - 1 <= last_column;
        for (j, line) in block.iter_mut().enumerate() {
            let row = plane.row((y + j as isize).clamp(0, last_row) as usize);
            if inside {
                for (value, sample) in line.iter_mut().zip(&row[x as usize..]) {
                    *value = sample.value() as f32;
                }
            } else {
                for (i, value) in line.iter_mut().enumerate() {
                    let column = (x + i as isize).clamp(0, last_column) as usize;
                    *value = row[column].value() as f32;
                }
            }
        }
        Block(block)
    }

    /// The largest value less the smallest.
    fn range(&self) -> f32 {
        let (mut low, mut high) = ([f32::MAX; N], [f32::MIN; N]);
        for line in &self.0 {
            for i in 0..N {
                low[i] = low[i].min(line[i]);
                high[i] = high[i].max(line[i]);
            }
        }
        high.into_iter().fold(f32::MIN, f32::max) - low.into_iter().fold(f32::MAX, f32::min)
    }

    fn transpose(&mut self) {
        for i in 0..N {
            for j in 0..i {
                let kept = self.0[i][j];
                self.0[i][j] = self.0[j][i];
                self.0[j][i] = kept;
            }
        }
    }
}

/// An orthonormal cosine transform and the quantiser between its two ways.
#[derive(Debug)]
struct Transform<const N: usize> {
    /// `basis[k][n]`: sample `n` of frequency `k`. Only the first half of each is used, since the
    /// second mirrors it.
    basis: [[f32; N]; N],
    /// Quantiser steps of 8-bit samples, and one over them.
    steps: [[f32; N]; N],
    inverse: [[f32; N]; N],
}

impl<const N: usize> Transform<N> {
    fn new(step: f32) -> Transform<N> {
        let basis = std::array::from_fn(|k| {
            let norm = if k == 0 { 1.0 } else { 2.0f32 };
            std::array::from_fn(|n| {
                (norm / N as f32).sqrt() * cos_turns(((2 * n + 1) * k) as f32 / (4 * N) as f32)
            })
        });
        // Codecs spend less on high frequencies: up to twice the step, as the default matrices of
        // MPEG have it.
        let steps: [[f32; N]; N] = std::array::from_fn(|v| {
            std::array::from_fn(|u| step * (1.0 + (u + v) as f32 / (2 * N) as f32))
        });
        Transform {
            basis,
            steps,
            inverse: steps.map(|row| row.map(|step| 1.0 / step)),
        }
    }

    /// Transforms, quantises, transforms back, and writes what lies in the picture.
    fn run<T: Level>(
        &self,
        mut block: Block<N>,
        plane: &mut Plane<T>,
        x: isize,
        y: isize,
        nominal: Nominal,
    ) {
        let scale = (1 << T::EXTRA_BITS) as f32;
        let middle = 128.0 * scale;
        for value in block.0.as_flattened_mut() {
            *value -= middle;
        }
        self.forward(&mut block);
        block.transpose();
        self.forward(&mut block);
        self.quantise(&mut block, scale);
        self.backward(&mut block);
        block.transpose();
        self.backward(&mut block);

        let columns = x.max(0)..(x + N as isize).min(plane.width() as isize);
        let rows = y.max(0)..(y + N as isize).min(plane.height() as isize);
        if columns.is_empty() {
            return;
        }
        let skip = (columns.start - x) as usize;
        for row in rows {
            let line = &block.0[(row - y) as usize][skip..];
            let target =
                &mut plane.row_mut(row as usize)[columns.start as usize..columns.end as usize];
            for (sample, value) in target.iter_mut().zip(line) {
                let level = round(value + middle) as i32;
                *sample = T::level(nominal.hold(level, sample.value()));
            }
        }
    }

    /// Down the columns: samples to frequencies.
    #[inline(always)]
    fn forward(&self, block: &mut Block<N>) {
        let samples = &mut block.0;
        // Even frequencies see sums of mirrored samples, odd ones differences: half of the work.
        for n in 0..N / 2 {
            let (upper, lower) = samples.split_at_mut(N / 2);
            for (a, b) in upper[n].iter_mut().zip(&mut lower[N / 2 - 1 - n]) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        let mut out = [[0.0; N]; N];
        for (k, line) in out.iter_mut().enumerate() {
            for n in 0..N / 2 {
                let from = if k % 2 == 0 { n } else { N - 1 - n };
                let factor = self.basis[k][n];
                for lane in 0..N {
                    line[lane] += factor * samples[from][lane];
                }
            }
        }
        block.0 = out;
    }

    /// Down the columns: frequencies to samples.
    #[inline(always)]
    fn backward(&self, block: &mut Block<N>) {
        let mut out = [[0.0; N]; N];
        for n in 0..N / 2 {
            let (mut even, mut odd) = ([0.0; N], [0.0; N]);
            for k in (0..N).step_by(2) {
                let (a, b) = (self.basis[k][n], self.basis[k + 1][n]);
                for lane in 0..N {
                    even[lane] += a * block.0[k][lane];
                    odd[lane] += b * block.0[k + 1][lane];
                }
            }
            for lane in 0..N {
                out[n][lane] = even[lane] + odd[lane];
                out[N - 1 - n][lane] = even[lane] - odd[lane];
            }
        }
        block.0 = out;
    }

    /// Each coefficient to a whole number of steps, small ones to none: encoders round down, since
    /// zeros are cheap.
    fn quantise(&self, block: &mut Block<N>, scale: f32) {
        const DEAD_ZONE: f32 = 1.0 / 6.0;
        let mean = block.0[0][0];
        for ((line, steps), inverse) in block.0.iter_mut().zip(&self.steps).zip(&self.inverse) {
            for lane in 0..N {
                let value = line[lane];
                let level = round((value * (inverse[lane] / scale)).abs() - DEAD_ZONE);
                line[lane] = (level * steps[lane] * scale).copysign(value);
            }
        }
        let step = self.steps[0][0] * scale;
        block.0[0][0] = round(mean / step) * step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_come_back() {
        let mut dice = Dice::new(3, "block");
        fn check<const N: usize>(dice: &mut Dice) {
            let transform = Transform::<N>::new(1.0);
            let samples: [[f32; N]; N] =
                std::array::from_fn(|_| std::array::from_fn(|_| dice.within(-128.0, 127.0)));
            let mut block = Block(samples);
            transform.forward(&mut block);
            block.transpose();
            transform.forward(&mut block);
            let mean: f32 = samples.as_flattened().iter().sum::<f32>() / N as f32;
            assert!((block.0[0][0] - mean).abs() < 0.01, "{mean}");
            transform.backward(&mut block);
            block.transpose();
            transform.backward(&mut block);
            for (a, b) in samples.as_flattened().iter().zip(block.0.as_flattened()) {
                assert!((a - b).abs() < 0.01, "{a} {b}");
            }
        }
        check::<8>(&mut dice);
        check::<16>(&mut dice);
    }
}
