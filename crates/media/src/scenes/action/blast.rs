//! Explosions: a flash, fire that turns to smoke, sparks and debris.

use crate::draw::math::{mix, sin_cos_turns, smoothstep};
use crate::draw::{Canvas, Path, Point, Rgba, Shader};

use super::super::noise::{Tile, hash, unit};
use super::{SPEED, Shot, decay, shine};

/// Seconds from one explosion to the next.
const EVERY: f64 = 0.85;
/// How long one is seen.
const LIFE: f32 = 3.2;

pub(super) struct Blasts {
    seed: u32,
    smoke: Tile,
    /// How much more cloud there is than a little further towards the sun.
    relief: Tile,
}

/// One explosion at one instant.
pub(super) struct Blast {
    code: i32,
    seed: u32,
    /// Seconds since it began.
    age: f32,
    /// Where it is from the camera: right, away.
    x: f32,
    z: f32,
    /// 1 for an ordinary one.
    size: f32,
}

impl Blasts {
    pub(super) fn new(seed: u32) -> Blasts {
        const LOG: u32 = 8;
        let smoke = Tile::fractal(LOG, 8, 5, seed ^ 0xb1a5);
        let side = (1u32 << LOG) as f32;
        let relief = Tile::new(LOG, |x, y| {
            let (x, y) = (x as f32 / side, y as f32 / side);
            smoke.level(0, x, y) - smoke.level(0, x + 0.022, y - 0.014)
        });
        Blasts {
            seed,
            smoke,
            relief,
        }
    }

    fn blast(&self, index: i64, time: f64, driven: f64) -> Blast {
        let code = (index % 1_000_000) as i32;
        let chance = |n: i32| unit(hash(code, n, self.seed));
        let start = index as f64 * EVERY + 0.3 * f64::from(chance(1));
        let age = (time - start) as f32;
        // It begins ahead and is left behind.
        let place = f64::from(mix(46.0, 78.0, chance(2))) + SPEED * start + (driven - SPEED * time);
        let side = if chance(3) < 0.5 { -1.0 } else { 1.0 };
        Blast {
            code,
            seed: self.seed,
            age,
            x: side * mix(7.0, 15.0, chance(4)),
            z: (place - driven) as f32,
            size: mix(0.75, 1.5, chance(5)),
        }
    }

    /// All that are seen, the farthest first.
    pub(super) fn now(&self, time: f64, driven: f64) -> Vec<Blast> {
        let last = (time / EVERY).floor() as i64;
        let first = last - (f64::from(LIFE) / EVERY) as i64 - 1;
        let mut blasts: Vec<Blast> = (first..=last)
            .map(|index| self.blast(index, time, driven))
            .filter(|blast| (0.0..LIFE).contains(&blast.age) && blast.z > 3.0)
            .collect();
        blasts.sort_by(|a, b| b.z.total_cmp(&a.z));
        blasts
    }

    /// How hard the camera is shaken.
    pub(super) fn shock(&self, time: f64, driven: f64) -> f32 {
        let blasts = self.now(time, driven);
        let one = |blast: &Blast| decay((blast.age - 0.05).max(0.0), 3.5) * 40.0 / (blast.z + 25.0);
        blasts.iter().map(one).sum::<f32>().min(1.0)
    }
}

impl Blast {
    /// Metres away.
    pub(super) fn depth(&self) -> f32 {
        self.z
    }

    /// How much it lights its surroundings.
    pub(super) fn brightness(&self) -> f32 {
        smoothstep(0.0, 0.04, self.age) * decay(self.age, 4.2) * 0.8 * self.size
    }

    fn chance(&self, index: i32, purpose: u32) -> f32 {
        unit(hash(self.code * 131 + index, 77, self.seed ^ purpose))
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, blasts: &Blasts, shot: &Shot) {
        let Some((base, scale)) = shot.camera.project([self.x, 0.0, self.z]) else {
            return;
        };
        let near = smoothstep(3.0, 13.0, self.z);
        self.ground_light(canvas, base, scale);
        self.debris(canvas, shot, near);
        self.fire(canvas, blasts, shot, near);
        self.sparks(canvas, shot);
        let flash = smoothstep(0.0, 0.03, self.age) * decay(self.age, 9.0) * self.size;
        let middle = (base.0, base.1 - 2.5 * scale);
        shine(
            canvas,
            middle,
            13.0 * scale,
            Rgba::new(1.3, 0.72, 0.32).scale(flash),
        );
        shine(
            canvas,
            middle,
            5.0 * scale,
            Rgba::new(4.0, 3.2, 2.2).scale(flash),
        );
    }

    fn ground_light(&self, canvas: &mut Canvas, base: Point, scale: f32) {
        let strength = self.brightness();
        canvas.spot(&crate::draw::Spot {
            centre: base,
            radius: (16.0 * scale, 2.6 * scale),
            colour: Rgba::new(1.2, 0.5, 0.15).scale(strength).glow(),
        });
    }

    /// Balls of fire that rise, swell, cool and become smoke.
    fn fire(&self, canvas: &mut Canvas, blasts: &Blasts, shot: &Shot, near: f32) {
        const PUFFS: i32 = 26;
        for puff in 0..PUFFS {
            let delay = 0.22 * self.chance(puff, 1);
            let age = self.age - delay;
            if age <= 0.0 {
                continue;
            }
            let (s, c) = sin_cos_turns(self.chance(puff, 2));
            let out = mix(0.3, 1.0, self.chance(puff, 3)) * self.size;
            let spread = 1.0 - decay(age, 4.5);
            let lift = 1.2 + 3.2 * out * spread + 2.3 * age * mix(0.5, 1.2, self.chance(puff, 4));
            let x = self.x + 3.2 * c * out * spread + 0.5 * age;
            let z = self.z + 1.6 * s * out * spread;
            let y = lift + 1.4 * s * out * spread;
            let radius =
                self.size * mix(0.9, 1.9, self.chance(puff, 5)) * (0.35 + spread + 0.35 * age);
            let Some(((px, py), scale)) = shot.camera.project([x, y.max(0.4), z]) else {
                continue;
            };
            // Hot first; the outer and the later puffs are cooler.
            let heat = decay(age, mix(0.8, 2.4, self.chance(puff, 6)));
            let gone = smoothstep(0.55, 1.0, age / LIFE);
            let sprite = Sprite {
                centre: (px, py),
                radius: radius * scale,
                turn: self.chance(puff, 7) * 8.0,
                heat,
                density: (1.0 - gone) * near,
                spin: age * 0.06,
            };
            sprite.draw(canvas, blasts, shot.flash);
        }
    }

    fn sparks(&self, canvas: &mut Canvas, shot: &Shot) {
        const SPARKS: i32 = 70;
        let dt = shot.step / SPEED as f32;
        for spark in 0..SPARKS {
            let life = mix(0.5, 1.7, self.chance(spark, 11));
            if self.age > life {
                continue;
            }
            let (s, c) = sin_cos_turns(self.chance(spark, 12));
            let speed = mix(5.0, 20.0, self.chance(spark, 13)) * self.size;
            let up = mix(4.0, 17.0, self.chance(spark, 14));
            // Where it flew: drag slows it, gravity pulls, the ground throws it back.
            let at = |age: f32| {
                let run = (1.0 - decay(age, 1.3)) / 1.3;
                let y = 1.0 + up * run - 4.9 * age * age;
                [
                    self.x + c * speed * run,
                    if y < 0.05 {
                        0.05 + 0.25 * (0.05 - y).min(2.0)
                    } else {
                        y
                    },
                    self.z + s * speed * run,
                ]
            };
            let old = at((self.age - dt * 1.5).max(0.0));
            let tail = [old[0], old[1], old[2] + shot.step];
            let head = shot.camera.project(at(self.age));
            let (Some((a, scale)), Some((b, _))) = (head, shot.camera.project(tail)) else {
                continue;
            };
            let glow = (1.0 - self.age / life) * mix(0.6, 2.6, self.chance(spark, 15));
            let colour = Rgba::new(3.2, 1.5, 0.4).scale(glow);
            canvas.line(a, b, (0.05 * scale).clamp(0.7, 5.0), &colour.glow());
        }
    }

    fn debris(&self, canvas: &mut Canvas, shot: &Shot, near: f32) {
        const PIECES: i32 = 22;
        for piece in 0..PIECES {
            let (s, c) = sin_cos_turns(self.chance(piece, 21));
            let speed = mix(3.0, 11.0, self.chance(piece, 22)) * self.size;
            let up = mix(7.0, 19.0, self.chance(piece, 23));
            let y = 0.6 + up * self.age - 4.9 * self.age * self.age;
            if y < 0.0 {
                continue;
            }
            let place = [
                self.x + c * speed * self.age,
                y,
                self.z + s * speed * self.age,
            ];
            let Some(((px, py), scale)) = shot.camera.project(place) else {
                continue;
            };
            let size = mix(0.08, 0.42, self.chance(piece, 24)) * scale;
            let spin = self.age * mix(-2.5, 2.5, self.chance(piece, 25));
            let corners: Vec<Point> = (0..5)
                .map(|i| {
                    let (sn, cs) = sin_cos_turns(i as f32 / 5.0 + spin);
                    let r = size * mix(0.5, 1.2, self.chance(piece * 8 + i, 26));
                    (
                        px + cs * r,
                        py + sn * r * mix(0.5, 1.0, self.chance(piece, 27)),
                    )
                })
                .collect();
            let mut path = Path::new();
            path.polygon(&corners);
            let hot = decay(self.age, 2.0);
            let colour = Rgba::light(0x241c1e)
                .mix(Rgba::new(1.6, 0.5, 0.1), 0.5 * hot * self.chance(piece, 28));
            canvas.fill(&path, &colour.fade(near));
        }
    }
}

/// A ball of fire or smoke in the picture.
struct Sprite {
    centre: Point,
    radius: f32,
    /// Which part of the tile it wears.
    turn: f32,
    /// 1 white-hot, 0 cold.
    heat: f32,
    density: f32,
    spin: f32,
}

impl Sprite {
    fn draw(&self, canvas: &mut Canvas, blasts: &Blasts, flash: f32) {
        let (cx, cy) = self.centre;
        let r = self.radius;
        if r < 0.8 || self.density <= 0.01 || r > 4000.0 {
            return;
        }
        // Far sprites are small: they wear a smaller copy.
        let level = (0..6).find(|level| r > (90 >> level) as f32).unwrap_or(6);
        let (hot, density) = (self.heat, self.density);
        let (shift, drift) = (self.turn, self.spin);
        let inverse = 1.0 / r;
        let warm = Rgba::light(0xffa060).scale(0.5 + flash);
        let paint = Shader(|x: f32, y: f32| {
            let (u, v) = ((x - cx) * inverse, (y - cy) * inverse);
            let body = 1.0 - u * u - v * v;
            if body <= 0.08 {
                return Rgba::CLEAR;
            }
            let (tx, ty) = (u * 0.16 + shift, v * 0.16 + drift + shift * 0.7);
            let (cloud, relief) = blasts.smoke.pair(&blasts.relief, level, tx, ty);
            let cover = smoothstep(0.12, 0.5, body * (0.25 + 1.25 * cloud)) * density;
            if cover <= 0.0 {
                return Rgba::CLEAR;
            }
            // Lit from the sun's side by what lies between: less cloud there, more light.
            let lit = (0.5 + 2.4 * relief + 0.3 * u - 0.22 * v).clamp(0.04, 1.3);
            let temperature = (hot * (0.62 + 0.95 * cloud) * (0.55 + 0.6 * body)).min(1.0);
            let fire = flame(temperature);
            let smoke = Rgba::new(0.075, 0.062, 0.062)
                .scale(0.35 + lit)
                .mix(warm, 0.16 * lit);
            smoke
                .mix(fire, smoothstep(0.1, 0.34, temperature))
                .fade(cover)
        });
        // A large ball shows few texels to the pixel: computing every other or fourth suffices.
        let step = [1, 2, 4][usize::from(r > 45.0) + usize::from(r > 90.0)];
        canvas.disc(cx, cy, r * 0.96, step, &paint);
    }
}

/// The light of burning gas: dark red, orange, yellow, nearly white.
#[inline(always)]
fn flame(t: f32) -> Rgba {
    let t2 = t * t;
    Rgba::new(
        0.25 + 3.4 * t2,
        0.03 + 2.7 * t2 * t,
        0.01 + 2.2 * t2 * t2 * t,
    )
}
