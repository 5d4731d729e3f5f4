//! A drawn film: flat colours, dark outlines, layers of landscape that pass at their own speeds,
//! and a fox on its way.

mod fox;
mod land;

use crate::draw::math::{mix, sin_cos_turns};
use crate::draw::{Affine, Canvas, Light, Path, Ramp, Rgba};

use super::noise::{Dice, hash, unit};
use super::{Moment, Painter, wave};

/// The colours of a time of day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    sky: [u32; 3],
    sun: u32,
    cloud: [u32; 2],
    mountain: [u32; 2],
    hills: [[u32; 2]; 3],
    leaf: [[u32; 2]; 3],
    ink: u32,
}

pub(super) struct Animation {
    size: (f32, f32),
    seed: u32,
    palette: Palette,
    scarf: u32,
}

impl Animation {
    pub(super) fn new(seed: u64, size: (f32, f32)) -> Animation {
        let mut dice = Dice::new(seed, "animation");
        Animation {
            size,
            seed: dice.roll() as u32,
            palette: dice.pick(&PALETTES),
            scarf: dice.pick(&[0xd8343c, 0x2c6cc4, 0x2f9e62, 0x7a3fa8]),
        }
    }
}

/// What the layers are drawn with: one frame's view of the land, 720 units high.
struct View {
    /// Pixels in a unit.
    unit: f32,
    /// Units from left to right.
    width: f32,
    /// How far the camera has come, in units of the layer it walks on.
    travel: f64,
    time: f64,
    seed: u32,
    palette: Palette,
}

impl View {
    fn place(&self, x: f32, y: f32) -> Affine {
        Affine::scale(self.unit, self.unit).then(Affine::translate(x * self.unit, y * self.unit))
    }

    /// Things of a layer that passes at `speed`, one in every `spacing` units: their number and
    /// where each is now. `reach` is how far a thing extends.
    fn things(&self, speed: f64, spacing: f32, reach: f32) -> impl Iterator<Item = (i32, f32)> {
        let offset = self.travel * speed;
        let spacing64 = f64::from(spacing);
        let first = ((offset - f64::from(reach)) / spacing64).floor() as i32;
        let count = ((self.width + 2.0 * reach) / spacing) as i32 + 2;
        (first..first + count)
            .map(move |index| (index, (f64::from(index) * spacing64 - offset) as f32))
    }

    fn chance(&self, index: i32, purpose: i32) -> f32 {
        unit(hash(index, purpose, self.seed))
    }

    fn colour(&self, code: u32) -> Rgba {
        Rgba::hex(code)
    }

    fn ink(&self) -> Rgba {
        Rgba::hex(self.palette.ink)
    }
}

/// Fills a shape and draws its outline.
fn inked(canvas: &mut Canvas, path: &Path, fill: Rgba, ink: Rgba, width: f32) {
    canvas.fill(path, &fill);
    canvas.stroke(path, width, &ink);
}

impl Painter for Animation {
    fn light(&self) -> Light {
        Light::Coded
    }

    fn picture<'a>(&'a self, moment: Moment) -> Box<dyn Fn(&mut Canvas) + Sync + 'a> {
        let unit = self.size.1 / 720.0;
        // The camera swings a little ahead of its steady way and eases back.
        let time = moment.time;
        let sway = 90.0 * f64::from(wave(time * 0.11)) + 26.0 * f64::from(wave(time * 0.29 + 0.4));
        let view = View {
            unit,
            width: self.size.0 / unit,
            travel: 210.0 * time + sway + 1000.0 * f64::from(self.seed & 15),
            time,
            seed: self.seed,
            palette: self.palette,
        };
        let runner = fox::Fox::new(&view, self.scarf);
        Box::new(move |canvas| {
            self.sky(canvas, &view);
            land::mountains(canvas, &view);
            land::clouds(canvas, &view);
            land::far_hills(canvas, &view);
            land::middle_hills(canvas, &view);
            land::near_ground(canvas, &view);
            runner.draw(canvas, &view);
            land::butterflies(canvas, &view);
            land::foreground(canvas, &view);
        })
    }
}

impl Animation {
    fn sky(&self, canvas: &mut Canvas, view: &View) {
        let [top, middle, low] = self.palette.sky.map(Rgba::hex);
        let ramp = Ramp::new(&[(0.0, top), (0.45, middle), (0.72, low)]);
        for row in canvas.rows_mut() {
            let colour = ramp.at((row.y as f32 + 0.5) / self.size.1);
            row.r.fill(colour.r);
            row.g.fill(colour.g);
            row.b.fill(colour.b);
        }
        let u = view.unit;
        let sun = Rgba::hex(self.palette.sun);
        let (x, y) = (view.width * 0.73 * u, 190.0 * u);
        for (radius, alpha) in [(230.0, 0.10), (170.0, 0.14), (118.0, 0.22)] {
            let pulse = radius + 4.0 * wave(view.time * 0.4 + f64::from(radius) * 0.003);
            canvas.circle(x, y, pulse * u, &sun.fade(alpha));
        }
        // Rays turn slowly.
        let mut path = Path::new();
        for ray in 0..16 {
            let turn = ray as f32 / 16.0 + (view.time * 0.008).fract() as f32;
            let at = |spread: f32, radius: f32| {
                let (s, c) = sin_cos_turns(turn + spread);
                (x + c * radius * u, y + s * radius * u)
            };
            let length = mix(300.0, 420.0, view.chance(ray, 5));
            path.polygon(&[
                at(-0.006, 132.0),
                at(-0.012, length),
                at(0.012, length),
                at(0.006, 132.0),
            ]);
        }
        canvas.fill(&path, &sun.fade(0.12));
        canvas.circle(x, y, 78.0 * u, &sun);
        canvas.circle(x - 6.0 * u, y - 6.0 * u, 66.0 * u, &Rgba::WHITE.fade(0.35));
    }
}

const PALETTES: [Palette; 3] = [
    Palette {
        sky: [0x3f9be0, 0x8fd0f0, 0xfdf0cf],
        sun: 0xffe9a0,
        cloud: [0xffffff, 0xd4e4f4],
        mountain: [0x8fa8d4, 0x7590c2],
        hills: [
            [0x9fd08a, 0x8cc27c],
            [0x7cc05c, 0x66a84c],
            [0x5cb040, 0x4a9434],
        ],
        leaf: [
            [0x4fa04c, 0x3b8443],
            [0x78b83e, 0x5c9a36],
            [0xe0a03a, 0xc07c2c],
        ],
        ink: 0x2c2438,
    },
    Palette {
        sky: [0x5a4a9c, 0xd87a8c, 0xffd08a],
        sun: 0xfff0b4,
        cloud: [0xffd9c0, 0xe0a0a8],
        mountain: [0x8a6aa8, 0x6f5594],
        hills: [
            [0xb48a8c, 0x9c747c],
            [0x8c9058, 0x74784c],
            [0x6c8c44, 0x587438],
        ],
        leaf: [
            [0x5c7c40, 0x48643a],
            [0xc87840, 0xa85c38],
            [0xd8a048, 0xb07c3c],
        ],
        ink: 0x2c1c38,
    },
    Palette {
        sky: [0x58b8c8, 0xa8e0d4, 0xf8f4d8],
        sun: 0xfff4c0,
        cloud: [0xfffdf4, 0xd4e8e4],
        mountain: [0x8cbcb8, 0x70a4a8],
        hills: [
            [0xd8c878, 0xc4b068],
            [0xc8a850, 0xb08e44],
            [0xa8b048, 0x8c943c],
        ],
        leaf: [
            [0xd86c34, 0xb04e2c],
            [0xe0a83c, 0xbc842c],
            [0xb44438, 0x8c342f],
        ],
        ink: 0x30242c,
    },
];
