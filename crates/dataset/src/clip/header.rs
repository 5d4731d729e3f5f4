//! The first bytes of a clip, and its index.

use std::path::Path;

use nervure_frame::{
    BitDepth, Chroma, ChromaLocation, Colour, LossMask, PictureFormat, Range, TimeBase,
};

use crate::{Error, Result};

const MAGIC: [u8; 8] = *b"\x89NRVCLP\n";
const VERSION: u32 = 1;
/// Bytes before the first frame: a page, so that frames can be mapped.
pub(super) const HEADER: usize = 4096;
/// Bytes of an index entry.
pub(super) const ENTRY: usize = 8 + 8 + 4 + 4;
const NONE: i64 = i64::MIN;
/// No picture has a longer side: what a damaged header may ask us to allocate is bounded.
const LONGEST_SIDE: usize = 1 << 16;

/// What the header says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) format: PictureFormat,
    pub(super) colour: Colour,
    pub(super) time_base: TimeBase,
    pub(super) frames: u64,
    pub(super) index_bytes: u64,
    pub(super) index_crc: u32,
}

impl Header {
    /// Bytes of one frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        frame_bytes(self.format)
    }

    /// Where the index begins.
    pub(super) fn index_offset(&self) -> Option<u64> {
        self.frames
            .checked_mul(self.frame_bytes())?
            .checked_add(HEADER as u64)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((self.format.width as u32).to_le_bytes());
        bytes.extend((self.format.height as u32).to_le_bytes());
        bytes.extend([
            match self.format.chroma {
                Chroma::C420 => 0,
                Chroma::C422 => 1,
                Chroma::C444 => 2,
            },
            self.format.depth.bits() as u8,
            sample_bytes(self.format.depth) as u8,
            0,
        ]);
        bytes.extend([
            match self.colour.range {
                Range::Unspecified => 0,
                Range::Limited => 1,
                Range::Full => 2,
            },
            self.colour.primaries,
            self.colour.transfer,
            self.colour.matrix,
            LOCATIONS
                .iter()
                .position(|location| *location == self.colour.location)
                .unwrap_or(0) as u8,
            0,
            0,
            0,
        ]);
        bytes.extend(self.frames.to_le_bytes());
        bytes.extend(self.frame_bytes().to_le_bytes());
        bytes.extend(self.time_base.num.to_le_bytes());
        bytes.extend(self.time_base.den.to_le_bytes());
        bytes.extend((HEADER as u64).to_le_bytes());
        bytes.extend(self.index_offset().unwrap_or(0).to_le_bytes());
        bytes.extend(self.index_bytes.to_le_bytes());
        bytes.extend(self.index_crc.to_le_bytes());
        bytes.resize(HEADER - 4, 0);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let corrupt = |reason: &str| Error::corrupt(path, reason);
        if bytes.len() < HEADER || bytes[..8] != MAGIC {
            return Err(corrupt("it does not begin as a clip does"));
        }
        let version = u32_at(bytes, 8);
        if version > VERSION {
            return Err(Error::Newer {
                path: path.into(),
                found: version.into(),
                known: VERSION.into(),
            });
        }
        if crc32fast::hash(&bytes[..HEADER - 4]) != u32_at(bytes, HEADER - 4) {
            return Err(corrupt("the checksum of its header is wrong"));
        }
        let (width, height) = (u32_at(bytes, 12) as usize, u32_at(bytes, 16) as usize);
        if !(1..=LONGEST_SIDE).contains(&width) || !(1..=LONGEST_SIDE).contains(&height) {
            return Err(corrupt("its pictures have no sensible size"));
        }
        let chroma = match bytes[20] {
            0 => Chroma::C420,
            1 => Chroma::C422,
            2 => Chroma::C444,
            _ => return Err(corrupt("its chroma is none we know")),
        };
        let depth = match (bytes[21], bytes[22]) {
            (8, 1) => BitDepth::Eight,
            (10, 2) => BitDepth::Ten,
            _ => return Err(corrupt("its samples are none we know")),
        };
        let range = match bytes[24] {
            0 => Range::Unspecified,
            1 => Range::Limited,
            2 => Range::Full,
            _ => return Err(corrupt("its range is none we know")),
        };
        let location = *LOCATIONS
            .get(usize::from(bytes[28]))
            .ok_or_else(|| corrupt("its chroma location is none we know"))?;
        let (num, den) = (u32_at(bytes, 48), u32_at(bytes, 52));
        if num == 0 || den == 0 {
            return Err(corrupt("its clock stands still"));
        }
        let header = Header {
            format: PictureFormat::new(width, height, chroma, depth),
            colour: Colour {
                range,
                primaries: bytes[25],
                transfer: bytes[26],
                matrix: bytes[27],
                location,
            },
            time_base: TimeBase::new(num, den),
            frames: u64_at(bytes, 32),
            index_bytes: u64_at(bytes, 72),
            index_crc: u32_at(bytes, 80),
        };
        let places = [u64_at(bytes, 40), u64_at(bytes, 56), u64_at(bytes, 64)];
        let index = header
            .index_offset()
            .ok_or_else(|| corrupt("its length cannot be"))?;
        if places != [header.frame_bytes(), HEADER as u64, index] {
            return Err(corrupt("its parts do not lie where they should"));
        }
        Ok(header)
    }
}

const LOCATIONS: [ChromaLocation; 7] = [
    ChromaLocation::Unspecified,
    ChromaLocation::Left,
    ChromaLocation::Centre,
    ChromaLocation::TopLeft,
    ChromaLocation::Top,
    ChromaLocation::BottomLeft,
    ChromaLocation::Bottom,
];

/// Bytes of one sample.
pub(super) fn sample_bytes(depth: BitDepth) -> usize {
    match depth {
        BitDepth::Eight => 1,
        BitDepth::Ten => 2,
    }
}

/// Bytes of one frame.
pub(super) fn frame_bytes(format: PictureFormat) -> u64 {
    format.samples() as u64 * sample_bytes(format.depth) as u64
}

/// What the index says of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) pts: i64,
    pub(super) duration: Option<i64>,
    pub(super) crc: u32,
    pub(super) damage: Option<LossMask>,
}

pub(super) fn index_bytes(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY);
    for entry in entries {
        bytes.extend(entry.pts.to_le_bytes());
        bytes.extend(entry.duration.unwrap_or(NONE).to_le_bytes());
        bytes.extend(entry.crc.to_le_bytes());
        bytes.extend(u32::from(entry.damage.is_some()).to_le_bytes());
    }
    for mask in entries.iter().filter_map(|entry| entry.damage.as_ref()) {
        let from = bytes.len();
        bytes.resize(from + mask_bytes(mask), 0);
        for (index, (column, row)) in macroblocks(mask).enumerate() {
            if mask.is_lost(column, row) {
                bytes[from + index / 8] |= 1 << (index % 8);
            }
        }
    }
    bytes
}

pub(super) fn parse_index(header: &Header, bytes: &[u8], path: &Path) -> Result<Vec<Entry>> {
    let short = || Error::corrupt(path, "its index is cut off");
    if crc32fast::hash(bytes) != header.index_crc {
        return Err(Error::corrupt(path, "the checksum of its index is wrong"));
    }
    let frames = usize::try_from(header.frames).map_err(|_| short())?;
    let fixed = frames.checked_mul(ENTRY).ok_or_else(short)?;
    let (fixed, mut masks) = bytes.split_at_checked(fixed).ok_or_else(short)?;
    let mut entries = Vec::with_capacity(frames);
    for entry in fixed.chunks_exact(ENTRY) {
        let damage = match u32_at(entry, 20) {
            0 => None,
            1 => {
                let mut mask = LossMask::whole(header.format.width, header.format.height);
                let (bits, rest) = masks
                    .split_at_checked(mask_bytes(&mask))
                    .ok_or_else(short)?;
                masks = rest;
                let whole = mask.clone();
                for (index, (column, row)) in macroblocks(&whole).enumerate() {
                    mask.set(column, row, bits[index / 8] >> (index % 8) & 1 == 1);
                }
                Some(mask)
            }
            _ => return Err(Error::corrupt(path, "its index makes no sense")),
        };
        entries.push(Entry {
            pts: u64_at(entry, 0) as i64,
            duration: Some(u64_at(entry, 8) as i64).filter(|ticks| *ticks != NONE),
            crc: u32_at(entry, 16),
            damage,
        });
    }
    if !masks.is_empty() {
        return Err(Error::corrupt(path, "its index is too long"));
    }
    Ok(entries)
}

fn mask_bytes(mask: &LossMask) -> usize {
    (mask.columns() * mask.rows()).div_ceil(8)
}

fn macroblocks(mask: &LossMask) -> impl Iterator<Item = (usize, usize)> {
    let columns = mask.columns();
    (0..mask.rows()).flat_map(move |row| (0..columns).map(move |column| (column, row)))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
