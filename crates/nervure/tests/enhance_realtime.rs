//! `nervure enhance --realtime`: what it counts, what it refuses, and that a frame comes out before the
//! next goes in. How many frames which tier makes is the clock's, and is not tested here but in the engine,
//! with a clock of its own.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use common::Place;

/// Twelve frames.
fn material() -> Place {
    let place = Place::bare();
    let sample = "sample --scene animation --seconds 1 --fps 12 --size 96x64 --quiet";
    place.run(&format!("{sample} -o in.mkv"));
    place
}

#[test]
fn every_frame_is_made_and_counted() {
    let place = material();
    for (words, tiers) in [
        ("--realtime", 6),
        ("--realtime 60 --threads 2", 6),
        ("--realtime --model s", 3),
        ("--realtime --scale 3", 2),
        ("--realtime --scale 1.5", 1),
    ] {
        let report = place.json(&format!("enhance in.mkv -o null: {words} --quiet"));
        assert_eq!(report["upscaler"], "realtime");
        let listed = report["realtime"]["tiers"].as_array().unwrap();
        assert_eq!(listed.len(), tiers, "{words}: {report}");
        assert_eq!(listed[tiers - 1]["name"], "lanczos");
        let frames = listed.iter().map(|tier| tier["frames"].as_u64().unwrap());
        assert_eq!((frames.sum::<u64>(), &report["frames"]), (12, &12.into()));
        assert!(report["realtime"]["missed"].as_u64().unwrap() <= 12);
        let rate = &report["realtime"]["rate"];
        assert_eq!(rate.as_f64(), words.contains("60").then_some(60.0));
    }
    let report = place.json("enhance in.mkv -o null: --quiet");
    assert!(report["realtime"].is_null());
    let told = place.run("enhance in.mkv -o null: --realtime");
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains(" late"), "{told}");
}

#[test]
fn a_file_is_made_in_one_pass() {
    let place = material();
    let told = place.run("enhance in.mkv -o out.mkv --realtime --codec ffv1");
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("one pass"), "{told}");
    let score = place.json("score in.mkv in.mkv --quiet");
    assert_eq!(score["frames"], 12);
    assert_eq!(place.names(), ["in.mkv", "out.mkv"]);

    // What an earlier job left goes with --force.
    let left = place.path(".out.mkv.nervure");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("job.json"), "{}").unwrap();
    let told = place.fails("enhance in.mkv -o out.mkv --realtime");
    assert!(told.contains("out.mkv"), "{told}");
    place.run("enhance in.mkv -o out.mkv --realtime --codec ffv1 --force --quiet");
    assert_eq!(place.names(), ["in.mkv", "out.mkv"]);
}

#[test]
fn what_does_not_go_together_is_said() {
    let place = material();
    let told = place.fails("enhance in.mkv -o out.mkv --realtime --resume");
    assert!(told.contains("cannot be continued"), "{told}");
    let told = place.fails("enhance in.mkv -o null: --upscaler lanczos --realtime");
    assert!(told.contains("--upscaler lanczos uses none"), "{told}");
    let wrong = place.nervure("enhance --realtime in.mkv").output().unwrap();
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(2), "{told}");
    assert!(told.contains("name it before --realtime"), "{told}");
}

/// Frames that go into a pipe before the first has come out of another.
#[test]
fn the_first_frame_comes_out_within_two_of_input() {
    let place = Place::bare();
    for words in ["--model xs", "--realtime", "--upscaler lanczos"] {
        let mut child = place
            .nervure(&format!("enhance - -o - --threads 2 --quiet {words}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (out, seen) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let mut block = [0; 65536];
            loop {
                let count = output.read(&mut block).unwrap();
                bytes.extend_from_slice(&block[..count]);
                // Whoever asks has gone after the first frame.
                let _ = out.send(bytes.len());
                if count == 0 {
                    return bytes.len();
                }
            }
        });
        let frame = [b"FRAME\n".as_slice(), &[90; 64 * 48 * 3 / 2]].concat();
        input
            .write_all(b"YUV4MPEG2 W64 H48 F25:1 C420jpeg\n")
            .unwrap();
        input.write_all(&frame).unwrap();
        input.write_all(&frame).unwrap();
        input.flush().unwrap();
        let whole = 128 * 96 * 3 / 2;
        let mut have = 0;
        while have < whole {
            let guard = Duration::from_secs(120);
            have = seen.recv_timeout(guard).expect("no frame came out of two");
        }
        input.write_all(&frame).unwrap();
        drop(input);
        assert!(child.wait().unwrap().success());
        assert!(reader.join().unwrap() > 3 * whole, "{words}");
    }
}
