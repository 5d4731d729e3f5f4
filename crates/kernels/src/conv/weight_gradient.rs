//! What the loss gains by each weight.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::float32x4_t;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

use super::Shape;
use super::forward::{padded_input, tap_offsets};
use super::padded::Padded;
use super::tile::{SLACK, blocks, lanes};
use crate::Isa;
use crate::lanes::{Lanes, Portable};

/// Sums up the gradient of weights over pictures. One for each thread; [`WeightGradient::add_to`] puts
/// them together.
#[derive(Clone, Debug)]
pub struct WeightGradient {
    shape: Shape,
    isa: Isa,
    /// Of a group.
    input: Padded,
    gradient: Padded,
    offsets: Vec<usize>,
    /// A register for each weight, in the order in which tiles are worked on.
    sums: Vec<f32>,
    padded_input: Vec<f32>,
    padded_gradient: Vec<f32>,
}

/// Numbers of the gradient that a block of outputs goes through before the next taps: they stay in the
/// nearest cache.
const STRIP: usize = 6144;

impl WeightGradient {
    /// Begins at zero.
    ///
    /// # Panics
    /// When the shape is not sound.
    pub fn new(shape: Shape, isa: Isa) -> Self {
        assert!(shape.is_sound(), "{shape:?}");
        let isa = isa.without_dots();
        let shape = shape.flattened();
        let (rows, columns) = shape.output_size();
        let input = padded_input(&shape);
        WeightGradient {
            shape,
            isa,
            input,
            gradient: Padded {
                channels: shape.group_outputs(),
                size: (rows, columns),
                before: (0, 0),
                step: 1,
                rows,
                stride: columns.next_multiple_of(SLACK),
            },
            offsets: tap_offsets(&shape, &input),
            sums: vec![0.0; shape.weight_len() * lanes(isa)],
            padded_input: Vec::new(),
            padded_gradient: Vec::new(),
        }
    }

    /// Adds a picture: its input and the gradient of its output.
    ///
    /// # Panics
    /// When a length is not what the shape says.
    pub fn add(&mut self, input: &[f32], gradient: &[f32]) {
        let shape = &self.shape;
        assert_eq!(gradient.len(), shape.output_len());
        assert_eq!(input.len(), shape.input_len());
        let group_sums = self.sums.len() / shape.groups;
        let groups = input
            .chunks_exact(shape.input_len() / shape.groups)
            .zip(gradient.chunks_exact(shape.output_len() / shape.groups))
            .zip(self.sums.chunks_exact_mut(group_sums));
        for ((input, gradient), sums) in groups {
            let source = self.input.fill(input, &mut self.padded_input);
            // Zeros at the end of a row add nothing to any weight.
            let gradient = self.gradient.fill(gradient, &mut self.padded_gradient);
            let furthest = self.offsets.iter().max().map_or(0, |offset| {
                let rows = (self.gradient.rows - 1) * shape.stride.0 * self.input.stride;
                offset + rows + self.gradient.stride
            });
            assert!(furthest <= source.len(), "{furthest} is too far");
            let work = Work {
                shape,
                isa: self.isa,
                source,
                offsets: &self.offsets,
                input: &self.input,
                gradient,
                lines: &self.gradient,
            };
            // SAFETY: the furthest that the source is read was just checked, the gradient has its
            // length, and the sums have a register for each weight. `new` checked that the processor
            // has the instruction set.
            unsafe {
                match self.isa {
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 => avx512(&work, sums),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => avx2(&work, sums),
                    #[cfg(target_arch = "aarch64")]
                    Isa::Neon => all::<float32x4_t, 3, 6, 6, 9>(&work, sums),
                    _ => all::<Portable, 1, 1, 2, 3>(&work, sums),
                }
            }
        }
    }

    /// Adds the sums to `weights`.
    ///
    /// # Panics
    /// When there are not as many weights as the shape says.
    pub fn add_to(&self, weights: &mut [f32]) {
        assert_eq!(weights.len(), self.shape.weight_len());
        let taps = self.offsets.len();
        let mut sums = self.sums.chunks_exact(lanes(self.isa));
        for group in weights.chunks_exact_mut(self.shape.group_outputs() * taps) {
            for (first, size) in blocks(self.isa, self.shape.group_outputs()) {
                for tap_block in tap_blocks(self.isa, size, taps) {
                    for output in first..first + size {
                        for tap in tap_block.clone() {
                            let lanes = sums.next().map_or(0.0, |lanes| lanes.iter().sum::<f32>());
                            group[output * taps + tap] += lanes;
                        }
                    }
                }
            }
        }
    }
}

/// Taps that a block of so many outputs meets at once.
fn taps_at_once(isa: Isa, outputs: usize) -> usize {
    let sizes = match isa {
        Isa::Avx512 | Isa::Neon => [3, 6, 6, 9],
        Isa::Avx2 => [1, 3, 4, 9],
        _ => [1, 1, 2, 3],
    };
    match outputs {
        8 => sizes[0],
        4 => sizes[1],
        2 => sizes[2],
        _ => sizes[3],
    }
}

/// As many taps at once as there can be, then one by one.
fn tap_blocks(
    isa: Isa,
    outputs: usize,
    taps: usize,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let most = taps_at_once(isa, outputs);
    let whole = taps - taps % most;
    (0..whole)
        .step_by(most)
        .map(move |first| first..first + most)
        .chain((whole..taps).map(|tap| tap..tap + 1))
}

/// What a group of a picture adds.
struct Work<'a> {
    shape: &'a Shape,
    isa: Isa,
    source: &'a [f32],
    offsets: &'a [usize],
    input: &'a Padded,
    gradient: &'a [f32],
    lines: &'a Padded,
}

/// # Safety
/// As for [`all`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn avx512(work: &Work<'_>, sums: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { all::<__m512, 3, 6, 6, 9>(work, sums) }
}

/// # Safety
/// As for [`all`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(work: &Work<'_>, sums: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { all::<__m256, 1, 3, 4, 9>(work, sums) }
}

/// Every block of outputs of a group, with so many taps at once for blocks of 8, 4, 2 and 1, which
/// are those of [`taps_at_once`].
///
/// # Safety
/// The processor has the instructions; lengths are as [`WeightGradient::add`] checks them.
#[inline(always)]
unsafe fn all<L: Lanes, const T8: usize, const T4: usize, const T2: usize, const T1: usize>(
    work: &Work<'_>,
    sums: &mut [f32],
) {
    let mut at = 0;
    for (first, size) in blocks(work.isa, work.shape.group_outputs()) {
        let sums = &mut sums[at..][..size * work.offsets.len() * L::COUNT];
        at += sums.len();
        // SAFETY: the caller's promise.
        unsafe {
            match size {
                8 => block::<L, 8, T8>(work, first, sums),
                4 => block::<L, 4, T4>(work, first, sums),
                2 => block::<L, 2, T2>(work, first, sums),
                _ => block::<L, 1, T1>(work, first, sums),
            }
        }
    }
}

/// # Safety
/// As for [`all`].
#[inline(always)]
unsafe fn block<L: Lanes, const O: usize, const T: usize>(
    work: &Work<'_>,
    first: usize,
    sums: &mut [f32],
) {
    let lines = work.lines;
    let strip = (STRIP / (O * lines.stride)).max(1);
    let whole = work.offsets.len() - work.offsets.len() % T;
    for top in (0..lines.rows).step_by(strip) {
        let rows = top..(top + strip).min(lines.rows);
        let mut sums = sums.as_mut_ptr();
        // SAFETY: the caller's promise; there is a register for each output and tap.
        unsafe {
            for taps in work.offsets[..whole].chunks_exact(T) {
                tile::<L, O, T>(work, first, rows.clone(), taps, sums);
                sums = sums.add(O * T * L::COUNT);
            }
            for tap in work.offsets[whole..].chunks_exact(1) {
                tile::<L, O, 1>(work, first, rows.clone(), tap, sums);
                sums = sums.add(O * L::COUNT);
            }
        }
    }
}

/// Adds some rows to the sums of `O` outputs and `T` taps.
///
/// # Safety
/// As for [`all`]; there are `T` offsets.
#[inline(always)]
unsafe fn tile<L: Lanes, const O: usize, const T: usize>(
    work: &Work<'_>,
    first: usize,
    rows: std::ops::Range<usize>,
    offsets: &[usize],
    sums: *mut f32,
) {
    let lines = work.lines;
    let row_step = work.shape.stride.0 * work.input.stride;
    // SAFETY: the caller's promise.
    unsafe {
        let mut held = [[L::splat(0.0); T]; O];
        for (o, held) in held.iter_mut().enumerate() {
            for (t, held) in held.iter_mut().enumerate() {
                *held = L::load(sums.add((o * T + t) * L::COUNT));
            }
        }
        for row in rows {
            let source = work.source.as_ptr().add(row * row_step);
            let gradient = work.gradient.as_ptr().add(lines.offset(first, row, 0));
            let mut x = 0;
            while x < lines.stride {
                let mut pixels = [L::splat(0.0); T];
                for (t, pixels) in pixels.iter_mut().enumerate() {
                    *pixels = L::load(source.add(offsets[t] + x));
                }
                for (o, held) in held.iter_mut().enumerate() {
                    let gradient = L::load(gradient.add(o * lines.rows * lines.stride + x));
                    for (held, pixels) in held.iter_mut().zip(pixels) {
                        *held = gradient.mul_add(pixels, *held);
                    }
                }
                x += L::COUNT;
            }
        }
        for (o, held) in held.into_iter().enumerate() {
            for (t, held) in held.into_iter().enumerate() {
                held.store(sums.add((o * T + t) * L::COUNT));
            }
        }
    }
}
