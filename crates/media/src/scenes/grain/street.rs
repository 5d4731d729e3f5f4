//! What stands still in the street, drawn once and wide enough for the camera's drift.

use crate::draw::math::{mix, split};
use crate::draw::{Canvas, Light, Path, Point, Rgba, Shader, Spot, Text};

use super::super::noise::{Dice, fractal, noise};
use super::super::perspective::Camera;
use super::super::soften::blurred;

/// Half the distance between the houses.
pub(super) const HALF: f32 = 8.5;

/// A neon sign that is drawn anew in every frame, since it flickers.
#[derive(Clone, Debug)]
pub(super) struct Neon {
    pub(super) at: Point,
    pub(super) size: f32,
    pub(super) word: &'static str,
    pub(super) colour: Rgba,
}

pub(super) struct Street {
    pub(super) picture: Canvas,
    /// The same, small and blurred: what rough ground mirrors.
    pub(super) glow: Canvas,
    pub(super) camera: Camera,
    /// Columns to the left of the frame, rows above it.
    pub(super) margin: f32,
    pub(super) lift: f32,
    /// The row where the road ends.
    pub(super) horizon: f32,
    pub(super) neon: Neon,
}

/// How much smaller the blurred picture is.
const SMALL: usize = 8;

impl Street {
    pub(super) fn new(dice: &mut Dice, size: (f32, f32)) -> Street {
        let (width, height) = size;
        let margin = (0.05 * height).ceil();
        let columns = (width + 2.0 * margin) as usize;
        let horizon = height * 0.56;
        let lift = (0.03 * height).ceil();
        let rows = (height + 2.0 * lift) as usize;
        let camera = Camera::new(
            [0.6, 1.75, 0.0],
            0.0,
            0.0,
            height * 1.02,
            (width * 0.5 + margin, horizon + lift),
        );
        let mut canvas = Canvas::new(columns, rows, Light::Linear, Rgba::BLACK);
        sky(&mut canvas, dice, height, horizon + lift);
        towers(&mut canvas, dice, height, horizon + lift);
        for side in [-1.0f32, 1.0] {
            houses(&mut canvas, &camera, dice, side);
        }
        lamps(&mut canvas, &camera);
        let neon = signs(&mut canvas, &camera, dice, height);
        // Lights bloom in wet air.
        let small = canvas.shrunk((columns / SMALL).max(1), (rows / SMALL).max(1));
        let near = blurred(&blurred(&small, 1), 1);
        let wide = blurred(&blurred(&near, 5), 4);
        let scale = (
            small.width() as f32 / columns as f32,
            small.height() as f32 / rows as f32,
        );
        let mut line = [vec![0.0; columns], vec![0.0; columns], vec![0.0; columns]];
        for (glow, strength) in [(&near, 0.22), (&wide, 0.5)] {
            for row in canvas.rows_mut() {
                let [lr, lg, lb] = &mut line;
                let at = (0.5 * scale.0 - 0.5, (row.y as f32 + 0.5) * scale.1 - 0.5);
                super::sample_row(glow, at, scale.0, [lr, lg, lb]);
                for (target, glow) in [row.r, row.g, row.b].into_iter().zip(&line) {
                    for (value, glow) in target.iter_mut().zip(glow) {
                        *value += glow * strength;
                    }
                }
            }
        }
        let mirrored = canvas.shrunk((columns / SMALL).max(1), (rows / SMALL).max(1));
        Street {
            glow: blurred(&blurred(&mirrored, 2), 2),
            picture: canvas,
            camera,
            margin,
            lift,
            horizon,
            neon,
        }
    }

    /// The pixel of a place, in the frame rather than in the wide picture.
    pub(super) fn project(&self, place: [f32; 3], drift: (f32, f32)) -> Option<(Point, f32)> {
        let ((x, y), scale) = self.camera.project(place)?;
        Some(((x - self.margin + drift.0, y - self.lift + drift.1), scale))
    }

    /// The row in which the ground at the horizon is seen.
    pub(super) fn ground(&self, drift: f32) -> f32 {
        self.horizon + drift
    }

    /// Where in the small blurred picture a place of the wide one is.
    pub(super) fn glow_at(&self, x: f32, y: f32) -> (f32, f32) {
        let scale = self.glow_step();
        let rows = self.glow.height() as f32 / self.picture.height() as f32;
        ((x + 0.5) * scale - 0.5, (y + self.lift) * rows - 0.5)
    }

    pub(super) fn glow_step(&self) -> f32 {
        self.glow.width() as f32 / self.picture.width() as f32
    }
}

fn sky(canvas: &mut Canvas, dice: &mut Dice, height: f32, horizon: f32) {
    let seed = dice.roll() as u32;
    let (low, high) = (Rgba::light(0x3a2c44), Rgba::light(0x0b0d18));
    for row in canvas.rows_mut() {
        let v = ((horizon - row.y as f32) / height).max(0.0);
        for (x, ((r, g), b)) in row.r.iter_mut().zip(row.g).zip(row.b).enumerate() {
            let cloud = fractal(x as f32 / height * 3.0, v * 5.0, 3, seed);
            let colour = low.mix(high, (v * 1.9).min(1.0)).scale(0.5 + cloud);
            (*r, *g, *b) = (colour.r, colour.g, colour.b);
        }
    }
}

/// Towers at the end of the street, all windows.
fn towers(canvas: &mut Canvas, dice: &mut Dice, height: f32, horizon: f32) {
    let middle = canvas.width() as f32 * 0.5;
    for layer in 0..3 {
        let near = layer as f32 / 2.0;
        for _ in 0..9 {
            let wide = height * dice.within(0.035, 0.085);
            let tall = height * dice.within(0.12, 0.44) * mix(1.0, 0.7, near);
            let x = middle + height * dice.within(-0.34, 0.34);
            let wall = Rgba::light(0x1c1c30).scale(mix(1.2, 0.5, near));
            canvas.rect(x, horizon - tall, x + wide, horizon, &wall);
            let cell = (height / 720.0 * mix(3.2, 5.0, near)).max(1.0);
            let tone = dice.pick(&[0xffd9a0, 0xbcd8ff, 0xffe9c8]);
            let mut y = horizon - tall + cell;
            while y < horizon - cell {
                let mut wx = x + cell;
                while wx < x + wide - cell {
                    if dice.unit() < 0.4 {
                        let light = Rgba::light(tone).scale(dice.within(0.05, 0.5));
                        canvas.rect(wx, y, wx + cell * 0.55, y + cell * 0.6, &light);
                    }
                    wx += cell;
                }
                y += cell;
            }
        }
    }
}

/// One side of the street: house after house, from the far end to the near.
fn houses(canvas: &mut Canvas, camera: &Camera, dice: &mut Dice, side: f32) {
    let mut fronts: Vec<(f32, f32)> = Vec::new();
    let mut z = 3.0;
    while z < 130.0 {
        let deep = dice.within(7.0, 13.0);
        fronts.push((z, z + deep));
        z += deep + if dice.unit() < 0.2 { 2.5 } else { 0.0 };
    }
    let mut points: Vec<Point> = Vec::new();
    for &(z0, z1) in fronts.iter().rev() {
        let x = side * (HALF + dice.within(-0.4, 0.6));
        let tall = dice.within(11.0, 26.0);
        let seed = dice.roll() as u32;
        let wall = Rgba::light(dice.pick(&WALLS));
        let mut quad = |canvas: &mut Canvas, za: f32, ya: f32, zb: f32, yb: f32, colour: Rgba| {
            camera.polygon(
                &[[x, ya, za], [x, ya, zb], [x, yb, zb], [x, yb, za]],
                &mut points,
            );
            canvas.polygon(&points, &colour);
        };
        // The end that faces the camera closes the house.
        let mut end: Vec<Point> = Vec::new();
        camera.polygon(
            &[
                [x, 0.0, z0],
                [x + side * 9.0, 0.0, z0],
                [x + side * 9.0, tall, z0],
                [x, tall, z0],
            ],
            &mut end,
        );
        canvas.polygon(&end, &wall.scale(0.02));
        // The street lights the lower floors.
        let mut front: Vec<Point> = Vec::new();
        camera.polygon(
            &[[x, 0.0, z0], [x, 0.0, z1], [x, tall, z1], [x, tall, z0]],
            &mut front,
        );
        let scale = canvas.width() as f32;
        let floor = camera.centre.1;
        let brick = Shader(move |px: f32, py: f32| {
            let up = ((floor - py) / scale * 3.0).clamp(0.0, 1.0);
            let rough =
                noise(px * 0.7, py * 0.7, seed) * 0.5 + noise(px * 0.11, py * 0.13, seed ^ 1);
            wall.scale((0.2 - 0.15 * up) * (0.45 + 0.7 * rough))
        });
        canvas.polygon(&front, &brick);
        // A shop.
        let glow = Rgba::light(dice.pick(&SHOPS)).scale(dice.within(0.5, 1.1));
        let open = dice.unit() < 0.75;
        let (a, b) = (z0 + 0.7, z1 - 0.7);
        let bays = ((b - a) / 2.4).max(1.0) as i32;
        for bay in 0..bays {
            let (s, e) = (
                mix(a, b, bay as f32 / bays as f32) + 0.12,
                mix(a, b, (bay + 1) as f32 / bays as f32) - 0.12,
            );
            let light = if open {
                glow.scale(dice.within(0.6, 1.0))
            } else {
                Rgba::light(0x20242c).scale(0.3)
            };
            quad(canvas, s, 0.5, e, 2.7, light);
            if open {
                // What is on show stands on shelves before the light.
                for shelf in [0.5f32, 1.15, 1.8] {
                    quad(canvas, s, shelf - 0.05, e, shelf, glow.scale(0.16));
                    let mut za = s + 0.06;
                    while za < e - 0.2 {
                        let wide = dice.within(0.07, 0.22);
                        let ware = Rgba::light(dice.pick(&WARES)).mix(glow, 0.25);
                        if dice.unit() < 0.7 {
                            let top = shelf + dice.within(0.15, 0.48);
                            quad(canvas, za, shelf, za + wide, top, ware.scale(0.45));
                        }
                        za += wide + dice.within(0.03, 0.12);
                    }
                }
            }
        }
        quad(canvas, z0 + 0.4, 2.8, z1 - 0.4, 3.5, wall.scale(0.04));
        let awning = Rgba::light(dice.pick(&[0x6a1f2a, 0x1f4a3a, 0x24355c])).scale(0.35);
        if dice.unit() < 0.6 {
            let mut cloth: Vec<Point> = Vec::new();
            camera.polygon(
                &[
                    [x, 3.4, z0 + 0.6],
                    [x, 3.4, z1 - 0.6],
                    [x - side * 1.5, 2.7, z1 - 0.6],
                    [x - side * 1.5, 2.7, z0 + 0.6],
                ],
                &mut cloth,
            );
            canvas.polygon(&cloth, &awning);
        }
        // Windows floor by floor.
        let floors = ((tall - 4.0) / 3.1) as i32;
        let across = ((z1 - z0) / 1.9) as i32;
        for story in 0..floors {
            let y = 4.3 + 3.1 * story as f32;
            for window in 0..across {
                let za = z0 + 0.55 + 1.9 * window as f32;
                let lit = dice.unit();
                let light = if lit < 0.3 {
                    Rgba::light(dice.pick(&LIVING)).scale(dice.within(0.15, 0.75))
                } else {
                    Rgba::light(0x2a3448).scale(dice.within(0.03, 0.16))
                };
                quad(
                    canvas,
                    za - 0.1,
                    y - 0.12,
                    za + 1.15,
                    y + 1.85,
                    wall.scale(0.018),
                );
                quad(canvas, za, y, za + 1.05, y + 1.7, light);
                if lit < 0.3 {
                    quad(canvas, za, y + 1.1, za + 1.05, y + 1.7, light.scale(1.25));
                    let curtain = dice.within(0.1, 0.4);
                    quad(canvas, za, y, za + curtain, y + 1.7, light.scale(0.55));
                }
                quad(canvas, za + 0.49, y, za + 0.56, y + 1.7, wall.scale(0.03));
                quad(canvas, za, y + 0.8, za + 1.05, y + 0.86, wall.scale(0.03));
            }
        }
    }
}

fn lamps(canvas: &mut Canvas, camera: &Camera) {
    for index in (0..9).rev() {
        let z = 9.0 + 12.0 * index as f32;
        for side in [-1.0f32, 1.0] {
            let x = side * (HALF - 2.3);
            let foot = camera.project([x, 0.0, z]);
            let top = camera.project([x, 6.2, z]);
            let head = camera.project([x - side * 1.3, 6.4, z]);
            if let (Some((a, s)), Some((b, _)), Some((c, _))) = (foot, top, head) {
                let iron = Rgba::light(0x14161c).scale(0.5);
                canvas.line(a, b, 0.16 * s, &iron);
                canvas.line(b, c, 0.1 * s, &iron);
                let amber = Rgba::light(0xffb45c);
                for (radius, strength) in [(2.6, 0.06), (1.1, 0.25), (0.5, 0.9)] {
                    canvas.spot(&Spot {
                        centre: c,
                        radius: (radius * s, radius * s * 0.9),
                        colour: amber.scale(strength).glow(),
                    });
                }
                canvas.circle(c.0, c.1, 0.16 * s, &Rgba::new(5.0, 3.6, 2.0));
            }
        }
    }
}

/// Neon: boards that stand out from the walls and face the street. One is left to the frames.
fn signs(canvas: &mut Canvas, camera: &Camera, dice: &mut Dice, height: f32) -> Neon {
    let mut neon = None;
    let mut words = WORDS.to_vec();
    for (index, z) in [58.0f32, 44.0, 33.0, 25.0, 18.5, 13.5]
        .into_iter()
        .enumerate()
    {
        let side = if index % 2 == 0 { 1.0 } else { -1.0 };
        let x = side * (HALF - 1.5);
        let y = dice.within(4.8, 7.4);
        let Some(((px, py), s)) = camera.project([x, y, z]) else {
            continue;
        };
        let word = words.remove(dice.below(words.len()));
        let colour = Rgba::light(dice.pick(&NEON)).scale(1.5);
        let size = 1.25 * s;
        let text = Text::new(size).bold().spaced(0.08);
        let half = text.width(word) * 0.5 + 0.35 * size;
        canvas.rounded(
            (px - half, py - 1.15 * size),
            (px + half, py + 0.45 * size),
            0.12 * size,
            &Rgba::light(0x0a0a10).scale(0.6),
        );
        let sign = Neon {
            at: (px, py),
            size,
            word,
            colour,
        };
        if index == 4 {
            neon = Some(sign);
        } else {
            glow(canvas, &sign, 1.0, (0.0, 0.0));
        }
    }
    neon.unwrap_or(Neon {
        at: (0.0, 0.0),
        size: height * 0.01,
        word: "",
        colour: Rgba::CLEAR,
    })
}

/// The picture at a place between its pixels.
#[inline]
pub(super) fn sample(picture: &Canvas, (x, y): Point) -> [f32; 3] {
    let ((i, across), (j, down)) = (split(x), split(y));
    let (width, height) = (picture.width() as i32, picture.height() as i32);
    let column = |i: i32| i.clamp(0, width - 1) as usize;
    let (i0, i1) = (column(i), column(i.saturating_add(1)));
    let upper = picture.row(j.clamp(0, height - 1) as usize);
    let lower = picture.row(j.saturating_add(1).clamp(0, height - 1) as usize);
    [0, 1, 2].map(|c: usize| {
        mix(
            mix(upper[c][i0], upper[c][i1], across),
            mix(lower[c][i0], lower[c][i1], across),
            down,
        )
    })
}

/// A sign that is lit: a wide glow, a tube, a nearly white core.
pub(super) fn glow(canvas: &mut Canvas, sign: &Neon, strength: f32, shift: (f32, f32)) {
    let text = Text::new(sign.size).centred().spaced(0.08);
    let (x, y) = (sign.at.0 + shift.0, sign.at.1 + shift.1);
    for (weight, share) in [
        (0.7, 0.02),
        (0.58, 0.025),
        (0.46, 0.03),
        (0.36, 0.05),
        (0.27, 0.08),
        (0.19, 0.16),
    ] {
        let paint = sign.colour.scale(share * strength).glow();
        canvas.text(x, y, sign.word, &Text { weight, ..text }, &paint);
    }
    let tube = sign.colour.scale(1.3 * strength);
    canvas.text(
        x,
        y,
        sign.word,
        &Text {
            weight: 0.1,
            ..text
        },
        &tube.fade(0.95),
    );
    let core = sign.colour.mix(Rgba::grey(3.0), 0.45).scale(strength);
    canvas.text(
        x,
        y,
        sign.word,
        &Text {
            weight: 0.04,
            ..text
        },
        &core,
    );
    let half = text.width(sign.word) * 0.5 + 0.35 * sign.size;
    let mut frame = Path::new();
    frame.rounded(
        x - half,
        y - 1.15 * sign.size,
        x + half,
        y + 0.45 * sign.size,
        0.12 * sign.size,
    );
    canvas.stroke(&frame, 0.05 * sign.size, &sign.colour.scale(0.6 * strength));
}

const WALLS: [u32; 5] = [0x6a5048, 0x54555e, 0x7a6a58, 0x4a4450, 0x5e5a52];
const SHOPS: [u32; 6] = [0xffd7a0, 0xfff0d0, 0xff9c8a, 0xa8e0ff, 0xd0ffd8, 0xffc0e0];
const WARES: [u32; 6] = [0x8a2030, 0x2a5a8a, 0x3a7a4a, 0xc89030, 0x202028, 0xb8a890];
const LIVING: [u32; 4] = [0xffcf8a, 0xffe2b0, 0xffb070, 0xa8c8ff];
const NEON: [u32; 5] = [0xff3c78, 0x38d8ff, 0xffb020, 0x7cff6a, 0xb060ff];
const WORDS: [&str; 8] = [
    "HOTEL", "NOODLES", "BAR", "JAZZ", "CINEMA", "24h", "RAMEN", "TAXI",
];
