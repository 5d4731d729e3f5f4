//! Sources that cannot be used, options that cannot be followed, places that cannot be written.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;
mod dataset_make_common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::{Place, signal_when};
use dataset_make_common::{assert_same, assert_sound, count, frames, manifest, samples};

/// Three seconds, a keyframe in each.
const PICTURES: &str = "-f lavfi -i testsrc2=size=192x128:rate=10:duration=3 -pix_fmt yuv420p -c:v libx264 -g 10 -bf 2";

const MAKE: &str = "dataset make --crf 30 --segment 1 --layout clips --out";

/// Changes bytes at a share of a file's length: in an MP4, in the pictures and not between them.
fn damage(place: &Place, name: &str, share: f64) {
    let mut bytes = fs::read(place.path(name)).unwrap();
    let at = (bytes.len() as f64 * share) as usize;
    for index in 0..40 {
        bytes[at + 7 * index] ^= 0x55;
    }
    fs::write(place.path(name), bytes).unwrap();
}

#[test]
fn bad_sources_are_skipped_with_their_reasons_and_good_ones_are_made() {
    let Some(place) = Place::new() else { return };
    fs::create_dir(place.path("in")).unwrap();
    place.make("in/good.mp4", PICTURES);
    place.make("in/also-good.mkv", PICTURES);
    fs::write(place.path("in/empty.mp4"), "").unwrap();
    fs::write(place.path("in/text.mp4"), "This is no video. ".repeat(99)).unwrap();
    fs::write(place.path("in/picture.png"), "nor is this a picture").unwrap();
    place.make("in/sound.mp4", "-f lavfi -i sine=duration=1 -c:a aac");
    place.make(
        "in/tiny.mkv",
        "-f lavfi -i testsrc2=size=48x48:duration=1 -c:v ffv1",
    );
    let bytes = fs::read(place.path("in/good.mp4")).unwrap();
    // The index of an MP4 is at its end.
    fs::write(place.path("in/cut.mp4"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(
        place.path("in/garbage.mkv"),
        bytes.iter().rev().copied().collect::<Vec<_>>(),
    )
    .unwrap();

    let summary = place.json(&format!("{MAKE} pairs in"));
    let counts = (&summary["sources"], &summary["clips"], &summary["skipped"]);
    assert_eq!(counts, (&9.into(), &6.into(), &7.into()), "{summary}");
    assert_sound(&place, "pairs");
    let found = manifest(&place, "pairs");
    for (source, reason) in [
        ("cut.mp4", ""),
        ("empty.mp4", "empty"),
        ("garbage.mkv", ""),
        ("picture.png", ""),
        ("sound.mp4", "no video stream"),
        ("text.mp4", ""),
        ("tiny.mkv", "48x48 are too small"),
    ] {
        let skipped = found
            .skipped
            .iter()
            .find(|skipped| skipped.source == source);
        let told = &skipped
            .unwrap_or_else(|| panic!("{source} is skipped"))
            .reason;
        assert!(
            !told.is_empty() && told.contains(reason),
            "{source}: {told}"
        );
        assert_eq!(told.lines().count(), 1, "{source}: {told}");
    }
    // Notes name each, and it is no matter of which job meets which.
    let out = place.run(&format!("{MAKE} again in --jobs 3"));
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(text.contains("note: sound.mp4 is skipped: "), "{text}");
    assert!(text.contains("7 skipped"), "{text}");
    assert_same(&place, "pairs", "again");
}

#[test]
fn what_is_damaged_in_the_middle_is_left_out_and_no_more() {
    let Some(place) = Place::new() else { return };
    place.make("whole.mp4", PICTURES);
    place.run(&format!("{MAKE} whole whole.mp4 --quiet"));
    let whole = manifest(&place, "whole").clips;
    let pictures = |dataset: &str, segment: usize| -> Option<Vec<Vec<u8>>> {
        let clips = manifest(&place, dataset).clips;
        let clip = clips
            .iter()
            .find(|clip| clip.source.segment as usize == segment)?;
        Some(
            frames(&place, dataset, "hr", clip)
                .iter()
                .map(samples)
                .collect(),
        )
    };
    let truth: Vec<_> = (0..whole.len())
        .map(|segment| pictures("whole", segment).unwrap())
        .collect();
    for (number, share) in [0.2, 0.4, 0.5, 0.6, 0.7, 0.8].into_iter().enumerate() {
        let name = format!("bad-{number}");
        fs::create_dir(place.path(&name)).unwrap();
        let source = format!("{name}/whole.mp4");
        fs::copy(place.path("whole.mp4"), place.path(&source)).unwrap();
        damage(&place, &source, share);
        let (jumped, walked) = (format!("{name}/jumped"), format!("{name}/walked"));
        place.run(&format!("{MAKE} {jumped} {source} --quiet --jobs 2"));
        place.run(&format!(
            "{MAKE} {walked} {source} --quiet --max-frames 999"
        ));
        assert_sound(&place, &jumped);
        let found = manifest(&place, &jumped);
        assert!(
            !found.skipped.is_empty() && found.skipped.len() <= 2,
            "{share}: {found:?}"
        );
        assert!(
            found.skipped[0].reason.contains("damaged"),
            "{:?}",
            found.skipped
        );
        let other = manifest(&place, &walked);
        assert_eq!(
            (&found.clips, &found.skipped),
            (&other.clips, &other.skipped),
            "{share}"
        );
        assert!(!found.clips.is_empty());
        for clip in &found.clips {
            let segment = clip.source.segment as usize;
            // What a decoder invents is no truth to learn from.
            assert!(
                pictures(&jumped, segment).as_ref() == Some(&truth[segment]),
                "{share}: segment {segment} is as it was"
            );
        }
    }
}

#[test]
fn damage_spreads_to_the_next_keyframe_and_so_far_nothing_is_kept() {
    let Some(place) = Place::new() else { return };
    let long = PICTURES.replace("-g 10", "-g 99");
    place.make("a.mp4", &long);
    place.run(&format!("{MAKE} whole a.mp4 --quiet"));
    let first = manifest(&place, "whole").clips.remove(0);
    damage(&place, "a.mp4", 0.55);
    place.run(&format!("{MAKE} pairs a.mp4 --quiet"));
    let found = manifest(&place, "pairs");
    let kept: Vec<u32> = found.clips.iter().map(|clip| clip.source.segment).collect();
    assert_eq!(kept, [0], "{:?}", found.skipped);
    assert_eq!(found.clips[0].hr_sha256, first.hr_sha256);
    assert_eq!(found.skipped.len(), 2);
}

#[test]
fn a_source_that_breaks_off_gives_what_it_has() {
    let Some(place) = Place::new() else { return };
    // The index of this file is at its beginning, and says what is missing.
    place.make("a.mp4", &format!("{PICTURES} -movflags faststart"));
    let bytes = fs::read(place.path("a.mp4")).unwrap();
    fs::write(place.path("a.mp4"), &bytes[..bytes.len() * 5 / 6]).unwrap();
    let summary = place.json(&format!("{MAKE} pairs a.mp4"));
    assert!(summary["clips"].as_u64() > Some(0), "{summary}");
    assert!(summary["skipped"].as_u64() > Some(0), "{summary}");
    let reason = manifest(&place, "pairs").skipped.remove(0).reason;
    assert!(
        reason.contains("breaks off") || reason.contains("damaged"),
        "{reason}"
    );
    assert_sound(&place, "pairs");
}

#[test]
fn nothing_to_make_is_exit_status_two() {
    let Some(place) = Place::new() else { return };
    fs::write(place.path("text.mp4"), "no video").unwrap();
    fs::write(place.path("more.mp4"), "no video either").unwrap();
    let error = place.fails(&format!("{MAKE} pairs text.mp4 more.mp4 --quiet"));
    assert!(
        error.contains("no source gave any pairs: more.mp4: "),
        "{error}"
    );
    let error = place.fails(&format!("{MAKE} none missing.mp4"));
    assert!(error.contains("missing.mp4"), "{error}");
    let error = place.fails(&format!("{MAKE} none folder/*.mp4"));
    assert!(error.contains("nothing matches"), "{error}");
    fs::create_dir(place.path("folder")).unwrap();
    let error = place.fails(&format!("{MAKE} none folder"));
    assert!(error.contains("holds no video"), "{error}");
    assert!(!place.path("none").exists(), "nothing is begun");
    let error = place.fails(&format!("{MAKE} text.mp4 more.mp4"));
    assert!(error.contains("text.mp4 is not a folder"), "{error}");
    assert_eq!(fs::read(place.path("text.mp4")).unwrap(), b"no video");
}

#[test]
fn options_that_cannot_be_followed_are_refused_before_any_work() {
    let Some(place) = Place::new() else { return };
    let source = "lavfi:testsrc2=size=192x128:rate=10:duration=1";
    for (options, words) in [
        ("--codec ffv1", "lossless"),
        ("--codec h264,h264", "asked for twice"),
        ("--crf 99", "libx264"),
        ("--preset warp", "warp"),
        ("--bitrates=-5", "-5k"),
        ("--bitrates 0", "0k"),
        ("--scale 7", "7"),
        ("--frame-drops 1", "dropped"),
        ("--every 0", "no frames"),
        ("--max-frames 0", "no frames"),
        ("--segment 0.01", "0.01 s"),
    ] {
        let error = place.fails(&format!("dataset make {source} --out pairs {options}"));
        assert!(error.contains(words), "{options}: {error}");
        assert!(count(&place.path("pairs")) == 0, "{options} leaves nothing");
    }
    for options in [
        "--shard 3/3",
        "--shard x",
        "--jobs 0",
        "--augment fog",
        "--loss 2",
        "--crf 3 --bitrates 3",
        "--resume --force",
    ] {
        let out = place
            .nervure(&format!("dataset make {source} --out nothing {options}"))
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(2), "{options}");
    }
    assert!(!place.path("nothing").exists());
}

#[test]
fn a_newer_manifest_is_refused_by_all() {
    let Some(place) = Place::new() else { return };
    let make = format!("{MAKE} pairs lavfi:testsrc2=size=192x128:rate=10:duration=1 --quiet");
    place.run(&make);
    let path = place.path("pairs/manifest.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"version\":1", "\"version\":2", 1)).unwrap();
    let commands = [
        "dataset inspect pairs".into(),
        "dataset verify pairs".into(),
        format!("{make} --resume"),
        format!("{make} --shard 1/2"),
    ];
    for command in commands {
        let error = place.fails(&command);
        assert!(error.contains("is of version 2"), "{command}: {error}");
        assert!(error.contains("hint: update nervure"), "{error}");
    }
    assert!(fs::read_to_string(&path).unwrap().contains("\"version\":2"));
    place.run(&format!("{make} --force"));
    assert_sound(&place, "pairs");
}

#[test]
fn what_is_not_ours_is_not_removed() {
    let Some(place) = Place::new() else { return };
    let make = format!("{MAKE} here lavfi:testsrc2=size=192x128:rate=10:duration=1 --quiet");
    fs::create_dir_all(place.path("here/hr")).unwrap();
    fs::write(place.path("here/hr/photo.png"), "dear to someone").unwrap();
    fs::write(place.path("here/notes.txt"), "also").unwrap();
    // There is no dataset to replace.
    place.run(&format!("{make} --force"));
    assert!(place.path("here/hr/photo.png").exists());
    assert!(place.path("here/notes.txt").exists());
}

#[test]
fn a_place_that_cannot_be_written_is_said() {
    let Some(place) = Place::new() else { return };
    let make = |out: &str| {
        place.fails(&format!(
            "{MAKE} {out} lavfi:testsrc2=size=192x128:rate=10:duration=1 --quiet"
        ))
    };
    let error = make("/proc/pairs");
    assert!(error.contains("cannot create /proc/pairs"), "{error}");
    fs::create_dir(place.path("locked")).unwrap();
    let locked = fs::Permissions::from_mode(0o555);
    fs::set_permissions(place.path("locked"), locked).unwrap();
    // Nothing is locked for root.
    if fs::write(place.path("locked/x"), "x").is_err() {
        let error = make("locked/pairs");
        assert!(error.contains("cannot create locked/pairs"), "{error}");
    }
}

#[test]
fn damage_is_the_same_when_work_is_broken_off_and_gone_on_with() {
    let Some(place) = Place::new() else { return };
    let long = PICTURES.replace("duration=3", "duration=8");
    place.make("a.mp4", &long);
    damage(&place, "a.mp4", 0.3);
    damage(&place, "a.mp4", 0.7);
    for (number, walk) in ["", "--max-frames 999"].into_iter().enumerate() {
        let (unbroken, broken) = (format!("unbroken-{number}"), format!("broken-{number}"));
        place.run(&format!("{MAKE} {unbroken} a.mp4 --quiet {walk}"));
        let make = format!("{MAKE} {broken} a.mp4 --quiet --resume --jobs 1 {walk}");
        let done = place
            .path(&broken)
            .join(".nervure/shard-00000-of-00001/done");
        for stretches in [2, 5] {
            signal_when(&place, &make, "-KILL", || count(&done) >= stretches);
        }
        place.run(&make);
        assert_same(&place, &unbroken, &broken);
    }
}
