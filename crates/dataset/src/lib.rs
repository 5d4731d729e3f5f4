//! Pairs of damaged and whole video to train on: made, kept and read.
#![forbid(unsafe_code)]

mod clip;
pub mod content;
mod error;
pub mod manifest;
pub mod picture;
pub mod store;

pub use clip::{ClipReader, ClipWriter};
pub use error::Error;

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;
