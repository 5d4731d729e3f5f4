//! How coarsely pictures are coded, as decoders tell.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod read_common;

use nervure_media::{OpenOptions, Reader};
use read_common::{Clips, input};

/// Steps of all pictures of a clip.
fn steps(clips: &Clips, name: &str, arguments: &str, options: &OpenOptions) -> Vec<Option<f32>> {
    let source = format!(
        "-f lavfi -i testsrc2=size=176x144:rate=25:duration=1,noise=alls=8:allf=t {arguments}"
    );
    let path = clips.make(name, &source);
    let mut reader = Reader::open(&input(&path), options).unwrap();
    let mut steps = Vec::new();
    while let Some(frame) = reader.next().unwrap() {
        steps.push(frame.step);
    }
    assert_eq!(steps.len(), 25, "{name}");
    steps
}

fn asked() -> OpenOptions {
    OpenOptions {
        find_steps: true,
        ..OpenOptions::default()
    }
}

/// One quantiser for everything: steps double every six, and a quantiser of 4 is a step of one code.
#[test]
fn steps_are_those_of_the_quantiser() {
    let Some(clips) = Clips::new() else { return };
    for (quantiser, step) in [(22, 8.0), (28, 16.0), (34, 32.0)] {
        for finds_lost in [false, true] {
            let coded = format!(
                "-c:v libx264 -preset veryfast -x264-params qp={quantiser}:ipratio=1:pbratio=1 -pix_fmt yuv420p"
            );
            let options = OpenOptions {
                find_lost: finds_lost,
                ..asked()
            };
            let name = format!("q{quantiser}-{finds_lost}.mp4");
            for found in steps(&clips, &name, &coded, &options) {
                let found = found.unwrap();
                assert!((found - step).abs() < 1e-3 * step, "{name}: {found}");
            }
        }
    }
}

/// Ten bits are four codes for each of eight.
#[test]
fn steps_are_in_codes_of_eight_bits() {
    let Some(clips) = Clips::new() else { return };
    let of = |pixels: &str| {
        let coded = format!("-c:v libx264 -preset veryfast -crf 30 -pix_fmt {pixels}");
        let steps = steps(&clips, &format!("{pixels}.mp4"), &coded, &asked());
        steps.iter().map(|step| step.unwrap()).sum::<f32>() / 25.0
    };
    let (eight, ten) = (of("yuv420p"), of("yuv420p10le"));
    assert!((10.0..60.0).contains(&eight), "{eight}");
    assert!((0.8..1.25).contains(&(ten / eight)), "{ten} for {eight}");
}

#[test]
fn who_does_not_ask_is_not_told_and_other_codecs_do_not_tell() {
    let Some(clips) = Clips::new() else { return };
    let coded = "-c:v libx264 -preset veryfast -pix_fmt yuv420p";
    let plain = steps(&clips, "plain.mp4", coded, &OpenOptions::default());
    assert!(plain.iter().all(Option::is_none));
    let coded = "-c:v ffv1 -pix_fmt yuv420p";
    let other = steps(&clips, "other.mkv", coded, &asked());
    assert!(other.iter().all(Option::is_none));
}
