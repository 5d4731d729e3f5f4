//! Y4M and raw planes, the pictures that programs pass each other through pipes: our own reader and
//! writers, in safe code over any [`Read`](std::io::Read) or [`Write`](std::io::Write).
//!
//! A Y4M stream is a line that says what the pictures are, and then for each picture the line `FRAME`
//! and its samples, plane after plane without padding; ten-bit samples take two bytes, low one first.

mod header;
mod reader;
mod writer;

pub use header::{Interlacing, Y4mHeader};
pub use reader::Y4mReader;
pub(crate) use reader::frames_in;
pub use writer::{RawWriter, Y4mWriter};

/// What every stream begins with.
pub(crate) const MAGIC: &[u8] = b"YUV4MPEG2";
/// The longest header line that is read; real ones have about eighty bytes.
pub(crate) const MAX_HEADER: usize = 1024;
/// Reads and writes large enough that a pipe is emptied or filled at once.
pub(crate) const BUFFER: usize = 256 * 1024;
