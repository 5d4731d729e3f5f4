//! WebAssembly with registers of 128 bits, and with the products that engines may compute in ways of
//! their own.
//!
//! Intrinsics without pointers are safe here: a module that has instructions which the engine lacks is
//! never run.

use std::arch::wasm32::*;

use super::super::super::lanczos::Weights;
use super::{Dots, PictureForm, Quad, Words};

#[inline(always)]
fn shifted(sums: v128, quad: &Quad, output: usize) -> v128 {
    i32x4_shr(sums, quad.shift[output][0] as u32)
}

/// Two outputs of four pixels.
#[inline(always)]
fn words(one: v128, two: v128, quad: &Quad, first: usize) -> v128 {
    let words = i16x8_narrow_i32x4(shifted(one, quad, first), shifted(two, quad, first + 1));
    let multipliers = quad.multipliers[first..].as_ptr();
    // SAFETY: the multipliers of two outputs are eight words.
    i16x8_q15mulr_sat(words, unsafe { v128_load(multipliers.cast()) })
}

/// # Safety
/// As for [`Dots::store_codes`].
#[inline(always)]
unsafe fn store_codes(sums: [v128; 4], quad: &Quad, to: *mut u8) {
    let [a, b, c, d] = sums;
    let codes = u8x16_narrow_i16x8(words(a, b, quad, 0), words(c, d, quad, 2));
    let codes = u8x16_min(codes, u8x16_splat(127));
    // From four bytes of each of four outputs to four bytes of each of four pixels.
    let turned =
        u8x16_shuffle::<0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15>(codes, codes);
    // SAFETY: the caller's promise.
    unsafe { v128_store(to.cast(), turned) }
}

/// # Safety
/// As for [`Dots::store_words`].
#[inline(always)]
unsafe fn store_words(sums: v128, quad: &Quad, index: usize, to: *mut i16) {
    let shifted = shifted(sums, quad, index);
    let words = i16x8_narrow_i32x4(shifted, shifted);
    let words = i16x8_q15mulr_sat(words, i16x8_splat(quad.multipliers[index][0]));
    // SAFETY: the caller's promise.
    unsafe { v128_store64_lane::<0>(words, to.cast()) }
}

/// Four pixels, with products of words. Each pixel has two sums, of two codes each: that saves adding
/// them up every time.
#[derive(Clone, Copy)]
pub(in super::super) struct Halves(v128, v128);

impl Halves {
    #[inline(always)]
    fn whole(self) -> v128 {
        let Halves(first, second) = self;
        let even = i32x4_shuffle::<0, 2, 4, 6>(first, second);
        i32x4_add(even, i32x4_shuffle::<1, 3, 5, 7>(first, second))
    }
}

impl Dots for Halves {
    const COUNT: usize = 4;
    const FORM: PictureForm = PictureForm::Whole;
    /// Of two pixels, and of the next two.
    type Codes = (v128, v128);
    type Weights = v128;

    #[inline(always)]
    unsafe fn splat(sum: i32) -> Self {
        let sums = i32x4(sum, 0, sum, 0);
        Halves(sums, sums)
    }

    #[inline(always)]
    unsafe fn codes(from: *const u8) -> Self::Codes {
        // SAFETY: the caller's promise, here and in all methods below.
        unsafe {
            (
                u16x8_load_extend_u8x8(from),
                u16x8_load_extend_u8x8(from.add(8)),
            )
        }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> v128 {
        // SAFETY: as above.
        i16x8_extend_low_i8x16(unsafe { v128_load32_splat(from.cast()) })
    }

    #[inline(always)]
    unsafe fn dot(self, codes: Self::Codes, weights: v128) -> Self {
        let first = i32x4_add(self.0, i32x4_dot_i16x8(codes.0, weights));
        Halves(first, i32x4_add(self.1, i32x4_dot_i16x8(codes.1, weights)))
    }

    #[inline(always)]
    unsafe fn store_codes(sums: [Self; 4], quad: &Quad, to: *mut u8) {
        // SAFETY: as above.
        unsafe { store_codes(sums.map(Halves::whole), quad, to) }
    }

    #[inline(always)]
    unsafe fn store_words(self, quad: &Quad, index: usize, to: *mut i16) {
        // SAFETY: as above.
        unsafe { store_words(self.whole(), quad, index, to) }
    }
}

/// Four pixels, with relaxed products: of codes up to 127 they are the same everywhere, and of others
/// they are not.
#[cfg(target_feature = "relaxed-simd")]
#[derive(Clone, Copy)]
pub(in super::super) struct Relaxed(v128);

#[cfg(target_feature = "relaxed-simd")]
impl Dots for Relaxed {
    const COUNT: usize = 4;
    /// Never asked for: [`Halves`] take the picture.
    const FORM: PictureForm = PictureForm::Whole;
    type Codes = v128;
    type Weights = v128;

    #[inline(always)]
    unsafe fn splat(sum: i32) -> Self {
        Relaxed(i32x4_splat(sum))
    }

    #[inline(always)]
    unsafe fn codes(from: *const u8) -> v128 {
        // SAFETY: the caller's promise, here and in all methods below.
        unsafe { v128_load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> v128 {
        // SAFETY: as above.
        unsafe { v128_load32_splat(from.cast()) }
    }

    #[inline(always)]
    unsafe fn dot(self, codes: v128, weights: v128) -> Self {
        Relaxed(i32x4_relaxed_dot_i8x16_i7x16_add(weights, codes, self.0))
    }

    #[inline(always)]
    unsafe fn store_codes(sums: [Self; 4], quad: &Quad, to: *mut u8) {
        // SAFETY: as above.
        unsafe { store_codes(sums.map(|sums| sums.0), quad, to) }
    }

    #[inline(always)]
    unsafe fn store_words(self, quad: &Quad, index: usize, to: *mut i16) {
        // SAFETY: as above.
        unsafe { store_words(self.0, quad, index, to) }
    }
}

/// Eight samples.
#[derive(Clone, Copy)]
pub(in super::super) struct Samples(v128);

impl Words for Samples {
    const COUNT: usize = 8;
    /// Pairs of neighbouring weights, and the first row of them.
    type Taps = ([v128; 3], usize);

    #[inline(always)]
    unsafe fn taps(weights: &Weights) -> Self::Taps {
        // A lobe never reaches both ends.
        let first = usize::from(weights[0] == 0);
        debug_assert!(first == 1 || weights[6] == 0);
        let pair = |tap| {
            let (one, two) = (weights[first + tap], weights[first + tap + 1]);
            i16x8(one, two, one, two, one, two, one, two)
        };
        ([0, 2, 4].map(pair), first)
    }

    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        // SAFETY: the caller's promise, here and in all methods below.
        Samples(unsafe { v128_load(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        // SAFETY: as above.
        unsafe { v128_store(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn weighted(rows: &[*const i16; 7], at: usize, taps: &Self::Taps) -> Self {
        let half = i32x4_splat(1 << 13);
        let (mut low, mut high) = (half, half);
        let (taps, first) = taps;
        for (index, taps) in taps.iter().enumerate() {
            // SAFETY: as above.
            let [a, b] = [0, 1].map(|next| unsafe {
                let row = rows[first + 2 * index + next];
                v128_load(row.add(at).cast())
            });
            let pairs = i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b);
            low = i32x4_add(low, i32x4_dot_i16x8(pairs, *taps));
            let pairs = i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b);
            high = i32x4_add(high, i32x4_dot_i16x8(pairs, *taps));
        }
        Samples(i16x8_narrow_i32x4(i32x4_shr(low, 14), i32x4_shr(high, 14)))
    }

    #[inline(always)]
    unsafe fn finished<const BITS: i32>(self, other: Self, most: i16) -> Self {
        // Where a sum is more than 16 bits hold it is also more than any sample, and is cut to the same.
        let half = i16x8_splat(1 << (BITS - 1));
        let sum = i16x8_add_sat(i16x8_add_sat(self.0, other.0), half);
        let sample = i16x8_max(i16x8_shr(sum, BITS as u32), i16x8_splat(0));
        Samples(i16x8_min(sample, i16x8_splat(most)))
    }
}
