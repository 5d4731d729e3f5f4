//! `nervure enhance` with models: which one a job gets, that the picture is better and the same on every
//! instruction set, and what is said when there is none. And `nervure bench engine`.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::Place;

/// A scene, and what arrives of it: half as large, at a low rate.
fn material() -> Place {
    let place = Place::bare();
    let sample = "sample --scene animation --seconds 0.5 --fps 12 --size 256x160 --quiet";
    place.run(&format!("{sample} -o original.mkv"));
    place.run("enhance original.mkv -o sent.mp4 --scale 0.5 --codec h264 --crf 26 --quiet");
    place
}

fn psnr(place: &Place, enhanced: &str) -> f64 {
    let score = place.json(&format!("score original.mkv {enhanced} --quiet"));
    score["psnr_y"].as_f64().unwrap()
}

#[test]
fn a_model_is_the_default_and_better_than_lanczos() {
    let place = material();
    let kept = "--codec ffv1 --quiet";
    let report = place.json(&format!("enhance sent.mp4 -o m.mkv {kept}"));
    assert_eq!(report["upscaler"], "residual-espcn-x2-m");
    let report = place.json(&format!(
        "enhance sent.mp4 -o l.mkv --upscaler lanczos {kept}"
    ));
    assert_eq!(report["upscaler"], "lanczos");
    let gain = psnr(&place, "m.mkv") - psnr(&place, "l.mkv");
    assert!(gain > 0.3, "{gain} dB");

    for (scale, size, wanted) in [
        ("2", "xs", "residual-espcn-x2-xs"),
        ("3", "M", "residual-espcn-x3-m"),
        ("4", "residual-espcn-x4-m", "residual-espcn-x4-m"),
    ] {
        let words = format!("enhance sent.mp4 -o null: --scale {scale} --model {size} --quiet");
        assert_eq!(place.json(&words)["upscaler"], wanted);
    }
    // What no model can do is left to Lanczos, and said where somebody may wonder.
    let between = place.run("enhance sent.mp4 -o null: --scale 1.5");
    let told = String::from_utf8_lossy(&between.stderr).into_owned();
    assert!(told.contains("no model makes 192x120 of 128x80"), "{told}");
    let smaller = place.run("enhance sent.mp4 -o null: --scale 0.5");
    let told = String::from_utf8_lossy(&smaller.stderr).into_owned();
    assert!(!told.contains("no model"), "{told}");
}

#[test]
fn every_instruction_set_and_number_of_threads_gives_the_same_picture() {
    let place = material();
    let raw = |isa: &str, threads: usize, name: &str| {
        let words = format!(
            "enhance sent.mp4 -o {name} --format raw --model s --threads {threads} --quiet"
        );
        let out = place
            .nervure(&words)
            .env("NERVURE_ISA", isa)
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        fs::read(place.path(name)).unwrap()
    };
    let one = raw("scalar", 1, "scalar.yuv");
    assert_eq!(one.len(), 6 * 256 * 160 * 3 / 2);
    assert!(raw("auto", 1, "one.yuv") == one);
    assert!(raw("auto", 3, "three.yuv") == one);
}

#[test]
fn what_cannot_be_is_said() {
    let place = material();
    let told = |words: &str| place.fails(&format!("enhance sent.mp4 -o null: {words}"));
    let both = told("--upscaler lanczos --model m");
    assert!(both.contains("leave one of them out"), "{both}");
    let scale = told("--upscaler neural --scale 5");
    assert!(scale.contains("2, 3 or 4 times"), "{scale}");
    let size = told("--model xs --scale 3");
    assert!(
        size.contains("no model of size xs") && size.contains("residual-espcn-x3-m"),
        "{size}"
    );
    let name = told("--model best");
    assert!(
        name.contains("best") && name.contains("residual-espcn-x2-m"),
        "{name}"
    );

    let shelf = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
    let other = told(&format!(
        "--model {shelf}/residual-espcn-x3-m.int8.safetensors"
    ));
    assert!(
        other.contains("3 times larger, and 2 is asked for"),
        "{other}"
    );
    let bytes = fs::read(format!("{shelf}/residual-espcn-x2-m.int8.safetensors")).unwrap();
    fs::write(place.path("cut.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    let cut = told("--model cut.safetensors");
    assert!(cut.contains("cut.safetensors"), "{cut}");
}

#[test]
fn the_engine_is_measured_and_exact() {
    let place = Place::bare();
    for words in [
        "--model xs",
        "--model m --scale 3 --depth 10 --threads 2 --isa scalar",
    ] {
        let report = place.json(&format!(
            "bench engine {words} --width 70 --height 30 --seconds 0"
        ));
        assert_eq!(report["bit_exact"], true, "{report}");
        assert_eq!(
            (&report["width"], &report["height"]),
            (&70.into(), &30.into())
        );
        for key in [
            "ms_median",
            "ms_min",
            "gmac_per_frame",
            "gmac_per_s",
            "peak_gmac_per_s",
        ] {
            assert!(report[key].as_f64().unwrap() > 0.0, "{key} of {report}");
        }
        let share =
            report["gmac_per_s"].as_f64().unwrap() / report["peak_gmac_per_s"].as_f64().unwrap();
        assert!(
            (report["peak_share"].as_f64().unwrap() - share).abs() < 1e-9,
            "{report}"
        );
    }
    let wrong = place.nervure("bench engine --isa neon7").output().unwrap();
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(2), "{told}");
    assert!(told.contains("neon7 names no instruction set"), "{told}");
}
