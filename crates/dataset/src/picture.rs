//! Pictures as PNG files, for any other tool.
//!
//! A frame becomes 8-bit RGB by the matrix, range and chroma position that it names; samples of 10
//! bits are rounded, since what reads folders of pictures expects bytes (clips keep all ten). A mask
//! becomes a grey picture with one pixel for each macroblock: 255 where it was lost.
//!
//! A PNG of ours says in a text chunk `nervure` how its colours were made, as in
//! `matrix 1 limited`, so that luma can be had back from it.

mod pack;
mod read;
mod rgb;
mod write;
mod yuv;

pub use pack::{Packing, Pictures, pack};
pub use read::{Picture, PngReader};
pub use rgb::{ToRgb, View, matrix_of_size};
pub use write::PngWriter;

/// The text chunk that says how colours were made.
const KEYWORD: &str = "nervure";

#[cfg(test)]
mod tests;
