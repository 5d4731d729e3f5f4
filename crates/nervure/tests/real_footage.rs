//! Real clips, where `NERVURE_DATA` says that there are some.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::path::{Path, PathBuf};

use common::{Place, frame_ticks};

/// One clip of each kind of content that was never trained on.
fn clips() -> Vec<PathBuf> {
    let Some(data) = std::env::var_os("NERVURE_DATA") else {
        println!("skipped: NERVURE_DATA names no folder of real clips");
        return Vec::new();
    };
    let Ok(kinds) = Path::new(&data).join("video/valid").read_dir() else {
        println!("skipped: no video/valid in NERVURE_DATA");
        return Vec::new();
    };
    let first = |kind: PathBuf| {
        let mut clips: Vec<_> = kind
            .read_dir()
            .ok()?
            .map(|entry| entry.unwrap().path())
            .collect();
        clips.sort();
        clips
            .into_iter()
            .find(|path| path.extension().is_some_and(|ending| ending == "mp4"))
    };
    let mut kinds: Vec<_> = kinds
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    kinds.sort();
    kinds.into_iter().filter_map(first).collect()
}

#[test]
fn real_clips_keep_their_timing_and_look_like_themselves() {
    let clips = clips();
    let Some(place) = Place::new() else { return };
    for clip in clips {
        let (name, clip) = (
            clip.file_stem().unwrap().to_string_lossy().into_owned(),
            clip.display(),
        );
        place.run(&format!(
            "enhance \"{clip}\" -o {name}.mp4 --preset ultrafast --duration 0.4"
        ));
        let (before, after) = (
            frame_ticks(clip.to_string().as_ref()),
            frame_ticks(&place.path(&format!("{name}.mp4"))),
        );
        assert!(after.1.len() >= 8, "{name}: {} frames", after.1.len());
        assert_eq!(
            (&after.0, &after.1[..]),
            (&before.0, &before.1[..after.1.len()]),
            "{name}"
        );
        // Made larger without loss and small again, it is nearly what it was.
        place.run(&format!(
            "enhance \"{clip}\" -o large.mkv --codec ffv1 --duration 0.4 --force"
        ));
        place.run("enhance large.mkv -o small.mkv --codec ffv1 --scale 0.5 --force");
        place.make(
            "part.mkv",
            &format!("-i \"{clip}\" -frames:v {} -an -c:v ffv1", after.1.len()),
        );
        let score = place.json("score part.mkv small.mkv --metrics psnr");
        let psnr = score["psnr_y"].as_f64().unwrap();
        assert!(psnr > 40.0, "{name}: {psnr} dB");
    }
}
