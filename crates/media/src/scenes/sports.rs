//! A football match from the main stand: the camera swings after the ball, so that grass, lines
//! and crowd smear while the players, who run with it, stay sharper.

mod crowd;
mod figure;
mod game;
mod ground;

use crate::draw::math::{atan2_turns, mix, smoothstep};
use crate::draw::{Canvas, Light, Path, Rgba, Spot, Text};

use super::noise::{Dice, Tile};
use super::perspective::Camera;
use super::{Moment, Painter, wave};
use crowd::Crowd;
use figure::{Figure, Kit};
use game::Game;
use ground::Ground;

/// Where the camera stands: high in the main stand.
const CAMERA: [f32; 3] = [0.0, 15.0, -62.0];
/// A second of yaw by a pixel is a blur of so many pictures at most.
const PICTURES: usize = 8;

pub(super) struct Sports {
    size: (f32, f32),
    game: Game,
    ground: Ground,
    crowd: Crowd,
    kits: [Kit; 3],
    names: [&'static str; 2],
    phase: f32,
}

impl Sports {
    pub(super) fn new(seed: u64, size: (f32, f32)) -> Sports {
        let mut dice = Dice::new(seed, "sports");
        let first = dice.below(KITS.len());
        let second = (first + 1 + dice.below(KITS.len() - 1)) % KITS.len();
        let code = dice.roll() as u32;
        let kits = [
            Kit::new(KITS[first]),
            Kit::new(KITS[second].away_from(KITS[first])),
            Kit::new(REFEREE),
        ];
        let names = [NAMES[dice.below(6)], NAMES[6 + dice.below(6)]];
        Sports {
            size,
            game: Game::new(&mut dice),
            ground: Ground::new(Tile::fractal(9, 64, 4, code), code),
            crowd: Crowd::new(&mut dice, [kits[0].shirt, kits[1].shirt]),
            kits,
            names,
            phase: dice.unit(),
        }
    }

    /// Columns that the smear needs beyond the picture's sides.
    fn camera(&self, time: f64, margin: f32) -> Camera {
        let (width, height) = self.size;
        let (x, z) = self.game.watched(time);
        let yaw = atan2_turns(x - CAMERA[0], z * 0.25 + 4.0 - CAMERA[2]);
        // A hand on the tripod, and a slow zoom.
        let tremor = 0.000_06 * (wave(time * 1.7) + 0.6 * wave(time * 2.9 + 0.3));
        let zoom = 1.0 + 0.05 * wave(time * 0.07 + f64::from(self.phase));
        let focal = 4.25 * height * zoom;
        Camera::new(
            CAMERA,
            yaw + tremor,
            0.030_5 + 0.6 * tremor,
            focal,
            (width * 0.5 + margin, height * 0.5),
        )
    }
}

impl Painter for Sports {
    fn light(&self) -> Light {
        Light::Linear
    }

    fn picture<'a>(&'a self, mut moment: Moment) -> Box<dyn Fn(&mut Canvas) + Sync + 'a> {
        moment.time += 2.0;
        let (width, height) = self.size;
        // The world stands still: all its blur comes from the camera's swing, which moves the
        // whole picture sideways, so one sharp picture is smeared by exactly that much.
        let begin = self.camera(moment.time - moment.shutter * 0.5, 0.0);
        let end = self.camera(moment.time + moment.shutter * 0.5, 0.0);
        let smear = match begin
            .project([CAMERA[0], 0.0, 0.0])
            .zip(end.project([CAMERA[0], 0.0, 0.0]))
        {
            Some(((from, _), (to, _))) => (to.0 - from.0).abs(),
            None => 0.0,
        };
        let margin = (smear * 0.5).ceil() + 2.0;
        let still = self.camera(moment.time, margin);
        let people = self
            .crowd
            .visible(&still, moment.time, width + 2.0 * margin, height);
        let pictures = ((smear * 0.7) as usize + 4).clamp(4, PICTURES);
        let shots: Vec<Vec<Figure>> = (0..pictures)
            .map(|part| {
                let time = moment.within(part, pictures);
                self.game.figures(time, &self.camera(time, 0.0), width)
            })
            .collect();
        Box::new(move |canvas| {
            let columns = (width + 2.0 * margin) as usize;
            let mut wide = Canvas::band(columns, canvas.height(), canvas.rows(), Light::Linear);
            self.ground.draw(&mut wide, &still);
            self.crowd
                .draw(&mut wide, &still, &people, moment.time, self.names);
            self.ground.goals(&mut wide, &still);
            smear_rows(&mut wide, canvas, smear, margin as usize);
            canvas.average(pictures, |canvas, part| {
                for figure in &shots[part] {
                    figure.shadow(canvas);
                }
                for figure in &shots[part] {
                    figure.draw(canvas, &self.kits);
                }
            });
            self.finish(canvas);
            self.score(canvas, moment.time);
        })
    }
}

impl Sports {
    /// The lens is a little darker towards its corners.
    fn finish(&self, canvas: &mut Canvas) {
        let (width, height) = self.size;
        for row in canvas.rows_mut() {
            let v = (row.y as f32 + 0.5) / height - 0.5;
            let channels = row.r.iter_mut().zip(row.g).zip(row.b).enumerate();
            for (x, ((r, g), b)) in channels {
                let u = (x as f32 + 0.5) / width - 0.5;
                let gain = 1.08 - 0.5 * (u * u + v * v);
                *r *= gain;
                *g *= gain;
                *b *= gain;
            }
        }
    }

    /// The broadcaster's score in the corner.
    fn score(&self, canvas: &mut Canvas, time: f64) {
        let unit = self.size.1 / 720.0;
        let (x, y) = (48.0 * unit, 40.0 * unit);
        let at = |dx: f32, dy: f32| (x + dx * unit, y + dy * unit);
        let dark = Rgba::light(0x10182a).fade(0.985);
        canvas.rounded(at(0.0, 0.0), at(322.0, 38.0), 5.0 * unit, &dark);
        let white = Rgba::WHITE.scale(0.92);
        let text = Text::new(24.0 * unit).bold();
        canvas.rect(
            x + 8.0 * unit,
            y + 7.0 * unit,
            x + 14.0 * unit,
            y + 31.0 * unit,
            &self.kits[0].shirt,
        );
        canvas.text(
            x + 22.0 * unit,
            y + 27.5 * unit,
            self.names[0],
            &text,
            &white,
        );
        let (a, b) = at(92.0, 0.0);
        canvas.rect(
            a,
            b,
            a + 66.0 * unit,
            b + 38.0 * unit,
            &Rgba::light(0xe8b923),
        );
        let ink = Rgba::light(0x10182a);
        canvas.text(
            x + 125.0 * unit,
            y + 27.5 * unit,
            "2–1",
            &text.centred(),
            &ink,
        );
        canvas.text(
            x + 168.0 * unit,
            y + 27.5 * unit,
            self.names[1],
            &text,
            &white,
        );
        canvas.rect(
            x + 230.0 * unit,
            y + 7.0 * unit,
            x + 236.0 * unit,
            y + 31.0 * unit,
            &self.kits[1].shirt,
        );
        let clock = 63 * 60 + 17 + time.max(0.0) as u64;
        let clock = format!("{}:{:02}", clock / 60 % 100, clock % 60);
        let thin = Text::new(22.0 * unit);
        canvas.text(
            x + 310.0 * unit,
            y + 27.0 * unit,
            &clock,
            &thin.right(),
            &white,
        );
    }
}

/// Averages every row of `wide` over a window of `length` pixels into `canvas`, whose columns
/// begin `margin` columns later. Sums from the left make it exact for any length at one cost.
fn smear_rows(wide: &mut Canvas, canvas: &mut Canvas, length: f32, margin: usize) {
    let mut sums = vec![0.0f32; wide.width() + 1];
    for row in canvas.rows_mut() {
        let source = wide.row(row.y);
        for (target, source) in [row.r, row.g, row.b].into_iter().zip(source) {
            if length < 0.75 {
                target.copy_from_slice(&source[margin..margin + target.len()]);
                continue;
            }
            let mut sum = 0.0;
            for (total, value) in sums[1..].iter_mut().zip(source) {
                sum += value;
                *total = sum;
            }
            let at = |place: f32| {
                let column = place as usize;
                let next = (column + 1).min(sums.len() - 1);
                mix(sums[column], sums[next], place - column as f32)
            };
            let first = margin as f32 + 0.5 - length * 0.5;
            for (x, value) in target.iter_mut().enumerate() {
                let from = x as f32 + first;
                *value = (at(from + length) - at(from)) / length;
            }
        }
    }
}

/// Colours of a team as in a style sheet: shirt, shorts, socks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colours(u32, u32, u32);

impl Colours {
    /// The same, or its white kit where the two teams would look alike.
    fn away_from(self, other: Colours) -> Colours {
        let apart = |shift: u32| ((self.0 >> shift) & 255).abs_diff((other.0 >> shift) & 255);
        if apart(16) + apart(8) + apart(0) < 200 {
            Colours(0xf2f2f0, 0x1a2440, 0xf2f2f0)
        } else {
            self
        }
    }
}

const KITS: [Colours; 6] = [
    Colours(0xc8202c, 0xf0f0f0, 0xc8202c),
    Colours(0x1e4fb4, 0x1e4fb4, 0xf0f0f0),
    Colours(0xf2f2f0, 0x1c1c24, 0xf2f2f0),
    Colours(0xf0b81c, 0x15306c, 0xf0b81c),
    Colours(0x6cb8e8, 0xf4f4f4, 0x6cb8e8),
    Colours(0x6a1f4c, 0x8fc6ee, 0x6a1f4c),
];
const REFEREE: Colours = Colours(0x1c1c20, 0x1c1c20, 0x1c1c20);
const NAMES: [&str; 12] = [
    "NRV", "ALP", "BOR", "KAL", "FJO", "MER", "LUM", "ODE", "TAR", "VES", "RHO", "SOL",
];

/// A soft spot on level ground.
fn ground_spot(centre: (f32, f32), scale: f32, radius: (f32, f32), strength: f32) -> Spot {
    Spot {
        centre,
        radius: (radius.0 * scale, radius.1 * scale),
        colour: Rgba::BLACK.fade(strength),
    }
}

/// Fills a limb and lights its upper left side, so that it looks round.
fn round_limb(
    canvas: &mut Canvas,
    path: &mut Path,
    (a, ra): ((f32, f32), f32),
    (b, rb): ((f32, f32), f32),
    colour: Rgba,
) {
    path.clear().limb(a, ra, b, rb);
    canvas.fill(path, &colour.scale(0.62));
    if ra + rb > 1.6 {
        let lift = |p: (f32, f32), r: f32| (p.0 - 0.22 * r, p.1 - 0.12 * r);
        path.clear()
            .limb(lift(a, ra), ra * 0.72, lift(b, rb), rb * 0.72);
        canvas.fill(path, &colour.fade(0.75));
    }
}

/// How much of the sun reaches a place on the pitch: the near stand throws a shadow.
fn sun(x: f32, z: f32) -> f32 {
    mix(0.5, 1.0, smoothstep(-0.6, 0.6, z - shadow_edge(x)))
}

fn shadow_edge(x: f32) -> f32 {
    -5.0 + 0.16 * x
}
