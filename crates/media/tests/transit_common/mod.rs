//! Material for the tests of transit: scenes drawn here, and passages through networks.
#![allow(dead_code, clippy::unwrap_used)] // Tests: each uses its own part.

use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, Planes, TimeBase, Timestamp};
use nervure_media::scenes::{Renderer, Scene, SceneSpec};
use nervure_media::{
    Codec, EncodeSettings, LossLevel, LossModel, Memory, PictureSpec, Transit, TransitSettings,
    TransitStats,
};

/// All codecs that datasets are made with.
pub(crate) const LOSSY: [Codec; 5] = [Codec::H264, Codec::Hevc, Codec::Vp8, Codec::Vp9, Codec::Av1];

/// 4:2:0, 8 bits.
pub(crate) fn plain(width: usize, height: usize) -> PictureFormat {
    PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight)
}

/// Frames of a scene with much motion, at 25 a second.
pub(crate) fn frames(format: PictureFormat, count: u64) -> Vec<Frame> {
    let renderer = Renderer::new(SceneSpec {
        scene: Scene::Sports,
        seed: 3,
        format,
        frame_rate: (25, 1),
        frames: count,
    })
    .unwrap();
    (0..count).map(|number| renderer.frame(number)).collect()
}

/// Pictures of this format at 25 a second.
pub(crate) fn spec(format: PictureFormat) -> PictureSpec {
    PictureSpec {
        frame_rate: Some((25, 1)),
        ..PictureSpec::new(format, TimeBase::new(1, 25))
    }
}

/// Quick settings of one codec without losses.
pub(crate) fn quick(codec: Codec) -> TransitSettings {
    TransitSettings {
        encode: EncodeSettings {
            codec,
            preset: Some("veryfast".into()),
            memory: Memory::Lean,
            ..EncodeSettings::default()
        },
        ..TransitSettings::default()
    }
}

/// The same with losses.
pub(crate) fn lossy(codec: Codec, loss: &str, level: LossLevel, seed: u64) -> TransitSettings {
    TransitSettings {
        loss: loss.parse::<LossModel>().unwrap(),
        level,
        seed,
        ..quick(codec)
    }
}

/// Sends frames; what arrives.
pub(crate) fn pass(
    settings: &TransitSettings,
    spec: &PictureSpec,
    frames: &[Frame],
) -> (Vec<Frame>, TransitStats) {
    let mut transit = Transit::open(settings, spec).unwrap();
    let mut out = Vec::new();
    for frame in frames {
        transit.push(frame.clone()).unwrap();
        while let Some(frame) = transit.pull().unwrap() {
            out.push(frame);
        }
    }
    transit.flush().unwrap();
    while let Some(frame) = transit.pull().unwrap() {
        out.push(frame);
    }
    assert_one_to_one(frames, &out);
    (out, transit.stats())
}

/// The contract: one frame out for each in.
fn assert_one_to_one(sent: &[Frame], arrived: &[Frame]) {
    assert_eq!(sent.len(), arrived.len());
    for (sent, arrived) in sent.iter().zip(arrived) {
        assert_eq!(
            (sent.pts.ticks, sent.pts.base),
            (arrived.pts.ticks, arrived.pts.base)
        );
        assert_eq!(sent.format(), arrived.format());
        assert_eq!(sent.colour, arrived.colour);
        assert_eq!(sent.duration, arrived.duration);
    }
}

/// The peak signal-to-noise ratio of luma.
pub(crate) fn psnr(one: &Frame, two: &Frame) -> f64 {
    let (sum, count) = match (&one.planes, &two.planes) {
        (Planes::Eight(one), Planes::Eight(two)) => squares(
            one[0].rows().flatten().copied().map(f64::from),
            two[0].rows().flatten().copied().map(f64::from),
        ),
        (Planes::Ten(one), Planes::Ten(two)) => squares(
            one[0].rows().flatten().copied().map(f64::from),
            two[0].rows().flatten().copied().map(f64::from),
        ),
        _ => panic!("one depth"),
    };
    let peak = f64::from(one.format().depth.max());
    10.0 * (peak * peak * count / sum.max(1e-9)).log10()
}

fn squares(one: impl Iterator<Item = f64>, two: impl Iterator<Item = f64>) -> (f64, f64) {
    one.zip(two).fold((0.0, 0.0), |(sum, count), (one, two)| {
        (sum + (one - two) * (one - two), count + 1.0)
    })
}

/// A time on a clock of thousandths.
pub(crate) fn millis(ticks: i64) -> Timestamp {
    Timestamp::new(ticks, TimeBase::new(1, 1000))
}
