//! A dataset of real clips, where `NERVURE_DATA` says that there are some.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;
mod dataset_make_common;

use std::path::{Path, PathBuf};

use common::Place;
use dataset_make_common::{assert_sound, manifest};

/// The first clips of four kinds that were never trained on.
fn clips() -> Option<Vec<PathBuf>> {
    let Some(data) = std::env::var_os("NERVURE_DATA") else {
        println!("skipped: NERVURE_DATA names no folder of real clips");
        return None;
    };
    let valid = Path::new(&data).join("video/valid");
    let kinds = ["animation", "screen", "sports", "talking-head"];
    let first = |kind: &str| {
        let entries = valid.join(kind).read_dir().ok()?;
        let mut clips: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        clips.retain(|path| path.extension().is_some_and(|ending| ending == "mp4"));
        clips.sort();
        clips.into_iter().next()
    };
    let clips: Option<Vec<PathBuf>> = kinds.into_iter().map(first).collect();
    if clips.is_none() {
        println!("skipped: video/valid in NERVURE_DATA has no clips of {kinds:?}");
    }
    clips
}

#[test]
fn real_clips_become_a_dataset_that_verifies() {
    let Some(place) = Place::new() else { return };
    let Some(clips) = clips() else { return };
    let sources: Vec<String> = clips
        .iter()
        .map(|path| format!("\"{}\"", path.display()))
        .collect();
    let summary = place.json(&format!(
        "dataset make {} --out pairs --layout clips --codec h264,hevc,vp8,vp9,av1 \
         --bitrates 100,200,300 --loss 0.02 --max-frames 6 --jobs 2",
        sources.join(" ")
    ));
    assert_eq!(
        (&summary["clips"], &summary["pairs"], &summary["skipped"]),
        (&(4 * 5 * 3).into(), &(4 * 5 * 3 * 6).into(), &0.into()),
        "{summary}"
    );
    assert_sound(&place, "pairs");
    let clips = manifest(&place, "pairs").clips;
    for clip in &clips {
        assert!(clip.measured_kbps > 0.0, "{clip:?}");
        let psnr = clip.baseline.psnr_y.unwrap();
        assert!((10.0..60.0).contains(&psnr), "{clip:?}");
        assert_eq!(clip.hr.width, 2 * clip.lr.width);
    }
    let lost: u64 = clips
        .iter()
        .filter_map(|clip| clip.loss.as_ref())
        .map(|loss| loss.lost_packets)
        .sum();
    assert!(lost > 0, "one packet in fifty of hundreds");
}
