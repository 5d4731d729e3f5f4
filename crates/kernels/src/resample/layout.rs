//! The filters across, laid out as the vector units like them.

use super::axis::{Axis, gcd};
#[cfg(target_arch = "aarch64")]
use super::neon;
use super::scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::Isa;

/// Target samples that one step of [`Layout::Windows`] makes.
#[cfg(target_arch = "x86_64")]
pub(super) const WINDOW_BLOCK: usize = 16;
/// Source samples that one step of [`Layout::Windows`] can reach.
#[cfg(target_arch = "x86_64")]
const WINDOW: usize = 64;
/// Target samples that one step of [`Layout::Quads`] makes.
#[cfg(target_arch = "x86_64")]
pub(super) const QUAD_BLOCK: usize = 8;
/// Target samples that one step of [`Layout::Dots`] makes.
pub(super) const DOT_BLOCK: usize = 8;
/// Taps that one step of [`Layout::Dots`] multiplies.
pub(super) const DOT_TAPS: usize = 8;

/// How rows are filtered across.
#[derive(Debug, Clone)]
pub(super) enum Layout {
    /// As the axis has it.
    Plain,
    /// An integer factor: each of its phases is a filter over neighbouring samples, and the phases
    /// take turns in the result.
    Periodic,
    /// Any ratio in blocks of [`WINDOW_BLOCK`] target samples whose source samples fit two vector
    /// registers: the pairs of samples each tap needs are picked by one shuffle.
    #[cfg(target_arch = "x86_64")]
    Windows(Windows),
    /// The same for smaller registers: each four target samples within eight source samples.
    #[cfg(target_arch = "x86_64")]
    Quads(Quads),
    /// Any ratio and any number of taps: one dot product per target sample.
    Dots(Dots),
}

#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone)]
pub(super) struct Windows {
    /// Where each block's window begins in the padded row.
    pub(super) bases: Vec<u32>,
    /// Per distinct block: the places of each target sample's first two source samples in the window, then
    /// for each pair of taps the coefficients of all target samples.
    pub(super) table: Vec<i16>,
    /// Whether every window fits one register.
    pub(super) narrow: bool,
}

#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone)]
pub(super) struct Quads {
    /// Where the first two source samples of each four target samples begin in the padded row.
    pub(super) bases: Vec<u32>,
    /// Per distinct block: the bytes of each target sample's first two source samples among those
    /// from its four's base on, then for each pair of taps the coefficients of all target samples.
    pub(super) table: Vec<i16>,
}

#[derive(Debug, Clone)]
pub(super) struct Dots {
    /// Where each target sample's source samples begin in the padded row.
    pub(super) starts: Vec<u32>,
    /// Per distinct block of [`DOT_BLOCK`] target samples and per [`DOT_TAPS`] taps: the coefficients of
    /// samples 0, 4, 1, 5, 2, 6, 3, 7 (samples `k` and `k + 4` share a 256-bit register).
    pub(super) coefficients: Vec<i16>,
    /// Groups of [`DOT_TAPS`] taps.
    pub(super) groups: usize,
}

impl Layout {
    /// The best layout of these filters for these instructions, for rows whose first sample is
    /// preceded by `left` samples of padding.
    pub(super) fn new(isa: Isa, axis: &Axis, left: usize) -> Layout {
        if isa == Isa::Scalar {
            return Layout::Plain;
        }
        if axis.advance == 1 && axis.phases <= 4 && axis.target >= axis.phases && axis.taps <= 6 {
            return Layout::Periodic;
        }
        #[cfg(target_arch = "x86_64")]
        if isa == Isa::Avx512
            && let Some(windows) = Windows::new(axis, left)
        {
            return Layout::Windows(windows);
        }
        #[cfg(target_arch = "x86_64")]
        if isa == Isa::Avx2
            && let Some(quads) = Quads::new(axis, left)
        {
            return Layout::Quads(quads);
        }
        Layout::Dots(Dots::new(axis, left))
    }

    /// Filters one padded row.
    pub(super) fn run(
        &self,
        isa: Isa,
        axis: &Axis,
        left: usize,
        padded: &[i16],
        out: &mut [i16],
        dropped: u32,
    ) {
        match (self, isa) {
            // SAFETY: a plan is only made for instructions that the processor
            // has, and its buffers have the slack that whole vector steps need.
            #[cfg(target_arch = "x86_64")]
            (Layout::Periodic, Isa::Avx512) => unsafe {
                avx512::across_periodic(axis, left, padded, out, dropped);
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Layout::Periodic, Isa::Avx2) => unsafe {
                avx2::across_periodic(axis, left, padded, out, dropped);
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Layout::Windows(windows), Isa::Avx512) => unsafe {
                avx512::across_windows(windows, axis.taps / 2, padded, out, dropped);
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Layout::Quads(quads), Isa::Avx2) => unsafe {
                avx2::across_quads(quads, axis.taps / 2, padded, out, dropped);
            },
            // SAFETY: as above; a processor with AVX-512 also has AVX2.
            #[cfg(target_arch = "x86_64")]
            (Layout::Dots(dots), Isa::Avx512 | Isa::Avx2) => unsafe {
                avx2::across_dots(dots, padded, out, dropped);
            },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            (Layout::Periodic, Isa::Neon) => unsafe {
                neon::across_periodic(axis, left, padded, out, dropped);
            },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            (Layout::Dots(dots), Isa::Neon) => unsafe {
                neon::across_dots(dots, padded, out, dropped);
            },
            _ => scalar::across(axis, left, padded, out, dropped),
        }
    }
}

/// How many blocks of `block` target samples have filters of their own; the next has the filters
/// of the first again, and its source samples lie equally far apart.
fn distinct_blocks(axis: &Axis, block: usize) -> usize {
    let period = axis.phases / gcd(axis.phases, block);
    period.min(axis.target.div_ceil(block))
}

#[cfg(target_arch = "x86_64")]
/// The target samples of a block; one that sticks out repeats the last sample.
fn block_samples(
    axis: &Axis,
    block: usize,
    size: usize,
) -> impl DoubleEndedIterator<Item = usize> + Clone {
    let last = axis.target - 1;
    (block * size..(block + 1) * size).map(move |x| x.min(last))
}

/// Where the source samples of these target samples begin in the padded row.
fn starts(axis: &Axis, left: usize, samples: impl Iterator<Item = usize>) -> Vec<u32> {
    samples
        .map(|x| left.wrapping_add_signed(axis.start(x)) as u32)
        .collect()
}

#[cfg(target_arch = "x86_64")]
impl Windows {
    fn new(axis: &Axis, left: usize) -> Option<Windows> {
        let mut table = Vec::new();
        let mut longest = 0;
        for block in 0..distinct_blocks(axis, WINDOW_BLOCK) {
            let samples = block_samples(axis, block, WINDOW_BLOCK);
            let base = axis.start(block * WINDOW_BLOCK);
            for x in samples.clone() {
                let place = (axis.start(x) - base) as usize;
                longest = longest.max(place + axis.taps);
                table.extend([place as i16, place as i16 + 1]);
            }
            push_pairs(axis, &samples, &mut table);
        }
        (longest <= WINDOW).then(|| Windows {
            bases: starts(axis, left, (0..axis.target).step_by(WINDOW_BLOCK)),
            table,
            narrow: longest <= WINDOW / 2,
        })
    }
}

#[cfg(target_arch = "x86_64")]
impl Quads {
    fn new(axis: &Axis, left: usize) -> Option<Quads> {
        let mut table = Vec::new();
        for block in 0..distinct_blocks(axis, QUAD_BLOCK) {
            let samples = block_samples(axis, block, QUAD_BLOCK);
            let mut base = 0;
            for (at, x) in samples.clone().enumerate() {
                if at % 4 == 0 {
                    base = axis.start(x);
                }
                let place = (axis.start(x) - base) as usize;
                // The second sample of a pair must still lie within the eight.
                if place > 6 {
                    return None;
                }
                let bytes = 2 * place as i16;
                table.extend([bytes, bytes + 2].map(|byte| byte | (byte + 1) << 8));
            }
            push_pairs(axis, &samples, &mut table);
        }
        let whole = axis.target.next_multiple_of(QUAD_BLOCK);
        let firsts = (0..whole).step_by(4).map(|x| x.min(axis.target - 1));
        Some(Quads {
            bases: starts(axis, left, firsts),
            table,
        })
    }
}

/// Appends, for each pair of taps, the coefficients of all of a block's samples.
#[cfg(target_arch = "x86_64")]
fn push_pairs(axis: &Axis, samples: &(impl Iterator<Item = usize> + Clone), table: &mut Vec<i16>) {
    for tap in (0..axis.taps).step_by(2) {
        for x in samples.clone() {
            table.extend_from_slice(&axis.coefficients(x)[tap..tap + 2]);
        }
    }
}

impl Dots {
    fn new(axis: &Axis, left: usize) -> Dots {
        let groups = axis.taps.div_ceil(DOT_TAPS);
        let mut coefficients = Vec::new();
        for block in 0..distinct_blocks(axis, DOT_BLOCK) {
            for group in 0..groups {
                for place in [0, 4, 1, 5, 2, 6, 3, 7] {
                    let x = (block * DOT_BLOCK + place).min(axis.target - 1);
                    let filter = axis.coefficients(x);
                    let taps = group * DOT_TAPS..(group + 1) * DOT_TAPS;
                    coefficients.extend(taps.map(|tap| filter.get(tap).copied().unwrap_or(0)));
                }
            }
        }
        let whole = axis.target.next_multiple_of(DOT_BLOCK);
        let samples = (0..whole).map(|x| x.min(axis.target - 1));
        Dots {
            starts: starts(axis, left, samples),
            coefficients,
            groups,
        }
    }
}
