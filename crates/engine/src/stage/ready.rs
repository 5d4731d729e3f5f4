//! What stages share that give one frame for each, at once.

use nervure_frame::{Frame, PictureFormat};

use super::Pull;
use crate::Error;

/// The frame that a stage has made and nobody has taken yet, and whether another can follow.
#[derive(Default)]
pub(super) struct Ready {
    frame: Option<Frame>,
    flushed: bool,
}

impl Ready {
    /// Keeps a frame until it is taken.
    pub(super) fn put(&mut self, frame: Frame) {
        debug_assert!(self.frame.is_none(), "pull before the next push");
        self.frame = Some(frame);
    }

    /// [`Stage::pull`](super::Stage::pull).
    pub(super) fn pull(&mut self) -> Pull {
        match self.frame.take() {
            Some(frame) => Pull::Frame(frame),
            None if self.flushed => Pull::End,
            None => Pull::NeedMore,
        }
    }

    /// [`Stage::flush`](super::Stage::flush).
    pub(super) fn flush(&mut self) {
        self.flushed = true;
    }
}

/// Refuses a frame of another format than a stage was made for.
pub(super) fn expect(wanted: PictureFormat, frame: &Frame) -> Result<(), Error> {
    let format = frame.format();
    match format == wanted {
        true => Ok(()),
        false => Err(Error::Format {
            wanted: wanted.to_string(),
            got: format.to_string(),
        }),
    }
}
