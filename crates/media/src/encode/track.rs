//! What a container must know about encoded video.

use std::fmt;

use nervure_frame::{Rotation, TimeBase};

use super::{Codec, PictureSpec};
use crate::av::parameters::Parameters;
use crate::source::Hdr;

/// A stream of encoded video before its first packet: what a [`Muxer`](crate::Muxer) needs.
#[derive(Clone)]
pub struct VideoTrack {
    pub(crate) codec: Codec,
    pub(crate) parameters: Parameters,
    pub(crate) time_base: TimeBase,
    pub(crate) frame_rate: Option<(u32, u32)>,
    pub(crate) sample_aspect: (u32, u32),
    pub(crate) rotation: Rotation,
    pub(crate) hdr: Hdr,
}

impl VideoTrack {
    pub(super) fn new(codec: Codec, parameters: Parameters, spec: &PictureSpec) -> Self {
        VideoTrack {
            codec,
            parameters,
            time_base: spec.time_base,
            frame_rate: spec.frame_rate,
            sample_aspect: spec.sample_aspect,
            rotation: spec.rotation,
            hdr: spec.hdr.clone(),
        }
    }

    /// Corrects an encoder that says too little.
    pub(super) fn at_least_delay(&mut self, pictures: i32) {
        let parameters = self.parameters.get_mut();
        parameters.video_delay = parameters.video_delay.max(pictures);
    }

    /// The codec.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The clock of the packets.
    pub fn time_base(&self) -> TimeBase {
        self.time_base
    }

    /// How many pictures a decoder holds back to bring them into order.
    pub fn delay(&self) -> usize {
        usize::try_from(self.parameters.get().video_delay).unwrap_or(0)
    }

    /// A number that two encoders share when the packets of one may follow those of the other in one
    /// stream: same codec, size, sample format, clock and codec header.
    pub fn fingerprint(&self) -> u32 {
        let parameters = self.parameters.get();
        let mut hash = crc32fast::Hasher::new();
        hash.update(self.codec.name().as_bytes());
        for number in [parameters.width, parameters.height, parameters.format] {
            hash.update(&number.to_le_bytes());
        }
        hash.update(&self.time_base.num.to_le_bytes());
        hash.update(&self.time_base.den.to_le_bytes());
        hash.update(self.parameters.extradata());
        hash.finalize()
    }
}

impl fmt::Debug for VideoTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoTrack")
            .field("codec", &self.codec)
            .field("width", &self.parameters.get().width)
            .field("height", &self.parameters.get().height)
            .field("time_base", &self.time_base)
            .field("delay", &self.delay())
            .finish_non_exhaustive()
    }
}
