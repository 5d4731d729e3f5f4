//! Large images made smaller before they are filmed.

use nervure_frame::{
    BitDepth, Chroma, ChromaLocation, Frame, PictureFormat, Plane, Planes, Sample,
};

use crate::draw::math::sin_turns;

/// Lobes of the filter (Lanczos).
const LOBES: f64 = 3.0;

/// The image at another size, 10-bit 4:4:4 whatever it was. Filters one plane at a time, so that
/// no picture of the image's own size is made.
pub(super) fn shrunk(image: &Frame, width: usize, height: usize) -> Frame {
    let from = image.format();
    let (h, v) = from.chroma.shift();
    let offset = image.colour.location.offset();
    let plane = |number: usize| -> Plane<u16> {
        let (shift, offset) = if number == 0 {
            ((0, 0), (0.0, 0.0))
        } else {
            ((h, v), offset)
        };
        let across = Axis::new(width, from.width, shift.0, offset.0);
        let down = Axis::new(height, from.height, shift.1, offset.1);
        match &image.planes {
            Planes::Eight(planes) => filtered(&planes[number], &across, &down, 4.0),
            Planes::Ten(planes) => filtered(&planes[number], &across, &down, 1.0),
        }
    };
    let planes = Planes::Ten([plane(0), plane(1), plane(2)]);
    let mut small = Frame::from_planes(Chroma::C444, planes, image.pts);
    small.colour = image.colour;
    small.colour.location = ChromaLocation::Unspecified;
    debug_assert_eq!(
        small.format(),
        PictureFormat::new(width, height, Chroma::C444, BitDepth::Ten)
    );
    small
}

/// The weights of one direction: for each target sample the first source sample and its factors.
struct Axis {
    taps: Vec<(usize, Vec<f32>)>,
}

impl Axis {
    /// From a plane that is subsampled by `shift` under a side of `luma` samples, to `target`
    /// samples that cover the same.
    fn new(target: usize, luma: usize, shift: u32, offset: f64) -> Axis {
        let subsampled = f64::from(1u32 << shift);
        let offset = if shift == 0 { 0.0 } else { offset };
        let count = luma.div_ceil(1 << shift);
        let ratio = luma as f64 / target as f64;
        let stretch = (ratio / subsampled).max(1.0);
        let taps = (0..target)
            .map(|index| {
                let middle = ((index as f64 + 0.5) * ratio - offset) / subsampled - 0.5;
                let reach = LOBES * stretch;
                let first = (middle - reach).ceil().max(0.0) as usize;
                let last = ((middle + reach).floor().max(0.0) as usize).min(count - 1);
                let first = first.min(last);
                let mut factors: Vec<f64> = (first..=last)
                    .map(|at| lanczos((at as f64 - middle) / stretch))
                    .collect();
                let sum: f64 = factors.iter().sum();
                if sum.abs() < 1e-6 {
                    factors.fill(1.0 / (last + 1 - first) as f64);
                } else {
                    factors.iter_mut().for_each(|factor| *factor /= sum);
                }
                (
                    first,
                    factors.into_iter().map(|factor| factor as f32).collect(),
                )
            })
            .collect();
        Axis { taps }
    }
}

fn lanczos(x: f64) -> f64 {
    if x.abs() < 1e-9 {
        return 1.0;
    }
    if x.abs() >= LOBES {
        return 0.0;
    }
    let sine = |turns: f64| f64::from(sin_turns(turns as f32));
    let pi = std::f64::consts::PI;
    LOBES * sine(0.5 * x) * sine(0.5 * x / LOBES) / (pi * pi * x * x)
}

/// Filters across, then down. Samples become 10-bit by `scale`.
fn filtered<T: Sample>(source: &Plane<T>, across: &Axis, down: &Axis, scale: f32) -> Plane<u16> {
    let (width, height) = (across.taps.len(), down.taps.len());
    let mut narrow = vec![0.0f32; width * source.height()];
    for (line, row) in narrow.chunks_exact_mut(width).zip(source.rows()) {
        for (target, (first, factors)) in line.iter_mut().zip(&across.taps) {
            *target = factors
                .iter()
                .zip(&row[*first..])
                .map(|(factor, sample)| {
                    let value: i32 = (*sample).into();
                    factor * value as f32
                })
                .sum();
        }
    }
    let mut plane = Plane::new(width, height);
    let mut sums = vec![0.0f32; width];
    for (row, (first, factors)) in plane.rows_mut().zip(&down.taps) {
        sums.fill(0.0);
        let lines = narrow[first * width..].chunks_exact(width);
        for (factor, line) in factors.iter().zip(lines) {
            for (sum, value) in sums.iter_mut().zip(line) {
                *sum += factor * value;
            }
        }
        for (sample, sum) in row.iter_mut().zip(&sums) {
            *sample = (sum * scale + 0.5).clamp(0.0, 1023.0) as u16;
        }
    }
    plane
}
