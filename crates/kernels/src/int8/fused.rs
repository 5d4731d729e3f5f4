//! Quantised networks, fast: rows flow through all layers while they are in cache.
//!
//! A [`Program`] is a network packed for an instruction set. It goes down the picture once: each row that
//! comes in lets every layer compute one more row, from the last three of the layer before, and what the
//! last one gives is put on the classical upscaler's row at once. So nothing of a picture's size is ever
//! written but the picture. Threads share a picture by rows; each computes a few rows beyond its own, as
//! many as there are layers.
//!
//! Codes lie as `[row][group of four channels][pixel][4]`: lanes of a register are pixels, and four
//! weights go to all of them. A few registers of pixels times some outputs stay in registers for all taps.
//!
//! Results are those of [`reference()`](super::reference()), to the bit, on every instruction set.

mod base;
mod kernels;
mod lanes;
mod pack;
mod peak;
mod row;
#[cfg(test)]
mod tests;

pub use self::peak::products;

use std::ops::Range;

use nervure_frame::{BitDepth, Plane, Sample};

use self::kernels::Kernels;
use self::pack::Packed;
use self::row::{Row, To};
use super::lanczos::{DOMAIN_BITS, REACH, Weights};
use super::{MAX_SCALE, Network, lanczos_weights};
use crate::{Error, Isa};

/// Pixels of nothing on either side of a row.
const MARGIN: usize = 16;

/// A network, ready to run.
#[derive(Clone, Debug)]
pub struct Program {
    isa: Isa,
    kernels: Kernels,
    scale: usize,
    layers: Vec<Packed>,
    /// Of the classical upscaler, for each place in a square.
    weights: Vec<Weights>,
    macs: usize,
}

/// Memory of a thread, which is used again from picture to picture.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    layout: Option<Layout>,
    /// Rings of three rows of codes for each layer, and a row of what is outside of the picture.
    codes: Vec<Line<u8, 64>>,
    /// A row of the classical upscaler before it goes across; the rings of what comes out; corrections;
    /// and samples.
    words: Vec<Line<i16, 32>>,
    /// A row of the picture.
    row: Vec<u8>,
}

/// A cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line<T, const N: usize>([T; N]);

/// A sample type that programs take: `u8` with 8 bits, `u16` with 10.
pub trait Code: Sample + sealed::Code {}

impl Code for u8 {}
impl Code for u16 {}

mod sealed {
    use super::Kernels;

    /// What is particular to a sample type.
    pub trait Code: Sized {
        /// As a picture's code.
        fn code(self) -> u8;
        /// In the 14 bits of the classical upscaler.
        fn word(self) -> i16;
        /// A sample that is in bounds.
        fn from_word(word: i16) -> Self;
        #[allow(private_interfaces)]
        fn woven(kernels: &Kernels) -> unsafe fn(&[&[i16]], &mut [Self]);
    }
}

impl sealed::Code for u8 {
    #[inline(always)]
    fn code(self) -> u8 {
        self
    }

    #[inline(always)]
    fn word(self) -> i16 {
        i16::from(self) << (DOMAIN_BITS - 8)
    }

    #[inline(always)]
    fn from_word(word: i16) -> u8 {
        word as u8
    }

    #[allow(private_interfaces)]
    fn woven(kernels: &Kernels) -> unsafe fn(&[&[i16]], &mut [u8]) {
        kernels.woven_8
    }
}

/// The largest sample of 10 bits. There may be larger ones in 16, which nobody ought to write.
const LARGEST: u16 = 1023;

impl sealed::Code for u16 {
    #[inline(always)]
    fn code(self) -> u8 {
        ((self.min(LARGEST) + 2) >> 2).min(255) as u8
    }

    #[inline(always)]
    fn word(self) -> i16 {
        (self.min(LARGEST) << (DOMAIN_BITS - 10)) as i16
    }

    #[inline(always)]
    fn from_word(word: i16) -> u16 {
        word as u16
    }

    #[allow(private_interfaces)]
    fn woven(kernels: &Kernels) -> unsafe fn(&[&[i16]], &mut [u16]) {
        kernels.woven_10
    }
}

/// Rows of codes in a ring, for a layer to look at.
const RING: usize = 3;

/// Rows of the classical upscaler in a ring: those around the middle one.
const BASE_RING: usize = 2 * REACH + 1;

/// Where everything lies for pictures of one width.
#[derive(Clone, Debug)]
struct Layout {
    width: usize,
    /// Pixels in a register, and registers in a row.
    pixels: usize,
    registers: usize,
    /// Bytes from one group of a row to the next.
    group: usize,
    /// For each layer's input, where its ring begins, and the bytes of a row of it.
    rings: Vec<(usize, usize)>,
    /// Rows of what is outside: of the picture, and of codes.
    outside: [usize; 2],
    /// Bytes in all.
    codes: usize,
    /// Words of a plane's row.
    plane: usize,
    /// Words in all.
    words: usize,
    /// Samples of a square.
    outputs: usize,
}

impl Layout {
    fn new(program: &Program, width: usize) -> Self {
        let registers = width.div_ceil(program.kernels.pixels);
        let group = ((registers * program.kernels.pixels + 2 * MARGIN) * 4).next_multiple_of(64);
        let mut codes = 0;
        let mut rings = Vec::new();
        for layer in &program.layers {
            let row = layer.groups * group;
            rings.push((codes, row));
            codes += RING * row;
        }
        let outside = [codes, codes + rings[0].1];
        codes = outside[1] + rings.iter().map(|(_, row)| *row).max().unwrap_or(0);
        // Whole registers of words and a few words more, where the row goes across shifted.
        let plane = (registers * program.kernels.pixels).next_multiple_of(32) + 32;
        let places = program.scale;
        let corrections = program.layers.last().map_or(0, |last| 4 * last.quads.len());
        Layout {
            width,
            pixels: program.kernels.pixels,
            registers,
            group,
            rings,
            outside,
            codes,
            plane,
            words: plane * (1 + BASE_RING * places + corrections + places),
            outputs: places * places,
        }
    }

    /// Whether it is that of a program and a width.
    fn is_for(&self, program: &Program, width: usize) -> bool {
        let kernels = &program.kernels;
        self.width == width
            && self.pixels == kernels.pixels
            && self.outputs == program.scale * program.scale
            && self.rings.len() == program.layers.len()
            && (self.rings.iter().zip(&program.layers))
                .all(|((_, row), layer)| *row == layer.groups * self.group)
    }
}

impl Program {
    /// Packs a network.
    pub fn new(network: &Network, isa: Isa) -> Result<Program, Error> {
        network.check()?;
        if network.fold != 1 {
            return Err(Error::Network {
                reason: format!(
                    "it folds by {}, which only the reference can do",
                    network.fold
                ),
            });
        }
        let kernels = Kernels::of(isa);
        let layers = network
            .layers
            .iter()
            .enumerate()
            .map(|(number, layer)| match number {
                0 => Packed::first(layer, kernels.form, kernels.block),
                _ => Packed::inner(layer, kernels.block),
            });
        let macs = network.layers.iter().map(|layer| layer.weights.len());
        Ok(Program {
            isa,
            kernels,
            scale: network.scale,
            layers: layers.collect(),
            weights: lanczos_weights(network.scale),
            macs: macs.sum(),
        })
    }

    /// How many times as large a picture becomes.
    pub fn scale(&self) -> usize {
        self.scale
    }

    /// The instruction set that it was packed for.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Multiplications with a weight for each pixel of the picture.
    pub fn macs(&self) -> usize {
        self.macs
    }

    /// Enlarges some rows of a picture: `out` is where the first row of the first square goes, and each
    /// row is `stride` samples from the next.
    ///
    /// # Panics
    /// When `rows` are not the picture's, or there is no room for what comes out.
    pub fn run<T: Code>(
        &self,
        picture: &Plane<T>,
        rows: Range<usize>,
        out: &mut [T],
        stride: usize,
        scratch: &mut Scratch,
    ) {
        let (width, height) = (picture.width(), picture.height());
        assert!(rows.end <= height && width > 0, "{rows:?} of {height}");
        if rows.is_empty() {
            return;
        }
        let (wide, high) = (width * self.scale, rows.len() * self.scale);
        assert!(
            stride >= wide && out.len() >= (high - 1) * stride + wide,
            "no room for {wide}x{high}"
        );
        let layout = scratch.prepare(self, width);
        let strip = Strip {
            program: self,
            layout: &layout,
            height: height as isize,
            rows: rows.start as isize..rows.end as isize,
            codes: scratch.codes.as_mut_ptr().cast(),
            words: scratch.words.as_mut_ptr().cast(),
        };
        strip.run(picture, &mut scratch.row, out, stride);
        scratch.layout = Some(layout);
    }
}

impl Scratch {
    /// Lays it out, unless it is so already.
    fn prepare(&mut self, program: &Program, width: usize) -> Layout {
        let kept = self.layout.take();
        if let Some(layout) = kept.filter(|layout| layout.is_for(program, width)) {
            return layout;
        }
        let layout = Layout::new(program, width);
        self.codes.clear();
        self.codes.resize(layout.codes.div_ceil(64), Line([0; 64]));
        self.words.clear();
        self.words.resize(layout.words.div_ceil(32), Line([0; 32]));
        self.row.clear();
        self.row.resize(width + 2, 0);
        layout
    }
}

/// Some rows of a picture on their way through the layers.
struct Strip<'a> {
    program: &'a Program,
    layout: &'a Layout,
    /// Rows of the picture, and those that are wanted. Rows may be before the first and behind the last.
    height: isize,
    rows: Range<isize>,
    codes: *mut u8,
    words: *mut i16,
}

impl Strip<'_> {
    fn run<T: Code>(&self, picture: &Plane<T>, row: &mut [u8], out: &mut [T], stride: usize) {
        let layers = self.program.layers.len() as isize;
        let mut across = (self.rows.start - REACH as isize).max(0);
        // What is beyond the picture is black to the first layer.
        row.fill(0);
        self.expand(row, self.layout.outside[0]);
        for step in self.rows.start - layers..self.rows.end + layers {
            if self.reach(layers).contains(&step) {
                let (inner, samples) = (row.len() - 1, picture.row(step as usize));
                for (code, sample) in row[1..inner].iter_mut().zip(samples) {
                    *code = sample.code();
                }
                self.expand(row, self.ring(0, step));
            }
            for layer in 0..layers {
                let at = step - 1 - layer;
                if self.reach(layers - 1 - layer).contains(&at) {
                    self.layer(layer as usize, at);
                }
            }
            let done = step - layers;
            if !self.rows.contains(&done) {
                continue;
            }
            while across <= (done + REACH as isize).min(self.height - 1) {
                self.across(picture.row(across as usize), across);
                across += 1;
            }
            let scale = self.program.scale;
            let first = (done - self.rows.start) as usize * scale;
            for place in 0..scale {
                let wide = self.layout.width * scale;
                let out = &mut out[(first + place) * stride..][..wide];
                self.finish(done, place, out);
            }
        }
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

    /// Makes a row of codes what the first layer looks at.
    fn expand(&self, row: &[u8], at: usize) {
        let kernels = &self.program.kernels;
        for group in 0..kernels.form.groups() {
            let at = at + group * self.layout.group + MARGIN * 4;
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

    /// Computes a row of a layer.
    fn layer(&self, layer: usize, row: isize) {
        let (program, layout) = (self.program, self.layout);
        let packed = &program.layers[layer];
        let is_last = layer + 1 == program.layers.len();
        // SAFETY: offsets of a layout are within the memory that was made for it: each row has so many
        // groups of so many registers, with a margin on both sides, and each plane of corrections so many
        // registers. What is written is not what is read: it is another ring. The processor has the
        // instructions.
        unsafe {
            let pixels = |at: usize| self.codes.add(at + MARGIN * 4);
            let to = match is_last {
                true => To::Words(self.plane(self.corrections()), layout.plane),
                false => To::Codes(pixels(self.ring(layer + 1, row)), layout.group),
            };
            (program.kernels.row)(&Row {
                layer: packed,
                rows: [row - 1, row, row + 1].map(|row| pixels(self.ring(layer, row)).cast_const()),
                stride: layout.group,
                registers: layout.registers,
                to,
            });
            // Registers may have gone beyond the last column, where the next layer looks for nothing.
            if let To::Codes(to, group) = to {
                for quad in 0..packed.quads.len() {
                    to.add(quad * group + layout.width * 4)
                        .cast::<[u8; 4]>()
                        .write([0; 4]);
                }
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

    /// The classical upscaler's first half.
    fn across<T: Code>(&self, samples: &[T], row: isize) {
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
            let shifted = std::array::from_fn(|tap| from.add(tap).cast_const());
            for (place, weights) in self.program.weights.iter().enumerate() {
                let to = self.plane(self.base(row) + place);
                (self.program.kernels.weighted)(&shifted, weights, to, width);
            }
        }
    }

    /// Its second half, with corrections: a row of the result.
    fn finish<T: Code>(&self, row: isize, place: usize, out: &mut [T]) {
        let (scale, width) = (self.program.scale, self.layout.width);
        let kernels = &self.program.kernels;
        let around: [isize; BASE_RING] = std::array::from_fn(|tap| {
            (row + tap as isize - REACH as isize).clamp(0, self.height - 1)
        });
        let corrections = self.corrections();
        let samples = corrections + 4 * self.program.layers.last().map_or(0, |it| it.quads.len());
        let ten = T::DEPTH == BitDepth::Ten;
        // SAFETY: there are so many planes, of whole registers. The processor has the instructions.
        unsafe {
            for column in 0..scale {
                let rows = around.map(|row| self.plane(self.base(row) + column).cast_const());
                let corrections = self.plane(corrections + place * scale + column);
                let to = self.plane(samples + column);
                let weights = &self.program.weights[place];
                (kernels.finished)(&rows, weights, corrections, to, width, ten);
            }
            let planes: [&[i16]; MAX_SCALE] = std::array::from_fn(|column| {
                let plane = self.plane(samples + column.min(scale - 1));
                std::slice::from_raw_parts(plane.cast_const(), width)
            });
            T::woven(kernels)(&planes[..scale], out);
        }
    }
}
