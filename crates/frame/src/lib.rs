//! Pictures and time: the types that every other room speaks.
//!
//! A [`Frame`] is one picture in display order: three [`Plane`]s of 8- or 10-bit samples, the
//! [`Colour`] that says what the samples mean, an exact [`Timestamp`], and, where the network
//! damaged it, a [`LossMask`]. Frames are never serialised; what outlives a process lives elsewhere.
//!
//! This crate does no I/O, starts no threads and contains no `unsafe`. It allocates only when a
//! plane is made, and a [`FramePool`] makes even that rare.
//!
//! ```
//! use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, TimeBase, Timestamp};
//!
//! let format = PictureFormat::new(64, 36, Chroma::C420, BitDepth::Eight);
//! let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::new(1, 25)));
//! frame.planes.eight_mut().expect("an 8-bit frame")[0].fill(128);
//! assert_eq!(frame.planes.size(1), (32, 18));
//! assert_eq!(frame.pts.seconds(), 0.0);
//! ```
#![forbid(unsafe_code)]

mod colour;
mod format;
mod frame;
mod mask;
pub mod metrics;
mod plane;
mod pool;
mod rotation;
mod time;

pub use colour::{ChromaLocation, Colour, Range};
pub use format::{BitDepth, Chroma, PictureFormat};
pub use frame::{Frame, Planes};
pub use mask::{LossMask, MACROBLOCK};
pub use plane::{Plane, Sample};
pub use pool::FramePool;
pub use rotation::Rotation;
pub use time::{TimeBase, Timestamp};
