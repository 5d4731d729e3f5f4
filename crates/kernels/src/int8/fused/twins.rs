//! A row of a layer whose pixels are made two by two: see [`twin_weights`](crate::int8::twin_weights).
//!
//! What is multiplied is made once for each row of codes, by [`combined`], and read for three rows of each
//! output. Sums of the two products that both pixels share are kept until all of them are there; then they
//! become both pixels, to which the other two products are added. So there are never more sums than pixels.

use super::lanes::Combined;
use super::row::{Row, add};

/// Planes that the codes of a group become: those that both pixels share, `q + r` and `r - q`, and those of
/// the first and the second one, `p - r` and `s - q`.
pub(super) const PLANES: usize = 4;

/// Computes a row: four outputs of `P` registers of them at a time, both sums of each together or one after
/// the other.
///
/// # Safety
/// The processor has the instructions. From each row on there are so many registers in each plane, and
/// there is room for so many in each plane of the result, those of outputs that only fill up to four
/// included.
#[inline(always)]
pub(super) unsafe fn row<D: Combined, const P: usize, const TOGETHER: bool>(row: &Row<'_>) {
    let mut x = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while x + P <= row.registers {
            column::<D, P, TOGETHER>(row, x);
            x += P;
        }
        while x < row.registers {
            column::<D, 1, TOGETHER>(row, x);
            x += 1;
        }
    }
}

/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn column<D: Combined, const P: usize, const TOGETHER: bool>(row: &Row<'_>, x: usize) {
    let taps = 3 * row.layer.groups * PLANES;
    for (number, quad) in row.layer.quads.iter().enumerate() {
        // SAFETY: the caller's promise; there are so many weights for each four outputs.
        unsafe {
            let weights = row.layer.weights.as_ptr().add(number * taps * 4 * 4);
            let pair = Pair {
                row,
                start: x * D::COUNT * 4,
                shared: weights,
                own: weights.add(taps / 2 * 4 * 4),
            };
            let mut even = quad.bias.map(|bias| [D::splat(bias); P]);
            let mut odd = quad.difference.map(|bias| [D::splat(bias); P]);
            if TOGETHER {
                pair.add_two(0, &mut even, &mut odd);
                both(&mut even, &mut odd);
                pair.add_two(2, &mut even, &mut odd);
                row.put::<_, _, 2>(x, number, 0, even.each_ref(), quad);
            } else {
                pair.add_one(0, &mut even);
                pair.add_one(1, &mut odd);
                both(&mut even, &mut odd);
                pair.add_one(2, &mut even);
                row.put::<_, _, 2>(x, number, 0, even.each_ref(), quad);
                pair.add_one(3, &mut odd);
            }
            row.put::<_, _, 2>(x, number, 1, odd.each_ref(), quad);
        }
    }
}

/// Makes the sums of products that both pixels share those of each.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn both<D: Combined, const P: usize>(even: &mut [[D; P]; 4], odd: &mut [[D; P]; 4]) {
    for (even, odd) in even.iter_mut().zip(odd) {
        for (even, odd) in even.iter_mut().zip(odd) {
            // SAFETY: the caller's promise.
            unsafe {
                (*even, *odd) = (even.plus(*odd), even.minus(*odd));
            }
        }
    }
}

/// What the sums of four outputs are made from.
#[derive(Clone, Copy)]
struct Pair<'a> {
    row: &'a Row<'a>,
    /// Bytes from where rows begin.
    start: usize,
    /// Weights of the first two planes, in turns, and of the others.
    shared: *const i8,
    own: *const i8,
}

impl Pair<'_> {
    /// Weights of a plane: the next of it are those of two planes further on.
    ///
    /// # Safety
    /// There are weights for all taps.
    #[inline(always)]
    unsafe fn weights(self, plane: usize) -> *const i8 {
        let both = if plane < 2 { self.shared } else { self.own };
        // SAFETY: the caller's promise.
        unsafe { both.add(plane % 2 * 4 * 4) }
    }

    /// Adds the products of a plane to one sum, and those of the next plane to another.
    ///
    /// # Safety
    /// As [`row`]; there are weights for all taps.
    #[inline(always)]
    unsafe fn add_two<D: Combined, const P: usize>(
        self,
        plane: usize,
        one: &mut [[D; P]; 4],
        other: &mut [[D; P]; 4],
    ) {
        let row = self.row;
        let mut from = self.start + plane * row.plane;
        // SAFETY: the caller's promise.
        unsafe {
            let mut weights = self.weights(plane);
            for _ in 0..row.layer.groups {
                for of_row in row.rows {
                    add(one, of_row.add(from), weights);
                    add(other, of_row.add(from + row.plane), weights.add(4 * 4));
                    weights = weights.add(2 * 4 * 4);
                }
                from += PLANES * row.plane;
            }
        }
    }

    /// Adds the products of one plane.
    ///
    /// # Safety
    /// As [`row`]; there are weights for all taps.
    #[inline(always)]
    unsafe fn add_one<D: Combined, const P: usize>(self, plane: usize, sums: &mut [[D; P]; 4]) {
        let row = self.row;
        let mut from = self.start + plane * row.plane;
        // SAFETY: the caller's promise.
        unsafe {
            let mut weights = self.weights(plane);
            for _ in 0..row.layer.groups {
                for of_row in row.rows {
                    add(sums, of_row.add(from), weights);
                    weights = weights.add(2 * 4 * 4);
                }
                from += PLANES * row.plane;
            }
        }
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
