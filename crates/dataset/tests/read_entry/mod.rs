//! What is tried with any bytes as a file of a dataset: by the fuzzer, and by the tests without one.
#![allow(clippy::unwrap_used)] // A failure is what is looked for.
#![allow(unreachable_pub)] // Part of a test in one place, of a program in another.

use std::path::{Path, PathBuf};
use std::{env, fs, process, thread};

use nervure_dataset::manifest::Manifest;
use nervure_dataset::picture::{Picture, PngReader};
use nervure_dataset::{ClipReader, Error};
use nervure_frame::FramePool;

/// Reads `text` as a manifest; how many clips it lists.
pub fn manifest(text: &str) -> usize {
    let manifest = match Manifest::parse(text, Path::new("fuzz.jsonl")) {
        Ok(manifest) => manifest,
        Err(error) => {
            check(&error);
            return 0;
        }
    };
    for clip in &manifest.clips {
        let stays = !clip.stem.contains(['/', '\\', '\0']) && !clip.stem.starts_with('.');
        assert!(stays, "{:?} leads out of its folder", clip.stem);
    }
    // Written out, it is the same manifest: numbers that JSON does not have cannot come in.
    let again = manifest.to_text().unwrap();
    let again = Manifest::parse(&again, Path::new("fuzz.jsonl")).unwrap();
    assert_eq!(again.clips.len(), manifest.clips.len());
    assert_eq!(again.header, manifest.header);
    manifest.clips.len()
}

/// Reads `data` as a clip; how many of its frames are sound.
pub fn clip(data: &[u8]) -> usize {
    let file = Scratch::holding(data);
    let reader = match ClipReader::open(&file.0) {
        Ok(reader) => reader,
        Err(error) => {
            check(&error);
            return 0;
        }
    };
    let pool = FramePool::new();
    let (mut sound, mut bytes) = (0, Vec::new());
    for index in 0..reader.frames() {
        let format = reader.format();
        if let Some(mask) = reader.damage(index) {
            assert_eq!(mask.columns(), format.width.div_ceil(16));
        }
        match reader.frame(index, &pool) {
            Ok(frame) => {
                assert_eq!((frame.format(), frame.pts), (format, reader.pts(index)));
                sound += 1;
            }
            Err(error) => check(&error),
        }
        let height = format.plane_size(1).1;
        reader.band(index, 1, 0..height, &mut bytes).unwrap();
        assert!(bytes.len() <= data.len());
    }
    sound
}

/// Reads `data` as the PNG of a picture and of a mask; whether it is one of them.
pub fn png(data: &[u8]) -> bool {
    let (mut reader, mut picture) = (PngReader::new(), Picture::default());
    let path = Path::new("fuzz.png");
    let is_picture = match reader.picture_of(data, path, &mut picture) {
        Ok(()) => {
            let pixels = picture.width * picture.height;
            assert!(pixels > 0 && picture.rgb.len() == 3 * pixels);
            true
        }
        Err(error) => {
            check(&error);
            false
        }
    };
    match reader.mask_of(data, path, 48, 32) {
        Ok(mask) => {
            assert_eq!((mask.columns(), mask.rows()), (3, 2));
            true
        }
        Err(error) => {
            check(&error);
            is_picture
        }
    }
}

/// Messages are one line, whatever was in the data.
fn check(error: &Error) {
    let message = error.to_string();
    assert_eq!(message.lines().count(), 1, "{message:?}");
    assert!(
        matches!(error, Error::Corrupt { .. } | Error::Newer { .. }),
        "{error:?}"
    );
}

/// A file that goes away.
struct Scratch(PathBuf);

impl Scratch {
    fn holding(data: &[u8]) -> Self {
        let name = format!(
            "nervure-{}-{:?}.clip",
            process::id(),
            thread::current().id()
        );
        let path = env::temp_dir().join(name);
        fs::write(&path, data).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next writes over it.
        let _ = fs::remove_file(&self.0);
    }
}
