//! Working copies of planes with margins, so that filters need not ask where the picture ends.

use nervure_frame::Plane;

use super::Level;

/// Columns repeated on both sides of each row.
pub(super) const MARGIN: usize = 8;

/// Rows of numbers with the first and last of each repeated beside it.
#[derive(Debug, Default)]
pub(super) struct Sheet<V> {
    data: Vec<V>,
    width: usize,
    height: usize,
}

impl<V: Copy + Default> Sheet<V> {
    /// Makes room for `height` rows of `width`; what is in them is left undefined.
    pub(super) fn shape(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        let needed = (width + 2 * MARGIN) * height;
        if self.data.len() < needed {
            self.data.resize(needed, V::default());
        }
    }

    /// Becomes a copy of a plane.
    pub(super) fn copy<T: Level>(&mut self, plane: &Plane<T>, convert: impl Fn(i32) -> V) {
        self.shape(plane.width(), plane.height());
        for (y, source) in plane.rows().enumerate() {
            let row = self.row_mut(y);
            for (target, sample) in row.iter_mut().zip(source) {
                *target = convert(sample.value());
            }
            self.spread(y);
        }
    }

    /// Row `y` with its margins; above and below the picture its first and last.
    #[inline(always)]
    pub(super) fn wide(&self, y: isize) -> &[V] {
        let y = y.clamp(0, self.height as isize - 1) as usize;
        let pitch = self.width + 2 * MARGIN;
        &self.data[y * pitch..][..pitch]
    }

    /// Row `y` without margins; above and below the picture its first and last.
    #[inline(always)]
    pub(super) fn row(&self, y: isize) -> &[V] {
        &self.wide(y)[MARGIN..][..self.width]
    }

    /// Row `y` to write, without margins.
    pub(super) fn row_mut(&mut self, y: usize) -> &mut [V] {
        let pitch = self.width + 2 * MARGIN;
        &mut self.data[y * pitch + MARGIN..][..self.width]
    }

    /// Fills the margins of row `y`.
    pub(super) fn spread(&mut self, y: usize) {
        let pitch = self.width + 2 * MARGIN;
        let row = &mut self.data[y * pitch..][..pitch];
        spread(row);
    }
}

/// Repeats the first and last number between the margins in them.
pub(super) fn spread<V: Copy>(row: &mut [V]) {
    let end = row.len() - MARGIN;
    let (first, last) = (row[MARGIN], row[end - 1]);
    row[..MARGIN].fill(first);
    row[end..].fill(last);
}
