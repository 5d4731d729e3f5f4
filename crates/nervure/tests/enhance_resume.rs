//! A long job that is killed goes on, and gives what an unbroken one gives.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::process::Command;

use common::{Place, frame_times, segments_of, signal_when};

/// Four and a half segments, an open group of pictures every second.
const LONG: &str = "-f lavfi -i testsrc2=size=160x96:rate=24:duration=45 -f lavfi -i sine=duration=45 \
    -c:v libx264 -preset veryfast -g 24 -x264-params open-gop=1:bframes=3 -c:a aac";

const ENHANCE: &str = "enhance in.mp4 -o out.mp4 --preset medium --threads 2";

/// Starts a job and signals it once `segments` are in the journal.
fn signal_after(place: &Place, arguments: &str, segments: usize, signal: &str) -> Option<i32> {
    let ready = || segments_of(place, "out.mp4") >= segments;
    signal_when(place, arguments, signal, ready)
}

#[test]
fn killed_and_continued_gives_the_same_bytes_as_unbroken() {
    let Some(place) = Place::new() else { return };
    place.make("in.mp4", LONG);
    place.run(ENHANCE);
    let unbroken = fs::read(place.path("out.mp4")).unwrap();
    fs::remove_file(place.path("out.mp4")).unwrap();
    for segments in [1, 3] {
        signal_after(&place, &format!("{ENHANCE} --resume"), segments, "-KILL");
        assert_eq!(
            place.names(),
            [".out.mp4.nervure", "in.mp4"],
            "no output before it is whole"
        );
    }
    let error = place.fails(ENHANCE);
    assert!(
        error.contains("unfinished job") && error.contains("--resume"),
        "{error}"
    );
    let error = place.fails(&format!("{ENHANCE} --resume --scale 3"));
    assert!(error.contains("size was"), "{error}");
    let summary = place.json(&format!("{ENHANCE} --resume"));
    assert!(
        summary["resumed_frames"].as_u64().unwrap() >= 3 * 240,
        "{summary}"
    );
    assert_eq!(summary["frames"], 45 * 24);
    assert!(
        fs::read(place.path("out.mp4")).unwrap() == unbroken,
        "the same bytes"
    );
    assert_eq!(
        place.names(),
        ["in.mp4", "out.mp4"],
        "nothing is left behind"
    );
}

#[test]
fn a_segment_that_the_disk_lost_is_made_again() {
    let Some(place) = Place::new() else { return };
    place.make("in.mp4", LONG);
    place.run(ENHANCE);
    let unbroken = fs::read(place.path("out.mp4")).unwrap();
    fs::remove_file(place.path("out.mp4")).unwrap();
    signal_after(&place, ENHANCE, 3, "-KILL");
    let segment = place.path(".out.mp4.nervure/000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&segment, bytes).unwrap();
    let summary = place.json(&format!("{ENHANCE} --resume"));
    assert_eq!(
        summary["resumed_frames"], 240,
        "only the segment before the broken one is used"
    );
    assert!(
        fs::read(place.path("out.mp4")).unwrap() == unbroken,
        "the same bytes"
    );
}

#[test]
fn a_source_that_changed_is_not_continued() {
    let Some(place) = Place::new() else { return };
    place.make("in.mp4", LONG);
    signal_after(&place, ENHANCE, 1, "-KILL");
    place.make("in.mp4", &LONG.replace("testsrc2", "testsrc"));
    let error = place.fails(&format!("{ENHANCE} --resume"));
    assert!(error.contains("the source has changed"), "{error}");
    assert!(
        place.path(".out.mp4.nervure/journal.jsonl").exists(),
        "the old work is intact"
    );
    place.run(
        &format!("{ENHANCE} --force --preset ultrafast --duration 1")
            .replace("--preset medium ", ""),
    );
    assert_eq!(place.names(), ["in.mp4", "out.mp4"]);
}

#[test]
fn ctrl_c_leaves_a_playable_file_that_can_be_continued() {
    let Some(place) = Place::new() else { return };
    let source = place.make("in.mp4", LONG);
    assert_eq!(signal_after(&place, ENHANCE, 1, "-INT"), Some(130));
    let (part, all) = (frame_times(&place.path("out.mp4")), frame_times(&source));
    assert!(
        part.len() >= 240 && part.len() < all.len(),
        "{} of {} frames",
        part.len(),
        all.len()
    );
    assert_eq!(part, all[..part.len()]);
    let summary = place.json(&format!("{ENHANCE} --resume"));
    assert_eq!(summary["frames"], 45 * 24);
    assert_eq!(frame_times(&place.path("out.mp4")), all);
    assert_eq!(place.names(), ["in.mp4", "out.mp4"]);
}

#[test]
fn termination_keeps_the_work_and_shows_no_output() {
    let Some(place) = Place::new() else { return };
    place.make("in.mp4", LONG);
    assert_eq!(signal_after(&place, ENHANCE, 1, "-TERM"), Some(143));
    assert_eq!(place.names(), [".out.mp4.nervure", "in.mp4"]);
    let summary = place.json(&format!("{ENHANCE} --resume"));
    assert!(summary["resumed_frames"].as_u64().unwrap() >= 240);
}

#[test]
fn a_disk_that_fills_up_is_said_and_loses_nothing() {
    let Some(place) = Place::new() else { return };
    place.make("in.mp4", LONG);
    // A limit on file size stands in for a full disk: writing fails in the middle of a file.
    let limited = |blocks: u32| {
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec {} enhance in.mp4 -o out.mkv --codec ffv1 --quiet",
            env!("CARGO_BIN_EXE_nervure")
        );
        let out = Command::new("sh")
            .args(["-c", &script])
            .current_dir(place.path("."))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{text}");
        assert!(text.starts_with("error: cannot write"), "{text}");
    };
    limited(150);
    assert_eq!(
        place.names(),
        ["in.mp4"],
        "nothing was finished, so nothing stays"
    );
    // Room for each segment, but not for all of them in one file.
    place.run("enhance in.mp4 -o one.mkv --codec ffv1 --duration 10");
    let segment = fs::metadata(place.path("one.mkv")).unwrap().len() / 512;
    fs::remove_file(place.path("one.mkv")).unwrap();
    limited(u32::try_from(segment * 2).unwrap());
    assert_eq!(place.names(), [".out.mkv.nervure", "in.mp4"]);
    let summary = place.json("enhance in.mp4 -o out.mkv --codec ffv1 --resume");
    assert_eq!(
        summary["resumed_frames"],
        45 * 24,
        "nothing had to be done again"
    );
    assert_eq!(frame_times(&place.path("out.mkv")).len(), 45 * 24);
}
