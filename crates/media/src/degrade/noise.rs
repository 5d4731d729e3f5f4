//! Grain.
//!
//! A tile of correlated noise is drawn once for each plane; every frame takes squares of it from
//! places that the seed, the frame's index and the square's place decide, as the film grain of AV1
//! does. So a frame costs a table look-up and a multiplication for each sample.

use nervure_frame::{Colour, Plane};

use super::{Level, Nominal};
use crate::draw::math::smoothstep;
use crate::scenes::noise::{Dice, hash};

/// Side of a tile.
const TILE: usize = 256;
/// Side of the squares of luma that are taken from one place of a tile.
const SQUARE: usize = 64;
/// A tile's numbers have this standard deviation.
const UNIT: f32 = 1024.0;
/// The standard deviation at strength 1 where noise is strongest, in 8-bit levels.
const STRONGEST: f32 = 16.0;
/// How much of a chroma plane's noise is that of luma: the colours of a sensor's pixels share light.
const SHARED: f32 = 0.5;
/// Chroma noise beside luma noise: cameras and encoders smooth it.
const CHROMA: f32 = 0.4;

/// The standard deviation of [`Degradation::Noise`](super::Degradation::Noise) in a flat luma area,
/// in 8-bit levels, at a `strength` and a `brightness` of 0 (black) to 1 (white). Clipping at black
/// and white and rounding come on top.
pub fn noise_sigma(strength: f32, brightness: f32) -> f32 {
    // Weak in black, where cameras crush it; strongest in the darker middle; weaker in the light,
    // where the transfer curve is flat.
    let rise = 0.35 + 0.65 * smoothstep(0.0, 0.25, brightness);
    let fall = 1.0 - 0.6 * smoothstep(0.35, 1.0, brightness);
    STRONGEST * strength * rise * fall
}

#[derive(Debug)]
pub(super) struct Noise {
    strength: f32,
    seed: u32,
    tiles: [Vec<i16>; 3],
    /// Noise by luma level, for the colour and depth that frames had last.
    amounts: Vec<i32>,
    made_for: Option<Nominal>,
}

impl Noise {
    pub(super) fn new(strength: f32, dice: &mut Dice) -> Noise {
        let grain = dice.within(0.0, 0.3);
        let seed = (dice.roll() >> 32) as u32;
        Noise {
            strength,
            seed,
            tiles: std::array::from_fn(|_| tile(dice, grain)),
            amounts: Vec::new(),
            made_for: None,
        }
    }

    pub(super) fn apply<T: Level>(
        &mut self,
        planes: &mut [Plane<T>; 3],
        colour: Colour,
        chroma: (u32, u32),
        index: u64,
    ) {
        let nominal = Nominal::of(colour, T::DEPTH, 0);
        if self.made_for != Some(nominal) {
            self.tabulate::<T>(nominal);
        }
        let frame = hash(index as i32, (index >> 32) as i32, self.seed);
        // Chroma first: it goes by luma that has no noise yet.
        let [luma, differences @ ..] = planes;
        for (number, plane) in differences.iter_mut().enumerate() {
            let nominal = Nominal::of(colour, T::DEPTH, number + 1);
            self.chroma(plane, luma, number + 1, chroma, frame, nominal);
        }
        for (top, rows) in (0..luma.height()).step_by(SQUARE).enumerate() {
            for y in rows..(rows + SQUARE).min(luma.height()) {
                for (left, samples) in luma.row_mut(y).chunks_mut(SQUARE).enumerate() {
                    let noise = self.line(0, place(left, top, frame), y - rows);
                    for (sample, noise) in samples.iter_mut().zip(noise) {
                        let was = sample.value();
                        let amount = self.amounts[was as usize];
                        let change = (i32::from(*noise) * amount + HALF) >> SHIFT;
                        *sample = T::level(nominal.hold(was + change, was));
                    }
                }
            }
        }
    }

    fn chroma<T: Level>(
        &self,
        plane: &mut Plane<T>,
        luma: &Plane<T>,
        number: usize,
        shift: (u32, u32),
        frame: u32,
        nominal: Nominal,
    ) {
        let own = ((1.0 - SHARED * SHARED).sqrt() * CHROMA * 256.0) as i32;
        // Samples beside each other would average less than they do when shared noise is taken
        // from one of them; one is as good as the other.
        let shared = (SHARED * CHROMA * 256.0) as i32;
        let (side, step) = ((SQUARE >> shift.0, SQUARE >> shift.1), 1usize << shift.0);
        for (top, rows) in (0..plane.height()).step_by(side.1).enumerate() {
            for y in rows..(rows + side.1).min(plane.height()) {
                let bright = luma.row((y << shift.1).min(luma.height() - 1));
                for (left, samples) in plane.row_mut(y).chunks_mut(side.0).enumerate() {
                    let at = place(left, top, frame);
                    let mine = self.line(number, at, y - rows);
                    let lumas = self.line(0, at, (y - rows) << shift.1);
                    let bright = &bright[(left * SQUARE).min(bright.len() - 1)..];
                    for (i, sample) in samples.iter_mut().enumerate() {
                        let level = bright[(i * step).min(bright.len() - 1)].value();
                        let noise =
                            (i32::from(mine[i]) * own + i32::from(lumas[i * step]) * shared) >> 8;
                        let was = sample.value();
                        let change = (noise * self.amounts[level as usize] + HALF) >> SHIFT;
                        *sample = T::level(nominal.hold(was + change, was));
                    }
                }
            }
        }
    }

    /// A row of a square that begins at `place` of a tile.
    #[inline(always)]
    fn line(&self, tile: usize, place: (usize, usize), row: usize) -> &[i16] {
        &self.tiles[tile][(place.1 + row) * TILE + place.0..][..SQUARE]
    }

    fn tabulate<T: Level>(&mut self, nominal: Nominal) {
        let span = (nominal.high - nominal.low) as f32;
        let scale = (1 << (SHIFT + T::EXTRA_BITS)) as f32 / UNIT;
        self.amounts.clear();
        self.amounts
            .extend((0..=i32::from(T::DEPTH.max())).map(|level| {
                let brightness = ((level - nominal.low) as f32 / span).clamp(0.0, 1.0);
                (noise_sigma(self.strength, brightness) * scale) as i32
            }));
        self.made_for = Some(nominal);
    }
}

/// Fraction bits of noise times amount.
const SHIFT: u32 = 16;
const HALF: i32 = 1 << (SHIFT - 1);

/// Where in a tile a square is taken from.
fn place(left: usize, top: usize, frame: u32) -> (usize, usize) {
    let h = hash(left as i32, top as i32, frame);
    let span = (TILE - SQUARE) as u32 + 1;
    (((h & 0xffff) % span) as usize, ((h >> 16) % span) as usize)
}

/// Noise that is nearly normal, each number mixed with its neighbours by `grain`, with mean 0.
fn tile(dice: &mut Dice, grain: f32) -> Vec<i16> {
    // The sum of four 16-bit numbers twice over: bell-shaped, with tails to 4.9 sigma.
    let mut bell = || {
        let (a, b) = (dice.roll(), dice.roll());
        let part = |bits: u64| {
            (0..4)
                .map(|i| (bits >> (16 * i) & 0xffff) as f32)
                .sum::<f32>()
        };
        part(a) + part(b) - 4.0 * 65_535.0
    };
    let raw: Vec<f32> = (0..TILE * TILE).map(|_| bell()).collect();
    let at = |x: usize, y: usize| raw[(y % TILE) * TILE + x % TILE];
    let mut mixed: Vec<f32> = (0..TILE * TILE)
        .map(|i| {
            let (x, y) = (i % TILE, i / TILE);
            let beside = at(x + 1, y) + at(x + TILE - 1, y) + at(x, y + 1) + at(x, y + TILE - 1);
            at(x, y) + grain * beside
        })
        .collect();
    let count = mixed.len() as f64;
    let mean = mixed.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    mixed.iter_mut().for_each(|v| *v -= mean as f32);
    let power = mixed.iter().map(|v| f64::from(v * v)).sum::<f64>() / count;
    let scale = UNIT / power.sqrt() as f32;
    mixed
        .iter()
        .map(|v| (v * scale).clamp(-32_767.0, 32_767.0) as i16)
        .collect()
}
