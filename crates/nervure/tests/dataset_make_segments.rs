//! How sources are cut into stretches, and work into shards.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;
mod dataset_make_common;

use std::collections::BTreeMap;
use std::fs;

use common::{Place, signal_when};
use dataset_make_common::{
    assert_same, assert_sound, count, decoded, frames, manifest, samples, tree,
};
use nervure_dataset::manifest::{ClipRecord, Manifest};

const SIZE: (usize, usize) = (128, 96);

/// Sources of three seconds whose groups of pictures do not end where stretches do.
const SOURCES: [(&str, &str); 6] = [
    ("plain.mp4", "-c:v libx264 -g 20 -bf 0"),
    (
        "bframes.mp4",
        "-c:v libx264 -g 13 -bf 3 -x264-params open-gop=1:b-adapt=0",
    ),
    (
        "open.ts",
        "-c:v libx264 -g 17 -bf 2 -x264-params open-gop=1",
    ),
    (
        "hevc.mkv",
        "-c:v libx265 -x265-params log-level=error:keyint=15:open-gop=1:bframes=3",
    ),
    ("long.webm", "-c:v libvpx-vp9 -g 999"),
    // Frames at uneven times.
    (
        "uneven.mkv",
        "-vf select=not(mod(n\\,3))+not(mod(n\\,4)) -fps_mode vfr -c:v libx264 -g 9",
    ),
];

fn material(place: &Place, name: &str, how: &str) {
    let pictures = format!(
        "-f lavfi -i testsrc2=size={}x{}:rate=12:duration=3 -pix_fmt yuv420p",
        SIZE.0, SIZE.1
    );
    place.make(name, &format!("{pictures} {how}"));
}

#[test]
fn stretches_hold_the_frames_of_the_source_walked_or_jumped() {
    let Some(place) = Place::new() else { return };
    for (name, how) in SOURCES {
        material(&place, name, how);
        let make = |out: &str, more: &str| {
            place.run(&format!(
                "dataset make {name} --out {out} --crf 40 --segment 1 --layout clips --quiet {more}"
            ));
        };
        let (jumped, walked) = (format!("{name}-jumped"), format!("{name}-walked"));
        make(&jumped, "--jobs 2");
        // More than there are: nothing changes but how the source is read.
        make(&walked, "--max-frames 1000");
        assert_sound(&place, &jumped);
        assert_sound(&place, &walked);
        let clips = manifest(&place, &jumped).clips;
        assert_eq!(clips, manifest(&place, &walked).clips, "{name}");
        assert_eq!(clips.len(), 3, "{name}");

        let wanted = decoded(&place, name, SIZE);
        let times = common::frame_times(&place.path(name));
        assert_eq!(wanted.len(), times.len(), "{name}");
        let first: f64 = times[0].parse().unwrap();
        let mut found = 0;
        for (segment, clip) in clips.iter().enumerate() {
            assert_eq!(clip.source.segment as usize, segment);
            for frame in frames(&place, &jumped, "hr", clip) {
                let time = times[found].parse::<f64>().unwrap();
                assert!((frame.pts.seconds() - time).abs() < 1e-3, "{name} {found}");
                // A millisecond of rounding by containers.
                let second = (time - first + 2e-3).floor() as usize;
                assert_eq!(second, segment, "{name} frame {found}");
                assert!(samples(&frame) == wanted[found], "{name} frame {found}");
                found += 1;
            }
        }
        assert_eq!(found, wanted.len(), "{name}: every frame is in one stretch");
    }
}

#[test]
fn the_frames_wanted_of_a_source_are_its_first() {
    let Some(place) = Place::new() else { return };
    material(&place, SOURCES[1].0, SOURCES[1].1);
    let make = |out: &str, more: &str| -> Vec<(u64, Vec<Vec<u8>>)> {
        place.run(&format!(
            "dataset make bframes.mp4 --out {out} --crf 40 --segment 1 --layout clips --quiet {more}"
        ));
        assert_sound(&place, out);
        let clips = manifest(&place, out).clips;
        let frames = |clip: &ClipRecord| {
            frames(&place, out, "hr", clip)
                .iter()
                .map(samples)
                .collect()
        };
        clips
            .iter()
            .map(|clip| (clip.frames, frames(clip)))
            .collect()
    };
    let wanted = decoded(&place, "bframes.mp4", SIZE);
    for (out, more, every, counts) in [
        ("a", "--max-frames 12", 1, vec![12]),
        ("b", "--max-frames 17", 1, vec![12, 5]),
        // Each stretch begins a count of its own: frames 0 and 8 of 12, and again.
        ("c", "--max-frames 5 --every 8", 8, vec![2, 2, 1]),
        ("d", "--every 8", 8, vec![2, 2, 2]),
        ("e", "--every 99", 99, vec![1, 1, 1]),
    ] {
        let found = make(out, more);
        let found_counts: Vec<usize> = found.iter().map(|(count, _)| *count as usize).collect();
        assert_eq!(found_counts, counts, "{more}");
        for (segment, (_, frames)) in found.iter().enumerate() {
            for (index, frame) in frames.iter().enumerate() {
                assert!(*frame == wanted[12 * segment + every * index], "{more}");
            }
        }
    }
}

/// Clips of all the manifests of a dataset, by stem.
fn clips(place: &Place, dataset: &str) -> BTreeMap<String, ClipRecord> {
    let manifests = Manifest::read_all(&place.path(dataset)).unwrap();
    let mut clips = BTreeMap::new();
    for clip in manifests.into_iter().flat_map(|manifest| manifest.clips) {
        let other = clips.insert(clip.stem.clone(), clip);
        assert!(other.is_none(), "shards have no clip in common");
    }
    clips
}

#[test]
fn shards_in_any_order_make_what_one_run_makes() {
    let Some(place) = Place::new() else { return };
    fs::create_dir(place.path("in")).unwrap();
    for (name, how) in &SOURCES[..3] {
        material(&place, &format!("in/{name}"), how);
    }
    fs::write(place.path("in/bad.mp4"), "no video").unwrap();
    let make = |out: &str, more: &str| {
        format!(
            "dataset make in --out {out} --codec h264,vp8 --bitrates 90 --loss 0.1 --segment 1 --jobs 1 {more}"
        )
    };
    for layout in ["png", "clips"] {
        let whole = format!("{layout}-whole");
        place.run(&make(&whole, &format!("--layout {layout} --quiet")));
        // The second is killed, the third goes first, and parts are in the same place.
        let shard = |index: usize| {
            make(
                layout,
                &format!("--layout {layout} --shard {index}/3 --resume"),
            )
        };
        let done = place
            .path(layout)
            .join(".nervure/shard-00001-of-00003/done");
        signal_when(&place, &shard(1), "-KILL", || count(&done) > 0);
        let last = place.json(&shard(2));
        let half = place
            .nervure(&format!("dataset verify {layout}"))
            .output()
            .unwrap();
        assert_eq!(half.status.code(), Some(1), "shards are missing");
        let first = place.json(&shard(0));
        let middle = place.json(&shard(1));
        assert_sound(&place, layout);
        assert!(!place.path(layout).join(".nervure").exists());
        let parts = [&first, &middle, &last];
        let sum = |key: &str| {
            parts
                .iter()
                .map(|part| part[key].as_u64().unwrap())
                .sum::<u64>()
        };
        // Nine stretches by two codecs; one of ten jobs has nothing to give.
        assert_eq!((sum("clips"), sum("skipped")), (18, 1));
        assert!(parts.iter().all(|part| part["clips"].as_u64() > Some(0)));
        assert_eq!(clips(&place, layout), clips(&place, &whole));
        let pictures = |dataset: &str| {
            let mut files = tree(&place.path(dataset));
            files.retain(|name, _| !name.starts_with("manifest"));
            files
        };
        assert!(
            pictures(layout) == pictures(&whole),
            "{layout}: the same files"
        );
    }
    let error = place.fails(&make("png", "--layout png --shard 1/3 --resume --seed 3"));
    assert!(error.contains("seed was 0 and is 3"), "{error}");
    // Another dataset's part does not go into the same place.
    let error = place.fails(&make("png", "--layout png --shard 1/4"));
    assert!(error.contains("part of another dataset"), "{error}");
    assert!(!place.path("png/.nervure").exists());
    // A part can be made anew, alone.
    place.run(&make("png", "--layout png --shard 1/3 --force --quiet"));
    assert_sound(&place, "png");
    assert_eq!(clips(&place, "png"), clips(&place, "png-whole"));
    // Parts of other names make the same dataset too.
    for index in [1, 0] {
        place.run(&make(
            "halves",
            &format!("--layout png --quiet --shard {index}/2"),
        ));
    }
    assert_eq!(clips(&place, "halves"), clips(&place, "png-whole"));
}

#[test]
fn more_shards_than_work_leave_empty_parts() {
    let Some(place) = Place::new() else { return };
    material(&place, "a.mp4", SOURCES[0].1);
    for index in 0..5 {
        place.run(&format!(
            "dataset make a.mp4 --out pairs --crf 40 --segment 1 --shard {index}/5 --quiet"
        ));
    }
    assert_sound(&place, "pairs");
    assert_eq!(clips(&place, "pairs").len(), 3);
    assert_eq!(Manifest::read_all(&place.path("pairs")).unwrap().len(), 5);
    // The same sources elsewhere: what they are called is what counts.
    fs::create_dir(place.path("moved")).unwrap();
    fs::rename(place.path("a.mp4"), place.path("moved/a.mp4")).unwrap();
    for index in 0..5 {
        place.run(&format!(
            "dataset make moved/a.mp4 --out again --crf 40 --segment 1 --shard {index}/5 --quiet"
        ));
    }
    assert_same(&place, "pairs", "again");
}
