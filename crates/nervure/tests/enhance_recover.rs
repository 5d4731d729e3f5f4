//! `nervure enhance --recover`: what a network lost is found and mended.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::process::Command;

use common::{Place, segments_of, signal_when};
use serde_json::Value;

/// Where ffprobe finds the coded pictures of a file: how far in, and how long.
fn packets(place: &Place, name: &str) -> Vec<(usize, usize)> {
    let words = "-v error -select_streams v:0 -show_entries packet=pos,size -of json";
    let out = Command::new("ffprobe")
        .args(words.split(' '))
        .arg(place.path(name))
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    let number = |it: &Value, key: &str| it[key].as_str().unwrap().parse().unwrap();
    let packets = told["packets"].as_array().unwrap().iter();
    packets
        .map(|it| (number(it, "pos"), number(it, "size")))
        .collect()
}

/// A scene that moves, in `sent.mp4`, and in `lost.mp4` the same without some slices of some pictures: how
/// many pictures those are. A lost slice has become a filler, which decoders pass over.
fn material(place: &Place, size: &str, seconds: f64) -> u64 {
    place.run(&format!(
        "sample --scene sports --seconds {seconds} --fps 25 --size {size} --seed 4 -o original.mkv --quiet"
    ));
    let original = place.path("original.mkv");
    let coded = "-c:v libx264 -preset veryfast -crf 20 -g 30 -slices 6 -pix_fmt yuv420p";
    place.make("sent.mp4", &format!("-i {} {coded}", original.display()));
    let mut file = fs::read(place.path("sent.mp4")).unwrap();
    let mut damaged = 0;
    for (number, (start, size)) in packets(place, "sent.mp4").into_iter().enumerate() {
        if number % 5 != 3 {
            continue;
        }
        let (mut at, mut slices) = (start, 0);
        while at < start + size {
            let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
            if matches!(file[at + 4] & 31, 1 | 5) {
                slices += 1;
                if slices == 2 + number % 4 {
                    file[at + 4] = file[at + 4] & 0xe0 | 12;
                }
            }
            at += 4 + length;
        }
        assert_eq!(slices, 6);
        damaged += 1;
    }
    fs::write(place.path("lost.mp4"), file).unwrap();
    damaged
}

fn psnr(place: &Place, name: &str) -> f64 {
    let score = place.json(&format!("score original.mkv {name} --quiet"));
    score["psnr_y"].as_f64().unwrap()
}

#[test]
fn what_was_lost_is_mended_and_the_rest_left_alone() {
    let Some(place) = Place::new() else { return };
    let damaged = material(&place, "320x192", 2.4);
    let plain = "--scale 1 --codec ffv1 --quiet";
    let concealed = place.json(&format!("enhance lost.mp4 -o concealed.mkv {plain}"));
    assert_eq!(concealed["recover"], Value::Null);
    let mended = place.json(&format!("enhance lost.mp4 -o mended.mkv --recover {plain}"));
    assert_eq!(mended["recover"], "motion");
    assert_eq!(mended["damaged_frames"], damaged);
    assert_eq!(mended["frames"], 60);
    let (before, after) = (psnr(&place, "concealed.mkv"), psnr(&place, "mended.mkv"));
    assert!(after > before + 0.5, "{before} to {after} dB");

    // The same on any number of threads, and twice as large.
    for threads in [1, 4] {
        let name = format!("mended-{threads}.mkv");
        place.run(&format!(
            "enhance lost.mp4 -o {name} --recover {plain} --threads {threads}"
        ));
        let same = place.json(&format!("score mended.mkv {name} --quiet"));
        assert_eq!(same["identical"], true, "{threads} threads: {same}");
    }
    place.run("enhance lost.mp4 -o null: --recover --model xs --quiet");
    place.run("enhance lost.mp4 -o null: --recover --realtime 60 --quiet");

    // What follows is the video, not a model.
    place.run("enhance --recover lost.mp4 -o null: --model xs --quiet");

    // A whole stream comes out as it would.
    let whole = place.json(&format!("enhance sent.mp4 -o whole.mkv {plain}"));
    let asked = place.json(&format!("enhance sent.mp4 -o asked.mkv --recover {plain}"));
    assert_eq!(asked["damaged_frames"], 0);
    assert_eq!(asked["frames"], whole["frames"]);
    let same = place.json("score whole.mkv asked.mkv --quiet");
    assert_eq!(same["identical"], true, "{same}");
}

#[test]
fn killed_and_continued_gives_the_same_bytes_as_unbroken() {
    let Some(place) = Place::new() else { return };
    material(&place, "192x128", 26.0);
    let words = "enhance lost.mp4 -o out.mkv --model xs --recover --codec ffv1 --threads 2";
    place.run(words);
    let unbroken = fs::read(place.path("out.mkv")).unwrap();
    fs::remove_file(place.path("out.mkv")).unwrap();
    signal_when(&place, words, "-KILL", || {
        segments_of(&place, "out.mkv") >= 1
    });
    let other = place.fails(&format!("{words} --resume").replace("--recover ", ""));
    assert!(other.contains("recover was"), "{other}");
    let summary = place.json(&format!("{words} --resume"));
    let resumed = summary["resumed_frames"].as_u64().unwrap();
    assert!(resumed >= 240, "{summary}");
    let continued = fs::read(place.path("out.mkv")).unwrap();
    assert!(continued == unbroken, "the same bytes");
}

#[test]
fn what_cannot_mend_is_told() {
    let place = Place::bare();
    place.run("sample --scene screen --seconds 0.2 --size 64x64 -o a.mkv --quiet");
    let told = place.fails("enhance a.mkv -o null: --recover=residual-espcn-x2-s");
    assert!(told.contains("does not mend"), "{told}");
    assert!(told.contains("hint: "), "{told}");
    let told = place.fails("enhance a.mkv -o null: --recover=nonesuch");
    assert!(
        told.contains("nonesuch") && told.contains("hint: "),
        "{told}"
    );
}
