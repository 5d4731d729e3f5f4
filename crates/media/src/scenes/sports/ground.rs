//! The pitch: mown grass, lines, goals.

use crate::draw::math::{floor, mix, smoothstep};
use crate::draw::{Canvas, Path, Point, Rgba};

use super::super::noise::Tile;
use super::super::perspective::Camera;
use super::{shadow_edge, sun};

/// Half the pitch's length and width in metres.
pub(super) const HALF: (f32, f32) = (52.5, 34.0);
/// Where the grass ends, before the boards.
pub(super) const GRASS_END: f32 = 38.4;

pub(super) struct Ground {
    /// Blades: a texel is drawn four times as long as wide, since that is how steeply they are
    /// seen.
    grass: Tile,
    seed: u32,
}

impl Ground {
    pub(super) fn new(grass: Tile, seed: u32) -> Ground {
        Ground { grass, seed }
    }

    /// The ground from the front to the boards, with its lines.
    pub(super) fn draw(&self, canvas: &mut Canvas, camera: &Camera) {
        let dark = Rgba::light(0x3f7f3a);
        let light = Rgba::light(0x649b4c);
        let worn = Rgba::light(0x93915e);
        let concrete = Rgba::light(0x6e6f72);
        let turned = (self.seed & 255) as f32 * 0.01;
        for row in canvas.rows_mut() {
            let Some(seen) = camera.ground(row.y as f32 + 0.5) else {
                row.r.fill(0.02);
                row.g.fill(0.02);
                row.b.fill(0.025);
                continue;
            };
            let pixel = seen.step.0.abs().max(seen.step.1.abs());
            let fine = self.grass.copy_for(pixel / 8.0 * 512.0);
            let coarse = self.grass.copy_for(pixel / 90.0 * 512.0);
            let soft = 1.0 / (0.12 + pixel);
            let columns = row.r.iter_mut().zip(row.g).zip(row.b).enumerate();
            for (column, ((r, g), b)) in columns {
                let x = seen.start.0 + seen.step.0 * column as f32;
                let z = seen.start.1 + seen.step.1 * column as f32;
                if z > GRASS_END {
                    let value = 0.9 + 0.2 * self.grass.level(fine, x / 8.0, z / 8.0);
                    (*r, *g, *b) = (concrete.r * value, concrete.g * value, concrete.b * value);
                    continue;
                }
                // Mown to and fro along the length, and once more across.
                let along = stripe(x * (1.0 / 5.25), soft * 5.25);
                let across = stripe(z * (1.0 / 5.6) + 0.5, soft * 5.6);
                let mown = 0.5 + 0.36 * along + 0.14 * across;
                let blades = self.grass.level(fine, x * 0.125, z * 0.03125);
                let patch = self.grass.level(coarse, x / 90.0 + turned, z / 90.0);
                let bright = (0.42 + 1.16 * blades) * (0.8 + 0.4 * patch) * sun(x, z);
                let bald = smoothstep(0.6, 0.8, patch + 0.35 * (blades - 0.5)) * 0.4;
                let colour = |dark: f32, light: f32, worn: f32| {
                    mix(mix(dark, light, mown), worn, bald) * bright
                };
                *r = colour(dark.r, light.r, worn.r);
                *g = colour(dark.g, light.g, worn.g);
                *b = colour(dark.b, light.b, worn.b);
            }
        }
        self.lines(canvas, camera);
    }

    fn lines(&self, canvas: &mut Canvas, camera: &Camera) {
        let mut path = Path::new();
        let mut points = Vec::new();
        let mut quad = |x0: f32, z0: f32, x1: f32, z1: f32| {
            let corners = [[x0, 0.0, z0], [x1, 0.0, z0], [x1, 0.0, z1], [x0, 0.0, z1]];
            camera.polygon(&corners, &mut points);
            path.polygon(&points);
        };
        const W: f32 = 0.06;
        let (length, width) = HALF;
        for side in [-1.0f32, 1.0] {
            quad(-length, side * width - W, length, side * width + W);
            quad(side * length - W, -width, side * length + W, width);
            for (deep, wide) in [(16.5, 20.16), (5.5, 9.16)] {
                let inner = side * (length - deep);
                quad(inner - W, -wide, inner + W, wide);
                for z in [-wide, wide] {
                    let (x0, x1) = (inner.min(side * length), inner.max(side * length));
                    quad(x0, z - W, x1, z + W);
                }
            }
            let spot = side * (length - 11.0);
            quad(spot - 0.12, -0.12, spot + 0.12, 0.12);
        }
        quad(-W, -width, W, width);
        ring(&mut path, camera, (0.0, 0.0), (0.0, 1.0));
        // The arcs outside the penalty areas: where the circle about the spot leaves the area.
        ring(&mut path, camera, (length - 11.0, 0.0), (0.352, 0.648));
        ring(&mut path, camera, (11.0 - length, 0.0), (-0.148, 0.148));
        let chalk = Rgba::light(0xf4f6ee);
        let paint = crate::draw::Shader(|_, y: f32| {
            // The shadow lies on the lines too; its edge runs nearly level through the picture.
            let lit = camera.ground(y).map_or(1.0, |row| {
                let middle = camera.centre.0;
                let (x, z) = (
                    row.start.0 + row.step.0 * middle,
                    row.start.1 + row.step.1 * middle,
                );
                if z > shadow_edge(x) { 1.0 } else { 0.5 }
            });
            chalk.scale(lit).fade(0.86)
        });
        canvas.fill(&path, &paint);
    }

    /// Both goals with their nets.
    pub(super) fn goals(&self, canvas: &mut Canvas, camera: &Camera) {
        let white = Rgba::light(0xf6f7f4);
        let net = Rgba::light(0xdfe3e3).fade(0.55);
        for side in [-1.0f32, 1.0] {
            let front = side * HALF.0;
            let back = front + side * 1.9;
            let mut line = |from: [f32; 3], to: [f32; 3], width: f32, colour: &Rgba| {
                if let Some(((a, scale), (b, _))) = camera.project(from).zip(camera.project(to)) {
                    canvas.line(a, b, width * scale, colour);
                }
            };
            for step in 0..=30 {
                let z = -3.66 + 7.32 * step as f32 / 30.0;
                line([back, 0.0, z], [front + side * 0.9, 2.44, z], 0.02, &net);
                line([front, 2.44, z], [front + side * 0.9, 2.44, z], 0.02, &net);
            }
            for step in 0..=10 {
                let t = step as f32 / 10.0;
                let (x, y) = (mix(back, front + side * 0.9, t), 2.44 * t);
                line([x, y, -3.66], [x, y, 3.66], 0.02, &net);
                for z in [-3.66, 3.66] {
                    line([front, y, z], [x, y, z], 0.02, &net);
                }
            }
            for z in [-3.66, 3.66] {
                line([front, 0.0, z], [front, 2.44, z], 0.12, &white);
            }
            line([front, 2.44, -3.66], [front, 2.44, 3.66], 0.12, &white);
        }
    }
}

/// A stretch of the painted circle of 9.15 metres about a point on the ground.
fn ring(path: &mut Path, camera: &Camera, centre: (f32, f32), (start, end): (f32, f32)) {
    use crate::draw::math::sin_cos_turns;
    let count = ((end - start) * 96.0) as usize + 1;
    let at = |turns: f32, radius: f32| {
        let (s, c) = sin_cos_turns(turns);
        [centre.0 + radius * c, 0.0, centre.1 + radius * s]
    };
    let mut points: Vec<Point> = Vec::new();
    for step in 0..count {
        let from = start + (end - start) * step as f32 / count as f32;
        let to = start + (end - start) * (step + 1) as f32 / count as f32;
        let corners = [at(from, 9.09), at(to, 9.09), at(to, 9.21), at(from, 9.21)];
        camera.polygon(&corners, &mut points);
        path.polygon(&points);
    }
}

/// -1 and 1 in turn for every unit, with an edge as soft as one over `sharp` asks.
#[inline(always)]
fn stripe(x: f32, sharp: f32) -> f32 {
    let half = x * 0.5;
    let saw = half - floor(half);
    let wave = 1.0 - 4.0 * (saw - 0.5).abs();
    (wave * sharp).clamp(-1.0, 1.0)
}
