//! Where squares of a picture are in another one, from coarse to fine.

use nervure_frame::{BitDepth, Plane, Sample};

/// The side of the squares that move as one.
pub(super) const SQUARE: usize = 8;
/// So much around a square is compared with it: alone, squares of 8 find likeness where there is none.
const AROUND: usize = 4;
/// Pictures are looked at as they are, halved, halved again, and once more.
const LEVELS: usize = 4;
/// How far is looked among the coarsest, along rows and along columns, and from what was found there.
const COARSE: isize = 6;
const FINE: isize = 1;
/// Samples that are repeated around pictures: as far as a square with what is around it can be found.
const ROOM: usize = 64;
const _: () = assert!(ROOM >= AROUND + FARTHEST);
const FARTHEST: usize =
    (((COARSE as usize * 2) + FINE as usize) * 2 + FINE as usize) * 2 + FINE as usize;

/// What a sample of motion costs: this many fiftieths of a code for each sample compared. Without it,
/// squares of noise and of flat sky wander.
const PER_SAMPLE: u32 = 1;
const WHOLE: u32 = 50;

/// Columns and rows.
pub(super) type Motion = (isize, isize);

/// Something for each square of a picture.
#[derive(Clone, Debug)]
pub(super) struct Squares<V> {
    across: usize,
    down: usize,
    values: Vec<V>,
}

impl<V: Copy> Squares<V> {
    /// Of a picture, with the same value everywhere.
    pub(super) fn of(width: usize, height: usize, value: V) -> Self {
        let (across, down) = (width.div_ceil(SQUARE), height.div_ceil(SQUARE));
        Squares {
            across,
            down,
            values: vec![value; across * down],
        }
    }

    pub(super) fn across(&self) -> usize {
        self.across
    }

    pub(super) fn down(&self) -> usize {
        self.down
    }

    pub(super) fn at(&self, column: usize, row: usize) -> V {
        self.values[row * self.across + column]
    }

    pub(super) fn set(&mut self, column: usize, row: usize, value: V) {
        self.values[row * self.across + column] = value;
    }

    /// Columns and rows of all squares, row by row.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<V> {
        let across = self.across;
        (0..self.down).flat_map(move |row| (0..across).map(move |column| (column, row)))
    }
}

/// A picture, and the same smaller and smaller.
#[derive(Debug)]
pub(super) struct Pyramid<T> {
    levels: Vec<Wide<T>>,
}

impl<T: Sample> Pyramid<T> {
    pub(super) fn of(plane: &Plane<T>) -> Self {
        let mut levels = vec![Wide::of(plane)];
        while levels.len() < LEVELS {
            let half = levels[levels.len() - 1].halved();
            levels.push(half);
        }
        Pyramid { levels }
    }

    /// Where the wanted squares are in another picture of the same size; what is said of others is
    /// nothing.
    pub(super) fn search(&self, other: &Self, wanted: &Squares<bool>) -> Squares<Motion> {
        let mut asked = vec![wanted.clone()];
        for level in &self.levels[1..] {
            let finer = &asked[asked.len() - 1];
            let mut coarser = Squares::of(level.width, level.height, false);
            for (column, row) in finer.places().filter(|(x, y)| finer.at(*x, *y)) {
                for (column, row) in family(&coarser, column, row) {
                    coarser.set(column, row, true);
                }
            }
            asked.push(coarser);
        }
        let mut found: Option<Squares<Motion>> = None;
        for (level, wanted) in asked.iter().enumerate().rev() {
            let (here, there) = (&self.levels[level], &other.levels[level]);
            let mut finer = Squares::of(here.width, here.height, (0, 0));
            for (column, row) in wanted.places().filter(|(x, y)| wanted.at(*x, *y)) {
                let square = Square::of(here, column, row);
                let motion = match &found {
                    None => square.nearest(here, there, [], COARSE),
                    Some(coarser) => {
                        let doubled = family(coarser, column, row).map(|(column, row)| {
                            let (x, y) = coarser.at(column, row);
                            (2 * x, 2 * y)
                        });
                        square.nearest(here, there, doubled, FINE)
                    }
                };
                finer.set(column, row, motion);
            }
            found = Some(finer);
        }
        found.expect("there are levels")
    }

    /// How far squares are from where they were found, in 8-bit codes: the mean over all samples.
    pub(super) fn apart(
        &self,
        other: &Self,
        wanted: &Squares<bool>,
        found: &Squares<Motion>,
    ) -> u32 {
        let (here, there) = (&self.levels[0], &other.levels[0]);
        let (mut sum, mut samples) = (0_u64, 0_u64);
        for (column, row) in wanted.places().filter(|(x, y)| wanted.at(*x, *y)) {
            let square = Square::of(here, column, row);
            sum += u64::from(square.apart(here, there, found.at(column, row)));
            samples += (square.columns * square.rows) as u64;
        }
        let fine = u64::from(fine::<T>());
        (sum / (fine * samples.max(1))) as u32
    }
}

/// The square of the next coarser level that a square lies in, and those beside it.
fn family<V: Copy>(coarser: &Squares<V>, column: usize, row: usize) -> [(usize, usize); 5] {
    let (right, bottom) = (coarser.across() - 1, coarser.down() - 1);
    let (x, y) = ((column / 2).min(right), (row / 2).min(bottom));
    [
        (x, y),
        (x, y.saturating_sub(1)),
        (x, (y + 1).min(bottom)),
        (x.saturating_sub(1), y),
        ((x + 1).min(right), y),
    ]
}

/// A square and what is around it.
struct Square {
    left: usize,
    top: usize,
    columns: usize,
    rows: usize,
}

impl Square {
    fn of<T>(picture: &Wide<T>, column: usize, row: usize) -> Self {
        let (left, top) = (column * SQUARE, row * SQUARE);
        Square {
            left,
            top,
            columns: SQUARE.min(picture.width - left) + 2 * AROUND,
            rows: SQUARE.min(picture.height - top) + 2 * AROUND,
        }
    }

    /// The motion that costs least: none, a candidate, or one near the best of these.
    fn nearest<T: Sample>(
        &self,
        here: &Wide<T>,
        there: &Wide<T>,
        candidates: impl IntoIterator<Item = Motion>,
        reach: isize,
    ) -> Motion {
        let mut best = (self.cost(here, there, (0, 0), u32::MAX), (0, 0));
        for candidate in candidates {
            let cost = self.cost(here, there, candidate, best.0);
            if cost < best.0 {
                best = (cost, candidate);
            }
        }
        let (x, y) = best.1;
        for y in y - reach..=y + reach {
            for x in x - reach..=x + reach {
                let cost = self.cost(here, there, (x, y), best.0);
                if cost < best.0 {
                    best = (cost, (x, y));
                }
            }
        }
        best.1
    }

    /// How far its samples are from where a motion takes them, all in all.
    fn apart<T: Sample>(&self, here: &Wide<T>, there: &Wide<T>, (x, y): Motion) -> u32 {
        let rows = (0..self.rows).map(|row| {
            let at = (self.top + row) as isize - AROUND as isize;
            let from = self.left as isize - AROUND as isize;
            let here = &here.row(at, from)[..self.columns];
            apart(here, &there.row(at + y, from + x)[..self.columns])
        });
        rows.sum()
    }

    /// What a motion costs, or something more than `most`.
    fn cost<T: Sample>(&self, here: &Wide<T>, there: &Wide<T>, (x, y): Motion, most: u32) -> u32 {
        let samples = (x.unsigned_abs() + y.unsigned_abs()) as u32;
        let mut cost = PER_SAMPLE * fine::<T>() * (self.columns * self.rows) as u32 * samples;
        for row in 0..self.rows {
            let at = (self.top + row) as isize - AROUND as isize;
            let from = self.left as isize - AROUND as isize;
            let here = &here.row(at, from)[..self.columns];
            let there = &there.row(at + y, from + x)[..self.columns];
            cost += WHOLE * apart(here, there);
            if cost >= most {
                break;
            }
        }
        cost
    }
}

/// Codes in one of 8 bits.
fn fine<T: Sample>() -> u32 {
    match T::DEPTH {
        BitDepth::Eight => 1,
        BitDepth::Ten => 4,
    }
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

/// A picture with its edges repeated around it, [`ROOM`] samples wide.
#[derive(Debug)]
pub(super) struct Wide<T> {
    samples: Vec<T>,
    width: usize,
    height: usize,
}

impl<T: Sample> Wide<T> {
    fn of(plane: &Plane<T>) -> Self {
        Wide::new(plane.width(), plane.height(), |row, to| {
            to.extend_from_slice(plane.row(row));
        })
    }

    fn new(width: usize, height: usize, mut fill: impl FnMut(usize, &mut Vec<T>)) -> Self {
        let stride = width + 2 * ROOM;
        let mut samples = Vec::with_capacity(stride * (height + 2 * ROOM));
        let mut line = Vec::with_capacity(width);
        for row in 0..height {
            line.clear();
            fill(row, &mut line);
            let copies = match row {
                0 => 1 + ROOM,
                _ => 1,
            };
            let copies = if row + 1 == height {
                copies + ROOM
            } else {
                copies
            };
            for _ in 0..copies {
                samples.extend(std::iter::repeat_n(line[0], ROOM));
                samples.extend_from_slice(&line);
                samples.extend(std::iter::repeat_n(line[width - 1], ROOM));
            }
        }
        Wide {
            samples,
            width,
            height,
        }
    }

    /// Half as large, of means of four.
    fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        Wide::new(width, height, |row, to| {
            let upper = self.row(2 * row as isize, 0);
            let lower = self.row(2 * row as isize + 1, 0);
            to.extend((0..width).map(|column| {
                let four = [upper, lower].map(|line| {
                    let (left, right): (i32, i32) =
                        (line[2 * column].into(), line[2 * column + 1].into());
                    left + right
                });
                T::of_code((four[0] + four[1] + 2) >> 2)
            }));
        })
    }

    /// A row of the picture from some column on, both at most [`ROOM`] outside of it.
    fn row(&self, row: isize, column: isize) -> &[T] {
        let stride = self.width + 2 * ROOM;
        let row = ROOM.wrapping_add_signed(row);
        &self.samples[row * stride..][..stride][ROOM.wrapping_add_signed(column)..]
    }
}
