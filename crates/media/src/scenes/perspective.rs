//! A camera without roll over level ground.

use crate::draw::Point;
use crate::draw::math::{cos_turns, sin_turns};

/// A point of a scene in metres: right, up, away.
pub(super) type Place = [f32; 3];

/// Where the camera is and what it sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Camera {
    pub(super) position: Place,
    /// Sine and cosine of the turn to the right.
    yaw: (f32, f32),
    /// Sine and cosine of the tilt downwards.
    pitch: (f32, f32),
    /// Distance of the picture plane in pixels.
    pub(super) focal: f32,
    /// The pixel it looks at.
    pub(super) centre: Point,
}

/// The points that one row of the picture sees on level ground: they lie on a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroundRow {
    /// The point seen at column 0.
    pub(super) start: (f32, f32),
    /// From column to column.
    pub(super) step: (f32, f32),
    /// Distance along the view.
    pub(super) depth: f32,
}

impl Camera {
    /// A camera turned right by `yaw` and down by `pitch`, both in turns.
    pub(super) fn new(position: Place, yaw: f32, pitch: f32, focal: f32, centre: Point) -> Camera {
        Camera {
            position,
            yaw: (sin_turns(yaw), cos_turns(yaw)),
            pitch: (sin_turns(pitch), cos_turns(pitch)),
            focal,
            centre,
        }
    }

    /// The point in the camera's own directions: right, up, away.
    pub(super) fn seen(&self, p: Place) -> Place {
        let d = [
            p[0] - self.position[0],
            p[1] - self.position[1],
            p[2] - self.position[2],
        ];
        let ((sy, cy), (sp, cp)) = (self.yaw, self.pitch);
        let right = d[0] * cy - d[2] * sy;
        let ahead = d[0] * sy + d[2] * cy;
        [right, ahead * sp + d[1] * cp, ahead * cp - d[1] * sp]
    }

    /// The pixel where a point in the camera's directions is seen; it must be ahead.
    pub(super) fn pixel(&self, seen: Place) -> Point {
        let scale = self.focal / seen[2];
        (
            self.centre.0 + seen[0] * scale,
            self.centre.1 - seen[1] * scale,
        )
    }

    /// The pixel of a place and how many pixels a metre is there; none behind the camera.
    pub(super) fn project(&self, p: Place) -> Option<(Point, f32)> {
        let seen = self.seen(p);
        (seen[2] > NEAR).then(|| (self.pixel(seen), self.focal / seen[2]))
    }

    /// The outline of a polygon in the picture, cut off where it comes too near.
    pub(super) fn polygon(&self, places: &[Place], out: &mut Vec<Point>) {
        out.clear();
        let Some(&last) = places.last() else { return };
        let mut from = self.seen(last);
        for &place in places {
            let to = self.seen(place);
            if (from[2] > NEAR) != (to[2] > NEAR) {
                let t = (NEAR - from[2]) / (to[2] - from[2]);
                let cut = [0, 1, 2].map(|i: usize| from[i] + (to[i] - from[i]) * t);
                out.push(self.pixel([cut[0], cut[1], NEAR]));
            }
            if to[2] > NEAR {
                out.push(self.pixel(to));
            }
            from = to;
        }
    }

    /// What the row through height `y` sees of the ground at height zero; none above the horizon.
    pub(super) fn ground(&self, y: f32) -> Option<GroundRow> {
        let ((sy, cy), (sp, cp)) = (self.yaw, self.pitch);
        let up = (self.centre.1 - y) / self.focal;
        let fall = sp - up * cp;
        if fall <= 1e-4 {
            return None;
        }
        let reach = self.position[1] / fall;
        let ahead = reach * (cp + up * sp);
        let side = reach / self.focal;
        let left = -(self.centre.0 - 0.5) * side;
        Some(GroundRow {
            start: (
                self.position[0] + ahead * sy + left * cy,
                self.position[2] + ahead * cy - left * sy,
            ),
            step: (side * cy, -side * sy),
            depth: reach,
        })
    }
}

/// Nothing nearer than this, in metres, is drawn.
const NEAR: f32 = 0.4;

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> Camera {
        Camera::new([3.0, 15.0, -60.0], 0.04, 0.03, 900.0, (320.0, 180.0))
    }

    #[test]
    fn the_ground_is_where_projection_puts_it() {
        let camera = camera();
        for y in [200.5f32, 350.5] {
            let row = camera.ground(y).unwrap();
            for column in [0.0f32, 200.0, 639.0] {
                let place = [
                    row.start.0 + row.step.0 * column,
                    0.0,
                    row.start.1 + row.step.1 * column,
                ];
                let ((px, py), _) = camera.project(place).unwrap();
                assert!((px - column - 0.5).abs() < 0.1, "{px} is not {column}");
                assert!((py - y).abs() < 0.1);
            }
        }
        assert!(camera.ground(-500.0).is_none());
    }

    #[test]
    fn what_is_behind_is_cut_off() {
        let camera = camera();
        assert!(camera.project([0.0, 0.0, -90.0]).is_none());
        let mut out = Vec::new();
        camera.polygon(
            &[[0.0, 0.0, -90.0], [5.0, 0.0, 20.0], [-5.0, 0.0, 20.0]],
            &mut out,
        );
        assert_eq!(out.len(), 4);
        assert!(out.iter().all(|p| p.0.is_finite() && p.1.is_finite()));
    }
}
