//! Every instruction set resamples to the same bits as the scalar definition.

#[path = "common/random.rs"]
mod random;

use nervure_frame::{Plane, Sample};
use nervure_kernels::Isa;
use nervure_kernels::resample::{Filter, Pixel, Resampler, Scratch};

use random::Random;

/// Noise, extremes that overshoot most, or extreme noise; the padding holds rubbish.
fn plane<T: Sample + TryFrom<u64>>(
    random: &mut Random,
    (width, height): (usize, usize),
    max: u64,
) -> Plane<T> {
    let sample = |value: u64| T::try_from(value).unwrap_or_default();
    let mut plane = Plane::new(width, height);
    plane.data_mut().fill(sample(255));
    let kind = random.below(3);
    for (y, row) in plane.rows_mut().enumerate() {
        for (x, out) in row.iter_mut().enumerate() {
            *out = sample(match kind {
                0 => random.next() % (max + 1),
                1 => max * u64::from((x / 3 + y / 2) % 2 == 0),
                _ => max * (random.next() % 2),
            });
        }
    }
    plane
}

/// The whole target in one go, or in bands, with a stride of our own and untouched padding.
fn resize<T: Pixel>(
    plan: &Resampler,
    source: &Plane<T>,
    band: usize,
    scratch: &mut Scratch,
) -> Vec<T> {
    let (width, height) = plan.target();
    let stride = width + 5;
    let mut out = vec![T::default(); stride * height];
    for start in (0..height).step_by(band) {
        let end = (start + band).min(height);
        // The last row of the last band has no padding at all.
        let to = if end == height {
            end * stride - 5
        } else {
            end * stride
        };
        plan.run(
            source,
            start..end,
            &mut out[start * stride..to],
            stride,
            scratch,
        );
    }
    for padding in out.chunks(stride).filter_map(|row| row.get(width..)) {
        assert!(padding.iter().all(|&sample| sample == T::default()));
    }
    out.chunks(stride)
        .flat_map(|row| row[..width].to_vec())
        .collect()
}

fn compare<T: Pixel + TryFrom<u64>>(
    random: &mut Random,
    source: (usize, usize),
    target: (usize, usize),
    max: u64,
    scratch: &mut Scratch,
) {
    let plane = plane::<T>(random, source, max);
    let filter = [Filter::Lanczos, Filter::Bicubic][random.below(2)];
    let shift = [(0.0, 0.0), (0.125, 0.0), (-0.3, 0.77), (5.5, -9.0)][random.below(4)];
    let band = 1 + random.below(target.1);
    let plan = |isa| Resampler::with_isa(isa, source, target, filter, shift);
    let expected = resize(&plan(Isa::Scalar), &plane, target.1, scratch);
    for isa in Isa::available() {
        let got = resize(&plan(isa), &plane, band, scratch);
        assert!(
            got == expected,
            "{isa} {filter:?} {source:?} -> {target:?} by {shift:?} in bands of {band}"
        );
    }
}

#[test]
fn any_ratio_agrees() {
    let mut random = Random(1);
    let mut scratch = Scratch::new();
    for _ in 0..150 {
        let mut side = || match random.below(4) {
            0 => 1 + random.below(8),
            _ => 1 + random.below(200),
        };
        let (source, target) = ((side(), side()), (side(), side()));
        compare::<u8>(&mut random, source, target, 255, &mut scratch);
        compare::<u16>(&mut random, source, target, 1023, &mut scratch);
    }
}

#[test]
fn integer_factors_agree() {
    let mut random = Random(2);
    let mut scratch = Scratch::new();
    for factor in 1..=4 {
        for _ in 0..25 {
            let source = (1 + random.below(150), 1 + random.below(40));
            let target = (source.0 * factor, source.1 * factor);
            compare::<u8>(&mut random, source, target, 255, &mut scratch);
            compare::<u16>(&mut random, source, target, 1023, &mut scratch);
            let smaller = (source.0.div_ceil(factor), source.1.div_ceil(factor));
            compare::<u8>(&mut random, source, smaller, 255, &mut scratch);
        }
    }
}

#[test]
fn large_ratios_agree() {
    let mut random = Random(3);
    let mut scratch = Scratch::new();
    for (source, target) in [
        ((1, 1), (300, 70)),
        ((700, 300), (1, 1)),
        ((2000, 3), (30, 90)),
    ] {
        compare::<u8>(&mut random, source, target, 255, &mut scratch);
        compare::<u16>(&mut random, source, target, 1023, &mut scratch);
    }
}

#[test]
fn values_beyond_ten_bits_are_taken_as_white() {
    let mut wild = Plane::<u16>::new(20, 10);
    wild.fill(65535);
    let mut scratch = Scratch::new();
    for isa in Isa::available() {
        let plan = Resampler::with_isa(isa, (20, 10), (40, 20), Filter::Lanczos, (0.0, 0.0));
        let out = resize(&plan, &wild, 7, &mut scratch);
        assert!(out.iter().all(|&sample| sample == 1023), "{isa}");
    }
}

#[test]
fn the_same_size_is_a_copy() {
    let mut random = Random(4);
    let source = plane::<u16>(&mut random, (77, 31), 1023);
    for isa in Isa::available() {
        let plan = Resampler::with_isa(isa, (77, 31), (77, 31), Filter::Bicubic, (0.0, 0.0));
        let out = resize(&plan, &source, 31, &mut Scratch::new());
        assert!(out.iter().eq(source.rows().flatten()), "{isa}");
    }
}
