//! What every degradation keeps, and what each is for.

use nervure_frame::{Chroma, PictureFormat, TimeBase, Timestamp, metrics};

use super::*;
use crate::scenes::{Renderer, Scene, SceneSpec};

fn scene(scene: Scene, format: PictureFormat) -> Frame {
    let spec = SceneSpec {
        scene,
        seed: 2,
        format,
        frame_rate: (25, 1),
        frames: 1,
    };
    Renderer::new(spec).unwrap().frame(4)
}

fn eight(width: usize, height: usize) -> PictureFormat {
    PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight)
}

fn blank(format: PictureFormat) -> Frame {
    Frame::new(format, Timestamp::new(0, TimeBase::MICROS))
}

fn degraded(frame: &Frame, kind: Degradation, strength: f32, seed: u64, index: u64) -> Frame {
    let mut frame = frame.clone();
    let list = [Augmentation::new(kind, strength).unwrap()];
    Augmenter::new(&list, seed).apply(&mut frame, index);
    frame
}

/// The mean squared error of luma.
fn error(one: &Frame, two: &Frame) -> f64 {
    let samples = {
        let format = one.format();
        (format.width * format.height) as f64
    };
    let sum = match (&one.planes, &two.planes) {
        (Planes::Eight(one), Planes::Eight(two)) => metrics::squared_error(&one[0], &two[0]),
        (Planes::Ten(one), Planes::Ten(two)) => metrics::squared_error(&one[0], &two[0]),
        _ => panic!("frames of one depth"),
    };
    sum as f64 / samples
}

#[test]
fn they_are_pure_and_seeds_differ() {
    let frame = scene(Scene::Sports, eight(160, 96));
    for &kind in Degradation::all() {
        let once = degraded(&frame, kind, 0.5, 1, 3);
        assert_eq!(once.planes, degraded(&frame, kind, 0.5, 1, 3).planes);
        assert_ne!(once.planes, frame.planes, "{kind}");
        assert_eq!(
            degraded(&frame, kind, 0.0, 1, 3).planes,
            frame.planes,
            "{kind}"
        );
        // Blur leaves nothing to chance.
        let other = degraded(&frame, kind, 0.5, 2, 3);
        assert_eq!(once.planes == other.planes, kind == Degradation::Blur);
        // Only noise moves.
        let later = degraded(&frame, kind, 0.5, 1, 4);
        assert_eq!(once.planes != later.planes, kind == Degradation::Noise);
    }
}

#[test]
fn working_memory_does_not_carry_over() {
    let small = scene(Scene::Animation, eight(50, 38));
    let large = scene(Scene::Sports, eight(120, 66));
    let ten = scene(
        Scene::Grain,
        PictureFormat::new(44, 30, Chroma::C444, BitDepth::Ten),
    );
    for &kind in Degradation::all() {
        let list = [Augmentation::new(kind, 0.7).unwrap()];
        let mut augmenter = Augmenter::new(&list, 5);
        for (index, frame) in [&large, &small, &ten, &large].into_iter().enumerate() {
            let mut got = frame.clone();
            augmenter.apply(&mut got, index as u64);
            let want = degraded(frame, kind, 0.7, 5, index as u64);
            assert_eq!(got.planes, want.planes, "{kind} {index}");
        }
    }
}

#[test]
fn every_machine_gives_the_recorded_bytes() {
    // As with the scenes: a change must be meant, and looked at.
    let frame = scene(Scene::Sports, eight(96, 64));
    let sums = Degradation::all().iter().map(|kind| {
        let frame = degraded(&frame, *kind, 0.6, 11, 2);
        let mut hasher = crc32fast::Hasher::new();
        for row in frame.planes.eight().unwrap().iter().flat_map(Plane::rows) {
            hasher.update(row);
        }
        hasher.finalize()
    });
    assert_eq!(sums.collect::<Vec<_>>(), GOLDEN);
}

const GOLDEN: [u32; 4] = [264_338_176, 4_112_754_554, 4_209_700_491, 2_660_204_532];

#[test]
fn more_strength_is_more_error() {
    for format in [
        eight(192, 128),
        PictureFormat::new(192, 128, Chroma::C422, BitDepth::Ten),
    ] {
        for of in [Scene::Sports, Scene::Animation, Scene::Grain] {
            let frame = scene(of, format);
            for &kind in Degradation::all() {
                let errors: Vec<f64> = [0.1, 0.25, 0.4, 0.6, 0.8, 1.0]
                    .iter()
                    .map(|strength| error(&frame, &degraded(&frame, kind, *strength, 3, 0)))
                    .collect();
                assert!(
                    errors.windows(2).all(|pair| pair[0] < pair[1]),
                    "{kind} of {of} {format}: {errors:?}"
                );
            }
        }
    }
}

#[test]
fn depths_agree() {
    let frame = scene(Scene::Sports, eight(128, 80));
    let mut ten = blank(PictureFormat {
        depth: BitDepth::Ten,
        ..frame.format()
    });
    ten.colour = frame.colour;
    let pairs = ten.planes.ten_mut().unwrap().iter_mut();
    for (ten, eight) in pairs.zip(frame.planes.eight().unwrap()) {
        for (ten, eight) in ten.rows_mut().zip(eight.rows()) {
            ten.iter_mut()
                .zip(eight)
                .for_each(|(t, e)| *t = u16::from(*e) << 2);
        }
    }
    for &kind in Degradation::all() {
        let eight = degraded(&frame, kind, 0.5, 6, 1);
        let ten = degraded(&ten, kind, 0.5, 6, 1);
        let planes = ten.planes.ten().unwrap().iter();
        for (ten, eight) in planes.zip(eight.planes.eight().unwrap()) {
            for (ten, eight) in ten.rows().flatten().zip(eight.rows().flatten()) {
                let far = (i32::from(*ten) - 4 * i32::from(*eight)).abs();
                assert!(far <= 4, "{kind}: {ten} is not {eight}");
            }
        }
    }
}

#[test]
fn blocks_begin_where_the_grid_is() {
    // A slope has the same steps everywhere, until blocks put theirs at their borders.
    let mut frame = blank(eight(192, 160));
    let luma = &mut frame.planes.eight_mut().unwrap()[0];
    for (y, row) in luma.rows_mut().enumerate() {
        for (x, sample) in row.iter_mut().enumerate() {
            *sample = (40 + x / 2 + y / 2) as u8;
        }
    }
    for seed in 0..6 {
        let mut dice = Dice::new(seed, Degradation::Blocking.name());
        let (left, top) = blocking::Blocking::new(0.5, &mut dice).offset();
        let frame = degraded(&frame, Degradation::Blocking, 0.5, seed, 0);
        let luma = &frame.planes.eight().unwrap()[0];
        let mut steps = [[0u32; 8]; 2];
        for y in 16..144 {
            for x in 16..176 {
                let here = luma.row(y)[x];
                steps[0][x % 8] += u32::from(here.abs_diff(luma.row(y)[x - 1]));
                steps[1][y % 8] += u32::from(here.abs_diff(luma.row(y - 1)[x]));
            }
        }
        for (steps, offset) in steps.iter().zip([left, top]) {
            let inside: u32 = (0..8).filter(|at| *at != offset).map(|at| steps[at]).sum();
            assert!(
                steps[offset] > 2 * inside / 7,
                "seed {seed}: {steps:?} at {offset}"
            );
        }
    }
}

#[test]
fn ringing_stays_near_edges() {
    let mut frame = blank(eight(200, 120));
    let luma = &mut frame.planes.eight_mut().unwrap()[0];
    for (y, row) in luma.rows_mut().enumerate() {
        for (x, sample) in row.iter_mut().enumerate() {
            // A hard edge at column 100 on faint texture.
            let texture = ((x * 7 + y * 13) % 5) as u8;
            *sample = if x < 100 { 60 + texture } else { 180 + texture };
        }
    }
    let ringed = degraded(&frame, Degradation::Ringing, 0.6, 3, 0);
    let (was, is) = (
        frame.planes.eight().unwrap()[0].row(60),
        ringed.planes.eight().unwrap()[0].row(60),
    );
    let change = |x: usize| i32::from(is[x]) - i32::from(was[x]);
    assert!((0..80).chain(120..200).all(|x| change(x) == 0));
    // Waves: both signs on each side, and strong enough to see.
    for side in [84..100, 100..116] {
        let (low, high) = (
            side.clone().map(change).min().unwrap(),
            side.map(change).max().unwrap(),
        );
        assert!(low <= -4 && high >= 4, "{low} {high}");
    }
    // The edge stays one.
    assert!(is[100] - is[99] > 90, "{} {}", is[99], is[100]);
}

#[test]
fn blur_takes_faint_detail_and_leaves_edges() {
    let mut frame = blank(eight(128, 96));
    let luma = &mut frame.planes.eight_mut().unwrap()[0];
    for (y, row) in luma.rows_mut().enumerate() {
        for (x, sample) in row.iter_mut().enumerate() {
            let faint = 4 * ((x + y) % 2) as u8;
            *sample = if x < 64 { 60 } else { 190 } + faint;
        }
    }
    let blurred = degraded(&frame, Degradation::Blur, 0.5, 0, 0);
    let row = blurred.planes.eight().unwrap()[0].row(40);
    assert!(row[20].abs_diff(row[21]) <= 1, "{:?}", &row[16..24]);
    assert!(row[64] - row[63] > 80, "{:?}", &row[56..72]);
    assert!((61..=63).contains(&row[10]));
}

#[test]
fn noise_is_what_it_says() {
    for (level, brightness) in [
        (60, 44.0 / 219.0),
        (110, 94.0 / 219.0),
        (200, 184.0 / 219.0),
    ] {
        let mut frame = blank(eight(256, 256));
        for plane in frame.planes.eight_mut().unwrap() {
            plane.fill(level);
        }
        let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
        for index in 0..4 {
            let noisy = degraded(&frame, Degradation::Noise, 0.5, 8, index);
            for sample in noisy.planes.eight().unwrap()[0].rows().flatten() {
                let change = f64::from(*sample) - f64::from(level);
                sum += change;
                squares += change * change;
                count += 1.0;
            }
        }
        let mean: f64 = sum / count;
        let sigma = (squares / count - mean * mean).sqrt();
        let told = f64::from(noise_sigma(0.5, brightness));
        assert!(mean.abs() < 0.12, "mean {mean} at {level}");
        assert!((sigma / told - 1.0).abs() < 0.06, "{sigma} for {told}");
    }
    assert!(noise_sigma(1.0, 0.3) > noise_sigma(1.0, 0.0));
    assert!(noise_sigma(1.0, 0.3) > noise_sigma(1.0, 1.0));
}

#[test]
fn chroma_noise_goes_with_luma_noise() {
    let format = PictureFormat::new(256, 128, Chroma::C444, BitDepth::Ten);
    let mut frame = blank(format);
    for plane in frame.planes.ten_mut().unwrap() {
        plane.fill(500);
    }
    let noisy = degraded(&frame, Degradation::Noise, 0.5, 8, 0);
    let [luma, chroma, _] = noisy.planes.ten().unwrap();
    let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
    for (a, b) in luma.rows().flatten().zip(chroma.rows().flatten()) {
        let (a, b) = (f64::from(*a) - 500.0, f64::from(*b) - 500.0);
        both += a * b;
        one += a * a;
        other += b * b;
    }
    let correlation = both / (one * other).sqrt();
    assert!((correlation - 0.5).abs() < 0.05, "{correlation}");
    assert!(((other / one).sqrt() - 0.4).abs() < 0.04);
}

#[test]
fn ranges_are_kept() {
    for (range, low, high) in [(Range::Limited, 16, 235), (Range::Full, 0, 255)] {
        // Black and white in a pattern, so that everything overshoots.
        let mut frame = blank(eight(96, 64));
        frame.colour = Colour {
            range,
            ..Colour::BT709
        };
        let luma = &mut frame.planes.eight_mut().unwrap()[0];
        for (y, row) in luma.rows_mut().enumerate() {
            for (x, sample) in row.iter_mut().enumerate() {
                *sample = if (x / 12 + y / 10) % 2 == 0 {
                    low
                } else {
                    high
                };
            }
        }
        for &kind in Degradation::all() {
            let frame = degraded(&frame, kind, 1.0, 3, 0);
            let luma = &frame.planes.eight().unwrap()[0];
            assert!(
                luma.rows().flatten().all(|v| (low..=high).contains(v)),
                "{kind} {range:?}"
            );
        }
    }
    let nominal = Nominal::of(Colour::BT709, BitDepth::Ten, 1);
    assert_eq!((nominal.low, nominal.high), (64, 960));
    // What lies outside already may stay, but goes no further.
    assert_eq!((nominal.hold(5, 10), nominal.hold(12, 10)), (10, 12));
}

#[test]
fn every_size_and_format_can_be_degraded() {
    for (width, height) in [(1, 1), (2, 1), (1, 17), (7, 9), (16, 16), (33, 5), (65, 70)] {
        for chroma in [Chroma::C420, Chroma::C422, Chroma::C444] {
            for depth in [BitDepth::Eight, BitDepth::Ten] {
                let mut frame = blank(PictureFormat::new(width, height, chroma, depth));
                if let Some(planes) = frame.planes.ten_mut() {
                    // A word that no 10-bit sample has must do no harm.
                    planes[0].fill(u16::MAX);
                }
                for &kind in Degradation::all() {
                    for strength in [0.01, 1.0] {
                        let out = degraded(&frame, kind, strength, 9, u64::MAX);
                        assert_eq!(out.format(), frame.format());
                    }
                }
            }
        }
    }
}

#[test]
fn augmentations_are_read_and_written() {
    let parse = |text: &str| text.parse::<Augmentation>();
    let blocking = parse("blocking").unwrap();
    assert_eq!(blocking.strength(), Augmentation::DEFAULT_STRENGTH);
    assert_eq!(parse("noise=0.25").unwrap().to_string(), "noise=0.25");
    assert_eq!(parse("blur=1").unwrap().kind(), Degradation::Blur);
    for (text, part) in [
        ("fog", "\"fog\""),
        ("blur=2", "blur of strength 2"),
        ("blur=-0.1", "-0.1"),
        ("blur=NaN", "NaN"),
        ("blur=much", "\"much\""),
        ("blur=", "\"\""),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert!(error.hint().is_some());
    }
    for kind in Degradation::all() {
        assert_eq!(kind.name().parse::<Degradation>().unwrap(), *kind);
    }
    let drawn: Vec<f32> = (0..200)
        .map(|seed| blocking.drawn(seed).strength())
        .collect();
    assert!(drawn.iter().all(|s| (0.0..=0.4).contains(s)));
    let mean = drawn.iter().sum::<f32>() / 200.0;
    assert!((mean - 0.2).abs() < 0.03, "{mean}");
}
