//! Datasets of PNG files as clips, made once.
//!
//! A packed clip is named after the digest of the pictures in it, which the manifest knows: pictures
//! that change get another name, pairs that share their high resolution share its clip, and two
//! processes that pack the same make the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use nervure_dataset::ClipReader;
use nervure_dataset::manifest::ClipRecord;
use nervure_dataset::picture::{Packing, Pictures, matrix_of_size, pack};
use nervure_frame::TimeBase;

use super::{LoaderConfig, PlaneSet};
use crate::{Error, Result};

/// The folder beside a dataset.
const FOLDER: &str = ".packed";

/// A clip to be made of pictures, unless it is there.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) path: PathBuf,
    dataset: PathBuf,
    side: &'static str,
    stem: String,
    frames: u64,
    size: (usize, usize),
    sha256: String,
    tick: TimeBase,
    matrix: u8,
    packing: Packing,
}

impl Packed {
    pub(super) fn new(
        config: &LoaderConfig,
        dataset: &Path,
        record: &ClipRecord,
        side: &'static str,
    ) -> Self {
        let (sha256, size) = match side {
            "lr" => (&record.lr_sha256, record.lr),
            _ => (&record.hr_sha256, record.hr),
        };
        let (packing, ending) = match config.planes {
            PlaneSet::Luma | PlaneSet::Yuv => (Packing::Yuv, "yuv"),
            PlaneSet::Rgb => (Packing::Rgb, "rgb"),
        };
        let folder = match &config.packed {
            Some(folder) => folder.clone(),
            None => dataset.join(FOLDER),
        };
        let (num, den) = record.frame_rate.unwrap_or((25, 1));
        Packed {
            path: folder.join(format!("{side}-{sha256}-{ending}.clip")),
            dataset: dataset.into(),
            side,
            stem: record.stem.clone(),
            frames: record.frames,
            size: (size.width, size.height),
            sha256: sha256.clone(),
            // A frame lasts what its rate is one over.
            tick: TimeBase::new(den.max(1), num.max(1)),
            // One for both sides: see there.
            matrix: matrix_of_size(record.hr.width, record.hr.height),
            packing,
        }
    }

    fn is_there(&self) -> bool {
        ClipReader::open(&self.path).is_ok_and(|reader| {
            let format = reader.format();
            (format.width, format.height) == self.size && reader.frames() as u64 == self.frames
        })
    }

    fn make(&self) -> Result<()> {
        let pictures = Pictures {
            dataset: &self.dataset,
            side: self.side,
            stem: &self.stem,
            frames: self.frames,
            size: self.size,
            sha256: &self.sha256,
            tick: self.tick,
            matrix: self.matrix,
        };
        // Under a name of this process first: another may be at it too.
        let part = self
            .path
            .with_extension(format!("{}.clip", std::process::id()));
        pack(&pictures, self.packing, self.side == "lr", &part)?;
        fs::rename(&part, &self.path).map_err(|source| Error::Io {
            action: format!("write {}", self.path.display()),
            source,
        })
    }
}

/// Makes what is not there, on some threads. Of several failures the first in order is told.
pub(super) fn make(all: &[Packed], threads: usize) -> Result<()> {
    let missing: Vec<&Packed> = all.iter().filter(|packed| !packed.is_there()).collect();
    for folder in missing.iter().filter_map(|packed| packed.path.parent()) {
        fs::create_dir_all(folder).map_err(|source| Error::Io {
            action: format!("make {}", folder.display()),
            source,
        })?;
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut failures = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(packed) = missing.get(index) else {
                break;
            };
            if let Err(error) = packed.make() {
                failed.store(true, Ordering::Relaxed);
                failures.push((index, error));
            }
        }
        failures
    };
    let mut failures = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(missing.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let mut failures = work();
        for other in others {
            match other.join() {
                Ok(more) => failures.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        failures
    });
    failures.sort_by_key(|(index, _)| *index);
    match failures.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}
