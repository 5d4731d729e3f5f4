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
/// many numbers as there are lanes follow it.
pub trait Lanes: Copy {
    /// How many numbers.
    const COUNT: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * factor + sum`, rounded once where the processor can.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    /// The larger of each two; `other` where that is no number.
    unsafe fn max(self, other: Self) -> Self;
}

/// Implements [`Lanes`] by one intrinsic for each method.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! lanes {
    ($register:ty, $count:literal,
     $splat:ident $load:ident $store:ident $add:ident $sub:ident $mul:ident $div:ident $max:ident,
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
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: as above.
                unsafe { $store(to, self) }
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
            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { $max(self, other) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lanes!(
    __m512,
    16,
    _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps
    _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps _mm512_max_ps,
    |a, b, c| _mm512_fmadd_ps(a, b, c)
);

#[cfg(target_arch = "x86_64")]
lanes!(
    __m256,
    8,
    _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps
    _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps _mm256_max_ps,
    |a, b, c| _mm256_fmadd_ps(a, b, c)
);

#[cfg(target_arch = "aarch64")]
lanes!(
    float32x4_t,
    4,
    vdupq_n_f32 vld1q_f32 vst1q_f32 vaddq_f32 vsubq_f32 vmulq_f32 vdivq_f32 vmaxq_f32,
    |a, b, c| vfmaq_f32(c, a, b)
);

/// Plain Rust that compilers turn into whatever the target has.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 8]);

impl Portable {
    #[inline(always)]
    fn with(mut self, other: Self, each: impl Fn(f32, f32) -> f32) -> Self {
        for (lane, other) in self.0.iter_mut().zip(other.0) {
            *lane = each(*lane, other);
        }
        self
    }
}

impl Lanes for Portable {
    const COUNT: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Portable([value; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Portable(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.with(other, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        // Two roundings: one would be a call of a function where there is no instruction for it.
        self.with(factor, |a, b| a * b).with(sum, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        self.with(other, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.with(other, |a, b| if a > b { a } else { b })
    }
}
