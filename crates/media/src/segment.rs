//! A stretch of encoded video in a file of our own, so that a long job can be taken up again.
//!
//! All numbers are little-endian. A file is a header, packets, and a trailer:
//!
//! - header: magic `\x89NRVSEG\n`, version `u32`, the track's fingerprint `u32`, the clock as two
//!   `u32`, CRC-32 of all before;
//! - packet: `1u8`, flags `u8` (1: keyframe), pts, dts and duration `i64` each (the smallest `i64`: none),
//!   number of side blocks `u16`, length of the data `u32`, then for each block its kind `u32`, its
//!   length `u32` and its bytes, then the data, then CRC-32 of all that;
//! - trailer: `2u8`, number of packets `u64`, CRC-32 of the whole file before this number.
//!
//! A file has its name only when it is whole and on the disk.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use nervure_frame::TimeBase;

use crate::av::packet_side::QUALITY_STATS;
use crate::encode::VideoTrack;
use crate::{Error, Packet, Result};

const MAGIC: [u8; 8] = *b"\x89NRVSEG\n";
const VERSION: u32 = 1;
const PACKET: u8 = 1;
const TRAILER: u8 = 2;
const KEY: u8 = 1;
const NONE: i64 = i64::MIN;
/// Bytes of a packet record before its side blocks, the first byte included.
const FIXED: usize = 1 + 1 + 3 * 8 + 2 + 4;
/// Magic, version, fingerprint, clock, checksum.
const HEADER: usize = 8 + 4 + 4 + 8 + 4;
/// Read and written at once.
const BUFFER: usize = 1 << 18;

/// Writes a segment.
///
/// The file appears under its name with [`SegmentWriter::finish`]; dropped before, it leaves nothing.
#[derive(Debug)]
pub struct SegmentWriter {
    file: Option<BufWriter<File>>,
    hash: Hasher,
    count: u64,
    part: PathBuf,
    path: PathBuf,
    time_base: TimeBase,
    record: Vec<u8>,
}

impl SegmentWriter {
    /// Begins a segment of packets of `track`.
    pub fn create(path: &Path, track: &VideoTrack) -> Result<Self> {
        let mut part = OsString::from(path);
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|source| writing(path, source))?;
        let time_base = track.time_base();
        let mut writer = SegmentWriter {
            file: Some(BufWriter::with_capacity(BUFFER, file)),
            hash: Hasher::new(),
            count: 0,
            part,
            path: path.to_owned(),
            time_base,
            record: Vec::new(),
        };
        writer.record.extend(MAGIC);
        for number in [VERSION, track.fingerprint(), time_base.num, time_base.den] {
            writer.record.extend(number.to_le_bytes());
        }
        writer.put_record()?;
        Ok(writer)
    }

    /// Adds a packet.
    pub fn push(&mut self, packet: &Packet) -> Result<()> {
        let refuse = |what: &str| Error::Unsupported {
            what: format!("{}: a packet {what}", self.path.display()),
            hint: None,
        };
        if packet.time_base() != self.time_base {
            return Err(refuse("counts on another clock"));
        }
        let blocks: Vec<_> = packet
            .side_blocks()
            .filter(|(kind, _)| *kind != QUALITY_STATS)
            .collect();
        let data = packet.data();
        let size = u32::try_from(data.len()).map_err(|_| refuse("is too long"))?;
        let count = u16::try_from(blocks.len()).map_err(|_| refuse("has too much beside it"))?;
        let record = &mut self.record;
        record.clear();
        record.push(PACKET);
        record.push(if packet.is_key() { KEY } else { 0 });
        for ticks in [packet.pts(), packet.dts(), packet.duration()] {
            record.extend(ticks.unwrap_or(NONE).to_le_bytes());
        }
        record.extend(count.to_le_bytes());
        record.extend(size.to_le_bytes());
        for (kind, bytes) in blocks {
            let size = u32::try_from(bytes.len()).map_err(|_| refuse("is too long"))?;
            record.extend(kind.to_le_bytes());
            record.extend(size.to_le_bytes());
            record.extend(bytes);
        }
        record.extend(data);
        self.put_record()?;
        self.count += 1;
        Ok(())
    }

    /// Ends the segment: returns when the disk has it and it has its name.
    pub fn finish(mut self) -> Result<()> {
        let path = self.path.clone();
        self.record.clear();
        self.record.push(TRAILER);
        self.record.extend(self.count.to_le_bytes());
        let mut hash = self.hash.clone();
        hash.update(&self.record);
        self.record.extend(hash.finalize().to_le_bytes());
        let file = self.file.take();
        let write = || -> io::Result<()> {
            let Some(mut file) = file else { return Ok(()) };
            file.write_all(&self.record)?;
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            fs::rename(&self.part, &self.path)?;
            // A name is on the disk when its folder is.
            #[cfg(unix)]
            if let Some(folder) = self.path.parent() {
                let folder = if folder.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    folder
                };
                File::open(folder)?.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|source| {
            let _ = fs::remove_file(&self.part);
            writing(&path, source)
        })
    }

    /// Writes the record with its checksum.
    fn put_record(&mut self) -> Result<()> {
        let checksum = crc32fast::hash(&self.record);
        self.record.extend(checksum.to_le_bytes());
        self.hash.update(&self.record);
        match &mut self.file {
            Some(file) => file
                .write_all(&self.record)
                .map_err(|source| writing(&self.path, source)),
            None => Ok(()),
        }
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Given up: nobody will look for it, and what is left is found by its ending.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// What a whole segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// How many packets.
    pub packets: u64,
    /// [`VideoTrack::fingerprint`] of the track it belongs to.
    pub fingerprint: u32,
    /// The clock of its packets.
    pub time_base: TimeBase,
    /// The time of the picture that is shown first.
    pub first: Option<i64>,
    /// The time at which the picture that is shown last ends.
    pub end: Option<i64>,
}

/// Reads the packets of a segment, checking each. After an error it gives nothing more.
pub struct SegmentReader<R = BufReader<File>> {
    reader: R,
    /// Bytes not read yet.
    left: u64,
    hash: Hasher,
    path: PathBuf,
    fingerprint: u32,
    time_base: TimeBase,
    count: u64,
    ended: bool,
}

impl SegmentReader {
    /// Opens a segment and checks its header.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| reading(path, source))?;
        let data = file.metadata().map_err(|source| reading(path, source))?;
        let reader = BufReader::with_capacity(BUFFER, file);
        SegmentReader::new(reader, data.len(), path)
    }

    /// Reads a segment from front to back and says what it holds, or what is wrong with it.
    pub fn verify(path: &Path) -> Result<SegmentInfo> {
        let mut reader = SegmentReader::open(path)?;
        let mut info = SegmentInfo {
            packets: 0,
            fingerprint: reader.fingerprint,
            time_base: reader.time_base,
            first: None,
            end: None,
        };
        for packet in &mut reader {
            let packet = packet?;
            info.packets += 1;
            if let Some(pts) = packet.pts() {
                let end = pts.saturating_add(packet.duration().unwrap_or(0));
                info.first = Some(info.first.map_or(pts, |first| first.min(pts)));
                info.end = Some(info.end.map_or(end, |last| last.max(end)));
            }
        }
        Ok(info)
    }
}

impl<R: Read> SegmentReader<R> {
    /// Reads a segment of `length` bytes from `reader`. `path` is for messages.
    pub fn new(reader: R, length: u64, path: &Path) -> Result<Self> {
        let mut segment = SegmentReader {
            reader,
            left: length,
            hash: Hasher::new(),
            path: path.to_owned(),
            fingerprint: 0,
            time_base: TimeBase::MICROS,
            count: 0,
            ended: false,
        };
        let mut header = [0; HEADER];
        segment.fill(&mut header)?;
        let (body, checksum) = header.split_at(HEADER - 4);
        if !body.starts_with(&MAGIC) {
            return Err(segment.corrupt("it is no segment of nervure's"));
        }
        if number(body, 8) != VERSION {
            return Err(segment.corrupt(&format!(
                "it is of version {}, not {VERSION}",
                number(body, 8)
            )));
        }
        let (num, den) = (number(body, 16), number(body, 20));
        if crc32fast::hash(body) != number(checksum, 0) || num == 0 || den == 0 {
            return Err(segment.corrupt("the checksum of its header is wrong"));
        }
        segment.fingerprint = number(body, 12);
        segment.time_base = TimeBase::new(num, den);
        segment.hash.update(&header);
        Ok(segment)
    }

    /// [`VideoTrack::fingerprint`] of the track it belongs to.
    pub fn fingerprint(&self) -> u32 {
        self.fingerprint
    }

    /// The clock of its packets.
    pub fn time_base(&self) -> TimeBase {
        self.time_base
    }

    fn read_record(&mut self) -> Result<Option<Packet>> {
        let mut kind = [0];
        self.fill(&mut kind)?;
        match kind[0] {
            PACKET => self.read_packet().map(Some),
            TRAILER => self.read_trailer().map(|()| None),
            _ => Err(self.corrupt("a packet does not begin like one")),
        }
    }

    fn read_packet(&mut self) -> Result<Packet> {
        let mut fixed = [0; FIXED];
        fixed[0] = PACKET;
        self.fill(&mut fixed[1..])?;
        let ticks = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&fixed[at..at + 8]);
            Some(i64::from_le_bytes(bytes)).filter(|ticks| *ticks != NONE)
        };
        let blocks = u16::from_le_bytes([fixed[26], fixed[27]]);
        let mut hash = Hasher::new();
        hash.update(&fixed);
        self.hash.update(&fixed);
        let mut side = Vec::new();
        for _ in 0..blocks {
            let mut header = [0; 8];
            self.fill(&mut header)?;
            let bytes = self.fill_vec(number(&header, 4))?;
            for part in [&header[..], &bytes] {
                hash.update(part);
                self.hash.update(part);
            }
            side.push((number(&header, 0), bytes));
        }
        let data = self.fill_vec(number(&fixed, 28))?;
        hash.update(&data);
        self.hash.update(&data);
        let mut checksum = [0; 4];
        self.fill(&mut checksum)?;
        self.hash.update(&checksum);
        if hash.finalize() != number(&checksum, 0) {
            return Err(self.corrupt(&format!("the checksum of packet {} is wrong", self.count)));
        }
        let packet = Packet::copy(&data, self.time_base).and_then(|mut packet| {
            let added = side
                .iter()
                .all(|(kind, bytes)| packet.add_side_block(*kind, bytes));
            added.then_some(packet)
        });
        let Some(mut packet) = packet else {
            return Err(self.corrupt("a packet is larger than libav can take"));
        };
        packet.set_time_base(self.time_base);
        packet.set_pts(ticks(2));
        packet.set_dts(ticks(10));
        packet.set_duration(ticks(18));
        packet.set_key(fixed[1] & KEY != 0);
        self.count += 1;
        Ok(packet)
    }

    fn read_trailer(&mut self) -> Result<()> {
        let mut count = [0; 8];
        self.fill(&mut count)?;
        let mut checksum = [0; 4];
        self.fill(&mut checksum)?;
        self.hash.update(&[TRAILER]);
        self.hash.update(&count);
        if self.hash.clone().finalize() != number(&checksum, 0)
            || u64::from_le_bytes(count) != self.count
        {
            return Err(self.corrupt("its trailer does not belong to it"));
        }
        if self.left > 0 {
            return Err(self.corrupt("something follows its end"));
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        let length = buffer.len() as u64;
        if length > self.left {
            return Err(self.corrupt("it breaks off"));
        }
        self.left -= length;
        self.reader.read_exact(buffer).map_err(|source| {
            if source.kind() == io::ErrorKind::UnexpectedEof {
                self.corrupt("it breaks off")
            } else {
                reading(&self.path, source)
            }
        })
    }

    /// No more is asked for than the file can still hold.
    fn fill_vec(&mut self, length: u32) -> Result<Vec<u8>> {
        if u64::from(length) > self.left {
            return Err(self.corrupt("a packet is longer than what is left of it"));
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn corrupt(&self, reason: &str) -> Error {
        Error::Corrupt {
            path: self.path.clone(),
            reason: reason.to_owned(),
        }
    }
}

impl<R: Read> Iterator for SegmentReader<R> {
    type Item = Result<Packet>;

    fn next(&mut self) -> Option<Result<Packet>> {
        if self.ended {
            return None;
        }
        let record = self.read_record().transpose();
        self.ended = !matches!(record, Some(Ok(_)));
        record
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

fn writing(path: &Path, source: io::Error) -> Error {
    Error::Io {
        action: format!("write {}", path.display()),
        source,
    }
}

fn reading(path: &Path, source: io::Error) -> Error {
    Error::Io {
        action: format!("read {}", path.display()),
        source,
    }
}

#[cfg(test)]
mod tests;
