//! What moves in the street: cars, people, rain, and lights too near to be sharp.

use crate::draw::math::{mix, smoothstep};
use crate::draw::{Affine, Canvas, Path, Point, Rgba, Spot};

use super::super::noise::{Dice, hash, noise1, unit};
use super::super::wave;
use super::street::{self, Street};

pub(super) struct Life {
    seed: u32,
    people: Vec<Walker>,
    bokeh: Vec<(f32, f32, f32, Rgba, f32)>,
}

/// Somebody with an umbrella.
struct Walker {
    x: f32,
    /// Where he was at the beginning, and metres a second: away is positive.
    z: f32,
    pace: f32,
    phase: f32,
    umbrella: Rgba,
}

/// The stretch of street that people walk before they begin anew.
const WALK: (f32, f32) = (5.2, 34.0);

impl Life {
    pub(super) fn new(dice: &mut Dice) -> Life {
        let mut people: Vec<Walker> = (0..9)
            .map(|index| {
                let side = if index % 2 == 0 { -1.0 } else { 1.0 };
                let pace = dice.within(0.8, 1.5);
                Walker {
                    x: side * dice.within(2.4, 5.6),
                    z: dice.within(0.0, WALK.1 - WALK.0),
                    pace: if dice.unit() < 0.5 { pace } else { -pace },
                    phase: dice.unit(),
                    umbrella: Rgba::light(
                        dice.pick(&[0xc02838, 0x20242c, 0x285a8c, 0xd8a030, 0x30363c]),
                    ),
                }
            })
            .collect();
        people.sort_by(|a, b| b.z.total_cmp(&a.z));
        let bokeh = (0..11)
            .map(|_| {
                let hue =
                    Rgba::light(dice.pick(&[0xffb45c, 0xff5c6c, 0x5cc8ff, 0xffe0b0, 0x8cff9c]));
                (
                    dice.within(-0.1, 1.1),
                    dice.within(0.08, 1.0),
                    dice.within(0.016, 0.052),
                    hue.scale(dice.within(0.03, 0.13)),
                    dice.within(1.2, 3.0),
                )
            })
            .collect();
        Life {
            seed: dice.roll() as u32,
            people,
            bokeh,
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, street: &Street, drift: (f32, f32), time: f64) {
        self.neon(canvas, street, drift, time);
        let mut actors: Vec<(f32, Actor)> = Vec::new();
        for lane in 0..2 {
            for car in 0..3 {
                let towards = lane == 0;
                let speed = if towards { 8.5 } else { 6.5 };
                let length = 110.0;
                let run =
                    (time * speed + f64::from(car) * 36.0 + f64::from(self.seed % 50)) % length;
                let z = if towards {
                    111.0 - run as f32
                } else {
                    1.0 + run as f32
                };
                actors.push((z, Actor::Car(towards)));
            }
        }
        for (index, walker) in self.people.iter().enumerate() {
            let length = f64::from(WALK.1 - WALK.0);
            let run = (f64::from(walker.z) + time * f64::from(walker.pace)).rem_euclid(length);
            actors.push((WALK.0 + run as f32, Actor::Walker(index)));
        }
        actors.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (z, actor) in actors {
            match actor {
                Actor::Car(towards) => self.car(canvas, street, drift, z, towards),
                Actor::Walker(index) => {
                    self.walker(canvas, street, drift, (z, time), &self.people[index]);
                }
            }
        }
    }

    /// The sign that is about to fail.
    fn neon(&self, canvas: &mut Canvas, street: &Street, drift: (f32, f32), time: f64) {
        let flutter = noise1((time * 11.0 % 1e6) as f32, self.seed ^ 5);
        let on = if flutter < 0.22 {
            0.12
        } else {
            0.85 + 0.3 * flutter
        };
        let shift = (drift.0 - street.margin, drift.1 - street.lift);
        street::glow(canvas, &street.neon, on, shift);
        // Its light lies on the road as a long streak.
        let (x, _) = street.neon.at;
        let horizon = street.ground(drift.1);
        let s = street.neon.size;
        canvas.spot(&Spot {
            centre: (x + shift.0, horizon + 3.2 * s),
            radius: (1.6 * s, 4.6 * s),
            colour: street.neon.colour.scale(0.09 * on).glow(),
        });
    }

    fn car(&self, canvas: &mut Canvas, street: &Street, drift: (f32, f32), z: f32, towards: bool) {
        let x = if towards { -1.9 } else { 1.9 };
        let Some(((px, py), s)) = street.project([x, 0.0, z], drift) else {
            return;
        };
        let near = smoothstep(111.0, 90.0, z);
        let body = Rgba::light(0x0c0e14).scale(0.5);
        let mut path = Path::placed(Affine::scale(s, -s).then(Affine::translate(px, py)));
        path.blob(&[
            (-0.88, 0.25),
            (-0.9, 0.75),
            (-0.66, 0.95),
            (-0.52, 1.36),
            (0.52, 1.36),
            (0.66, 0.95),
            (0.9, 0.75),
            (0.88, 0.25),
        ]);
        canvas.fill(&path, &body.fade(near));
        path.clear()
            .polygon(&[(-0.58, 0.96), (-0.48, 1.28), (0.48, 1.28), (0.58, 0.96)]);
        canvas.fill(&path, &Rgba::light(0x38405a).scale(0.35).fade(near));
        path.clear()
            .polygon(&[(-0.5, 1.2), (-0.48, 1.28), (0.48, 1.28), (0.5, 1.2)]);
        canvas.fill(&path, &Rgba::light(0xffc890).scale(0.12).fade(near));
        path.clear().rounded(-0.9, 0.22, 0.9, 0.42, 0.08);
        canvas.fill(&path, &body.scale(1.6).fade(near));
        path.clear().rounded(-0.26, 0.46, 0.26, 0.58, 0.02);
        canvas.fill(&path, &Rgba::light(0xc8c4b0).scale(0.16).fade(near));
        for side in [-1.0f32, 1.0] {
            path.clear()
                .limb((side * 0.72, 0.12), 0.13, (side * 0.72, 0.3), 0.13);
            canvas.fill(&path, &Rgba::light(0x040406).scale(0.5).fade(near));
        }
        let (lamp, size) = if towards {
            (Rgba::new(1.0, 0.93, 0.8), 1.0)
        } else {
            (Rgba::new(1.0, 0.06, 0.04), 0.6)
        };
        for side in [-1.0f32, 1.0] {
            let (lx, ly) = (px + side * 0.66 * s, py - 0.66 * s);
            let reach = (0.1 * s + 2.0 * s.sqrt()) * size;
            canvas.circle(lx, ly, (0.11 * s).max(1.0) * size, &lamp.scale(5.0 * near));
            for (radius, strength) in [(1.0, 0.8), (3.6, 0.12)] {
                canvas.spot(&Spot {
                    centre: (lx, ly),
                    radius: (reach * radius, reach * radius * 0.8),
                    colour: lamp.scale(strength * near).glow(),
                });
            }
            // On wet asphalt the image of a lamp is drawn out towards the eye.
            for (long, strength) in [(1.5, 0.5), (4.2, 0.22)] {
                canvas.spot(&Spot {
                    centre: (lx, py + 0.6 * s + long * 0.4 * s),
                    radius: (0.24 * s * size + 1.0, long * s),
                    colour: lamp.scale(strength * near * size).glow(),
                });
            }
        }
    }

    fn walker(
        &self,
        canvas: &mut Canvas,
        street: &Street,
        drift: (f32, f32),
        (z, time): (f32, f64),
        walker: &Walker,
    ) {
        let Some(((px, py), s)) = street.project([walker.x, 0.0, z], drift) else {
            return;
        };
        // They come out of the dark at both ends of their walk.
        let seen = smoothstep(WALK.0, WALK.0 + 1.2, z) * smoothstep(WALK.1, WALK.1 - 6.0, z);
        let step = time * 0.95 * f64::from(walker.pace.abs()) + f64::from(walker.phase);
        let bob = 0.02 * wave(step * 2.0);
        let dark = Rgba::light(0x07080c).scale(0.7);
        for mirrored in [true, false] {
            let flip = if mirrored { 1.0 } else { -1.0 };
            let strength = if mirrored { 0.5 * seen } else { seen };
            let place = Affine::scale(s, s * flip).then(Affine::translate(px, py));
            let mut path = Path::placed(place);
            for (index, offset) in [0.0, 0.5].into_iter().enumerate() {
                let swing = 0.16 * wave(step + offset);
                let side = if index == 0 { -0.08 } else { 0.08 };
                path.limb((side, 0.86), 0.1, (side + 0.3 * swing, 0.46), 0.08);
                path.limb(
                    (side + 0.3 * swing, 0.46),
                    0.075,
                    (side + swing, 0.06 + 0.1 * swing.max(0.0)),
                    0.055,
                );
            }
            path.limb((0.0, 0.72 + bob), 0.22, (0.0, 1.32 + bob), 0.2);
            path.limb((0.0, 1.5 + bob), 0.06, (0.0, 1.6 + bob), 0.11);
            path.limb((0.17, 1.3 + bob), 0.06, (0.2, 1.1 + bob), 0.05);
            canvas.fill(&path, &dark.fade(strength));
            // Light from behind along one shoulder.
            let rim = if walker.x < 0.0 { 1.0 } else { -1.0 };
            let mut edge = Path::placed(place);
            edge.curve(&[
                (rim * 0.2, 0.8 + bob),
                (rim * 0.19, 1.2 + bob),
                (rim * 0.12, 1.45 + bob),
            ]);
            canvas.stroke(
                &edge,
                0.022 * s,
                &Rgba::light(0xffc080).scale(0.4).fade(0.4 * strength),
            );
            let mut shade = Path::placed(place);
            shade.move_to(-0.62, 1.78 + bob);
            shade.quad_to((-0.55, 2.22 + bob), 0.04, 2.24 + bob);
            shade.quad_to((0.62, 2.22 + bob), 0.7, 1.78 + bob);
            for rib in 0..4 {
                let x = 0.7 - 0.33 * rib as f32;
                shade.quad_to((x - 0.165, 1.86 + bob), x - 0.33, 1.78 + bob);
            }
            shade.close();
            canvas.fill(&shade, &walker.umbrella.scale(0.16).fade(strength));
            let mut top = Path::placed(place);
            top.curve(&[(-0.5, 1.98 + bob), (-0.2, 2.18 + bob), (0.16, 2.21 + bob)]);
            canvas.stroke(
                &top,
                0.025 * s,
                &Rgba::light(0xffd0a0).scale(0.5).fade(0.4 * strength),
            );
            let mut stick = Path::placed(place);
            stick.polyline(&[(0.2, 1.12 + bob), (0.05, 2.2 + bob)]);
            canvas.stroke(&stick, 0.025 * s, &dark.fade(strength));
        }
    }

    pub(super) fn rain(
        &self,
        canvas: &mut Canvas,
        (width, height): (f32, f32),
        time: f64,
        shutter: f64,
    ) {
        const DROPS: i32 = 260;
        for drop in 0..DROPS {
            let chance = |n: i32| unit(hash(drop, n, self.seed));
            let near = chance(1) * chance(1);
            let speed = mix(1.1, 2.6, near);
            let fall = time * f64::from(speed) + f64::from(chance(2)) * 7.0;
            let turn = fall.floor();
            let y = ((fall - turn) as f32 * 1.2 - 0.1) * height;
            let x = unit(hash(drop, turn as i32, self.seed ^ 77)) * width * 1.1 - 0.05 * width;
            let length = speed * height * shutter as f32 * 1.2 + 3.0;
            let slant = 0.06 * length;
            let bright = mix(0.01, 0.05, near) * (0.4 + chance(3));
            let light = Rgba::new(0.85, 0.9, 1.0).scale(bright);
            let wide = mix(0.6, 1.8, near) * height / 720.0;
            canvas.line(
                (x, y),
                (x - slant, y + length),
                wide.max(0.4),
                &light.glow(),
            );
        }
        // Drops that burst on the road.
        for splash in 0..90 {
            let chance = |n: i32| unit(hash(splash, n, self.seed ^ 91));
            let life = time * 2.2 + f64::from(chance(1)) * 5.0;
            let turn = life.floor() as i32;
            let age = (life - life.floor()) as f32;
            let x = unit(hash(splash, turn, self.seed ^ 92)) * width;
            let depth = unit(hash(splash, turn, self.seed ^ 93));
            let y = height * (0.6 + 0.4 * depth);
            let r = (1.0 + 7.0 * depth) * age * height / 720.0;
            let mut ring = Path::new();
            ring.ellipse((x, y), (r.max(0.1), (r * 0.35).max(0.1)));
            let light = Rgba::new(0.9, 0.85, 0.8).scale(0.05 * (1.0 - age) * (0.3 + depth));
            canvas.stroke(&ring, height / 720.0, &light.glow());
        }
    }

    /// Lights close to the lens: discs with a brighter rim.
    pub(super) fn bokeh(
        &self,
        canvas: &mut Canvas,
        (width, height): (f32, f32),
        drift: (f32, f32),
        time: f64,
    ) {
        for (index, &(x, y, radius, colour, near)) in self.bokeh.iter().enumerate() {
            let pulse = 1.0 + 0.15 * wave(time * 0.3 + index as f64 * 0.19);
            let sway = 0.01 * wave(time * 0.09 + index as f64 * 0.31);
            let centre: Point = (
                (x + sway) * width + drift.0 * near * 1.6,
                y * height + drift.1 * near * 1.6,
            );
            let r = radius * height;
            canvas.circle(centre.0, centre.1, r, &colour.scale(pulse * 0.75).glow());
            let mut rim = Path::new();
            rim.ellipse(centre, (r * 0.95, r * 0.95));
            canvas.stroke(&rim, r * 0.08, &colour.scale(pulse * 0.6).glow());
        }
    }
}

#[derive(Clone, Copy)]
enum Actor {
    /// Whether it comes towards the camera.
    Car(bool),
    Walker(usize),
}
