//! Where things will be when they go on as they went.

use nervure_frame::{BitDepth, Plane, Sample};

/// The side of the squares that move as one: as far apart as macroblocks, which are what is lost.
pub const BLOCK: usize = 16;

/// So far a square is looked for in the picture before, along rows and along columns.
pub const REACH: usize = 8;

/// What a pixel of motion costs: this many fiftieths of a code for each sample. Without it, squares of
/// noise and of flat sky wander.
const PER_PIXEL: u32 = 1;
const WHOLE: u32 = 50;

/// The picture that follows `last` if everything in it goes on as it went since `earlier`.
///
/// Each square is looked for in the earlier picture, and taken from where it would have come if what is
/// there moved the same way. Beyond their edges, pictures repeat them.
///
/// # Panics
/// When the pictures differ in size.
pub fn continued<T: Sample>(last: &Plane<T>, earlier: &Plane<T>) -> Plane<T> {
    let (width, height) = (last.width(), last.height());
    assert_eq!((width, height), (earlier.width(), earlier.height()));
    let (last, earlier) = (Wide::of(last), Wide::of(earlier));
    let fine = match T::DEPTH {
        BitDepth::Eight => 1,
        BitDepth::Ten => 4,
    };
    let mut out = Plane::new(width, height);
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            let size = (BLOCK.min(width - left), BLOCK.min(height - top));
            let (x, y) = motion(&last, &earlier, (left, top), size, fine);
            for row in 0..size.1 {
                let from = &last.row((top + row).wrapping_add_signed(y))[left..];
                let from = &from[REACH.wrapping_add_signed(x)..][..size.0];
                out.row_mut(top + row)[left..][..size.0].copy_from_slice(from);
            }
        }
    }
    out
}

/// From a square to where it is in the earlier picture, in columns and rows.
fn motion<T: Sample>(
    last: &Wide<T>,
    earlier: &Wide<T>,
    (left, top): (usize, usize),
    (columns, rows): (usize, usize),
    fine: u32,
) -> (isize, isize) {
    let area = (columns * rows) as u32;
    let cost = |x: isize, y: isize, most: u32| {
        let pixels = (x.unsigned_abs() + y.unsigned_abs()) as u32;
        let mut cost = PER_PIXEL * fine * area * pixels;
        for row in top..top + rows {
            let here = &last.row(row)[left + REACH..][..columns];
            let there = &earlier.row(row.wrapping_add_signed(y))[left..];
            let there = &there[REACH.wrapping_add_signed(x)..][..columns];
            cost += WHOLE * apart(here, there);
            if cost >= most {
                break;
            }
        }
        cost
    };
    let mut best = (cost(0, 0, u32::MAX), (0, 0));
    let reach = REACH as isize;
    for y in -reach..=reach {
        for x in -reach..=reach {
            let found = cost(x, y, best.0);
            if found < best.0 {
                best = (found, (x, y));
            }
        }
    }
    best.1
}

/// How far samples are apart, all in all.
fn apart<T: Sample>(here: &[T], there: &[T]) -> u32 {
    let pairs = here.iter().zip(there);
    let apart = pairs.map(|(here, there)| {
        let (here, there): (i32, i32) = ((*here).into(), (*there).into());
        here.abs_diff(there)
    });
    apart.sum()
}

/// A picture with its edges repeated around it, [`REACH`] samples wide.
struct Wide<T> {
    samples: Vec<T>,
    width: usize,
}

impl<T: Sample> Wide<T> {
    fn of(plane: &Plane<T>) -> Self {
        let width = plane.width() + 2 * REACH;
        let mut samples = Vec::with_capacity(width * (plane.height() + 2 * REACH));
        for row in 0..plane.height() + 2 * REACH {
            let row = plane.row(row.saturating_sub(REACH).min(plane.height() - 1));
            samples.extend(std::iter::repeat_n(row[0], REACH));
            samples.extend_from_slice(row);
            samples.extend(std::iter::repeat_n(row[row.len() - 1], REACH));
        }
        Wide { samples, width }
    }

    /// A row of the picture, from so far before its edge; rows count from its top.
    fn row(&self, row: usize) -> &[T] {
        let at = row.wrapping_add(REACH) * self.width;
        &self.samples[at..][..self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pattern without repeats, moved by so much.
    fn pattern<T: Sample>(
        (width, height): (usize, usize),
        (x, y): (isize, isize),
        code: impl Fn(u32) -> T,
    ) -> Plane<T> {
        let mut plane = Plane::new(width, height);
        for (row, samples) in plane.rows_mut().enumerate() {
            for (column, sample) in samples.iter_mut().enumerate() {
                let (down, across) = (row as isize - y + 100, column as isize - x + 100);
                let mut bits = (down as u32).wrapping_mul(0x9e37_79b9) ^ (across as u32) << 7;
                bits = bits.wrapping_mul(0x85eb_ca6b);
                *sample = code(bits ^ bits >> 13);
            }
        }
        plane
    }

    #[test]
    fn what_moves_goes_on_and_what_rests_stays() {
        let size = (70, 53);
        for (x, y) in [(0, 0), (3, -2), (-8, 8)] {
            let eight =
                |steps: isize| pattern(size, (x * steps, y * steps), |bits| (bits & 0xff) as u8);
            let ten =
                |steps: isize| pattern(size, (x * steps, y * steps), |bits| (bits & 0x3ff) as u16);
            let (found, wanted) = (continued(&eight(1), &eight(0)), eight(2));
            let (finer, wanted_finer) = (continued(&ten(1), &ten(0)), ten(2));
            // Squares at the edges come in part from outside.
            for row in 16..32 {
                assert_eq!(found.row(row)[16..48], wanted.row(row)[16..48], "{x}, {y}");
                assert_eq!(finer.row(row)[16..48], wanted_finer.row(row)[16..48]);
            }
        }
    }

    #[test]
    fn squares_at_edges_are_taken_from_the_picture_and_noise_rests() {
        let mut last = Plane::<u8>::new(17, 5);
        let mut earlier = Plane::<u8>::new(17, 5);
        last.fill(90);
        earlier.fill(90);
        last.row_mut(2)[3] = 91;
        earlier.row_mut(1)[16] = 89;
        assert_eq!(continued(&last, &earlier), last, "no motion for a code");
        last.row_mut(0)[0] = 7;
        let found = continued(&last, &earlier);
        assert!(
            found
                .rows()
                .flatten()
                .all(|code| [7, 90, 91].contains(code))
        );
    }

    #[test]
    fn a_part_with_room_around_it_is_part_of_the_whole() {
        let code = |bits: u32| (bits & 0xff) as u8;
        let (last, earlier) = (
            pattern((96, 80), (2, 5), code),
            pattern((96, 80), (0, 0), code),
        );
        let whole = continued(&last, &earlier);
        let part = |plane: &Plane<u8>| {
            let rows = (16..80).flat_map(|row| plane.row(row)[16..80].to_vec());
            Plane::from_samples(64, 64, &rows.collect::<Vec<_>>())
        };
        let found = continued(&part(&last), &part(&earlier));
        for row in 16..48 {
            assert_eq!(found.row(row)[16..48], whole.row(row + 16)[32..64]);
        }
    }
}
