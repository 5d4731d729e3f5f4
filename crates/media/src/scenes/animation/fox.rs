//! The fox: drawn from smooth outlines, trotting, sometimes leaping.

use crate::draw::math::{mix, smoothstep};
use crate::draw::{Affine, Canvas, Path, Point, Rgba};

use super::super::noise::{hash, unit};
use super::super::wave;
use super::{View, inked, land};

/// How the fox stands in one frame.
pub(super) struct Fox {
    place: Affine,
    /// Of the step, in turns.
    phase: f64,
    /// How high it is above the ground, in units.
    leap: f32,
    /// 1 open, 0 shut.
    eye: f32,
    shadow: (Point, f32),
    scarf: u32,
}

const FUR: u32 = 0xee7f2d;
const FUR_DARK: u32 = 0xc8601f;
const CREAM: u32 = 0xfff3e0;
const SOCK: u32 = 0x4a2c22;

impl Fox {
    pub(super) fn new(view: &View, scarf: u32) -> Fox {
        let time = view.time;
        let x = view.width * 0.4 + 46.0 * wave(time * 0.09 + 0.1);
        let ground = land::meadow(view, x) + 44.0;
        let slope = (land::meadow(view, x + 60.0) - land::meadow(view, x - 60.0)) / 120.0;
        // Every few seconds it leaps: crouch, fly, land, each eased.
        let turn = (time / 3.4).floor();
        let part = ((time / 3.4) - turn) as f32;
        let flight = ((part - 0.55) / 0.25).clamp(0.0, 1.0);
        let leap = 4.0 * 120.0 * flight * (1.0 - flight);
        let crouch = smoothstep(0.46, 0.54, part) * (1.0 - smoothstep(0.55, 0.58, part))
            + smoothstep(0.79, 0.81, part) * (1.0 - smoothstep(0.83, 0.93, part));
        let tilt = slope * 0.12
            - 0.05 * (flight > 0.0 && flight < 1.0) as u8 as f32 * (1.0 - 2.0 * flight);
        // It blinks now and then.
        let blink_turn = (time / 2.3).floor();
        let blink_at = 0.3 + 0.5 * unit(hash(blink_turn as i32, 3, view.seed));
        let since = ((time / 2.3 - blink_turn) as f32 - blink_at).abs();
        let size = 1.22;
        Fox {
            place: Affine::scale(size, size * (1.0 - 0.12 * crouch))
                .then(Affine::rotate(tilt))
                .then(view.place(x, ground - leap)),
            phase: time * 1.9,
            leap,
            eye: smoothstep(0.012, 0.035, since),
            shadow: ((x, ground), 1.0 - leap / 220.0),
            scarf,
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, view: &View) {
        let ink = view.ink();
        let line = 3.2 * view.unit;
        let fur = Rgba::hex(FUR);
        let dark = Rgba::hex(FUR_DARK);
        let ((sx, sy), wide) = self.shadow;
        let mut path = Path::placed(view.place(sx, sy + 4.0));
        path.ellipse((0.0, 0.0), (112.0 * wide, 13.0 * wide));
        canvas.fill(&path, &ink.fade(0.3 * wide));
        let bob = if self.leap > 0.0 {
            0.0
        } else {
            4.0 * wave(self.phase * 2.0)
        };
        let body = Affine::translate(0.0, -84.0 + bob).then(self.place);
        self.tail(canvas, body, line, ink);
        self.leg(canvas, (44.0, 16.0), 0.5, true, body, (dark, ink, line));
        self.leg(canvas, (-56.0, 12.0), 0.0, true, body, (dark, ink, line));
        let mut path = Path::placed(body);
        path.blob(&[
            (-84.0, -8.0),
            (-66.0, -36.0),
            (-14.0, -42.0),
            (40.0, -48.0),
            (76.0, -40.0),
            (86.0, -10.0),
            (68.0, 24.0),
            (18.0, 28.0),
            (-30.0, 24.0),
            (-70.0, 24.0),
        ]);
        inked(canvas, &path, fur, ink, line);
        path.clear().blob(&[
            (62.0, -30.0),
            (84.0, -12.0),
            (68.0, 20.0),
            (18.0, 25.0),
            (-28.0, 21.0),
            (14.0, 10.0),
            (48.0, 2.0),
        ]);
        canvas.fill(&path, &Rgba::hex(CREAM));
        path.clear().curve(&[
            (-72.0, -20.0),
            (-50.0, -31.0),
            (-14.0, -36.0),
            (24.0, -40.0),
        ]);
        canvas.stroke(&path, 4.0 * view.unit, &Rgba::hex(0xf7a04e));
        self.leg(canvas, (-52.0, 12.0), 0.5, false, body, (fur, ink, line));
        self.leg(canvas, (52.0, 16.0), 0.0, false, body, (fur, ink, line));
        self.scarf_end(canvas, body, line, ink);
        let nod = 3.0 * wave(self.phase * 2.0 + 0.2);
        let head = Affine::rotate(0.008 * wave(self.phase + 0.1))
            .then(Affine::translate(92.0, -66.0 + nod))
            .then(body);
        let mut neck = Path::placed(body);
        neck.blob(&[
            (48.0, -40.0),
            (66.0, -70.0 + nod),
            (104.0, -62.0 + nod),
            (98.0, -30.0),
            (80.0, -12.0),
        ]);
        inked(canvas, &neck, fur, ink, line);
        let mut scarf = Path::placed(body);
        scarf.blob(&[
            (50.0, -46.0),
            (74.0, -36.0),
            (104.0, -44.0),
            (110.0, -30.0),
            (82.0, -14.0),
            (50.0, -26.0),
        ]);
        inked(canvas, &scarf, Rgba::hex(self.scarf), ink, line);
        scarf
            .clear()
            .curve(&[(56.0, -34.0), (80.0, -24.0), (105.0, -34.0)]);
        canvas.stroke(&scarf, 1.6 * view.unit, &Rgba::WHITE.fade(0.5));
        self.head(canvas, head, line, ink);
    }

    fn leg(
        &self,
        canvas: &mut Canvas,
        hip: Point,
        offset: f64,
        far: bool,
        body: Affine,
        (fur, ink, line): (Rgba, Rgba, f32),
    ) {
        let phase = self.phase + offset;
        let flying = (self.leap / 60.0).min(1.0);
        let reach = if hip.0 > 0.0 { 44.0 } else { -40.0 };
        let foot = (
            mix(hip.0 + 34.0 * wave(phase), hip.0 + reach, flying),
            mix(80.0 - 22.0 * wave(phase + 0.25).max(0.0), 54.0, flying),
        );
        let bend = if hip.0 > 0.0 { -9.0 } else { 13.0 };
        let knee = ((hip.0 + foot.0) * 0.5 + bend, (hip.1 + foot.1) * 0.5);
        let toe = (foot.0 + 11.0, foot.1 + 1.0);
        let mut thigh = Path::placed(body);
        thigh.limb(hip, 19.0, knee, 11.0);
        let mut shin = Path::placed(body);
        shin.limb(knee, 11.0, foot, 7.5);
        shin.limb(foot, 7.5, toe, 6.5);
        canvas.stroke(&thigh, line * 2.0, &ink);
        canvas.stroke(&shin, line * 2.0, &ink);
        let sock = Rgba::hex(SOCK);
        canvas.fill(
            &shin,
            &if far {
                sock.mix(Rgba::BLACK, 0.3)
            } else {
                sock
            },
        );
        canvas.fill(&thigh, &fur);
        if !far {
            // The thigh grows out of the body: no outline between them.
            let mut joint = Path::placed(body);
            joint.ellipse((hip.0, hip.1 - 7.0), (19.0, 17.0));
            canvas.fill(&joint, &fur);
        }
    }

    fn tail(&self, canvas: &mut Canvas, body: Affine, line: f32, ink: Rgba) {
        let sway = 14.0 * wave(self.phase - 0.15);
        let tip = (-196.0, -58.0 + sway * 1.6);
        let points = [
            (-70.0, -20.0),
            (-104.0, -42.0 + sway * 0.4),
            (-150.0, -72.0 + sway),
            tip,
            (-172.0, -28.0 + sway * 1.3),
            (-128.0, 2.0 + sway * 0.7),
            (-76.0, 8.0),
        ];
        let mut path = Path::placed(body);
        path.blob(&points);
        inked(canvas, &path, Rgba::hex(FUR), ink, line);
        path.clear().blob(&[
            (-160.0, -72.0 + sway * 1.1),
            tip,
            (-174.0, -31.0 + sway * 1.3),
            (-158.0, -36.0 + sway),
            (-163.0, -50.0 + sway),
            (-150.0, -54.0 + sway),
        ]);
        canvas.fill(&path, &Rgba::hex(CREAM));
        path.clear().curve(&[
            (-84.0, -12.0),
            (-118.0, -22.0 + sway * 0.5),
            (-142.0, -36.0 + sway),
        ]);
        canvas.stroke(&path, line * 0.6, &Rgba::hex(FUR_DARK));
    }

    fn scarf_end(&self, canvas: &mut Canvas, body: Affine, line: f32, ink: Rgba) {
        let at = |u: f32, v: f32| {
            let ripple = 9.0 * u * wave(self.phase * 1.4 - f64::from(u) * 0.8);
            (
                58.0 - 84.0 * u,
                -36.0 - 16.0 * u + ripple + v * (9.0 + 5.0 * u),
            )
        };
        let there = (0..=8).map(|i| at(i as f32 / 8.0, -1.0));
        let back = (0..=8).rev().map(|i| at(i as f32 / 8.0, 1.0));
        let outline: Vec<Point> = there.chain(back).collect();
        let mut path = Path::placed(body);
        path.polygon(&outline);
        inked(canvas, &path, Rgba::hex(self.scarf), ink, line);
        for stripe in [0.72, 0.86] {
            path.clear().polyline(&[at(stripe, -0.9), at(stripe, 0.9)]);
            canvas.stroke(&path, line * 1.3, &Rgba::WHITE.fade(0.85));
        }
    }

    fn head(&self, canvas: &mut Canvas, head: Affine, line: f32, ink: Rgba) {
        let mut path = Path::placed(head);
        let flick = 3.0 * wave(self.phase * 0.7).max(0.0);
        for (outer, inner) in [
            (
                [(-20.0, -24.0), (-30.0 - flick, -74.0), (8.0, -40.0)],
                [(-15.0, -32.0), (-24.0 - flick, -62.0), (-1.0, -40.0)],
            ),
            (
                [(8.0, -38.0), (22.0 - flick, -80.0), (38.0, -28.0)],
                [(15.0, -40.0), (22.0 - flick, -66.0), (31.0, -34.0)],
            ),
        ] {
            path.clear().polygon(&outer);
            inked(canvas, &path, Rgba::hex(FUR), ink, line);
            path.clear().polygon(&inner);
            canvas.fill(&path, &Rgba::hex(SOCK));
        }
        path.clear().blob(&[
            (-34.0, -4.0),
            (-24.0, -30.0),
            (4.0, -42.0),
            (32.0, -32.0),
            (46.0, -12.0),
            (72.0, 2.0),
            (74.0, 12.0),
            (44.0, 22.0),
            (14.0, 34.0),
            (-12.0, 30.0),
            (-40.0, 22.0),
        ]);
        inked(canvas, &path, Rgba::hex(FUR), ink, line);
        path.clear().blob(&[
            (72.0, 6.0),
            (70.0, 13.0),
            (44.0, 20.5),
            (14.0, 32.0),
            (-12.0, 28.0),
            (-34.0, 20.0),
            (-10.0, 14.0),
            (22.0, 10.0),
            (46.0, 2.0),
        ]);
        canvas.fill(&path, &Rgba::hex(CREAM));
        path.clear().ellipse((73.0, 4.0), (7.0, 6.0));
        inked(canvas, &path, Rgba::hex(0x201820), ink, line * 0.6);
        path.clear().ellipse((71.5, 1.8), (2.2, 1.6));
        canvas.fill(&path, &Rgba::WHITE.fade(0.8));
        path.clear()
            .curve(&[(66.0, 15.0), (52.0, 18.0), (38.0, 14.0)]);
        canvas.stroke(&path, line * 0.7, &ink);
        // The eye, its lid, its light.
        let open = mix(0.1, 1.0, self.eye);
        path.clear().ellipse((27.0, -9.0), (8.5, 11.0 * open));
        inked(canvas, &path, Rgba::WHITE, ink, line * 0.8);
        path.clear().ellipse((29.5, -8.0), (5.0, 7.5 * open));
        canvas.fill(&path, &Rgba::hex(0x3a2010));
        path.clear().ellipse((31.0, -11.0), (2.0, 2.4 * open));
        canvas.fill(&path, &Rgba::WHITE);
        path.clear()
            .curve(&[(16.0, -24.0), (26.0, -28.0), (36.0, -23.0)]);
        canvas.stroke(&path, line * 0.9, &ink);
        for dx in [0.0, 7.0, 14.0] {
            path.clear().curve(&[
                (-22.0 + dx, 20.0),
                (-26.0 + dx, 24.0),
                (-33.0 + dx * 1.1, 25.0),
            ]);
            canvas.stroke(&path, line * 0.5, &Rgba::hex(FUR_DARK));
        }
    }
}
