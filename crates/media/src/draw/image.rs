//! Pictures drawn on pictures.

use super::math::split;
use super::{Canvas, Rgba, Shader};

/// How a picture is read between its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// The nearest pixel: blocks with sharp edges.
    Nearest,
    /// Straight between the four nearest: what most players show.
    Bilinear,
}

impl Canvas {
    /// Draws `source` (a whole picture, in numbers of the same light) into the rectangle from
    /// `(x0, y0)` to `(x1, y1)`.
    pub fn image(
        &mut self,
        source: &Canvas,
        (x0, y0): (f32, f32),
        (x1, y1): (f32, f32),
        sampling: Sampling,
    ) {
        let (width, height) = (source.width(), source.height());
        let (sx, sy) = (width as f32 / (x1 - x0), height as f32 / (y1 - y0));
        let column = |x: i32| x.clamp(0, width as i32 - 1) as usize;
        let row = |y: i32| y.clamp(0, height as i32 - 1) as usize;
        match sampling {
            Sampling::Nearest => {
                let paint = Shader(|x: f32, y: f32| {
                    source.pixel(column(((x - x0) * sx) as i32), row(((y - y0) * sy) as i32))
                });
                self.rect(x0, y0, x1, y1, &paint);
            }
            Sampling::Bilinear => {
                let paint = Shader(|x: f32, y: f32| {
                    let (i, across) = split((x - x0) * sx - 0.5);
                    let (j, down) = split((y - y0) * sy - 0.5);
                    let pair = |y: usize| {
                        let left: Rgba = source.pixel(column(i), y);
                        left.mix(source.pixel(column(i + 1), y), across)
                    };
                    pair(row(j)).mix(pair(row(j + 1)), down)
                });
                self.rect(x0, y0, x1, y1, &paint);
            }
        }
    }

    /// The same picture at another size, each pixel the average of those it stands for: for
    /// thumbnails. Made for shrinking; where it enlarges it repeats pixels.
    #[must_use]
    pub fn shrunk(&self, width: usize, height: usize) -> Canvas {
        let source = self.rows();
        let (from_width, from_height) = (self.width(), source.len());
        let mut small = Canvas::new(width, height, self.light(), Rgba::BLACK);
        for target in small.rows_mut() {
            let rows = spread(target.y, from_height, height);
            for x in 0..width {
                let columns = spread(x, from_width, width);
                let mut sum = [0.0f32; 3];
                for y in rows.clone() {
                    let row = self.row(source.start + y);
                    for (sum, channel) in sum.iter_mut().zip(row) {
                        *sum += channel[columns.clone()].iter().sum::<f32>();
                    }
                }
                let share = 1.0 / (rows.len() * columns.len()) as f32;
                target.r[x] = sum[0] * share;
                target.g[x] = sum[1] * share;
                target.b[x] = sum[2] * share;
            }
        }
        small
    }
}

/// The source samples that sample `index` of `count` stands for, at least one.
fn spread(index: usize, source: usize, count: usize) -> std::ops::Range<usize> {
    let start = index * source / count;
    start..((index + 1) * source / count).max(start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Light;

    #[test]
    fn nearest_repeats_and_bilinear_mixes() {
        let mut source = Canvas::new(2, 1, Light::Coded, Rgba::BLACK);
        source.rect(1.0, 0.0, 2.0, 1.0, &Rgba::WHITE);
        let mut canvas = Canvas::new(8, 4, Light::Coded, Rgba::grey(0.5));
        canvas.image(&source, (0.0, 0.0), (8.0, 4.0), Sampling::Nearest);
        assert_eq!(canvas.row(2)[0], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        canvas.image(&source, (0.0, 0.0), (8.0, 4.0), Sampling::Bilinear);
        assert_eq!(canvas.row(2)[0][..3], [0.0, 0.0, 0.125]);
        assert_eq!(canvas.pixel(7, 0), Rgba::WHITE);
    }

    #[test]
    fn shrinking_averages() {
        let mut source = Canvas::new(6, 4, Light::Coded, Rgba::BLACK);
        source.rect(0.0, 0.0, 1.0, 4.0, &Rgba::WHITE);
        let small = source.shrunk(3, 2);
        assert_eq!(small.pixel(0, 1), Rgba::grey(0.5));
        assert_eq!(small.pixel(1, 1), Rgba::BLACK);
        assert_eq!(source.shrunk(6, 4).pixel(0, 0), Rgba::WHITE);
    }
}
