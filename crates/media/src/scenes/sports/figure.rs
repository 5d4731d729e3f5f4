//! A running player, from limbs.

use crate::draw::math::{cos_turns, mix, sin_turns};
use crate::draw::{Affine, Canvas, Path, Point, Rgba, Text};

use super::{Colours, ground_spot, round_limb};

/// What a team wears, as light.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kit {
    pub(super) shirt: Rgba,
    shorts: Rgba,
    socks: Rgba,
}

impl Kit {
    pub(super) fn new(colours: Colours) -> Kit {
        Kit {
            shirt: Rgba::light(colours.0),
            shorts: Rgba::light(colours.1),
            socks: Rgba::light(colours.2),
        }
    }
}

pub(super) const SKINS: [u32; 5] = [0xf0c8a4, 0xd9a07a, 0xb07850, 0x7c5034, 0xe8b890];
pub(super) const HAIRS: [u32; 5] = [0x17120f, 0x2e1d12, 0x5a3a1e, 0xa98042, 0x0c0c0e];

/// A player or the ball at one moment, in pixels.
#[derive(Clone, Debug, Default)]
pub(super) struct Figure {
    pub(super) foot: Point,
    /// Pixels in a metre.
    pub(super) scale: f32,
    /// Distance, for drawing the nearer over the farther.
    pub(super) away: f32,
    /// Of the step, in turns.
    pub(super) phase: f32,
    /// 0 standing, 1 sprinting.
    pub(super) effort: f32,
    /// 1 runs right, -1 left, 0 towards or away.
    pub(super) facing: f32,
    /// Seen from behind.
    pub(super) back: bool,
    pub(super) team: usize,
    pub(super) skin: usize,
    pub(super) hair: usize,
    pub(super) number: u32,
    /// How much of the sun falls here.
    pub(super) light: f32,
    /// Where the ball is, if this is the ball.
    pub(super) ball: Option<Point>,
}

/// One leg or arm: where its joints are, in metres from the hip or shoulder.
struct Joints {
    middle: Point,
    end: Point,
}

impl Figure {
    /// What it keeps of the light from the ground.
    pub(super) fn shadow(&self, canvas: &mut Canvas) {
        let (x, y) = self.foot;
        let s = self.scale;
        if self.ball.is_some() {
            canvas.spot(&ground_spot((x, y), s, (0.22, 0.08), 0.6));
            return;
        }
        let strength = 0.5 * self.light;
        canvas.spot(&ground_spot((x, y), s, (0.5, 0.16), 0.55));
        // The low sun draws each player once more on the grass.
        let lean = Affine::scale(s, s * 0.2).then(Affine::translate(x, y));
        let mut path = Path::placed(lean);
        path.limb((0.15, 0.0), 0.16, (1.5, 0.35), 0.24);
        path.limb((1.5, 0.35), 0.2, (1.95, 0.45), 0.14);
        canvas.fill(&path, &Rgba::new(0.0, 0.01, 0.03).fade(strength));
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, kits: &[Kit; 3]) {
        let rows = canvas.rows();
        if self.foot.1 + 0.4 * self.scale < rows.start as f32
            || self.ball.map_or(self.foot, |ball| ball).1 - 2.2 * self.scale > rows.end as f32
        {
            return;
        }
        if let Some((x, y)) = self.ball {
            let r = 0.12 * self.scale;
            canvas.circle(x, y, r, &Rgba::grey(0.5 * self.light));
            canvas.circle(
                x - 0.15 * r,
                y - 0.2 * r,
                0.8 * r,
                &Rgba::grey(0.95 * self.light),
            );
            return;
        }
        let tint = |colour: Rgba| colour.scale(self.light * 1.05);
        let kit = &kits[self.team];
        let skin = tint(Rgba::light(SKINS[self.skin]));
        let hair = tint(Rgba::light(HAIRS[self.hair]));
        let (shirt, shorts, socks) = (tint(kit.shirt), tint(kit.shorts), tint(kit.socks));
        let boots = tint(Rgba::light(0x18181c));
        let legs = [self.leg(0.0), self.leg(0.5)];
        // The lower foot carries the weight.
        let drop = |leg: &Joints| -leg.end.1;
        let bounce = 0.05 * self.effort * sin_turns(self.phase * 2.0).max(0.0);
        let hip_height = drop(&legs[0]).max(drop(&legs[1])) + 0.07 + bounce;
        let lean = 0.16 * self.effort * self.facing;
        let hip = (0.0, hip_height);
        let neck = (lean * 0.9, hip_height + 0.56);
        let head = (lean * 1.15 + 0.02 * self.facing, hip_height + 0.75);
        let at = |p: Point| {
            (
                self.foot.0 + p.0 * self.scale,
                self.foot.1 - p.1 * self.scale,
            )
        };
        let add = |a: Point, b: Point| (a.0 + b.0, a.1 + b.1);
        let s = self.scale;
        let mut path = Path::new();
        let mut limb = |canvas: &mut Canvas, a: Point, ra: f32, b: Point, rb: f32, colour| {
            round_limb(canvas, &mut path, (at(a), ra * s), (at(b), rb * s), colour);
        };
        // What is on the far side is drawn first and darker.
        let wide = 0.1 * (1.0 - self.facing.abs());
        for (index, shade) in [(1usize, 0.72f32), (0, 1.0)] {
            let side = if index == 0 { wide } else { -wide };
            let leg = &legs[index];
            let top = (hip.0 + side * 0.9, hip.1);
            let (knee, ankle) = (add(top, leg.middle), add(top, leg.end));
            limb(canvas, knee, 0.062, ankle, 0.043, socks.scale(shade));
            let toe = (ankle.0 + 0.13 * self.facing, ankle.1 - 0.035);
            limb(canvas, (ankle.0, ankle.1 - 0.02), 0.048, toe, 0.036, boots);
            limb(canvas, top, 0.095, knee, 0.068, skin.scale(shade));
            let hem = (mix(top.0, knee.0, 0.62), mix(top.1, knee.1, 0.62));
            limb(canvas, top, 0.125, hem, 0.115, shorts.scale(shade));
            if index == 1 {
                self.arm(
                    canvas,
                    &mut limb,
                    neck,
                    0.5,
                    -wide,
                    (skin.scale(0.72), shirt.scale(0.72)),
                );
            }
        }
        let chest = (neck.0, neck.1 - 0.12);
        limb(canvas, (hip.0, hip.1 + 0.06), 0.145, chest, 0.19, shirt);
        limb(
            canvas,
            (neck.0, neck.1),
            0.06,
            (head.0, head.1 - 0.05),
            0.055,
            skin,
        );
        if self.number > 0 && self.back && s > 40.0 {
            let place = at((mix(hip.0, neck.0, 0.5), hip.1 + 0.24));
            let text = Text::new(0.32 * s).bold().centred();
            let ink = if kit.shirt.g > 0.4 {
                Rgba::grey(0.02)
            } else {
                Rgba::grey(0.9)
            };
            canvas.text(
                place.0,
                place.1,
                &self.number.to_string(),
                &text,
                &tint(ink),
            );
        }
        self.arm(canvas, &mut limb, neck, 0.0, wide, (skin, shirt));
        limb(
            canvas,
            (head.0, head.1 + 0.035),
            0.118,
            (head.0 - 0.03 * self.facing, head.1 + 0.01),
            0.115,
            hair,
        );
        if !self.back {
            let face = (head.0 + 0.035 * self.facing, head.1 - 0.03);
            limb(canvas, face, 0.095, (face.0, face.1 - 0.04), 0.075, skin);
        }
    }

    fn leg(&self, offset: f32) -> Joints {
        let phase = self.phase + offset;
        let swing = 0.012 + 0.105 * self.effort;
        let thigh = swing * sin_turns(phase) + 0.03 * self.effort;
        // The knee bends while the leg comes forward.
        let flex = 0.01 + 0.26 * self.effort * cos_turns(phase + 0.04).max(0.0);
        self.chain((thigh, 0.44), (thigh - flex, 0.45))
    }

    fn arm(
        &self,
        canvas: &mut Canvas,
        limb: &mut impl FnMut(&mut Canvas, Point, f32, Point, f32, Rgba),
        neck: Point,
        offset: f32,
        side: f32,
        (skin, shirt): (Rgba, Rgba),
    ) {
        let phase = self.phase + offset + 0.5;
        let upper = 0.11 * self.effort * sin_turns(phase) - 0.02 * self.effort;
        let lower = upper + 0.02 + 0.2 * self.effort;
        let arm = self.chain((upper, 0.29), (lower, 0.27));
        let shoulder = (neck.0 + side * 1.9, neck.1 - 0.06);
        let elbow = (
            shoulder.0 + arm.middle.0 + side * 0.5,
            shoulder.1 + arm.middle.1,
        );
        let hand = (shoulder.0 + arm.end.0 + side * 0.6, shoulder.1 + arm.end.1);
        limb(canvas, elbow, 0.045, hand, 0.035, skin);
        limb(canvas, shoulder, 0.075, elbow, 0.06, shirt);
    }

    /// Two bones hanging down, each turned forwards by its angle in turns.
    fn chain(&self, (first, a): (f32, f32), (second, b): (f32, f32)) -> Joints {
        let middle = (a * sin_turns(first) * self.facing, -a * cos_turns(first));
        Joints {
            middle,
            end: (
                middle.0 + b * sin_turns(second) * self.facing,
                middle.1 - b * cos_turns(second),
            ),
        }
    }
}
