//! Light and colour, at some points of a picture.

use nervure_frame::{Plane, Sample};

/// Points across; as many down as the shape asks for.
const ACROSS: usize = 96;
/// Bins of the histogram of colours: luma, then each colour difference.
const BINS: (usize, usize) = (16, 12);

/// What colours say.
pub(super) struct Palette;

impl Palette {
    pub(super) const COUNT: usize = 12;

    /// Brightness and colour of planes that hold luma and colour differences.
    pub(super) fn of<T: Sample>(
        planes: &[Plane<T>; 3],
        shift: (u32, u32),
        full: bool,
    ) -> [f32; Palette::COUNT] {
        let (width, height) = (planes[0].width(), planes[0].height());
        let columns = ACROSS.min(width);
        let rows = (columns * height / width).clamp(1, ACROSS.min(height));
        let scale = 1.0 / (1u32 << (T::DEPTH.bits() - 8)) as f32;
        let sample = |plane: usize, x: usize, y: usize| -> f32 {
            let value: i32 = planes[plane].row(y)[x].into();
            value as f32 * scale
        };
        let (mut sum, mut squares, mut saturation) = (0.0f32, 0.0f32, 0.0f32);
        let [mut dark, mut lit, mut white, mut grey] = [0u32; 4];
        let [mut skin, mut green, mut blue] = [0u32; 3];
        let mut patches = Patches::new(columns, rows);
        let mut bins = [0u32; BINS.0 * BINS.1 * BINS.1];
        for row in 0..rows {
            let y = (2 * row + 1) * height / (2 * rows);
            for column in 0..columns {
                let x = (2 * column + 1) * width / (2 * columns);
                let luma = sample(0, x, y);
                let luma = if full {
                    luma
                } else {
                    ((luma - 16.0) * (255.0 / 219.0)).clamp(0.0, 255.0)
                };
                let (cx, cy) = (x >> shift.0, y >> shift.1);
                let (cb, cr) = (sample(1, cx, cy) - 128.0, sample(2, cx, cy) - 128.0);
                sum += luma;
                squares += luma * luma;
                let colour = cb.abs() + cr.abs();
                saturation += colour;
                dark += u32::from(luma < 40.0);
                lit += u32::from(luma > 150.0);
                white += u32::from(luma > 225.0 && colour < 12.0);
                grey += u32::from(colour < 8.0);
                // The usual box of skin in Cb and Cr, without its palest corner.
                let is_skin = (50.0..=235.0).contains(&luma)
                    && (-48.0..=-3.0).contains(&cb)
                    && (6.0..=45.0).contains(&cr)
                    && cr - cb > 14.0;
                skin += u32::from(is_skin);
                patches.skin.push(is_skin);
                green += u32::from(cb < -4.0 && cr < -3.0);
                blue += u32::from(cb > 6.0 && cr < 0.0);
                let bin = |value: f32| ((value + 96.0) / 16.0).clamp(0.0, 11.0) as usize;
                let place = (luma / 16.0) as usize * BINS.1 + bin(cb);
                bins[place.min(BINS.0 * BINS.1 - 1) * BINS.1 + bin(cr)] += 1;
            }
        }
        let count = (columns * rows) as f32;
        let share = |part: u32| part as f32 / count;
        let mean = sum / count;
        bins.sort_unstable_by(|a, b| b.cmp(a));
        [
            mean / 255.0,
            (squares / count - mean * mean).max(0.0).sqrt() / 255.0,
            share(dark),
            // Bright points matter where the rest is dark.
            share(dark) * share(lit),
            share(white),
            saturation / count / 128.0,
            share(grey),
            share(skin),
            patches.face(),
            share(green),
            share(blue),
            share(bins[..8].iter().sum()),
        ]
    }
}

/// Where skin is.
struct Patches {
    columns: usize,
    rows: usize,
    skin: Vec<bool>,
}

impl Patches {
    fn new(columns: usize, rows: usize) -> Patches {
        Patches {
            columns,
            rows,
            skin: Vec::with_capacity(columns * rows),
        }
    }

    /// How much the largest connected patch of skin looks like a face in front of a camera: of a
    /// fair size, filled, no wider than high, near the middle and not low. 0 to 1.
    fn face(mut self) -> f32 {
        let (mut best, mut best_area) = (0.0, 0);
        let mut todo = Vec::new();
        for start in 0..self.skin.len() {
            if !std::mem::take(&mut self.skin[start]) {
                continue;
            }
            todo.push(start);
            let (mut area, mut left, mut right, mut top, mut bottom) =
                (0usize, self.columns, 0, self.rows, 0);
            while let Some(at) = todo.pop() {
                let (x, y) = (at % self.columns, at / self.columns);
                area += 1;
                (left, right) = (left.min(x), right.max(x));
                (top, bottom) = (top.min(y), bottom.max(y));
                let beside = [
                    (x > 0).then(|| at - 1),
                    (x + 1 < self.columns).then(|| at + 1),
                    (y > 0).then(|| at - self.columns),
                    (y + 1 < self.rows).then(|| at + self.columns),
                ];
                for next in beside.into_iter().flatten() {
                    if std::mem::take(&mut self.skin[next]) {
                        todo.push(next);
                    }
                }
            }
            if area > best_area {
                best_area = area;
                let (width, height) = ((right + 1 - left) as f32, (bottom + 1 - top) as f32);
                let size = area as f32 / (self.columns * self.rows) as f32;
                // Full between 2 and 20 percent of the picture.
                let size = (size * 50.0).min(1.0) * (2.0 - 5.0 * size).clamp(0.0, 1.0);
                let slender = (2.0 * height / width - 1.0).clamp(0.0, 1.0)
                    * (3.0 - height / width).clamp(0.0, 1.0);
                let aside = ((left + right + 1) as f32 / self.columns as f32 - 1.0).abs();
                let low = (top + bottom + 1) as f32 / (2 * self.rows) as f32;
                best = area as f32 / (width * height)
                    * size
                    * slender
                    * (1.4 - 1.6 * aside).clamp(0.0, 1.0)
                    * (3.2 - 4.0 * low).clamp(0.0, 1.0);
            }
        }
        best
    }
}
