//! The picture that is drawn on.

use rayon::prelude::*;

use super::{Light, Paint, Rgba};

/// A picture, or a band of its rows, as `f32` red, green and blue.
///
/// Coordinates are pixels of the whole picture, `(0, 0)` its top left corner and pixel centres at
/// halves; what falls outside the band is cut off. A drawing that is run once for every band, on
/// as many threads as there are, gives the same picture as one run on the whole: each pixel is
/// computed from the shape alone, never from where a band begins.
#[derive(Clone, Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    top: usize,
    rows: usize,
    light: Light,
    /// Row after row; in a row all red, then all green, then all blue, so that mixing vectorises.
    data: Vec<f32>,
    /// Coverage of one row, kept between shapes.
    pub(super) scratch: Vec<f32>,
}

/// One row of a canvas.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its place in the picture.
    pub y: usize,
    /// Red.
    pub r: &'a mut [f32],
    /// Green.
    pub g: &'a mut [f32],
    /// Blue.
    pub b: &'a mut [f32],
}

impl Canvas {
    /// A picture of one colour.
    ///
    /// # Panics
    /// When a side is zero.
    pub fn new(width: usize, height: usize, light: Light, background: Rgba) -> Canvas {
        let mut canvas = Canvas::band(width, height, 0..height, light);
        canvas.clear(background);
        canvas
    }

    /// Rows `rows` of a picture, black.
    ///
    /// # Panics
    /// When a side is zero or the rows are not of the picture.
    pub fn band(width: usize, height: usize, rows: std::ops::Range<usize>, light: Light) -> Canvas {
        assert!(
            width > 0 && height > 0 && rows.start <= rows.end && rows.end <= height,
            "rows {rows:?} of a {width}x{height} picture"
        );
        Canvas {
            width,
            height,
            top: rows.start,
            rows: rows.len(),
            light,
            data: vec![0.0; 3 * width * rows.len()],
            scratch: Vec::new(),
        }
    }

    /// Draws a whole picture in bands on all threads.
    pub fn render(
        width: usize,
        height: usize,
        light: Light,
        draw: impl Fn(&mut Canvas) + Sync,
    ) -> Canvas {
        let bands: Vec<Canvas> = bands(height)
            .into_par_iter()
            .map(|rows| {
                let mut band = Canvas::band(width, height, rows, light);
                draw(&mut band);
                band
            })
            .collect();
        let mut whole = Canvas::band(width, height, 0..height, light);
        for band in bands {
            let start = 3 * width * band.top;
            whole.data[start..start + band.data.len()].copy_from_slice(&band.data);
        }
        whole
    }

    /// Columns of the picture.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of the whole picture.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The rows that this canvas holds.
    pub fn rows(&self) -> std::ops::Range<usize> {
        self.top..self.top + self.rows
    }

    /// What the numbers mean.
    pub fn light(&self) -> Light {
        self.light
    }

    /// Everything becomes `colour`.
    pub fn clear(&mut self, colour: Rgba) {
        for row in self.rows_mut() {
            row.r.fill(colour.r);
            row.g.fill(colour.g);
            row.b.fill(colour.b);
        }
    }

    /// The rows from top to bottom, to read or change in any way.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = Row<'_>> {
        let (width, top) = (self.width, self.top);
        self.data
            .chunks_exact_mut(3 * width)
            .enumerate()
            .map(move |(index, row)| {
                let (r, rest) = row.split_at_mut(width);
                let (g, b) = rest.split_at_mut(width);
                Row {
                    y: top + index,
                    r,
                    g,
                    b,
                }
            })
    }

    /// Red, green and blue of one row.
    ///
    /// # Panics
    /// When the row is not of this canvas.
    pub fn row(&self, y: usize) -> [&[f32]; 3] {
        let row = &self.data[3 * self.width * (y - self.top)..][..3 * self.width];
        let (r, rest) = row.split_at(self.width);
        let (g, b) = rest.split_at(self.width);
        [r, g, b]
    }

    /// Red, green and blue of one row, to write.
    pub(super) fn channels_mut(&mut self, y: usize) -> [&mut [f32]; 3] {
        let row = &mut self.data[3 * self.width * (y - self.top)..][..3 * self.width];
        let (r, rest) = row.split_at_mut(self.width);
        let (g, b) = rest.split_at_mut(self.width);
        [r, g, b]
    }

    /// One pixel, opaque.
    ///
    /// # Panics
    /// When it is not of this canvas.
    pub fn pixel(&self, x: usize, y: usize) -> Rgba {
        let [r, g, b] = self.row(y);
        Rgba::new(r[x], g[x], b[x])
    }

    /// Mixes a row of `paint` in, from column `x0` on, as far as `coverage` says. The caller has
    /// cut it to the canvas.
    #[inline]
    pub(super) fn blend(&mut self, y: usize, x0: usize, coverage: &[f32], paint: &impl Paint) {
        let [r, g, b] = self.channels_mut(y);
        let count = coverage.len();
        let (r, g, b) = (
            &mut r[x0..][..count],
            &mut g[x0..][..count],
            &mut b[x0..][..count],
        );
        for i in 0..count {
            let cover = coverage[i];
            let colour = paint.at(x0 + i, y);
            let keep = 1.0 - cover * colour.a;
            r[i] = r[i] * keep + colour.r * cover;
            g[i] = g[i] * keep + colour.g * cover;
            b[i] = b[i] * keep + colour.b * cover;
        }
    }

    /// Draws `count` times on what is here now and keeps the average: motion blur, or whatever
    /// else is many pictures seen as one. `draw` is told which of the pictures it draws.
    pub fn average(&mut self, count: usize, mut draw: impl FnMut(&mut Canvas, usize)) {
        if count <= 1 {
            draw(self, 0);
            return;
        }
        let base = self.data.clone();
        let mut sum = vec![0.0; base.len()];
        for index in 0..count {
            if index > 0 {
                self.data.copy_from_slice(&base);
            }
            draw(self, index);
            for (sum, value) in sum.iter_mut().zip(&self.data) {
                *sum += value;
            }
        }
        let share = 1.0 / count as f32;
        for (value, sum) in self.data.iter_mut().zip(&sum) {
            *value = sum * share;
        }
    }

    /// The rows and columns from `(x, y)` as a picture of its own.
    ///
    /// # Panics
    /// When they are not of this canvas.
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Canvas {
        assert!(
            x + width <= self.width && y >= self.top && y + height <= self.top + self.rows,
            "a {width}x{height} crop at {x},{y}"
        );
        let mut crop = Canvas::band(width, height, 0..height, self.light);
        for row in crop.rows_mut() {
            let [r, g, b] = self.row(y + row.y);
            row.r.copy_from_slice(&r[x..x + width]);
            row.g.copy_from_slice(&g[x..x + width]);
            row.b.copy_from_slice(&b[x..x + width]);
        }
        crop
    }

    /// The same picture in the numbers of the other `light`.
    #[must_use]
    pub fn converted(mut self, light: Light) -> Canvas {
        if light != self.light {
            let convert = match light {
                Light::Linear => super::colour::decode,
                Light::Coded => super::colour::encode,
            };
            for value in &mut self.data {
                *value = convert(*value);
            }
            self.light = light;
        }
        self
    }
}

/// How a picture of `height` rows is cut for threads: even starts, so that a band has whole chroma
/// rows, and enough bands to keep many threads busy to the end.
pub(crate) fn bands(height: usize) -> Vec<std::ops::Range<usize>> {
    const ROWS: usize = 32;
    (0..height)
        .step_by(ROWS)
        .map(|start| start..(start + ROWS).min(height))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_meet_without_a_seam() {
        let draw = |canvas: &mut Canvas| {
            canvas.clear(Rgba::grey(0.2));
            canvas.circle(20.3, 35.1, 14.7, &Rgba::new(1.0, 0.5, 0.0).fade(0.7));
        };
        let banded = Canvas::render(41, 67, Light::Linear, draw);
        let mut whole = Canvas::new(41, 67, Light::Linear, Rgba::BLACK);
        draw(&mut whole);
        assert_eq!(banded.data, whole.data);
        assert_eq!(whole.pixel(0, 66), Rgba::grey(0.2));
        assert!(whole.pixel(20, 35).r > 0.7);
    }

    #[test]
    fn averaging_blurs_what_moves_and_keeps_what_does_not() {
        let mut canvas = Canvas::new(8, 4, Light::Linear, Rgba::grey(0.5));
        canvas.average(4, |canvas, index| {
            let x = index as f32;
            canvas.rect(x, 0.0, x + 1.0, 4.0, &Rgba::WHITE);
        });
        assert_eq!(canvas.pixel(2, 1), Rgba::grey(0.625));
        assert_eq!(canvas.pixel(6, 1), Rgba::grey(0.5));
    }

    #[test]
    fn a_crop_is_what_it_was() {
        let mut canvas = Canvas::new(9, 9, Light::Coded, Rgba::BLACK);
        canvas.rect(4.0, 5.0, 5.0, 6.0, &Rgba::hex(0x336699));
        let crop = canvas.crop(3, 4, 3, 2);
        assert_eq!(crop.pixel(1, 1), canvas.pixel(4, 5));
        assert_eq!(crop.pixel(0, 0), Rgba::BLACK);
        let round = crop
            .clone()
            .converted(Light::Linear)
            .converted(Light::Coded);
        assert!((round.pixel(1, 1).g - 0.4).abs() < 1e-3);
    }
}
