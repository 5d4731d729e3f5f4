//! A dataset whose making is killed, stopped or runs out of disk goes on, and has the bytes that an
//! unbroken run gives it.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;
mod dataset_make_common;

use std::fs;
use std::process::{Command, Stdio};

use common::{Place, signal_when};
use dataset_make_common::{assert_same, assert_sound, count, manifest, tree};

/// Six stretches of two sources, each by two codecs at two rates.
fn material(place: &Place) {
    fs::create_dir(place.path("in")).unwrap();
    for (name, scene) in [("a.mp4", "testsrc2"), ("b.mkv", "testsrc")] {
        place.make(
            &format!("in/{name}"),
            &format!("-f lavfi -i {scene}=size=256x192:rate=20:duration=3 -c:v libx264 -g 20"),
        );
    }
}

const OPTIONS: &str = "--codec h264,vp9 --bitrates 60,200 --loss 0.05 --frame-drops 0.05 \
    --augment noise=0.2 --segment 1 --jobs 2";

fn make(out: &str, more: &str) -> String {
    format!("dataset make in --out {out} {OPTIONS} {more}")
}

/// Where the journal of the only shard lists finished stretches.
const DONE: &str = ".nervure/shard-00000-of-00001/done";

#[test]
fn killed_at_any_moment_and_resumed_gives_the_same_bytes_as_unbroken() {
    let Some(place) = Place::new() else { return };
    material(&place);
    for layout in ["png", "clips"] {
        let unbroken = format!("{layout}-unbroken");
        let layout_option = format!("--layout {layout} --quiet");
        place.run(&make(&unbroken, &layout_option));
        assert_sound(&place, &unbroken);
        // Before anything is finished, after the first clips, after stretches, near the end.
        let resume = make(layout, &format!("{layout_option} --resume"));
        let out = place.path(layout);
        let staging = out.join(".nervure/staging");
        signal_when(&place, &resume, "-KILL", || count(&staging) > 0);
        for stretches in [1, 3, 4] {
            signal_when(&place, &resume, "-KILL", || {
                count(&out.join(DONE)) >= stretches
            });
            assert!(
                !out.join("manifest.jsonl").exists(),
                "no manifest before all is there"
            );
        }
        let error = place.fails(&make(layout, &layout_option));
        assert!(
            error.contains("unfinished") && error.contains("--resume"),
            "{error}"
        );
        let error = place.fails(&format!("{resume} --seed 4"));
        assert!(error.contains("seed was 0 and is 4"), "{error}");
        let error = place.fails(&format!("{resume} --frame-drops 0.06").replacen(
            "--frame-drops 0.05 ",
            "",
            1,
        ));
        assert!(
            error.contains("frame_drops was 0.05 and is 0.06"),
            "{error}"
        );
        let error = place.fails(&resume.replacen("make in", "make in/a.mp4", 1));
        assert!(error.contains("the sources are not the same"), "{error}");
        let summary = place.json(&resume);
        assert_eq!(summary["clips"], 24, "{summary}");
        assert_same(&place, &unbroken, layout);
        assert!(!out.join(".nervure").exists(), "nothing is left behind");
    }
}

#[test]
fn what_is_whole_stays_and_is_replaced_only_when_asked() {
    let Some(place) = Place::new() else { return };
    material(&place);
    let first = place.json(&make("pairs", "--layout clips"));
    assert_eq!(first["already_made"], false);
    let before = tree(&place.path("pairs"));
    let again = place.json(&make("pairs", "--layout clips --resume"));
    assert_eq!(
        (&again["already_made"], &again["clips"]),
        (&true.into(), &24.into())
    );
    assert!(tree(&place.path("pairs")) == before, "nothing was done");
    let error = place.fails(&make("pairs", "--layout clips"));
    assert!(
        error.contains("already holds a dataset") && error.contains("--force"),
        "{error}"
    );
    let error = place.fails(&make("pairs", "--layout png --resume"));
    assert!(error.contains("layout was \"clips\""), "{error}");
    assert!(tree(&place.path("pairs")) == before);
    // Another dataset in its place, and nothing of the old.
    place.run(&make(
        "pairs",
        "--layout png --force --max-frames 5 --quiet",
    ));
    place.run(&make("fresh", "--layout png --max-frames 5 --quiet"));
    assert_same(&place, "fresh", "pairs");
    assert_sound(&place, "pairs");
}

#[test]
fn unfinished_work_can_be_thrown_away() {
    let Some(place) = Place::new() else { return };
    material(&place);
    let out = place.path("pairs");
    signal_when(&place, &make("pairs", "--layout png"), "-KILL", || {
        count(&out.join(DONE)) >= 2
    });
    place.run(&make("pairs", "--layout clips --force --quiet"));
    place.run(&make("fresh", "--layout clips --quiet"));
    assert!(!out.join(".nervure").exists());
    // Folders that the other layout had are empty at most.
    assert_same(&place, "fresh", "pairs");
}

#[test]
fn ctrl_c_and_termination_keep_the_work() {
    let Some(place) = Place::new() else { return };
    material(&place);
    place.run(&make("unbroken", "--quiet"));
    let out = place.path("pairs");
    for (signal, stretches, status) in [("-INT", 1, 130), ("-TERM", 3, 143)] {
        let status_then = signal_when(&place, &make("pairs", "--resume"), signal, || {
            count(&out.join(DONE)) >= stretches
        });
        assert_eq!(status_then, Some(status));
        assert!(!out.join("manifest.jsonl").exists());
        assert_eq!(
            count(&out.join(".nervure/staging")),
            0,
            "what was begun is cleared away"
        );
    }
    place.run(&make("pairs", "--resume --quiet"));
    assert_same(&place, "unbroken", "pairs");
}

#[test]
fn two_at_once_are_refused() {
    let Some(place) = Place::new() else { return };
    // Longer than anybody will wait.
    let make = "dataset make lavfi:testsrc2=size=320x240:rate=25:duration=36000 --out pairs";
    let mut child = place.nervure(make).stderr(Stdio::null()).spawn().unwrap();
    while count(&place.path("pairs/.nervure/staging")) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
    }
    let errors = ["--force", "--resume", ""].map(|more| place.fails(&format!("{make} {more}")));
    // Another part of the work is not in its way.
    let other = make.replace("36000", "1");
    place.run(&format!("{other} --shard 1/2 --quiet"));
    child.kill().unwrap();
    child.wait().unwrap();
    for error in errors {
        assert!(
            error.contains("another nervure is working on pairs"),
            "{error}"
        );
    }
}

#[test]
fn a_walk_through_a_source_is_gone_on_with_where_it_broke_off() {
    let Some(place) = Place::new() else { return };
    material(&place);
    // With --max-frames, one job walks through all stretches of a source.
    let walk = "--max-frames 50 --layout clips";
    place.run(&make("unbroken", &format!("{walk} --quiet")));
    let stretches: Vec<u32> = manifest(&place, "unbroken")
        .clips
        .iter()
        .map(|clip| clip.source.segment)
        .collect();
    assert_eq!(stretches.iter().max(), Some(&2));
    let out = place.path("pairs");
    for done in [1, 3] {
        signal_when(
            &place,
            &make("pairs", &format!("{walk} --resume")),
            "-KILL",
            || count(&out.join(DONE)) >= done,
        );
    }
    place.run(&make("pairs", &format!("{walk} --resume --quiet")));
    assert_same(&place, "unbroken", "pairs");
}

#[test]
fn a_disk_that_fills_up_is_said_and_work_goes_on_afterwards() {
    let Some(place) = Place::new() else { return };
    material(&place);
    for layout in ["png", "clips"] {
        let unbroken = format!("{layout}-unbroken");
        place.run(&make(&unbroken, &format!("--layout {layout} --quiet")));
        // A limit on file size stands in for a full disk: writing fails in the middle of a file.
        for blocks in [0, 1, 40, 300, 1000] {
            let command = make(layout, &format!("--layout {layout} --quiet --resume"));
            let script = format!(
                "trap '' XFSZ; ulimit -f {blocks}; exec {} {command}",
                env!("CARGO_BIN_EXE_nervure")
            );
            let out = Command::new("sh")
                .args(["-c", &script])
                .current_dir(place.path("."))
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&out.stderr).into_owned();
            assert_eq!(out.status.code(), Some(2), "{blocks}: {text}");
            assert!(text.starts_with("error: cannot write"), "{blocks}: {text}");
            assert!(text.contains("--resume"), "{blocks}: {text}");
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(!place.path(layout).join("manifest.jsonl").exists());
        }
        place.run(&make(
            layout,
            &format!("--layout {layout} --quiet --resume"),
        ));
        assert_same(&place, &unbroken, layout);
        assert!(!place.path(layout).join(".nervure").exists());
    }
}

#[test]
fn a_source_that_changed_is_not_gone_on_with() {
    // Of two, one is whole, and the other may still be on its way to the disk. The second time, more is
    // done than the new source has.
    for stretches in [2, 5] {
        a_source_that_changed_after(stretches);
    }
}

fn a_source_that_changed_after(stretches: usize) {
    let Some(place) = Place::new() else { return };
    material(&place);
    // Long enough that much of it is left, however late the signal comes.
    place.make(
        "in/a.mp4",
        "-f lavfi -i testsrc2=size=256x192:rate=20:duration=40 -c:v libx264 -g 20",
    );
    let out = place.path("pairs");
    let make = make("pairs", "--layout clips --quiet").replace("--jobs 2", "--jobs 1");
    signal_when(&place, &make, "-KILL", || {
        count(&out.join(DONE)) >= stretches
    });
    assert!(count(&out.join(DONE)) < 40, "some of the source is left");
    let before = tree(&out.join("lr"));
    place.make(
        "in/a.mp4",
        "-f lavfi -i testsrc=size=256x192:rate=20:duration=3 -c:v libx264 -g 20",
    );
    let error = place.fails(&format!("{make} --resume"));
    assert!(error.contains("a.mp4 has changed"), "{error}");
    assert!(error.contains("--force"), "{error}");
    let after = tree(&out.join("lr"));
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
    place.run(&format!("{make} --force"));
    assert_sound(&place, "pairs");
}
