//! Hair: locks filled with noise along their flow, and single strands over them.

use crate::draw::math::{mix, smoothstep};
use crate::draw::{Canvas, Path, Point, Rgba, Shader};

use super::super::noise::{Dice, fractal, noise};
use super::Pose;

/// Where the hair parts.
const PARTING: Point = (-0.28, -1.5);

pub(super) struct Hair {
    dark: Rgba,
    light: Rgba,
    seed: u32,
    /// How far down it reaches, in head units.
    length: f32,
}

/// A strand and how bright it is.
pub(super) struct Strand {
    path: Path,
    colour: Rgba,
    width: f32,
}

impl Hair {
    pub(super) fn new(dice: &mut Dice) -> Hair {
        let (dark, light) = dice.pick(&[
            (0x1a0f0a, 0x6a4630),
            (0x0c0b0e, 0x4a4550),
            (0x4a2612, 0xc88850),
            (0x3a1008, 0xb8542c),
        ]);
        Hair {
            dark: Rgba::light(dark),
            light: Rgba::light(light),
            seed: dice.roll() as u32,
            length: dice.within(1.2, 1.7),
        }
    }

    /// How far apart strands are at a height: they fan out and then hang.
    fn spread(y: f32) -> f32 {
        let fall = ((y - PARTING.1 + 0.6) / 2.4).clamp(0.0, 1.0);
        0.3 + 0.92 * fall * (2.0 - fall)
    }

    /// A number that is the same all along a strand: strands fan out from the parting and then
    /// hang down.
    fn strand(x: f32, y: f32) -> f32 {
        let spread = Hair::spread(y);
        (x - PARTING.0) / spread
    }

    /// The point of a strand at a height.
    fn point(strand: f32, y: f32) -> Point {
        let spread = Hair::spread(y);
        (PARTING.0 + strand * spread, y)
    }

    fn shade(&self, x: f32, y: f32, depth: f32) -> Rgba {
        let strand = Hair::strand(x, y) + 0.03 * noise(y * 1.7, x * 0.6, self.seed);
        let fine = fractal(strand * 46.0, y * 1.3, 3, self.seed);
        let locks = noise(strand * 9.0, y * 0.7, self.seed ^ 3);
        // Light from above left makes a band across the crown and along the left side.
        let band = smoothstep(0.34, 0.0, (y + 1.28 - 0.16 * (x + 0.3) * (x + 0.3)).abs());
        let side = smoothstep(0.9, -1.2, x);
        let shine = band * (0.4 + 0.6 * side) * smoothstep(0.3, 0.75, fine);
        let value = (0.1 + 0.5 * fine * locks + 0.25 * side * locks) * depth;
        let base = self.dark.mix(self.light, value.min(1.0));
        base.scale(0.7 + 0.5 * side)
            .mix(self.light.mix(Rgba::WHITE, 0.35), 0.42 * shine * depth)
    }

    /// What hangs behind the head and neck.
    pub(super) fn back(&self, canvas: &mut Canvas, pose: &Pose) {
        let l = self.length;
        let mut path = Path::placed(pose.head);
        path.blob(&[
            (0.0, -1.96),
            (0.82, -1.72),
            (1.2, -0.9),
            (1.3, 0.1),
            (1.26, l * 0.8),
            (0.95, l + 0.12),
            (0.0, l),
            (-0.95, l + 0.12),
            (-1.26, l * 0.8),
            (-1.3, 0.1),
            (-1.2, -0.9),
            (-0.82, -1.72),
        ]);
        canvas.fill(&path, &self.paint(pose, 0.5));
    }

    fn paint(&self, pose: &Pose, depth: f32) -> Shader<impl Fn(f32, f32) -> Rgba> {
        let (origin, unit) = (pose.head.apply((0.0, 0.0)), pose.unit);
        Shader(move |px: f32, py: f32| {
            self.shade((px - origin.0) / unit, (py - origin.1) / unit, depth)
        })
    }

    /// The two curtains that frame the face, and the strands on them.
    pub(super) fn front(&self, canvas: &mut Canvas, pose: &Pose, strands: &[Strand]) {
        let l = self.length;
        let shift = pose.look.turned * 0.5;
        let (px, py) = PARTING;
        let mut path = Path::placed(pose.head);
        path.blob(&[
            (px + 0.02, py + 0.24),
            (0.14 + shift, -1.06),
            (0.66 + shift, -0.68),
            (0.88 + shift, -0.22),
            (0.92 + shift * 0.8, 0.35),
            (0.88 + shift * 0.5, l * 0.7),
            (0.72, l + 0.1),
            (1.12, l + 0.06),
            (1.31, l * 0.62),
            (1.34, -0.1),
            (1.22, -1.0),
            (0.78, -1.74),
            (0.1, -1.98),
            (px - 0.06, -1.94),
            (px - 0.03, -1.6),
        ]);
        canvas.fill(&path, &self.paint(pose, 1.0));
        path.clear().blob(&[
            (px + 0.03, py + 0.25),
            (px - 0.2 + shift, -1.03),
            (-0.78 + shift, -0.58),
            (-0.93 + shift, -0.05),
            (-0.92 + shift * 0.8, 0.5),
            (-0.86 + shift * 0.5, l * 0.75),
            (-0.7, l + 0.1),
            (-1.1, l + 0.06),
            (-1.31, l * 0.62),
            (-1.34, -0.1),
            (-1.22, -1.0),
            (-0.8, -1.74),
            (px - 0.14, -1.92),
            (px + 0.08, -1.95),
            (px + 0.06, -1.6),
        ]);
        canvas.fill(&path, &self.paint(pose, 1.05));
        for strand in strands {
            canvas.stroke(&strand.path, strand.width, &strand.colour);
        }
    }

    /// Single strands, some bright, some dark, a few astray.
    pub(super) fn strands(&self, pose: &Pose) -> Vec<Strand> {
        let mut dice = Dice::new(u64::from(self.seed), "strands");
        let mut strands = Vec::new();
        for _ in 0..190 {
            let left = dice.unit() < 0.45;
            let across = if left {
                dice.within(-0.86, -0.55)
            } else {
                dice.within(0.96, 1.28)
            };
            let start = dice.within(-1.75, 0.2);
            let end = (start + dice.within(0.6, 1.8)).min(self.length + 0.05);
            let astray = dice.unit() < 0.12;
            let bend = dice.within(-0.02, 0.02)
                + if astray {
                    dice.within(-0.05, 0.08)
                } else {
                    0.0
                };
            let bright = dice.unit();
            let mut path = Path::placed(pose.head);
            let points: Vec<Point> = (0..8)
                .map(|i| {
                    let t = i as f32 / 7.0;
                    let (x, y) = Hair::point(across, mix(start, end, t));
                    (x + bend * (t * t * 2.0 - t) * 3.0, y)
                })
                .collect();
            path.curve(&points);
            let colour = if bright > 0.5 {
                self.light.mix(Rgba::WHITE, 0.25 * bright).fade(0.24)
            } else {
                self.dark.scale(0.6).fade(0.42)
            };
            strands.push(Strand {
                path,
                colour,
                width: dice.within(0.006, 0.013) * pose.unit,
            });
        }
        strands
    }
}
