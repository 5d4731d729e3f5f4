//! Frames into a clip.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use nervure_frame::{Colour, Frame, PictureFormat, Planes, TimeBase};

use super::header::{Entry, HEADER, Header, index_bytes};
use crate::{Error, Result};

/// Written at once.
const BUFFER: usize = 1 << 18;
/// Written before the disk is asked to take it.
const FLUSH: u64 = 32 << 20;

/// Writes a clip.
///
/// The file appears under its name with [`ClipWriter::finish`]; dropped before, it leaves nothing.
#[derive(Debug)]
pub struct ClipWriter {
    file: BufWriter<File>,
    header: Header,
    entries: Vec<Entry>,
    part: PathBuf,
    path: PathBuf,
    finished: bool,
    flush: Option<Flush>,
}

/// A thread that has the disk take what is written while more is: at the end there is little left to
/// wait for.
#[derive(Debug)]
struct Flush {
    ask: SyncSender<()>,
    unasked: u64,
}

impl Flush {
    fn start(file: File) -> Self {
        let (ask, asked) = sync_channel(1);
        thread::spawn(move || {
            // What fails here fails again where it is told.
            while asked.recv().is_ok() && file.sync_data().is_ok() {}
        });
        Flush { ask, unasked: 0 }
    }

    fn wrote(&mut self, bytes: u64) {
        self.unasked += bytes;
        // A disk that is still busy is asked later.
        if self.unasked >= FLUSH && self.ask.try_send(()).is_ok() {
            self.unasked = 0;
        }
    }
}

impl ClipWriter {
    /// Begins a clip of frames of this format, on this clock.
    pub fn create(
        path: &Path,
        format: PictureFormat,
        colour: Colour,
        time_base: TimeBase,
    ) -> Result<Self> {
        let mut part = OsString::from(path);
        part.push(".part");
        let part = PathBuf::from(part);
        let header = Header {
            format,
            colour,
            time_base,
            frames: 0,
            index_bytes: 0,
            index_crc: 0,
        };
        let writing = || Error::io(format!("write {}", path.display()));
        let mut file = BufWriter::with_capacity(BUFFER, File::create(&part).map_err(writing())?);
        // Its place is kept; what it says comes last.
        file.write_all(&[0; HEADER]).map_err(writing())?;
        Ok(ClipWriter {
            file,
            header,
            entries: Vec::new(),
            part,
            path: path.into(),
            finished: false,
            flush: None,
        })
    }

    /// Has the disk take what is written from time to time, for a large file that must be certain.
    pub fn flush_early(&mut self) -> Result<()> {
        let file = self.file.get_ref().try_clone().map_err(self.writing())?;
        self.flush = Some(Flush::start(file));
        Ok(())
    }

    /// Adds a frame.
    pub fn write(&mut self, frame: &Frame) -> Result<()> {
        if frame.format() != self.header.format {
            return Err(Error::Unsupported {
                what: format!(
                    "a frame of {} does not go into a clip of {}",
                    frame.format(),
                    self.header.format
                ),
                hint: None,
            });
        }
        let mut hash = crc32fast::Hasher::new();
        let mut row_of = |bytes: &[u8]| {
            hash.update(bytes);
            self.file.write_all(bytes)
        };
        let written = match &frame.planes {
            Planes::Eight(planes) => planes
                .iter()
                .flat_map(|plane| plane.rows())
                .try_for_each(&mut row_of),
            Planes::Ten(planes) => {
                let mut bytes = Vec::with_capacity(2 * self.header.format.width);
                planes
                    .iter()
                    .flat_map(|plane| plane.rows())
                    .try_for_each(|row| {
                        bytes.clear();
                        bytes.extend(row.iter().flat_map(|sample| sample.to_le_bytes()));
                        row_of(&bytes)
                    })
            }
        };
        written.map_err(self.writing())?;
        if let Some(flush) = &mut self.flush {
            flush.wrote(self.header.frame_bytes());
        }
        let pts = frame.pts.rescale(self.header.time_base).ticks;
        self.entries.push(Entry {
            pts,
            duration: frame
                .duration
                .filter(|_| frame.pts.base == self.header.time_base),
            crc: hash.finalize(),
            damage: frame.damage.clone(),
        });
        Ok(())
    }

    /// Frames written so far.
    pub fn frames(&self) -> usize {
        self.entries.len()
    }

    /// Makes sure that every byte is on the disk, then gives the file its name.
    pub fn finish(self) -> Result<()> {
        self.end(true)
    }

    /// Gives the file its name though it might not survive a power loss: for what is read again and
    /// thrown away, or made certain later together with others.
    pub fn finish_unsynced(self) -> Result<()> {
        self.end(false)
    }

    fn end(mut self, certain: bool) -> Result<()> {
        let index = index_bytes(&self.entries);
        self.header.frames = self.entries.len() as u64;
        self.header.index_bytes = index.len() as u64;
        self.header.index_crc = crc32fast::hash(&index);
        let header = self.header.bytes();
        let mut end = || {
            self.file.write_all(&index)?;
            self.file.rewind()?;
            self.file.write_all(&header)?;
            self.file.flush()?;
            if certain {
                self.file.get_ref().sync_all()?;
            }
            fs::rename(&self.part, &self.path)
        };
        end().map_err(self.writing())?;
        self.finished = true;
        Ok(())
    }

    fn writing(&self) -> impl FnOnce(std::io::Error) -> Error + use<> {
        Error::io(format!("write {}", self.path.display()))
    }
}

impl Drop for ClipWriter {
    fn drop(&mut self) {
        if !self.finished {
            // It may be gone, or its folder: either way there is nothing more to do.
            let _ = fs::remove_file(&self.part);
        }
    }
}
