//! Advanced SIMD, with products of four bytes and without.

use std::arch::aarch64::*;
use std::arch::asm;

use super::super::super::lanczos::Weights;
use super::{Combined, Dots, PictureForm, Quad, TURN, Words};

/// # Safety
/// There is Advanced SIMD, here and in all of this module: every AArch64 processor has it.
#[inline(always)]
unsafe fn shifted(sums: int32x4_t, quad: &Quad, output: usize) -> int16x4_t {
    // SAFETY: the caller's promise; a quad has so many shifts.
    unsafe {
        let shift = vld1q_s32(quad.shift[output].as_ptr());
        // There is only a shift to the left, which goes to the right by less than nothing.
        vqmovn_s32(vshlq_s32(sums, vnegq_s32(shift)))
    }
}

/// Two outputs of four pixels, as bytes from zero up.
///
/// # Safety
/// As for [`shifted`].
#[inline(always)]
unsafe fn bytes(one: int32x4_t, two: int32x4_t, quad: &Quad, first: usize) -> uint8x8_t {
    // SAFETY: the caller's promise; the multipliers of two outputs are eight words.
    unsafe {
        let words = vcombine_s16(shifted(one, quad, first), shifted(two, quad, first + 1));
        let multipliers = vld1q_s16(quad.multipliers[first..].as_ptr().cast());
        vqmovun_s16(vqrdmulhq_s16(words, multipliers))
    }
}

/// # Safety
/// As for [`Combined::as_codes`].
#[inline(always)]
unsafe fn as_codes(sums: [int32x4_t; 4], quad: &Quad) -> int8x16_t {
    let [a, b, c, d] = sums;
    // SAFETY: the caller's promise.
    unsafe {
        let codes = vcombine_u8(bytes(a, b, quad, 0), bytes(c, d, quad, 2));
        let codes = vminq_u8(codes, vdupq_n_u8(127));
        vreinterpretq_s8_u8(vqtbl1q_u8(codes, vld1q_u8(TURN.as_ptr())))
    }
}

/// # Safety
/// As for [`Dots::store_words`].
#[inline(always)]
unsafe fn store_words(sums: int32x4_t, quad: &Quad, index: usize, to: *mut i16) {
    // SAFETY: the caller's promise.
    unsafe {
        let words = shifted(sums, quad, index);
        vst1_s16(to, vqrdmulh_n_s16(words, quad.multipliers[index][0]));
    }
}

/// Four weights for each of four pixels.
///
/// # Safety
/// As for [`Dots::weights`].
#[inline(always)]
unsafe fn weights(from: *const i8) -> int8x16_t {
    // SAFETY: the caller's promise.
    unsafe { vreinterpretq_s8_s32(vdupq_n_s32(from.cast::<i32>().read_unaligned())) }
}

/// What is particular to codes of bytes, whatever sums are.
macro_rules! codes_of_twins {
    () => {
        /// Sums of two codes leave the bytes that have a sign.
        const OFFSETS: [i32; 2] = [-128, 0];
        const MOST: i16 = i16::MAX;

        #[inline(always)]
        unsafe fn store(codes: int8x16_t, to: *mut u8) {
            // SAFETY: the caller's promise, here and below.
            unsafe { vst1q_s8(to.cast(), codes) }
        }

        #[inline(always)]
        unsafe fn added(codes: int8x16_t, other: int8x16_t) -> int8x16_t {
            // SAFETY: as above.
            unsafe { veorq_s8(vaddq_s8(codes, other), vdupq_n_s8(-128)) }
        }

        #[inline(always)]
        unsafe fn less(codes: int8x16_t, other: int8x16_t) -> int8x16_t {
            // SAFETY: as above.
            unsafe { vsubq_s8(codes, other) }
        }

        #[inline(always)]
        unsafe fn and(codes: int8x16_t, other: int8x16_t) -> int8x16_t {
            // SAFETY: as above.
            unsafe { vandq_s8(codes, other) }
        }

        #[inline(always)]
        unsafe fn left(before: int8x16_t, codes: int8x16_t) -> int8x16_t {
            // SAFETY: as above.
            unsafe { vextq_s8::<12>(before, codes) }
        }

        #[inline(always)]
        unsafe fn right(codes: int8x16_t, next: int8x16_t) -> int8x16_t {
            // SAFETY: as above.
            unsafe { vextq_s8::<4>(codes, next) }
        }
    };
}

/// Four pixels, with `sdot`.
#[derive(Clone, Copy)]
pub(in super::super) struct Dot(int32x4_t);

impl Dots for Dot {
    const COUNT: usize = 4;
    const FORM: PictureForm = PictureForm::Centred;
    type Codes = int8x16_t;
    type Weights = int8x16_t;

    #[inline(always)]
    unsafe fn splat(sum: i32) -> Self {
        // SAFETY: the caller's promise, here and in all methods below.
        Dot(unsafe { vdupq_n_s32(sum) })
    }

    #[inline(always)]
    unsafe fn codes(from: *const u8) -> int8x16_t {
        // SAFETY: as above.
        unsafe { vld1q_s8(from.cast()) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> int8x16_t {
        // SAFETY: as above.
        unsafe { weights(from) }
    }

    #[inline(always)]
    unsafe fn dot(self, codes: int8x16_t, weights: int8x16_t) -> Self {
        let mut sums = self.0;
        // SAFETY: as above. The intrinsic is not stable yet.
        unsafe {
            asm!(
                "sdot {sums:v}.4s, {codes:v}.16b, {weights:v}.16b",
                sums = inout(vreg) sums,
                codes = in(vreg) codes,
                weights = in(vreg) weights,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        Dot(sums)
    }

    #[inline(always)]
    unsafe fn store_codes(sums: [Self; 4], quad: &Quad, to: *mut u8) {
        // SAFETY: as above.
        unsafe { Self::store(Self::as_codes(sums, quad), to) }
    }

    #[inline(always)]
    unsafe fn store_words(self, quad: &Quad, index: usize, to: *mut i16) {
        // SAFETY: as above.
        unsafe { store_words(self.0, quad, index, to) }
    }
}

impl Combined for Dot {
    codes_of_twins!();

    #[inline(always)]
    unsafe fn as_codes(sums: [Self; 4], quad: &Quad) -> int8x16_t {
        // SAFETY: as above.
        unsafe { as_codes(sums.map(|sums| sums.0), quad) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: as above.
        Dot(unsafe { vaddq_s32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: as above.
        Dot(unsafe { vsubq_s32(self.0, other.0) })
    }
}

/// Four pixels, with products in 16 bits. Each pixel has two sums, of two codes each: that saves adding
/// them up every time, and two products of a byte with a byte never meet in 16 bits.
#[derive(Clone, Copy)]
pub(in super::super) struct Halves(int32x4_t, int32x4_t);

impl Halves {
    /// # Safety
    /// As for [`Dots`].
    #[inline(always)]
    unsafe fn whole(self) -> int32x4_t {
        // SAFETY: the caller's promise.
        unsafe { vpaddq_s32(self.0, self.1) }
    }
}

impl Dots for Halves {
    const COUNT: usize = 4;
    const FORM: PictureForm = PictureForm::Centred;
    type Codes = int8x16_t;
    type Weights = int8x16_t;

    #[inline(always)]
    unsafe fn splat(sum: i32) -> Self {
        // SAFETY: the caller's promise, here and in all methods below.
        unsafe {
            let sums = vtrn1q_s32(vdupq_n_s32(sum), vdupq_n_s32(0));
            Halves(sums, sums)
        }
    }

    #[inline(always)]
    unsafe fn codes(from: *const u8) -> int8x16_t {
        // SAFETY: as above.
        unsafe { vld1q_s8(from.cast()) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> int8x16_t {
        // SAFETY: as above.
        unsafe { weights(from) }
    }

    #[inline(always)]
    unsafe fn dot(self, codes: int8x16_t, weights: int8x16_t) -> Self {
        // SAFETY: as above.
        unsafe {
            let first = vmull_s8(vget_low_s8(codes), vget_low_s8(weights));
            let second = vmull_high_s8(codes, weights);
            Halves(vpadalq_s16(self.0, first), vpadalq_s16(self.1, second))
        }
    }

    #[inline(always)]
    unsafe fn store_codes(sums: [Self; 4], quad: &Quad, to: *mut u8) {
        // SAFETY: as above.
        unsafe { Self::store(Self::as_codes(sums, quad), to) }
    }

    #[inline(always)]
    unsafe fn store_words(self, quad: &Quad, index: usize, to: *mut i16) {
        // SAFETY: as above.
        unsafe { store_words(self.whole(), quad, index, to) }
    }
}

impl Combined for Halves {
    codes_of_twins!();

    #[inline(always)]
    unsafe fn as_codes(sums: [Self; 4], quad: &Quad) -> int8x16_t {
        let [a, b, c, d] = sums;
        // SAFETY: as above.
        unsafe { as_codes([a.whole(), b.whole(), c.whole(), d.whole()], quad) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Halves(vaddq_s32(self.0, other.0), vaddq_s32(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Halves(vsubq_s32(self.0, other.0), vsubq_s32(self.1, other.1)) }
    }
}

/// Eight samples.
#[derive(Clone, Copy)]
pub(in super::super) struct Samples(int16x8_t);

impl Words for Samples {
    const COUNT: usize = 8;
    /// Those of six neighbouring rows, and the first of them.
    type Taps = ([int16x8_t; 6], usize);

    #[inline(always)]
    unsafe fn taps(weights: &Weights) -> Self::Taps {
        // A lobe never reaches both ends.
        let first = usize::from(weights[0] == 0);
        debug_assert!(first == 1 || weights[6] == 0);
        // SAFETY: the caller's promise, here and in all methods below.
        let taps = std::array::from_fn(|tap| unsafe { vdupq_n_s16(weights[first + tap]) });
        (taps, first)
    }

    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        // SAFETY: as above.
        Samples(unsafe { vld1q_s16(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        // SAFETY: as above.
        unsafe { vst1q_s16(to, self.0) }
    }

    #[inline(always)]
    unsafe fn weighted(rows: &[*const i16; 7], at: usize, taps: &Self::Taps) -> Self {
        let (taps, first) = taps;
        // SAFETY: as above.
        unsafe {
            let (mut low, mut high) = (vdupq_n_s32(0), vdupq_n_s32(0));
            for (row, tap) in rows[*first..].iter().zip(taps) {
                let samples = vld1q_s16(row.add(at));
                low = vmlal_s16(low, vget_low_s16(samples), vget_low_s16(*tap));
                high = vmlal_high_s16(high, samples, *tap);
            }
            let low = vqrshrn_n_s32::<14>(low);
            Samples(vqrshrn_high_n_s32::<14>(low, high))
        }
    }

    #[inline(always)]
    unsafe fn finished<const BITS: i32>(self, other: Self, most: i16) -> Self {
        // SAFETY: as above. Where a sum is more than 16 bits hold it is also more than any sample, and
        // is cut to the same.
        unsafe {
            let sample = vrshrq_n_s16::<BITS>(vqaddq_s16(self.0, other.0));
            let sample = vmaxq_s16(sample, vdupq_n_s16(0));
            Samples(vminq_s16(sample, vdupq_n_s16(most)))
        }
    }
}
