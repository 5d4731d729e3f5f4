//! The picture path between a source and a sink: stages, and the threads that run them.
//!
//! A model is read from its file and put into a stage:
//!
//! ```no_run
//! use nervure_engine::{Model, Pull, Stage, Upscale};
//! use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, TimeBase, Timestamp};
//!
//! let model = Model::from_bytes(&std::fs::read("models/residual-espcn-x2-m.int8.safetensors")?)?;
//! let small = PictureFormat::new(960, 540, Chroma::C420, BitDepth::Eight);
//! let mut upscale = Upscale::new(small, (1920, 1080), model, 2)?;
//! upscale.push(Frame::new(small, Timestamp::new(0, TimeBase::new(1, 25))))?;
//! if let Pull::Frame(large) = upscale.pull()? {
//!     assert_eq!(large.format().width, 1920);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod float;
mod model;
pub mod pipeline;
mod stage;
mod workers;

pub use error::Error;
pub use float::{Fitted, FloatModel};
pub use model::{Model, whole_numbers};
pub use stage::{
    Budget, Clock, FloatUpscale, Luma, Paced, Pull, Recover, Smooth, Stage, Tally, Upscale,
    mend_by_motion,
};
