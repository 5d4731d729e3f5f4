//! Pictures as networks are given them: numbers from 0 to 1, at whatever place they are asked for.

use nervure_frame::{LossMask, MACROBLOCK, Plane, Sample};

use super::families::{CHANGE, COPIED, LOST, PICTURE, REFERENCES};

/// Where numbers come from.
pub(super) trait Source: Sync {
    /// Numbers of a picture's row, from a column on. Beyond its edges, the picture repeats them.
    fn row(&self, picture: usize, row: isize, column: isize, out: &mut [f32]);
}

/// A sample as a number and back.
pub(crate) trait Level: Sample {
    /// The code that is 1.
    const ONE: f32;

    fn number(self) -> f32;

    /// The nearest that there is.
    fn nearest(number: f32) -> Self;
}

impl Level for u8 {
    const ONE: f32 = 255.0;

    fn number(self) -> f32 {
        f32::from(self) / Self::ONE
    }

    fn nearest(number: f32) -> Self {
        (number * Self::ONE + 0.5).clamp(0.0, Self::ONE) as u8
    }
}

impl Level for u16 {
    const ONE: f32 = 1023.0;

    fn number(self) -> f32 {
        f32::from(self) / Self::ONE
    }

    fn nearest(number: f32) -> Self {
        (number * Self::ONE + 0.5).clamp(0.0, Self::ONE) as u16
    }
}

/// Where a row is, when the picture repeats its edges.
fn inside(place: isize, count: usize) -> usize {
    place.clamp(0, count as isize - 1) as usize
}

fn numbers<T: Level>(plane: &Plane<T>, row: isize, column: isize, out: &mut [f32]) {
    let line = plane.row(inside(row, plane.height()));
    let width = line.len() as isize;
    // What lies before the picture, in it, and behind it.
    let before = (-column).clamp(0, out.len() as isize) as usize;
    let (left, rest) = out.split_at_mut(before);
    left.fill(line[0].number());
    let first = inside(column + before as isize, line.len());
    let there = (width - (column + before as isize)).clamp(0, rest.len() as isize) as usize;
    let (middle, right) = rest.split_at_mut(there);
    for (to, from) in middle.iter_mut().zip(&line[first..]) {
        *to = from.number();
    }
    right.fill(line[line.len() - 1].number());
}

/// Pictures in the order they are shown.
pub(super) struct Shown<'a, T: Level>(pub(super) &'a [&'a Plane<T>]);

impl<T: Level> Source for Shown<'_, T> {
    fn row(&self, picture: usize, row: isize, column: isize, out: &mut [f32]) {
        numbers(self.0[picture], row, column, out);
    }
}

/// A damaged picture, after guesses at it.
pub(super) struct Damaged<'a, T: Level> {
    pub(super) shown: &'a [&'a Plane<T>],
    pub(super) lost: &'a LossMask,
}

impl<T: Level> Source for Damaged<'_, T> {
    fn row(&self, picture: usize, row: isize, column: isize, out: &mut [f32]) {
        let references = self.shown.len() - 1;
        let damaged = self.shown[references];
        if let Some(reference) = picture.checked_sub(REFERENCES) {
            return numbers(self.shown[reference], row, column, out);
        }
        if picture != LOST {
            numbers(damaged, row, column, out);
        }
        if picture == PICTURE {
            return;
        }
        let best = self.shown[references - 1].row(inside(row, damaged.height()));
        let block = inside(row, damaged.height()) / MACROBLOCK;
        for (x, to) in (column..).zip(out) {
            let x = inside(x, damaged.width());
            let lost = self.lost.is_lost(x / MACROBLOCK, block);
            match picture {
                COPIED if lost => *to = best[x].number(),
                CHANGE if lost => *to = best[x].number() - *to,
                COPIED => {}
                CHANGE => *to = 0.0,
                _ => *to = f32::from(u8::from(lost)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_repeated() {
        let plane = Plane::<u8>::from_samples(3, 1, &[0, 51, 255]);
        let codes = |row, column, count| {
            let mut out = vec![9.0; count];
            numbers(&plane, row, column, &mut out);
            out.iter()
                .map(|number| (number * 5.0).round() as i32)
                .collect::<Vec<_>>()
        };
        assert_eq!(codes(-3, -2, 7), [0, 0, 0, 1, 5, 5, 5]);
        assert_eq!(codes(0, 1, 1), [1]);
        assert_eq!(codes(4, 2, 3), [5, 5, 5]);
        assert_eq!(codes(0, -9, 2), [0, 0]);
        assert_eq!(codes(0, 7, 2), [5, 5]);
    }

    #[test]
    fn levels_go_there_and_back() {
        for code in 0..=255 {
            assert_eq!(u8::nearest(code.number()), code);
        }
        for code in 0..1024_u16 {
            assert_eq!(u16::nearest(code.number()), code);
        }
        assert_eq!((u8::nearest(-0.1), u16::nearest(1.2)), (0, 1023));
        assert_eq!(u8::nearest(f32::NAN), 0);
    }

    #[test]
    fn what_is_lost_is_the_best_guess() {
        let (old, new) = (Plane::from_samples(20, 17, &[51; 340]), {
            Plane::from_samples(20, 17, &[255_u8; 340])
        });
        let mut lost = LossMask::whole(20, 17);
        lost.set(1, 1, true);
        let damaged = Damaged {
            shown: &[&old, &new],
            lost: &lost,
        };
        let row = |picture, row| {
            let mut out = [9.0; 4];
            damaged.row(picture, row, 14, &mut out);
            out.map(|number| (number * 5.0) as i32)
        };
        assert_eq!(row(PICTURE, 16), [5; 4]);
        assert_eq!(row(COPIED, 16), [5, 5, 1, 1]);
        assert_eq!(row(COPIED, 15), [5; 4]);
        assert_eq!(row(LOST, 30), [0, 0, 5, 5]);
        assert_eq!(row(CHANGE, 16), [0, 0, -4, -4]);
        assert_eq!(row(REFERENCES, 16), [1; 4]);
    }
}
