//! Networks in single precision: the engine's pictures against those of training, and the command.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "../../engine/tests/common/random.rs"]
#[allow(unreachable_pub)]
mod random;

use std::fs;

use common::Place;
use nervure_engine::FloatModel;
use nervure_frame::{LossMask, Plane};
use nervure_kernels::Isa;
use nervure_record::{Artefact, Family};
use nervure_train::training::artefacts::net_of;
use nervure_train::training::{Device, Enhancer, Model};
use random::{artefact, plane};

/// Samples by which two pictures differ, all together and at most.
fn differences(found: &Plane<u8>, wanted: &Plane<u8>) -> (usize, u8) {
    let pairs = found.rows().flatten().zip(wanted.rows().flatten());
    let off: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
    let count = off.iter().filter(|off| **off > 0).count();
    (count, off.into_iter().max().unwrap_or(0))
}

/// Both run the artefact on the same window. Sums are in another order here and there, so numbers differ
/// by some 1e-6 of full range; that moves a sample over the edge between two codes now and then, never
/// further.
fn agree(artefact: &Artefact, width: usize, height: usize) {
    let name = &artefact.card.name;
    let device = Device::flex();
    let (net, config) = net_of(artefact, name, &device).unwrap();
    let trained = Enhancer::new(&net, config.task(), &device);
    let model = FloatModel::new(artefact, Isa::detect()).unwrap();
    assert_eq!(model.window(), config.task().window);
    assert_eq!(model.target(), config.task().target);
    assert_eq!(model.macs(), net.macs(model.window()), "{name}");

    let code = |share: f32| (share * 255.0) as u8;
    let pictures: Vec<Plane<u8>> = (0..model.window())
        .map(|at| plane(width, height, 3 + at as u64, code))
        .collect();
    let mut lost = LossMask::whole(width, height);
    lost.set(lost.columns() - 1, 0, true);
    let wanted = trained.picture(&pictures, Some(&lost)).unwrap();

    let window: Vec<&Plane<u8>> = pictures.iter().collect();
    let numbers = model
        .fit(width, height, 2)
        .unwrap()
        .numbers(&window, Some(&lost));
    let codes: Vec<u8> = numbers
        .iter()
        .map(|number| (number * 255.0 + 0.5).clamp(0.0, 255.0) as u8)
        .collect();
    let found = Plane::from_samples(wanted.width(), wanted.height(), &codes);
    let (count, most) = differences(&found, &wanted);
    assert!(most <= 1, "{name}, {width}x{height}: {most} codes off");
    let allowed = codes.len() / 1000 + 1;
    assert!(count <= allowed, "{name}, {width}x{height}: {count} differ");
}

#[test]
fn the_engine_gives_what_training_gives() {
    let espcn = |scale, frames| {
        let sizes = [("channels", 16), ("layers", 4), ("frames", frames)];
        artefact(Family::ResidualEspcn, scale, &sizes)
    };
    // Of this family, channels and blocks are always so many.
    let light = |scale, window| {
        let sizes = [("window", window), ("channels", 64), ("blocks", 8)];
        artefact(Family::LightweightSuperResolution, scale, &sizes)
    };
    let quality = |scale, window| {
        let sizes = [("window", window), ("features", 16), ("blocks", 2)];
        artefact(Family::SuperResolution, scale, &sizes)
    };
    let mends = |references| {
        let sizes = [("references", references), ("features", 8), ("blocks", 2)];
        artefact(Family::FrameRecovery, 1, &sizes)
    };
    for artefact in [
        espcn(2, 1),
        espcn(3, 3),
        light(2, 1),
        light(3, 3),
        quality(2, 3),
        quality(4, 5),
        mends(3),
        mends(1),
    ] {
        for (width, height) in [(54, 34), (37, 19)] {
            agree(&artefact, width, height);
        }
    }
}

#[test]
fn shipped_models_give_what_training_gives() {
    let shelf = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
    for name in [
        "lightweight-super-resolution-x2",
        "residual-espcn-x2-m",
        "residual-espcn-x3-m",
    ] {
        let bytes = fs::read(format!("{shelf}/{name}.fp32.safetensors")).unwrap();
        agree(&Artefact::from_bytes(&bytes).unwrap(), 96, 61);
    }
}

/// A scene, and what arrives of it: half as large, at a low rate.
fn material() -> Place {
    let place = Place::bare();
    let sample = "sample --scene animation --seconds 0.5 --fps 12 --size 256x160 --quiet";
    place.run(&format!("{sample} -o original.mkv"));
    place.run("enhance original.mkv -o sent.mp4 --scale 0.5 --codec h264 --crf 26 --quiet");
    place
}

#[test]
fn slow_models_enhance_and_say_so() {
    let place = material();
    let psnr = |enhanced: &str| {
        let score = place.json(&format!("score original.mkv {enhanced} --quiet"));
        score["psnr_y"].as_f64().unwrap()
    };
    let kept = "--codec ffv1";
    let name = "lightweight-super-resolution-x2";
    let out = place.run(&format!("enhance sent.mp4 -o l.mkv {kept} --model {name}"));
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(told.contains("far from real time"), "{told}");
    place.run(&format!(
        "enhance sent.mp4 -o c.mkv {kept} --upscaler lanczos --quiet"
    ));
    let gain = psnr("l.mkv") - psnr("c.mkv");
    assert!(gain > 0.3, "{gain} dB");

    let shelf = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
    let file = format!("{shelf}/residual-espcn-x2-xs.fp32.safetensors");
    let report = place.json(&format!("enhance sent.mp4 -o null: --model {file} --quiet"));
    assert_eq!(report["upscaler"], "residual-espcn-x2-xs");
    assert_eq!(report["frames"], 6);

    // One that looks ahead gives every frame too, whatever the number of threads.
    let sizes = [("window", 3), ("features", 8), ("blocks", 1)];
    let quality = artefact(Family::SuperResolution, 2, &sizes);
    fs::write(place.path("q.safetensors"), quality.to_bytes().unwrap()).unwrap();
    let raw = |threads: usize, name: &str| {
        place.run(&format!(
            "enhance sent.mp4 -o {name} --format raw --model ./q.safetensors --threads {threads} --quiet"
        ));
        fs::read(place.path(name)).unwrap()
    };
    let one = raw(1, "one.yuv");
    assert_eq!(one.len(), 6 * 256 * 160 * 3 / 2);
    assert!(raw(3, "three.yuv") == one);
    let resumed = place.fails("enhance sent.mp4 -o q.mkv --model ./q.safetensors --resume");
    assert!(resumed.contains("cannot be continued"), "{resumed}");
    let scale = place.fails("enhance sent.mp4 -o null: --model ./q.safetensors --scale 3");
    assert!(scale.contains("2 times larger, and 3 is asked"), "{scale}");

    let sizes = [("references", 3), ("features", 4), ("blocks", 1)];
    let mends = artefact(Family::FrameRecovery, 1, &sizes);
    fs::write(place.path("m.safetensors"), mends.to_bytes().unwrap()).unwrap();
    let told = place.fails("enhance sent.mp4 -o null: --model ./m.safetensors");
    assert!(told.contains("mends pictures"), "{told}");
}

#[test]
fn slow_models_are_measured() {
    let place = Place::bare();
    let report = place.json(
        "bench engine --model lightweight-super-resolution-x2 --width 70 --height 30 --seconds 0",
    );
    for key in ["ms_median", "ms_min", "gmac_per_frame", "gmac_per_s"] {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key} of {report}");
    }
    for key in ["peak_gmac_per_s", "peak_share", "bit_exact"] {
        assert!(report[key].is_null(), "{key} of {report}");
    }
    let told = place.run(
        "bench engine --model lightweight-super-resolution-x2 --width 32 --height 16 --seconds 0",
    );
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("frames a second"), "{told}");
}
