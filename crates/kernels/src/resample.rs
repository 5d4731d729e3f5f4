//! Classical resamplers: bicubic and Lanczos, by any ratio, up and down.
//!
//! A [`Resampler`] is made once for a plane size and then run on rows, on as many threads as one
//! likes. It filters across first, into rows of 16-bit integers that stay in the cache, then down.
//! All arithmetic is in integers and every instruction set gives the same bits.

// Where there are no vector kernels, rows are filtered as the axis has them.
#![cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(dead_code)
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod axis;
mod filter;
mod layout;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pixel;
mod scalar;

use std::ops::Range;

use nervure_frame::{ChromaLocation, PictureFormat, Plane};

use crate::Isa;
use axis::Axis;
use layout::Layout;

pub use filter::Filter;
pub use pixel::Pixel;

/// Samples that buffers have beyond a row's end, since vector code reads and writes whole steps:
/// the largest writes 32 samples for each of 4 phases.
const SLACK: usize = 128;

/// A plan to resize planes of one size to another.
#[derive(Debug, Clone)]
pub struct Resampler {
    isa: Isa,
    across: Axis,
    down: Axis,
    layout: Layout,
    /// Samples before a source row's first in its padded copy.
    left: usize,
    /// Samples of a padded source row.
    padded: usize,
    /// Samples of an intermediate row, with slack.
    pitch: usize,
    /// Intermediate rows that one target row needs.
    ring: usize,
}

/// Working memory of [`Resampler::run`]: one per thread, used again and again. It grows to what the
/// largest plan needs and then allocates no more.
#[derive(Debug, Default)]
pub struct Scratch {
    padded: Vec<i16>,
    ring: Vec<i16>,
    offsets: Vec<usize>,
}

impl Scratch {
    /// Empty working memory.
    pub fn new() -> Self {
        Scratch::default()
    }
}

impl Resampler {
    /// A plan for planes of `source` (width, height) samples to become `target`, centres aligned
    /// when `shift` is zero. A positive `shift` (in source samples: right, down) moves the target's
    /// grid that way, so that the picture itself moves the other way.
    ///
    /// # Panics
    /// When a size is zero or the shift is not a number.
    pub fn new(
        source: (usize, usize),
        target: (usize, usize),
        filter: Filter,
        shift: (f64, f64),
    ) -> Self {
        Resampler::with_isa(Isa::detect(), source, target, filter, shift)
    }

    /// [`Resampler::new`] with instructions of choice, for tests and benches.
    ///
    /// # Panics
    /// Also when the processor lacks them.
    pub fn with_isa(
        isa: Isa,
        source: (usize, usize),
        target: (usize, usize),
        filter: Filter,
        shift: (f64, f64),
    ) -> Self {
        Resampler::from_axes(
            isa,
            Axis::new(source.0, target.0, (source.0, target.0), filter, shift.0),
            Axis::new(source.1, target.1, (source.1, target.1), filter, shift.1),
        )
    }

    /// A plan for one plane of a picture: luma keeps its centre; chroma sits among the target's
    /// luma as it sat among the source's.
    ///
    /// # Panics
    /// When a size is zero.
    pub fn for_plane(
        source: PictureFormat,
        target: PictureFormat,
        plane: usize,
        filter: Filter,
        location: ChromaLocation,
    ) -> Self {
        let (from, to) = (source.plane_size(plane), target.plane_size(plane));
        let shifts = |format: PictureFormat| match plane {
            0 => (0, 0),
            _ => format.chroma.shift(),
        };
        let (from_shift, to_shift) = (shifts(source), shifts(target));
        let offset = location.offset();
        let across = chroma_axis(
            (source.width, target.width),
            (from.0, to.0),
            (from_shift.0, to_shift.0),
            offset.0,
            filter,
        );
        let down = chroma_axis(
            (source.height, target.height),
            (from.1, to.1),
            (from_shift.1, to_shift.1),
            offset.1,
            filter,
        );
        Resampler::from_axes(Isa::detect(), across, down)
    }

    fn from_axes(isa: Isa, across: Axis, down: Axis) -> Self {
        let (left, right) = across.overhang();
        // Vector code reads whole steps: past the last sample of a row, never past its buffer.
        let padded = left + across.source.max(across.target) + right + across.taps + SLACK;
        Resampler {
            isa: isa.without_dots(),
            layout: Layout::new(isa, &across, left),
            left,
            padded: padded.next_multiple_of(32),
            pitch: (across.target + SLACK).next_multiple_of(32),
            ring: down.taps.min(down.source),
            across,
            down,
        }
    }

    /// Width and height of the planes it reads.
    pub fn source(&self) -> (usize, usize) {
        (self.across.source, self.down.source)
    }

    /// Width and height of the planes it writes.
    pub fn target(&self) -> (usize, usize) {
        (self.across.target, self.down.target)
    }

    /// The instructions it uses.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Rows of the source that a row of the target is made of.
    ///
    /// # Panics
    /// When the target has no such row.
    pub fn sources(&self, row: usize) -> Range<usize> {
        assert!(row < self.down.target, "a row within the target plane");
        let last = self.down.source as isize - 1;
        let start = self.down.start(row);
        let end = start + self.down.taps as isize - 1;
        start.clamp(0, last) as usize..end.clamp(0, last) as usize + 1
    }

    /// Writes rows `rows` of the target to `out`, where a row begins every `out_stride` samples:
    /// the whole plane at once, or a band of it (see [`Plane::bands_mut`]) on each of several
    /// threads.
    ///
    /// # Panics
    /// When the source has another size than planned, when the rows lie outside the target, or
    /// when `out` cannot hold them.
    pub fn run<T: Pixel>(
        &self,
        source: &Plane<T>,
        rows: Range<usize>,
        out: &mut [T],
        out_stride: usize,
        scratch: &mut Scratch,
    ) {
        assert_eq!(
            (source.width(), source.height()),
            self.source(),
            "size of the source plane"
        );
        assert!(rows.end <= self.down.target, "rows within the target plane");
        let width = self.across.target;
        assert!(out_stride >= width, "a stride of at least one row");

        let Scratch {
            padded,
            ring,
            offsets,
        } = scratch;
        let padded = aligned(padded, self.padded);
        let ring = aligned(ring, self.ring * self.pitch);
        let last = self.down.source as isize - 1;
        // Source rows before this one are in the ring or will not be needed.
        let mut next = 0;
        for (y, line) in rows.zip(out.chunks_mut(out_stride)) {
            let start = self.down.start(y);
            let clamped = |row: isize| row.clamp(0, last) as usize;
            next = next.max(clamped(start));
            let end = clamped(start + self.down.taps as isize - 1);
            while next <= end {
                let place = next % self.ring * self.pitch;
                let filtered = &mut ring[place..place + self.pitch];
                self.filter_across(source.row(next), padded, filtered);
                next += 1;
            }
            offsets.clear();
            offsets.extend(
                (start..start + self.down.taps as isize)
                    .map(|row| clamped(row) % self.ring * self.pitch),
            );
            let coefficients = self.down.coefficients(y);
            T::filter_down(self.isa, ring, offsets, coefficients, &mut line[..width]);
        }
    }

    /// One source row at the target's width.
    fn filter_across<T: Pixel>(&self, row: &[T], padded: &mut [i16], out: &mut [i16]) {
        let end = self.left + row.len();
        T::widen(row, &mut padded[self.left..end]);
        let (first, last) = (padded[self.left], padded[end - 1]);
        padded[..self.left].fill(first);
        padded[end..].fill(last);
        self.layout
            .run(self.isa, &self.across, self.left, padded, out, T::DROPPED);
    }
}

/// One direction of a plane of a picture whose luma goes from `luma.0` to `luma.1` samples and the
/// plane itself from `size.0` to `size.1`, subsampled by `1 << shift`, `offset` luma samples away
/// from the middle of its luma samples.
///
/// The ratio is luma's, not that of the plane's sizes: at odd sizes they differ, since a chroma
/// sample at the edge may stand for half as much luma as the others.
fn chroma_axis(
    luma: (usize, usize),
    size: (usize, usize),
    shift: (u32, u32),
    offset: f64,
    filter: Filter,
) -> Axis {
    let (from, to) = (1usize << shift.0, 1usize << shift.1);
    let ratio = (luma.0 * to, luma.1 * from);
    // Sample `c` of a plane subsampled by `s` lies at `s (c + 1/2) + offset` luma samples from the
    // left edge, if subsampled at all.
    let off = |step: usize| if step > 1 { offset } else { 0.0 };
    let scale = luma.0 as f64 / luma.1 as f64;
    let moved = (off(to) * scale - off(from)) / from as f64;
    Axis::new(size.0, size.1, ratio, filter, moved)
}

/// The first `len` samples of a buffer, grown if it is too small, from a cache line's start.
fn aligned(buffer: &mut Vec<i16>, len: usize) -> &mut [i16] {
    const LINE: usize = 64 / size_of::<i16>();
    if buffer.len() < len + LINE {
        buffer.resize(len + LINE, 0);
    }
    let origin = buffer.as_ptr().align_offset(64).min(LINE);
    &mut buffer[origin..origin + len]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::{BitDepth, Chroma};

    #[test]
    fn chroma_keeps_its_place_among_luma() {
        let small = PictureFormat::new(960, 540, Chroma::C420, BitDepth::Eight);
        let large = small.with_size(1920, 1080);
        let axes = |location| {
            let plan = Resampler::for_plane(small, large, 1, Filter::Lanczos, location);
            (plan.across, plan.down)
        };
        let direct = |from, to, shift| Axis::new(from, to, (from, to), Filter::Lanczos, shift);
        let same = |a: &Axis, b: &Axis| {
            (0..a.target)
                .all(|x| a.start(x) == b.start(x) && a.coefficients(x) == b.coefficients(x))
        };
        // Left: half a luma sample is a quarter of a chroma one, and half of that at half the size.
        let (across, down) = axes(ChromaLocation::Left);
        assert!(same(&across, &direct(480, 960, 0.125)));
        assert!(same(&down, &direct(270, 540, 0.0)));
        let (across, down) = axes(ChromaLocation::Centre);
        assert!(same(&across, &direct(480, 960, 0.0)));
        assert!(same(&down, &direct(270, 540, 0.0)));
        let (_, down) = axes(ChromaLocation::BottomLeft);
        assert!(same(&down, &direct(270, 540, -0.125)));
    }

    #[test]
    fn chroma_of_odd_pictures_is_scaled_as_luma_is() {
        let small = PictureFormat::new(5, 3, Chroma::C420, BitDepth::Eight);
        let plan = Resampler::for_plane(
            small,
            small.with_size(10, 6),
            2,
            Filter::Bicubic,
            ChromaLocation::Centre,
        );
        assert_eq!((plan.source(), plan.target()), ((3, 2), (5, 3)));
        assert_eq!((plan.across.phases, plan.across.advance), (2, 1));
    }

    #[test]
    fn rows_are_made_of_their_sources() {
        for (small, large) in [((7, 9), (14, 18)), ((5, 4), (11, 9)), ((6, 20), (3, 7))] {
            for shift in [0.0, 0.25, -0.125, 3.0] {
                let plan = Resampler::new(small, large, Filter::Lanczos, (0.0, shift));
                let run = |source: &Plane<u8>| {
                    let mut out = vec![0; large.0 * large.1];
                    plan.run(source, 0..large.1, &mut out, large.0, &mut Scratch::new());
                    out
                };
                let mut source = Plane::new(small.0, small.1);
                let before = run(&source);
                for row in 0..small.1 {
                    source.row_mut(row).fill(255);
                    let after = run(&source);
                    source.row_mut(row).fill(0);
                    for at in 0..large.1 {
                        let of = |samples: &[u8]| samples[at * large.0..][..large.0].to_vec();
                        assert!(
                            plan.sources(at).contains(&row) || of(&before) == of(&after),
                            "row {at} of {large:?} looks at {row} of {small:?}, moved by {shift}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "size of the source plane")]
    fn a_plane_of_another_size_is_refused() {
        let plan = Resampler::new((8, 8), (16, 16), Filter::Lanczos, (0.0, 0.0));
        plan.run(
            &Plane::<u8>::new(9, 8),
            0..16,
            &mut [0; 256],
            16,
            &mut Scratch::new(),
        );
    }
}
