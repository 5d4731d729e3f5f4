//! The room behind, drawn small and blurred once.

use crate::draw::{Canvas, Light, Path, Rgba};

use super::super::noise::Dice;
use super::super::soften::{blurred, sample_row};
use super::glow;

/// The room's picture, wide enough to shift behind the speaker.
pub(super) struct Room {
    picture: Canvas,
    size: (f32, f32),
}

/// Rows of the small picture: blurred as it is, more would show nothing more.
const ROWS: usize = 180;

impl Room {
    pub(super) fn new(dice: &mut Dice, size: (f32, f32)) -> Room {
        let columns = ((size.0 / size.1 * 1.1).min(12.0) * ROWS as f32) as usize + 8;
        let warm = dice.unit() < 0.6;
        let mut picture = paint(dice, columns, warm);
        for _ in 0..3 {
            picture = blurred(&picture, 5);
        }
        lights(&mut picture, dice, warm);
        for _ in 0..2 {
            picture = blurred(&picture, 2);
        }
        Room { picture, size }
    }

    /// Fills the canvas with the room, shifted sideways by a share of its width.
    pub(super) fn draw(&self, canvas: &mut Canvas, shift: f32) {
        let (width, height) = self.size;
        let columns = self.picture.width();
        let scale = ROWS as f32 / height;
        let start = (columns as f32 - width * scale) * (0.5 - shift.clamp(-1.0, 1.0)) - 0.5;
        for row in canvas.rows_mut() {
            let y = ((row.y as f32 + 0.5) * scale - 0.5).clamp(0.0, (ROWS - 1) as f32);
            let from = (0.5 * scale + start, y);
            sample_row(&self.picture, from, scale, [row.r, row.g, row.b]);
        }
    }
}

/// Wall, window, shelf with books, plant.
fn paint(dice: &mut Dice, columns: usize, warm: bool) -> Canvas {
    let wall = Rgba::light(if warm { 0x6b5a4e } else { 0x46545e });
    let mut canvas = Canvas::new(columns, ROWS, Light::Linear, wall);
    let (width, height) = (columns as f32, ROWS as f32);
    canvas.rect(0.0, 0.0, width * 0.3, height, &wall.scale(0.55));
    // A window on the left with evening light.
    let (x0, x1) = (width * 0.06, width * 0.27);
    canvas.rect(x0 - 3.0, 12.0, x1 + 3.0, 128.0, &Rgba::light(0x3a3029));
    let sky = if warm { 0xf4c98a } else { 0xa9d4f5 };
    canvas.rect(x0, 15.0, x1, 125.0, &Rgba::light(sky).scale(1.25));
    canvas.rect(x0, 84.0, x1, 125.0, &Rgba::light(0x8aa06c).scale(0.9));
    canvas.rect(
        (x0 + x1) * 0.5 - 1.5,
        15.0,
        (x0 + x1) * 0.5 + 1.5,
        125.0,
        &Rgba::light(0x3a3029),
    );
    canvas.rect(x0, 62.0, x1, 64.5, &Rgba::light(0x3a3029));
    // Shelves on the right.
    let (s0, s1) = (width * 0.62, width * 0.97);
    canvas.rect(s0 - 4.0, 0.0, s1 + 4.0, height, &Rgba::light(0x3c2b20));
    for shelf in 0..4 {
        let base = 40.0 + 44.0 * shelf as f32;
        canvas.rect(s0, base - 38.0, s1, base, &Rgba::light(0x241911));
        let mut x = s0 + 2.0;
        while x < s1 - 6.0 {
            let wide = dice.within(3.0, 8.0);
            let tall = dice.within(20.0, 34.0);
            let cover = dice.pick(&BOOKS);
            if dice.unit() < 0.86 {
                canvas.rect(
                    x,
                    base - tall,
                    x + wide,
                    base,
                    &Rgba::light(cover).scale(0.8),
                );
                canvas.rect(
                    x,
                    base - tall * 0.8,
                    x + wide,
                    base - tall * 0.72,
                    &Rgba::light(0xe8d8a8).scale(0.5),
                );
            }
            x += wide + 0.6;
        }
        canvas.rect(s0 - 4.0, base, s1 + 4.0, base + 4.0, &Rgba::light(0x6a4a32));
    }
    // A plant in front of the wall.
    let (px, py) = (width * 0.4, 150.0);
    for _ in 0..26 {
        let tip = (px + dice.within(-44.0, 44.0), py - dice.within(24.0, 92.0));
        let middle = (
            (px + tip.0) * 0.5 + dice.within(-8.0, 8.0),
            (py + tip.1) * 0.5 - 10.0,
        );
        let mut leaf = Path::new();
        leaf.curve(&[(px, py), middle, tip]);
        let green = Rgba::light(dice.pick(&[0x3f6b3a, 0x5a8a48, 0x2f5432]));
        canvas.stroke(&leaf, dice.within(3.0, 7.0), &green.scale(0.8));
    }
    canvas.rect(
        px - 15.0,
        py - 4.0,
        px + 15.0,
        py + 30.0,
        &Rgba::light(0xb5643c).scale(0.7),
    );
    canvas
}

/// Lamps that are far out of focus show as discs.
fn lights(canvas: &mut Canvas, dice: &mut Dice, warm: bool) {
    let width = canvas.width() as f32;
    let lamp = Rgba::light(if warm { 0xffd9a0 } else { 0xffe8cc });
    let (x, y) = (width * 0.52, 34.0);
    canvas.spot(&glow((x, y), (120.0, 110.0), lamp.scale(0.45)));
    for _ in 0..9 {
        let (lx, ly) = (dice.within(0.3, 0.98) * width, dice.within(10.0, 120.0));
        let r = dice.within(4.0, 9.0);
        let hue = dice.pick(&[0xffc878, 0xff9c6a, 0x9fd0ff, 0xffe6b0]);
        let strength = dice.within(0.1, 0.45);
        canvas.circle(lx, ly, r, &Rgba::light(hue).scale(strength).glow());
        canvas.circle(
            lx,
            ly,
            r * 0.86,
            &Rgba::light(hue).scale(strength * 0.4).glow(),
        );
    }
}

const BOOKS: [u32; 9] = [
    0x8a2f2f, 0x2f4f7a, 0xd8c08a, 0x3f6b4a, 0xb5793a, 0x5a3a66, 0xe0e0d8, 0x26303a, 0xa84a5a,
];
