//! A chase at dusk: a fast camera on a desert road, a car ahead, explosions, sparks, smoke and
//! debris, everything blurred by its motion.

mod blast;
mod car;
mod road;

use crate::draw::math::{exp, mix, smoothstep};
use crate::draw::{Canvas, Light, Path, Point, Ramp, Rgba, Spot};

use super::noise::{Dice, Tile, noise1};
use super::perspective::Camera;
use super::{Moment, Painter, wave};
use blast::{Blast, Blasts};
use car::Car;
use road::Road;

/// Metres a second.
const SPEED: f64 = 34.0;
/// Pictures of which one blurred picture is made.
const PICTURES: usize = 4;
/// The sun's direction, in pixels of a picture 720 high from its middle.
const SUN: Point = (250.0, -32.0);

pub(super) struct Action {
    size: (f32, f32),
    seed: u32,
    road: Road,
    blasts: Blasts,
    car: Car,
    clouds: Tile,
    sky: Ramp,
}

/// The world at one instant.
struct Shot {
    camera: Camera,
    /// How far the camera has driven, in metres.
    driven: f64,
    /// How far it drives until the next shot of the same picture.
    step: f32,
    time: f64,
    blasts: Vec<Blast>,
    /// Firelight on everything, 0 to 1.
    flash: f32,
}

impl Action {
    pub(super) fn new(seed: u64, size: (f32, f32), shutter: f64) -> Action {
        let mut dice = Dice::new(seed, "action");
        let code = dice.roll() as u32;
        let (top, middle, low) = dice.pick(&[
            (0x1d2547, 0x96506a, 0xffb45c),
            (0x142c44, 0x5c6c88, 0xffc98a),
            (0x2a1a3c, 0xb0485c, 0xff9a4a),
        ]);
        let step = (SPEED * shutter) as f32 / PICTURES as f32;
        Action {
            size,
            seed: code,
            road: Road::new(code, step),
            blasts: Blasts::new(code),
            car: Car::new(&mut dice),
            clouds: Tile::fractal(8, 6, 5, code ^ 77),
            sky: Ramp::new(&[
                (-0.56, Rgba::light(top)),
                (-0.2, Rgba::light(middle)),
                (-0.015, Rgba::light(low)),
                (0.02, Rgba::light(low).scale(0.9)),
            ]),
        }
    }

    fn shot(&self, time: f64, step: f32) -> Shot {
        let (width, height) = self.size;
        let driven = SPEED * time + 1000.0;
        let noise =
            |rate: f64, code: u32| noise1((time * rate % 1e6) as f32, self.seed ^ code) * 2.0 - 1.0;
        let shock = self.blasts.shock(time, driven);
        // The road is rough, and every blast throws the camera about.
        let rattle = 0.0011 + 0.0065 * shock;
        let yaw = 0.006 * noise(0.5, 1) + rattle * noise(13.0, 2);
        let pitch = 0.012 + 0.003 * noise(0.8, 3) + rattle * noise(15.0, 4);
        let weave = 0.7 * wave(time * 0.17) + 0.3 * noise(0.7, 5);
        let camera = Camera::new(
            [weave, 1.9 + 0.12 * noise(4.0, 6), 0.0],
            yaw,
            pitch,
            height * (0.98 - 0.05 * shock),
            (width * 0.5, height * 0.5),
        );
        let blasts = self.blasts.now(time, driven);
        let flash = blasts.iter().map(Blast::brightness).sum::<f32>().min(1.0);
        Shot {
            camera,
            driven,
            step,
            time,
            blasts,
            flash,
        }
    }
}

impl Painter for Action {
    fn light(&self) -> Light {
        Light::Linear
    }

    fn picture<'a>(&'a self, moment: Moment) -> Box<dyn Fn(&mut Canvas) + Sync + 'a> {
        let step = (SPEED * moment.shutter) as f32 / PICTURES as f32;
        let shots: Vec<Shot> = (0..PICTURES)
            .map(|part| self.shot(moment.within(part, PICTURES) + 0.8, step))
            .collect();
        Box::new(move |canvas| {
            canvas.average(PICTURES, |canvas, part| {
                let shot = &shots[part];
                self.sky(canvas, shot);
                self.mountains(canvas, shot);
                self.road.draw(canvas, shot);
                self.road.side(canvas, shot, 400.0, 11.0);
                let near = |blast: &&Blast| blast.depth() < car::DISTANCE;
                for blast in shot.blasts.iter().filter(|blast| !near(blast)) {
                    blast.draw(canvas, &self.blasts, shot);
                }
                self.car.draw(canvas, shot);
                self.road.side(canvas, shot, 11.0, 0.0);
                for blast in shot.blasts.iter().filter(near) {
                    blast.draw(canvas, &self.blasts, shot);
                }
            });
            self.film(canvas, shots[PICTURES / 2].flash);
        })
    }
}

impl Action {
    fn sun(&self, shot: &Shot) -> Point {
        let (_, height) = self.size;
        let middle = shot
            .camera
            .project([0.0, 1.9, 900.0])
            .map_or((0.0, 0.0), |(p, _)| p);
        let unit = height / 720.0;
        (middle.0 + SUN.0 * unit, middle.1 + SUN.1 * unit)
    }

    fn sky(&self, canvas: &mut Canvas, shot: &Shot) {
        let (_, height) = self.size;
        let horizon = shot
            .camera
            .project([0.0, 1.9, 900.0])
            .map_or(height * 0.5, |(p, _)| p.1);
        let unit = 720.0 / height;
        let sun = self.sun(shot);
        let glow = Rgba::light(0xffc070);
        let drift = (shot.time * 0.004).fract() as f32;
        let limit = (horizon + 2.0).max(0.0) as usize;
        let mut clouds = vec![0.0; canvas.width()];
        for row in canvas.rows_mut().filter(|row| row.y <= limit) {
            let above = (horizon - row.y as f32 - 0.5) * unit / 720.0;
            let base = self.sky.at(-above);
            // Clouds lie on a ceiling: the nearer the horizon, the more they are pressed together.
            let deep = 1.0 / (above.max(0.0) + 0.06);
            let far = smoothstep(0.02, 0.14, above);
            let dy = (row.y as f32 + 0.5 - sun.1) * unit;
            let across = 0.000_22 * deep * unit;
            let start = (0.5 - sun.0) * across;
            self.clouds
                .row(0, (start, deep * 0.035 + drift), across, &mut clouds);
            let columns = row.r.iter_mut().zip(row.g).zip(row.b).enumerate();
            for (x, ((r, g), b)) in columns {
                let dx = (x as f32 + 0.5 - sun.0) * unit;
                let cover = smoothstep(0.5, 0.72, clouds[x]) * far;
                let away = dx * dx + dy * dy;
                let halo = 1.0 / (1.0 + away * 0.000_035);
                let lit = 0.35 + 2.2 * halo * halo;
                let shine = halo * halo * 0.55 + 1.6 / (1.0 + away * 0.004);
                *r = mix(base.r, 0.55 * lit, cover * 0.75) + glow.r * shine;
                *g = mix(base.g, 0.27 * lit, cover * 0.75) + glow.g * shine;
                *b = mix(base.b, 0.24 * lit, cover * 0.75) + glow.b * shine * 0.8;
            }
        }
        canvas.circle(sun.0, sun.1, 25.0 / unit, &Rgba::new(3.0, 2.3, 1.3));
    }

    fn mountains(&self, canvas: &mut Canvas, shot: &Shot) {
        let (width, height) = self.size;
        let unit = height / 720.0;
        let Some((middle, _)) = shot.camera.project([0.0, 0.0, 900.0]) else {
            return;
        };
        for (layer, (tall, dark)) in [(74.0, 0.5), (40.0, 0.28)].into_iter().enumerate() {
            let mut path = Path::new();
            path.move_to(-4.0, middle.1 + 10.0 * unit);
            let count = 96;
            for step in 0..=count {
                let x = -4.0 + (width + 8.0) * step as f32 / count as f32;
                let place = (x - middle.0) / unit * (0.006 + 0.004 * layer as f32) + 400.0;
                let seed = self.seed ^ (50 + layer as u32);
                let ridge = noise1(place, seed) * 0.65
                    + noise1(place * 2.7, seed ^ 1) * 0.25
                    + noise1(place * 7.3, seed ^ 2) * 0.1;
                path.line_to(x, middle.1 - (ridge - 0.12) * tall * unit);
            }
            path.line_to(width + 4.0, middle.1 + 10.0 * unit);
            path.close();
            let haze = Rgba::light(0x7a4658).mix(Rgba::light(0x2a2038), dark);
            canvas.fill(&path, &haze);
        }
    }

    /// The film's shoulder keeps fire from burning out; the lens is dark in its corners.
    fn film(&self, canvas: &mut Canvas, flash: f32) {
        let (width, height) = self.size;
        let gain = 1.05 + 0.25 * flash;
        for row in canvas.rows_mut() {
            let v = (row.y as f32 + 0.5) / height - 0.5;
            for (x, ((r, g), b)) in row.r.iter_mut().zip(row.g).zip(row.b).enumerate() {
                let u = (x as f32 + 0.5) / width - 0.5;
                let lens = gain * (1.08 - 0.9 * (u * u + v * v));
                *r = shoulder(*r * lens);
                *g = shoulder(*g * lens);
                *b = shoulder(*b * lens);
            }
        }
    }
}

/// Straight up to the middle, then ever flatter towards one.
#[inline(always)]
fn shoulder(x: f32) -> f32 {
    const KNEE: f32 = 0.55;
    let over = (x - KNEE).max(0.0) / (1.0 - KNEE);
    x.min(KNEE) + (1.0 - KNEE) * over / (1.0 + over)
}

/// Light that adds to a place, as from a lamp in haze.
fn shine(canvas: &mut Canvas, centre: Point, radius: f32, colour: Rgba) {
    canvas.spot(&Spot {
        centre,
        radius: (radius, radius),
        colour: colour.glow(),
    });
}

/// Fades at the rate `rate` a second.
fn decay(age: f32, rate: f32) -> f32 {
    exp(-age * rate)
}
