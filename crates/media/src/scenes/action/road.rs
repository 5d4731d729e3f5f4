//! The road and what stands beside it.

use crate::draw::math::{mix, smoothstep};
use crate::draw::{Canvas, Point, Rgba};

use super::super::noise::{Tile, hash, unit};
use super::Shot;

/// Half the road's width.
const HALF: f32 = 4.6;
/// Metres that the tile of asphalt and sand covers across and along.
const TILE: (f32, f32) = (5.0, 40.0);

pub(super) struct Road {
    /// Asphalt and sand, already blurred along the road by what a shot drives over.
    fine: Tile,
    coarse: Tile,
    seed: u32,
}

impl Road {
    pub(super) fn new(seed: u32, step: f32) -> Road {
        const LOG: u32 = 9;
        let sharp = Tile::fractal(LOG, 96, 3, seed);
        // A place seen while the camera drives `step` metres is the average over as many texels.
        let side = 1usize << LOG;
        let length = ((step / TILE.1 * side as f32).round() as usize).clamp(1, side);
        let at = |x: usize, y: usize| {
            sharp.level(0, x as f32 / side as f32, (y % side) as f32 / side as f32)
        };
        let fine = Tile::new(LOG, |x, y| {
            (0..length).map(|offset| at(x, y + offset)).sum::<f32>() / length as f32
        });
        Road {
            fine,
            coarse: Tile::fractal(8, 8, 4, seed ^ 3),
            seed,
        }
    }

    /// The ground as far as the horizon.
    pub(super) fn draw(&self, canvas: &mut Canvas, shot: &Shot) {
        let asphalt = Rgba::light(0x47424a);
        let sand = Rgba::light(0x9c6a48);
        let dark_sand = Rgba::light(0x6a4634);
        let haze = Rgba::light(0xc98a60);
        let travel = (shot.driven % f64::from(TILE.1)) as f32;
        let coarse_travel = (shot.driven % 160.0) as f32;
        let fire = 0.5 * shot.flash;
        let mut patches = vec![0.0; canvas.width()];
        for row in canvas.rows_mut() {
            let Some(seen) = shot.camera.ground(row.y as f32 + 0.5) else {
                continue;
            };
            if seen.depth > 1500.0 {
                continue;
            }
            let pixel = seen.step.0.abs();
            // Along the road a row covers far more ground than a column does across.
            let long = seen.depth * seen.depth / (1.9 * shot.camera.focal);
            let level = self
                .fine
                .copy_for((pixel / TILE.0).max(long / TILE.1) * 512.0);
            let coarse_level = self.coarse.copy_for(long / 160.0 * 256.0);
            let soft = 1.0 / (pixel + 0.03);
            let far = smoothstep(60.0, 700.0, seen.depth);
            // Low light comes back from the road where it is seen flat, most under the sun.
            let sheen = smoothstep(3.0, 120.0, seen.depth) * 0.55;
            let z = seen.start.1;
            let (v, w) = ((z + travel) / TILE.1, (z + coarse_travel) / 160.0);
            let dash = (z + (shot.driven % 12.0) as f32).rem_euclid(12.0);
            let dashed = dash_cover(dash, shot.step + long);
            let across = (seen.start.0 / 40.0, w);
            self.coarse
                .row(coarse_level, across, seen.step.0 / 40.0, &mut patches);
            let columns = row.r.iter_mut().zip(row.g).zip(row.b).enumerate();
            for (column, ((r, g), b)) in columns {
                let x = seen.start.0 + seen.step.0 * column as f32;
                let grain = self.fine.level(level, x / TILE.0, v);
                let patch = patches[column];
                let on_road = ((HALF + 0.5 * (patch - 0.5) - x.abs()) * soft).clamp(0.0, 1.0);
                let rough = 0.45 + 1.1 * grain;
                let mut cr = mix(dark_sand.r, sand.r, patch) * rough;
                let mut cg = mix(dark_sand.g, sand.g, patch) * rough;
                let mut cb = mix(dark_sand.b, sand.b, patch) * rough;
                if on_road > 0.0 {
                    // Wheels have polished two tracks in each lane.
                    let lane = (x.abs() - 2.3).abs() - 0.8;
                    let track = 1.0 - 0.16 * smoothstep(0.35, 0.0, lane.abs());
                    let tar = (0.55 + 0.75 * grain) * (0.8 + 0.4 * patch) * track;
                    let edge = line(x.abs() - (HALF - 0.35), 0.075, soft);
                    let middle = line(x, 0.09, soft) * dashed;
                    let paint = (edge + middle).min(1.0) * (0.55 + 0.6 * grain) * 0.9;
                    let tone = |tar_c: f32, paint_c: f32| {
                        mix(tar_c * tar + sheen * 0.2 * (0.4 + grain), paint_c, paint)
                    };
                    cr = mix(cr, tone(asphalt.r, 0.86) + sheen * 0.16, on_road);
                    cg = mix(cg, tone(asphalt.g, 0.74) + sheen * 0.07, on_road);
                    cb = mix(cb, tone(asphalt.b, 0.42) + sheen * 0.04, on_road);
                }
                *r = mix(cr * (0.62 + fire), haze.r, far);
                *g = mix(cg * (0.58 + fire * 0.6), haze.g, far);
                *b = mix(cb * (0.62 + fire * 0.25), haze.b, far);
            }
        }
    }

    /// Poles, rocks and the rail, from `far` to `near` metres.
    pub(super) fn side(&self, canvas: &mut Canvas, shot: &Shot, far: f32, near: f32) {
        const SPACE: f64 = 9.0;
        let first = (shot.driven / SPACE).floor() as i64;
        let count = (400.0 / SPACE) as i64;
        for index in (first..first + count).rev() {
            let z = (index as f64 * SPACE - shot.driven) as f32 + 0.5;
            if z > far || z <= near.max(0.6) {
                continue;
            }
            let code = (index % 1_000_000) as i32;
            self.rail(canvas, shot, z);
            if index % 3 == 0 {
                self.pole(canvas, shot, z, -9.5);
            }
            for rock in 0..3 {
                let chance = |n: u32| unit(hash(code, rock, self.seed ^ n));
                let side = if chance(1) < 0.5 { -1.0 } else { 1.0 };
                let x = side * mix(HALF + 3.0, 30.0, chance(2));
                let size = mix(0.2, 1.1, chance(3) * chance(3));
                self.rock(
                    canvas,
                    shot,
                    (x, z + 6.0 * chance(4)),
                    size,
                    code * 4 + rock,
                );
            }
        }
    }

    fn rail(&self, canvas: &mut Canvas, shot: &Shot, z: f32) {
        let x = HALF + 1.3;
        let near = (z - 9.0).max(0.7);
        let mut points: Vec<Point> = Vec::new();
        let mut quad = |canvas: &mut Canvas, corners: [[f32; 3]; 4], colour: Rgba| {
            shot.camera.polygon(&corners, &mut points);
            canvas.polygon(&points, &colour);
        };
        let haze = smoothstep(40.0, 400.0, z);
        let air = Rgba::light(0xc98a60);
        let fire = 1.0 + 1.5 * shot.flash;
        quad(
            canvas,
            [
                [x, 0.0, z],
                [x + 0.12, 0.0, z],
                [x + 0.12, 0.78, z],
                [x, 0.78, z],
            ],
            Rgba::light(0x38323a).mix(air, haze),
        );
        for (low, high, tone) in [
            (0.46, 0.58, 0x5c5660),
            (0.58, 0.62, 0x2a262e),
            (0.62, 0.8, 0x8c848c),
        ] {
            quad(
                canvas,
                [[x, low, near], [x, low, z], [x, high, z], [x, high, near]],
                Rgba::light(tone).scale(fire).mix(air, haze),
            );
        }
    }

    fn pole(&self, canvas: &mut Canvas, shot: &Shot, z: f32, x: f32) {
        let wood = Rgba::light(0x241a1c).mix(Rgba::light(0xb07c5c), smoothstep(40.0, 420.0, z));
        let at = |p: [f32; 3]| shot.camera.project(p);
        // What moves sideways during the shot is drawn as wide as it moves, and as much fainter.
        let blur = |place: [f32; 3], width: f32| {
            let later = at([place[0], place[1], (place[2] - shot.step).max(0.6)]);
            let swept = match at(place).zip(later) {
                Some(((a, _), (b, _))) => (b.0 - a.0).abs().min(400.0),
                None => 0.0,
            };
            (width + swept, width / (width + swept))
        };
        if let Some(((foot, scale), (top, _))) = at([x, 0.0, z]).zip(at([x, 7.5, z])) {
            let (wide, faint) = blur([x, 3.0, z], 0.26 * scale);
            canvas.rect(
                top.0 - wide * 0.5,
                top.1,
                top.0 + wide * 0.5,
                foot.1,
                &wood.fade(faint),
            );
            for (y, half) in [(6.9, 1.1), (6.2, 0.8)] {
                if let Some(((a, _), (b, _))) = at([x - half, y, z]).zip(at([x + half, y, z])) {
                    let (thick, faint) = blur([x, y, z], 0.13 * scale);
                    canvas.line(a, b, thick.min(0.3 * scale), &wood.fade(faint.max(0.4)));
                }
            }
            // Wires hang to the next pole, each piece as thick as its own distance asks.
            for wire in [-1.0f32, 1.0] {
                let hang = |t: f32| {
                    let sag = 0.9 * 4.0 * t * (1.0 - t);
                    at([x + wire, 6.95 - sag, z + 27.0 * t])
                };
                for step in 0..8 {
                    let piece = hang(step as f32 / 8.0).zip(hang((step + 1) as f32 / 8.0));
                    if let Some(((a, near), (b, far))) = piece {
                        let thick = 0.02 * (near + far) * 0.5;
                        canvas.line(a, b, thick.clamp(0.4, 4.0), &wood);
                    }
                }
            }
        }
    }

    fn rock(&self, canvas: &mut Canvas, shot: &Shot, (x, z): Point, size: f32, code: i32) {
        let Some(((px, py), scale)) = shot.camera.project([x, 0.0, z]) else {
            return;
        };
        let s = size * scale;
        if !(0.7..=900.0).contains(&s) {
            return;
        }
        let corner = |index: i32| {
            let (sn, cs) = crate::draw::math::sin_cos_turns(index as f32 / 9.0);
            let r = s * mix(0.7, 1.15, unit(hash(code, index, self.seed ^ 91)));
            (px + cs * r * 1.3, py - 0.35 * s + sn * r * 0.75)
        };
        let outline: Vec<Point> = (0..9).map(corner).collect();
        let haze = smoothstep(40.0, 420.0, z);
        let air = Rgba::light(0xc98a60);
        let base = Rgba::light(0x4a3230).scale(1.0 + shot.flash).mix(air, haze);
        canvas.polygon(&outline, &base);
        // The side towards the sun.
        let lit = [
            outline[0],
            outline[8],
            outline[7],
            (px + 0.1 * s, py - 0.4 * s),
        ];
        canvas.polygon(&lit, &Rgba::light(0xd08a58).mix(air, haze));
        let second = [
            outline[7],
            outline[6],
            (px - 0.2 * s, py - 0.5 * s),
            (px + 0.1 * s, py - 0.4 * s),
        ];
        canvas.polygon(&second, &Rgba::light(0x8a5844).mix(air, haze));
    }
}

/// How much of a line `half` wide on both sides a pixel at `x` covers.
#[inline(always)]
fn line(x: f32, half: f32, soft: f32) -> f32 {
    ((half - x.abs()) * soft + 0.5).clamp(0.0, 1.0) * (2.0 * half * soft).min(1.0)
}

/// How much dash is seen at a place of its 12 metres, of which 4 are painted, when the picture
/// smears over `smear` metres.
fn dash_cover(place: f32, smear: f32) -> f32 {
    let smear = smear.max(0.01);
    let overlap = |from: f32, to: f32| ((place + smear).min(to) - place.max(from)).max(0.0);
    ((overlap(0.0, 4.0) + overlap(12.0, 16.0)) / smear).clamp(0.0, 1.0)
}
