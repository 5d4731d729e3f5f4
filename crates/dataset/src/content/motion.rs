//! How much moves, and whether all of it moves alike.

use super::observer::Small;

/// Side of the blocks of the reduced picture whose motion is looked for.
const BLOCK: usize = 16;
/// How far, in samples of the reduced picture, to all sides.
const SEARCH: isize = 7;
/// A block whose mean difference is below this many levels, unmoved, has not moved.
const STILL: u32 = 2;

/// What two frames say about motion.
#[derive(Debug)]
pub(super) struct Motion {
    /// How far most of the picture moved, in hundredths of its width.
    global: f32,
    /// How far the rest moved from that, on average.
    local: f32,
    /// Share of blocks that moved.
    moving: f32,
    /// Mean difference that no motion explains, in levels.
    rest: f32,
    /// Share of what moves apart that does so in the middle of the picture.
    centre: f32,
}

impl Motion {
    pub(super) const COUNT: usize = 5;

    /// The numbers, distances as they would be at another pace.
    pub(super) fn paced(&self, pace: f32) -> [f32; Motion::COUNT] {
        [
            self.global * pace,
            self.local * pace,
            self.moving,
            self.rest,
            self.centre,
        ]
    }
}

/// Compares two reduced pictures of one size.
pub(super) fn between(before: &Small, now: &Small) -> Motion {
    let (mut vectors, mut rest) = (Vec::new(), 0);
    let mut moving = 0;
    let (columns, rows) = (now.width / BLOCK, now.height / BLOCK);
    for row in 0..rows {
        for column in 0..columns {
            let place = (column * BLOCK, row * BLOCK);
            let still = difference(before, now, place, (0, 0), u32::MAX);
            let mut best = (still, (0, 0));
            if still >= STILL * (BLOCK * BLOCK) as u32 {
                moving += 1;
                // Nearest first, so that of equals the shortest motion wins.
                for distance in 1..=SEARCH {
                    for shift in ring(distance) {
                        let error = difference(before, now, place, shift, best.0);
                        if error < best.0 {
                            best = (error, shift);
                        }
                    }
                }
            }
            rest += best.0;
            let middle = column * 4 >= columns && column * 4 < 3 * columns;
            vectors.push((best.1, middle));
        }
    }
    let count = vectors.len().max(1) as f32;
    let median = |part: fn(&(isize, isize)) -> isize| {
        let mut parts: Vec<isize> = vectors.iter().map(|(vector, _)| part(vector)).collect();
        parts.sort_unstable();
        parts.get(parts.len() / 2).copied().unwrap_or(0) as f32
    };
    let (x, y) = (median(|vector| vector.0), median(|vector| vector.1));
    let unit = 100.0 / now.width.max(1) as f32;
    let apart = |vector: &(isize, isize)| {
        let (dx, dy) = (vector.0 as f32 - x, vector.1 as f32 - y);
        (dx * dx + dy * dy).sqrt()
    };
    let all: f32 = vectors.iter().map(|(vector, _)| apart(vector)).sum();
    let middle: f32 = vectors
        .iter()
        .filter(|(_, middle)| *middle)
        .map(|(vector, _)| apart(vector))
        .sum();
    Motion {
        global: (x * x + y * y).sqrt() * unit,
        local: all / count * unit,
        moving: moving as f32 / count,
        rest: rest as f32 / (count * (BLOCK * BLOCK) as f32),
        centre: if all > 0.0 { middle / all } else { 0.5 },
    }
}

/// The shifts whose larger part is `distance`.
fn ring(distance: isize) -> impl Iterator<Item = (isize, isize)> {
    (-distance..=distance).flat_map(move |y| {
        let step = if y.abs() == distance { 1 } else { 2 * distance };
        (-distance..=distance)
            .step_by(step as usize)
            .map(move |x| (x, y))
    })
}

/// The sum of differences between a block now and what was `shift` away from it before; gives up
/// beyond `limit`. A shift that leaves the picture is worth nothing.
fn difference(
    before: &Small,
    now: &Small,
    (x, y): (usize, usize),
    shift: (isize, isize),
    limit: u32,
) -> u32 {
    let (Some(from_x), Some(from_y)) =
        (x.checked_add_signed(shift.0), y.checked_add_signed(shift.1))
    else {
        return u32::MAX;
    };
    if from_x + BLOCK > before.width || from_y + BLOCK > before.height {
        return u32::MAX;
    }
    let mut sum = 0;
    for row in 0..BLOCK {
        let one = &now.row(y + row)[x..x + BLOCK];
        let two = &before.row(from_y + row)[from_x..from_x + BLOCK];
        sum += one
            .iter()
            .zip(two)
            .map(|(a, b)| u32::from(a.abs_diff(*b)))
            .sum::<u32>();
        if sum >= limit {
            break;
        }
    }
    sum
}
