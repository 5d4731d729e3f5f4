//! Whether a clip's files are what its record says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use nervure_frame::FramePool;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Problem;
use crate::clip::ClipReader;
use crate::digest::{hex, sha256_of};
use crate::manifest::{ClipRecord, Layout, Size};
use crate::picture::{Picture, PngReader};
use crate::store::Store;
use crate::{Error, Result};

/// One clip is complained about so often: a clip whose files are all gone is one problem, told in a
/// few lines.
const MOST_FOR_A_CLIP: usize = 8;

/// A clip, and what of its manifest matters to it.
pub(super) struct Scope<'a> {
    pub(super) clip: &'a ClipRecord,
    pub(super) layout: Layout,
    pub(super) recipe: &'a Value,
    /// Frames that have a file with a mask.
    pub(super) masks: Vec<u64>,
}

impl Scope<'_> {
    /// The files of one side, in order.
    fn side<'s>(&'s self, folder: &'s str) -> impl Iterator<Item = String> + 's {
        let frames = match self.layout {
            Layout::Png => self.clip.frames,
            Layout::Clips => 1,
        };
        (0..frames).map(move |index| match self.layout {
            Layout::Png => png(folder, &self.clip.stem, index),
            Layout::Clips => format!("{folder}/{}.clip", self.clip.stem),
        })
    }

    /// Every file that the clip may have.
    pub(super) fn names(&self) -> impl Iterator<Item = String> + '_ {
        let masks = self.masks.iter();
        self.side("lr")
            .chain(self.side("hr"))
            .chain(masks.map(|index| png("mask", &self.clip.stem, *index)))
    }
}

fn png(folder: &str, stem: &str, index: u64) -> String {
    format!("{folder}/{stem}-{index:05}.png")
}

/// Which of a clip's frames have a mask.
pub(super) fn masks_of(clip: &ClipRecord, there: &HashMap<String, u64>) -> Vec<u64> {
    (0..clip.frames)
        .filter(|index| there.contains_key(&png("mask", &clip.stem, *index)))
        .collect()
}

/// Looks at clips, from any number of threads.
pub(super) struct Checker<'a> {
    store: &'a Store,
    there: &'a HashMap<String, u64>,
    scratch: &'a Path,
    /// Sides whose very files were looked at under another name, by what the file system calls them:
    /// the high resolution of a stretch is one set of files for all of its variants.
    known: Mutex<HashMap<String, Side>>,
}

/// What one side of a clip turned out to be.
#[derive(Clone, Debug, Default)]
struct Side {
    sha256: String,
    /// Files that are wrong in themselves, by their number, for names differ.
    problems: Vec<(usize, String)>,
    /// Damaged frames, where the files tell.
    damaged: u64,
}

impl<'a> Checker<'a> {
    pub(super) fn new(
        store: &'a Store,
        there: &'a HashMap<String, u64>,
        scratch: &'a Path,
    ) -> Self {
        Checker {
            store,
            there,
            scratch,
            known: Mutex::default(),
        }
    }

    /// What is wrong with a clip.
    pub(super) fn check(&self, scope: &Scope<'_>) -> Result<Vec<Problem>> {
        let clip = scope.clip;
        let mut problems = Vec::new();
        let mut complain = |what: String| problems.push(Problem::new(&clip.stem, what));
        if let Some(scale) = scope.recipe.get("scale").and_then(Value::as_u64) {
            let scale = scale as usize;
            let large = (clip.lr.width * scale, clip.lr.height * scale);
            if large != (clip.hr.width, clip.hr.height) {
                complain(format!(
                    "{}x{} is not {scale} times {}x{}",
                    clip.hr.width, clip.hr.height, clip.lr.width, clip.lr.height
                ));
            }
        }
        if clip.frames == 0 {
            complain("it has no frames".into());
        }
        // Marks are counted only where all of them could be read.
        let mut damaged = Some(scope.masks.len() as u64);
        for (folder, size, sha256) in [
            ("lr", clip.lr, &clip.lr_sha256),
            ("hr", clip.hr, &clip.hr_sha256),
        ] {
            let names: Vec<String> = scope.side(folder).collect();
            let missing: Vec<&String> = names
                .iter()
                .filter(|name| !self.there.contains_key(*name))
                .collect();
            if let Some(first) = missing.first() {
                let what = match missing.len() {
                    1 => "it is missing".into(),
                    count => format!("it and {} others of its clip are missing", count - 1),
                };
                problems.push(Problem::new(*first, what));
                damaged = damaged.filter(|_| scope.layout == Layout::Png);
                continue;
            }
            let side = self.side(&names, scope, size)?;
            let wrong = side.problems.iter();
            problems.extend(wrong.map(|(index, what)| Problem::new(&names[*index], what.as_str())));
            if side.problems.is_empty() && side.sha256 != *sha256 {
                let name = match scope.layout {
                    Layout::Png => format!("{folder}/{}-*.png", clip.stem),
                    Layout::Clips => names[0].clone(),
                };
                problems.push(Problem::new(
                    name,
                    "its bytes are not those of the manifest",
                ));
            }
            damaged = damaged
                .filter(|_| scope.layout == Layout::Png || side.problems.is_empty())
                .map(|damaged| damaged + side.damaged);
        }
        self.masks(scope, &mut problems)?;
        if let Some(damaged) = damaged {
            damage(scope, damaged, &mut problems);
        }
        if problems.len() > MOST_FOR_A_CLIP {
            let more = problems.len() - MOST_FOR_A_CLIP;
            problems.truncate(MOST_FOR_A_CLIP);
            problems.push(Problem::new(
                &clip.stem,
                format!("it has {more} further problems"),
            ));
        }
        Ok(problems)
    }

    /// Looks at one side of a clip, or remembers.
    fn side(&self, names: &[String], scope: &Scope<'_>, size: Size) -> Result<Side> {
        let look = || match scope.layout {
            Layout::Png => self.pngs(names, size),
            Layout::Clips => self.clip_file(&names[0], scope.clip.frames, size),
        };
        let Some(identity) = self.identity(names, scope.clip.frames, size) else {
            return look();
        };
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(side) = known().get(&identity) {
            return Ok(side.clone());
        }
        let side = look()?;
        known().insert(identity, side.clone());
        Ok(side)
    }

    /// What the file system calls files that have several names, and what a record expects of them:
    /// what is wrong under one record need not be under another. None where each has one name.
    #[cfg(unix)]
    fn identity(&self, names: &[String], frames: u64, size: Size) -> Option<String> {
        use std::os::unix::fs::MetadataExt;
        let folder = self.store.folder()?;
        let mut hash = Sha256::new();
        hash.update(frames.to_le_bytes());
        hash.update([size.width.to_le_bytes(), size.height.to_le_bytes()].concat());
        for name in names {
            let meta = fs::metadata(folder.join(name)).ok()?;
            if meta.nlink() < 2 {
                return None;
            }
            hash.update([meta.dev().to_le_bytes(), meta.ino().to_le_bytes()].concat());
        }
        Some(hex(&hash.finalize()))
    }

    #[cfg(not(unix))]
    fn identity(&self, _: &[String], _: u64, _: Size) -> Option<String> {
        None
    }

    fn pngs(&self, names: &[String], size: Size) -> Result<Side> {
        let mut side = Side::default();
        let mut hash = Sha256::new();
        let (mut reader, mut picture) = (PngReader::new(), Picture::default());
        for (index, name) in names.iter().enumerate() {
            let bytes = match self.bytes(name)? {
                Ok(bytes) => bytes,
                Err(what) => {
                    side.problems.push((index, what));
                    continue;
                }
            };
            hash.update(&bytes);
            match reader.picture_of(&bytes, Path::new(name), &mut picture) {
                Err(error) => side.problems.push((index, reason(error)?)),
                Ok(()) if (picture.width, picture.height) != (size.width, size.height) => {
                    let found = format!("{}x{}", picture.width, picture.height);
                    side.problems.push((index, unfit(&found, size)));
                }
                Ok(()) => {}
            }
        }
        side.sha256 = hex(&hash.finalize());
        Ok(side)
    }

    fn clip_file(&self, name: &str, frames: u64, size: Size) -> Result<Side> {
        let mut side = Side::default();
        let path = match self.store.fetch(name, self.scratch) {
            Ok(path) => path,
            Err(error) => {
                side.problems.push((0, reason(error)?));
                return Ok(side);
            }
        };
        let looked = (|| {
            side.sha256 = sha256_of(&path)?;
            let reader = ClipReader::open(&path)?;
            let format = reader.format();
            if (format.width, format.height) != (size.width, size.height) {
                let found = format!("{}x{}", format.width, format.height);
                return Err(Error::corrupt(&path, unfit(&found, size)));
            }
            if reader.frames() as u64 != frames {
                let found = reader.frames();
                let what = format!("it has {found} frames, and its record {frames}");
                return Err(Error::corrupt(&path, what));
            }
            let pool = FramePool::new();
            for index in 0..reader.frames() {
                reader.frame(index, &pool)?;
                side.damaged += u64::from(reader.damage(index).is_some());
            }
            Ok(())
        })();
        if self.store.folder().is_none() {
            // A dataset may be larger than this machine's disk.
            let _ = fs::remove_file(&path);
        }
        if let Err(error) = looked {
            side.problems.push((0, reason(error)?));
        }
        Ok(side)
    }

    /// Masks fit their pictures, and something is lost in each.
    fn masks(&self, scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Result<()> {
        let size = scope.clip.lr;
        let mut reader = PngReader::new();
        for index in &scope.masks {
            let name = png("mask", &scope.clip.stem, *index);
            let bytes = match self.bytes(&name)? {
                Ok(bytes) => bytes,
                Err(what) => {
                    problems.push(Problem::new(name, what));
                    continue;
                }
            };
            match reader.mask_of(&bytes, Path::new(&name), size.width, size.height) {
                Err(error) => problems.push(Problem::new(name, reason(error)?)),
                Ok(mask) if mask.count() == 0 => {
                    problems.push(Problem::new(name, "nothing is lost in it"));
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// A file's bytes, or what is wrong with it.
    fn bytes(&self, name: &str) -> Result<Result<Vec<u8>, String>> {
        match self.store.get_bytes(name) {
            Ok(Some(bytes)) => Ok(Ok(bytes)),
            Ok(None) => Ok(Err("it is missing".into())),
            Err(error) => Ok(Err(reason(error)?)),
        }
    }
}

/// As many frames are marked as the record says were damaged. Frames that were not sent repeat the
/// one before with its mask, and of every K-th frame only some are kept.
fn damage(scope: &Scope<'_>, marked: u64, problems: &mut Vec<Problem>) {
    let clip = scope.clip;
    let damaged = clip.loss.as_ref().map_or(0, |loss| loss.damaged_frames);
    let all_kept = scope.recipe.get("every").and_then(Value::as_u64) == Some(1);
    let most = damaged + clip.dropped_frames;
    if marked > most || (all_kept && marked < damaged) {
        let what = format!("{marked} of its frames have masks, and its record says {damaged}");
        problems.push(Problem::new(&clip.stem, what));
    }
}

fn unfit(found: &str, size: Size) -> String {
    format!(
        "its pictures are {found}, and its record says {}x{}",
        size.width, size.height
    )
}

/// What is wrong with a file; an error is one where looking itself failed.
fn reason(error: Error) -> Result<String> {
    match error {
        Error::Corrupt { reason, .. } => Ok(reason),
        error @ Error::Newer { .. } => Ok(error.to_string()),
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Ok("it is missing".into())
        }
        // A scratch disk that is full says nothing about the dataset.
        error @ Error::Io { .. } if !error.is_full_disk() => Ok(error.to_string()),
        error => Err(error),
    }
}
