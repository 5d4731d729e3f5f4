//! Pictures with room around them, columns sorted by their place in a stride.

/// How a padded picture lies in memory: channels, in each the planes of columns, in each the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Padded {
    pub(super) channels: usize,
    /// Rows and columns of the picture.
    pub(super) size: (usize, usize),
    /// Zeros before its first row and column.
    pub(super) before: (usize, usize),
    /// Every so many columns go in one plane.
    pub(super) step: usize,
    /// Rows of a plane, zeros included.
    pub(super) rows: usize,
    /// Numbers from one row of a plane to the next.
    pub(super) stride: usize,
}

impl Padded {
    /// Where `column`, counted with the zeros before, begins in a plane's row of its channel.
    pub(super) fn offset(&self, channel: usize, row: usize, column: usize) -> usize {
        ((channel * self.step + column % self.step) * self.rows + row) * self.stride
            + column / self.step
    }

    fn len(&self) -> usize {
        self.channels * self.step * self.rows * self.stride
    }

    /// Copies a picture there, unless it lies so already. What is around it is zero.
    pub(super) fn fill<'a>(&self, picture: &'a [f32], memory: &'a mut Vec<f32>) -> &'a [f32] {
        let (rows, columns) = self.size;
        assert_eq!(picture.len(), self.channels * rows * columns);
        if (self.rows, self.stride, self.step) == (rows, columns, 1) && self.before == (0, 0) {
            return picture;
        }
        // All of it is written below.
        memory.resize(self.len(), 0.0);
        let planes = memory.chunks_exact_mut(self.rows * self.stride);
        for (index, plane) in planes.enumerate() {
            let (channel, phase) = (index / self.step, index % self.step);
            // The first column that lies in this plane, and where.
            let first = (phase + self.step - self.before.1 % self.step) % self.step;
            let at = (self.before.1 + first) / self.step;
            let count = columns.saturating_sub(first).div_ceil(self.step);
            for (row, to) in plane.chunks_exact_mut(self.stride).enumerate() {
                let from = row.checked_sub(self.before.0).filter(|row| *row < rows);
                let Some(row) = from else {
                    to.fill(0.0);
                    continue;
                };
                let from = &picture[(channel * rows + row) * columns..][..columns];
                to[..at].fill(0.0);
                to[at + count..].fill(0.0);
                let to = &mut to[at..at + count];
                if self.step == 1 {
                    to.copy_from_slice(from);
                } else if count > 0 {
                    let every = from[first..].iter().step_by(self.step);
                    for (to, from) in to.iter_mut().zip(every) {
                        *to = *from;
                    }
                }
            }
        }
        memory
    }
}
