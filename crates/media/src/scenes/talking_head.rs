//! Somebody speaking to the camera: skin in soft light, hair strand by strand, a room out of
//! focus behind.

mod face;
mod hair;
mod room;

use crate::draw::math::{mix, smoothstep};
use crate::draw::{Affine, Canvas, Light, Path, Rgba, Shader, Spot, Text};

use super::noise::{Dice, Tile, hash, noise1, unit};
use super::{Moment, Painter, wave};
use face::{Face, Look};
use room::Room;

pub(super) struct TalkingHead {
    size: (f32, f32),
    seed: u32,
    room: Room,
    face: Face,
    hair: hair::Hair,
    jacket: Rgba,
    accent: Rgba,
    weave: Tile,
    caption: (&'static str, &'static str),
}

/// How the speaker holds himself in one frame.
#[derive(Clone, Copy, Debug)]
struct Pose {
    /// From head units to pixels.
    head: Affine,
    /// Pixels in a head unit: half the width of the face.
    unit: f32,
    /// The middle of the shoulders, in pixels.
    chest: (f32, f32),
    look: Look,
    index: u64,
}

impl TalkingHead {
    pub(super) fn new(seed: u64, size: (f32, f32)) -> TalkingHead {
        let mut dice = Dice::new(seed, "talking-head");
        let complexion = dice.pick(&face::COMPLEXIONS);
        let code = dice.roll() as u32;
        let (jacket, accent) = dice.pick(&[
            (0x24344f, 0x5fc0e8),
            (0x5a2f3a, 0xf2a65a),
            (0x2f4a3c, 0xe6c35c),
            (0x3a3a44, 0xe86a6a),
        ]);
        TalkingHead {
            size,
            seed: code,
            room: Room::new(&mut dice, size),
            face: Face::new(complexion, Tile::fractal(8, 32, 4, code), code),
            hair: hair::Hair::new(&mut dice),
            jacket: Rgba::light(jacket),
            accent: Rgba::light(accent),
            weave: Tile::fractal(7, 32, 2, code ^ 5),
            caption: dice.pick(&CAPTIONS),
        }
    }

    fn pose(&self, moment: Moment) -> Pose {
        let (width, height) = self.size;
        let time = moment.time;
        let unit = height * 0.172;
        let slow =
            |rate: f64, code: u32| noise1((time * rate % 1e6) as f32, self.seed ^ code) * 2.0 - 1.0;
        // Speech: syllables under phrases, with pauses between.
        let phrase = smoothstep(
            0.18,
            0.3,
            noise1((time * 0.9 % 1e6) as f32 + 0.6, self.seed ^ 21),
        );
        let syllable = noise1((time * 7.3 % 1e6) as f32, self.seed ^ 22);
        let open = phrase * smoothstep(0.25, 0.95, syllable);
        let round = noise1((time * 3.1 % 1e6) as f32, self.seed ^ 23);
        // A blink lasts a sixth of a second.
        let turn = (time / 2.6).floor();
        let at = 0.25 + 0.6 * f64::from(unit_of(turn as i32, self.seed));
        let since = ((time / 2.6 - turn) - at).abs() * 2.6;
        let lids = smoothstep(0.03, 0.1, since as f32);
        let turned = 0.13 * slow(0.45, 1) + 0.05 * slow(1.3, 2);
        let nod = 0.035 * slow(0.9, 3) + 0.03 * phrase * (syllable - 0.5);
        let lean = 0.012 * slow(0.4, 4);
        let shift = (
            0.09 * slow(0.3, 5) * unit,
            (0.03 * slow(0.35, 6) + nod) * unit,
        );
        let place = (width * 0.5 + shift.0, height * 0.43 + shift.1);
        let breath = 0.012 * wave(time * 0.27) * unit;
        Pose {
            head: Affine::scale(unit, unit)
                .then(Affine::rotate(lean))
                .then(Affine::translate(place.0, place.1)),
            unit,
            chest: (
                width * 0.5 + shift.0 * 0.4,
                height * 0.43 + 1.62 * unit + breath,
            ),
            look: Look {
                turned,
                nod,
                open,
                round,
                lids,
                gaze: (0.5 * slow(0.7, 8) - turned * 2.0, 0.2 * slow(0.6, 9)),
                brows: 0.5 * phrase * slow(1.1, 7).max(0.0),
            },
            index: moment.index,
        }
    }
}

fn unit_of(index: i32, seed: u32) -> f32 {
    unit(hash(index, 31, seed))
}

impl Painter for TalkingHead {
    fn light(&self) -> Light {
        Light::Linear
    }

    fn picture<'a>(&'a self, moment: Moment) -> Box<dyn Fn(&mut Canvas) + Sync + 'a> {
        let pose = self.pose(moment);
        let strands = self.hair.strands(&pose);
        Box::new(move |canvas| {
            self.room
                .draw(canvas, (pose.chest.0 / self.size.0 - 0.5) * 0.25);
            self.hair.back(canvas, &pose);
            self.body(canvas, &pose);
            self.face.draw(canvas, &pose);
            self.hair.front(canvas, &pose, &strands);
            self.caption(canvas);
            self.film(canvas, pose.index);
        })
    }
}

impl TalkingHead {
    /// Neck, blouse and jacket.
    fn body(&self, canvas: &mut Canvas, pose: &Pose) {
        let u = pose.unit;
        let (cx, cy) = pose.chest;
        let place = Affine::scale(u, u).then(Affine::translate(cx, cy));
        let skin = self.face.skin();
        let mut path = Path::placed(place);
        // Shoulders and jacket, with a weave a thread or two wide.
        path.blob(&[
            (0.0, -0.3),
            (-0.5, -0.24),
            (-0.9, 0.0),
            (-1.72, 0.3),
            (-2.34, 0.78),
            (-2.62, 1.7),
            (-2.8, 2.9),
            (2.8, 2.9),
            (2.62, 1.7),
            (2.34, 0.78),
            (1.72, 0.3),
            (0.9, 0.0),
            (0.5, -0.24),
        ]);
        let cloth = |base: Rgba| {
            Shader(move |px: f32, py: f32| {
                let (x, y) = ((px - cx) / u, (py - cy) / u);
                let slope = x * 0.42 + 0.05;
                let lit = 0.62 - 0.34 * slope - 0.12 * y;
                let fold = noise1(x * 2.3 + 0.8 * y + 9.0, self.seed ^ 41) - 0.5;
                // Diagonal threads, a little irregular.
                let thread = (px + 2.0 * py) * 0.25;
                let weave =
                    wave(f64::from(thread)) * 0.5 + self.weave.level(0, px / 96.0, py / 48.0) - 0.5;
                base.scale((lit.max(0.12) * (1.0 + 0.35 * fold)) * (1.0 + 0.34 * weave) * 1.6)
            })
        };
        canvas.fill(&path, &cloth(self.jacket));
        // The blouse between the lapels.
        path.clear().polygon(&[
            (-0.5, -0.3),
            (0.5, -0.3),
            (0.42, 0.5),
            (0.06, 1.7),
            (-0.06, 1.7),
            (-0.42, 0.5),
        ]);
        let blouse = Rgba::light(0xf0eee8);
        let paint = Shader(|px: f32, py: f32| {
            let (x, y) = ((px - cx) / u, (py - cy) / u);
            let fold = noise1(x * 7.0 + y * 1.5, self.seed ^ 42);
            blouse.scale(0.62 - 0.25 * x + 0.16 * (fold - 0.5))
        });
        canvas.fill(&path, &paint);
        // The neck: round, dark under the chin.
        path.clear();
        path.curve(&[
            (-0.5, -1.1),
            (-0.47, -0.55),
            (-0.52, -0.24),
            (-0.7, -0.02),
            (-0.3, 0.34),
            (0.0, 0.62),
        ]);
        path.line_to(0.3, 0.34);
        for (x, y) in [(0.7, -0.02), (0.52, -0.24), (0.47, -0.55), (0.5, -1.1)] {
            path.line_to(x, y);
        }
        path.close();
        let neck = Shader(|px: f32, py: f32| {
            let (x, y) = ((px - cx) / u, (py - cy) / u);
            let round = (1.0 - (x * x / 0.313_6).min(1.0)).sqrt();
            let side = 0.5 - 0.55 * x;
            let under = mix(0.14, 1.0, smoothstep(-0.62, 0.36, y + 0.25 * x));
            let tendon = 1.0 + 0.05 * wave(f64::from(x * 2.1 + 0.2 * y));
            let value = (0.25 + 0.75 * round) * side.max(0.12) * under * tendon;
            Rgba::new(skin.r * value, skin.g * value * 0.94, skin.b * value * 0.9)
        });
        canvas.fill(&path, &neck);
        // Collarbones.
        for side in [-1.0f32, 1.0] {
            let mut bone = Path::placed(place);
            bone.curve(&[(side * 0.1, 0.3), (side * 0.3, 0.16), (side * 0.62, 0.05)]);
            canvas.stroke(&bone, 0.05 * u, &skin.scale(0.9).fade(0.06));
        }
        // Lapels.
        for side in [-1.0f32, 1.0] {
            path.clear().polygon(&[
                (side * 0.5, -0.27),
                (side * 0.74, -0.04),
                (side * 0.98, 0.34),
                (side * 0.74, 0.46),
                (side * 0.84, 0.62),
                (side * 0.08, 1.75),
                (side * 0.02, 1.75),
                (side * 0.4, 0.5),
            ]);
            canvas.fill(&path, &cloth(self.jacket.scale(1.18)));
            canvas.stroke(&path, 0.014 * u, &self.jacket.scale(0.22).fade(0.8));
        }
        // A brooch.
        let (bx, by) = place.apply((0.86, 0.86));
        canvas.circle(bx, by, 0.075 * u, &self.accent.scale(0.5));
        canvas.circle(bx - 0.012 * u, by - 0.014 * u, 0.055 * u, &self.accent);
        canvas.circle(bx - 0.025 * u, by - 0.03 * u, 0.016 * u, &Rgba::WHITE);
    }

    /// Name and profession, as broadcasters write them.
    fn caption(&self, canvas: &mut Canvas) {
        let u = self.size.1 / 720.0;
        let (x, y) = (70.0 * u, 604.0 * u);
        let (name, role) = self.caption;
        let large = Text::new(33.0 * u).bold();
        let small = Text::new(21.0 * u);
        let width = large.width(name).max(small.width(role)) + 44.0 * u;
        canvas.rect(x, y, x + 7.0 * u, y + 80.0 * u, &self.accent);
        let panel = Rgba::light(0x0c1220).fade(0.86);
        canvas.rect(x + 7.0 * u, y, x + width, y + 80.0 * u, &panel);
        canvas.text(x + 24.0 * u, y + 36.0 * u, name, &large, &Rgba::grey(0.95));
        canvas.text(
            x + 24.0 * u,
            y + 65.0 * u,
            role,
            &small,
            &self.accent.mix(Rgba::WHITE, 0.5),
        );
    }

    /// A sensor's faint noise and a lens's dark corners.
    fn film(&self, canvas: &mut Canvas, index: u64) {
        let (width, height) = self.size;
        let salt = (index as u32).wrapping_mul(0x9e37_79b1) ^ self.seed;
        for row in canvas.rows_mut() {
            let v = (row.y as f32 + 0.5) / height - 0.5;
            let y = row.y as i32;
            for (x, ((r, g), b)) in row.r.iter_mut().zip(row.g).zip(row.b).enumerate() {
                let u = (x as f32 + 0.5) / width - 0.5;
                let grain = unit(hash(x as i32, y, salt)) - 0.5;
                let gain = 1.04 - 0.7 * (u * u + v * v) + 0.035 * grain;
                *r *= gain;
                *g *= gain;
                *b *= gain;
            }
        }
    }
}

/// A hue for the light that spills over a shoulder.
fn glow(centre: (f32, f32), radius: (f32, f32), colour: Rgba) -> Spot {
    Spot {
        centre,
        radius,
        colour: colour.glow(),
    }
}

const CAPTIONS: [(&str, &str); 4] = [
    ("Ada Reyes", "Signal processing"),
    ("Mina Okafor", "Video engineering"),
    ("Ines Laurent", "Public broadcasting"),
    ("Noor Haddad", "Network measurement"),
];
