//! `nervure enhance --smooth`: less flicker, nothing left behind, and the same pictures however a job
//! is run.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{Place, segments_of, signal_when};

const SIZE: (usize, usize) = (256, 160);
const RAW: &str = "--format raw --quiet";

/// A scene of which a quarter is still, and what arrives of it: half as large, at a low rate.
fn material(place: &Place, seconds: f64) {
    let size = format!("{}x{}", SIZE.0, SIZE.1);
    place.run(&format!(
        "sample --scene animation --seconds {seconds} --fps 24 --size {size} -o original.mkv --quiet"
    ));
    place.run("enhance original.mkv -o sent.mp4 --scale 0.5 --codec h264 --crf 22 --quiet");
}

/// The luma of each picture in a file of raw ones.
fn luma(place: &Place, name: &str) -> Vec<Vec<u8>> {
    let samples = SIZE.0 * SIZE.1;
    let bytes = fs::read(place.path(name)).unwrap();
    let frames = bytes.chunks_exact(samples * 3 / 2);
    frames.map(|frame| frame[..samples].to_vec()).collect()
}

/// How far samples change in blocks of eight by eight that do not change in the original.
fn flicker(original: &[Vec<u8>], picture: &[Vec<u8>]) -> u64 {
    let mut sum = 0;
    for (original, picture) in original.windows(2).zip(picture.windows(2)) {
        for block in 0..SIZE.0 / 8 * (SIZE.1 / 8) {
            let (left, top) = (block % (SIZE.0 / 8) * 8, block / (SIZE.0 / 8) * 8);
            let rows = (top..top + 8).map(|y| y * SIZE.0 + left..y * SIZE.0 + left + 8);
            if rows
                .clone()
                .all(|row| original[0][row.clone()] == original[1][row])
            {
                let samples = rows.flatten();
                let changes = samples.map(|at| picture[0][at].abs_diff(picture[1][at]));
                sum += changes.map(u64::from).sum::<u64>();
            }
        }
    }
    sum
}

#[test]
fn less_flickers_and_hardly_anything_is_lost() {
    let place = Place::bare();
    material(&place, 2.0);
    place.run(&format!(
        "enhance original.mkv -o original.yuv --scale 1 {RAW}"
    ));
    place.run(&format!("enhance sent.mp4 -o plain.yuv {RAW}"));
    place.run(&format!("enhance sent.mp4 -o smoothed.yuv --smooth {RAW}"));
    let [original, plain, smoothed] =
        ["original.yuv", "plain.yuv", "smoothed.yuv"].map(|name| luma(&place, name));
    assert_eq!(smoothed.len(), 48);
    let (before, after) = (flicker(&original, &plain), flicker(&original, &smoothed));
    assert!(after * 10 < before * 7, "{after} of {before}");
    let furthest = plain.iter().flatten().zip(smoothed.iter().flatten());
    let furthest = furthest.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!((1..=2).contains(&furthest), "{furthest}");

    let psnr = |words: &str| {
        place.run(&format!(
            "enhance sent.mp4 -o a.mkv --codec ffv1 {words} --force --quiet"
        ));
        let score = place.json("score original.mkv a.mkv --quiet");
        score["psnr_y"].as_f64().unwrap()
    };
    let lost = psnr("") - psnr("--smooth");
    assert!(lost < 0.05, "{lost} dB");
}

#[test]
fn every_instruction_set_and_number_of_threads_gives_the_same_picture() {
    let place = Place::bare();
    material(&place, 0.5);
    let raw = |isa: &str, words: &str| {
        let words = format!("enhance sent.mp4 -o a.yuv --model xs {words} --force {RAW}");
        let out = place
            .nervure(&words)
            .env("NERVURE_ISA", isa)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{told}");
        fs::read(place.path("a.yuv")).unwrap()
    };
    let one = raw("scalar", "--smooth --threads 1");
    assert!(
        raw("auto", "--threads 1 --smooth 0.7") == one,
        "0.7 is the usual"
    );
    assert!(raw("auto", "--threads 3 --smooth=0.7") == one);
    assert!(raw("auto", "--smooth 0.3") != one);
    assert!(raw("auto", "") != one);
    // The pictures of a job in segments, too.
    place.run("enhance sent.mp4 -o a.mkv --model xs --smooth --codec ffv1 --quiet");
    place.run(&format!("enhance a.mkv -o b.yuv --scale 1 {RAW}"));
    assert!(fs::read(place.path("b.yuv")).unwrap() == one);
}

#[test]
fn killed_and_continued_gives_the_same_bytes_as_unbroken() {
    let place = Place::bare();
    material(&place, 26.0);
    let words = "enhance sent.mp4 -o out.mkv --model xs --smooth --codec ffv1 --threads 2";
    place.run(words);
    let unbroken = fs::read(place.path("out.mkv")).unwrap();
    fs::remove_file(place.path("out.mkv")).unwrap();
    signal_when(&place, words, "-KILL", || {
        segments_of(&place, "out.mkv") >= 1
    });
    let other = place.fails(&format!("{words} --resume").replace("--smooth", "--smooth 0.5"));
    assert!(other.contains("smooth was 0.7"), "{other}");
    let none = place.fails(&format!("{words} --resume").replace("--smooth ", ""));
    assert!(none.contains("smooth was 0.7"), "{none}");
    let summary = place.json(&format!("{words} --resume"));
    assert!(
        summary["resumed_frames"].as_u64().unwrap() >= 240,
        "{summary}"
    );
    assert!(
        (summary["smooth"].as_f64().unwrap() - 0.7).abs() < 1e-6,
        "{summary}"
    );
    assert!(
        fs::read(place.path("out.mkv")).unwrap() == unbroken,
        "the same bytes"
    );
}

#[test]
fn nonsense_is_refused() {
    let place = Place::bare();
    for words in ["--smooth 0 a.mp4", "--smooth 2 a.mp4", "--smooth a.mp4"] {
        let out = place.nervure(&format!("enhance {words}")).output().unwrap();
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{told}");
        assert!(told.contains("no weight from 0.01 to 1"), "{told}");
    }
}
