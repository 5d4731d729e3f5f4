//! Filled shapes: each pixel is mixed by the area of it that the shape covers, exactly.

use super::{Canvas, Paint, Path};

/// One side of an outline, from its upper to its lower end.
struct Edge {
    top: f32,
    bottom: f32,
    x_top: f32,
    /// Growth of x for a step down of one row.
    slope: f32,
    /// +1 where the outline runs down, -1 where it runs up.
    winding: f32,
}

impl Canvas {
    /// Fills `path`. What several windings cover is covered once; opposite windings make holes.
    pub fn fill(&mut self, path: &Path, paint: &impl Paint) {
        let Some([left, top, right, bottom]) = path.bounds() else {
            return;
        };
        let (rows, width) = (self.rows(), self.width());
        let limit = width as f32;
        if !(top < rows.end as f32 && bottom > rows.start as f32 && left < limit && right > 0.0) {
            return;
        }
        let edges = edges(path, rows.start as f32, rows.end as f32);
        let first = (top.max(rows.start as f32) as usize).max(rows.start);
        let last = (bottom.min(rows.end as f32).ceil() as usize).min(rows.end);
        let mut accumulator = std::mem::take(&mut self.scratch);
        // Two more than the row: a slanted edge writes one pixel past its own.
        accumulator.clear();
        accumulator.resize(width + 2, 0.0);
        let mut active: Vec<usize> = Vec::new();
        let mut next = 0;
        for y in first..last {
            let (row_top, row_bottom) = (y as f32, y as f32 + 1.0);
            active.retain(|&index| edges[index].bottom > row_top);
            while next < edges.len() && edges[next].top < row_bottom {
                if edges[next].bottom > row_top {
                    active.push(next);
                }
                next += 1;
            }
            let (mut low, mut high) = (width, 0);
            for &index in &active {
                let span = edges[index].cover(row_top, row_bottom, limit, &mut accumulator);
                low = low.min(span.0);
                high = high.max(span.1);
            }
            if low >= high {
                continue;
            }
            let mut sum = 0.0;
            for value in &mut accumulator[low..high] {
                sum += *value;
                *value = sum.abs().min(1.0);
            }
            let end = high.min(width);
            self.blend(y, low, &accumulator[low..end], paint);
            accumulator[low..high].fill(0.0);
        }
        self.scratch = accumulator;
    }
}

/// Farther than any picture, near enough for `f32` to tell pixels apart in what is cut off.
const FAR: f32 = 1e6;

/// The sides that can touch these rows, sorted by their upper end.
fn edges(path: &Path, top: f32, bottom: f32) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (points, _) in path.polylines() {
        let Some(&last) = points.last() else { continue };
        // An outline that leaves all sense would spoil whole rows: it is left out.
        if !points.iter().all(|p| p.0.abs() < FAR && p.1.abs() < FAR) {
            continue;
        }
        let mut from = last;
        for &to in points {
            let (upper, lower, winding) = if from.1 < to.1 {
                (from, to, 1.0)
            } else {
                (to, from, -1.0)
            };
            // Level sides cover nothing.
            if upper.1 < lower.1 && upper.1 < bottom && lower.1 > top {
                edges.push(Edge {
                    top: upper.1,
                    bottom: lower.1,
                    x_top: upper.0,
                    slope: (lower.0 - upper.0) / (lower.1 - upper.1),
                    winding,
                });
            }
            from = to;
        }
    }
    edges.sort_by(|a, b| a.top.total_cmp(&b.top));
    edges
}

impl Edge {
    /// Adds the edge's part in a row to `accumulator`, whose running sum is the coverage. Gives
    /// the columns from the first written to past the last.
    fn cover(&self, top: f32, bottom: f32, limit: f32, accumulator: &mut [f32]) -> (usize, usize) {
        let y0 = self.top.max(top);
        let y1 = self.bottom.min(bottom);
        let x0 = self.x_top + (y0 - self.top) * self.slope;
        let x1 = self.x_top + (y1 - self.top) * self.slope;
        let height = y1 - y0;
        if height <= 0.0 {
            return (usize::MAX, 0);
        }
        let (left, right) = if x0 < x1 { (x0, x1) } else { (x1, x0) };
        if right <= 0.0 {
            accumulator[0] += height * self.winding;
            return (0, 1);
        }
        if left >= limit {
            // Nothing to its right is in the picture; what is to its left was summed already.
            return (usize::MAX, limit as usize);
        }
        let (mut low, mut high) = (left, right);
        let mut rest = height * self.winding;
        let per_column = if right > left {
            rest / (right - left)
        } else {
            0.0
        };
        if left < 0.0 {
            let outside = -left * per_column;
            accumulator[0] += outside;
            rest -= outside;
            low = 0.0;
        }
        if right > limit {
            rest -= (right - limit) * per_column;
            high = limit;
        }
        spread(accumulator, low, high, rest);
        (low as usize, high as usize + 2)
    }
}

/// Adds `height` of an edge that runs evenly from column `low` to column `high`.
#[inline]
fn spread(accumulator: &mut [f32], low: f32, high: f32, height: f32) {
    let first = low as usize;
    let last = high as usize;
    if first == last {
        let middle = (low + high) * 0.5 - first as f32;
        accumulator[first] += height * (1.0 - middle);
        accumulator[first + 1] += height * middle;
        return;
    }
    let per_column = height / (high - low);
    // The covered area right of the edge, column by column: a triangle, whole steps, a triangle.
    let enter = first as f32 + 1.0 - low;
    let mut before = 0.5 * enter * enter * per_column;
    accumulator[first] += before;
    let mut reached = enter;
    for value in &mut accumulator[first + 1..last] {
        let area = (reached + 0.5) * per_column;
        *value += area - before;
        before = area;
        reached += 1.0;
    }
    let leave = high - last as f32;
    let area = reached * per_column + leave * per_column * (1.0 - 0.5 * leave);
    accumulator[last] += area - before;
    accumulator[last + 1] += height - area;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Light, Rgba};

    fn covered(path: &Path, width: usize, height: usize) -> Vec<f32> {
        let mut canvas = Canvas::new(width, height, Light::Linear, Rgba::BLACK);
        canvas.fill(path, &Rgba::WHITE);
        (0..height)
            .flat_map(|y| canvas.row(y)[0].to_vec())
            .collect()
    }

    #[test]
    fn areas_are_exact() {
        let mut path = Path::new();
        path.polygon(&[(1.25, 0.5), (3.5, 0.5), (3.5, 2.0), (1.25, 2.0)]);
        let got = covered(&path, 5, 3);
        let want = [
            0.0, 0.375, 0.5, 0.25, 0.0, 0.0, 0.75, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        ];
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got} is not {want}");
        }
    }

    #[test]
    fn the_sum_over_pixels_is_the_area() {
        let mut path = Path::new();
        path.ellipse((20.3, 17.9), (13.2, 9.7));
        let sum: f32 = covered(&path, 40, 36).iter().sum();
        let area = std::f32::consts::PI * 13.2 * 9.7;
        assert!((sum - area).abs() < area * 0.01, "{sum} is not {area}");
        let mut triangle = Path::new();
        triangle.polygon(&[(2.0, 3.0), (37.0, 9.0), (5.0, 31.0)]);
        let sum: f32 = covered(&triangle, 40, 36).iter().sum();
        let area = 0.5 * (35.0 * 28.0 - 3.0 * 6.0);
        assert!((sum - area).abs() < 0.01, "{sum} is not {area}");
    }

    #[test]
    fn windings_unite_or_cut_holes() {
        let mut path = Path::new();
        path.polygon(&[(0.0, 0.0), (6.0, 0.0), (6.0, 6.0), (0.0, 6.0)]);
        path.polygon(&[(1.0, 1.0), (5.0, 1.0), (5.0, 5.0), (1.0, 5.0)]);
        assert_eq!(covered(&path, 6, 6)[14], 1.0);
        let mut hole = Path::new();
        hole.polygon(&[(0.0, 0.0), (6.0, 0.0), (6.0, 6.0), (0.0, 6.0)]);
        hole.polygon(&[(1.0, 1.0), (1.0, 5.0), (5.0, 5.0), (5.0, 1.0)]);
        assert_eq!(covered(&hole, 6, 6)[14], 0.0);
    }

    #[test]
    fn shapes_beyond_the_picture_are_cut() {
        let mut path = Path::new();
        path.polygon(&[(-50.0, -40.0), (90.0, -20.0), (60.0, 70.0), (-30.0, 55.0)]);
        assert!(
            covered(&path, 16, 16)
                .iter()
                .all(|c| (c - 1.0).abs() < 1e-5)
        );
        let mut far = Path::new();
        far.polygon(&[(100.0, 2.0), (300.0, 2.0), (300.0, 9.0)]);
        far.polygon(&[(f32::NAN, 2.0), (3.0, f32::NAN), (1.0, 9.0)]);
        assert!(covered(&far, 16, 16).iter().all(|c| *c == 0.0));
    }
}
