//! Some rows of a picture on their way through the layers.

use std::ops::Range;

use nervure_frame::{BitDepth, Plane};

use super::pack::Reads;
use super::row::{Row, To};
use super::twins::{Join, PLANES};
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
        row: &mut [Vec<u8>; 2],
        marks: &mut [u64],
        out: &mut [T],
        stride: usize,
    ) {
        let layers = self.program.layers.len() as isize;
        let picture = pictures[pictures.len() - 1];
        let mut across = (self.rows.start - REACH as isize).max(0);
        // What is beyond the picture is black to the first layer.
        let offset = self.program.kernels.form.offset();
        let black = 0_u8.wrapping_sub(offset);
        row.iter_mut().for_each(|columns| columns.fill(black));
        (0..pictures.len()).for_each(|number| self.expand(row, self.layout.outside[0], number));
        if let Some(twins) = &self.program.kernels.twins {
            let plane = self.layout.plane;
            for number in 0..self.layout.planes_outside {
                let at = self.layout.outside[2] + number * plane;
                assert!(at + plane <= self.layout.codes);
                // What becomes of nothing.
                let nothing = twins.offsets[number % PLANES] as u8;
                // SAFETY: that is within the memory, and nobody else looks at it.
                unsafe { self.codes.add(at).write_bytes(nothing, plane) };
            }
        }
        for step in self.rows.start - layers..self.rows.end + layers {
            if self.reach(layers).contains(&step) && self.mark(step, layers, layers, marks) {
                for (number, picture) in pictures.iter().enumerate() {
                    let (kernels, samples) = (&self.program.kernels, picture.row(step as usize));
                    let [even, odd] = &mut *row;
                    let to = [&mut even[1..], &mut odd[1..]];
                    // SAFETY: the processor has the instructions.
                    unsafe { (T::dealt(kernels).codes)(samples, offset, to) };
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
        match (
            (0..self.height).contains(&row),
            self.program.layers[layer].reads,
        ) {
            (true, _) => start + row as usize % RING * size,
            (false, Reads::Picture) => self.layout.outside[0],
            (false, Reads::Codes) => self.layout.outside[1],
            (false, Reads::Twins) => self.layout.outside[2],
        }
    }

    /// Makes a row of codes of a picture what the first layer looks at.
    fn expand(&self, row: &[Vec<u8>; 2], at: usize, picture: usize) {
        let kernels = &self.program.kernels;
        let groups = kernels.form.groups();
        let half = self.layout.half;
        let [even, odd] = row;
        let columns = match self.layout.halves {
            1 => [[&even[..], &even[1..], &even[2..]]; 2],
            _ => [
                [&odd[..], &even[1..], &odd[1..]],
                [&even[1..], &odd[1..], &even[2..]],
            ],
        };
        for group in 0..groups {
            for (odd, columns) in columns[..self.layout.halves].iter().enumerate() {
                let plane = self.layout.halves * (picture * groups + group) + odd;
                let at = at + plane * self.layout.plane + MARGIN * 4;
                assert!(at + half * 4 <= self.layout.codes);
                // SAFETY: that is within the memory, and nobody else looks at it. The processor has the
                // instructions.
                unsafe {
                    let to = self.codes.add(at).cast::<[u8; 4]>();
                    let to = std::slice::from_raw_parts_mut(to, half);
                    (kernels.neighbours)(*columns, kernels.form.bytes(group), to);
                }
            }
        }
    }

    /// Pixels of a row of codes, from one on.
    ///
    /// # Safety
    /// The row and so many pixels are within the memory.
    unsafe fn pixels(&self, row: usize, first: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.codes.add(row + (MARGIN + first) * 4) }
    }

    /// Computes what is marked of a row of a layer.
    fn layer(&self, layer: usize, row: isize, marks: &[u64]) {
        let (program, layout) = (self.program, self.layout);
        let packed = &program.layers[layer];
        let next = program.layers.get(layer + 1).map(|next| next.reads);
        let to = next.map_or(0, |_| self.ring(layer + 1, row));
        let compute = match (packed.reads, next, program.kernels.twins) {
            (Reads::Twins, _, Some(twins)) => twins.row,
            (_, Some(Reads::Twins), Some(twins)) => twins.before,
            _ => program.kernels.row,
        };
        let compute = |registers: Range<usize>| {
            let first = registers.start * layout.pixels;
            // SAFETY: offsets of a layout are within the memory that was made for it: each row has so many
            // planes of so many registers, with a margin on both sides, and each plane of corrections so
            // many registers. What is written is not what is read: it is another ring, or none. The
            // processor has the instructions.
            unsafe {
                let to = match next {
                    None => To::Words(
                        self.plane(self.corrections(), 0).add(first),
                        layout.words_plane,
                    ),
                    Some(Reads::Twins) => {
                        let last = (registers.end - 1) * layout.pixels;
                        let columns = [layout.width.div_ceil(2), layout.width / 2];
                        To::Twins(Join {
                            to: self.pixels(to, first),
                            waiting: self.codes.add(layout.waiting),
                            ends: columns.map(|it| it.saturating_sub(last).min(layout.pixels)),
                        })
                    }
                    Some(_) => To::Codes(self.pixels(to, first)),
                };
                compute(&Row {
                    layer: packed,
                    rows: [row - 1, row, row + 1]
                        .map(|row| self.pixels(self.ring(layer, row), first).cast_const()),
                    plane: layout.plane,
                    registers: registers.len(),
                    to,
                });
            }
        };
        self.registers(marks, compute);
        if !matches!(next, Some(Reads::Picture | Reads::Codes)) {
            return;
        }
        // Registers may have gone beyond the last column, where the next layer looks for nothing.
        let (odd, behind) = (layout.width % layout.halves, layout.width / layout.halves);
        for quad in 0..packed.quads.len() {
            // SAFETY: as above.
            unsafe {
                let to = self.pixels(to + (layout.halves * quad + odd) * layout.plane, behind);
                to.cast::<[u8; 4]>().write([0; 4]);
            }
        }
    }

    /// Registers of each plane of a row that are marked, from left to right.
    fn registers(&self, marks: &[u64], mut of: impl FnMut(Range<usize>)) {
        let mut waiting = 0..0;
        for columns in self.columns(marks) {
            let pixels = self.layout.pixels;
            let registers = columns.start / pixels..columns.end.div_ceil(pixels);
            if waiting.is_empty() {
                waiting = registers;
            } else if registers.start <= waiting.end + GAP {
                waiting.end = registers.end;
            } else {
                of(std::mem::replace(&mut waiting, registers));
            }
        }
        if !waiting.is_empty() {
            of(waiting);
        }
    }

    /// A plane of words, by number of the row and which of its planes.
    ///
    /// # Safety
    /// There are so many planes.
    unsafe fn plane(&self, number: usize, odd: usize) -> *mut i16 {
        // SAFETY: the caller's promise.
        unsafe {
            self.words
                .add((self.layout.halves * number + odd) * self.layout.words_plane)
        }
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
        let (width, halves) = (self.layout.width, self.layout.halves);
        // SAFETY: planes hold their share of `width` samples and of those that are added at both ends, and as
        // many more as whole registers reach. The processor has the instructions.
        unsafe {
            let planes = [self.plane(0, 0), self.plane(0, halves - 1)];
            let column = |at: usize| planes[at % halves].add(at / halves);
            let from =
                |at: usize, length: usize| std::slice::from_raw_parts_mut(column(at), length);
            let even = from(REACH, self.layout.half);
            // There may be no such plane.
            let odd = from(REACH + 1, (halves - 1) * self.layout.half);
            (T::dealt(&self.program.kernels).words)(samples, [even, odd]);
            let (first, last) = (samples[0].word(), samples[width - 1].word());
            (0..REACH).for_each(|at| column(at).write(first));
            (REACH + width..2 * REACH + width).for_each(|at| column(at).write(last));
            for columns in self.columns(marks) {
                let start = columns.start & !(LINE - 1);
                for odd in 0..halves {
                    let shifted =
                        std::array::from_fn(|tap| column(odd + tap).add(start).cast_const());
                    for (place, weights) in self.program.weights.iter().enumerate() {
                        let to = self.plane(self.base(row) + place, odd).add(start);
                        (self.program.kernels.weighted)(&shifted, weights, to, columns.end - start);
                    }
                }
            }
        }
    }

    /// Its second half, with corrections: what is marked of a row of the result.
    fn finish<T: Code>(&self, row: isize, place: usize, marks: &[u64], out: &mut [T]) {
        let (scale, halves) = (self.program.scale, self.layout.halves);
        let kernels = &self.program.kernels;
        let around: [isize; BASE_RING] = std::array::from_fn(|tap| {
            (row + tap as isize - REACH as isize).clamp(0, self.height - 1)
        });
        let corrections = self.corrections();
        let samples = corrections + 4 * self.program.layers.last().map_or(0, |it| it.quads.len());
        let ten = T::DEPTH == BitDepth::Ten;
        for columns in self.columns(marks) {
            let start = columns.start & !(LINE - 1);
            let end = (halves * columns.end).min(self.layout.width);
            let out = &mut out[halves * columns.start * scale..end * scale];
            // SAFETY: there are so many planes, of whole registers. The processor has the instructions.
            unsafe {
                for (column, odd) in
                    (0..scale).flat_map(|column| (0..halves).map(move |odd| (column, odd)))
                {
                    let rows = around.map(|row| {
                        self.plane(self.base(row) + column, odd)
                            .add(start)
                            .cast_const()
                    });
                    let corrections = self
                        .plane(corrections + place * scale + column, odd)
                        .add(start);
                    let to = self.plane(samples + column, odd).add(start);
                    let weights = &self.program.weights[place];
                    let count = columns.end - start;
                    (kernels.finished)(&rows, weights, corrections, to, count, ten);
                }
                let planes: [&[i16]; 2 * MAX_SCALE] = std::array::from_fn(|number| {
                    let number = number.min(halves * scale - 1);
                    let plane = self.plane(samples + number % scale, number / scale);
                    let from = plane.add(columns.start).cast_const();
                    std::slice::from_raw_parts(from, columns.len())
                });
                T::woven(kernels)(&planes[..halves * scale], out);
            }
        }
    }

    /// Pixels of each plane that are marked.
    fn columns(&self, marks: &[u64]) -> impl Iterator<Item = Range<usize>> {
        const { assert!(CELL.is_multiple_of(2), "a cell is as wide in every plane") };
        let (cell, half) = (CELL / self.layout.halves, self.layout.half);
        cells::runs(marks).map(move |cells| cells.start * cell..(cells.end * cell).min(half))
    }
}
