//! libav at arm's length: reading, writing and drawing video.
//!
//! The rest of nervure sees [`Frame`](nervure_frame::Frame)s and the types of this crate, never a
//! libav type. `unsafe` stays in the private `av` module.

mod error;

pub use error::Error;

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;
