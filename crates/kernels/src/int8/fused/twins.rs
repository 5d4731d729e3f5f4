//! A row of a layer whose pixels are made two by two: see [`twin_weights`](crate::int8::twin_weights).
//!
//! What is multiplied is made once for each row of codes, by [`combined`], and read for three rows of each
//! output. Sums of the two products that both pixels share are kept until all of them are there; then they
//! become both pixels, to which the other two products are added. So there are never more sums than pixels.

use super::lanes::{Combined, Quad};
use super::row::{Row, add};

/// Planes that the codes of a group become: those that both pixels share, `q + r` and `r - q`, and those of
/// the first and the second one, `p - r` and `s - q`.
pub(super) const PLANES: usize = 4;

/// Computes a row: four outputs of `P` registers of them at a time.
///
/// # Safety
/// The processor has the instructions. From each row on there are so many registers in each plane, and
/// there is room for so many in each plane of the result, those of outputs that only fill up to four
/// included.
#[inline(always)]
pub(super) unsafe fn row<D: Combined, const P: usize>(row: &Row<'_>) {
    let mut x = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while x + P <= row.registers {
            column::<D, P>(row, x);
            x += P;
        }
        while x < row.registers {
            column::<D, 1>(row, x);
            x += 1;
        }
    }
}

/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn column<D: Combined, const P: usize>(row: &Row<'_>, x: usize) {
    let taps = 3 * row.layer.groups * PLANES;
    for (number, quad) in row.layer.quads.iter().enumerate() {
        // SAFETY: the caller's promise; there are so many weights for each four outputs.
        unsafe {
            let weights = row.layer.weights.as_ptr().add(number * taps * 4 * 4);
            let (even, odd) = tile::<D, P>(row, x, weights, quad);
            row.put::<_, _, 2>(x, number, 0, even.each_ref(), quad);
            row.put::<_, _, 2>(x, number, 1, odd.each_ref(), quad);
        }
    }
}

/// Four outputs of `P` registers of twins.
///
/// # Safety
/// As [`row`]; there are weights for all taps.
#[inline(always)]
unsafe fn tile<D: Combined, const P: usize>(
    row: &Row<'_>,
    x: usize,
    weights: *const i8,
    quad: &Quad,
) -> ([[D; P]; 4], [[D; P]; 4]) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut even = quad.bias.map(|bias| [D::splat(bias); P]);
        let mut odd = quad.difference.map(|bias| [D::splat(bias); P]);
        let start = x * D::COUNT * 4;
        let weights = taps(row, start, weights, &mut even, &mut odd);
        for (even, odd) in even.iter_mut().zip(&mut odd) {
            for (even, odd) in even.iter_mut().zip(odd) {
                (*even, *odd) = (even.plus(*odd), even.minus(*odd));
            }
        }
        taps(row, start + 2 * row.plane, weights, &mut even, &mut odd);
        (even, odd)
    }
}

/// Adds two planes of each group, one to each of two sums; gives the weights that follow.
///
/// # Safety
/// As [`row`]; there are weights for all taps.
#[inline(always)]
unsafe fn taps<D: Combined, const P: usize>(
    row: &Row<'_>,
    start: usize,
    weights: *const i8,
    first: &mut [[D; P]; 4],
    second: &mut [[D; P]; 4],
) -> *const i8 {
    let (mut from, mut weights) = (start, weights);
    // SAFETY: the caller's promise.
    unsafe {
        for _ in 0..row.layer.groups {
            for of_row in row.rows {
                add(first, of_row.add(from), weights);
                add(second, of_row.add(from + row.plane), weights.add(4 * 4));
                weights = weights.add(2 * 4 * 4);
            }
            from += PLANES * row.plane;
        }
        weights
    }
}

/// Makes planes of codes what twins are made from.
///
/// # Safety
/// The processor has the instructions. From both pointers on there are so many registers in each plane, two
/// of each group of codes and [`PLANES`] of what they become; there is a pixel before and behind codes.
#[inline(always)]
pub(super) unsafe fn combined<D: Combined>(
    codes: *const u8,
    to: *mut u8,
    plane: usize,
    groups: usize,
    registers: usize,
) {
    for group in 0..groups {
        // SAFETY: the caller's promise.
        unsafe {
            let (even, to) = (codes.add(group * 2 * plane), to.add(group * PLANES * plane));
            let odd = even.add(plane);
            for at in (0..registers * D::COUNT * 4).step_by(D::COUNT * 4) {
                let [even, odd] = [even.add(at), odd.add(at)];
                let columns = [odd.sub(4), even, odd, even.add(4)].map(|from| D::codes(from));
                for (number, codes) in D::combined(columns).into_iter().enumerate() {
                    D::store(codes, to.add(number * plane + at));
                }
            }
        }
    }
}
