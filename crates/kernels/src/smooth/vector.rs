//! Smoothing in registers of 16-bit words, whole blocks side by side.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256i, __m512i};

use super::words::{Samples, Words};
use super::{BLOCK, Band, FAR, HOLD, Pixel, Rule, codes, scalar};

/// The blocks whose first row is `first`, and how far they are from what they were.
///
/// # Safety
/// The processor has the register's instructions, they are enabled where this is inlined, and the
/// band was checked.
#[inline(always)]
unsafe fn blocks<L: Words, T: Pixel + Samples>(
    rule: Rule,
    band: &mut Band<'_, T>,
    first: usize,
) -> u64 {
    let (width, height) = band.size;
    let rows = BLOCK.min(height - first);
    let whole = width / L::COUNT * L::COUNT;
    let (stride, average_stride) = (band.stride, band.average_stride);
    let (most, furthest) = rule.limits::<T>(rows * BLOCK);
    let mut held = 0;
    // SAFETY: `whole` columns of `rows` rows from `first` on lie within the band, which was checked.
    unsafe {
        let samples = band.samples.as_mut_ptr().add(first * stride);
        let shown = band.shown.as_mut_ptr().add(first * stride);
        let average = band.average.as_mut_ptr().add(first * average_stride);
        let (far, hold) = (L::splat(FAR * codes::<T>()), L::splat(HOLD));
        let (weight, half) = (L::splat(rule.weight), L::splat(half_code::<T>()));
        for x in (0..whole).step_by(L::COUNT) {
            let (mut magnitude, mut sum) = (L::splat(0), L::splat(0));
            for y in 0..rows {
                let new = T::load::<L>(samples.add(y * stride + x));
                let difference = new.sub(T::load::<L>(shown.add(y * stride + x)));
                magnitude = magnitude.add(difference.abs());
                sum = sum.add(difference);
            }
            let moves = L::blocks_exceed(magnitude, most, sum, furthest);
            let mut apart = L::splat(0);
            for y in 0..rows {
                let (sample, last) = (samples.add(y * stride + x), shown.add(y * stride + x));
                let average = average.add(y * average_stride + x);
                let (new, old) = (T::load::<L>(sample), T::load::<L>(last));
                let passes = L::either(moves, new.sub(old).abs().exceeds(far));
                let (fine, before) = (T::raise(new), L::load_words(average));
                let now = before.add(fine.sub(before).scaled(weight));
                let changes = now.sub(T::raise(old)).abs().exceeds(hold);
                let kept = L::select(changes, T::lower(now.add(half)), old);
                L::select(passes, fine, now).store_words(average);
                let out = L::select(passes, new, kept);
                T::store(out, sample);
                T::store(out, last);
                apart = apart.add(new.sub(out).abs());
            }
            // At most 24 codes a sample: eight of them fit a word.
            held += apart.total() as u64;
        }
    }
    held + scalar::blocks(rule, band, first, whole)
}

/// Half a code of this type, in steps of an average.
const fn half_code<T: Pixel>() -> i16 {
    1 << (T::FRACTION - 1)
}

/// One version for an instruction set.
macro_rules! version {
    ($name:ident, $register:ty, $features:literal) => {
        /// # Safety
        /// The processor has the instructions, and the band was checked.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name<T: Pixel + Samples>(
            rule: Rule,
            band: &mut Band<'_, T>,
            first: usize,
        ) -> u64 {
            // SAFETY: the caller's promise.
            unsafe { blocks::<$register, T>(rule, band, first) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
version!(blocks_avx2, __m256i, "avx2");
#[cfg(target_arch = "x86_64")]
version!(blocks_avx512, __m512i, "avx512f,avx512bw,avx512dq,avx512vl");
#[cfg(target_arch = "aarch64")]
version!(blocks_neon, std::arch::aarch64::int16x8_t, "neon");
