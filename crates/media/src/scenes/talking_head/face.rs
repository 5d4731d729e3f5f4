//! The face: a landscape of bumps seen from above, lit like skin.
//!
//! Places are in head units: half the width of the face, x right, y down, z towards the camera;
//! the origin is between the eyes.

use crate::draw::math::{mix, pow, sin_cos_turns, smoothstep, split};
use crate::draw::{Canvas, Rgba};

use super::super::noise::{Tile, noise, noise1};
use super::Pose;

/// What the face is doing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Head turned right (radians, small).
    pub(super) turned: f32,
    pub(super) nod: f32,
    /// The mouth, 0 shut to 1 open.
    pub(super) open: f32,
    /// The mouth, 0 wide to 1 round.
    pub(super) round: f32,
    /// The lids, 0 shut to 1 open.
    pub(super) lids: f32,
    /// Where the eyes look, about -1 to 1 both ways.
    pub(super) gaze: (f32, f32),
    /// Raised brows, 0 to 1.
    pub(super) brows: f32,
}

/// Colours of one person as in a style sheet: skin, lips, iris, brows.
pub(super) type Complexion = (u32, u32, u32, u32);

pub(super) const COMPLEXIONS: [Complexion; 5] = [
    (0xe9b698, 0xb8545a, 0x5a7f94, 0x4a3426),
    (0xd29b74, 0xa04a48, 0x4a3020, 0x21160f),
    (0x9c6644, 0x7c3838, 0x2c1a10, 0x120c0a),
    (0xf0c8ae, 0xc4646a, 0x4c8060, 0x6a4426),
    (0x744630, 0x6a2e30, 0x24140c, 0x0e0a08),
];

pub(super) struct Face {
    skin: Rgba,
    lips: Rgba,
    iris: Rgba,
    brow: Rgba,
    pores: Tile,
    /// Half the face's width from the crown to the chin.
    outline: Vec<f32>,
    seed: u32,
}

/// A bump one high in the middle and gone at its radii.
#[inline(always)]
fn bump(x: f32, y: f32, at: (f32, f32), radius: (f32, f32)) -> f32 {
    let (dx, dy) = ((x - at.0) / radius.0, (y - at.1) / radius.1);
    let rest = (1.0 - dx * dx - dy * dy).max(0.0);
    rest * rest * rest
}

/// Where the outline begins and ends, and how finely it is kept.
const TOP: f32 = -1.78;
const BOTTOM: f32 = 1.5;
const OUTLINE: usize = 256;

/// Half the face's width: round above the eyes, narrowing to the chin below.
fn outline(index: usize) -> f32 {
    let y = mix(TOP, BOTTOM, index as f32 / (OUTLINE - 1) as f32);
    if y < -0.2 {
        let t = (y + 0.2) / (TOP + 0.2);
        0.97 * (1.0 - t * t).max(0.0).sqrt()
    } else {
        let t = (y + 0.2) / (BOTTOM + 0.2);
        0.97 * pow(1.0 - pow(t, 2.35), 0.52)
    }
}

/// The mouth's middle line.
const MOUTH: f32 = 0.84;
/// The eyes.
const EYE: (f32, f32) = (0.385, -0.03);

impl Look {
    /// The jaw drops: places below the mouth come from higher up.
    fn jaw(&self, x: f32, y: f32) -> f32 {
        // The corners are drawn up a little: a friendly mouth.
        y + 0.055 * ((x * x) / 0.13).min(1.0) * bump(0.0, y, (0.0, MOUTH), (1.0, 0.4))
            - 0.13 * self.open * smoothstep(MOUTH - 0.02, MOUTH + 0.16, y)
    }
}

impl Face {
    pub(super) fn new(complexion: Complexion, pores: Tile, seed: u32) -> Face {
        Face {
            skin: Rgba::light(complexion.0),
            lips: Rgba::light(complexion.1),
            iris: Rgba::light(complexion.2),
            brow: Rgba::light(complexion.3),
            pores,
            outline: (0..OUTLINE).map(outline).collect(),
            seed,
        }
    }

    pub(super) fn skin(&self) -> Rgba {
        self.skin
    }

    /// Half the width of the face at a height.
    fn half_width(&self, y: f32) -> f32 {
        let place = (y - TOP) / (BOTTOM - TOP) * (OUTLINE - 1) as f32;
        let (index, rest) = split(place.clamp(0.0, (OUTLINE - 1) as f32));
        let index = (index.max(0) as usize).min(OUTLINE - 2);
        mix(self.outline[index], self.outline[index + 1], rest)
    }

    /// How far inside the outline a place is, in head units; negative outside.
    fn inside(&self, x: f32, y: f32) -> f32 {
        const STEP: f32 = 0.02;
        let half = self.half_width(y);
        if !(TOP..BOTTOM).contains(&y) {
            return -1.0;
        }
        let lean = (self.half_width(y + STEP) - self.half_width(y - STEP)) / (2.0 * STEP);
        (half - x.abs()) / (1.0 + lean * lean).sqrt()
    }

    /// The height of the face.
    fn height(&self, x: f32, y: f32, look: &Look) -> f32 {
        let side = x.abs();
        let half = self.half_width(y).max(1e-3);
        let across = (side / half).min(1.0);
        let long = (y + 0.1) / 1.6;
        let mut z =
            (1.0 - 0.26 * long * long) * (1.0 - across * across).sqrt() * mix(0.55, 0.95, half);
        let lifted = y + 0.035 * look.brows;
        z += 0.075 * bump(side, lifted, (0.36, -0.27), (0.46, 0.17));
        z -= 0.17 * bump(side, y, (0.37, -0.05), (0.42, 0.29));
        z += 0.11 * bump(side, y, EYE, (0.3, 0.22));
        // The nose: a ridge that rises to the tip, then falls at once.
        let profile = smoothstep(-0.3, 0.4, y) * smoothstep(0.68, 0.42, y);
        let wide = mix(0.17, 0.27, smoothstep(-0.1, 0.4, y));
        let ridge = (1.0 - square(x / wide)).max(0.0);
        z += 0.34 * profile * ridge * ridge * (1.0 - 0.3 * ridge);
        z += 0.1 * bump(x, y, (0.0, 0.37), (0.21, 0.2));
        z += 0.1 * bump(side, y, (0.145, 0.44), (0.15, 0.15));
        z += 0.06 * bump(side, y, (0.56, 0.2), (0.5, 0.42));
        // From nostril to the corner of the mouth.
        let fold = 0.22 + 0.34 * (y - 0.44).clamp(0.0, 0.5);
        z -= 0.022 * bump(side, y, (fold, 0.62), (0.09, 0.28));
        z += 0.03 * bump(side, y, (fold + 0.12, 0.6), (0.16, 0.3));
        let y = look.jaw(x, y);
        z += 0.075 * bump(x, y, (0.0, MOUTH - 0.02), (0.6, 0.36));
        z -= 0.02 * bump(x, y, (0.0, 0.62), (0.07, 0.12));
        let lip_width = 0.36 - 0.08 * look.round;
        z += 0.05 * bump(side, y, (0.07, MOUTH - 0.062), (lip_width, 0.07));
        z += 0.065 * bump(x, y, (0.0, MOUTH + 0.085), (lip_width * 0.92, 0.1));
        z -= 0.05 * bump(x, y, (0.0, MOUTH + 0.005), (lip_width * 1.1, 0.032));
        z -= 0.012 * bump(side, y, (0.4, MOUTH), (0.16, 0.16));
        z -= 0.045 * bump(x, y, (0.0, 1.0), (0.34, 0.1));
        z += 0.075 * bump(x, y, (0.0, 1.18), (0.46, 0.4));
        z
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, pose: &Pose) {
        let (origin, unit) = (pose.head.apply((0.0, 0.0)), pose.unit);
        let columns = canvas.width();
        let left = (origin.0 - 1.12 * unit).max(0.0) as usize;
        let right = ((origin.0 + 1.12 * unit) as usize + 1).min(columns);
        let rows = canvas.rows();
        let top = ((origin.1 - 1.8 * unit).max(0.0) as usize).max(rows.start);
        let bottom = (((origin.1 + 1.66 * unit).max(0.0)) as usize).min(rows.end);
        if left >= right || top >= bottom {
            return;
        }
        let pixel = 1.0 / unit;
        let width = right - left;
        let heights: Vec<Vec<f32>> = (top..bottom + 2)
            .map(|row| {
                let y = (row as f32 - 0.5 - origin.1) * pixel;
                (0..width + 2)
                    .map(|column| {
                        let x = ((left + column) as f32 - 0.5 - origin.0) * pixel;
                        let (x, y) = self.unturned(x, y, &pose.look);
                        self.height(x, y, &pose.look)
                    })
                    .collect()
            })
            .collect();
        let painted = &heights;
        for row in canvas
            .rows_mut()
            .filter(|row| (top..bottom).contains(&row.y))
        {
            let line = row.y - top;
            let y = (row.y as f32 + 0.5 - origin.1) * pixel;
            for column in 0..width {
                let x = ((left + column) as f32 + 0.5 - origin.0) * pixel;
                let (fx, fy) = self.unturned(x, y, &pose.look);
                let cover = (0.5 + self.inside(fx, fy) * unit).clamp(0.0, 1.0);
                if cover <= 0.0 {
                    continue;
                }
                let slope = (
                    (painted[line + 1][column + 2] - painted[line + 1][column]) * 0.5 * unit,
                    (painted[line + 2][column + 1] - painted[line][column + 1]) * 0.5 * unit,
                );
                // At the very outline the slope has no bound; skin there still faces somewhere.
                let slope = (slope.0.clamp(-3.5, 3.5), slope.1.clamp(-2.2, 2.2));
                let colour = self.shade((fx, fy), slope, pixel, &pose.look);
                let at = left + column;
                row.r[at] = mix(row.r[at], colour.r, cover);
                row.g[at] = mix(row.g[at], colour.g, cover);
                row.b[at] = mix(row.b[at], colour.b, cover);
            }
        }
    }

    /// Where on the face a place of the picture lies when the head is turned and nods.
    fn unturned(&self, x: f32, y: f32, look: &Look) -> (f32, f32) {
        let depth = (1.0 - x * x * 0.8 - (y + 0.1) * (y + 0.1) * 0.35)
            .max(0.0)
            .sqrt();
        (x - look.turned * depth, y - look.nod * depth)
    }

    /// The colour of a place: what the skin reflects of the lamps, then eyes, lips and brows.
    fn shade(&self, (x, y): (f32, f32), slope: (f32, f32), pixel: f32, look: &Look) -> Rgba {
        let side = x.abs();
        // Pores and fine lines tilt the skin a little.
        let pore = |dx: f32, dy: f32| self.pores.level(0, (x + dx) * 0.9, (y + dy) * 0.9);
        let here = pore(0.0, 0.0);
        let rough = 0.6 * (1.0 - 0.6 * bump(side, y, (0.37, 0.0), (0.4, 0.3)));
        let tilt = (
            slope.0 + rough * (pore(0.008, 0.0) - here),
            slope.1 + rough * (pore(0.0, 0.008) - here),
        );
        let length = 1.0 / (1.0 + tilt.0 * tilt.0 + tilt.1 * tilt.1).sqrt();
        let normal = [-tilt.0 * length, -tilt.1 * length, length];
        let dot = |l: [f32; 3]| normal[0] * l[0] + normal[1] * l[1] + normal[2] * l[2];
        let key = dot([-0.52, -0.46, 0.72]);
        let fill = dot([0.72, -0.1, 0.69]).max(0.0);
        let rim = (dot([0.9, -0.35, 0.05]) - 0.45).max(0.0);
        let sky = 0.5 - 0.5 * normal[1];
        // Light that enters skin comes out redder and beyond the edge of the shadow.
        let wrapped = |soft: f32| ((key + soft) / (1.0 + soft)).max(0.0);
        let shadow = self.shadow(x, y, look);
        let light = [
            0.98 * wrapped(0.27) * shadow + 0.16 * fill + 0.14 * sky + 0.9 * rim,
            0.90 * wrapped(0.17) * shadow + 0.16 * fill + 0.15 * sky + 0.8 * rim,
            0.80 * wrapped(0.12) * shadow + 0.18 * fill + 0.17 * sky + 0.75 * rim,
        ];
        let mut skin = self.complexion(x, y, here);
        let jaw = look.jaw(x, y);
        let lip = self.lip(x, jaw, look, pixel);
        skin = skin.mix(
            self.lips
                .scale(0.92 + 0.3 * (noise(x * 60.0, jaw * 9.0, self.seed) - 0.5)),
            lip * 0.82,
        );
        let hollow = 1.0 - self.hollow(x, y, jaw);
        let mut colour = Rgba::new(
            skin.r * light[0] * hollow,
            skin.g * light[1] * hollow * mix(1.0, hollow, 0.3),
            skin.b * light[2] * hollow * mix(1.0, hollow, 0.4),
        );
        // Shine: strongest on nose, forehead and lips.
        let half = dot([-0.281, -0.248, 0.927]).max(0.0);
        let oily = 0.35
            + 0.5 * bump(x, y, (0.0, 0.2), (0.3, 0.6))
            + 0.4 * bump(x, y, (-0.1, -0.75), (0.8, 0.5))
            + 1.1 * lip;
        let gloss =
            (0.055 * pow(half, 18.0) + 0.09 * pow(half, 70.0)) * oily * shadow * (0.6 + 0.8 * here);
        colour = Rgba::new(
            colour.r + gloss,
            colour.g + gloss * 0.97,
            colour.b + gloss * 0.94,
        );
        self.brows(x, y, look, pixel, &mut colour);
        self.nostrils(x, y, pixel, &mut colour);
        self.mouth(x, y, look, pixel, &mut colour);
        self.eye(x, y, look, pixel, key, &mut colour);
        colour
    }

    /// The skin's own colour: redder cheeks and nose, darker lids, freckles.
    fn complexion(&self, x: f32, y: f32, pore: f32) -> Rgba {
        let side = x.abs();
        let blush =
            bump(side, y, (0.56, 0.36), (0.5, 0.42)) + 0.7 * bump(x, y, (0.0, 0.38), (0.26, 0.24));
        let lids = bump(side, y, (0.385, -0.1), (0.34, 0.2))
            + 0.5 * bump(side, y, (0.36, 0.13), (0.3, 0.14));
        let patch = noise(x * 5.0 + 3.0, y * 5.0, self.seed) - 0.5;
        let fleck = smoothstep(0.7, 0.95, noise(x * 26.0, y * 26.0, self.seed ^ 9))
            * (bump(side, y, (0.4, 0.26), (0.55, 0.34)) + bump(x, y, (0.0, 0.2), (0.4, 0.3)));
        let value = 1.0 + 0.1 * patch + 0.12 * (pore - 0.5);
        Rgba::new(
            self.skin.r * value * (1.0 + 0.03 * blush) * (1.0 - 0.1 * lids) * (1.0 - 0.07 * fleck),
            self.skin.g * value * (1.0 - 0.07 * blush) * (1.0 - 0.2 * lids) * (1.0 - 0.16 * fleck),
            self.skin.b * value * (1.0 - 0.09 * blush) * (1.0 - 0.14 * lids) * (1.0 - 0.18 * fleck),
        )
    }

    /// What the nose and the hair keep of the key light.
    fn shadow(&self, x: f32, y: f32, look: &Look) -> f32 {
        let nose =
            0.5 * bump(x, y, (0.2, 0.46), (0.2, 0.24)) + 0.4 * bump(x, y, (0.13, 0.1), (0.14, 0.4));
        let under = 0.34 * bump(x, y, (0.05, 0.58), (0.3, 0.16));
        let lip = 0.35 * bump(x, look.jaw(x, y), (0.04, 0.99), (0.3, 0.09));
        let hair =
            0.55 * smoothstep(
                0.26,
                0.0,
                y + 1.02 - 0.2 * x.abs() + 0.06 * noise1(x * 6.0, self.seed),
            ) + 0.4 * smoothstep(-0.68, -0.92, x);
        (1.0 - nose - under - lip - hair).max(0.05)
    }

    /// Where little light of any kind comes.
    fn hollow(&self, x: f32, y: f32, jaw: f32) -> f32 {
        let side = x.abs();
        0.34 * bump(side, y, (0.22, -0.1), (0.16, 0.2))
            + 0.22 * bump(side, y, (0.38, -0.14), (0.36, 0.12))
            + 0.2 * bump(side, y, (0.19, 0.5), (0.1, 0.12))
            + 0.16 * bump(side, jaw, (0.37, MOUTH + 0.005), (0.1, 0.06))
            + 0.3 * smoothstep(1.1, 1.55, jaw)
            + 0.3 * smoothstep(0.72, 1.0, side)
    }

    /// How much of a place is lip.
    fn lip(&self, x: f32, y: f32, look: &Look, pixel: f32) -> f32 {
        let half = 0.385 - 0.09 * look.round;
        let t = x.abs() / half;
        if t >= 1.0 {
            return 0.0;
        }
        let arch = (1.0 - t * t).max(0.0);
        let bow = 0.095 * pow(arch, 0.7) * (1.0 - 0.3 * t)
            - 0.022 * bump(x, 0.0, (0.0, 0.0), (0.09, 1.0));
        let below = 0.125 * pow(arch, 0.65);
        let (up, down) = (MOUTH - y, y - MOUTH);
        let soft = 0.012 + pixel;
        smoothstep(-soft, soft, bow - up)
            * smoothstep(-soft, soft, below - down)
            * smoothstep(1.0, 0.9, t)
    }

    fn brows(&self, x: f32, y: f32, look: &Look, pixel: f32, colour: &mut Rgba) {
        let side = x.abs();
        if !(0.1..0.75).contains(&side) || !(-0.6..-0.1).contains(&y) {
            return;
        }
        let t = (side - 0.14) / 0.52;
        let rise = (t - 0.62) / 0.62;
        let arch = -0.315 - 0.06 * (1.0 - rise * rise) - 0.05 * look.brows;
        let thick = 0.043 * (1.0 - 0.72 * t.clamp(0.0, 1.0)) + 0.006;
        // Hairs lean outwards.
        let hairs = noise(
            (side + 0.6 * (y - arch)) * 90.0,
            (y - arch) * 14.0,
            self.seed ^ 17,
        );
        let across = ((y - arch) / thick).abs();
        let cover = smoothstep(1.25, 0.45, across + 0.5 * (hairs - 0.5))
            * smoothstep(-0.03, 0.08, t)
            * smoothstep(1.04, 0.86, t);
        let dark = self.brow.scale(0.35 + 0.5 * hairs);
        let _ = pixel;
        *colour = colour.mix(dark, 0.72 * cover);
    }

    fn nostrils(&self, x: f32, y: f32, pixel: f32, colour: &mut Rgba) {
        let (dx, dy) = (
            (x.abs() - 0.085) / 0.052,
            (y - 0.51 + 0.12 * (x.abs() - 0.08)) / 0.026,
        );
        let hole = smoothstep(1.1 + pixel * 8.0, 0.55, (dx * dx + dy * dy).sqrt());
        *colour = colour.mix(self.skin.scale(0.05), 0.75 * hole);
    }

    /// Between the lips: dark, with teeth above and the tongue below.
    fn mouth(&self, x: f32, level: f32, look: &Look, pixel: f32, colour: &mut Rgba) {
        let half = 0.34 - 0.11 * look.round;
        let t = (x / half).abs();
        let y =
            level + 0.055 * ((x * x) / 0.13).min(1.0) * bump(0.0, level, (0.0, MOUTH), (1.0, 0.4));
        if t >= 1.0 || (y - MOUTH).abs() > 0.3 {
            return;
        }
        let arch = (1.0 - t * t).sqrt();
        let gap = 0.125 * look.open;
        let (top, bottom) = (MOUTH - 0.012 * arch, MOUTH + gap * arch);
        let line = 0.0085 * arch;
        let inside = smoothstep(-pixel, pixel, y - top + line)
            * smoothstep(-pixel, pixel, bottom + line - y);
        if inside <= 0.0 {
            return;
        }
        let teeth = smoothstep(0.064 + pixel, 0.064 - pixel, y - top)
            * smoothstep(0.86, 0.6, t)
            * smoothstep(0.02, 0.05, gap);
        let ridge = 0.82 + 0.18 * ((x * 15.0).abs().fract() * 2.0 - 1.0).abs().sqrt();
        let tongue = bump(x, y, (0.0, bottom), (half * 0.7, 0.06));
        let depth = Rgba::new(0.032, 0.008, 0.008)
            .mix(Rgba::light(0xa84a4c), 0.45 * tongue)
            .mix(
                Rgba::light(0xe6ddd0).scale(0.62 * ridge),
                teeth * smoothstep(-0.004, 0.02, y - top),
            );
        *colour = colour.mix(depth, inside);
    }

    fn eye(&self, x: f32, y: f32, look: &Look, pixel: f32, key: f32, colour: &mut Rgba) {
        let side = if x < 0.0 { -1.0 } else { 1.0 };
        let (dx, dy) = (x - side * EYE.0, y - EYE.1);
        // Towards the temple is positive.
        let out = dx * side;
        if dx.abs() > 0.3 || dy.abs() > 0.24 {
            return;
        }
        let t = (out / 0.225).clamp(-1.0, 1.0);
        let arch = (1.0 - t * t).max(0.0);
        let corner = 0.012 * out / 0.225;
        let open = mix(0.0, 0.09, look.lids);
        let upper =
            -open * arch.sqrt() * (1.0 - 0.16 * t) - corner + 0.03 * (1.0 - look.lids) * arch;
        let lower = 0.052 * pow(arch, 0.75) - corner;
        let soft = pixel * 0.7;
        let inside = smoothstep(-soft, soft, dy - upper)
            * smoothstep(-soft, soft, lower - dy)
            * smoothstep(1.0, 0.96, (out / 0.225).abs());
        if inside > 0.0 {
            let ball = self.eyeball(dx, dy, upper, look, pixel, key);
            *colour = colour.mix(ball, inside);
        }
        // Lashes along the upper lid, a fold above it, a wet line below.
        let within = smoothstep(1.12, 0.96, (out / 0.225).abs());
        let lash = smoothstep(0.02 + pixel, 0.004, (dy - upper + 0.008).abs()) * within;
        *colour = colour.mix(
            self.brow.scale(0.1),
            0.9 * lash * mix(0.6, 1.0, smoothstep(-0.8, 0.7, t)),
        );
        for hair in 0..9 {
            let along = -0.75 + 1.8 * hair as f32 / 8.0;
            let root = (
                along * 0.213,
                -open * (1.0 - along * along).max(0.0).sqrt() - 0.008,
            );
            let tip = (
                root.0 + 0.035 * along + 0.012,
                root.1 - 0.045 - 0.012 * along,
            );
            let d = segment((out, dy), root, tip);
            let hair = smoothstep(0.006 + pixel * 0.5, 0.0, d) * look.lids;
            *colour = colour.mix(self.brow.scale(0.1), 0.6 * hair);
        }
        let crease = smoothstep(
            0.016 + pixel,
            0.0,
            (dy - (-0.148 * arch.sqrt() - 0.012)).abs(),
        ) * within;
        *colour = colour.mix(self.skin.scale(0.16), 0.42 * crease);
        let rim = smoothstep(0.012 + pixel, 0.0, (dy - lower - 0.006).abs()) * within;
        *colour = colour.mix(self.skin.scale(0.34), 0.5 * rim);
    }

    fn eyeball(&self, dx: f32, dy: f32, upper: f32, look: &Look, pixel: f32, key: f32) -> Rgba {
        let (gx, gy) = (look.gaze.0 * 0.035, look.gaze.1 * 0.02 - 0.012);
        let (px, py) = (dx - gx, dy - gy);
        let radius = (px * px + py * py).sqrt();
        let lit = mix(0.42, 0.8, (key * 0.6 + 0.4).clamp(0.0, 1.0));
        let mut colour =
            Rgba::new(0.86, 0.80, 0.76).scale(lit * (1.0 - 0.5 * (dx / 0.2) * (dx / 0.2)));
        let iris = smoothstep(0.1 + pixel, 0.1 - pixel, radius);
        if iris > 0.0 {
            let turn = crate::draw::math::atan2_turns(py, px);
            let (s, c) = sin_cos_turns(turn);
            let fibre = noise(c * 9.0 + s * 23.0, radius * 40.0 + s * 17.0, self.seed ^ 29);
            // The lamp's light gathers opposite to where it enters.
            let glow = 0.7 + 6.0 * (px * 0.6 + py).max(0.0);
            let ring = smoothstep(0.1, 0.08, radius);
            let hue = self.iris.scale((0.5 + fibre) * glow * mix(0.25, 1.0, ring));
            colour = colour.mix(hue, iris);
            let pupil = smoothstep(0.042 + pixel, 0.042 - pixel, radius);
            colour = colour.mix(Rgba::grey(0.004), pupil);
        }
        // The lid's shadow on the ball, and the lamp in it.
        colour = colour.scale(mix(0.35, 1.0, smoothstep(0.0, 0.05, dy - upper)));
        let lamp = smoothstep(
            0.024 + pixel,
            0.014,
            (square(px + 0.03) + square(py + 0.034)).sqrt(),
        );
        let second = smoothstep(
            0.012 + pixel,
            0.004,
            (square(px - 0.04) + square(py - 0.03)).sqrt(),
        );
        colour.mix(Rgba::grey(1.0), 0.95 * lamp + 0.25 * second)
    }
}

fn square(x: f32) -> f32 {
    x * x
}

/// The distance from `p` to the line from `a` to `b`.
fn segment(p: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (px, py) = (p.0 - a.0, p.1 - a.1);
    let t = ((px * dx + py * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
    let (ex, ey) = (px - t * dx, py - t * dy);
    (ex * ex + ey * ey).sqrt()
}
