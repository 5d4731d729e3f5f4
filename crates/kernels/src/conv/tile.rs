//! Sums over taps: the kernel under all three products.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::float32x4_t;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

use crate::Isa;
use crate::lanes::{Lanes, Portable};

/// Numbers that may be read past the end of a row of a picture, whatever the instruction set.
pub(super) const SLACK: usize = 16;

/// Numbers in a register.
pub(super) fn lanes(isa: Isa) -> usize {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => <__m512 as Lanes>::COUNT,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => <__m256 as Lanes>::COUNT,
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => <float32x4_t as Lanes>::COUNT,
        _ => Portable::COUNT,
    }
}

/// Outputs that are worked on together, most first. What is left of a group takes smaller blocks.
pub(super) fn blocks(isa: Isa, outputs: usize) -> impl Iterator<Item = (usize, usize)> {
    let most = match isa {
        Isa::Avx512 | Isa::Neon => 8,
        _ => 4,
    };
    let mut first = 0;
    std::iter::from_fn(move || {
        let left = outputs - first;
        let size = [8, 4, 2, 1]
            .into_iter()
            .find(|size| *size <= left.min(most))?;
        first += size;
        Some((first - size, size))
    })
}

/// Rows of several outputs, each a sum over taps.
#[derive(Clone, Copy)]
pub(super) struct Taps<'a> {
    pub(super) source: &'a [f32],
    /// Of each tap, from where a row begins.
    pub(super) offsets: &'a [usize],
    /// Of each block of outputs, of each tap, of each output.
    pub(super) weights: &'a [f32],
    /// What each output begins with; none: zero.
    pub(super) bias: Option<&'a [f32]>,
    /// Sums are added to what is there already.
    pub(super) add: bool,
    /// Nothing below zero is left.
    pub(super) relu: bool,
    pub(super) outputs: usize,
    /// Where the first row begins, and how far it is to the next.
    pub(super) first: usize,
    pub(super) row_step: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// How far it is from one output to the next, and from one of its rows to the next.
    pub(super) out_plane: usize,
    pub(super) out_stride: usize,
}

impl Taps<'_> {
    /// Computes all rows of all outputs.
    pub(super) fn run(&self, isa: Isa, out: &mut [f32]) {
        assert_eq!(self.weights.len(), self.outputs * self.offsets.len());
        assert!(self.bias.is_none_or(|bias| bias.len() == self.outputs));
        if self.outputs == 0 || self.rows == 0 || self.columns == 0 {
            return;
        }
        // Far from any real picture, so that no sum below can wrap; where a `usize` has 32 bits it might.
        let sane = |number: usize| -> u64 {
            assert!((number as u64) < 1 << 40, "{number} is too far");
            number as u64
        };
        assert!(self.outputs.max(self.rows) < 1 << 20);
        let (outputs, rows) = (self.outputs as u64, self.rows as u64);
        let columns = sane(self.columns);
        let last = (outputs - 1) * sane(self.out_plane) + (rows - 1) * sane(self.out_stride);
        assert!(last + columns <= out.len() as u64, "{last} is too far");
        let offset = sane(self.offsets.iter().copied().max().unwrap_or(0));
        let whole = columns.next_multiple_of(lanes(isa) as u64);
        let furthest = sane(self.first) + offset + (rows - 1) * sane(self.row_step) + whole;
        assert!(
            furthest <= self.source.len() as u64,
            "{furthest} is too far"
        );
        // SAFETY: what is read and written was just checked to be there; whoever prepared
        // the weights checked that the processor has the instruction set.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512(self, isa, out),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2(self, isa, out),
                #[cfg(target_arch = "aarch64")]
                Isa::Neon => all::<float32x4_t, 3, 4, 4, 8>(self, isa, out),
                _ => all::<Portable, 1, 1, 2, 4>(self, isa, out),
            }
        }
    }
}

/// # Safety
/// As for [`all`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn avx512(taps: &Taps<'_>, isa: Isa, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { all::<__m512, 2, 4, 4, 4>(taps, isa, out) }
}

/// # Safety
/// As for [`all`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(taps: &Taps<'_>, isa: Isa, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { all::<__m256, 1, 2, 4, 8>(taps, isa, out) }
}

/// Every block of outputs, with so many registers of pixels for blocks of 8, 4, 2 and 1.
///
/// # Safety
/// The processor has the instructions; lengths are as [`Taps::run`] checks them.
#[inline(always)]
unsafe fn all<L: Lanes, const P8: usize, const P4: usize, const P2: usize, const P1: usize>(
    taps: &Taps<'_>,
    isa: Isa,
    out: &mut [f32],
) {
    for (first, size) in blocks(isa, taps.outputs) {
        // SAFETY: the caller's promise.
        unsafe {
            match size {
                8 => block::<L, 8, P8>(taps, first, out),
                4 => block::<L, 4, P4>(taps, first, out),
                2 => block::<L, 2, P2>(taps, first, out),
                _ => block::<L, 1, P1>(taps, first, out),
            }
        }
    }
}

/// # Safety
/// As for [`all`].
#[inline(always)]
unsafe fn block<L: Lanes, const O: usize, const P: usize>(
    taps: &Taps<'_>,
    first: usize,
    out: &mut [f32],
) {
    let plane = taps.out_plane;
    let weights = &taps.weights[first * taps.offsets.len()..][..O * taps.offsets.len()];
    let mut start = [0.0; O];
    if let Some(bias) = taps.bias {
        start.copy_from_slice(&bias[first..first + O]);
    }
    for row in 0..taps.rows {
        let from = taps.first + row * taps.row_step;
        let to = first * plane + row * taps.out_stride;
        let mut x = 0;
        // SAFETY: `run` checked that the source has whole registers for the last row of the last tap,
        // and `out` has `O` planes from `first` on; a whole tile fits where it is asked for, and one
        // register of it is read and written in part otherwise.
        unsafe {
            let source = taps.source.as_ptr().add(from);
            while x + P * L::COUNT <= taps.columns {
                let mut sums = [[L::splat(0.0); P]; O];
                for (o, (sums, start)) in sums.iter_mut().zip(start).enumerate() {
                    *sums = [L::splat(start); P];
                    if taps.add {
                        for (p, sum) in sums.iter_mut().enumerate() {
                            let at = out.as_ptr().add(to + o * plane + x + p * L::COUNT);
                            *sum = sum.add(L::load(at));
                        }
                    }
                }
                let tile = tile::<L, O, P>(source.add(x), taps.offsets, weights, sums);
                for (o, lanes) in tile.into_iter().enumerate() {
                    for (p, lanes) in lanes.into_iter().enumerate() {
                        let at = out.as_mut_ptr().add(to + o * plane + x + p * L::COUNT);
                        cut(lanes, taps.relu).store(at);
                    }
                }
                x += P * L::COUNT;
            }
            while x < taps.columns {
                let left = L::COUNT.min(taps.columns - x);
                let mut sums = [[L::splat(0.0); 1]; O];
                for (o, (sums, start)) in sums.iter_mut().zip(start).enumerate() {
                    *sums = [L::splat(start)];
                    if taps.add {
                        let mut numbers = [0.0_f32; SLACK];
                        numbers[..left].copy_from_slice(&out[to + o * plane + x..][..left]);
                        *sums = [sums[0].add(L::load(numbers.as_ptr()))];
                    }
                }
                let tile = tile::<L, O, 1>(source.add(x), taps.offsets, weights, sums);
                for (o, [lanes]) in tile.into_iter().enumerate() {
                    let mut numbers = [0.0_f32; SLACK];
                    cut(lanes, taps.relu).store(numbers.as_mut_ptr());
                    out[to + o * plane + x..][..left].copy_from_slice(&numbers[..left]);
                }
                x += left;
            }
        }
    }
}

/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn cut<L: Lanes>(lanes: L, relu: bool) -> L {
    // SAFETY: the caller's promise. What is no number stays none.
    unsafe {
        match relu {
            true => L::splat(0.0).max(lanes),
            false => lanes,
        }
    }
}

/// `O` outputs at `P` registers of pixels, on top of what they begin with.
///
/// # Safety
/// As for [`Lanes`]: from `source` on, at each offset, `P` registers can be read; there are `O` weights
/// for each offset.
#[inline(always)]
unsafe fn tile<L: Lanes, const O: usize, const P: usize>(
    source: *const f32,
    offsets: &[usize],
    weights: &[f32],
    mut sums: [[L; P]; O],
) -> [[L; P]; O] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut weight = weights.as_ptr();
        for offset in offsets {
            let from = source.add(*offset);
            let mut pixels = [L::splat(0.0); P];
            for (p, pixels) in pixels.iter_mut().enumerate() {
                *pixels = L::load(from.add(p * L::COUNT));
            }
            for (o, sums) in sums.iter_mut().enumerate() {
                let weight = L::splat(*weight.add(o));
                for (sum, pixels) in sums.iter_mut().zip(pixels) {
                    *sum = weight.mul_add(pixels, *sum);
                }
            }
            weight = weight.add(O);
        }
        sums
    }
}

/// Packs weights in the order of [`Taps::weights`]: `weight` gives that of an output and a tap.
pub(super) fn pack(
    isa: Isa,
    outputs: usize,
    taps: usize,
    weight: impl Fn(usize, usize) -> f32,
    into: &mut Vec<f32>,
) {
    for (first, size) in blocks(isa, outputs) {
        for tap in 0..taps {
            into.extend((first..first + size).map(|output| weight(output, tap)));
        }
    }
}
