//! A run of frames as bare samples in one file: what training reads at random, without decoding.
//!
//! All numbers are little-endian. A file is a header of 4096 bytes, the frames, and an index:
//!
//! | offset | what |
//! |---|---|
//! | 0 | magic `\x89NRVCLP\n` |
//! | 8 | version `u32` |
//! | 12 | width and height of luma, `u32` each |
//! | 20 | chroma `u8` (0: 4:2:0, 1: 4:2:2, 2: 4:4:4), bits of a sample `u8` (8 or 10), bytes of a sample `u8` (1 or 2), 0 |
//! | 24 | range, primaries, transfer, matrix, chroma location, `u8` each (H.273; range 0: unknown, 1: limited, 2: full), three 0 |
//! | 32 | frames `u64` |
//! | 40 | bytes of a frame `u64` |
//! | 48 | length of a tick as a fraction, two `u32` |
//! | 56 | where frames begin `u64` (4096), where the index begins `u64` |
//! | 72 | length of the index `u64`, CRC-32 of the index `u32` |
//! | 4092 | CRC-32 of all before |
//!
//! A frame is its luma plane, then its two chroma planes, rows without gaps, so that the file can be
//! mapped into memory as it is, as an array of frames. The index has an entry for each frame: its time `i64`,
//! its duration `i64` (the smallest `i64`: unknown), CRC-32 of its samples `u32`, whether it is
//! damaged `u32`. Then follows, for each damaged frame, its mask, row by row of macroblocks, the first
//! in the lowest bit.
//!
//! A file has its name only when it is whole and on the disk.

mod header;
mod read;
mod write;

pub use read::ClipReader;
pub use write::ClipWriter;

#[cfg(test)]
mod tests;
