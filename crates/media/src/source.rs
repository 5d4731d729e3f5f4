//! What a source holds, as plain data.

use std::sync::Arc;

use nervure_frame::{Colour, PictureFormat, Rotation, TimeBase, Timestamp};

/// What was found when a source was opened.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// As the user named it.
    pub name: String,
    /// libav's name of the container, as in `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// Seconds from the first moment to the last, where the container says.
    pub duration: Option<f64>,
    /// When the first of its streams begins, where that is known.
    pub start: Option<Timestamp>,
    /// Its clock began before the source did and says nothing about it, as in a broadcast: the
    /// source begins at `start`. Otherwise it begins at zero, whatever its streams begin at.
    pub broadcast_clock: bool,
    /// Whether the source can be asked to start elsewhere.
    pub seekable: bool,
    /// The stream whose pictures are given out.
    pub video: VideoInfo,
    /// Every other stream, in the order of the container.
    pub others: Vec<StreamInfo>,
    /// How many chapters there are.
    pub chapters: usize,
}

/// The stream whose pictures are given out.
#[derive(Clone, Debug)]
pub struct VideoInfo {
    /// Its number in the container.
    pub stream: usize,
    /// libav's name of its codec, as in `h264`.
    pub codec: String,
    /// The format of the frames given out.
    pub format: PictureFormat,
    /// libav's name of the pixel format that is stored, as in `yuv420p`.
    pub source_pixels: String,
    /// The frames given out are not exactly what is stored: RGB, more than 10 bits, alpha.
    pub converted: bool,
    /// The clock of its timestamps.
    pub time_base: TimeBase,
    /// The first timestamp, where the container says.
    pub start: Option<i64>,
    /// Frames in a second as a fraction, on average. A hint: timestamps are what counts.
    pub frame_rate: Option<(u32, u32)>,
    /// How many frames there are, as far as the container knows or the duration tells.
    pub frames: Option<u64>,
    /// What the samples of the frames given out mean; frames may differ.
    pub colour: Colour,
    /// Width to height of one sample; 1:1 when unknown.
    pub sample_aspect: (u32, u32),
    /// How players turn the picture. The frames given out are not turned.
    pub rotation: Rotation,
    /// The first frame, or the container's word for the whole stream, is interlaced.
    pub interlaced: bool,
    /// What was said about the display the material was graded on.
    pub hdr: Hdr,
}

/// Static HDR metadata, kept as libav's own bytes: only a writer linked to the same libav can use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hdr {
    /// SMPTE ST 2086, an `AVMasteringDisplayMetadata`.
    pub(crate) mastering: Option<Arc<[u8]>>,
    /// CTA-861.3, an `AVContentLightMetadata`.
    pub(crate) light: Option<Arc<[u8]>>,
}

impl Hdr {
    /// Nothing was said.
    pub fn is_empty(&self) -> bool {
        self.mastering.is_none() && self.light.is_none()
    }
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// Sound.
    Audio,
    /// Text or pictures of text.
    Subtitle,
    /// Timed data such as telemetry or timecode.
    Data,
    /// A file, such as a font.
    Attachment,
    /// A still picture, such as cover art.
    Picture,
    /// Video beside the stream that was chosen.
    Video,
}

/// A stream that is carried along but not decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its number in the container.
    pub index: usize,
    /// What it carries.
    pub kind: StreamKind,
    /// libav's name of its codec.
    pub codec: String,
    /// The language it is tagged with, usually in three letters.
    pub language: Option<String>,
    /// The title it is tagged with.
    pub title: Option<String>,
}
