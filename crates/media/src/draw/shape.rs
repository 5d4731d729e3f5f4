//! Shapes simple enough to be covered without an outline.

use super::{Canvas, Paint, Path, Rgba, Spot};

impl Canvas {
    /// A rectangle with level sides; parts of pixels count as such.
    pub fn rect(&mut self, x0: f32, y0: f32, x1: f32, y1: f32, paint: &impl Paint) {
        let rows = self.rows();
        let left = x0.max(0.0);
        let right = x1.min(self.width() as f32);
        let top = y0.max(rows.start as f32);
        let bottom = y1.min(rows.end as f32);
        if !(left < right && top < bottom) {
            return;
        }
        let (first, last) = (left as usize, right.ceil() as usize);
        let mut coverage = std::mem::take(&mut self.scratch);
        coverage.clear();
        coverage.resize(last - first, 1.0);
        coverage[0] = (first as f32 + 1.0).min(right) - left;
        if last - first > 1 {
            coverage[last - first - 1] = right - (last - 1) as f32;
        }
        let mut partial: Vec<f32> = Vec::new();
        for y in top as usize..(bottom.ceil() as usize).min(rows.end) {
            let share = (y as f32 + 1.0).min(bottom) - (y as f32).max(top);
            if share < 1.0 {
                partial.clear();
                partial.extend(coverage.iter().map(|cover| cover * share));
                self.blend(y, first, &partial, paint);
            } else {
                self.blend(y, first, &coverage, paint);
            }
        }
        self.scratch = coverage;
    }

    /// The outline of a rectangle, `width` wide, inside its sides.
    pub fn frame(&mut self, x0: f32, y0: f32, x1: f32, y1: f32, width: f32, paint: &impl Paint) {
        self.rect(x0, y0, x1, y0 + width, paint);
        self.rect(x0, y1 - width, x1, y1, paint);
        self.rect(x0, y0 + width, x0 + width, y1 - width, paint);
        self.rect(x1 - width, y0 + width, x1, y1 - width, paint);
    }

    /// A rectangle with round corners.
    pub fn rounded(
        &mut self,
        (x0, y0): (f32, f32),
        (x1, y1): (f32, f32),
        radius: f32,
        paint: &impl Paint,
    ) {
        let mut path = Path::new();
        path.rounded(x0, y0, x1, y1, radius);
        self.fill(&path, paint);
    }

    /// A disc.
    pub fn circle(&mut self, x: f32, y: f32, radius: f32, paint: &impl Paint) {
        let reach = radius + 0.5;
        let rows = self.rows();
        let (top, bottom) = (
            (y - reach).max(rows.start as f32),
            (y + reach).min(rows.end as f32),
        );
        let (left, right) = ((x - reach).max(0.0), (x + reach).min(self.width() as f32));
        if !(top < bottom && left < right) || radius <= 0.0 {
            return;
        }
        // A disc smaller than a pixel keeps its light and loses its shape.
        let most = if radius < 0.5 {
            3.0 * radius * radius
        } else {
            1.0 - (1.0 - radius).max(0.0) * (1.0 - radius).max(0.0)
        };
        let radius = radius.max(0.5);
        let mut coverage = std::mem::take(&mut self.scratch);
        for row in top as usize..(bottom.ceil() as usize).min(rows.end) {
            let dy = row as f32 + 0.5 - y;
            let half = (reach * reach - dy * dy).max(0.0).sqrt();
            let from = (x - half - 0.5).max(left) as usize;
            let to = ((x + half + 0.5).min(right).ceil().max(0.0)) as usize;
            if from >= to {
                continue;
            }
            coverage.clear();
            coverage.extend((from..to).map(|column| {
                let dx = column as f32 + 0.5 - x;
                let distance = (dx * dx + dy * dy).sqrt();
                (radius + 0.5 - distance).clamp(0.0, 1.0) * most
            }));
            self.blend(row, from, &coverage, paint);
        }
        self.scratch = coverage;
    }

    /// Paints the pixels whose centres lie within `radius` of `(x, y)`, without an edge: for
    /// paint that fades out by itself. Only every `step`th pixel of a row is computed, and the
    /// paint runs straight between: for paint without fine detail.
    pub fn disc(&mut self, x: f32, y: f32, radius: f32, step: usize, paint: &impl Paint) {
        let rows = self.rows();
        let (top, bottom) = (
            (y - radius).max(rows.start as f32),
            (y + radius).min(rows.end as f32),
        );
        let limit = self.width() as f32;
        let step = step.max(1);
        let share = 1.0 / step as f32;
        let mut colours: Vec<Rgba> = Vec::new();
        for row in top.max(0.0) as usize..(bottom.max(0.0).ceil() as usize).min(rows.end) {
            let dy = row as f32 + 0.5 - y;
            let half = (radius * radius - dy * dy).max(0.0).sqrt();
            let from = (x - half + 0.5).clamp(0.0, limit) as usize;
            let to = (x + half + 0.5).clamp(0.0, limit) as usize;
            if from >= to {
                continue;
            }
            // The computed pixels are the same ones wherever the disc begins.
            let start = from - from % step;
            let count = (to - 1 - start) / step + 2;
            colours.clear();
            colours.extend((0..count).map(|index| paint.at(start + index * step, row)));
            let [r, g, b] = self.channels_mut(row);
            let mut offset = from - start;
            let mut index = 0;
            for column in from..to {
                if offset == step {
                    offset = 0;
                    index += 1;
                }
                let colour = if step == 1 {
                    colours[index]
                } else {
                    colours[index].mix(colours[index + 1], offset as f32 * share)
                };
                let keep = 1.0 - colour.a;
                r[column] = r[column] * keep + colour.r;
                g[column] = g[column] * keep + colour.g;
                b[column] = b[column] * keep + colour.b;
                offset += 1;
            }
        }
    }

    /// An ellipse.
    pub fn ellipse(&mut self, centre: (f32, f32), radius: (f32, f32), paint: &impl Paint) {
        let mut path = Path::new();
        path.ellipse(centre, radius);
        self.fill(&path, paint);
    }

    /// A closed polygon.
    pub fn polygon(&mut self, points: &[(f32, f32)], paint: &impl Paint) {
        let mut path = Path::new();
        path.polygon(points);
        self.fill(&path, paint);
    }

    /// A soft spot, nothing beyond its radii.
    pub fn spot(&mut self, spot: &Spot) {
        let ((x, y), (rx, ry)) = (spot.centre, spot.radius);
        if rx > 0.0 && ry > 0.0 {
            self.rect(
                super::math::floor((x - rx).clamp(-1e6, 1e6)),
                super::math::floor((y - ry).clamp(-1e6, 1e6)),
                super::math::floor((x + rx).clamp(-1e6, 1e6)) + 1.0,
                super::math::floor((y + ry).clamp(-1e6, 1e6)) + 1.0,
                spot,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Light;

    #[test]
    fn rectangles_cover_parts_of_pixels() {
        let mut canvas = Canvas::new(6, 6, Light::Linear, Rgba::BLACK);
        canvas.rect(1.5, 1.0, 3.25, 2.5, &Rgba::WHITE);
        let row: Vec<f32> = canvas.row(1)[0].to_vec();
        assert_eq!(row, [0.0, 0.5, 1.0, 0.25, 0.0, 0.0]);
        assert_eq!(canvas.pixel(2, 2).r, 0.5);
        canvas.rect(4.25, 4.25, 4.75, 4.75, &Rgba::WHITE);
        assert_eq!(canvas.pixel(4, 4).r, 0.25);
        canvas.rect(-9.0, 5.0, 90.0, 99.0, &Rgba::WHITE);
        assert_eq!(canvas.pixel(5, 5).r, 1.0);
        canvas.rect(f32::NAN, 0.0, 3.0, 3.0, &Rgba::new(9.0, 9.0, 9.0).fade(0.0));
        assert!(canvas.pixel(0, 0).r.is_finite());
    }

    #[test]
    fn discs_have_their_area_however_small() {
        for radius in [0.2f32, 0.5, 3.0, 7.3] {
            let mut canvas = Canvas::new(24, 24, Light::Linear, Rgba::BLACK);
            canvas.circle(12.2, 11.7, radius, &Rgba::WHITE);
            let sum: f32 = (0..24).flat_map(|y| canvas.row(y)[0].to_vec()).sum();
            let area = std::f32::consts::PI * radius * radius;
            assert!(
                (sum - area).abs() < 0.08 * area + 0.12,
                "{radius}: {sum}, {area}"
            );
        }
    }

    #[test]
    fn discs_of_soft_paint_look_the_same_with_any_step() {
        let paint = Spot {
            centre: (21.0, 19.5),
            radius: (17.0, 17.0),
            colour: Rgba::WHITE,
        };
        let draw = |step: usize| {
            let mut canvas = Canvas::new(40, 40, Light::Linear, Rgba::BLACK);
            canvas.disc(21.0, 19.5, 17.0, step, &paint);
            canvas
        };
        let (fine, coarse) = (draw(1), draw(4));
        for y in 0..40 {
            for (a, b) in fine.row(y)[0].iter().zip(coarse.row(y)[0]) {
                assert!((a - b).abs() < 0.04, "{a} and {b} in row {y}");
            }
        }
        assert!(fine.pixel(21, 19).r > 0.98 && fine.pixel(2, 19).r == 0.0);
    }

    #[test]
    fn frames_and_round_corners() {
        let mut canvas = Canvas::new(20, 20, Light::Coded, Rgba::BLACK);
        canvas.frame(2.0, 2.0, 18.0, 18.0, 1.0, &Rgba::WHITE.fade(0.5));
        assert_eq!(canvas.pixel(2, 2).r, 0.5);
        assert_eq!(canvas.pixel(17, 9).r, 0.5);
        assert_eq!(canvas.pixel(3, 3).r, 0.0);
        canvas.rounded((0.0, 0.0), (20.0, 20.0), 6.0, &Rgba::WHITE);
        assert!(canvas.pixel(0, 0).r < 0.1);
        assert_eq!(canvas.pixel(10, 0).r, 1.0);
    }
}
