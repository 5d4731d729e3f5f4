//! The picture path between a source and a sink: stages, and the threads that run them.
#![forbid(unsafe_code)]

mod error;
pub mod pipeline;
mod stage;

pub use error::Error;
pub use stage::{Pull, Stage, Upscale};
