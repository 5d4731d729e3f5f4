//! A city street on a wet night: neon and lamps on dark walls, their images in the road, people
//! under umbrellas, rain, lights out of focus, and film that was pushed too far.

mod life;
mod street;

use crate::draw::math::{mix, smoothstep};
use crate::draw::{Canvas, Light};

use super::noise::{Dice, Tile};
use super::soften::sample_row;
use super::{Moment, Painter, wave};
use life::Life;
use street::Street;

pub(super) struct Grain {
    size: (f32, f32),
    street: Street,
    life: Life,
    /// Three independent layers of film grain in one tile.
    film: Tile,
    ripples: Tile,
    seed: u64,
}

/// Side of the film's tile, as a power of two.
const FILM: u32 = 8;

impl Grain {
    pub(super) fn new(seed: u64, size: (f32, f32)) -> Grain {
        let mut dice = Dice::new(seed, "grain");
        let code = dice.roll() as u32;
        let mut grains = Dice::new(seed, "film");
        // The sum of uniform numbers is close enough to a bell; neighbours share some of it.
        let side = 1usize << FILM;
        let rough: Vec<f32> = (0..side * side)
            .map(|_| (0..4).map(|_| grains.unit() - 0.5).sum::<f32>())
            .collect();
        let film = Tile::new(FILM, |x, y| {
            let at = |dx: usize, dy: usize| rough[(y + dy) % side * side + (x + dx) % side];
            0.62 * at(0, 0) + 0.3 * (at(1, 0) + at(0, 1)) + 0.16 * at(1, 1)
        });
        Grain {
            size,
            street: Street::new(&mut dice, size),
            life: Life::new(&mut dice),
            film,
            ripples: Tile::fractal(8, 24, 4, code),
            seed,
        }
    }
}

impl Painter for Grain {
    fn light(&self) -> Light {
        Light::Linear
    }

    fn picture<'a>(&'a self, moment: Moment) -> Box<dyn Fn(&mut Canvas) + Sync + 'a> {
        let height = self.size.1;
        let time = moment.time;
        // A slow drift from the hand.
        let drift = (
            0.018 * height * wave(time * 0.07) + 0.003 * height * wave(time * 0.41),
            0.006 * height * wave(time * 0.053 + 0.3) + 0.002 * height * wave(time * 0.37 + 0.1),
        );
        let shutter = moment.shutter;
        let index = moment.index;
        Box::new(move |canvas| {
            self.world(canvas, drift, time);
            self.life.draw(canvas, &self.street, drift, time);
            self.life.rain(canvas, self.size, time, shutter);
            self.life.bokeh(canvas, self.size, drift, time);
            self.develop(canvas, index);
        })
    }
}

impl Grain {
    /// The street and its image in the wet road.
    fn world(&self, canvas: &mut Canvas, drift: (f32, f32), time: f64) {
        let street = &self.street;
        let horizon = street.horizon + drift.1;
        let height = self.size.1;
        let unit = 720.0 / height;
        let flow = (time * 0.05).fract() as f32;
        let width = canvas.width();
        // From columns and rows of the frame to those of the wide picture.
        let (right, down) = (street.margin - drift.0, street.lift - drift.1);
        let middle = street.camera.centre.0 - right;
        let mut soft = [vec![0.0; width], vec![0.0; width], vec![0.0; width]];
        for row in canvas.rows_mut() {
            let y = row.y as f32 + 0.5;
            let at = (right, y + down - 0.5);
            sample_row(
                &street.picture,
                at,
                1.0,
                [&mut *row.r, &mut *row.g, &mut *row.b],
            );
            let Some(seen) = street.camera.ground(y + down).filter(|_| y > horizon) else {
                continue;
            };
            let depth = ((y - horizon) / (height - horizon)).clamp(0.0, 1.0);
            // The road lies between the walls; beside it are pavements, a step higher.
            let metre = 1.0 / seen.step.0;
            let half = (street::HALF * metre).min(width as f32);
            let (first, last) = (
                (middle - half).clamp(0.0, width as f32) as usize,
                (middle + half).clamp(0.0, width as f32) as usize,
            );
            // What stands at a wall is mirrored about the wall's own foot, which lies the lower
            // in the picture the farther to the side it is.
            let jitter =
                (self.ripples.level(0, 0.37, y * 0.031 * unit + flow) - 0.5) * 24.0 * depth / unit;
            let foot = 2.0 * street.camera.position[1] / street::HALF;
            let up = 2.0 * horizon - y;
            let glow = street.glow_at(right, up + 0.12 * height * depth + down);
            let [sr, sg, sb] = &mut soft;
            sample_row(&street.glow, glow, street.glow_step(), [sr, sg, sb]);
            let flat = mix(0.62, 0.26, depth);
            let fine = self.ripples.copy_for(seen.step.0 * 48.0);
            for column in first..last {
                let side = column as f32 + 0.5 - middle;
                let x = seen.start.0 + seen.step.0 * (column as f32 + right);
                let z = seen.depth;
                let wet = self.ripples.level(fine.min(3), x * 0.035, z * 0.028);
                let stone = self.ripples.level(fine, x * 0.19, z * 0.05);
                let paved = smoothstep(-0.05, 0.05, x.abs() - (street::HALF - 2.7));
                let puddle = smoothstep(0.5, 0.58, wet) * (1.0 - 0.8 * paved);
                let mirror =
                    flat * mix(0.3 + 0.55 * (stone - 0.3), 1.0, puddle) * mix(1.0, 0.6, paved);
                let sheen = flat * mix(0.8, 0.12, puddle) * (0.3 + 1.4 * stone);
                let tar = 0.0035 * (0.4 + 1.2 * stone) * mix(1.0, 2.6, paved);
                let place = (
                    column as f32 + right + jitter * mix(1.0, 0.45, puddle),
                    up + (side.abs() * foot).max(14.0 / unit) + down - 0.5,
                );
                let image = street::sample(&street.picture, place);
                let edge =
                    1.0 - 0.7 * smoothstep(0.08, 0.02, (x.abs() - (street::HALF - 2.7)).abs());
                row.r[column] = (image[0] * mirror + sr[column] * sheen + tar) * edge;
                row.g[column] = (image[1] * mirror + sg[column] * sheen + tar) * edge;
                row.b[column] = (image[2] * mirror + sb[column] * sheen + tar * 1.2) * edge;
            }
        }
    }

    /// What the film makes of it: a soft shoulder, lifted blacks, grain that differs from frame to
    /// frame and is strongest in the middle tones.
    fn develop(&self, canvas: &mut Canvas, index: u64) {
        let (width, height) = self.size;
        let mut dice = Dice::new(self.seed ^ index.wrapping_mul(0x9e37), "frame");
        let side = 1usize << FILM;
        let mut offset = || (dice.below(side), dice.below(side));
        let (grey, red, blue) = (offset(), offset(), offset());
        for row in canvas.rows_mut() {
            let v = (row.y as f32 + 0.5) / height - 0.5;
            let line = |shift: (usize, usize)| self.film.line((row.y + shift.1) % side);
            let (gl, rl, bl) = (line(grey), line(red), line(blue));
            for (x, ((r, g), b)) in row.r.iter_mut().zip(row.g).zip(row.b).enumerate() {
                let u = (x as f32 + 0.5) / width - 0.5;
                let lens = 1.12 - 1.1 * (u * u + v * v);
                let shared = gl[(x + grey.0) % side];
                let grain = [
                    shared + 0.45 * rl[(x + red.0) % side],
                    shared + 0.3 * bl[(x + red.1) % side],
                    shared + 0.6 * bl[(x + blue.0) % side],
                ];
                for (value, grain) in [r, g, b].into_iter().zip(grain) {
                    let light = (*value * lens + 0.0022).max(0.0);
                    let toned = light / (1.0 + 0.42 * light);
                    *value = (toned + grain * 0.042 * (toned + 0.0012).sqrt()).max(0.0);
                }
            }
        }
    }
}
