//! What was lost of a picture, guessed from how things move.

mod search;

use nervure_frame::{LossMask, MACROBLOCK, Plane, Sample};

use search::{Motion, Pyramid, SQUARE, Squares};

/// Squares of this many columns to either side have a say in how a lost one moves differently.
const BESIDE: usize = 4;
/// And of so many rows, above and below what is lost.
const ROWS: usize = 2;
/// Where each lost square may be.
const GUESSES: usize = 6;
/// What a mended picture is the mean of: what was there, and the guesses.
const OPINIONS: i32 = 1 + GUESSES as i32;
/// So many 8-bit codes may what is around the lost be from where it is found in the picture before, in the
/// mean over its squares. Beyond, a scene begins.
const STRANGE: u32 = 24;

/// Guesses at a picture of which something was lost, from those that were shown before it, in their
/// order: as many as there are pictures before it, the best of them last.
///
/// The last is the mean of what the decoder put where the picture is lost, and of where things would be
///
/// 1. if they went on as they went, made quicker or slower as what is above and below was;
/// 2. if they moved as what is above and below does;
/// 3. if they went on just as they went;
///
/// each taken from the picture before, and, as 4, 5 and 6, from the one before that (where 4 is what moves
/// as the surroundings do). The others are these in this order, the first as the last but one, again and
/// again if more are asked for. Where nothing is lost, each has the picture as it is; and so has a picture
/// whose surroundings are nowhere in the one before, since a scene begins with it.
///
/// # Panics
/// Without pictures before, and when sizes differ.
pub fn mended<T: Sample>(
    before: &[&Plane<T>],
    picture: &Plane<T>,
    lost: &LossMask,
) -> Vec<Plane<T>> {
    let mut guesses = vec![picture.clone(); before.len()];
    if let Some(moves) = Moves::find(before, picture, lost) {
        let (best, others) = guesses.split_last_mut().expect("one for each before");
        moves.apply(before, best, (1, 1), |number, (row, left), line| {
            for place in (number..others.len()).step_by(GUESSES) {
                let guess = &mut others[before.len() - 2 - place];
                guess.row_mut(row)[left..][..line.len()].copy_from_slice(line);
            }
        });
    }
    guesses
}

/// Where what was lost of a picture is likely to be in those before it.
#[derive(Debug)]
pub struct Moves {
    /// Of luma.
    size: (usize, usize),
    /// Squares of which something is lost, and guesses at where they are.
    lost: Vec<((usize, usize), [Guess; GUESSES])>,
}

/// In which picture, from the last on, and how far away.
type Guess = (usize, Motion);

impl Moves {
    /// Looks at luma. None where nothing is lost, and where a scene begins, so that nothing before it says
    /// anything.
    ///
    /// # Panics
    /// Without pictures before, and when sizes differ.
    pub fn find<T: Sample>(
        before: &[&Plane<T>],
        picture: &Plane<T>,
        lost: &LossMask,
    ) -> Option<Moves> {
        let (width, height) = (picture.width(), picture.height());
        for other in before {
            assert_eq!((other.width(), other.height()), (width, height));
        }
        let back = |count: usize| before[before.len().saturating_sub(count)];
        let mut gone = Squares::of(width, height, false);
        let in_macroblock = MACROBLOCK / SQUARE;
        for (x, y) in gone.places() {
            gone.set(x, y, lost.is_lost(x / in_macroblock, y / in_macroblock));
        }
        if gone.places().all(|(x, y)| !gone.at(x, y)) {
            return None;
        }

        let (near, followed) = near(&gone);
        let [now, last, earlier, first] = [picture, back(1), back(2), back(3)].map(Pyramid::of);
        let going_near = now.search(&last, &near);
        if now.apart(&last, &near, &going_near) > STRANGE {
            return None;
        }
        let gone_near = now.search(&earlier, &near);
        let going = last.search(&earlier, &followed);
        let went = earlier.search(&first, &gone);

        let mut scratch = Vec::new();
        let squares = gone.places().filter(|(x, y)| gone.at(*x, *y));
        let found = squares.map(|(x, y)| {
            let [beside, beside_twice] = [&going_near, &gone_near]
                .map(|near| among(&gone, (x, y), &mut scratch, |x, y| near.at(x, y)));
            let quicker = among(&gone, (x, y), &mut scratch, |x, y| {
                let (now, before) = (going_near.at(x, y), going.at(x, y));
                (now.0 - before.0, now.1 - before.1)
            });
            let plain = going.at(x, y);
            let steered = plus(plain, quicker);
            let guesses = [
                (1, steered),
                (1, beside),
                (1, plain),
                (2, beside_twice),
                (2, plus(steered, plain)),
                (2, plus(went.at(x, y), went.at(x, y))),
            ];
            ((x, y), guesses)
        });
        Some(Moves {
            size: (width, height),
            lost: found.collect(),
        })
    }

    /// Puts the best guess into a plane of the picture where it is lost, given the same plane of those
    /// before it: luma, or chroma with `shrunk` times fewer columns and rows.
    ///
    /// # Panics
    /// When sizes do not fit.
    pub fn mend<T: Sample>(
        &self,
        before: &[&Plane<T>],
        plane: &mut Plane<T>,
        shrunk: (usize, usize),
    ) {
        self.apply(before, plane, shrunk, |_, _, _| {});
    }

    /// The same; `each` is told every guess: its number, row and first column, and a part of a row of it.
    fn apply<T: Sample>(
        &self,
        before: &[&Plane<T>],
        plane: &mut Plane<T>,
        shrunk: (usize, usize),
        mut each: impl FnMut(usize, (usize, usize), &[T]),
    ) {
        let (width, height) = (plane.width(), plane.height());
        assert_eq!(
            (width, height),
            (
                self.size.0.div_ceil(shrunk.0),
                self.size.1.div_ceil(shrunk.1)
            )
        );
        let (across, down) = (SQUARE / shrunk.0, SQUARE / shrunk.1);
        let back = |count: usize| before[before.len().saturating_sub(count)];
        let mut line = [T::default(); SQUARE];
        for ((x, y), guesses) in &self.lost {
            let (left, top) = (x * across, y * down);
            for row in top..(top + down).min(height) {
                let line = &mut line[..across.min(width - left)];
                let mut sums = [OPINIONS / 2; SQUARE];
                add(&mut sums, &plane.row(row)[left..][..line.len()]);
                for (number, (count, motion)) in guesses.iter().enumerate() {
                    let motion = (nearest(motion.0, shrunk.0), nearest(motion.1, shrunk.1));
                    moved(back(*count), (left, row), motion, line);
                    add(&mut sums, line);
                    each(number, (row, left), line);
                }
                let best = &mut plane.row_mut(row)[left..][..line.len()];
                for (to, sum) in best.iter_mut().zip(sums) {
                    *to = T::of_code(sum / OPINIONS);
                }
            }
        }
    }
}

/// The nearest whole share of a distance.
fn nearest(distance: isize, share: usize) -> isize {
    let share = share as isize;
    (2 * distance + share).div_euclid(2 * share)
}

/// The squares nearest above and below what is lost, and these with all that is lost.
fn near(gone: &Squares<bool>) -> (Squares<bool>, Squares<bool>) {
    let mut both = gone.clone();
    for (x, y) in gone.places().filter(|(x, y)| gone.at(*x, *y)) {
        for (place, _) in edges(gone, (x, y)).into_iter().flatten() {
            for (x, y) in beside(gone, x, place) {
                both.set(x, y, true);
            }
        }
    }
    let mut near = both.clone();
    for (x, y) in gone.places().filter(|(x, y)| gone.at(*x, *y)) {
        near.set(x, y, false);
    }
    (near, both)
}

/// The rows of squares nearest above and below a lost one in which its column is there, as the first and
/// the step away from it, and how far that is.
fn edges(gone: &Squares<bool>, (x, y): (usize, usize)) -> [Option<((usize, isize), isize)>; 2] {
    [-1, 1].map(|step| {
        let mut row = y;
        while gone.at(x, row) {
            row = row
                .checked_add_signed(step)
                .filter(|row| *row < gone.down())?;
        }
        Some(((row, step), row.abs_diff(y) as isize))
    })
}

/// The squares that are there of some rows, in the columns near one.
fn beside(
    gone: &Squares<bool>,
    x: usize,
    (row, step): (usize, isize),
) -> impl Iterator<Item = (usize, usize)> {
    let columns = x.saturating_sub(BESIDE)..(x + BESIDE + 1).min(gone.across());
    let rows = (0..ROWS as isize).filter_map(move |count| row.checked_add_signed(step * count));
    let places = rows.flat_map(move |row| columns.clone().map(move |column| (column, row)));
    places.filter(|(x, y)| *y < gone.down() && !gone.at(*x, *y))
}

/// What is said by the squares near a lost one: the median of those above and of those below, the nearer
/// of these weighing more.
fn among(
    gone: &Squares<bool>,
    (x, y): (usize, usize),
    scratch: &mut Vec<isize>,
    said: impl Fn(usize, usize) -> Motion,
) -> Motion {
    let (mut sum, mut weights) = ((0, 0), 0);
    let edges = edges(gone, (x, y));
    for (index, edge) in edges.iter().enumerate() {
        let Some((place, _)) = edge else { continue };
        // As far as the other is, or whole without another.
        let weight = edges[1 - index].map_or(1, |(_, distance)| distance);
        let mut middle = |part: fn(Motion) -> isize| {
            scratch.clear();
            scratch.extend(beside(gone, x, *place).map(|(x, y)| part(said(x, y))));
            scratch.sort_unstable();
            scratch[(scratch.len() - 1) / 2] + scratch[scratch.len() / 2]
        };
        sum.0 += weight * middle(|motion| motion.0);
        sum.1 += weight * middle(|motion| motion.1);
        weights += 2 * weight;
    }
    let mean = |sum: isize| match weights {
        0 => 0,
        weights => (2 * sum + weights).div_euclid(2 * weights),
    };
    (mean(sum.0), mean(sum.1))
}

fn plus(one: Motion, other: Motion) -> Motion {
    (one.0 + other.0, one.1 + other.1)
}

/// A part of a row as it comes from another picture, whose edges are repeated.
fn moved<T: Sample>(from: &Plane<T>, (left, row): (usize, usize), (x, y): Motion, to: &mut [T]) {
    let inside = |place: isize, count: usize| place.clamp(0, count as isize - 1) as usize;
    let line = from.row(inside(row as isize + y, from.height()));
    let start = left as isize + x;
    match usize::try_from(start)
        .ok()
        .and_then(|start| line.get(start..start + to.len()))
    {
        Some(there) => to.copy_from_slice(there),
        None => {
            for (place, to) in (start..).zip(to) {
                *to = line[inside(place, line.len())];
            }
        }
    }
}

fn add<T: Sample>(sums: &mut [i32; SQUARE], line: &[T]) {
    for (sum, sample) in sums.iter_mut().zip(line) {
        let code: i32 = (*sample).into();
        *sum += code;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pattern without repeats, as smooth as pictures are, moved by so much.
    fn pattern<T: Sample>((width, height): (usize, usize), (x, y): Motion) -> Plane<T> {
        const GRID: isize = 6;
        let most = i32::from(T::DEPTH.max());
        let mut plane = Plane::new(width, height);
        for (row, samples) in plane.rows_mut().enumerate() {
            for (column, sample) in samples.iter_mut().enumerate() {
                let (across, down) = (column as isize - x + 600, row as isize - y + 600);
                let corner = |right: isize, below: isize| {
                    let place = ((across / GRID + right) * 1000 + down / GRID + below) as u32;
                    let bits = place.wrapping_mul(0x9e37_79b9);
                    let bits = (bits ^ bits >> 15).wrapping_mul(0x85eb_ca6b);
                    (bits >> 8) as i32 % most
                };
                let (right, below) = ((across % GRID) as i32, (down % GRID) as i32);
                let grid = GRID as i32;
                let upper = corner(0, 0) * (grid - right) + corner(1, 0) * right;
                let lower = corner(0, 1) * (grid - right) + corner(1, 1) * right;
                *sample = T::of_code((upper * (grid - below) + lower * below) / (grid * grid));
            }
        }
        plane
    }

    /// A band over the whole width.
    fn band(width: usize, height: usize, rows: std::ops::Range<usize>) -> LossMask {
        let mut mask = LossMask::whole(width, height);
        for row in rows {
            for column in 0..mask.columns() {
                mask.set(column, row, true);
            }
        }
        mask
    }

    fn check_motion<T: Sample>() {
        let (width, height) = (136, 120);
        // Twice as far, which is what the picture before the last is looked for, is still in reach.
        for (x, y) in [(0, 0), (3, -2), (-8, 8), (13, 5)] {
            let shown =
                [0, 1, 2, 3].map(|step| pattern::<T>((width, height), (x * step, y * step)));
            let mut damaged = shown[3].clone();
            for row in 48..64 {
                damaged.row_mut(row).fill(T::of_code(77));
            }
            let mask = band(width, height, 3..4);
            let guesses = mended(&[&shown[0], &shown[1], &shown[2]], &damaged, &mask);
            assert_eq!(guesses.len(), 3);
            for (guess, name) in guesses.iter().zip(["beside", "steered", "best"]) {
                for row in 0..height {
                    let (found, wanted) = (guess.row(row), shown[3].row(row));
                    if !(48..64).contains(&row) {
                        assert_eq!(found, damaged.row(row), "what is there stays: {name}");
                        continue;
                    }
                    // Squares at the sides come in part from outside.
                    for column in 40..96 {
                        let (found, wanted): (i32, i32) =
                            (found[column].into(), wanted[column].into());
                        let mean = (6 * wanted + 77 + OPINIONS / 2) / OPINIONS;
                        let wanted = if name == "best" { mean } else { wanted };
                        assert_eq!(found, wanted, "{name}: {column}, {row} moved {x}, {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_moves_goes_on_and_what_rests_stays() {
        check_motion::<u8>();
        check_motion::<u16>();
    }

    #[test]
    fn what_becomes_quicker_is_followed() {
        let (width, height) = (136, 120);
        let at = |x: isize| pattern::<u8>((width, height), (x, 0));
        // It went by 2 and by 2, and goes by 9.
        let (shown, mut damaged) = ([at(0), at(2), at(4)], at(13));
        let wanted = damaged.clone();
        for row in 48..64 {
            damaged.row_mut(row).fill(0);
        }
        let mask = band(width, height, 3..4);
        let guesses = mended(&[&shown[0], &shown[1], &shown[2]], &damaged, &mask);
        for guess in &guesses[..2] {
            for row in 48..64 {
                assert_eq!(guess.row(row)[40..96], wanted.row(row)[40..96]);
            }
        }
    }

    #[test]
    fn all_can_be_lost_and_one_picture_be_all_there_was() {
        for (width, height) in [(1, 1), (17, 5), (40, 33)] {
            let before = pattern::<u8>((width, height), (0, 0));
            let now = pattern::<u8>((width, height), (1, 0));
            let mask = LossMask::lost(width, height);
            for count in 1..=8 {
                let guesses = mended(&vec![&before; count], &now, &mask);
                assert_eq!(guesses.len(), count);
                assert!(guesses[..count - 1].iter().all(|guess| *guess == before));
                for (row, line) in guesses[count - 1].rows().enumerate() {
                    for (column, code) in line.iter().enumerate() {
                        let (was, is) = (before.row(row)[column], now.row(row)[column]);
                        assert_eq!(
                            u32::from(*code),
                            (6 * u32::from(was) + u32::from(is) + 3) / 7
                        );
                    }
                }
            }
            let whole = LossMask::whole(width, height);
            assert_eq!(mended(&[&before], &now, &whole), [now]);
        }
    }

    #[test]
    fn noise_and_flat_sky_rest() {
        let (mut last, mut earlier) = (Plane::<u8>::new(33, 35), Plane::<u8>::new(33, 35));
        last.fill(90);
        earlier.fill(90);
        last.row_mut(20)[3] = 91;
        earlier.row_mut(21)[16] = 89;
        let guesses = mended(&[&earlier, &last], &last, &band(33, 35, 1..2));
        assert_eq!(guesses[0], last, "no motion for a code");
    }
}
