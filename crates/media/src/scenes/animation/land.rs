//! The land that passes: mountains, clouds, hills, trees, a mill, the meadow in front.

use crate::draw::math::{mix, sin_cos_turns};
use crate::draw::{Affine, Canvas, Path, Point, Rgba};

use super::super::noise::noise1;
use super::super::wave;
use super::{View, inked};

/// The height of a hill line at a place of its layer.
fn line(view: &View, x: f64, base: f32, rise: f32, length: f64, code: u32) -> f32 {
    let smooth = noise1((x / length % 4096.0) as f32, view.seed ^ code);
    let gentle = wave(x / (length * 2.7) + f64::from(code & 7) * 0.13);
    base - rise * (smooth - 0.3) - rise * 0.35 * gentle
}

/// The ground under the fox.
pub(super) fn meadow(view: &View, x: f32) -> f32 {
    line(view, view.travel + f64::from(x), 612.0, 46.0, 900.0, 3)
}

/// Fills everything below a hill line.
fn below(
    canvas: &mut Canvas,
    view: &View,
    height: impl Fn(f32) -> f32,
    fill: Rgba,
    ink: Option<f32>,
) {
    const STEP: f32 = 14.0;
    let count = (view.width / STEP) as usize + 3;
    let u = view.unit;
    let points: Vec<Point> = (0..count)
        .map(|i| {
            let x = (i as f32 - 1.0) * STEP;
            (x * u, height(x) * u)
        })
        .collect();
    let mut path = Path::new();
    path.curve(&points);
    let edge = path.clone();
    path.line_to((view.width + 40.0) * u, 800.0 * u);
    path.line_to(-40.0 * u, 800.0 * u);
    canvas.fill(&path, &fill);
    if let Some(width) = ink {
        canvas.stroke(&edge, width * u, &view.ink());
    }
}

pub(super) fn mountains(canvas: &mut Canvas, view: &View) {
    let [face, shade] = view.palette.mountain.map(Rgba::hex);
    for (index, x) in view.things(0.07, 210.0, 420.0) {
        let height = mix(190.0, 330.0, view.chance(index, 11));
        let wide = height * mix(0.85, 1.15, view.chance(index, 12));
        let lean = 40.0 * (view.chance(index, 13) - 0.5);
        let (top, foot) = ((x + lean, 470.0 - height), 480.0);
        let mut path = Path::placed(view.place(0.0, 0.0));
        path.polygon(&[(x - wide, foot), top, (x + wide, foot)]);
        inked(canvas, &path, face, shade, 2.0 * view.unit);
        // The side away from the sun, with a broken edge.
        let knee = |t: f32, d: f32| (mix(top.0, x, t) + d, mix(top.1, foot, t));
        path.clear();
        path.polygon(&[
            top,
            knee(0.2, -12.0),
            knee(0.32, 10.0),
            knee(0.52, -22.0),
            knee(0.7, 4.0),
            knee(1.0, -30.0),
            (x - wide, foot),
        ]);
        canvas.fill(&path, &shade);
        // Snow.
        let side = |t: f32, s: f32| (mix(top.0, x + s * wide, t), mix(top.1, foot, t));
        path.clear();
        path.polygon(&[
            top,
            side(0.27, 1.0),
            side(0.2, 0.6),
            side(0.31, 0.25),
            side(0.22, -0.1),
            side(0.33, -0.45),
            side(0.25, -1.0),
        ]);
        canvas.fill(&path, &Rgba::WHITE.fade(0.88));
    }
}

pub(super) fn clouds(canvas: &mut Canvas, view: &View) {
    let [white, shade] = view.palette.cloud.map(Rgba::hex);
    let drift = View {
        travel: view.travel + view.time * 60.0,
        ..*view
    };
    for (index, x) in drift.things(0.12, 330.0, 220.0) {
        let y = mix(70.0, 270.0, view.chance(index, 21));
        let size = mix(0.55, 1.15, view.chance(index, 22));
        let bob = 4.0 * wave(view.time * 0.15 + f64::from(index) * 0.31);
        let place = Affine::scale(size, size).then(view.place(x, y + bob));
        let mut puffs: Vec<(f32, f32, f32)> = Vec::new();
        let count = 5 + (view.chance(index, 23) * 3.0) as i32;
        for puff in 0..count {
            let t = puff as f32 / (count - 1) as f32 * 2.0 - 1.0;
            let r =
                mix(26.0, 58.0, 1.0 - t * t) * mix(0.8, 1.2, view.chance(index * 16 + puff, 24));
            puffs.push((t * 105.0, -r * 0.62, r));
        }
        let mut base = Path::placed(place);
        base.rounded(-140.0, -26.0, 140.0, 16.0, 20.0);
        let mut round = Path::placed(place);
        for (px, py, r) in &puffs {
            round.ellipse((*px, *py), (*r, *r));
        }
        let ink = shade.mix(view.ink(), 0.22);
        let width = 2.6 * view.unit;
        canvas.stroke(&base, width * 2.0, &ink);
        canvas.stroke(&round, width * 2.0, &ink);
        canvas.fill(&base, &shade);
        canvas.fill(&round, &shade);
        let mut lit = Path::placed(place);
        for (px, py, r) in &puffs {
            lit.ellipse((*px + r * 0.06, *py - r * 0.14), (r * 0.84, r * 0.82));
        }
        lit.rounded(-112.0, -34.0, 118.0, 2.0, 18.0);
        canvas.fill(&lit, &white);
    }
}

pub(super) fn far_hills(canvas: &mut Canvas, view: &View) {
    let [face, shade] = view.palette.hills[0].map(Rgba::hex);
    let speed = 0.22;
    let height = |x: f32| {
        line(
            view,
            view.travel * speed + f64::from(x),
            470.0,
            70.0,
            420.0,
            1,
        )
    };
    below(canvas, view, height, face, Some(2.0));
    below(
        canvas,
        view,
        |x| height(x * 1.0) + 46.0 + 10.0 * wave(f64::from(x) * 0.002 + view.travel * 0.0004),
        shade,
        None,
    );
    for (index, x) in view.things(speed, 64.0, 60.0) {
        if view.chance(index, 31) < 0.3 {
            continue;
        }
        let size = mix(0.16, 0.3, view.chance(index, 32));
        tree(canvas, view, (x, height(x) + 6.0), size, index);
    }
}

pub(super) fn middle_hills(canvas: &mut Canvas, view: &View) {
    let [face, shade] = view.palette.hills[1].map(Rgba::hex);
    let speed = 0.5;
    let height = |x: f32| {
        line(
            view,
            view.travel * speed + f64::from(x),
            545.0,
            84.0,
            640.0,
            2,
        )
    };
    below(canvas, view, height, face, Some(2.6));
    // Furrows follow the hill.
    for furrow in 1..7 {
        let depth = 14.0 * furrow as f32 + 3.0 * (furrow * furrow) as f32;
        let points: Vec<Point> = (0..(view.width / 24.0) as i32 + 3)
            .map(|i| {
                let x = (i as f32 - 1.0) * 24.0;
                (x * view.unit, (height(x) + depth) * view.unit)
            })
            .collect();
        let mut path = Path::new();
        path.curve(&points);
        canvas.stroke(&path, (2.0 + furrow as f32) * view.unit, &shade.fade(0.55));
    }
    for (index, x) in view.things(speed, 560.0, 200.0) {
        let y = height(x) + 8.0;
        if index.rem_euclid(2) == 0 {
            mill(canvas, view, (x, y), index);
        } else {
            house(canvas, view, (x, y), index);
        }
    }
    for (index, x) in view.things(speed, 128.0, 130.0) {
        if view.chance(index, 41) < 0.35 {
            continue;
        }
        let x = x + 60.0 * (view.chance(index, 42) - 0.5);
        let size = mix(0.45, 0.8, view.chance(index, 43));
        tree(canvas, view, (x, height(x) + 10.0), size, index + 7);
    }
}

fn tree(canvas: &mut Canvas, view: &View, (x, y): Point, size: f32, index: i32) {
    let sway = 0.012 * wave(view.time * 0.35 + f64::from(index) * 0.17);
    let place = Affine::rotate(sway)
        .then(Affine::scale(size, size))
        .then(view.place(x, y));
    let width = (2.8 * view.unit * size.sqrt()).max(0.6);
    let ink = view.ink();
    let kind = (view.chance(index, 51) * 3.0) as usize;
    let [face, shade] = view.palette.leaf[kind.min(2)].map(Rgba::hex);
    let mut path = Path::placed(place);
    path.polygon(&[(-11.0, 4.0), (-7.0, -80.0), (7.0, -80.0), (11.0, 4.0)]);
    inked(canvas, &path, view.colour(0x7a5236), ink, width);
    if kind == 0 {
        // A fir.
        for tier in 0..3 {
            let (base, wide) = (-44.0 - 52.0 * tier as f32, 66.0 - 16.0 * tier as f32);
            path.clear()
                .polygon(&[(-wide, base), (0.0, base - 84.0), (wide, base)]);
            inked(canvas, &path, face, ink, width);
            path.clear()
                .polygon(&[(-wide, base), (0.0, base - 84.0), (-wide * 0.1, base)]);
            canvas.fill(&path, &shade.fade(0.8));
        }
        return;
    }
    let puffs = [
        (-38.0, -104.0, 40.0),
        (36.0, -108.0, 42.0),
        (0.0, -142.0, 50.0),
        (2.0, -96.0, 44.0),
    ];
    let mut round = Path::placed(place);
    for (px, py, r) in puffs {
        round.ellipse((px, py), (r, r));
    }
    canvas.stroke(&round, width * 2.0, &ink);
    canvas.fill(&round, &shade);
    let mut lit = Path::placed(place);
    for (px, py, r) in puffs {
        lit.ellipse((px + r * 0.16, py - r * 0.16), (r * 0.76, r * 0.74));
    }
    canvas.fill(&lit, &face);
    for (dx, dy) in [
        (-30.0, -110.0),
        (18.0, -150.0),
        (40.0, -100.0),
        (-6.0, -120.0),
    ] {
        let mut tuft = Path::placed(place);
        tuft.curve(&[(dx - 7.0, dy), (dx, dy + 5.0), (dx + 7.0, dy)]);
        canvas.stroke(&tuft, width * 0.8, &shade);
    }
}

fn mill(canvas: &mut Canvas, view: &View, (x, y): Point, index: i32) {
    let place = view.place(x, y);
    let width = 2.6 * view.unit;
    let ink = view.ink();
    let mut path = Path::placed(place);
    path.polygon(&[(-44.0, 6.0), (-28.0, -150.0), (28.0, -150.0), (44.0, 6.0)]);
    inked(canvas, &path, view.colour(0xf4e8d4), ink, width);
    path.clear()
        .polygon(&[(-44.0, 6.0), (-28.0, -150.0), (-8.0, -150.0), (-14.0, 6.0)]);
    canvas.fill(&path, &view.colour(0xd8c4b0).fade(0.8));
    for brick in 0..9 {
        let (bx, by) = (
            mix(-22.0, 26.0, view.chance(brick, 61)),
            mix(-136.0, -10.0, view.chance(brick, 62)),
        );
        path.clear().rounded(bx, by, bx + 12.0, by + 5.0, 2.0);
        canvas.stroke(&path, width * 0.5, &view.colour(0xb49c88));
    }
    path.clear().rounded(-9.0, -30.0, 11.0, 6.0, 9.0);
    inked(canvas, &path, view.colour(0x8a5a3c), ink, width * 0.8);
    path.clear().rounded(-7.0, -104.0, 9.0, -84.0, 5.0);
    inked(canvas, &path, view.colour(0x6cb4d8), ink, width * 0.8);
    path.clear().curve(&[
        (-34.0, -148.0),
        (-24.0, -182.0),
        (0.0, -196.0),
        (24.0, -182.0),
        (34.0, -148.0),
    ]);
    path.close();
    inked(canvas, &path, view.colour(0xc0503c), ink, width);
    let turn = (view.time * 0.09 + f64::from(index) * 0.07).fract() as f32;
    for blade in 0..4 {
        let arm = Affine::rotate(turn + blade as f32 * 0.25)
            .then(Affine::translate(2.0, -160.0))
            .then(place);
        let mut path = Path::placed(arm);
        path.polygon(&[(4.0, -18.0), (4.0, -112.0), (30.0, -112.0), (26.0, -18.0)]);
        inked(
            canvas,
            &path,
            view.colour(0xfff8ea).fade(0.94),
            ink,
            width * 0.8,
        );
        let mut lattice = Path::placed(arm);
        for rung in 1..7 {
            let h = -18.0 - 94.0 * rung as f32 / 7.0;
            lattice.polyline(&[(4.0, h), (28.0, h)]);
        }
        lattice.polyline(&[(16.0, -18.0), (17.0, -112.0)]);
        canvas.stroke(&lattice, width * 0.4, &ink);
        let mut spar = Path::placed(arm);
        spar.polyline(&[(0.0, 10.0), (2.0, -116.0)]);
        canvas.stroke(&spar, width * 1.4, &ink);
    }
    let u = view.unit;
    canvas.circle((x + 2.0) * u, (y - 160.0) * u, 7.0 * u, &ink);
}

fn house(canvas: &mut Canvas, view: &View, (x, y): Point, index: i32) {
    let place = view.place(x, y);
    let width = 2.6 * view.unit;
    let ink = view.ink();
    let wall =
        view.colour([0xf6e6c4, 0xe8c8b4, 0xd4e0e8][(view.chance(index, 71) * 3.0) as usize % 3]);
    let roof =
        view.colour([0xb8483a, 0x4a6c9c, 0x8c5a3c][(view.chance(index, 72) * 3.0) as usize % 3]);
    let mut path = Path::placed(place);
    path.polygon(&[(34.0, -112.0), (34.0, -70.0), (52.0, -70.0), (52.0, -112.0)]);
    inked(canvas, &path, view.colour(0x9c6a54), ink, width);
    // Smoke rises in rings that grow and fade.
    for puff in 0..5 {
        let age = ((view.time * 0.22 + f64::from(puff) / 5.0).fract()) as f32;
        let (px, py) = (
            43.0 + 30.0 * age + 6.0 * wave(f64::from(age) + view.time * 0.1),
            -118.0 - 96.0 * age,
        );
        path.clear()
            .ellipse((px, py), (6.0 + 16.0 * age, 6.0 + 15.0 * age));
        canvas.fill(&path, &Rgba::WHITE.fade(0.7 * (1.0 - age)));
    }
    path.clear()
        .polygon(&[(-70.0, 8.0), (-70.0, -60.0), (70.0, -60.0), (70.0, 8.0)]);
    inked(canvas, &path, wall, ink, width);
    for board in 1..6 {
        let h = -60.0 + 11.0 * board as f32;
        path.clear().polyline(&[(-68.0, h), (68.0, h)]);
        canvas.stroke(&path, width * 0.35, &ink.fade(0.45));
    }
    path.clear().polygon(&[
        (-86.0, -56.0),
        (-52.0, -108.0),
        (52.0, -108.0),
        (86.0, -56.0),
    ]);
    inked(canvas, &path, roof, ink, width);
    for row in 0..4 {
        let h = -66.0 - 11.0 * row as f32;
        let half = 80.0 - 7.0 * row as f32;
        let mut tiles = Path::placed(place);
        let mut tx = -half;
        while tx < half - 8.0 {
            tiles.curve(&[(tx, h), (tx + 5.0, h + 4.0), (tx + 10.0, h)]);
            tx += 10.0;
        }
        canvas.stroke(&tiles, width * 0.4, &ink.fade(0.6));
    }
    for wx in [-46.0, 22.0] {
        path.clear().rounded(wx, -44.0, wx + 26.0, -16.0, 3.0);
        inked(canvas, &path, view.colour(0xfff0a8), ink, width);
        path.clear()
            .polyline(&[(wx + 13.0, -44.0), (wx + 13.0, -16.0)]);
        path.polyline(&[(wx, -30.0), (wx + 26.0, -30.0)]);
        canvas.stroke(&path, width * 0.6, &ink);
    }
    path.clear().rounded(-11.0, -40.0, 13.0, 8.0, 10.0);
    inked(canvas, &path, view.colour(0x7c4c34), ink, width);
}

pub(super) fn near_ground(canvas: &mut Canvas, view: &View) {
    let [face, shade] = view.palette.hills[2].map(Rgba::hex);
    fence(canvas, view);
    below(canvas, view, |x| meadow(view, x), face, Some(3.4));
    // The path it runs on.
    let sand = view.colour(0xe2c48c);
    below(canvas, view, |x| meadow(view, x) + 20.0, sand, None);
    below(
        canvas,
        view,
        |x| meadow(view, x) + 64.0,
        sand.mix(view.ink(), 0.22),
        None,
    );
    below(
        canvas,
        view,
        |x| meadow(view, x) + 68.0,
        face.mix(shade, 0.5),
        None,
    );
    below(canvas, view, |x| meadow(view, x) + 112.0, shade, None);
    let u = view.unit;
    for (index, x) in view.things(1.0, 23.0, 20.0) {
        let y = meadow(view, x);
        let mut path = Path::placed(view.place(x, y + 3.0));
        let sway = 3.0 * wave(view.time * 0.6 + f64::from(index) * 0.11);
        for blade in -1..=1 {
            let lean = 5.0 * blade as f32;
            let tall = mix(9.0, 20.0, view.chance(index * 4 + blade, 81));
            path.polygon(&[
                (lean - 2.5, 2.0),
                (lean * 1.6 + sway, -tall),
                (lean + 2.5, 2.0),
            ]);
        }
        inked(canvas, &path, face, view.ink(), 1.3 * u);
        let speck = mix(28.0, 60.0, view.chance(index, 82));
        let r = mix(1.0, 3.4, view.chance(index, 83));
        canvas.ellipse(
            (x * u, (y + speck) * u),
            (r * 1.6 * u, r * u),
            &view.ink().fade(0.28),
        );
    }
    for (index, x) in view.things(1.0, 47.0, 30.0) {
        let dx = 30.0 * (view.chance(index, 91) - 0.5);
        let y = meadow(view, x) + mix(82.0, 132.0, view.chance(index, 92));
        flower(canvas, view, (x + dx, y), index);
    }
}

fn flower(canvas: &mut Canvas, view: &View, (x, y): Point, index: i32) {
    let sway = 0.02 * wave(view.time * 0.5 + f64::from(index) * 0.19);
    let place = Affine::rotate(sway).then(view.place(x, y));
    let ink = view.ink();
    let width = 1.4 * view.unit;
    let mut path = Path::placed(place);
    path.curve(&[(0.0, 0.0), (2.0, -14.0), (0.0, -28.0)]);
    canvas.stroke(&path, 3.4 * view.unit, &ink);
    canvas.stroke(&path, 1.6 * view.unit, &view.colour(0x4c8c34));
    let petals =
        [0xff6f7c, 0xffffff, 0xb48cf0, 0xffc23c][(view.chance(index, 93) * 4.0) as usize % 4];
    for petal in 0..6 {
        let (s, c) = sin_cos_turns(petal as f32 / 6.0 + 0.04);
        path.clear().ellipse((c * 6.0, -32.0 + s * 6.0), (4.6, 4.6));
        inked(canvas, &path, view.colour(petals), ink, width);
    }
    path.clear().ellipse((0.0, -32.0), (3.6, 3.6));
    inked(canvas, &path, view.colour(0xffd84c), ink, width);
}

fn fence(canvas: &mut Canvas, view: &View) {
    let ink = view.ink();
    let wood = view.colour(0xc89868);
    let u = view.unit;
    for (index, x) in view.things(1.0, 76.0, 90.0) {
        if view.chance(index.div_euclid(12), 101) < 0.4 {
            continue;
        }
        let (y0, y1) = (meadow(view, x), meadow(view, x + 76.0));
        let mut path = Path::placed(view.place(0.0, 0.0));
        for rail in [44.0, 22.0] {
            path.clear().polygon(&[
                (x, y0 - rail),
                (x + 76.0, y1 - rail),
                (x + 76.0, y1 - rail + 8.0),
                (x, y0 - rail + 8.0),
            ]);
            inked(canvas, &path, wood, ink, 2.2 * u);
        }
        path.clear().polygon(&[
            (x - 6.0, y0 + 8.0),
            (x - 6.0, y0 - 54.0),
            (x, y0 - 62.0),
            (x + 6.0, y0 - 54.0),
            (x + 6.0, y0 + 8.0),
        ]);
        inked(canvas, &path, wood.mix(Rgba::WHITE, 0.16), ink, 2.2 * u);
    }
}

pub(super) fn butterflies(canvas: &mut Canvas, view: &View) {
    for index in 0..3 {
        let phase = f64::from(index) * 0.37 + view.time * 0.13;
        let x = view.width * (0.2 + 0.3 * index as f32) + 90.0 * wave(phase);
        let y = 470.0 + 60.0 * wave(phase * 1.7 + 0.2) + 12.0 * wave(view.time * 1.3 + phase);
        let open = mix(
            0.25,
            1.0,
            wave(view.time * 3.2 + f64::from(index) * 0.3).abs(),
        );
        let colour = view.colour([0xffa63c, 0x6cc4f0, 0xf48cb8][index as usize]);
        for side in [-1.0, 1.0] {
            let place = Affine::scale(side * open, 1.0).then(view.place(x, y));
            let mut path = Path::placed(place);
            path.blob(&[
                (1.0, 0.0),
                (5.0, -12.0),
                (15.0, -14.0),
                (16.0, -4.0),
                (9.0, 2.0),
                (12.0, 10.0),
                (5.0, 11.0),
            ]);
            inked(canvas, &path, colour, view.ink(), 1.6 * view.unit);
        }
    }
    // Birds far away.
    for index in 0..5 {
        let x = (view.width * 0.2 + 70.0 * index as f32 + view.time as f32 % 400.0 * 26.0)
            % (view.width + 120.0)
            - 60.0;
        let y = 130.0
            + 17.0 * ((index * 3) % 5) as f32
            + 5.0 * wave(view.time * 0.4 + f64::from(index));
        let flap = 7.0 * wave(view.time * 1.5 + f64::from(index) * 0.21);
        let mut path = Path::placed(view.place(x, y));
        path.curve(&[(-15.0, -flap), (-7.0, -2.0 - flap * 0.5), (0.0, 2.0)]);
        path.curve(&[(0.0, 2.0), (7.0, -2.0 - flap * 0.5), (15.0, -flap)]);
        canvas.stroke(&path, 2.4 * view.unit, &view.ink());
    }
}

/// Stalks close to the camera that rush past.
pub(super) fn foreground(canvas: &mut Canvas, view: &View) {
    let dark = view.colour(view.palette.hills[2][1]).mix(view.ink(), 0.55);
    for (index, x) in view.things(1.9, 148.0, 160.0) {
        if view.chance(index, 111) < 0.35 {
            continue;
        }
        let sway = 12.0 * wave(view.time * 0.4 + f64::from(index) * 0.23);
        for blade in 0..5 {
            let lean = mix(-70.0, 70.0, view.chance(index * 8 + blade, 112));
            let tall = mix(60.0, 165.0, view.chance(index * 8 + blade, 113));
            let mut path = Path::placed(view.place(x, 728.0));
            path.move_to(-9.0, 0.0);
            path.quad_to((lean * 0.2 - 6.0, -tall * 0.6), lean + sway, -tall);
            path.quad_to((lean * 0.2 + 9.0, -tall * 0.5), 10.0, 0.0);
            path.close();
            inked(canvas, &path, dark, view.ink(), 2.4 * view.unit);
        }
    }
}
