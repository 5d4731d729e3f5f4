//! The fast metrics give what their definitions give.

#[path = "common/random.rs"]
mod random;

use nervure_frame::metrics::{self, Metrics};
use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, Plane, Sample, TimeBase, Timestamp};
use nervure_kernels::metrics::{Pixel, Scorer};
use nervure_kernels::{Error, Isa};

use random::Random;

fn sample<T: Sample + TryFrom<u64>>(value: f64) -> T {
    let max = f64::from(T::DEPTH.max());
    T::try_from(value.clamp(0.0, max) as u64).unwrap_or_default()
}

/// Waves and a copy with noise, or noise alone, or black against white; rubbish in the padding.
fn pair<T: Sample + TryFrom<u64>>(random: &mut Random, size: (usize, usize)) -> [Plane<T>; 2] {
    let mut planes = [Plane::new(size.0, size.1), Plane::new(size.0, size.1)];
    let max = f64::from(T::DEPTH.max());
    let [one, two] = &mut planes;
    one.fill(sample(200.0));
    let kind = random.below(4);
    let noise = [0.02, 1.0][random.below(2)];
    for (y, (one, two)) in one.rows_mut().zip(two.rows_mut()).enumerate() {
        for (x, (one, two)) in one.iter_mut().zip(two).enumerate() {
            let mut unit = || (random.next() >> 11) as f64 / (1u64 << 53) as f64;
            let wave = 0.5 + 0.4 * (x as f64 / 9.0).sin() * (y as f64 / 6.0).cos();
            let (a, b) = match kind {
                0 => (0.0, 1.0),
                1 => (unit(), unit()),
                _ => (wave, wave + noise * (unit() - 0.5)),
            };
            (*one, *two) = (sample(a * max), sample(b * max));
        }
    }
    planes
}

fn compare<T: Pixel + TryFrom<u64>>(
    random: &mut Random,
    size: (usize, usize),
    scorers: &mut [Scorer],
) {
    let [one, two] = pair::<T>(random, size);
    let expected = (
        metrics::ssim(&one, &two),
        metrics::squared_error(&one, &two),
    );
    for scorer in scorers {
        assert_eq!(
            scorer.squared_error(&one, &two),
            expected.1,
            "{scorer:?} {size:?}"
        );
        assert_eq!(scorer.ssim(&one, &two), expected, "{scorer:?} {size:?}");
    }
}

#[test]
fn squared_errors_and_ssim_agree_to_the_bit() {
    let mut random = Random(1);
    let mut scorers: Vec<Scorer> = Isa::available().into_iter().map(Scorer::with_isa).collect();
    for _ in 0..100 {
        let size = match random.below(3) {
            0 => (1 + random.below(20), 1 + random.below(20)),
            _ => (1 + random.below(300), 1 + random.below(60)),
        };
        compare::<u8>(&mut random, size, &mut scorers);
        compare::<u16>(&mut random, size, &mut scorers);
    }
    // Long rows of black against white would overflow sums that are too narrow.
    for width in [4096, 20_000] {
        compare::<u8>(&mut Random(13), (width, 9), &mut scorers);
        compare::<u16>(&mut Random(13), (width, 9), &mut scorers);
    }
}

#[test]
fn ms_ssim_agrees_within_a_millionth() {
    let mut random = Random(3);
    for size in [(176, 176), (177, 191), (256, 200), (300, 177), (521, 233)] {
        for _ in 0..2 {
            let [one, two] = pair::<u8>(&mut random, size);
            let [ten, eleven] = pair::<u16>(&mut random, size);
            let expected = metrics::ms_ssim(&one, &two).expect("a large picture");
            let expected_ten = metrics::ms_ssim(&ten, &eleven).expect("a large picture");
            for isa in Isa::available() {
                let mut scorer = Scorer::with_isa(isa);
                let got = scorer.ms_ssim(&one, &two).expect("a large picture");
                assert!(
                    (got - expected).abs() < 1e-6,
                    "{isa} {size:?}: {got} {expected}"
                );
                let got = scorer.ms_ssim(&ten, &eleven).expect("a large picture");
                assert!(
                    (got - expected_ten).abs() < 1e-6,
                    "{isa} {size:?}: {got} {expected_ten}"
                );
                assert!((scorer.ms_ssim(&one, &one).expect("large") - 1.0).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn a_large_picture_after_a_small_one_and_back_reuses_memory_rightly() {
    let mut random = Random(4);
    let [large, large_too] = pair::<u8>(&mut random, (420, 300));
    let [small, small_too] = pair::<u8>(&mut random, (180, 190));
    let mut scorer = Scorer::new();
    let first = (
        scorer.ms_ssim(&small, &small_too),
        scorer.ssim(&small, &small_too),
    );
    scorer.ms_ssim(&large, &large_too);
    scorer.ssim(&large, &large_too);
    let again = (
        scorer.ms_ssim(&small, &small_too),
        scorer.ssim(&small, &small_too),
    );
    assert_eq!(first, again);
    assert_eq!(
        scorer.ms_ssim(&Plane::<u8>::new(175, 400), &Plane::new(175, 400)),
        None
    );
}

#[test]
fn frames_of_different_format_are_refused() {
    let zero = Timestamp::new(0, TimeBase::MICROS);
    let format = PictureFormat::new(64, 48, Chroma::C420, BitDepth::Eight);
    let reference = Frame::new(format, zero);
    let others = [
        format.with_size(64, 50),
        PictureFormat {
            chroma: Chroma::C422,
            ..format
        },
        PictureFormat {
            depth: BitDepth::Ten,
            ..format
        },
    ];
    for other in others {
        let score = Scorer::new().score(&reference, &Frame::new(other, zero), Metrics::ALL);
        assert_eq!(
            score,
            Err(Error::FormatsDiffer {
                reference: format,
                distorted: other
            })
        );
    }
}

#[test]
fn only_what_is_asked_for_is_given() {
    let zero = Timestamp::new(0, TimeBase::MICROS);
    let format = PictureFormat::new(200, 180, Chroma::C422, BitDepth::Ten);
    let (reference, mut distorted) = (Frame::new(format, zero), Frame::new(format, zero));
    distorted.planes.ten_mut().expect("10 bits")[1].fill(16);
    for wanted in 0..8 {
        let wanted = Metrics {
            psnr: wanted & 1 > 0,
            ssim: wanted & 2 > 0,
            ms_ssim: wanted & 4 > 0,
        };
        let score = Scorer::new()
            .score(&reference, &distorted, wanted)
            .expect("one format");
        assert_eq!(score.squared_error.is_some(), wanted.psnr);
        assert_eq!(score.ssim.is_some(), wanted.ssim);
        assert_eq!(score.ms_ssim.is_some(), wanted.ms_ssim);
        if let Some(error) = score.squared_error {
            assert_eq!((error.planes, error.all), ([0.0, 256.0, 0.0], 64.0));
        }
    }
}
