//! The car ahead, seen from behind.

use crate::draw::math::sin_cos_turns;
use crate::draw::{Affine, Canvas, Path, Rgba, Shader, Text};

use super::super::noise::{Dice, noise1};
use super::super::wave;
use super::{Shot, shine};

/// How far ahead it drives.
pub(super) const DISTANCE: f32 = 7.6;

pub(super) struct Car {
    paint: Rgba,
    seed: u32,
}

impl Car {
    pub(super) fn new(dice: &mut Dice) -> Car {
        Car {
            paint: Rgba::light(dice.pick(&[0x8c1420, 0x14406c, 0xb8860c, 0x2c5a3a])),
            seed: dice.roll() as u32,
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, shot: &Shot) {
        let time = shot.time;
        let sway = 1.25 * wave(time * 0.21) + 0.4 * wave(time * 0.53 + 0.2);
        let roll = 0.012 * wave(time * 0.53 + 0.45) + 0.003 * wave(time * 3.7);
        let bounce = 0.03 * noise1((time * 9.0 % 1e6) as f32, self.seed);
        let Some(((px, py), scale)) = shot.camera.project([sway, 0.0, DISTANCE]) else {
            return;
        };
        let rows = canvas.rows();
        if py + scale < rows.start as f32 || py - 2.0 * scale > rows.end as f32 {
            return;
        }
        // Metres, y upwards, about the middle of the rear axle on the ground.
        let ground = Affine::scale(scale, -scale).then(Affine::translate(px, py));
        let place = Affine::rotate(-roll)
            .then(Affine::translate(0.0, bounce))
            .then(ground);
        let mut path = Path::placed(ground);
        path.ellipse((0.0, 0.0), (1.15, 0.13));
        canvas.fill(&path, &Rgba::BLACK.fade(0.7));
        self.wheels(canvas, ground, time);
        self.body(canvas, place, shot);
        self.lamps(canvas, place, scale, time);
        self.dust(canvas, shot, (px, py), scale);
    }

    fn wheels(&self, canvas: &mut Canvas, ground: Affine, time: f64) {
        for side in [-1.0f32, 1.0] {
            let mut path = Path::placed(ground);
            path.rounded(side * 0.77 - 0.15, 0.0, side * 0.77 + 0.15, 0.66, 0.09);
            canvas.fill(&path, &Rgba::light(0x101012));
            for groove in 0..9 {
                // The tread runs past too fast to be seen sharp.
                let turn = ((groove as f64 / 9.0 + time * 5.0).fract()) as f32;
                let (s, _) = sin_cos_turns(turn * 0.5 - 0.25);
                let y = 0.33 + 0.31 * s;
                path.clear()
                    .polyline(&[(side * 0.77 - 0.12, y), (side * 0.77 + 0.12, y)]);
                canvas.stroke(
                    &path,
                    0.014 * ground.growth(),
                    &Rgba::light(0x2a2a2e).fade(0.6),
                );
            }
        }
    }

    fn body(&self, canvas: &mut Canvas, place: Affine, shot: &Shot) {
        let paint = self.paint.scale(0.8 + 0.9 * shot.flash);
        let pixel = place.growth();
        let (_, origin_y) = place.apply((0.0, 0.0));
        let mut path = Path::placed(place);
        // Cabin.
        path.blob(&[
            (-0.66, 0.92),
            (-0.56, 1.24),
            (-0.44, 1.38),
            (0.0, 1.42),
            (0.44, 1.38),
            (0.56, 1.24),
            (0.66, 0.92),
            (0.0, 0.86),
        ]);
        canvas.fill(&path, &paint.scale(0.7));
        path.clear()
            .polygon(&[(-0.57, 0.96), (-0.46, 1.3), (0.46, 1.3), (0.57, 0.96)]);
        let (tint, sunset) = (Rgba::light(0x140e16), Rgba::light(0xc86a4c));
        let glass = Shader(move |_, y: f32| {
            let height = (origin_y - y) / pixel;
            tint.mix(sunset, ((height - 1.0) * 2.4).clamp(0.0, 0.8))
        });
        canvas.fill(&path, &glass);
        for (x, w) in [(-0.24, 0.13), (0.26, 0.13)] {
            path.clear().rounded(x - w, 0.9, x + w, 1.19, 0.08);
            canvas.fill(&path, &Rgba::light(0x0a080c).fade(0.85));
        }
        // Body with its shoulders, lit from above right.
        path.clear().blob(&[
            (-0.93, 0.34),
            (-0.95, 0.6),
            (-0.9, 0.82),
            (-0.62, 0.94),
            (0.0, 0.97),
            (0.62, 0.94),
            (0.9, 0.82),
            (0.95, 0.6),
            (0.93, 0.34),
            (0.5, 0.26),
            (-0.5, 0.26),
        ]);
        let (origin_x, _) = place.apply((0.0, 0.0));
        let above = Rgba::light(0xffb890);
        let metal = Shader(move |x: f32, y: f32| {
            let (mx, my) = ((x - origin_x) / pixel, (origin_y - y) / pixel);
            let sky = ((my - 0.76) * 6.5).clamp(0.0, 1.0);
            let side = 0.5 + 0.45 * mx;
            let value = 0.34 + 0.34 * side + 0.25 * (my - 0.3);
            paint.scale(value).mix(above, sky * (0.2 + 0.45 * side))
        });
        canvas.fill(&path, &metal);
        // Panel lines, a spoiler, the bumper.
        let ink = Rgba::BLACK.fade(0.75);
        path.clear().curve(&[
            (-0.6, 0.92),
            (-0.62, 0.6),
            (-0.5, 0.5),
            (0.5, 0.5),
            (0.62, 0.6),
            (0.6, 0.92),
        ]);
        canvas.stroke(&path, 0.012 * pixel, &ink);
        path.clear()
            .polygon(&[(-0.86, 0.99), (-0.84, 1.04), (0.84, 1.04), (0.86, 0.99)]);
        canvas.fill(&path, &paint.scale(0.9));
        path.clear().polygon(&[
            (-0.94, 0.5),
            (-0.94, 0.32),
            (-0.78, 0.22),
            (0.78, 0.22),
            (0.94, 0.32),
            (0.94, 0.5),
            (0.8, 0.44),
            (-0.8, 0.44),
        ]);
        canvas.fill(&path, &Rgba::light(0x1c191e));
        for x in [-0.5, 0.5] {
            path.clear().ellipse((x, 0.27), (0.07, 0.045));
            canvas.fill(&path, &Rgba::light(0x8a8a90));
            path.clear().ellipse((x, 0.27), (0.05, 0.03));
            canvas.fill(&path, &Rgba::BLACK);
        }
        path.clear().rounded(-0.27, 0.53, 0.27, 0.66, 0.015);
        canvas.fill(&path, &Rgba::light(0xd8d4c4).scale(0.8));
        let (tx, ty) = place.apply((0.0, 0.555));
        let text = Text::new(0.125 * pixel).bold().centred();
        canvas.text(tx, ty, "NV 2024", &text, &Rgba::light(0x181a20));
    }

    fn lamps(&self, canvas: &mut Canvas, place: Affine, scale: f32, time: f64) {
        let braking = wave(time * 0.37).max(0.0);
        let red = Rgba::new(1.0, 0.045, 0.02);
        let mut path = Path::placed(place);
        for side in [-1.0f32, 1.0] {
            path.clear().polygon(&[
                (side * 0.44, 0.71),
                (side * 0.44, 0.79),
                (side * 0.86, 0.8),
                (side * 0.91, 0.69),
            ]);
            canvas.fill(&path, &red.scale(0.6 + 2.2 * braking));
            path.clear().polygon(&[
                (side * 0.5, 0.735),
                (side * 0.5, 0.76),
                (side * 0.82, 0.765),
                (side * 0.84, 0.735),
            ]);
            canvas.fill(&path, &Rgba::new(2.2, 0.5, 0.3).scale(0.7 + braking));
            let (x, y) = place.apply((side * 0.68, 0.75));
            shine(
                canvas,
                (x, y),
                (0.4 + 0.3 * braking) * scale,
                red.scale(0.3 + 0.45 * braking),
            );
        }
    }

    /// What the wheels throw up.
    fn dust(&self, canvas: &mut Canvas, shot: &Shot, (px, py): (f32, f32), scale: f32) {
        for puff in 0..16 {
            let phase = puff as f64 * 0.618_034;
            let age = ((shot.time * 2.6 + phase).fract()) as f32;
            let side = if puff % 2 == 0 { -0.78 } else { 0.78 };
            let drift = noise1(
                puff as f32 * 3.7 + (shot.time * 2.6 + phase).floor() as f32 % 4096.0,
                self.seed,
            ) - 0.5;
            let x = px + (side + drift * 1.5 * age) * scale;
            let y = py - (0.08 + 0.5 * age * (0.6 + drift)) * scale;
            let radius = (0.14 + 0.75 * age) * scale;
            let colour = Rgba::light(0xd8a078).scale(0.7 + shot.flash);
            canvas.spot(&crate::draw::Spot {
                centre: (x, y),
                radius: (radius * 1.2, radius * 0.8),
                colour: colour.fade(0.3 * (1.0 - age)),
            });
        }
    }
}
