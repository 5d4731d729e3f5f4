//! The sample types that can be resampled, and the kernels that know them.

use nervure_frame::Sample;

use super::axis::COEFFICIENT_BITS;
#[cfg(target_arch = "aarch64")]
use super::neon;
use super::scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::Isa;

mod sealed {
    /// What the kernels know of a sample type.
    pub trait Kernels: Sized {
        /// Fraction bits of a coefficient that do not fit an intermediate sample.
        const DROPPED: u32;

        /// A row as 16-bit integers. The compiler vectorises the plain loop well enough.
        fn widen(row: &[Self], out: &mut [i16]);

        /// The weighted sum of intermediate rows.
        fn filter_down(
            isa: crate::Isa,
            ring: &[i16],
            offsets: &[usize],
            coefficients: &[i16],
            out: &mut [Self],
        );
    }
}

pub(super) use sealed::Kernels;

/// A sample type that can be resampled: `u8` with 8 bits, `u16` with 10.
pub trait Pixel: Sample + Kernels {}

impl Pixel for u8 {}
impl Pixel for u16 {}

/// Fraction bits of intermediate samples: as many as leave room for a filter's overshoot.
const FRACTION_8: u32 = 6;
const FRACTION_10: u32 = 4;

/// What is shifted away at the end.
pub(super) const SHIFT_8: u32 = COEFFICIENT_BITS + FRACTION_8;
pub(super) const SHIFT_10: u32 = COEFFICIENT_BITS + FRACTION_10;

/// The largest 10-bit sample.
pub(super) const MAX_10: i16 = 1023;

impl Kernels for u8 {
    const DROPPED: u32 = COEFFICIENT_BITS - FRACTION_8;

    fn widen(row: &[u8], out: &mut [i16]) {
        scalar::widen(row, 255, out);
    }

    fn filter_down(
        isa: Isa,
        ring: &[i16],
        offsets: &[usize],
        coefficients: &[i16],
        out: &mut [u8],
    ) {
        match isa {
            // SAFETY: a plan is only made for instructions that the processor has.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::down_8(ring, offsets, coefficients, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::down_8(ring, offsets, coefficients, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::down_8(ring, offsets, coefficients, out) },
            _ => {
                let clamped = |value: i32| value.clamp(0, 255) as u8;
                scalar::down(ring, offsets, coefficients, SHIFT_8, out, clamped);
            }
        }
    }
}

impl Kernels for u16 {
    const DROPPED: u32 = COEFFICIENT_BITS - FRACTION_10;

    fn widen(row: &[u16], out: &mut [i16]) {
        scalar::widen(row, i32::from(MAX_10), out);
    }

    fn filter_down(
        isa: Isa,
        ring: &[i16],
        offsets: &[usize],
        coefficients: &[i16],
        out: &mut [u16],
    ) {
        match isa {
            // SAFETY: a plan is only made for instructions that the processor has.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::down_10(ring, offsets, coefficients, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::down_10(ring, offsets, coefficients, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::down_10(ring, offsets, coefficients, out) },
            _ => {
                let clamped = |value: i32| value.clamp(0, i32::from(MAX_10)) as u16;
                scalar::down(ring, offsets, coefficients, SHIFT_10, out, clamped);
            }
        }
    }
}
