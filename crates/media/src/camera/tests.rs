use super::*;
use crate::draw::{Canvas, Rgba, canvas_of, frame_of};

fn zero() -> Timestamp {
    Timestamp::new(0, TimeBase::MICROS)
}

/// A picture whose brightness `value` gives.
fn image(width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> Frame {
    let mut canvas = Canvas::new(width, height, Light::Coded, Rgba::BLACK);
    for row in canvas.rows_mut() {
        for x in 0..width {
            let value = value(x, row.y);
            (row.r[x], row.g[x], row.b[x]) = (value, value, value);
        }
    }
    let format = PictureFormat::new(width, height, Chroma::C444, BitDepth::Eight);
    frame_of(&canvas, format, zero())
}

fn spec(width: usize, height: usize, seed: u64) -> CameraSpec {
    CameraSpec {
        width,
        height,
        frames: 4,
        frame_rate: (30_000, 1001),
        seed,
    }
}

/// The mean and the standard deviation of luma.
fn spread(frame: &Frame) -> (f64, f64) {
    let luma = &frame.planes.eight().unwrap()[0];
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    for sample in luma.rows().flatten() {
        let value = f64::from(*sample);
        (sum, squares, count) = (sum + value, squares + value * value, count + 1.0);
    }
    let mean: f64 = sum / count;
    (mean, (squares / count - mean * mean).max(0.0).sqrt())
}

#[test]
fn the_same_seed_gives_the_same_clip_on_any_number_of_threads() {
    let image = image(100, 80, |x, y| ((x / 5 + y / 7) % 3) as f32 * 0.4);
    let clip = CameraMove::new(&image, spec(80, 64, 3)).unwrap();
    let single = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let frame = clip.frame(70);
    assert_eq!(single.install(|| clip.frame(70)).planes, frame.planes);
    let again = CameraMove::new(&image, spec(80, 64, 3)).unwrap();
    assert_eq!(again.frame(70).planes, frame.planes);
    assert_ne!(clip.frame(71).planes, frame.planes);
    let other = CameraMove::new(&image, spec(80, 64, 4)).unwrap();
    assert_ne!(other.frame(70).planes, frame.planes);
}

#[test]
fn frames_have_exact_times_and_say_their_colour() {
    let image = image(64, 48, |x, _| x as f32 / 64.0);
    let clip = CameraMove::new(&image, spec(50, 38, 1)).unwrap();
    let frames: Vec<Frame> = clip.frames().collect();
    assert_eq!(frames.len(), 4);
    assert_eq!(
        frames[3].pts,
        Timestamp::new(3, TimeBase::new(1001, 30_000))
    );
    assert_eq!(frames[0].format(), clip.format());
    assert_eq!(frames[0].colour, nervure_frame::Colour::BT709);
}

#[test]
fn what_is_too_fine_becomes_grey_and_does_not_flicker() {
    // Single-pixel squares, seen from four times too far away.
    let image = image(640, 480, |x, y| ((x + y) % 2) as f32);
    let clip = CameraMove::new(&image, spec(160, 120, 2)).unwrap();
    for index in [0, 40, 200] {
        let (mean, deviation) = spread(&clip.frame(index));
        assert!((mean - 125.5).abs() < 2.0, "{mean}");
        assert!(deviation < 2.0, "{deviation}");
    }
}

#[test]
fn what_can_be_seen_stays_sharp() {
    // Stripes 6 pixels apart, at about one pixel for each of the clip: little may be lost.
    let stripes = |period: f64| {
        image(500, 400, move |x, _| {
            0.5 + 0.4 * crate::scenes::wave(x as f64 / period)
        })
    };
    for seed in 0..4 {
        let clip = CameraMove::new(&stripes(6.0), spec(400, 320, seed)).unwrap();
        let (_, deviation) = spread(&clip.frame(30));
        let whole = 0.4 * 219.0 / 2.0f64.sqrt();
        assert!(deviation > 0.85 * whole, "{deviation} of {whole}");
    }
    // And from three times as far, stripes three times as wide.
    let image = image(1500, 1200, |x, _| {
        0.5 + 0.4 * crate::scenes::wave(x as f64 / 18.0)
    });
    let clip = CameraMove::new(&image, spec(400, 320, 1)).unwrap();
    assert!(spread(&clip.frame(30)).1 > 0.85 * 0.4 * 219.0 / 2.0f64.sqrt());
}

#[test]
fn colours_come_through() {
    let format = PictureFormat::new(300, 200, Chroma::C420, BitDepth::Eight);
    let canvas = Canvas::new(300, 200, Light::Coded, Rgba::hex(0xcc4422));
    let image = frame_of(&canvas, format, zero());
    for size in [(240, 160), (60, 40)] {
        let clip = CameraMove::new(&image, spec(size.0, size.1, 1)).unwrap();
        let pixel = canvas_of(&clip.frame(9)).pixel(20, 20);
        let want = Rgba::hex(0xcc4422);
        assert!(
            (pixel.r - want.r).abs() < 0.02 && (pixel.b - want.b).abs() < 0.02,
            "{pixel:?}"
        );
    }
}

#[test]
fn every_size_that_can_be_filmed_is() {
    for (width, height) in [(2, 2), (3, 2), (2, 99), (999, 2), (17, 31)] {
        let image = image(width, height, |x, y| ((x * 3 + y) % 5) as f32 * 0.2);
        let spec = CameraSpec::for_image(image.format(), 3, (25, 1), 5).unwrap();
        assert!(spec.width <= width && spec.height <= height);
        let clip = CameraMove::new(&image, spec).unwrap();
        assert_eq!(clip.frame(u64::MAX).format().width, spec.width);
        assert_eq!(clip.frames().count(), 3);
    }
    let large = PictureFormat::new(4000, 6000, Chroma::C444, BitDepth::Eight);
    let spec = CameraSpec::for_image(large, 3, (25, 1), 5).unwrap();
    assert_eq!((spec.width, spec.height), (1080, 1620));
}

#[test]
fn impossible_wishes_are_refused() {
    let image = image(40, 30, |_, _| 0.5);
    let error = |spec| CameraMove::new(&image, spec).unwrap_err().to_string();
    assert!(error(spec(42, 20, 1)).contains("42x20 is larger than its image of 40x30"));
    assert!(error(spec(31, 20, 1)).contains("31x20"));
    assert!(error(spec(0, 20, 1)).contains("0x20"));
    let bad = CameraSpec {
        frame_rate: (0, 1),
        ..spec(20, 20, 1)
    };
    assert!(error(bad).contains("0/1"));
    let format = PictureFormat::new(1, 9, Chroma::C444, BitDepth::Eight);
    assert!(CameraSpec::for_image(format, 1, (25, 1), 1).is_err());
}
