//! Registers filled with samples.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::lanes::Lanes;

/// A register that samples can be read into.
///
/// # Safety
/// As for [`Lanes`]; as many samples as there are lanes follow a pointer to them.
pub trait SampleLanes: Lanes {
    /// The numbers from `from` on, from the next on, and so on; `from` begins a whole step, and
    /// another step follows.
    unsafe fn load_windows(from: *const f32) -> [Self; 11];
    /// 8-bit samples as numbers.
    unsafe fn load_8(from: *const u8) -> Self;
    /// 10-bit samples, at most white, as numbers.
    unsafe fn load_10(from: *const u16) -> Self;
}

/// Implements [`SampleLanes`].
macro_rules! samples {
    ($register:ty, $windows:ident, $load_8:expr, $load_10:expr) => {
        impl SampleLanes for $register {
            #[inline(always)]
            unsafe fn load_windows(from: *const f32) -> [Self; 11] {
                // SAFETY: the caller's promise, here and below.
                unsafe { $windows(from) }
            }
            #[inline(always)]
            unsafe fn load_8(from: *const u8) -> Self {
                // SAFETY: as above.
                unsafe { $load_8(from) }
            }
            #[inline(always)]
            unsafe fn load_10(from: *const u16) -> Self {
                // SAFETY: as above.
                unsafe { $load_10(from) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn windows_512(from: *const f32) -> [__m512; 11] {
    // SAFETY: the caller's promise.
    unsafe {
        // Shuffles, since nearly every load would straddle two cache lines.
        let low = _mm512_castps_si512(_mm512_loadu_ps(from));
        let high = _mm512_castps_si512(_mm512_loadu_ps(from.add(16)));
        [
            _mm512_castsi512_ps(low),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<1>(high, low)),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<2>(high, low)),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<3>(high, low)),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<4>(high, low)),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<5>(high, low)),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<6>(high, low)),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<7>(high, low)),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<8>(high, low)),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<9>(high, low)),
            _mm512_castsi512_ps(_mm512_alignr_epi32::<10>(high, low)),
        ]
    }
}

#[cfg(target_arch = "x86_64")]
samples!(
    __m512,
    windows_512,
    |from: *const u8| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))),
    |from: *const u16| {
        let samples = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
        _mm512_cvtepi32_ps(_mm512_min_epi32(samples, _mm512_set1_epi32(1023)))
    }
);

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn windows_256(from: *const f32) -> [__m256; 11] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut windows = [_mm256_loadu_ps(from); 11];
        for (tap, window) in windows.iter_mut().enumerate() {
            *window = _mm256_loadu_ps(from.add(tap));
        }
        windows
    }
}

#[cfg(target_arch = "x86_64")]
samples!(
    __m256,
    windows_256,
    |from: *const u8| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))),
    |from: *const u16| {
        let samples = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
        _mm256_cvtepi32_ps(_mm256_min_epi32(samples, _mm256_set1_epi32(1023)))
    }
);

#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn windows_neon(from: *const f32) -> [float32x4_t; 11] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut windows = [vld1q_f32(from); 11];
        for (tap, window) in windows.iter_mut().enumerate() {
            *window = vld1q_f32(from.add(tap));
        }
        windows
    }
}

#[cfg(target_arch = "aarch64")]
samples!(
    float32x4_t,
    windows_neon,
    |from: *const u8| {
        let bytes = vcreate_u8(u64::from(from.cast::<u32>().read_unaligned()));
        vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))
    },
    |from: *const u16| {
        let samples = vmin_u16(vld1_u16(from), vdup_n_u16(1023));
        vcvtq_f32_u32(vmovl_u16(samples))
    }
);
