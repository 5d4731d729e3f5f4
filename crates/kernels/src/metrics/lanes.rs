//! Registers of single-precision numbers, so that one kernel serves every instruction set.
//!
//! Every method is `inline(always)`: a kernel generic over [`Lanes`] must be inlined into a function
//! that has the instructions enabled, and then these become single instructions.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A register of numbers.
///
/// # Safety
/// All methods: the processor has the register's instructions, and where there is a pointer, as
/// many numbers or samples as there are lanes follow it.
pub trait Lanes: Copy {
    /// How many numbers.
    const COUNT: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// The numbers from `from` on, from the next on, and so on; `from` begins a whole step, and
    /// another step follows.
    unsafe fn load_windows(from: *const f32) -> [Self; 11];
    unsafe fn store(self, to: *mut f32);
    /// 8-bit samples as numbers.
    unsafe fn load_8(from: *const u8) -> Self;
    /// 10-bit samples, at most white, as numbers.
    unsafe fn load_10(from: *const u16) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * factor + sum`, rounded once.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
}

/// Implements [`Lanes`] by one intrinsic for each method.
macro_rules! lanes {
    ($register:ty, $count:literal, $windows:ident, $load_8:expr, $load_10:expr,
     $splat:ident $load:ident $store:ident $add:ident $sub:ident $mul:ident $div:ident,
     $mul_add:expr) => {
        impl Lanes for $register {
            const COUNT: usize = $count;

            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: the caller's promise, here and in all methods below.
                unsafe { $splat(value) }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: as above.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn load_windows(from: *const f32) -> [Self; 11] {
                // SAFETY: as above.
                unsafe { $windows(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: as above.
                unsafe { $store(to, self) }
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
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $add(self, other) }
            }
            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $sub(self, other) }
            }
            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $mul(self, other) }
            }
            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
                // SAFETY: as above.
                unsafe { $mul_add(self, factor, sum) }
            }
            #[inline(always)]
            unsafe fn div(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $div(self, other) }
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
lanes!(
    __m512,
    16,
    windows_512,
    |from: *const u8| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))),
    |from: *const u16| {
        let samples = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
        _mm512_cvtepi32_ps(_mm512_min_epi32(samples, _mm512_set1_epi32(1023)))
    },
    _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps
    _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps,
    |a, b, c| _mm512_fmadd_ps(a, b, c)
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
lanes!(
    __m256,
    8,
    windows_256,
    |from: *const u8| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))),
    |from: *const u16| {
        let samples = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
        _mm256_cvtepi32_ps(_mm256_min_epi32(samples, _mm256_set1_epi32(1023)))
    },
    _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps
    _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps,
    |a, b, c| _mm256_fmadd_ps(a, b, c)
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
lanes!(
    float32x4_t,
    4,
    windows_neon,
    |from: *const u8| {
        let bytes = vcreate_u8(u64::from(from.cast::<u32>().read_unaligned()));
        vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))
    },
    |from: *const u16| {
        let samples = vmin_u16(vld1_u16(from), vdup_n_u16(1023));
        vcvtq_f32_u32(vmovl_u16(samples))
    },
    vdupq_n_f32 vld1q_f32 vst1q_f32 vaddq_f32 vsubq_f32 vmulq_f32 vdivq_f32,
    |a, b, c| vfmaq_f32(c, a, b)
);
