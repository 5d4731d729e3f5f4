//! Edges, texture and text, on some rows at full size.

use nervure_frame::{Plane, Sample};

/// Pairs of rows that are looked at.
const PAIRS: usize = 48;
/// A step of so many 8-bit levels is an edge.
const EDGE: u8 = 32;
/// Edges of opposite sign within so many samples are strokes, as letters have.
const STROKE: usize = 8;

/// Some rows of a picture, each with the one below, as 8-bit samples.
#[derive(Debug, Default)]
pub(super) struct Rows {
    width: usize,
    samples: Vec<u8>,
}

/// What rows say.
pub(super) struct Detail;

impl Detail {
    pub(super) const COUNT: usize = 5;
}

impl Rows {
    /// Copies the rows from a picture.
    pub(super) fn take<T: Sample>(&mut self, plane: &Plane<T>) {
        self.width = plane.width();
        self.samples.clear();
        let (drop, height) = (T::DEPTH.bits() - 8, plane.height());
        let count = PAIRS.min(height.div_ceil(2));
        for pair in 0..count {
            let y = (2 * pair + 1) * height / (2 * count);
            for y in [y.min(height - 1), (y + 1).min(height - 1)] {
                self.samples.extend(plane.row(y).iter().map(|sample| {
                    let value: i32 = (*sample).into();
                    (value >> drop).min(255) as u8
                }));
            }
        }
    }

    /// Shares of flat samples, of fine texture, of edges, of edges as hard as only drawings have,
    /// and the density of strokes.
    pub(super) fn detail(&self) -> [f32; Detail::COUNT] {
        let (mut flat, mut texture, mut edges, mut hard, mut strokes) =
            (0u32, 0u32, 0u32, 0u32, 0u32);
        let mut count = 0u32;
        for pair in self.samples.chunks_exact(2 * self.width) {
            let (row, below) = pair.split_at(self.width);
            if self.width < 4 {
                continue;
            }
            // Where the last edge was, and whether it went up.
            let mut last: Option<(usize, bool)> = None;
            for x in 1..self.width - 2 {
                let across = row[x].abs_diff(row[x + 1]);
                let down = row[x].abs_diff(below[x]);
                let steepest = across.max(down);
                count += 1;
                flat += u32::from(steepest <= 1);
                texture += u32::from((3..=12).contains(&steepest));
                edges += u32::from(steepest >= EDGE);
                if across < EDGE {
                    continue;
                }
                let beside = row[x - 1]
                    .abs_diff(row[x])
                    .max(row[x + 1].abs_diff(row[x + 2]));
                hard += u32::from(beside <= 4);
                let up = row[x + 1] > row[x];
                if last.is_some_and(|(at, was)| was != up && x - at <= STROKE) {
                    strokes += 1;
                }
                last = Some((x, up));
            }
        }
        let share = |part: u32| part as f32 / count.max(1) as f32;
        [
            share(flat),
            share(texture),
            share(edges),
            // As a share of edges, as far as there are any to speak of.
            hard as f32 / (edges as f32 + 0.002 * count as f32 + 1.0),
            share(strokes),
        ]
    }

    /// The share of samples that are exactly as before, and the mean change of those in flat places
    /// that changed little: noise. None for rows of another picture.
    pub(super) fn stillness(&self, before: &Rows) -> Option<[f32; 2]> {
        if self.samples.len() != before.samples.len() || self.width != before.width {
            return None;
        }
        let (mut still, mut noise, mut flats) = (0u32, 0u32, 0u32);
        for (now, before) in self.samples.windows(2).zip(&before.samples) {
            let change = now[0].abs_diff(*before);
            still += u32::from(change == 0);
            if now[0].abs_diff(now[1]) <= 3 && change <= 6 {
                flats += 1;
                noise += u32::from(change);
            }
        }
        Some([
            still as f32 / self.samples.len().saturating_sub(1).max(1) as f32,
            noise as f32 / flats.max(1) as f32,
        ])
    }
}
