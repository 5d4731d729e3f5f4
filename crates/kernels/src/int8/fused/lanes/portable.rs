//! Plain Rust, for processors of which no more is known.

use super::super::super::lanczos::{Weights, weighted};
use super::{Dots, PictureForm, Quad, Words};
use crate::int8::requantise;

const PIXELS: usize = 8;

/// Sums of eight pixels.
#[derive(Clone, Copy)]
pub(in super::super) struct Sums([i32; PIXELS]);

impl Dots for Sums {
    const COUNT: usize = PIXELS;
    const FORM: PictureForm = PictureForm::Whole;
    type Codes = [[u8; 4]; PIXELS];
    type Weights = [i32; 4];

    #[inline(always)]
    unsafe fn splat(sum: i32) -> Self {
        Sums([sum; PIXELS])
    }

    #[inline(always)]
    unsafe fn codes(from: *const u8) -> Self::Codes {
        // SAFETY: the caller's promise, here and below.
        unsafe { from.cast::<[[u8; 4]; PIXELS]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> Self::Weights {
        // SAFETY: as above.
        unsafe { from.cast::<[i8; 4]>().read_unaligned() }.map(i32::from)
    }

    #[inline(always)]
    unsafe fn dot(mut self, codes: Self::Codes, weights: Self::Weights) -> Self {
        for (sum, codes) in self.0.iter_mut().zip(codes) {
            for (code, weight) in codes.into_iter().zip(weights) {
                *sum += i32::from(code) * weight;
            }
        }
        self
    }

    #[inline(always)]
    unsafe fn store_codes(sums: [Self; 4], quad: &Quad, to: *mut u8) {
        let mut codes = [[0; 4]; PIXELS];
        for (output, sums) in sums.into_iter().enumerate() {
            for (codes, sum) in codes.iter_mut().zip(sums.0) {
                codes[output] = code(sum, quad, output).clamp(0, 127) as u8;
            }
        }
        // SAFETY: as above.
        unsafe { to.cast::<[[u8; 4]; PIXELS]>().write_unaligned(codes) }
    }

    #[inline(always)]
    unsafe fn store_words(self, quad: &Quad, index: usize, to: *mut i16) {
        let words = self.0.map(|sum| code(sum, quad, index) as i16);
        // SAFETY: as above.
        unsafe { to.cast::<[i16; PIXELS]>().write_unaligned(words) }
    }
}

/// What rounds is in the sum already.
#[inline(always)]
fn code(sum: i32, quad: &Quad, output: usize) -> i32 {
    requantise(sum >> quad.shift[output][0], quad.multipliers[output][0], 0)
}

/// Eight samples.
#[derive(Clone, Copy)]
pub(in super::super) struct Samples([i16; PIXELS]);

impl Words for Samples {
    const COUNT: usize = PIXELS;
    type Taps = Weights;

    #[inline(always)]
    unsafe fn taps(weights: &Weights) -> Weights {
        *weights
    }

    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        // SAFETY: the caller's promise, here and below.
        Samples(unsafe { from.cast::<[i16; PIXELS]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        // SAFETY: as above.
        unsafe { to.cast::<[i16; PIXELS]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn weighted(rows: &[*const i16; 7], at: usize, taps: &Weights) -> Self {
        // SAFETY: as above.
        let rows = rows.map(|row| unsafe { Self::load(row.add(at)) }.0);
        Samples(std::array::from_fn(|lane| {
            weighted(taps, rows.map(|row| row[lane].into()))
        }))
    }

    #[inline(always)]
    unsafe fn finished<const BITS: i32>(mut self, other: Self, most: i16) -> Self {
        for (lane, other) in self.0.iter_mut().zip(other.0) {
            let sum = i32::from(*lane) + i32::from(other) + (1 << (BITS - 1));
            *lane = (sum >> BITS).clamp(0, most.into()) as i16;
        }
        self
    }
}
