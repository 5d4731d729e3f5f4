//! Open clips: as many as a process may hold, the ones used last.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use nervure_dataset::ClipReader;

use crate::{Error, Result};

/// Files held open. Systems allow 1024 or 256, and others need some too.
const MOST: usize = 160;

/// What a file must hold.
#[derive(Clone, Debug)]
pub(super) struct ClipFile {
    pub(super) path: PathBuf,
    pub(super) size: (usize, usize),
    pub(super) frames: u64,
}

/// All files of a catalogue, for all threads.
#[derive(Debug)]
pub(super) struct Readers {
    files: Vec<ClipFile>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    readers: HashMap<usize, (Arc<ClipReader>, u64)>,
    uses: u64,
}

impl Readers {
    pub(super) fn new(files: Vec<ClipFile>) -> Self {
        Readers {
            files,
            open: Mutex::default(),
        }
    }

    /// A file's reader, opened and compared with what the manifest says if it is not open.
    pub(super) fn get(&self, file: usize) -> Result<Arc<ClipReader>> {
        if let Some(reader) = self.held(file) {
            return Ok(reader);
        }
        // Not under the lock: the others go on meanwhile. Two may open the same file; no harm.
        let reader = Arc::new(self.files[file].open()?);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.readers.len() >= MOST
            && let Some(oldest) = open
                .readers
                .iter()
                .min_by_key(|(_, (_, used))| *used)
                .map(|(file, _)| *file)
        {
            open.readers.remove(&oldest);
        }
        let now = open.uses;
        open.readers.insert(file, (Arc::clone(&reader), now));
        Ok(reader)
    }

    fn held(&self, file: usize) -> Option<Arc<ClipReader>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.uses += 1;
        let now = open.uses;
        let (reader, used) = open.readers.get_mut(&file)?;
        *used = now;
        Some(Arc::clone(reader))
    }
}

impl ClipFile {
    pub(super) fn open(&self) -> Result<ClipReader> {
        let reader = ClipReader::open(&self.path)?;
        let format = reader.format();
        let found = (format.width, format.height, reader.frames() as u64);
        let expected = (self.size.0, self.size.1, self.frames);
        if found == expected {
            return Ok(reader);
        }
        let words = |(width, height, frames)| format!("{frames} frames of {width}x{height}");
        Err(Error::Changed {
            path: self.path.clone(),
            found: words(found),
            expected: words(expected),
        })
    }
}
