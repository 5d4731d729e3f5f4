//! Lines: each pixel is mixed by its distance from the line, so that joints and ends are round
//! and nothing is covered twice.

use super::path::Point;
use super::{Canvas, Paint, Path};

impl Canvas {
    /// Draws along `path` with a round pen. Thinner than a pixel it grows fainter, not narrower.
    pub fn stroke(&mut self, path: &Path, width: f32, paint: &impl Paint) {
        let Some([left, top, right, bottom]) = path.bounds() else {
            return;
        };
        let half = width.max(0.0) * 0.5;
        let reach = half + 0.5;
        let rows = self.rows();
        let limit = self.width() as f32;
        if !(top - reach < rows.end as f32
            && bottom + reach > rows.start as f32
            && left - reach < limit
            && right + reach > 0.0)
        {
            return;
        }
        let segments = segments(path, reach, rows.start as f32, rows.end as f32);
        let first = ((top - reach).max(rows.start as f32) as usize).max(rows.start);
        let last = ((bottom + reach).min(rows.end as f32).ceil().max(0.0) as usize).min(rows.end);
        let mut nearest = std::mem::take(&mut self.scratch);
        nearest.clear();
        nearest.resize(self.width(), f32::MAX);
        for y in first..last {
            let centre = y as f32 + 0.5;
            let (mut low, mut high) = (self.width(), 0);
            for segment in &segments {
                if let Some((x0, x1)) = segment.columns(centre, reach, limit) {
                    segment.measure(centre, x0, &mut nearest[x0..x1]);
                    low = low.min(x0);
                    high = high.max(x1);
                }
            }
            if low >= high {
                continue;
            }
            for value in &mut nearest[low..high] {
                let distance = value.sqrt();
                let inner = (distance + half).min(0.5) - (distance - half).max(-0.5);
                *value = inner.clamp(0.0, 1.0);
            }
            self.blend(y, low, &nearest[low..high], paint);
            nearest[low..high].fill(f32::MAX);
        }
        self.scratch = nearest;
    }

    /// A straight line with a round pen.
    pub fn line(&mut self, from: Point, to: Point, width: f32, paint: &impl Paint) {
        let mut path = Path::new();
        path.move_to(from.0, from.1).line_to(to.0, to.1);
        self.stroke(&path, width, paint);
    }
}

struct Segment {
    from: Point,
    along: Point,
    /// One over the squared length, or zero for a dot.
    scale: f32,
}

fn segments(path: &Path, reach: f32, top: f32, bottom: f32) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut add = |from: Point, to: Point| {
        let (low, high) = (from.1.min(to.1), from.1.max(to.1));
        if low - reach < bottom && high + reach > top {
            let along = (to.0 - from.0, to.1 - from.1);
            let squared = along.0 * along.0 + along.1 * along.1;
            segments.push(Segment {
                from,
                along,
                scale: if squared > 1e-12 { 1.0 / squared } else { 0.0 },
            });
        }
    };
    for (points, closed) in path.polylines() {
        if let [dot] = points {
            add(*dot, *dot);
        }
        for pair in points.windows(2) {
            add(pair[0], pair[1]);
        }
        if closed && points.len() > 1 {
            add(points[points.len() - 1], points[0]);
        }
    }
    segments
}

impl Segment {
    /// The columns within `reach` of the segment, whose centres lie at height `y`.
    fn columns(&self, y: f32, reach: f32, limit: f32) -> Option<(usize, usize)> {
        let (mut left, mut right) = if self.along.0 < 0.0 {
            (self.from.0 + self.along.0, self.from.0)
        } else {
            (self.from.0, self.from.0 + self.along.0)
        };
        let (low, high) = if self.along.1 < 0.0 {
            (self.from.1 + self.along.1, self.from.1)
        } else {
            (self.from.1, self.from.1 + self.along.1)
        };
        if y < low - reach || y > high + reach {
            return None;
        }
        if self.along.1 != 0.0 {
            // Only the stretch of the segment whose height is within reach can be near this row.
            let at = |h: f32| self.from.0 + (h - self.from.1) / self.along.1 * self.along.0;
            let (a, b) = (at((y - reach).max(low)), at((y + reach).min(high)));
            left = left.max(a.min(b));
            right = right.min(a.max(b));
        }
        let x0 = (left - reach - 0.5).max(0.0);
        let x1 = (right + reach + 0.5).min(limit);
        // False for NaN too.
        (x0 < x1).then_some((x0 as usize, x1.ceil() as usize))
    }

    /// Lowers each squared distance to this segment's, where it is nearer.
    #[inline]
    fn measure(&self, y: f32, x0: usize, nearest: &mut [f32]) {
        let (dx, dy) = self.along;
        let py = y - self.from.1;
        let start = x0 as f32 + 0.5 - self.from.0;
        for (i, value) in nearest.iter_mut().enumerate() {
            let px = start + i as f32;
            let t = ((px * dx + py * dy) * self.scale).clamp(0.0, 1.0);
            let (ex, ey) = (px - t * dx, py - t * dy);
            *value = value.min(ex * ex + ey * ey);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Light, Rgba};

    fn black() -> Canvas {
        Canvas::new(24, 24, Light::Linear, Rgba::BLACK)
    }

    #[test]
    fn a_pixel_wide_line_on_centres_is_crisp() {
        let mut canvas = black();
        canvas.line((3.5, 10.5), (20.5, 10.5), 1.0, &Rgba::WHITE);
        assert_eq!(canvas.pixel(12, 10).r, 1.0);
        assert_eq!((canvas.pixel(12, 9).r, canvas.pixel(12, 11).r), (0.0, 0.0));
        assert_eq!((canvas.pixel(2, 10).r, canvas.pixel(21, 10).r), (0.0, 0.0));
    }

    #[test]
    fn thin_lines_grow_faint_and_slanted_ones_keep_their_weight() {
        let mut canvas = black();
        canvas.line((0.0, 5.5), (24.0, 5.5), 0.3, &Rgba::WHITE);
        assert!((canvas.pixel(12, 5).r - 0.3).abs() < 1e-6);
        let mut canvas = black();
        canvas.line((4.0, 4.0), (20.0, 14.0), 2.0, &Rgba::WHITE);
        let sum: f32 = (0..24).flat_map(|y| canvas.row(y)[0].to_vec()).sum();
        let area = 2.0 * (16.0f32 * 16.0 + 100.0).sqrt() + std::f32::consts::PI;
        assert!((sum - area).abs() < 0.05 * area, "{sum} is not {area}");
    }

    #[test]
    fn joints_are_not_covered_twice() {
        let mut path = Path::new();
        path.polyline(&[(2.0, 12.0), (12.0, 12.0), (12.0, 12.2), (22.0, 12.2)]);
        let mut canvas = black();
        canvas.stroke(&path, 3.0, &Rgba::WHITE.fade(0.5));
        assert_eq!(canvas.pixel(11, 12).r, 0.5);
        assert_eq!(canvas.pixel(12, 12).r, 0.5);
    }

    #[test]
    fn broken_lines_do_no_harm() {
        let mut canvas = black();
        canvas.line((f32::NAN, 1.0), (3.0, 4.0), 2.0, &Rgba::WHITE);
        canvas.line((-900.0, 4.0), (-800.0, 9.0), 2.0, &Rgba::WHITE);
        canvas.line((4.0, f32::INFINITY), (4.0, 9.0), 2.0, &Rgba::WHITE);
        canvas.stroke(&Path::new(), 2.0, &Rgba::WHITE);
        assert!(canvas.row(20)[0].iter().all(|value| value.is_finite()));
    }
}
