//! Some rows of a picture on their way through the layers.

use std::ops::Range;

use nervure_frame::{BitDepth, Plane};

use super::row::{Row, To};
use super::{BASE_RING, Code, Layout, MARGIN, Program, RING};
use crate::int8::MAX_SCALE;
use crate::int8::lanczos::REACH;
use crate::{CELL, Cells, cells};

/// Registers between two runs of a row that are computed too: fewer and longer runs are worth it.
const GAP: usize = 1;

/// Words that registers begin at multiples of, so that none crosses a cache line.
const LINE: usize = 32;

/// Some rows of a picture on their way through the layers.
pub(super) struct Strip<'a> {
    pub(super) program: &'a Program,
    pub(super) layout: &'a Layout,
    /// Rows of the picture, and those that are wanted. Rows may be before the first and behind the last.
    pub(super) height: isize,
    pub(super) rows: Range<isize>,
    /// What of the rows is wanted, unless it is all.
    pub(super) wanted: Option<&'a Cells>,
    pub(super) codes: *mut u8,
    pub(super) words: *mut i16,
}

impl Strip<'_> {
    /// `marks` are all set.
    pub(super) fn run<T: Code>(
        &self,
        pictures: &[&Plane<T>],
        row: &mut [u8],
        marks: &mut [u64],
        out: &mut [T],
        stride: usize,
    ) {
        let layers = self.program.layers.len() as isize;
        let picture = pictures[pictures.len() - 1];
        let mut across = (self.rows.start - REACH as isize).max(0);
        // What is beyond the picture is black to the first layer.
        let offset = self.program.kernels.form.offset();
        row.fill(0_u8.wrapping_sub(offset));
        (0..pictures.len()).for_each(|number| self.expand(row, self.layout.outside[0], number));
        for step in self.rows.start - layers..self.rows.end + layers {
            if self.reach(layers).contains(&step) && self.mark(step, layers, layers, marks) {
                for (number, picture) in pictures.iter().enumerate() {
                    let (inner, samples) = (row.len() - 1, picture.row(step as usize));
                    for (code, sample) in row[1..inner].iter_mut().zip(samples) {
                        *code = sample.code().wrapping_sub(offset);
                    }
                    self.expand(row, self.ring(0, step), number);
                }
            }
            for layer in 0..layers {
                let (at, further) = (step - 1 - layer, layers - 1 - layer);
                if self.reach(further).contains(&at) && self.mark(at, further, further, marks) {
                    self.layer(layer as usize, at, marks);
                }
            }
            let done = step - layers;
            if !self.rows.contains(&done) {
                continue;
            }
            while across <= (done + REACH as isize).min(self.height - 1) {
                if self.mark(across, REACH as isize, 0, marks) {
                    self.across(picture.row(across as usize), across, marks);
                }
                across += 1;
            }
            if !self.mark(done, 0, 0, marks) {
                continue;
            }
            let scale = self.program.scale;
            let first = (done - self.rows.start) as usize * scale;
            for place in 0..scale {
                let wide = self.layout.width * scale;
                let out = &mut out[(first + place) * stride..][..wide];
                self.finish(done, place, marks, out);
            }
        }
    }

    /// Marks what is asked for of a row by those that look so many rows and columns further than what is
    /// wanted. Whether that is anything.
    ///
    /// Cells are wider than what is asked for. What is computed beside it is made from what nobody has
    /// computed, and nobody asks for it.
    fn mark(&self, row: isize, down: isize, across: isize, marks: &mut [u64]) -> bool {
        // All are marked, and stay so.
        let Some(wanted) = self.wanted else {
            return true;
        };
        let rows = self.rows.start as usize..self.rows.end as usize;
        wanted.seen_by(row as usize, down as usize, across as usize, rows, marks)
    }

    /// Rows that others ask for which look so many rows further than what is wanted.
    fn reach(&self, further: isize) -> Range<isize> {
        (self.rows.start - further).max(0)..(self.rows.end + further).min(self.height)
    }

    /// Where a row of a layer's input begins.
    fn ring(&self, layer: usize, row: isize) -> usize {
        let (start, size) = self.layout.rings[layer];
        match (0..self.height).contains(&row) {
            true => start + row as usize % RING * size,
            false => self.layout.outside[layer.min(1)],
        }
    }

    /// Makes a row of codes of a picture what the first layer looks at.
    fn expand(&self, row: &[u8], at: usize, picture: usize) {
        let kernels = &self.program.kernels;
        let groups = kernels.form.groups();
        for group in 0..groups {
            let at = at + (picture * groups + group) * self.layout.group + MARGIN * 4;
            assert!(at + self.layout.width * 4 <= self.layout.codes);
            // SAFETY: that is within the memory, and nobody else looks at it. The processor has the
            // instructions.
            unsafe {
                let to = self.codes.add(at).cast::<[u8; 4]>();
                let to = std::slice::from_raw_parts_mut(to, self.layout.width);
                (kernels.neighbours)(row, kernels.form.bytes(group), to);
            }
        }
    }

    /// Computes what is marked of a row of a layer.
    fn layer(&self, layer: usize, row: isize, marks: &[u64]) {
        let (program, layout) = (self.program, self.layout);
        let packed = &program.layers[layer];
        let is_last = layer + 1 == program.layers.len();
        let compute = |registers: Range<usize>| {
            let first = registers.start * layout.pixels;
            // SAFETY: offsets of a layout are within the memory that was made for it: each row has so many
            // groups of so many registers, with a margin on both sides, and each plane of corrections so
            // many registers. What is written is not what is read: it is another ring. The processor has
            // the instructions.
            unsafe {
                let pixels = |at: usize| self.codes.add(at + (MARGIN + first) * 4);
                let to = match is_last {
                    true => To::Words(self.plane(self.corrections()).add(first), layout.plane),
                    false => To::Codes(pixels(self.ring(layer + 1, row)), layout.group),
                };
                (program.kernels.row)(&Row {
                    layer: packed,
                    rows: [row - 1, row, row + 1]
                        .map(|row| pixels(self.ring(layer, row)).cast_const()),
                    stride: layout.group,
                    registers: registers.len(),
                    to,
                });
            }
        };
        let mut waiting = 0..0;
        for cells in cells::runs(marks) {
            let end = (cells.end * CELL).min(layout.width);
            let registers = cells.start * CELL / layout.pixels..end.div_ceil(layout.pixels);
            if waiting.is_empty() {
                waiting = registers;
            } else if registers.start <= waiting.end + GAP {
                waiting.end = registers.end;
            } else {
                compute(std::mem::replace(&mut waiting, registers));
            }
        }
        compute(waiting);
        if is_last {
            return;
        }
        // Registers may have gone beyond the last column, where the next layer looks for nothing.
        let behind = self.ring(layer + 1, row) + (MARGIN + layout.width) * 4;
        for quad in 0..packed.quads.len() {
            // SAFETY: as above.
            unsafe {
                let to = self.codes.add(behind + quad * layout.group);
                to.cast::<[u8; 4]>().write([0; 4]);
            }
        }
    }

    /// A plane of words, counted from the first.
    ///
    /// # Safety
    /// There are so many planes.
    unsafe fn plane(&self, number: usize) -> *mut i16 {
        // SAFETY: the caller's promise.
        unsafe { self.words.add(number * self.layout.plane) }
    }

    /// The first plane of a row that went across; the row before it goes across is plane 0.
    fn base(&self, row: isize) -> usize {
        1 + row as usize % BASE_RING * self.program.scale
    }

    /// The first plane of corrections.
    fn corrections(&self) -> usize {
        1 + BASE_RING * self.program.scale
    }

    /// The classical upscaler's first half, of what is marked.
    fn across<T: Code>(&self, samples: &[T], row: isize, marks: &[u64]) {
        let width = self.layout.width;
        // SAFETY: planes hold `width` and more samples than are added at both ends, and as many more as
        // whole registers reach. The processor has the instructions.
        unsafe {
            let from = self.plane(0);
            let words = std::slice::from_raw_parts_mut(from, width + 2 * REACH);
            for (word, sample) in words[REACH..].iter_mut().zip(samples) {
                *word = sample.word();
            }
            let (first, last) = (words[REACH], words[REACH + width - 1]);
            words[..REACH].fill(first);
            words[REACH + width..].fill(last);
            for columns in self.columns(marks) {
                let start = columns.start & !(LINE - 1);
                let shifted = std::array::from_fn(|tap| from.add(start + tap).cast_const());
                for (place, weights) in self.program.weights.iter().enumerate() {
                    let to = self.plane(self.base(row) + place).add(start);
                    (self.program.kernels.weighted)(&shifted, weights, to, columns.end - start);
                }
            }
        }
    }

    /// Its second half, with corrections: what is marked of a row of the result.
    fn finish<T: Code>(&self, row: isize, place: usize, marks: &[u64], out: &mut [T]) {
        let scale = self.program.scale;
        let kernels = &self.program.kernels;
        let around: [isize; BASE_RING] = std::array::from_fn(|tap| {
            (row + tap as isize - REACH as isize).clamp(0, self.height - 1)
        });
        let corrections = self.corrections();
        let samples = corrections + 4 * self.program.layers.last().map_or(0, |it| it.quads.len());
        let ten = T::DEPTH == BitDepth::Ten;
        for columns in self.columns(marks) {
            let start = columns.start & !(LINE - 1);
            let out = &mut out[columns.start * scale..columns.end * scale];
            // SAFETY: there are so many planes, of whole registers. The processor has the instructions.
            unsafe {
                for column in 0..scale {
                    let rows = around
                        .map(|row| self.plane(self.base(row) + column).add(start).cast_const());
                    let corrections = self.plane(corrections + place * scale + column).add(start);
                    let to = self.plane(samples + column).add(start);
                    let weights = &self.program.weights[place];
                    let count = columns.end - start;
                    (kernels.finished)(&rows, weights, corrections, to, count, ten);
                }
                let planes: [&[i16]; MAX_SCALE] = std::array::from_fn(|column| {
                    let plane = self.plane(samples + column.min(scale - 1));
                    let from = plane.add(columns.start).cast_const();
                    std::slice::from_raw_parts(from, columns.len())
                });
                T::woven(kernels)(&planes[..scale], out);
            }
        }
    }

    /// Columns that are marked.
    fn columns(&self, marks: &[u64]) -> impl Iterator<Item = Range<usize>> {
        let width = self.layout.width;
        cells::runs(marks).map(move |cells| cells.start * CELL..(cells.end * CELL).min(width))
    }
}
