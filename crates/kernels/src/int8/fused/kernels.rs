//! The kernels of each instruction set, behind pointers.

use super::Code;
use super::base::{dealt_codes, dealt_words, finished, neighbours, weighted, woven};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::lanes::Combined;
#[cfg(target_arch = "aarch64")]
use super::lanes::neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use super::lanes::wasm;
#[cfg(target_arch = "x86_64")]
use super::lanes::x86;
use super::lanes::{Dots, PictureForm, portable};
use super::peak::registers;
use super::row::{Row, row};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::twins;
use super::twins::PLANES;
use crate::Isa;
use crate::int8::lanczos::Weights;

type Finished = unsafe fn(&[*const i16; 7], &Weights, *const i16, *mut i16, usize, bool);
type Woven<T> = unsafe fn(&[&[i16]], &mut [T]);
type Neighbours = unsafe fn([&[u8]; 3], [Option<usize>; 4], &mut [[u8; 4]]);

/// What a row program is made of.
///
/// Each may be called where the processor has the instructions, under the conditions that its generic
/// form states.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernels {
    /// Pixels in a register of the network.
    pub(super) pixels: usize,
    pub(super) form: PictureForm,
    pub(super) row: unsafe fn(&Row<'_>),
    /// Planes of a row: one, or one of even columns and one of odd ones where there are kernels for twins.
    /// Everything else is a little faster with one.
    pub(super) halves: usize,
    /// For layers that can be computed so, where that is faster.
    pub(super) twins: Option<TwinKernels>,
    pub(super) weighted: unsafe fn(&[*const i16; 7], &Weights, *mut i16, usize),
    pub(super) finished: Finished,
    pub(super) neighbours: Neighbours,
    pub(super) dealt_8: Dealt<u8>,
    pub(super) dealt_10: Dealt<u16>,
    pub(super) woven_8: Woven<u8>,
    pub(super) woven_10: Woven<u16>,
    pub(super) products: unsafe fn(usize) -> usize,
}

/// How a row of the picture is dealt out to planes: two of them, or the first alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dealt<T> {
    /// Less what is taken off codes.
    pub(super) codes: unsafe fn(&[T], u8, [&mut [u8]; 2]),
    pub(super) words: unsafe fn(&[T], [&mut [i16]; 2]),
}

/// How twins are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct TwinKernels {
    /// What has been added to each plane.
    pub(super) offsets: [i32; PLANES],
    pub(super) most: i16,
    pub(super) row: unsafe fn(&Row<'_>),
    /// Of layers that are computed otherwise, before one that is computed so.
    pub(super) before: unsafe fn(&Row<'_>),
}

impl Kernels {
    /// Those of an instruction set that the processor has.
    pub(super) fn of(isa: Isa) -> Kernels {
        match isa.checked() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni if cfg!(respelt) || is_x86_feature_detected!("avxvnni") => {
                avx_vnni::KERNELS
            }
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => avx512_half::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::KERNELS,
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot => neon_dot::KERNELS,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => neon_halves::KERNELS,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Isa::WasmRelaxed => wasm_relaxed::KERNELS,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Wasm128 => wasm_128::KERNELS,
            _ => scalar::KERNELS,
        }
    }
}

/// Makes the generic kernels functions that have the instructions enabled: with registers for the picture,
/// for codes of other layers, and for words; with so many registers of pixels at a time; and with kernels
/// for twins.
macro_rules! kernels {
    ($module:ident, $(#[$feature:meta])*, $first:ty, $dots:ty, $words:ty,
     $registers:literal, $twins:expr) => {
        mod $module {
            use super::*;

            const TWINS: Option<TwinKernels> = $twins;
            const HALVES: usize = 1 + TWINS.is_some() as usize;

            pub(super) const KERNELS: Kernels = Kernels {
                pixels: <$dots as Dots>::COUNT,
                form: <$first as Dots>::FORM,
                row: row_of,
                halves: HALVES,
                twins: TWINS,
                weighted: weighted_of,
                finished: finished_of,
                neighbours: neighbours_of,
                dealt_8: Dealt { codes: codes_of, words: words_of },
                dealt_10: Dealt { codes: codes_of, words: words_of },
                woven_8: woven_of,
                woven_10: woven_of,
                products: products_of,
            };

            $(#[$feature])*
            unsafe fn products_of(rounds: usize) -> usize {
                // SAFETY: the caller's promise.
                unsafe { registers::<$dots, { 2 * $registers }>(rounds) }
            }

            $(#[$feature])*
            unsafe fn row_of(work: &Row<'_>) {
                // SAFETY: the caller's promise, here and below.
                unsafe { row::<$first, $dots, $registers, HALVES>(work) }
            }

            $(#[$feature])*
            unsafe fn weighted_of(
                rows: &[*const i16; 7],
                weights: &Weights,
                to: *mut i16,
                count: usize,
            ) {
                // SAFETY: as above.
                unsafe { weighted::<$words>(rows, weights, to, count) }
            }

            $(#[$feature])*
            unsafe fn finished_of(
                rows: &[*const i16; 7],
                weights: &Weights,
                corrections: *const i16,
                to: *mut i16,
                count: usize,
                ten: bool,
            ) {
                // SAFETY: as above.
                unsafe { finished::<$words>(rows, weights, corrections, to, count, ten) }
            }

            $(#[$feature])*
            unsafe fn neighbours_of(
                columns: [&[u8]; 3],
                bytes: [Option<usize>; 4],
                to: &mut [[u8; 4]],
            ) {
                neighbours(columns, bytes, to);
            }

            $(#[$feature])*
            unsafe fn codes_of<T: Code>(row: &[T], offset: u8, to: [&mut [u8]; 2]) {
                dealt_codes::<T, HALVES>(row, offset, to);
            }

            $(#[$feature])*
            unsafe fn words_of<T: Code>(row: &[T], to: [&mut [i16]; 2]) {
                dealt_words::<T, HALVES>(row, to);
            }

            $(#[$feature])*
            unsafe fn woven_of<T: Code>(planes: &[&[i16]], out: &mut [T]) {
                woven(planes, out);
            }
        }
    };
}

/// The same for twins, with so many registers of them at a time, and both sums of each together or not.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! twin_kernels {
    ($module:ident, $(#[$feature:meta])*, $dots:ty, $registers:literal, $together:literal) => {
        mod $module {
            use super::*;

            pub(super) const KERNELS: TwinKernels = TwinKernels {
                offsets: {
                    let [sums, differences] = <$dots as Combined>::OFFSETS;
                    [sums, differences, differences, differences]
                },
                most: <$dots as Combined>::MOST,
                row: row_of,
                before: before_of,
            };

            $(#[$feature])*
            unsafe fn row_of(work: &Row<'_>) {
                // SAFETY: the caller's promise, here and below.
                unsafe { twins::row::<$dots, $registers, $together>(work) }
            }

            $(#[$feature])*
            unsafe fn before_of(work: &Row<'_>) {
                // SAFETY: as above.
                unsafe { twins::before::<$dots, 2>(work) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
kernels!(
    avx512,
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")],
    x86::Vnni512, x86::Vnni512, x86::Words512, 6,
    Some(avx512_twins::KERNELS)
);
#[cfg(target_arch = "x86_64")]
twin_kernels!(
    avx512_twins,
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")],
    x86::Vnni512, 3, true
);
#[cfg(target_arch = "x86_64")]
kernels!(
    avx_vnni,
    #[target_feature(enable = "avx2,avxvnni")],
    x86::Vnni256, x86::Vnni256, x86::Words256, 3,
    Some(avx_vnni_twins::KERNELS)
);
#[cfg(target_arch = "x86_64")]
twin_kernels!(
    avx_vnni_twins,
    #[target_feature(enable = "avx2,avxvnni")],
    x86::Vnni256, 3, false
);
// Tiles are those of AVX-VNNI, though there are twice as many registers: so they are checked, and their
// speed is seen, where there is no AVX-VNNI. Larger ones were not tried.
#[cfg(target_arch = "x86_64")]
kernels!(
    avx512_half,
    #[target_feature(enable = "avx2,avx512f,avx512vl,avx512vnni")],
    x86::Vnni512Half, x86::Vnni512Half, x86::Words256, 3,
    Some(avx512_half_twins::KERNELS)
);
#[cfg(target_arch = "x86_64")]
twin_kernels!(
    avx512_half_twins,
    #[target_feature(enable = "avx2,avx512f,avx512vl,avx512vnni")],
    x86::Vnni512Half, 3, false
);
#[cfg(target_arch = "x86_64")]
kernels!(
    avx2,
    #[target_feature(enable = "avx2")],
    x86::Pairs256, x86::Pairs256, x86::Words256, 2,
    Some(avx2_twins::KERNELS)
);
#[cfg(target_arch = "x86_64")]
twin_kernels!(
    avx2_twins,
    #[target_feature(enable = "avx2")],
    x86::Pairs256, 1, true
);
// 24 sums at most, of 32 registers: codes, weights and products are in the others.
#[cfg(target_arch = "aarch64")]
kernels!(
    neon_dot,
    #[target_feature(enable = "neon,dotprod")],
    neon::Dot, neon::Dot, neon::Samples, 5,
    Some(neon_dot_twins::KERNELS)
);
#[cfg(target_arch = "aarch64")]
twin_kernels!(
    neon_dot_twins,
    #[target_feature(enable = "neon,dotprod")],
    neon::Dot, 3, true
);
#[cfg(target_arch = "aarch64")]
kernels!(
    neon_halves,
    #[target_feature(enable = "neon")],
    neon::Halves, neon::Halves, neon::Samples, 3,
    Some(neon_halves_twins::KERNELS)
);
#[cfg(target_arch = "aarch64")]
twin_kernels!(
    neon_halves_twins,
    #[target_feature(enable = "neon")],
    neon::Halves, 1, true
);
// Engines have the processor's registers, of which most have 16.
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
kernels!(wasm_relaxed,, wasm::Halves, wasm::Relaxed, wasm::Samples, 2, None);
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
kernels!(wasm_128,, wasm::Halves, wasm::Halves, wasm::Samples, 1, None);
// With twins it is slower by a third.
kernels!(scalar,, portable::Sums, portable::Sums, portable::Samples, 1, None);
