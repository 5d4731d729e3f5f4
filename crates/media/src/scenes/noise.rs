//! Chance that is the same on every machine: a generator for making scenes, hashes for placing
//! things, and noise for surfaces.

use crate::draw::math::{mix, split};

/// A generator of random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A generator of its own for each seed and purpose.
    pub(crate) fn new(seed: u64, purpose: &str) -> Dice {
        let purpose = u64::from(crc32fast::hash(purpose.as_bytes()));
        let mut dice = Dice(seed ^ (purpose << 32 | purpose));
        dice.roll();
        dice
    }

    /// The next 64 bits.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.roll() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// A number in `low..high`.
    pub(crate) fn within(&mut self, low: f32, high: f32) -> f32 {
        mix(low, high, self.unit())
    }

    /// A whole number in `0..count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f32) as usize).min(count.saturating_sub(1))
    }

    /// One of `choices`.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Mixes three whole numbers into 32 bits that look random.
#[inline(always)]
pub(crate) fn hash(x: i32, y: i32, z: u32) -> u32 {
    let mut h = (x as u32).wrapping_mul(0x9e37_79b1)
        ^ (y as u32).wrapping_mul(0x85eb_ca77)
        ^ z.wrapping_mul(0xc2b2_ae3d);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    h ^ (h >> 15)
}

/// A hash as a number in 0..1.
#[inline(always)]
pub(super) fn unit(hash: u32) -> f32 {
    (hash >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
}

/// Smooth noise in 0..1 with one bump to a unit.
#[inline(always)]
pub(super) fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let ((i, fx), (j, fy)) = (split(x), split(y));
    let (sx, sy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
    let corner = |dx: i32, dy: i32| unit(hash(i.wrapping_add(dx), j.wrapping_add(dy), seed));
    mix(
        mix(corner(0, 0), corner(1, 0), sx),
        mix(corner(0, 1), corner(1, 1), sx),
        sy,
    )
}

/// Noise with `octaves` layers, each twice as fine and half as strong: around 0.5, in 0..1.
pub(super) fn fractal(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut scale, mut total) = (0.0, 1.0, 1.0, 0.0);
    for octave in 0..octaves {
        // The offset keeps the layers' grid points from coinciding at the origin.
        let shift = 17.3 * octave as f32;
        sum += weight * noise(x * scale + shift, y * scale - shift, seed + octave);
        total += weight;
        weight *= 0.5;
        scale *= 2.0;
    }
    sum / total
}

/// Smooth noise along one line, in 0..1.
pub(super) fn noise1(x: f32, seed: u32) -> f32 {
    let (i, f) = split(x);
    let s = f * f * (3.0 - 2.0 * f);
    mix(
        unit(hash(i, 0, seed)),
        unit(hash(i.wrapping_add(1), 0, seed)),
        s,
    )
}

/// A square of values that repeats without a seam, with smaller and smaller copies for seeing it
/// from afar.
#[derive(Clone, Debug)]
pub(super) struct Tile {
    levels: Vec<(usize, Vec<f32>)>,
}

impl Tile {
    /// A tile `1 << log` wide whose values `value` gives for each place.
    pub(super) fn new(log: u32, mut value: impl FnMut(usize, usize) -> f32) -> Tile {
        let side = 1usize << log;
        let mut level: Vec<f32> = Vec::with_capacity(side * side);
        for y in 0..side {
            level.extend((0..side).map(|x| value(x, y)));
        }
        let mut levels = vec![(side, level)];
        while let Some((side, last)) = levels.last().filter(|(side, _)| *side > 1) {
            let half = side / 2;
            let mut next = Vec::with_capacity(half * half);
            for y in 0..half {
                let (upper, lower) = (2 * y * side, (2 * y + 1) * side);
                next.extend((0..half).map(|x| {
                    0.25 * (last[upper + 2 * x]
                        + last[upper + 2 * x + 1]
                        + last[lower + 2 * x]
                        + last[lower + 2 * x + 1])
                }));
            }
            levels.push((half, next));
        }
        Tile { levels }
    }

    /// Noise of `octaves` layers, the coarsest with `cells` bumps across, that repeats.
    pub(super) fn fractal(log: u32, cells: i32, octaves: u32, seed: u32) -> Tile {
        let side = (1u32 << log) as f32;
        Tile::new(log, |x, y| {
            let (mut sum, mut weight, mut count, mut total) = (0.0, 1.0, cells, 0.0);
            for octave in 0..octaves {
                let at = |v: usize| v as f32 / side * count as f32;
                sum += weight * ring_noise(at(x), at(y), count, seed + octave);
                total += weight;
                weight *= 0.6;
                count *= 2;
            }
            sum / total
        })
    }

    /// The copy whose texels are nearest to the size of a pixel that covers `texels` of the first.
    pub(super) fn copy_for(&self, texels: f32) -> usize {
        let last = self.levels.len() - 1;
        (0..last)
            .find(|level| texels < 1.45 * (1u32 << level) as f32)
            .unwrap_or(last)
    }

    /// One row of the values themselves.
    pub(super) fn line(&self, y: usize) -> &[f32] {
        let (side, values) = &self.levels[0];
        &values[y * side..(y + 1) * side]
    }

    /// The values of this tile and of another of its size at one place.
    #[inline(always)]
    pub(super) fn pair(&self, other: &Tile, level: usize, x: f32, y: f32) -> (f32, f32) {
        let (side, values) = &self.levels[level];
        let (_, others) = &other.levels[level];
        let scale = *side as f32;
        let ((i, fx), (j, fy)) = (split(x * scale), split(y * scale));
        let mask = side - 1;
        let (x0, x1) = ((i as usize) & mask, (i.wrapping_add(1) as usize) & mask);
        let (y0, y1) = (
            ((j as usize) & mask) * side,
            ((j.wrapping_add(1) as usize) & mask) * side,
        );
        let at = |values: &[f32]| {
            mix(
                mix(values[y0 + x0], values[y0 + x1], fx),
                mix(values[y1 + x0], values[y1 + x1], fx),
                fy,
            )
        };
        (at(values), at(others))
    }

    /// The values along a row, `step` from one to the next, taken at every eighth place and
    /// straight between: for layers that change little from pixel to pixel.
    pub(super) fn row(&self, level: usize, (x, y): (f32, f32), step: f32, out: &mut [f32]) {
        const EVERY: usize = 8;
        let mut from = self.level(level, x, y);
        for (index, chunk) in out.chunks_mut(EVERY).enumerate() {
            let next = x + step * ((index + 1) * EVERY) as f32;
            let to = self.level(level, next, y);
            for (i, value) in chunk.iter_mut().enumerate() {
                *value = mix(from, to, i as f32 / EVERY as f32);
            }
            from = to;
        }
    }

    /// The value at a place of one of the copies.
    #[inline(always)]
    pub(super) fn level(&self, level: usize, x: f32, y: f32) -> f32 {
        let (side, values) = &self.levels[level];
        let scale = *side as f32;
        let ((i, fx), (j, fy)) = (split(x * scale), split(y * scale));
        let mask = side - 1;
        let (x0, x1) = ((i as usize) & mask, (i.wrapping_add(1) as usize) & mask);
        let (y0, y1) = (
            ((j as usize) & mask) * side,
            ((j.wrapping_add(1) as usize) & mask) * side,
        );
        mix(
            mix(values[y0 + x0], values[y0 + x1], fx),
            mix(values[y1 + x0], values[y1 + x1], fx),
            fy,
        )
    }
}

/// Noise that repeats after `count` bumps.
fn ring_noise(x: f32, y: f32, count: i32, seed: u32) -> f32 {
    let ((i, fx), (j, fy)) = (split(x), split(y));
    let (sx, sy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
    let corner = |dx: i32, dy: i32| {
        unit(hash(
            (i + dx).rem_euclid(count),
            (j + dy).rem_euclid(count),
            seed,
        ))
    };
    mix(
        mix(corner(0, 0), corner(1, 0), sx),
        mix(corner(0, 1), corner(1, 1), sx),
        sy,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_are_fair_and_each_purpose_has_its_own() {
        let mut dice = Dice::new(1, "test");
        let mean: f32 = (0..10_000).map(|_| dice.unit()).sum::<f32>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert_ne!(Dice::new(1, "a").roll(), Dice::new(1, "b").roll());
        assert_ne!(Dice::new(1, "a").roll(), Dice::new(2, "a").roll());
        assert!((0..100).all(|_| dice.below(3) < 3));
    }

    #[test]
    fn noise_has_no_steps() {
        for step in 0..400 {
            let x = step as f32 * 0.01 - 2.0;
            assert!((noise(x, 0.3, 7) - noise(x + 0.01, 0.3, 7)).abs() < 0.03);
            assert!((0.0..=1.0).contains(&fractal(x, -x, 4, 3)));
        }
    }

    #[test]
    fn tiles_repeat_and_fade_to_their_mean() {
        let tile = Tile::fractal(5, 4, 3, 9);
        assert!((tile.level(0, 0.3, 0.7) - tile.level(0, 1.3, -0.3)).abs() < 1e-4);
        let far = tile.copy_for(1e9);
        assert_eq!(
            (tile.copy_for(0.0), tile.copy_for(1.0), tile.copy_for(2.0)),
            (0, 0, 1)
        );
        let mean = tile.level(far, 0.5, 0.5);
        assert!((mean - tile.level(far, 0.1, 0.9)).abs() < 1e-6);
        assert!((0.3..0.7).contains(&mean));
    }
}
