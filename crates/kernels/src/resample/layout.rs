//! The filters across, laid out as the vector units like them.

use super::axis::Axis;
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
    /// Any ratio and any number of taps: one dot product per target sample.
    Dots(Dots),
}

#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone)]
pub(super) struct Windows {
    /// Where each block's window begins in the padded row.
    pub(super) bases: Vec<u32>,
    /// Per block: the places of each target sample's first two source samples in the window, then
    /// for each pair of taps the coefficients of all target samples.
    pub(super) table: Vec<i16>,
    /// Whether every window fits one register.
    pub(super) narrow: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Dots {
    /// Where each target sample's source samples begin in the padded row.
    pub(super) starts: Vec<u32>,
    /// Per block of [`DOT_BLOCK`] target samples and per [`DOT_TAPS`] taps: the coefficients of
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
            // SAFETY (here and below): a plan is only made for instructions that the processor
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

#[cfg(target_arch = "x86_64")]
impl Windows {
    fn new(axis: &Axis, left: usize) -> Option<Windows> {
        let pairs = axis.taps / 2;
        let last = axis.target - 1;
        let blocks = axis.target.div_ceil(WINDOW_BLOCK);
        let mut windows = Windows {
            bases: Vec::with_capacity(blocks),
            table: Vec::with_capacity(blocks * 2 * WINDOW_BLOCK * (1 + pairs)),
            narrow: true,
        };
        for first in (0..axis.target).step_by(WINDOW_BLOCK) {
            // The last block repeats its last sample.
            let block = (first..first + WINDOW_BLOCK).map(|x| x.min(last));
            let base = axis.start(first);
            let reach =
                (axis.start(last.min(first + WINDOW_BLOCK - 1)) - base) as usize + axis.taps;
            if reach > WINDOW {
                return None;
            }
            windows.narrow &= reach <= WINDOW / 2;
            windows.bases.push(left.wrapping_add_signed(base) as u32);
            for x in block.clone() {
                let place = (axis.start(x) - base) as i16;
                windows.table.extend([place, place + 1]);
            }
            for pair in 0..pairs {
                for x in block.clone() {
                    let both = &axis.coefficients(x)[2 * pair..][..2];
                    windows.table.extend_from_slice(both);
                }
            }
        }
        Some(windows)
    }
}

impl Dots {
    fn new(axis: &Axis, left: usize) -> Dots {
        let groups = axis.taps.div_ceil(DOT_TAPS);
        let last = axis.target - 1;
        let blocks = axis.target.div_ceil(DOT_BLOCK);
        let mut dots = Dots {
            starts: Vec::with_capacity(blocks * DOT_BLOCK),
            coefficients: Vec::with_capacity(blocks * DOT_BLOCK * groups * DOT_TAPS),
            groups,
        };
        for first in (0..axis.target).step_by(DOT_BLOCK) {
            for x in first..first + DOT_BLOCK {
                let start = axis.start(x.min(last));
                dots.starts.push(left.wrapping_add_signed(start) as u32);
            }
            for group in 0..groups {
                for place in [0, 4, 1, 5, 2, 6, 3, 7] {
                    let coefficients = axis.coefficients((first + place).min(last));
                    let taps = group * DOT_TAPS..(group + 1) * DOT_TAPS;
                    let tap = |tap| coefficients.get(tap).copied().unwrap_or(0);
                    dots.coefficients.extend(taps.map(tap));
                }
            }
        }
        dots
    }
}
