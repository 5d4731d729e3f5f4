//! A row of a layer whose pixels are made two by two: see [`twin_weights`](crate::int8::twin_weights).
//!
//! What is multiplied is made of each row of codes as soon as these are there, by [`Join`], and read for
//! three rows of each output. Sums of the two products that both pixels share are kept until all of them are
//! there; then they become both pixels, to which the other two products are added. So there are never more
//! sums than pixels.

use super::lanes::{Combined, Quad, WIDEST, add};
use super::pack::Reads;
use super::row::{Row, To, tile};

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
            } else {
                pair.add_one(0, &mut even);
                pair.add_one(1, &mut odd);
                both(&mut even, &mut odd);
                pair.add_one(2, &mut even);
            }
            let codes_of_even = match row.to {
                To::Twins(_) => Some(codes(even.each_ref(), quad)),
                _ => {
                    row.put::<_, _, 2>(x, number, 0, even.each_ref(), quad);
                    None
                }
            };
            if !TOGETHER {
                pair.add_one(3, &mut odd);
            }
            match (row.to, codes_of_even) {
                (To::Twins(join), Some(even)) => {
                    join.put::<D, P>(row, x, number, even, codes(odd.each_ref(), quad));
                }
                _ => row.put::<_, _, 2>(x, number, 1, odd.each_ref(), quad),
            }
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
        let start = self.start + plane * row.plane;
        let steps = [PLANES * row.plane, 2 * 4 * 4];
        // SAFETY: the caller's promise.
        unsafe {
            let rows = row.rows.map(|of_row| of_row.add(start));
            D::add_groups(sums, rows, row.layer.groups, steps, self.weights(plane));
        }
    }
}

/// Computes a row whose codes become what twins are made from, as [`row`](super::row::row) does: of a layer
/// that is not computed as twins itself.
///
/// # Safety
/// As for that.
#[inline(always)]
pub(super) unsafe fn before<D: Combined, const P: usize>(row: &Row<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        match row.layer.reads {
            Reads::Picture => sweep::<D, P, 1>(row),
            Reads::Codes => sweep::<D, P, 3>(row),
            Reads::Twins => unreachable!("such a layer has another kernel"),
        }
    }
}

/// # Safety
/// As [`before`].
#[inline(always)]
unsafe fn sweep<D: Combined, const P: usize, const ACROSS: usize>(row: &Row<'_>) {
    let mut x = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while x + P <= row.registers {
            tiles::<D, P, ACROSS>(row, x);
            x += P;
        }
        while x < row.registers {
            tiles::<D, 1, ACROSS>(row, x);
            x += 1;
        }
    }
}

/// # Safety
/// As [`before`].
#[inline(always)]
unsafe fn tiles<D: Combined, const P: usize, const ACROSS: usize>(row: &Row<'_>, x: usize) {
    let To::Twins(join) = row.to else {
        unreachable!("for twins");
    };
    let taps = 3 * row.layer.groups * ACROSS;
    let neighbours: [[isize; ACROSS]; 2] = [row.neighbours::<_, 2>(0), row.neighbours::<_, 2>(1)];
    for (number, quad) in row.layer.quads.iter().enumerate() {
        // SAFETY: the caller's promise; there are so many weights for each four outputs.
        unsafe {
            let weights = row.layer.weights.as_ptr().add(number * taps * 4 * 4);
            let even = tile::<D, P, ACROSS, 2>(row, x, weights, quad, &neighbours[0]);
            let even = codes(even.each_ref(), quad);
            let odd = tile::<D, P, ACROSS, 2>(row, x, weights, quad, &neighbours[1]);
            join.put::<D, P>(row, x, number, even, codes(odd.each_ref(), quad));
        }
    }
}

/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn codes<D: Combined, const P: usize>(sums: [&[D; P]; 4], quad: &Quad) -> [D::Codes; P] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut codes = [D::as_codes(sums.map(|sums| sums[0]), quad); P];
        for (p, codes) in codes.iter_mut().enumerate().skip(1) {
            *codes = D::as_codes(sums.map(|sums| sums[p]), quad);
        }
        codes
    }
}

/// Bytes of the widest register.
const BYTES: usize = 4 * WIDEST;

/// Memory for each group of codes that waits for neighbours, in bytes.
pub(super) const WAITING: usize = 2 * BYTES;

/// As many pixels as a register may have, and as many of nothing.
static MASK: [[u8; BYTES]; 2] = [[0xff; BYTES], [0; BYTES]];

/// Where codes of a run of registers become what twins are made from.
#[derive(Clone, Copy)]
pub(super) struct Join {
    /// The first plane of the first group.
    pub(super) to: *mut u8,
    /// [`WAITING`] bytes for each group.
    pub(super) waiting: *mut u8,
    /// How many pixels of the last register are there, of even columns and of odd ones. There is nothing
    /// behind them.
    pub(super) ends: [usize; 2],
}

impl Join {
    /// Writes what becomes of `P` registers of a group, from `x` on. What needs the next register waits for
    /// it, or for the end.
    ///
    /// Before the first and behind the last register of a run there is nothing. If the run is a part of a
    /// row, then what is made there is wrong, and nobody asks for it.
    ///
    /// # Safety
    /// The processor has the instructions. There is room for the row's registers in each plane, and for one
    /// before them. Runs come one after the other, and registers of each from left to right.
    #[inline(always)]
    unsafe fn put<D: Combined, const P: usize>(
        self,
        row: &Row<'_>,
        x: usize,
        group: usize,
        mut even: [D::Codes; P],
        mut odd: [D::Codes; P],
    ) {
        let bytes = D::COUNT * 4;
        let (plane, is_last) = (row.plane, x + P == row.registers);
        // SAFETY: the caller's promise.
        unsafe {
            let nothing = D::codes(MASK[1].as_ptr());
            if is_last {
                for (codes, end) in [&mut even, &mut odd].into_iter().zip(self.ends) {
                    let mask = MASK.as_ptr().cast::<u8>().add(BYTES - 4 * end);
                    codes[P - 1] = D::and(codes[P - 1], D::codes(mask));
                }
            }
            let waiting = self.waiting.add(group * WAITING);
            let (mut even_before, mut odd_before) = match x {
                0 => (nothing, nothing),
                _ => (D::codes(waiting), D::codes(waiting.add(BYTES))),
            };
            let mut to = self.to.add(group * PLANES * plane + x * bytes);
            for (even, odd) in even.into_iter().zip(odd) {
                D::store(D::added(even, odd), to);
                D::store(D::less(odd, even), to.add(plane));
                D::store(D::less(D::left(odd_before, odd), odd), to.add(2 * plane));
                let second = D::less(D::right(even_before, even), even_before);
                D::store(second, to.add(3 * plane).sub(bytes));
                (even_before, odd_before) = (even, odd);
                to = to.add(bytes);
            }
            if is_last {
                let second = D::less(D::right(even_before, nothing), even_before);
                D::store(second, to.add(3 * plane).sub(bytes));
            } else {
                D::store(even_before, waiting);
                D::store(odd_before, waiting.add(BYTES));
            }
        }
    }
}
