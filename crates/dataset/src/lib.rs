//! Pairs of damaged and whole video to train on: made, kept and read.
#![forbid(unsafe_code)]

pub mod capture;
mod clip;
pub mod content;
mod digest;
mod error;
pub mod inspect;
pub mod make;
pub mod manifest;
pub mod picture;
pub mod recipe;
pub mod sources;
pub mod store;
pub mod verify;

pub use clip::{ClipReader, ClipWriter};
pub use error::Error;

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;
