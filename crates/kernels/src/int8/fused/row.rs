//! A row of a layer.

use super::lanes::{Dots, Quad};
use super::pack::Packed;

/// A row to be computed.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) layer: &'a Packed,
    /// The first pixel of the row above, of this one and of the row below.
    pub(super) rows: [*const u8; 3],
    /// Bytes from one group of four codes to the next.
    pub(super) stride: usize,
    /// Registers of pixels.
    pub(super) registers: usize,
    pub(super) to: To,
}

/// Where a row goes: its first pixel, and how far it is to the next group or plane.
#[derive(Clone, Copy)]
pub(super) enum To {
    /// Groups of four codes; bytes.
    Codes(*mut u8, usize),
    /// A plane for each output; words.
    Words(*mut i16, usize),
}

/// Computes it: `B` outputs, four or eight, of `P` registers of pixels at a time, and of `P4` where there
/// are only four outputs. `F` takes the picture, and `D` codes of another layer.
///
/// # Safety
/// The processor has the instructions. From each row on there are so many registers in each group, and a
/// pixel before and behind them where neighbours are looked at; there is room for so many registers in
/// each group or plane of the result, planes of outputs that only fill up to four included.
#[inline(always)]
pub(super) unsafe fn row<F: Dots, D: Dots, const B: usize, const P: usize, const P4: usize>(
    row: &Row<'_>,
) {
    const { assert!(F::COUNT == D::COUNT, "registers of as many pixels") };
    // SAFETY: the caller's promise.
    unsafe {
        match (row.layer.across, row.layer.quads.len()) {
            (1, 1) => sweep::<F, 4, P4, 1>(row),
            (1, _) => sweep::<F, B, P, 1>(row),
            (_, 1) => sweep::<D, 4, P4, 3>(row),
            (_, _) => sweep::<D, B, P, 3>(row),
        }
    }
}

/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn sweep<D: Dots, const B: usize, const P: usize, const ACROSS: usize>(row: &Row<'_>) {
    let mut x = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while x + P <= row.registers {
            column::<D, B, P, ACROSS>(row, x);
            x += P;
        }
        while x < row.registers {
            column::<D, B, 1, ACROSS>(row, x);
            x += 1;
        }
    }
}

/// All outputs of `P` registers of pixels: what they are made from is in the nearest cache.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn column<D: Dots, const B: usize, const P: usize, const ACROSS: usize>(
    row: &Row<'_>,
    x: usize,
) {
    let mut weights = row.layer.weights.as_ptr();
    let taps = 3 * row.layer.groups * ACROSS;
    let mut quads = &row.layer.quads[..];
    let mut first = 0;
    // SAFETY: the caller's promise; weights are as many as blocks ask for.
    unsafe {
        while quads.len() >= B / 4 {
            let (block, rest) = quads.split_at(B / 4);
            tile::<D, P, B, ACROSS>(row, x, weights, block, first);
            weights = weights.add(taps * B * 4);
            first += B / 4;
            quads = rest;
        }
        for (number, quad) in quads.iter().enumerate() {
            let quad = std::slice::from_ref(quad);
            tile::<D, P, 4, ACROSS>(row, x, weights, quad, first + number);
            weights = weights.add(taps * 4 * 4);
        }
    }
}

/// `O` outputs of `P` registers of pixels, which stay in registers for all taps.
///
/// # Safety
/// As [`row`]; there are weights for all taps.
#[inline(always)]
unsafe fn tile<D: Dots, const P: usize, const O: usize, const ACROSS: usize>(
    row: &Row<'_>,
    x: usize,
    weights: *const i8,
    quads: &[Quad],
    first: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[D::splat(0); P]; O];
        for (o, sums) in sums.iter_mut().enumerate() {
            *sums = [D::splat(quads[o / 4].bias[o % 4]); P];
        }
        let at = x * D::COUNT * 4;
        let mut weights = weights;
        let mut group = at;
        for _ in 0..row.layer.groups {
            // Not a loop: each end of one is a guess that the processor may get wrong.
            weights = taps::<D, P, O, ACROSS>(&mut sums, row.rows[0].add(group), weights);
            weights = taps::<D, P, O, ACROSS>(&mut sums, row.rows[1].add(group), weights);
            weights = taps::<D, P, O, ACROSS>(&mut sums, row.rows[2].add(group), weights);
            group += row.stride;
        }
        match row.to {
            To::Codes(to, stride) => {
                for (q, (quad, sums)) in quads.iter().zip(sums.as_chunks::<4>().0).enumerate() {
                    let [a, b, c, d] = sums;
                    let outputs = a.iter().zip(b).zip(c.iter().zip(d));
                    for (p, ((a, b), (c, d))) in outputs.enumerate() {
                        let to = to.add((first + q) * stride + at + p * D::COUNT * 4);
                        D::store_codes([*a, *b, *c, *d], quad, to);
                    }
                }
            }
            To::Words(to, stride) => {
                for (o, sums) in sums.iter().enumerate() {
                    for (p, sum) in sums.iter().enumerate() {
                        let to = to.add((4 * first + o) * stride + (x + p) * D::COUNT);
                        sum.store_words(&quads[o / 4], o % 4, to);
                    }
                }
            }
        }
    }
}

/// Adds a row of the kernel to `O` outputs of `P` registers of pixels; gives the weights that follow.
///
/// # Safety
/// As [`row`]; there are weights for all taps.
#[inline(always)]
unsafe fn taps<D: Dots, const P: usize, const O: usize, const ACROSS: usize>(
    sums: &mut [[D; P]; O],
    from: *const u8,
    weights: *const i8,
) -> *const i8 {
    // SAFETY: the caller's promise.
    unsafe {
        for column in 0..ACROSS {
            let from = from.offset((column as isize - (ACROSS / 2) as isize) * 4);
            let weights = weights.add(4 * O * column);
            let mut codes = [D::codes(from); P];
            for (p, codes) in codes.iter_mut().enumerate().skip(1) {
                *codes = D::codes(from.add(p * D::COUNT * 4));
            }
            for (o, sums) in sums.iter_mut().enumerate() {
                let weight = D::weights(weights.add(4 * o));
                for (sum, codes) in sums.iter_mut().zip(codes) {
                    *sum = sum.dot(codes, weight);
                }
            }
        }
        weights.add(4 * O * ACROSS)
    }
}
