//! The far stand: boards with moving letters, rows of people, flags.

use crate::draw::math::{exp, mix};
use crate::draw::{Affine, Canvas, Path, Rgba, Text};

use super::super::noise::{Dice, hash, noise1, unit};
use super::super::perspective::Camera;
use super::super::wave;
use super::figure::{HAIRS, SKINS};
use super::ground::GRASS_END;

/// The first row of seats: how high and how far; and from row to row.
const FIRST: (f32, f32) = (1.9, 43.0);
const STEP: (f32, f32) = (0.52, 0.82);
/// From seat to seat.
const SEAT: f32 = 0.54;
/// Every so many seats there are stairs.
const BLOCK: i32 = 26;
const ROWS: i32 = 34;

pub(super) struct Crowd {
    seed: u32,
    teams: [Rgba; 2],
    flags: Vec<(f32, i32, usize)>,
}

/// Somebody in the picture.
pub(super) struct Person {
    at: (f32, f32),
    scale: f32,
    coat: Rgba,
    skin: Rgba,
    hair: Rgba,
    /// How far the arms are up, 0 to 1.
    arms: f32,
    light: f32,
}

impl Crowd {
    pub(super) fn new(dice: &mut Dice, teams: [Rgba; 2]) -> Crowd {
        let flags = (0..26)
            .map(|_| {
                let x = dice.within(-80.0, 80.0);
                (
                    x,
                    dice.below(16) as i32 + 2,
                    usize::from(x > dice.within(-30.0, 30.0)),
                )
            })
            .collect();
        Crowd {
            seed: dice.roll() as u32,
            teams,
            flags,
        }
    }

    /// The people in the picture, the farthest row first.
    pub(super) fn visible(
        &self,
        camera: &Camera,
        time: f64,
        width: f32,
        height: f32,
    ) -> Vec<Person> {
        let mut people = Vec::new();
        for row in (0..ROWS).rev() {
            let (y, z) = (FIRST.0 + STEP.0 * row as f32, FIRST.1 + STEP.1 * row as f32);
            // Which seats of this row are seen: all rows are level, so two ends suffice.
            let seats: Vec<i32> = (-180..=180)
                .filter(|seat| {
                    camera
                        .project([*seat as f32 * SEAT, y, z])
                        .is_some_and(|((px, py), s)| {
                            px > -s && px < width + s && py > -s && py < height + 2.0 * s
                        })
                })
                .collect();
            for seat in seats {
                if let Some(person) = self.person(camera, time, row, seat, (y, z)) {
                    people.push(person);
                }
            }
        }
        people
    }

    fn person(
        &self,
        camera: &Camera,
        time: f64,
        row: i32,
        seat: i32,
        (y, z): (f32, f32),
    ) -> Option<Person> {
        let code = hash(seat, row, self.seed);
        let stairs = seat.rem_euclid(BLOCK) < 2;
        if stairs || code & 15 == 0 {
            return None;
        }
        let chance = |n: u32| unit(hash(seat, row, self.seed ^ n));
        let x = seat as f32 * SEAT + 0.12 * (chance(1) - 0.5);
        // A wave of rising people runs along the stand; here and there somebody cheers alone.
        let run = x - ((time * 17.0 + f64::from(self.seed & 255)) % 260.0) as f32 + 130.0;
        let surge = exp(-run * run / 40.0);
        let mood = noise1((time * 0.7 % 1e6) as f32 + chance(2) * 50.0, code);
        let cheer = ((mood - 0.72) * 5.0).clamp(0.0, 1.0);
        let up = surge.max(cheer * 0.8);
        let sway = 0.03 * wave(time * mix(0.6, 1.4, chance(3)) as f64 + f64::from(chance(4)));
        let ((px, py), scale) =
            camera.project([x + sway, y + 0.32 + 0.3 * up + 0.5 * sway.abs(), z])?;
        let side = usize::from(x + 24.0 * (chance(5) - 0.5) > 4.0);
        let coat = match (chance(6) * 100.0) as u32 {
            0..=44 => self.teams[side],
            45..=58 => Rgba::light(0xe6e4dc),
            59..=74 => Rgba::light(0x23262e),
            _ => Rgba::light(COATS[(code >> 9) as usize % COATS.len()]),
        };
        let light = mix(0.6, 0.3, row as f32 / ROWS as f32) * mix(0.8, 1.15, chance(7));
        Some(Person {
            at: (px, py),
            scale,
            coat: coat.scale(light),
            skin: Rgba::light(SKINS[(code >> 4) as usize % SKINS.len()]).scale(light),
            hair: Rgba::light(HAIRS[(code >> 7) as usize % HAIRS.len()]).scale(light),
            arms: up,
            light,
        })
    }

    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        camera: &Camera,
        people: &[Person],
        time: f64,
        names: [&str; 2],
    ) {
        self.seats(canvas, camera);
        let mut path = Path::new();
        let rows = canvas.rows();
        for person in people {
            let ((x, y), s) = (person.at, person.scale);
            if y + s < rows.start as f32 || y - 1.2 * s > rows.end as f32 {
                continue;
            }
            if person.arms > 0.3 {
                let reach = 0.5 * person.arms * s;
                for side in [-1.0, 1.0] {
                    let hand = (x + side * 0.3 * s, y - 0.15 * s - reach);
                    canvas.line((x + side * 0.2 * s, y), hand, 0.1 * s, &person.skin);
                }
            }
            path.clear()
                .limb((x, y + 0.06 * s), 0.235 * s, (x, y + 0.6 * s), 0.25 * s);
            canvas.fill(&path, &person.coat.scale(0.85));
            path.clear()
                .limb((x, y + 0.05 * s), 0.2 * s, (x, y + 0.25 * s), 0.2 * s);
            canvas.fill(&path, &person.coat.scale(1.15).fade(0.7));
            canvas.circle(x, y - 0.31 * s, 0.135 * s, &person.hair);
            canvas.circle(x + 0.01 * s, y - 0.26 * s, 0.112 * s, &person.skin);
            if s > 18.0 {
                // A shadow between head and coat, and light on one shoulder.
                canvas.circle(
                    x - 0.11 * s,
                    y - 0.01 * s,
                    0.1 * s,
                    &person.coat.scale(1.35).fade(0.5),
                );
                canvas.line(
                    (x - 0.05 * s, y - 0.145 * s),
                    (x + 0.06 * s, y - 0.145 * s),
                    0.05 * s,
                    &Rgba::BLACK.fade(0.4 * person.light),
                );
            }
        }
        self.wall(canvas, camera);
        self.wave_flags(canvas, camera, time);
        self.boards(canvas, camera, time, names);
    }

    /// The stand itself: seats and stairs.
    fn seats(&self, canvas: &mut Canvas, camera: &Camera) {
        let mut points = Vec::new();
        let mut quad = |canvas: &mut Canvas, a: [f32; 3], b: [f32; 3], colour: Rgba| {
            let corners = [a, [b[0], a[1], a[2]], b, [a[0], b[1], b[2]]];
            camera.polygon(&corners, &mut points);
            canvas.polygon(&points, &colour);
        };
        let top = ROWS as f32;
        let back = (FIRST.0 + STEP.0 * top, FIRST.1 + STEP.1 * top);
        let far = 110.0;
        quad(
            canvas,
            [-far, FIRST.0 - 0.4, FIRST.1],
            [far, back.0, back.1],
            Rgba::light(0x2c3442),
        );
        quad(
            canvas,
            [-far, back.0, back.1],
            [far, back.0 + 12.0, back.1],
            Rgba::light(0x14171d),
        );
        for row in 0..ROWS {
            let (y, z) = (FIRST.0 + STEP.0 * row as f32, FIRST.1 + STEP.1 * row as f32);
            let shade = Rgba::light(if row % 2 == 0 { 0x39445a } else { 0x343e52 });
            quad(canvas, [-far, y - 0.1, z], [far, y + 0.22, z], shade);
        }
        let blocks = (far / SEAT) as i32 / BLOCK;
        for block in -blocks..=blocks {
            let x = block as f32 * BLOCK as f32 * SEAT - 0.2;
            for row in 0..ROWS {
                let (y, z) = (FIRST.0 + STEP.0 * row as f32, FIRST.1 + STEP.1 * row as f32);
                let (bright, dull) = (Rgba::light(0x8d8f90), Rgba::light(0x6a6c70));
                quad(canvas, [x, y - 0.26, z - 0.4], [x + 0.95, y, z - 0.4], dull);
                quad(canvas, [x, y, z - 0.4], [x + 0.95, y, z + 0.4], bright);
            }
        }
    }

    /// The wall in front of the first row.
    fn wall(&self, canvas: &mut Canvas, camera: &Camera) {
        let mut points = Vec::new();
        let far = 110.0;
        let mut quad = |canvas: &mut Canvas, a: [f32; 3], b: [f32; 3], colour: Rgba| {
            let corners = [a, [b[0], a[1], a[2]], b, [a[0], b[1], b[2]]];
            camera.polygon(&corners, &mut points);
            canvas.polygon(&points, &colour);
        };
        quad(
            canvas,
            [-far, 0.0, FIRST.1 - 0.8],
            [far, FIRST.0 + 0.2, FIRST.1 - 0.8],
            Rgba::light(0x8a9096),
        );
        quad(
            canvas,
            [-far, FIRST.0 + 0.05, FIRST.1 - 0.82],
            [far, FIRST.0 + 0.2, FIRST.1 - 0.82],
            Rgba::light(0xc9ced2),
        );
    }

    fn wave_flags(&self, canvas: &mut Canvas, camera: &Camera, time: f64) {
        for (index, &(x, row, team)) in self.flags.iter().enumerate() {
            let (y, z) = (FIRST.0 + STEP.0 * row as f32, FIRST.1 + STEP.1 * row as f32);
            let Some(((px, py), s)) = camera.project([x, y + 1.0, z]) else {
                continue;
            };
            let phase = time * 0.9 + index as f64 * 0.37;
            let tilt = 0.35 * wave(phase * 0.6);
            let tip = (px + tilt * s, py - 2.0 * s);
            canvas.line((px, py), tip, 0.05 * s, &Rgba::light(0xb8b2a0));
            let other = if index % 2 == 0 {
                Rgba::light(0xf0f0ea)
            } else {
                self.teams[1 - team]
            };
            for band in 0..3 {
                let mut path = Path::new();
                let at = |u: f32, v: f32| {
                    let ripple = 0.13 * u * wave(phase * 1.6 - f64::from(u) * 0.9);
                    let along = tip.0 + (u * 1.7 - tilt * v * 0.6) * s;
                    (along, tip.1 + (v * 1.1 + ripple + 0.1 * u) * s)
                };
                let (top, bottom) = (band as f32 / 3.0, (band + 1) as f32 / 3.0);
                let there = (0..=10).map(|i| at(i as f32 / 10.0, top));
                let back = (0..=10).rev().map(|i| at(i as f32 / 10.0, bottom));
                let outline: Vec<_> = there.chain(back).collect();
                path.polygon(&outline);
                let colour = if band == 1 { other } else { self.teams[team] };
                canvas.fill(&path, &colour.scale(0.62));
            }
        }
    }

    /// The boards between pitch and stand, whose letters move.
    fn boards(&self, canvas: &mut Canvas, camera: &Camera, time: f64, names: [&str; 2]) {
        const LENGTH: f32 = 9.0;
        let words = [
            "nervure",
            "ULTRA CLEAR",
            names[0],
            "lanczos",
            "BITRATE",
            names[1],
            "4K READY",
        ];
        let mut points = Vec::new();
        for board in -12i32..12 {
            let x = board as f32 * LENGTH;
            let z = GRASS_END;
            let corners = [
                [x, 0.0, z],
                [x + LENGTH, 0.0, z],
                [x + LENGTH, 1.05, z],
                [x, 1.05, z],
            ];
            camera.polygon(&corners, &mut points);
            let code = board.rem_euclid(words.len() as i32) as usize;
            let (paper, ink) = BOARDS[code % BOARDS.len()];
            canvas.polygon(&points, &Rgba::light(paper).scale(0.85));
            let origin = camera.project([x + LENGTH * 0.5, 0.22, z]);
            let right = camera.project([x + LENGTH * 0.5 + 1.0, 0.22, z]);
            if let Some(((o, s), (r, _))) = origin.zip(right) {
                let shift = 0.5 * wave(time * 0.13 + f64::from(board) * 0.21);
                let slope = (r.1 - o.1) / s;
                let place =
                    Affine::rotate(slope * 0.159).then(Affine::translate(o.0 + shift * s, o.1));
                let text = Text::new(0.92 * s).bold().centred().spaced(0.06);
                canvas.text_placed(place, words[code], &text, &Rgba::light(ink).scale(0.95));
            }
            camera.polygon(
                &[
                    [x, 1.0, z],
                    [x + LENGTH, 1.0, z],
                    [x + LENGTH, 1.06, z],
                    [x, 1.06, z],
                ],
                &mut points,
            );
            canvas.polygon(&points, &Rgba::light(0x30343a));
        }
    }
}

const COATS: [u32; 8] = [
    0xb03a48, 0x38618c, 0x4f7942, 0xc9a227, 0x7a5c8e, 0xd97b4a, 0x9aa5b1, 0x5d4a3c,
];
const BOARDS: [(u32, u32); 7] = [
    (0x0f2a52, 0xf4f7ff),
    (0xf2f4f6, 0xc8202c),
    (0x12151c, 0x58d0ff),
    (0xd42a32, 0xffffff),
    (0xf4d03c, 0x14202c),
    (0x1c7c4c, 0xffffff),
    (0x5c2a86, 0xffe45c),
];
