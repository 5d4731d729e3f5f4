//! Features of a picture from between its pixels, computed where they are wanted.
//!
//! A network that follows motion takes features of another picture from wherever something has moved.
//! Those features are a 3x3 convolution of one channel, so cheap that they are computed anew for the four
//! pixels around each place: then no motion is too far, and nobody has to hold what it may reach.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::float32x4_t;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

use crate::Isa;
use crate::lanes::{Lanes, Portable};

/// Places that are looked at together.
pub const PLACES: usize = 16;

/// A 3x3 convolution of one channel, with ReLU.
#[derive(Clone, Debug)]
pub struct Fetch {
    isa: Isa,
    /// By output: nine weights and the bias.
    weights: Vec<[f32; 10]>,
}

/// What is around some places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Around {
    /// Of each of 4x4 pixels, row by row, that of each place: the place lies between the middle four.
    pub pixels: [[f32; PLACES]; 16],
    /// How far each place is to the right of the upper left of the middle four, 0 to 1.
    pub right: [f32; PLACES],
    /// The same downwards.
    pub down: [f32; PLACES],
}

impl Fetch {
    /// Of weights by output, row and column, and a bias for each output.
    ///
    /// # Panics
    /// When they are not as many, or the processor lacks the instruction set.
    pub fn new(isa: Isa, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!(weights.len(), bias.len() * 9, "nine weights for each bias");
        let each = weights.as_chunks::<9>().0.iter().zip(bias);
        let weights = each.map(|(weights, bias)| {
            let mut all = [*bias; 10];
            all[..9].copy_from_slice(weights);
            all
        });
        Fetch {
            isa: isa.without_dots(),
            weights: weights.collect(),
        }
    }

    /// The outputs of each place, `plane` numbers from one output to the next: shares of what the
    /// convolution gives at the four pixels around it.
    ///
    /// # Panics
    /// When `out` does not have [`PLACES`] numbers for each output.
    pub fn run(&self, around: &Around, out: &mut [f32], plane: usize) {
        assert!(plane >= PLACES && out.len() >= (self.weights.len() - 1) * plane + PLACES);
        // SAFETY: every output was just checked to have its place; `new` checked that the processor has
        // the instruction set.
        unsafe {
            match self.isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512(&self.weights, around, out, plane),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2(&self.weights, around, out, plane),
                #[cfg(target_arch = "aarch64")]
                Isa::Neon => all::<float32x4_t>(&self.weights, around, out, plane),
                _ => all::<Portable>(&self.weights, around, out, plane),
            }
        }
    }
}

/// # Safety
/// As for [`all`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn avx512(weights: &[[f32; 10]], around: &Around, out: &mut [f32], plane: usize) {
    // SAFETY: the caller's promise.
    unsafe { all::<__m512>(weights, around, out, plane) }
}

/// # Safety
/// As for [`all`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(weights: &[[f32; 10]], around: &Around, out: &mut [f32], plane: usize) {
    // SAFETY: the caller's promise.
    unsafe { all::<__m256>(weights, around, out, plane) }
}

/// # Safety
/// The processor has the instructions; `out` has [`PLACES`] numbers every `plane` for each output.
#[inline(always)]
unsafe fn all<L: Lanes>(weights: &[[f32; 10]], around: &Around, out: &mut [f32], plane: usize) {
    for at in (0..PLACES).step_by(L::COUNT) {
        // SAFETY: the caller's promise; registers divide the places evenly.
        unsafe {
            let right = L::load(around.right.as_ptr().add(at));
            let down = L::load(around.down.as_ptr().add(at));
            for (output, weights) in weights.iter().enumerate() {
                let mut sums = [[L::splat(weights[9]); 2]; 2];
                for (tap, weight) in weights[..9].iter().enumerate() {
                    let weight = L::splat(*weight);
                    for (top, sums) in sums.iter_mut().enumerate() {
                        for (left, sum) in sums.iter_mut().enumerate() {
                            let pixel = (top + tap / 3) * 4 + left + tap % 3;
                            let pixel = L::load(around.pixels[pixel].as_ptr().add(at));
                            *sum = weight.mul_add(pixel, *sum);
                        }
                    }
                }
                let mut rows = [L::splat(0.0); 2];
                for (row, [near, far]) in rows.iter_mut().zip(sums) {
                    let (near, far) = (L::splat(0.0).max(near), L::splat(0.0).max(far));
                    *row = near.add(right.mul(far.sub(near)));
                }
                let [near, far] = rows;
                let found = near.add(down.mul(far.sub(near)));
                found.store(out.as_mut_ptr().add(output * plane + at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::numbers;
    use super::*;

    #[test]
    fn features_are_shares_of_four() {
        let (weights, bias) = (numbers(5 * 9, 1), numbers(5, 2));
        let noise = numbers(18 * PLACES, 3);
        let row = |at: usize| std::array::from_fn(|place| noise[at * PLACES + place]);
        let around = Around {
            pixels: std::array::from_fn(row),
            right: row(16).map(f32::abs),
            down: row(17).map(f32::abs),
        };
        let plane = PLACES + 3;
        for isa in Isa::available() {
            let mut out = vec![7.0; 5 * plane];
            Fetch::new(isa, &weights, &bias).run(&around, &mut out, plane);
            for output in 0..5 {
                for place in 0..PLACES {
                    let feature = |top: usize, left: usize| {
                        let taps = (0..9).map(|tap| {
                            let pixel = (top + tap / 3) * 4 + left + tap % 3;
                            weights[output * 9 + tap] * around.pixels[pixel][place]
                        });
                        (bias[output] + taps.sum::<f32>()).max(0.0)
                    };
                    let (right, down) = (around.right[place], around.down[place]);
                    let row = |top| feature(top, 0) * (1.0 - right) + feature(top, 1) * right;
                    let wanted = row(0) * (1.0 - down) + row(1) * down;
                    let found = out[output * plane + place];
                    assert!(
                        (found - wanted).abs() < 1e-5,
                        "{isa}: {found}, not {wanted}"
                    );
                }
                let gap = &out[output * plane..][PLACES..plane];
                assert!(
                    gap.iter().all(|number| *number == 7.0),
                    "{isa} wrote too much"
                );
            }
        }
    }
}
