//! What `nervure dataset make` makes: pairs that match, facts that are true, the same bytes anywhere.
#![allow(clippy::unwrap_used)]

mod common;
mod dataset_make_common;

use std::collections::BTreeSet;
use std::fs;

use common::Place;
use dataset_make_common::{assert_same, assert_sound, frames, manifest, samples};
use nervure_dataset::manifest::{ClipRecord, Layout, Manifest};
use nervure_dataset::picture::{Picture, PngReader};
use nervure_frame::LossMask;

/// Everything at once: five codecs, two rates, every degradation, losses and drops.
const EVERYTHING: &str = "--codec h264,hevc,vp8,vp9,av1 --bitrates 60,250 --loss 0.05 \
    --frame-drops 0.1 --augment blocking,ringing,blur,noise=0.2 --segment 1 --seed 7 --quiet";

const CODECS: [&str; 5] = ["h264", "hevc", "vp8", "vp9", "av1"];

/// Two sources, one of two stretches and one that is a still image.
fn material(place: &Place) {
    fs::create_dir(place.path("in")).unwrap();
    place.run("sample --scene sports --seconds 2 --size 192x128 --fps 12 -o in/a.mp4 --quiet");
    place.make(
        "in/b.png",
        "-f lavfi -i testsrc2=size=256x192 -frames:v 1 -update 1",
    );
}

fn made(place: &Place, layout: &str, out: &str, jobs: usize) {
    let options = format!("{EVERYTHING} --layout {layout} --jobs {jobs} --image-frames 8");
    place.run(&format!("dataset make in --out {out} {options}"));
}

/// Names in a folder of a dataset.
fn names(place: &Place, folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(place.path(folder)).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_codec_gives_pairs_that_match_in_both_layouts() {
    let Some(place) = Place::new() else { return };
    material(&place);
    for layout in ["png", "clips"] {
        made(&place, layout, layout, 2);
        assert_sound(&place, layout);
        let manifest = manifest(&place, layout);
        assert!(manifest.skipped.is_empty(), "{:?}", manifest.skipped);
        // Two stretches and an image, each by five codecs at two rates.
        assert_eq!(manifest.clips.len(), 3 * 5 * 2);
        let (low, high) = (
            names(&place, &format!("{layout}/lr")),
            names(&place, &format!("{layout}/hr")),
        );
        assert_eq!(low, high, "sides are matched by name");
        let wanted: BTreeSet<String> = manifest
            .clips
            .iter()
            .flat_map(|clip| match manifest.header.layout {
                Layout::Clips => vec![format!("{}.clip", clip.stem)],
                Layout::Png => (0..clip.frames)
                    .map(|frame| format!("{}-{frame:05}.png", clip.stem))
                    .collect(),
            })
            .collect();
        assert_eq!(low, wanted);
        facts(&manifest);
    }
    // A layout is how pairs are kept, not what they are.
    let (png, clips) = (manifest(&place, "png"), manifest(&place, "clips"));
    for (one, two) in png.clips.iter().zip(&clips.clips) {
        let bare = |clip: &ClipRecord| ClipRecord {
            lr_sha256: String::new(),
            hr_sha256: String::new(),
            ..clip.clone()
        };
        assert_eq!(bare(one), bare(two));
    }
    pictures(&place, &png, &clips);
}

/// What the manifest says, held against what was asked for.
fn facts(manifest: &Manifest) {
    let mut seeds = BTreeSet::new();
    let (mut dropped, mut lost) = (0, 0);
    for clip in &manifest.clips {
        assert!(seeds.insert(clip.seed), "{} has its own seed", clip.stem);
        assert!(CODECS.contains(&clip.codec.as_str()));
        let still = clip.source.name == "b.png";
        let (frames, rate, hr) = match still {
            true => (8, (25, 1), (clip.hr.width, clip.hr.height)),
            false => (12, (12, 1), (192, 128)),
        };
        assert_eq!((clip.frames, clip.frame_rate), (frames, Some(rate)));
        assert_eq!((clip.hr.width, clip.hr.height), hr);
        let low = (clip.hr.width / 2, clip.hr.height / 2);
        assert_eq!((clip.lr.width, clip.lr.height), low);
        assert_eq!(clip.source.start, f64::from(clip.source.segment));
        assert_eq!(clip.source.sha256.len(), 64);
        assert!(clip.measured_kbps > 0.0);
        assert!([Some(60.0), Some(250.0)].contains(&clip.requested_kbps) && clip.crf.is_none());
        assert_eq!(clip.augment.len(), 4);
        assert!(clip.augment[3].starts_with("noise=0."), "{clip:?}");
        assert!((0.1..1.0).contains(&clip.baseline.ssim), "{clip:?}");
        assert_eq!(clip.baseline.frames, frames);
        let loss = clip.loss.as_ref().unwrap();
        let level = if clip.codec == "h264" {
            "slice"
        } else {
            "frame"
        };
        assert_eq!((loss.level.as_str(), loss.model.as_str()), (level, "0.05"));
        assert!(loss.damaged_frames <= frames && loss.packets > 0);
        dropped += clip.dropped_frames;
        lost += loss.lost_packets;
    }
    // One in ten and one in twenty of hundreds.
    assert!((5..100).contains(&dropped), "{dropped} drops");
    assert!((5..200).contains(&lost), "{lost} packets");
    // More is given where more is asked for.
    let kbps = |codec: &str, asked: f64| -> f64 {
        let clips = manifest.clips.iter();
        clips
            .filter(|clip| clip.codec == codec && clip.requested_kbps == Some(asked))
            .map(|clip| clip.measured_kbps)
            .sum()
    };
    for codec in CODECS {
        assert!(kbps(codec, 250.0) > kbps(codec, 60.0), "{codec}");
    }
}

/// What the pictures show, held against the manifest.
fn pictures(place: &Place, png: &Manifest, clips: &Manifest) {
    let (mut reader, mut picture) = (PngReader::new(), Picture::default());
    let masks = names(place, "png/mask");
    let (mut told, mut held, mut shares) = (BTreeSet::new(), 0, 0.0);
    for clip in &clips.clips {
        let low = frames(place, "clips", "lr", clip);
        let high = frames(place, "clips", "hr", clip);
        assert_eq!((low.len(), high.len()), (clip.frames as usize, low.len()));
        assert!(high.iter().all(|frame| frame.damage.is_none()));
        let mut whole_frames = 0;
        for (index, (small, large)) in low.iter().zip(&high).enumerate() {
            assert_eq!(small.pts, large.pts, "pairs are of one moment");
            assert_eq!(
                (small.format().width, small.format().height),
                (clip.lr.width, clip.lr.height)
            );
            let Some(mask) = &small.damage else { continue };
            assert!(mask.count() > 0, "a mask says of damage");
            let name = format!("{}-{index:05}.png", clip.stem);
            // The same mask beside the picture in the other layout.
            let path = place.path("png/mask").join(&name);
            let shown = reader.mask(&path, clip.lr.width, clip.lr.height).unwrap();
            assert_eq!(shown, *mask);
            told.insert(name.clone());
            shares += mask.share();
            if *mask == LossMask::lost(clip.lr.width, clip.lr.height) && index > 0 {
                whole_frames += 1;
                // What was never sent is the frame before, still on the screen.
                if clip.loss.as_ref().unwrap().damaged_frames == 0 {
                    assert!(samples(small) == samples(&low[index - 1]), "{name} is held");
                    held += 1;
                }
            }
        }
        assert!(whole_frames >= clip.dropped_frames, "{}", clip.stem);
        let path = place
            .path("png/lr")
            .join(format!("{}-00000.png", clip.stem));
        reader.picture(&path, &mut picture).unwrap();
        assert_eq!(
            (picture.width, picture.height),
            (clip.lr.width, clip.lr.height)
        );
    }
    assert_eq!(masks, told, "masks stand where damage is, and nowhere else");
    assert!(held > 0 && shares > 0.0);
    assert_eq!(png.clips.len(), clips.clips.len());
}

#[test]
fn the_bytes_are_the_same_elsewhere_and_with_any_number_of_jobs() {
    let Some(place) = Place::new() else { return };
    material(&place);
    for layout in ["png", "clips"] {
        let (one, three) = (format!("{layout}-1"), format!("{layout}-3"));
        made(&place, layout, &one, 1);
        made(&place, layout, &three, 3);
        assert_same(&place, &one, &three);
        assert!(!place.path(&one).join(".nervure").exists());
    }
    // Another seed is another dataset.
    place.run(&format!(
        "dataset make in --out other {} --image-frames 8",
        EVERYTHING.replace("--seed 7", "--seed 8")
    ));
    let (one, two) = (manifest(&place, "png-1"), manifest(&place, "other"));
    for (one, two) in one.clips.iter().zip(&two.clips) {
        assert!(one.seed != two.seed && one.lr_sha256 != two.lr_sha256);
    }
}

#[test]
fn every_kth_frame_is_kept_and_all_are_coded() {
    let Some(place) = Place::new() else { return };
    place.run("sample --scene sports --seconds 2 --size 192x128 --fps 12 -o a.mp4 --quiet");
    let make = |out: &str, options: &str| {
        place.run(&format!(
            "dataset make a.mp4 --out {out} --layout clips --bitrates 150 --loss 0.1 --quiet {options}"
        ));
        assert_sound(&place, out);
        let manifest = manifest(&place, out);
        assert_eq!(manifest.clips.len(), 1);
        manifest.clips.into_iter().next().unwrap()
    };
    let all = make("all", "");
    let thinned = make("thinned", "--every 5");
    // Frames 0, 5, … 20 of 24, coded as if all were kept.
    assert_eq!((all.frames, thinned.frames), (24, 5));
    assert_eq!(all.measured_kbps, thinned.measured_kbps);
    assert_eq!(all.loss, thinned.loss);
    for side in ["lr", "hr"] {
        let (all, thinned) = (
            frames(&place, "all", side, &all),
            frames(&place, "thinned", side, &thinned),
        );
        for (index, frame) in thinned.iter().enumerate() {
            assert_eq!(frame.pts, all[5 * index].pts);
            assert!(samples(frame) == samples(&all[5 * index]), "{side} {index}");
            assert_eq!(frame.damage, all[5 * index].damage);
        }
    }
    // Pairs are counted, not frames.
    assert_eq!(make("few", "--every 5 --max-frames 2").frames, 2);
    assert_eq!(make("fewer", "--max-frames 7").frames, 7);
    assert_eq!(make("more", "--max-frames 700").frames, 24);
}

#[test]
fn every_scale_has_sides_that_fit() {
    let Some(place) = Place::new() else { return };
    place.run("sample --scene sports --seconds 1 --size 202x154 --fps 6 -o a.mkv --quiet");
    for (scale, low) in [
        (1, (202, 154)),
        (2, (100, 76)),
        (3, (66, 50)),
        (4, (50, 38)),
    ] {
        let out = format!("x{scale}");
        place.run(&format!(
            "dataset make a.mkv --out {out} --codec h264,vp9 --crf 30 --scale {scale} --quiet"
        ));
        assert_sound(&place, &out);
        for clip in manifest(&place, &out).clips {
            assert_eq!((clip.lr.width, clip.lr.height), low);
            assert_eq!(
                (clip.hr.width, clip.hr.height),
                (low.0 * scale, low.1 * scale)
            );
            assert_eq!((clip.crf, clip.requested_kbps), (Some(30.0), None));
        }
    }
}

#[test]
fn what_the_pictures_show_can_be_told_or_found_out() {
    let Some(place) = Place::new() else { return };
    let make = |out: &str, options: &str| {
        place.run(&format!(
            "dataset make lavfi:testsrc2=size=128x96:rate=10:duration=1 --out {out} --crf 30 --quiet {options}"
        ));
        let clip = manifest(&place, out).clips.remove(0);
        (clip.content_type, clip.content_confidence)
    };
    assert_eq!(
        make("told", "--content-type talking-head"),
        ("talking-head".into(), None)
    );
    let (found, confidence) = make("found", "");
    assert!(!found.is_empty());
    assert!((0.0..=1.0).contains(&confidence.unwrap()));
    let out = place
        .nervure("dataset make a.mp4 --out no --content-type opera")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(
        text.contains("there is no content type called \"opera\""),
        "{text}"
    );
}
