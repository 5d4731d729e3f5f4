//! Frames, or parts of them, out of a clip.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use nervure_frame::{
    BitDepth, Colour, Frame, FramePool, LossMask, PictureFormat, Plane, Planes, TimeBase, Timestamp,
};

use super::header::{Entry, HEADER, Header, parse_index, sample_bytes};
use crate::{Error, Result};

/// Reads a clip at random, from any number of threads at once.
#[derive(Debug)]
pub struct ClipReader {
    file: File,
    path: PathBuf,
    header: Header,
    entries: Vec<Entry>,
    /// Where the samples of a plane are read to: made once, unless two threads read at once.
    bytes: Mutex<Vec<u8>>,
}

impl ClipReader {
    /// Opens a clip; its header, index and length are checked, its samples are not.
    pub fn open(path: &Path) -> Result<Self> {
        let reading = || Error::io(format!("read {}", path.display()));
        let mut file = File::open(path).map_err(reading())?;
        let length = file.metadata().map_err(reading())?.len();
        let mut head = Vec::with_capacity(HEADER);
        (&mut file)
            .take(HEADER as u64)
            .read_to_end(&mut head)
            .map_err(reading())?;
        let header = Header::parse(&head, path)?;
        let index_offset = header.index_offset();
        let end = index_offset.and_then(|at| at.checked_add(header.index_bytes));
        if end != Some(length) {
            return Err(Error::corrupt(
                path,
                format!("it has {length} bytes, and its header says otherwise"),
            ));
        }
        // Bounded by the length of the file.
        let mut index = vec![0; header.index_bytes as usize];
        file.read_exact_at(&mut index, index_offset.unwrap_or(0))
            .map_err(reading())?;
        let entries = parse_index(&header, &index, path)?;
        Ok(ClipReader {
            file,
            path: path.into(),
            header,
            entries,
            bytes: Mutex::default(),
        })
    }

    /// The format of its frames.
    pub fn format(&self) -> PictureFormat {
        self.header.format
    }

    /// What its samples mean.
    pub fn colour(&self) -> Colour {
        self.header.colour
    }

    /// The clock of its times.
    pub fn time_base(&self) -> TimeBase {
        self.header.time_base
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.entries.len()
    }

    /// When a frame is shown.
    ///
    /// # Panics
    /// When there is no such frame.
    pub fn pts(&self, index: usize) -> Timestamp {
        Timestamp::new(self.entries[index].pts, self.header.time_base)
    }

    /// Where a frame is damaged.
    ///
    /// # Panics
    /// When there is no such frame.
    pub fn damage(&self, index: usize) -> Option<&LossMask> {
        self.entries[index].damage.as_ref()
    }

    /// A whole frame, its checksum checked.
    ///
    /// # Panics
    /// When there is no such frame.
    pub fn frame(&self, index: usize, pool: &FramePool) -> Result<Frame> {
        let entry = &self.entries[index];
        let mut frame = pool.frame(self.header.format, self.pts(index));
        frame.colour = self.header.colour;
        frame.duration = entry.duration;
        frame.damage.clone_from(&entry.damage);
        let mut hash = crc32fast::Hasher::new();
        let mut own = Vec::new();
        let mut shared = self.bytes.try_lock();
        let bytes = shared.as_deref_mut().unwrap_or(&mut own);
        for plane in 0..3 {
            let (width, height) = frame.planes.size(plane);
            match &mut frame.planes {
                Planes::Eight(planes) => {
                    self.eight(index, plane, &mut planes[plane], bytes)?;
                    for row in planes[plane].rows() {
                        hash.update(row);
                    }
                }
                Planes::Ten(planes) => {
                    self.band(index, plane, 0..height, bytes)?;
                    hash.update(bytes);
                    let rows = planes[plane].rows_mut();
                    for (row, source) in rows.zip(bytes.chunks_exact(2 * width)) {
                        for (sample, pair) in row.iter_mut().zip(source.chunks_exact(2)) {
                            // A damaged file must not give samples that no picture has.
                            *sample = u16::from_le_bytes([pair[0], pair[1]]) & 0x3ff;
                        }
                    }
                }
            }
        }
        if hash.finalize() != entry.crc {
            return Err(Error::corrupt(
                &self.path,
                format!("the checksum of frame {index} is wrong"),
            ));
        }
        Ok(frame)
    }

    /// Luma of a frame of 8 bits, for those who need no more. Nothing is checked.
    ///
    /// # Panics
    /// When there is no such frame, or the plane is not of its size.
    pub fn luma(&self, index: usize, into: &mut Plane<u8>) -> Result<()> {
        assert_eq!(self.header.format.depth, BitDepth::Eight);
        self.eight(index, 0, into, &mut Vec::new())
    }

    /// A plane of a frame of 8 bits.
    fn eight(
        &self,
        index: usize,
        plane: usize,
        into: &mut Plane<u8>,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        let (width, height) = self.header.format.plane_size(plane);
        assert_eq!((into.width(), into.height()), (width, height));
        if into.stride() == width {
            // As in the file: what can be large is copied once only.
            return self.read(
                self.offset(index, plane),
                &mut into.data_mut()[..width * height],
            );
        }
        self.band(index, plane, 0..height, bytes)?;
        for (row, source) in into.rows_mut().zip(bytes.chunks_exact(width)) {
            row.copy_from_slice(source);
        }
        Ok(())
    }

    /// The bytes of some rows of one plane of a frame, rows without gaps, as they stand in the file:
    /// for those who need a small part of a picture, and quickly. Nothing is checked.
    ///
    /// # Panics
    /// When there is no such frame, plane or row.
    pub fn band(
        &self,
        index: usize,
        plane: usize,
        rows: Range<usize>,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        let (width, height) = self.header.format.plane_size(plane);
        assert!(rows.end <= height, "rows {rows:?} of {height}");
        let sample = sample_bytes(self.header.format.depth);
        let at = self.offset(index, plane) + (rows.start * width * sample) as u64;
        bytes.resize(rows.len() * width * sample, 0);
        self.read(at, bytes)
    }

    /// Where a plane of a frame begins.
    fn offset(&self, index: usize, plane: usize) -> u64 {
        assert!(index < self.entries.len(), "frame {index}");
        let before: usize = (0..plane)
            .map(|plane| {
                let (width, height) = self.header.format.plane_size(plane);
                width * height
            })
            .sum();
        HEADER as u64
            + index as u64 * self.header.frame_bytes()
            + (before * sample_bytes(self.header.format.depth)) as u64
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(bytes, at).map_err(|source| {
            if source.kind() == io::ErrorKind::UnexpectedEof {
                Error::corrupt(&self.path, "it has become shorter")
            } else {
                Error::io(format!("read {}", self.path.display()))(source)
            }
        })
    }
}
