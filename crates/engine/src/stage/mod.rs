//! The contract of everything between a source and a sink.

mod calibrate;
mod float;
mod pace;
mod paced;
mod ready;
mod recover;
mod smooth;
mod upscale;

use nervure_frame::{Frame, PictureFormat};

use crate::Error;

pub use float::FloatUpscale;
pub use pace::Budget;
pub use paced::{Clock, Paced, Tally};
pub use recover::{Recover, mend_by_motion};
pub use smooth::Smooth;
pub use upscale::{Luma, Upscale};

/// What a stage has for its caller.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // Moved once a frame; a box would be an allocation a frame.
pub enum Pull {
    /// The next picture, in display order.
    Frame(Frame),
    /// Nothing until more is pushed.
    NeedMore,
    /// Nothing ever again: the stage was flushed and is empty.
    End,
}

/// A step of the picture path. Frames go in and come out in display order; a stage may hold some
/// back, and need not give one out for each one in.
///
/// The caller pulls until [`Pull::NeedMore`] after each push, calls [`Stage::flush`] once after the
/// last, and pulls until [`Pull::End`]. A stage whose format does not fit its frames says so with an
/// error and can be used no further.
pub trait Stage: Send {
    /// The format of the frames that come out when `input` goes in.
    fn output(&self, input: PictureFormat) -> PictureFormat;

    /// Gives the stage the next frame.
    fn push(&mut self, frame: Frame) -> Result<(), Error>;

    /// Takes the next finished frame.
    fn pull(&mut self) -> Result<Pull, Error>;

    /// Says that no frame follows.
    fn flush(&mut self) -> Result<(), Error>;
}
