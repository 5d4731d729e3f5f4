//! Outlines of straight lines, already flattened, and the ways to make them.

use super::math::{cos_turns, sin_turns};

/// A point in pixels.
pub type Point = (f32, f32);

/// Moves, scales, turns and shears points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    x: [f32; 3],
    y: [f32; 3],
}

impl Affine {
    /// Leaves points where they are.
    pub const IDENTITY: Affine = Affine {
        x: [1.0, 0.0, 0.0],
        y: [0.0, 1.0, 0.0],
    };

    /// Moves by `(x, y)`.
    pub fn translate(x: f32, y: f32) -> Affine {
        Affine {
            x: [1.0, 0.0, x],
            y: [0.0, 1.0, y],
        }
    }

    /// Scales about the origin.
    pub fn scale(x: f32, y: f32) -> Affine {
        Affine {
            x: [x, 0.0, 0.0],
            y: [0.0, y, 0.0],
        }
    }

    /// Turns about the origin, clockwise as seen (y runs down), by `turns` full circles.
    pub fn rotate(turns: f32) -> Affine {
        let (s, c) = (sin_turns(turns), cos_turns(turns));
        Affine {
            x: [c, -s, 0.0],
            y: [s, c, 0.0],
        }
    }

    /// `self` in a space that is itself placed by `outer`: `self` happens first.
    #[must_use]
    pub fn then(self, outer: Affine) -> Affine {
        let row = |o: [f32; 3]| {
            [
                o[0] * self.x[0] + o[1] * self.y[0],
                o[0] * self.x[1] + o[1] * self.y[1],
                o[0] * self.x[2] + o[1] * self.y[2] + o[2],
            ]
        };
        Affine {
            x: row(outer.x),
            y: row(outer.y),
        }
    }

    /// Where a point goes.
    pub fn apply(&self, p: Point) -> Point {
        (
            self.x[0] * p.0 + self.x[1] * p.1 + self.x[2],
            self.y[0] * p.0 + self.y[1] * p.1 + self.y[2],
        )
    }

    /// How much lengths grow, as the root of the area's growth.
    pub fn growth(&self) -> f32 {
        (self.x[0] * self.y[1] - self.x[1] * self.y[0]).abs().sqrt()
    }
}

/// Polylines to fill or to stroke. Curves are cut into chords, no farther from the curve than a
/// twelfth of a pixel, as they are added.
#[derive(Clone, Debug, Default)]
pub struct Path {
    place: Option<Affine>,
    points: Vec<Point>,
    /// Where each polyline begins in `points`, and whether it was closed.
    starts: Vec<(usize, bool)>,
}

impl Path {
    /// An empty path in pixels.
    pub fn new() -> Path {
        Path::default()
    }

    /// An empty path whose points are given in a space of their own and placed by `place`.
    pub fn placed(place: Affine) -> Path {
        Path {
            place: Some(place),
            ..Path::default()
        }
    }

    /// Points added from now on are placed by `place`.
    pub fn place(&mut self, place: Affine) -> &mut Path {
        self.place = Some(place);
        self
    }

    /// Forgets the outline, keeps the memory and the placing.
    pub fn clear(&mut self) -> &mut Path {
        self.points.clear();
        self.starts.clear();
        self
    }

    fn growth(&self) -> f32 {
        self.place.map_or(1.0, |place| place.growth())
    }

    /// The last point in its own space is not kept, so curves are flattened after placing.
    fn put(&self, p: Point) -> Point {
        self.place.map_or(p, |place| place.apply(p))
    }

    /// Begins a polyline.
    pub fn move_to(&mut self, x: f32, y: f32) -> &mut Path {
        let p = self.put((x, y));
        self.starts.push((self.points.len(), false));
        self.points.push(p);
        self
    }

    /// A straight line; begins a polyline where there is none.
    pub fn line_to(&mut self, x: f32, y: f32) -> &mut Path {
        if self.starts.last().is_none_or(|(_, closed)| *closed) {
            return self.move_to(x, y);
        }
        let p = self.put((x, y));
        self.points.push(p);
        self
    }

    /// A parabola through the control point `c` to `(x, y)`.
    pub fn quad_to(&mut self, c: Point, x: f32, y: f32) -> &mut Path {
        let Some(&from) = self.points.last() else {
            return self.move_to(x, y);
        };
        let (c, to) = (self.put(c), self.put((x, y)));
        let bend = (from.0 - 2.0 * c.0 + to.0).abs() + (from.1 - 2.0 * c.1 + to.1).abs();
        let count = chords(bend * 0.25);
        for i in 1..=count {
            let t = i as f32 / count as f32;
            let u = 1.0 - t;
            let (a, b, d) = (u * u, 2.0 * u * t, t * t);
            self.points.push((
                a * from.0 + b * c.0 + d * to.0,
                a * from.1 + b * c.1 + d * to.1,
            ));
        }
        self
    }

    /// A cubic Bézier curve with two control points to `(x, y)`.
    pub fn cubic_to(&mut self, c1: Point, c2: Point, x: f32, y: f32) -> &mut Path {
        let Some(&from) = self.points.last() else {
            return self.move_to(x, y);
        };
        let (c1, c2, to) = (self.put(c1), self.put(c2), self.put((x, y)));
        let bend = |a: Point, b: Point, c: Point| {
            (a.0 - 2.0 * b.0 + c.0).abs() + (a.1 - 2.0 * b.1 + c.1).abs()
        };
        let count = chords(bend(from, c1, c2).max(bend(c1, c2, to)) * 0.75);
        for i in 1..=count {
            let t = i as f32 / count as f32;
            let u = 1.0 - t;
            let (a, b, c, d) = (u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t);
            self.points.push((
                a * from.0 + b * c1.0 + c * c2.0 + d * to.0,
                a * from.1 + b * c1.1 + c * c2.1 + d * to.1,
            ));
        }
        self
    }

    /// Part of an ellipse about `centre`, from `start` to `end` in turns, clockwise as seen, joined
    /// to what is there by a straight line. Zero points right.
    pub fn arc(&mut self, centre: Point, radius: Point, start: f32, end: f32) -> &mut Path {
        let size = radius.0.abs().max(radius.1.abs()) * self.growth();
        let sweep = (end - start).abs();
        // The sagitta of a chord over the angle a is r(1 - cos(a/2)), nearly r a^2 / 8.
        let count = ((size * 6.0).sqrt() * sweep * 6.4).ceil().clamp(2.0, 400.0) as usize;
        for i in 0..=count {
            let turns = start + (end - start) * (i as f32 / count as f32);
            self.line_to(
                centre.0 + radius.0 * cos_turns(turns),
                centre.1 + radius.1 * sin_turns(turns),
            );
        }
        self
    }

    /// Joins the polyline's end to its beginning.
    pub fn close(&mut self) -> &mut Path {
        if let Some(last) = self.starts.last_mut() {
            last.1 = true;
        }
        self
    }

    /// A closed polygon.
    pub fn polygon(&mut self, points: &[Point]) -> &mut Path {
        if let Some((first, rest)) = points.split_first() {
            self.move_to(first.0, first.1);
            for p in rest {
                self.line_to(p.0, p.1);
            }
            self.close();
        }
        self
    }

    /// An open polyline.
    pub fn polyline(&mut self, points: &[Point]) -> &mut Path {
        if let Some((first, rest)) = points.split_first() {
            self.move_to(first.0, first.1);
            for p in rest {
                self.line_to(p.0, p.1);
            }
        }
        self
    }

    /// An ellipse.
    pub fn ellipse(&mut self, centre: Point, radius: Point) -> &mut Path {
        self.move_to(centre.0 + radius.0, centre.1);
        self.arc(centre, radius, 0.0, 1.0).close()
    }

    /// A rectangle with round corners.
    pub fn rounded(&mut self, x0: f32, y0: f32, x1: f32, y1: f32, radius: f32) -> &mut Path {
        let r = radius.min((x1 - x0) * 0.5).min((y1 - y0) * 0.5).max(0.0);
        self.move_to(x0 + r, y0);
        self.arc((x1 - r, y0 + r), (r, r), 0.75, 1.0);
        self.arc((x1 - r, y1 - r), (r, r), 0.0, 0.25);
        self.arc((x0 + r, y1 - r), (r, r), 0.25, 0.5);
        self.arc((x0 + r, y0 + r), (r, r), 0.5, 0.75);
        self.close()
    }

    /// A closed curve that runs smoothly through all `points`.
    pub fn blob(&mut self, points: &[Point]) -> &mut Path {
        let count = points.len();
        if count < 3 {
            return self.polygon(points);
        }
        let at = |i: usize| points[i % count];
        self.move_to(points[0].0, points[0].1);
        for i in 0..count {
            self.through(at(i + count - 1), at(i), at(i + 1), at(i + 2));
        }
        self.close()
    }

    /// An open curve that runs smoothly through all `points`.
    pub fn curve(&mut self, points: &[Point]) -> &mut Path {
        let Some((&first, &last)) = points.first().zip(points.last()) else {
            return self;
        };
        self.move_to(first.0, first.1);
        for i in 0..points.len() - 1 {
            let before = if i == 0 { first } else { points[i - 1] };
            let after = points.get(i + 2).copied().unwrap_or(last);
            self.through(before, points[i], points[i + 1], after);
        }
        self
    }

    /// The piece from `b` to `c` of a Catmull-Rom spline through four points.
    fn through(&mut self, a: Point, b: Point, c: Point, d: Point) {
        const SIXTH: f32 = 1.0 / 6.0;
        let c1 = (b.0 + (c.0 - a.0) * SIXTH, b.1 + (c.1 - a.1) * SIXTH);
        let c2 = (c.0 - (d.0 - b.0) * SIXTH, c.1 - (d.1 - b.1) * SIXTH);
        self.cubic_to(c1, c2, c.0, c.1);
    }

    /// A limb: two discs and what a rubber band around them holds.
    pub fn limb(&mut self, a: Point, ra: f32, b: Point, rb: f32) -> &mut Path {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = (dx * dx + dy * dy).sqrt();
        if length <= (ra - rb).abs() + 1e-6 {
            let (centre, r) = if ra >= rb { (a, ra) } else { (b, rb) };
            return self.ellipse(centre, (r, r));
        }
        let heading = super::math::atan2_turns(dy, dx);
        // The tangent leaves the line of centres by the angle whose cosine is (ra - rb) / length.
        let cosine = ((ra - rb) / length).clamp(-1.0, 1.0);
        let spread = super::math::atan2_turns((1.0 - cosine * cosine).sqrt(), cosine);
        self.starts.push((self.points.len(), true));
        let start = self.points.len();
        self.arc_points(a, ra, heading + spread, heading + 1.0 - spread);
        self.arc_points(b, rb, heading - spread, heading + spread);
        debug_assert!(self.points.len() > start);
        self
    }

    fn arc_points(&mut self, centre: Point, radius: f32, start: f32, end: f32) {
        let size = radius * self.growth();
        let count = ((size * 6.0).sqrt() * (end - start).abs() * 6.4)
            .ceil()
            .clamp(2.0, 200.0) as usize;
        for i in 0..=count {
            let turns = start + (end - start) * (i as f32 / count as f32);
            let p = self.put((
                centre.0 + radius * cos_turns(turns),
                centre.1 + radius * sin_turns(turns),
            ));
            self.points.push(p);
        }
    }

    /// The polylines, and whether each is closed.
    pub fn polylines(&self) -> impl Iterator<Item = (&[Point], bool)> {
        let ends = self
            .starts
            .iter()
            .skip(1)
            .map(|(start, _)| *start)
            .chain([self.points.len()]);
        self.starts
            .iter()
            .zip(ends)
            .map(|(&(start, closed), end)| (&self.points[start..end], closed))
    }

    /// The smallest box around all points: left, top, right, bottom. None for an empty path.
    pub fn bounds(&self) -> Option<[f32; 4]> {
        let first = self.points.first()?;
        Some(
            self.points
                .iter()
                .fold([first.0, first.1, first.0, first.1], |b, p| {
                    [b[0].min(p.0), b[1].min(p.1), b[2].max(p.0), b[3].max(p.1)]
                }),
        )
    }
}

/// Chords for a curve that strays `stray` pixels from a straight line: half the length, a quarter
/// of the error.
fn chords(stray: f32) -> usize {
    (stray * 12.0).sqrt().ceil().clamp(1.0, 100.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_happen_in_the_order_they_read() {
        let place = Affine::scale(2.0, 2.0)
            .then(Affine::rotate(0.25))
            .then(Affine::translate(10.0, 0.0));
        let (x, y) = place.apply((1.0, 0.0));
        assert!((x - 10.0).abs() < 1e-5 && (y - 2.0).abs() < 1e-5);
        assert!((place.growth() - 2.0).abs() < 1e-5);
    }

    #[test]
    fn arcs_stay_on_their_circle() {
        let mut path = Path::new();
        path.ellipse((50.0, 50.0), (40.0, 40.0));
        let (points, closed) = path.polylines().next().unwrap();
        assert!(closed);
        for pair in points.windows(2) {
            let (x, y) = ((pair[0].0 + pair[1].0) * 0.5, (pair[0].1 + pair[1].1) * 0.5);
            let radius = ((x - 50.0).powi(2) + (y - 50.0).powi(2)).sqrt();
            assert!((radius - 40.0).abs() < 0.1, "{radius}");
        }
    }

    #[test]
    fn a_limb_holds_both_discs() {
        let mut path = Path::new();
        path.limb((10.0, 10.0), 4.0, (30.0, 10.0), 2.0);
        let [left, top, right, bottom] = path.bounds().unwrap();
        assert!((left - 6.0).abs() < 0.1 && (right - 32.0).abs() < 0.1);
        assert!((top - 6.0).abs() < 0.1 && (bottom - 14.0).abs() < 0.1);
    }

    #[test]
    fn an_empty_path_has_no_bounds() {
        assert!(Path::new().bounds().is_none());
        assert_eq!(Path::new().polylines().count(), 0);
    }
}
