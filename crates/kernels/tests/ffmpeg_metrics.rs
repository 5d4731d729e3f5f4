//! PSNR and SSIM agree with ffmpeg's filters, wherever an `ffmpeg` command is at hand.

mod common;

use nervure_frame::metrics::{Metrics, PerPlane, Pooled};
use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, Planes, TimeBase, Timestamp};
use nervure_kernels::metrics::Scorer;

use common::{Raw, ffmpeg, pixels, planes};

const FRAMES: usize = 3;

/// The number after `key` in a line of statistics.
fn value(line: &str, key: &str) -> f64 {
    let found = line
        .split_whitespace()
        .find_map(|word| word.strip_prefix(key));
    found
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{key} in {line}"))
}

/// What a filter says of each frame of the second picture against the first; none without ffmpeg.
fn statistics(scene: &str, damage: &str, filter: &str) -> Option<Vec<String>> {
    let graph = format!("{scene},split[a][b];[b]{damage}[c];[c][a]{filter}=stats_file=-");
    let arguments = ["-filter_complex", &graph, "-f", "null", "-"];
    let text = String::from_utf8(ffmpeg(&arguments, Vec::new())?).expect("text");
    Some(text.lines().map(str::to_owned).collect())
}

fn frames(format: PictureFormat, graph: &str) -> Option<Vec<Frame>> {
    let arguments = [
        "-filter_complex",
        graph,
        "-f",
        "rawvideo",
        "-pix_fmt",
        pixels(format),
        "-",
    ];
    let raw = ffmpeg(&arguments, Vec::new())?;
    let frame = |raw: &[u8]| {
        let planes = match format.depth {
            BitDepth::Eight => Planes::Eight(three(planes(format, raw))),
            BitDepth::Ten => Planes::Ten(three(planes(format, raw))),
        };
        Frame::from_planes(format.chroma, planes, Timestamp::new(0, TimeBase::MICROS))
    };
    Some(raw.chunks_exact(raw.len() / FRAMES).map(frame).collect())
}

fn three<T: Raw>(planes: Vec<nervure_frame::Plane<T>>) -> [nervure_frame::Plane<T>; 3] {
    planes.try_into().expect("three planes")
}

/// Decibels of ours against the filter's, which rounds to hundredths.
fn same_psnr(ours: PerPlane, line: &str) {
    let keys = ["psnr_y:", "psnr_u:", "psnr_v:", "psnr_avg:"];
    for (key, ours) in keys
        .into_iter()
        .zip(ours.planes.into_iter().chain([ours.all]))
    {
        let theirs = value(line, key);
        assert!(
            ours == theirs || (ours - theirs).abs() <= 0.01,
            "{key} {ours}: {line}"
        );
    }
}

fn same_ssim(ours: PerPlane, line: &str) {
    let keys = ["Y:", "U:", "V:", "All:"];
    for (key, ours) in keys
        .into_iter()
        .zip(ours.planes.into_iter().chain([ours.all]))
    {
        let theirs = value(line, key);
        assert!((ours - theirs).abs() <= 5e-6, "{key} {ours}: {line}");
    }
}

/// False without ffmpeg.
fn agrees(format: PictureFormat, damage: &str) -> bool {
    let PictureFormat { width, height, .. } = format;
    let scene = format!(
        "testsrc2=size=320x180:duration={}:rate=10,scale={width}:{height},format={}",
        FRAMES as f64 / 10.0,
        pixels(format)
    );
    let (Some(reference), Some(distorted), Some(psnr), Some(ssim)) = (
        frames(format, &scene),
        frames(format, &format!("{scene},{damage}")),
        statistics(&scene, damage, "psnr"),
        statistics(&scene, damage, "ssim"),
    ) else {
        return false;
    };
    assert_eq!(
        (reference.len(), psnr.len(), ssim.len()),
        (FRAMES, FRAMES, FRAMES)
    );
    let mut pooled = Pooled::new();
    let mut scorer = Scorer::new();
    let mut mse = 0.0;
    for (at, (reference, distorted)) in reference.iter().zip(&distorted).enumerate() {
        let score = scorer
            .score(reference, distorted, Metrics::ALL)
            .expect("one format");
        same_psnr(score.psnr().expect("asked for"), &psnr[at]);
        same_ssim(score.ssim.expect("asked for"), &ssim[at]);
        pooled.add(&score);
        mse += value(&psnr[at], "mse_avg:") / FRAMES as f64;
    }
    let whole = pooled
        .score()
        .and_then(|score| score.squared_error)
        .expect("frames");
    assert!((whole.all - mse).abs() <= 0.01, "{} {mse}", whole.all);
    true
}

#[test]
fn agrees_with_the_filters() {
    let format = |width, height, chroma, depth| PictureFormat::new(width, height, chroma, depth);
    use BitDepth::{Eight, Ten};
    use Chroma::{C420, C422, C444};
    let cases = [
        (format(320, 180, C420, Eight), "gblur=sigma=1.5"),
        (format(161, 91, C420, Eight), "gblur=sigma=0.7:planes=5"),
        (format(129, 77, C444, Eight), "noise=alls=20:all_seed=7"),
        (format(200, 100, C420, Ten), "gblur=sigma=2"),
        (format(133, 75, C444, Ten), "gblur=sigma=0.5:planes=3"),
        (format(97, 46, C422, Ten), "null"),
    ];
    for (format, damage) in cases {
        if !agrees(format, damage) {
            eprintln!("skipped: no ffmpeg command");
            return;
        }
    }
}
