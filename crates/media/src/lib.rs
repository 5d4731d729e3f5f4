//! libav at arm's length: reading, writing and drawing video.
//!
//! The rest of nervure sees [`Frame`](nervure_frame::Frame)s and the types of this crate, never a
//! libav type. `unsafe` stays in the private `av` module.

mod av;
pub mod camera;
mod clock;
mod decoding;
pub mod degrade;
mod demux;
mod describe;
pub mod draw;
mod encode;
mod error;
mod input;
mod leap;
mod locate;
mod loss;
mod mux;
mod reader;
mod repair;
pub mod scenes;
mod segment;
mod source;
mod subtitle;
mod timeline;
mod transit;
mod y4m;

pub use av::library_version;
pub use av::packet::Packet;
pub use demux::{Demuxer, OpenOptions};
pub use encode::{Codec, EncodeSettings, Encoder, Memory, PictureSpec, VideoTrack};
pub use error::Error;
pub use input::Input;
pub use loss::{Channel, LossModel, LossTrace};
pub use mux::{
    Action, MuxOptions, MuxReport, Muxer, Output, Plan, StreamPlan, container_keeps_rotation,
};
pub use reader::{Damage, Reader};
pub use repair::{Around, Mender};
pub use segment::{SegmentInfo, SegmentReader, SegmentWriter};
pub use source::{Hdr, SourceInfo, StreamInfo, StreamKind, VideoInfo};
pub use transit::{LossLevel, Transit, TransitSettings, TransitStats};
pub use y4m::{Interlacing, RawWriter, Y4mHeader, Y4mReader, Y4mWriter};

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;
