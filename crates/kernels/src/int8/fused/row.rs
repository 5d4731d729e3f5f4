//! A row of a layer.

use super::lanes::{Dots, Quad, add};
use super::pack::{Packed, Reads};
use super::twins::Join;

/// A row to be computed. Where there are two planes of each row, pixels in even columns are in the first and
/// those in odd ones in the second.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) layer: &'a Packed,
    /// The first plane of the row above, of this one and of the row below.
    pub(super) rows: [*const u8; 3],
    /// Bytes from one plane of codes to the next.
    pub(super) plane: usize,
    /// Registers of each plane.
    pub(super) registers: usize,
    pub(super) to: To,
}

/// Where a row goes: its first plane.
#[derive(Clone, Copy)]
pub(super) enum To {
    /// Planes for each group of four codes; bytes.
    Codes(*mut u8),
    /// Codes that become what twins are made from.
    Twins(Join),
    /// Planes for each output; words, and how many it is to the next plane.
    Words(*mut i16, usize),
}

impl Row<'_> {
    /// Where the neighbours of pixels of one of `H` planes lie, left to right, in bytes from where the first
    /// one begins.
    #[inline(always)]
    pub(super) fn neighbours<const ACROSS: usize, const H: usize>(
        &self,
        odd: usize,
    ) -> [isize; ACROSS] {
        std::array::from_fn(|column| {
            let (planes, odd) = (H as isize, odd as isize);
            let at = odd + column as isize - (ACROSS / 2) as isize;
            at.rem_euclid(planes) * self.plane as isize + at.div_euclid(planes) * 4
        })
    }

    /// Writes the registers from `x` on of four outputs, of one of `H` planes.
    ///
    /// # Safety
    /// As for [`row`].
    #[inline(always)]
    pub(super) unsafe fn put<D: Dots, const P: usize, const H: usize>(
        &self,
        x: usize,
        number: usize,
        odd: usize,
        sums: [&[D; P]; 4],
        quad: &Quad,
    ) {
        // SAFETY: the caller's promise, and [`row`]'s.
        unsafe {
            match self.to {
                To::Codes(to) => {
                    let to = to.add((H * number + odd) * self.plane + x * D::COUNT * 4);
                    for p in 0..P {
                        D::store_codes(sums.map(|sums| sums[p]), quad, to.add(p * D::COUNT * 4));
                    }
                }
                To::Twins(_) => unreachable!("both planes go there together"),
                To::Words(to, plane) => {
                    for (o, sums) in sums.into_iter().enumerate() {
                        let output = 4 * number + o;
                        let to = to.add((H * output + odd) * plane + x * D::COUNT);
                        for (p, sum) in sums.iter().enumerate() {
                            sum.store_words(quad, o, to.add(p * D::COUNT));
                        }
                    }
                }
            }
        }
    }
}

/// Computes it: four outputs of `P` registers of pixels of one of `H` planes at a time. `F` takes the
/// picture, and `D` codes of another layer.
///
/// # Safety
/// The processor has the instructions. From each row on there are so many registers in each plane, and a
/// pixel before and behind them where neighbours are looked at; there is room for so many registers in
/// each plane of the result, those of outputs that only fill up to four included.
#[inline(always)]
pub(super) unsafe fn row<F: Dots, D: Dots, const P: usize, const H: usize>(row: &Row<'_>) {
    const { assert!(F::COUNT == D::COUNT, "registers of as many pixels") };
    // SAFETY: the caller's promise.
    unsafe {
        match row.layer.reads {
            Reads::Picture => sweep::<F, P, 1, H>(row),
            Reads::Codes => sweep::<D, P, 3, H>(row),
            Reads::Twins => unreachable!("such a layer has another kernel"),
        }
    }
}

/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn sweep<D: Dots, const P: usize, const ACROSS: usize, const H: usize>(row: &Row<'_>) {
    let mut x = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while x + P <= row.registers {
            column::<D, P, ACROSS, H>(row, x);
            x += P;
        }
        while x < row.registers {
            column::<D, 1, ACROSS, H>(row, x);
            x += 1;
        }
    }
}

/// All outputs of `P` registers of pixels of each plane: what they are made from is in the nearest cache.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn column<D: Dots, const P: usize, const ACROSS: usize, const H: usize>(
    row: &Row<'_>,
    x: usize,
) {
    let taps = 3 * row.layer.groups * ACROSS;
    let neighbours: [[isize; ACROSS]; H] = std::array::from_fn(|odd| row.neighbours::<_, H>(odd));
    for (number, quad) in row.layer.quads.iter().enumerate() {
        for (odd, neighbours) in neighbours.iter().enumerate() {
            // SAFETY: the caller's promise; there are so many weights for each four outputs.
            unsafe {
                let weights = row.layer.weights.as_ptr().add(number * taps * 4 * 4);
                let sums = tile::<D, P, ACROSS, H>(row, x, weights, quad, neighbours);
                row.put::<_, _, H>(x, number, odd, sums.each_ref(), quad);
            }
        }
    }
}

/// Four outputs of `P` registers of pixels, which stay in registers for all taps.
///
/// # Safety
/// As [`row`]; there are weights for all taps.
#[inline(always)]
pub(super) unsafe fn tile<D: Dots, const P: usize, const ACROSS: usize, const H: usize>(
    row: &Row<'_>,
    x: usize,
    weights: *const i8,
    quad: &Quad,
    neighbours: &[isize; ACROSS],
) -> [[D; P]; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = quad.bias.map(|bias| [D::splat(bias); P]);
        if D::BY_GROUPS {
            for (column, neighbour) in neighbours.iter().enumerate() {
                let start = (x * D::COUNT * 4) as isize + neighbour;
                let rows = row.rows.map(|row| row.offset(start));
                let steps = [H * row.plane, 4 * 4 * ACROSS];
                let weights = weights.add(4 * 4 * column);
                D::add_groups(&mut sums, rows, row.layer.groups, steps, weights);
            }
            return sums;
        }
        let mut weights = weights;
        let mut group = x * D::COUNT * 4;
        for _ in 0..row.layer.groups {
            // Not a loop: each end of one is a guess that the processor may get wrong.
            weights = taps(&mut sums, row.rows[0].add(group), neighbours, weights);
            weights = taps(&mut sums, row.rows[1].add(group), neighbours, weights);
            weights = taps(&mut sums, row.rows[2].add(group), neighbours, weights);
            group += H * row.plane;
        }
        sums
    }
}

/// Adds a row of the kernel to four outputs of `P` registers of pixels; gives the weights that follow.
///
/// # Safety
/// As [`row`]; there are weights for all taps.
#[inline(always)]
unsafe fn taps<D: Dots, const P: usize, const ACROSS: usize>(
    sums: &mut [[D; P]; 4],
    from: *const u8,
    neighbours: &[isize; ACROSS],
    weights: *const i8,
) -> *const i8 {
    // SAFETY: the caller's promise.
    unsafe {
        for (column, neighbour) in neighbours.iter().enumerate() {
            add(sums, from.offset(*neighbour), weights.add(4 * 4 * column));
        }
        weights.add(4 * 4 * ACROSS)
    }
}
