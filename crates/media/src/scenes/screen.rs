//! A computer's screen: small text that scrolls, windows, a chart, a pointer; every edge on a
//! pixel.

mod content;
mod window;

use crate::draw::math::{mix, smoothstep};
use crate::draw::{Canvas, Light, Path, Rgba, Shader, Text};

use super::noise::{Dice, hash, noise1, unit};
use super::{Moment, Painter, wave};
use window::Window;

pub(super) struct Screen {
    size: (f32, f32),
    seed: u32,
    theme: Theme,
    /// The editor stands on the right.
    mirrored: bool,
}

/// Colours of the desktop.
#[derive(Clone, Copy, Debug)]
struct Theme {
    wallpaper: [u32; 3],
    accent: u32,
    code_paper: u32,
    code_ink: [u32; 7],
}

/// The desktop in one frame.
struct Desk {
    /// Pixels in a unit of the layout, which is 720 units high.
    scale: f32,
    time: f64,
    theme: Theme,
    seed: u32,
}

impl Desk {
    /// A length in whole pixels, at least one.
    fn px(&self, units: f32) -> f32 {
        (units * self.scale + 0.5).floor().max(1.0)
    }

    /// A place on the pixel grid.
    fn at(&self, units: f32) -> f32 {
        (units * self.scale + 0.5).floor()
    }

    /// Writes a line on the grid; below a size where letters could be told apart it draws bars
    /// instead, as pagers do.
    fn write(&self, canvas: &mut Canvas, x: f32, y: f32, words: &str, text: &Text, ink: Rgba) {
        if text.size < 4.0 {
            let mut pen = x;
            for word in words.split(' ') {
                let width = text.width(word);
                let thick = text.size * 0.35;
                canvas.rect(
                    pen,
                    y - text.size * 0.5,
                    pen + width,
                    y - text.size * 0.5 + thick,
                    &ink.fade(0.6),
                );
                pen += width + text.width(" ");
            }
            return;
        }
        canvas.text(x, y, words, text, &ink);
    }
}

impl Screen {
    pub(super) fn new(seed: u64, size: (f32, f32)) -> Screen {
        let mut dice = Dice::new(seed, "screen");
        Screen {
            size,
            theme: dice.pick(&THEMES),
            seed: dice.roll() as u32,
            mirrored: dice.unit() < 0.4,
        }
    }
}

impl Painter for Screen {
    fn light(&self) -> Light {
        Light::Coded
    }

    fn picture<'a>(&'a self, moment: Moment) -> Box<dyn Fn(&mut Canvas) + Sync + 'a> {
        let (width, height) = self.size;
        let desk = Desk {
            scale: height / 720.0,
            time: moment.time,
            theme: self.theme,
            seed: self.seed,
        };
        let wide = width / desk.scale;
        let windows = self.windows(&desk, wide);
        Box::new(move |canvas| {
            self.wallpaper(canvas, &desk);
            for window in &windows {
                window.draw(canvas, &desk);
            }
            self.bar(canvas, &desk, wide);
            self.pointer(canvas, &desk, wide);
        })
    }
}

impl Screen {
    fn windows(&self, desk: &Desk, wide: f32) -> Vec<Window> {
        // Half the width for the editor, the rest for a page, a terminal and a chart.
        let flip = |x0: f32, x1: f32| {
            if self.mirrored {
                (wide - x1, wide - x0)
            } else {
                (x0, x1)
            }
        };
        let split = wide * 0.5;
        let (e0, e1) = flip(24.0, split - 8.0);
        let (p0, p1) = flip(split + 8.0, wide - 24.0);
        let (t0, t1) = flip(split - 60.0, wide - 190.0);
        // The chart is picked up and carried to and fro.
        let carry = smoothstep(0.25, 0.42, (desk.time / 6.0).fract() as f32)
            - smoothstep(0.72, 0.9, (desk.time / 6.0).fract() as f32);
        let width = wide * 0.33;
        let (c0, c1) = (
            mix(wide - 36.0 - width, wide * 0.5 - width * 0.5, carry),
            width,
        );
        vec![
            Window::new("player.rs", (e0, 48.0), (e1, 690.0), window::Kind::Editor),
            Window::new(
                "Upscaling, explained",
                (p0, 44.0),
                (p1, 470.0),
                window::Kind::Page,
            ),
            Window::new("terminal", (t0, 436.0), (t1, 700.0), window::Kind::Terminal),
            Window::new(
                "quality",
                (c0, mix(392.0, 128.0, carry)),
                (c0 + c1, mix(392.0, 128.0, carry) + 236.0),
                window::Kind::Chart,
            ),
        ]
    }

    fn wallpaper(&self, canvas: &mut Canvas, desk: &Desk) {
        let (width, height) = self.size;
        let [a, b, c] = desk.theme.wallpaper.map(Rgba::hex);
        for row in canvas.rows_mut() {
            let v = (row.y as f32 + 0.5) / height;
            for (x, ((r, g), bl)) in row.r.iter_mut().zip(row.g).zip(row.b).enumerate() {
                let u = (x as f32 + 0.5) / width;
                let t = (0.55 * v + 0.45 * u).clamp(0.0, 1.0);
                let colour = if t < 0.5 {
                    a.mix(b, t * 2.0)
                } else {
                    b.mix(c, t * 2.0 - 1.0)
                };
                (*r, *g, *bl) = (colour.r, colour.g, colour.b);
            }
        }
        for ring in 0..7 {
            let mut path = Path::new();
            let radius = height * (0.25 + 0.14 * ring as f32);
            path.arc((width * 0.62, height * 1.08), (radius, radius), 0.5, 1.0);
            canvas.stroke(&path, height * 0.02, &Rgba::WHITE.fade(0.05));
        }
    }

    /// The bar along the top, with a clock that runs.
    fn bar(&self, canvas: &mut Canvas, desk: &Desk, wide: f32) {
        let height = desk.px(26.0);
        canvas.rect(
            0.0,
            0.0,
            self.size.0,
            height,
            &Rgba::hex(0x14161c).fade(0.88),
        );
        let text = Text::new(desk.px(14.0));
        let ink = Rgba::hex(0xf0f2f6);
        let base = desk.at(18.0);
        let dot = desk.px(6.0);
        canvas.circle(
            desk.at(20.0),
            desk.at(13.0),
            dot,
            &Rgba::hex(desk.theme.accent),
        );
        canvas.circle(
            desk.at(20.0),
            desk.at(13.0),
            dot * 0.45,
            &Rgba::hex(0x14161c),
        );
        let mut x = desk.at(40.0);
        for (index, word) in ["Player", "File", "Edit", "View", "Go", "Run", "Help"]
            .iter()
            .enumerate()
        {
            let text = if index == 0 { text.bold() } else { text };
            desk.write(canvas, x, base, word, &text, ink);
            x += text.width(word).ceil() + desk.px(16.0);
        }
        let seconds = 9 * 3600 + 41 * 60 + desk.time.max(0.0) as u64;
        let clock = format!(
            "Thu {:02}:{:02}:{:02}",
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60
        );
        let right = desk.at(wide - 20.0);
        desk.write(canvas, right - text.width(&clock), base, &clock, &text, ink);
        // A battery and a network.
        let left = right - text.width(&clock) - desk.px(44.0);
        let (top, thick) = (desk.at(8.0), desk.px(1.0));
        canvas.frame(
            left,
            top,
            left + desk.px(22.0),
            top + desk.px(11.0),
            thick,
            &ink,
        );
        canvas.rect(
            left + 2.0 * thick,
            top + 2.0 * thick,
            left + desk.px(15.0),
            top + desk.px(11.0) - 2.0 * thick,
            &ink,
        );
        for bar in 0..4 {
            let (bx, tall) = (
                left - desk.px(30.0) + desk.px(5.0) * bar as f32,
                desk.px(3.0 + 2.5 * bar as f32),
            );
            canvas.rect(
                bx,
                top + desk.px(11.0) - tall,
                bx + desk.px(3.0),
                top + desk.px(11.0),
                &ink,
            );
        }
    }

    /// The pointer glides from place to place and rests in between.
    fn pointer(&self, canvas: &mut Canvas, desk: &Desk, wide: f32) {
        const REST: f64 = 1.3;
        let turn = (desk.time / REST).floor();
        let part = ((desk.time / REST) - turn) as f32;
        let place = |index: f64| {
            let chance = |n: i32| unit(hash(index as i32, n, desk.seed));
            (mix(0.1, 0.9, chance(1)) * wide, mix(90.0, 640.0, chance(2)))
        };
        let (from, to) = (place(turn), place(turn + 1.0));
        let t = smoothstep(0.1, 0.7, part);
        let bow = 30.0 * t * (1.0 - t);
        let (x, y) = (
            desk.at(mix(from.0, to.0, t) + bow),
            desk.at(mix(from.1, to.1, t) - bow),
        );
        let s = desk.px(1.0).max(desk.scale);
        let shape = [
            (0.0, 0.0),
            (0.0, 17.0),
            (4.0, 13.4),
            (6.9, 19.6),
            (9.6, 18.4),
            (6.8, 12.4),
            (12.2, 12.0),
        ];
        let points: Vec<(f32, f32)> = shape
            .iter()
            .map(|(px, py)| (x + px * s, y + py * s))
            .collect();
        let mut path = Path::new();
        path.polygon(&points);
        canvas.stroke(&path, 2.4 * s, &Rgba::WHITE);
        canvas.fill(&path, &Rgba::BLACK);
        if part > 0.78 && part < 0.95 {
            let ring = Path::new()
                .ellipse((x, y), (14.0 * s * part, 14.0 * s * part))
                .clone();
            canvas.stroke(&ring, 2.0 * s, &Rgba::hex(desk.theme.accent).fade(0.8));
        }
    }
}

/// A soft shadow around a box.
fn shadow(canvas: &mut Canvas, (x0, y0): (f32, f32), (x1, y1): (f32, f32), reach: f32) {
    let paint = Shader(|x: f32, y: f32| {
        let dx = (x0 - x).max(x - x1).max(0.0);
        let dy = (y0 - y).max(y - y1).max(0.0);
        let t = (1.0 - (dx * dx + dy * dy).sqrt() / reach).max(0.0);
        Rgba::BLACK.fade(0.34 * t * t)
    });
    // Only the rim is seen: the box itself will be painted over.
    let lower = y1.max(y0 + reach);
    canvas.rect(x0 - reach, y0 - reach, x1 + reach, y0 + 8.0, &paint);
    canvas.rect(x0 - reach, y0 + 8.0, x0 + 8.0, lower - 8.0, &paint);
    canvas.rect(x1 - 8.0, y0 + 8.0, x1 + reach, lower - 8.0, &paint);
    canvas.rect(x0 - reach, lower - 8.0, x1 + reach, lower + reach, &paint);
}

/// A value that wanders between 0 and 1.
fn wander(time: f64, code: u32) -> f32 {
    0.5 * noise1((time % 1e6) as f32, code) + 0.25 + 0.25 * wave(time * 0.11 + f64::from(code & 63))
}

const THEMES: [Theme; 3] = [
    Theme {
        wallpaper: [0x1d3557, 0x457b9d, 0xa8dadc],
        accent: 0x38bdf8,
        code_paper: 0x1e2430,
        code_ink: [
            0xd5dbe6, 0xc792ea, 0xc3e88d, 0x7f8ea3, 0xf78c6c, 0x82aaff, 0xffcb6b,
        ],
    },
    Theme {
        wallpaper: [0x3d1e4f, 0x9c4668, 0xf2a97e],
        accent: 0xf97316,
        code_paper: 0x272029,
        code_ink: [
            0xe8e2e6, 0xff7b9c, 0xb8e08a, 0x93848f, 0xffb86c, 0x8be0f0, 0xe0b0ff,
        ],
    },
    Theme {
        wallpaper: [0x14342b, 0x3f7d5c, 0xd7d9a4],
        accent: 0x22c55e,
        code_paper: 0xfbfaf4,
        code_ink: [
            0x2b303b, 0x9b2393, 0x267f3f, 0x8a8f98, 0xb5520a, 0x1c56b8, 0x7a5a00,
        ],
    },
];
