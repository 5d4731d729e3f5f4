//! What the tests of `nervure dataset make` share: looking at what was made.
#![allow(dead_code)] // Each test binary uses a part of it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use nervure_dataset::ClipReader;
use nervure_dataset::manifest::{ClipRecord, Manifest};
use nervure_frame::{Frame, FramePool};

use crate::common::Place;

/// Every file below a folder, hidden ones too, with its bytes.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(&inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

/// Two folders hold the same, byte by byte; told without printing the bytes.
pub(crate) fn assert_same(place: &Place, one: &str, two: &str) {
    let (first, second) = (tree(&place.path(one)), tree(&place.path(two)));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&first), names(&second), "{one} and {two}");
    for (name, bytes) in &first {
        assert!(*bytes == second[name], "{name} is not the same in {two}");
    }
    assert!(first.len() > 2, "{one} holds pairs");
}

/// The only manifest of a dataset.
pub(crate) fn manifest(place: &Place, dataset: &str) -> Manifest {
    let mut all = Manifest::read_all(&place.path(dataset)).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// The pictures of one side of a clip.
pub(crate) fn frames(place: &Place, dataset: &str, side: &str, clip: &ClipRecord) -> Vec<Frame> {
    let path = place
        .path(dataset)
        .join(side)
        .join(format!("{}.clip", clip.stem));
    let reader = ClipReader::open(&path).unwrap();
    let pool = FramePool::new();
    (0..reader.frames())
        .map(|index| reader.frame(index, &pool).unwrap())
        .collect()
}

/// Samples of luma and chroma of a frame of 8 bits, rows without gaps.
pub(crate) fn samples(frame: &Frame) -> Vec<u8> {
    let planes = frame.planes.eight().unwrap();
    planes
        .iter()
        .flat_map(|plane| plane.rows())
        .flatten()
        .copied()
        .collect()
}

/// Frames of a file as ffmpeg decodes them: 4:2:0 of 8 bits, the left top corner of this size.
pub(crate) fn decoded(place: &Place, name: &str, size: (usize, usize)) -> Vec<Vec<u8>> {
    let filter = format!("crop={}:{}:0:0", size.0, size.1);
    filtered(place, name, &filter, size)
}

/// Frames of a file as ffmpeg decodes and filters them to this size.
pub(crate) fn filtered(
    place: &Place,
    name: &str,
    filter: &str,
    (width, height): (usize, usize),
) -> Vec<Vec<u8>> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(place.path(name))
        .args(["-fps_mode", "passthrough", "-pix_fmt", "yuv420p"])
        .args(["-vf", filter])
        .args(["-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let size = width * height * 3 / 2;
    assert_eq!(out.stdout.len() % size, 0);
    out.stdout.chunks_exact(size).map(<[u8]>::to_vec).collect()
}

/// A dataset is sound, says its own check.
pub(crate) fn assert_sound(place: &Place, dataset: &str) {
    let report = place.json(&format!("dataset verify {dataset} --quiet"));
    assert_eq!(report["problem_count"], 0, "{report:#}");
    assert!(report["frames"].as_u64().unwrap() > 0, "{report:#}");
}

/// How many files stand in a folder; a folder that is not there has none.
pub(crate) fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}
