//! Quantised networks, fast: rows flow through all layers while they are in cache.
//!
//! A [`Program`] is a network packed for an instruction set. It goes down the picture once: each row that
//! comes in lets every layer compute one more row, from the last three of the layer before, and what the
//! last one gives is put on the classical upscaler's row at once. So nothing of a picture's size is ever
//! written but the picture. Threads share a picture by rows; each computes a few rows beyond its own, as
//! many as there are layers.
//!
//! Where only some [`Cells`] of a picture are wanted, each row of each layer is computed as far as they see
//! it. What else lies in a row then is of another picture, and nobody looks at it.
//!
//! Codes lie as `[row][group of four channels][pixel][4]`: lanes of a register are pixels, and four weights
//! go to all of them. A few registers of pixels times some outputs stay in registers for all taps.
//!
//! Where the instructions take codes of eight bits, pixels of even columns lie apart from those of odd ones,
//! and layers whose weights allow it make two neighbours together, with four products where six are due
//! ([`twin_weights`](super::twin_weights)).
//!
//! Results are those of [`reference()`](super::reference()), to the bit, on every instruction set.

mod base;
mod kernels;
mod lanes;
mod pack;
mod peak;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod relaxed;
mod row;
mod strip;
#[cfg(test)]
mod tests;
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    expect(dead_code, reason = "no other instructions make them")
)]
mod twins;

pub use self::peak::products;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub(crate) use self::relaxed::products_are_right;

use std::ops::Range;

use nervure_frame::{Plane, Sample};

use self::kernels::{Dealt, Kernels};
use self::pack::{Packed, Reads};
use self::strip::Strip;
use self::twins::{PLANES, WAITING};
use super::lanczos::{DOMAIN_BITS, REACH, Weights};
use super::{Network, lanczos_weights};
use crate::{CELL, Cells, Error, Isa};

/// Pixels of nothing on either side of a row.
const MARGIN: usize = 16;

/// A network, ready to run.
#[derive(Clone, Debug)]
pub struct Program {
    isa: Isa,
    kernels: Kernels,
    scale: usize,
    frames: usize,
    layers: Vec<Packed>,
    /// Of the classical upscaler, for each place in a square.
    weights: Vec<Weights>,
    macs: usize,
}

/// Memory of a thread, which is used again from picture to picture.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    layout: Option<Layout>,
    /// Rings of three rows of codes for each layer, rows of what is outside of the picture, and a row that
    /// goes on into a ring.
    codes: Vec<Line<u8, 64>>,
    /// A row of the classical upscaler before it goes across; the rings of what comes out; corrections;
    /// and samples.
    words: Vec<Line<i16, 32>>,
    /// The planes of a row of the picture, with a column more at either end.
    row: [Vec<u8>; 2],
    /// Cells of a row that are to be computed: all, unless only some are wanted.
    marks: Vec<u64>,
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
    use super::{Dealt, Kernels};

    /// What is particular to a sample type.
    pub trait Code: Sized {
        /// As a picture's code.
        fn code(self) -> u8;
        /// In the 14 bits of the classical upscaler.
        fn word(self) -> i16;
        /// A sample that is in bounds.
        fn from_word(word: i16) -> Self;
        #[allow(private_interfaces)]
        fn dealt(kernels: &Kernels) -> Dealt<Self>;
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
    fn dealt(kernels: &Kernels) -> Dealt<u8> {
        kernels.dealt_8
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
    fn dealt(kernels: &Kernels) -> Dealt<u16> {
        kernels.dealt_10
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

/// Where everything lies for pictures of one width. A plane is a row's pixels, or those of even columns, or
/// of odd ones.
#[derive(Clone, Debug)]
struct Layout {
    width: usize,
    /// Planes of a row, and pixels of a plane.
    halves: usize,
    half: usize,
    /// Pixels in a register.
    pixels: usize,
    /// Bytes of a plane of codes.
    plane: usize,
    /// What each layer is given. Sizes alone do not tell: twins of some channels are as large as codes of
    /// twice as many.
    layers: Vec<(usize, Reads)>,
    /// For each layer's input, where its ring begins, and the bytes of a row of it.
    rings: Vec<(usize, usize)>,
    /// Rows of what is outside of the picture: of the picture itself, of codes, and of what twins are made
    /// from.
    outside: [usize; 3],
    /// Planes of the last of these.
    planes_outside: usize,
    /// Codes that wait for neighbours to become what twins are made from.
    waiting: usize,
    /// Bytes in all.
    codes: usize,
    /// Words of a plane of them.
    words_plane: usize,
    /// Words in all.
    words: usize,
    /// Samples of a square.
    outputs: usize,
}

/// In how many groups a layer is given what.
fn form(layer: &Packed) -> (usize, Reads) {
    (layer.groups, layer.reads)
}

impl Layout {
    fn new(program: &Program, width: usize) -> Self {
        let halves = program.kernels.halves;
        let half = width.div_ceil(halves);
        let registers = half.div_ceil(program.kernels.pixels);
        let pixels = registers * program.kernels.pixels;
        // An odd number of cache lines: planes of a pixel then lie in different places of the cache.
        let plane = ((pixels + 2 * MARGIN) * 4).next_multiple_of(64) | 64;
        let mut codes = 0;
        let mut rings = Vec::new();
        for layer in &program.layers {
            let row = layer.groups * layer.reads.planes(halves) * plane;
            rings.push((codes, row));
            codes += RING * row;
        }
        let mut add = |size: usize| {
            codes += size;
            codes - size
        };
        let largest = |reads: Reads| {
            let layers = program.layers.iter().zip(&rings);
            let rows = layers.filter(|(layer, _)| layer.reads == reads);
            rows.map(|(_, (_, row))| *row).max().unwrap_or(0)
        };
        let twins = largest(Reads::Twins);
        let outside = [
            add(largest(Reads::Picture)),
            add(largest(Reads::Codes)),
            add(twins),
        ];
        let waiting = add(twins / plane / PLANES * WAITING);
        // Whole registers of words and a few words more, where the row goes across shifted.
        let words_plane = pixels.next_multiple_of(32) + 32;
        let places = program.scale;
        let corrections = program.layers.last().map_or(0, |last| 4 * last.quads.len());
        Layout {
            width,
            halves,
            half,
            pixels: program.kernels.pixels,
            plane,
            layers: program.layers.iter().map(form).collect(),
            rings,
            outside,
            planes_outside: twins / plane,
            waiting,
            codes,
            words_plane,
            words: halves * words_plane * (1 + BASE_RING * places + corrections + places),
            outputs: places * places,
        }
    }

    /// Whether it is that of a program and a width.
    fn is_for(&self, program: &Program, width: usize) -> bool {
        let kernels = &program.kernels;
        self.width == width
            && self.halves == kernels.halves
            && self.pixels == kernels.pixels
            && self.outputs == program.scale * program.scale
            && self
                .layers
                .iter()
                .copied()
                .eq(program.layers.iter().map(form))
    }
}

impl Program {
    /// Packs a network.
    pub fn new(network: &Network, isa: Isa) -> Result<Program, Error> {
        network.check()?;
        let kernels = Kernels::of(isa);
        let layers = network
            .layers
            .iter()
            .enumerate()
            .map(|(number, layer)| match number {
                0 => Packed::first(layer, kernels.form),
                _ => (kernels.twins)
                    .and_then(|twins| Packed::twins(layer, twins.offsets, twins.most))
                    .unwrap_or_else(|| Packed::inner(layer)),
            });
        let macs = network.layers.iter().map(|layer| layer.weights.len());
        Ok(Program {
            isa,
            kernels,
            scale: network.scale,
            frames: network.frames,
            layers: layers.collect(),
            weights: lanczos_weights(network.scale),
            macs: macs.sum(),
        })
    }

    /// How many times as large a picture becomes.
    pub fn scale(&self) -> usize {
        self.scale
    }

    /// Pictures that it looks at.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The instruction set that it was packed for.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Multiplications with a weight for each pixel of the picture.
    pub fn macs(&self) -> usize {
        self.macs
    }

    /// How many samples away one can be that a sample is made from.
    pub fn reach(&self) -> usize {
        self.layers.len().max(REACH)
    }

    /// Enlarges some rows of the last of some pictures: `out` is where the first row of the first square
    /// goes, and each row is `stride` samples from the next.
    ///
    /// # Panics
    /// When it looks at another number of pictures, they are not of one size, `rows` are not theirs, or
    /// there is no room for what comes out.
    pub fn run<T: Code>(
        &self,
        pictures: &[&Plane<T>],
        rows: Range<usize>,
        out: &mut [T],
        stride: usize,
        scratch: &mut Scratch,
    ) {
        self.enlarge(pictures, rows, None, out, stride, scratch);
    }

    /// Enlarges some cells of some rows, as [`Program::run`] does; nothing else is written.
    ///
    /// # Panics
    /// As it, and when the cells are of pictures of another size.
    pub fn run_cells<T: Code>(
        &self,
        pictures: &[&Plane<T>],
        rows: Range<usize>,
        wanted: &Cells,
        out: &mut [T],
        stride: usize,
        scratch: &mut Scratch,
    ) {
        let sizes = pictures.iter().map(|it| (it.width(), it.height()));
        let same = sizes.into_iter().all(|size| size == wanted.size());
        assert!(same, "cells of pictures of one size");
        self.enlarge(pictures, rows, Some(wanted), out, stride, scratch);
    }

    fn enlarge<T: Code>(
        &self,
        pictures: &[&Plane<T>],
        rows: Range<usize>,
        wanted: Option<&Cells>,
        out: &mut [T],
        stride: usize,
        scratch: &mut Scratch,
    ) {
        assert_eq!(pictures.len(), self.frames, "pictures");
        let size = |picture: &Plane<T>| (picture.width(), picture.height());
        let (width, height) = size(pictures[0]);
        let same = pictures.iter().all(|it| size(it) == (width, height));
        assert!(same, "pictures of one size");
        assert!(rows.end <= height && width > 0, "{rows:?} of {height}");
        if rows.is_empty() {
            return;
        }
        let (wide, high) = (width * self.scale, rows.len() * self.scale);
        assert!(
            stride >= wide && out.len() >= (high - 1) * stride + wide,
            "no room for {wide}x{high}"
        );
        let needed = wanted.map_or(rows.clone(), |wanted| wanted.narrowed(rows.clone()));
        if needed.is_empty() {
            return;
        }
        let out = &mut out[(needed.start - rows.start) * self.scale * stride..];
        let layout = scratch.prepare(self, width);
        let strip = Strip {
            program: self,
            layout: &layout,
            height: height as isize,
            rows: needed.start as isize..needed.end as isize,
            wanted,
            codes: scratch.codes.as_mut_ptr().cast(),
            words: scratch.words.as_mut_ptr().cast(),
        };
        scratch.marks.fill(u64::MAX);
        strip.run(pictures, &mut scratch.row, &mut scratch.marks, out, stride);
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
        for row in &mut self.row {
            row.clear();
            row.resize(layout.half + 2, 0);
        }
        self.marks.clear();
        self.marks.resize(width.div_ceil(CELL).div_ceil(64), 0);
        layout
    }
}
