//! Video as it arrives: encoded, sent over a network that loses some of it, and decoded.
//!
//! A [`Transit`] is a stage from frames to frames. For each frame that goes in, one comes out, with
//! the same timestamp, format and colour, in the same order: as a player would have shown it at that
//! moment.
//!
//! **What is lost.** At [`LossLevel::Frame`] a packet is a coded picture. At [`LossLevel::Slice`] it
//! is one of the slices of an H.264 picture, and the decoder conceals its macroblocks from what it
//! has; a picture that loses all its slices is lost like a whole one. What a stream cannot be started
//! without (the codec's header) always arrives, and so does the first picture, unless
//! [`TransitSettings::first_arrives`] is off: a player shows nothing before it.
//!
//! **What a mask means.** [`Frame::damage`] marks the macroblocks whose own data was lost. A picture
//! that was lost, or that the decoder could not or would not decode because others were lost (VP9,
//! AV1, HEVC and VP8 decoders often wait for a keyframe), is replaced by the picture before it and
//! marked everywhere; before the first picture that can be decoded, by mid-grey. A picture that was
//! decoded from damaged references is not marked: its data arrived, though it may look wrong. Such
//! drift lasts until the next keyframe, so with losses there is one every two seconds instead of
//! every ten, unless the settings say otherwise.
//!
//! **The same bytes.** Encoder and decoder have one thread each, so the same frames, settings and
//! seed give the same frames.

mod receiver;
mod slices;

use std::fmt;
use std::str::FromStr;

use nervure_frame::{Frame, Timestamp};

use crate::{
    Channel, Codec, EncodeSettings, Encoder, Error, LossModel, Packet, PictureSpec, Result,
};
use receiver::Receiver;
use slices::SliceMap;

/// Seconds from one keyframe to the next where packets can be lost.
const HEALING_SECONDS: f64 = 2.0;
/// As many slices as video calls cut a picture in.
const USUAL_SLICES: usize = 8;

/// What of a stream is lost at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LossLevel {
    /// One of the slices that a picture is cut in: H.264 only.
    Slice,
    /// A picture.
    #[default]
    Frame,
}

impl LossLevel {
    /// The finest that the codec has here.
    pub fn finest(codec: Codec) -> Self {
        match codec {
            Codec::H264 => LossLevel::Slice,
            _ => LossLevel::Frame,
        }
    }
}

/// How video is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitSettings {
    /// How it is encoded. The number of threads is not followed: it is one. An encoder with a low
    /// memory need is asked for with [`EncodeSettings::memory`].
    pub encode: EncodeSettings,
    /// What the network loses.
    pub loss: LossModel,
    /// In which pieces.
    pub level: LossLevel,
    /// Decides which packets are lost.
    pub seed: u64,
    /// Slices of a picture at [`LossLevel::Slice`]; pictures with fewer rows of macroblocks have one
    /// for each row.
    pub slices: usize,
    /// Nothing of the first picture is lost.
    pub first_arrives: bool,
}

impl Default for TransitSettings {
    fn default() -> Self {
        TransitSettings {
            encode: EncodeSettings::default(),
            loss: LossModel::None,
            level: LossLevel::Frame,
            seed: 0,
            slices: USUAL_SLICES,
            first_arrives: true,
        }
    }
}

/// What became of the video so far; whole after the flush and the last pull.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransitStats {
    /// Frames given out.
    pub frames: u64,
    /// Coded bytes, before any was lost.
    pub bytes: u64,
    /// Coded bits in a second, by the timestamps, before any was lost.
    pub bitrate: u64,
    /// Pieces that were sent: slices or pictures.
    pub packets: u64,
    /// Those of them that were lost.
    pub lost_packets: u64,
    /// Those of them that were slices.
    pub lost_slices: u64,
    /// Frames given out with anything marked.
    pub damaged_frames: u64,
    /// Those of them that are the frame before, or grey.
    pub held_frames: u64,
    /// Macroblocks marked, in all frames.
    pub lost_macroblocks: u64,
    /// Decoded frames that the decoder itself called damaged.
    pub flagged_frames: u64,
    /// Decoded frames that lost slices but were not flagged, or the reverse. The decoder also flags
    /// frames that refer to one that is missing, so the reverse is no error.
    pub disputed_frames: u64,
    /// Packets that the decoder refused.
    pub refused_packets: u64,
    /// Frames that the decoder gave out after their turn.
    pub late_frames: u64,
}

/// Encodes, loses and decodes.
///
/// ```
/// use nervure_frame::{BitDepth, Chroma, PictureFormat, TimeBase};
/// use nervure_media::scenes::{Renderer, Scene, SceneSpec};
/// use nervure_media::{LossLevel, PictureSpec, Transit, TransitSettings};
///
/// let format = PictureFormat::new(96, 64, Chroma::C420, BitDepth::Eight);
/// let scene = Renderer::new(SceneSpec {
///     scene: Scene::Sports,
///     seed: 1,
///     format,
///     frame_rate: (25, 1),
///     frames: 10,
/// })?;
/// let settings = TransitSettings {
///     loss: "0.2".parse()?,
///     level: LossLevel::Slice,
///     ..TransitSettings::default()
/// };
/// let mut transit = Transit::open(&settings, &PictureSpec::new(format, TimeBase::new(1, 25)))?;
/// let mut damaged = 0;
/// for number in 0..10 {
///     transit.push(scene.frame(number))?;
///     while let Some(frame) = transit.pull()? {
///         damaged += usize::from(frame.damage.is_some());
///     }
/// }
/// transit.flush()?;
/// while let Some(frame) = transit.pull()? {
///     damaged += usize::from(frame.damage.is_some());
/// }
/// assert_eq!(transit.stats().frames, 10);
/// assert_eq!(transit.stats().damaged_frames, damaged as u64);
/// # Ok::<(), nervure_media::Error>(())
/// ```
pub struct Transit {
    encoder: Encoder,
    channel: Channel,
    level: LossLevel,
    receiver: Receiver,
    size: (usize, usize),
    /// Whether the next packet is that of the first picture, and spared.
    spare: bool,
    sent: Sent,
}

/// What went into the network.
#[derive(Default)]
struct Sent {
    bytes: u64,
    packets: u64,
    lost: u64,
    /// From the first picture's time to the last one's end.
    span: Option<(Timestamp, Timestamp)>,
}

impl Transit {
    /// Opens the encoder and the decoder for pictures of this kind.
    pub fn open(settings: &TransitSettings, spec: &PictureSpec) -> Result<Self> {
        let codec = settings.encode.codec;
        if settings.level == LossLevel::Slice && LossLevel::finest(codec) != LossLevel::Slice {
            return Err(Error::Unsupported {
                what: format!("slices of {codec} cannot be lost one by one"),
                hint: Some("lose whole frames, or choose --codec h264".into()),
            });
        }
        let channel = settings.loss.channel(settings.seed)?;
        let mut encode = settings.encode.clone();
        encode.threads = 1;
        if !settings.loss.is_none() && encode.keyframe_seconds.is_none() {
            encode.keyframe_seconds = Some(HEALING_SECONDS);
        }
        if settings.level == LossLevel::Slice {
            let slices = settings.slices.max(1).to_string();
            encode.options.insert(0, ("slices".into(), slices));
        }
        let encoder = Encoder::open(&encode, spec)?;
        let receiver = Receiver::open(&encoder.track(), spec)?;
        Ok(Transit {
            encoder,
            channel,
            level: settings.level,
            receiver,
            size: (spec.format.width, spec.format.height),
            spare: settings.first_arrives,
            sent: Sent::default(),
        })
    }

    /// Sends the next frame in display order.
    pub fn push(&mut self, frame: Frame) -> Result<()> {
        let expected = (frame.pts, frame.duration, frame.colour);
        self.encoder.push(frame)?;
        self.receiver.expect(expected);
        self.send()
    }

    /// Says that no frame follows.
    pub fn flush(&mut self) -> Result<()> {
        self.encoder.flush()?;
        self.send()?;
        self.receiver.finish();
        Ok(())
    }

    /// Takes the next frame that arrived. `None` means that more frames are needed, or after a flush
    /// that all came.
    pub fn pull(&mut self) -> Result<Option<Frame>> {
        self.receiver.pull()
    }

    /// libav's name of the encoder.
    pub fn encoder(&self) -> &'static str {
        self.encoder.name()
    }

    /// What became of the video so far.
    pub fn stats(&self) -> TransitStats {
        let seconds = self
            .sent
            .span
            .map_or(0.0, |(first, end)| end.seconds() - first.seconds());
        let bits = self.sent.bytes as f64 * 8.0;
        TransitStats {
            bytes: self.sent.bytes,
            bitrate: if seconds > 0.0 {
                (bits / seconds).round() as u64
            } else {
                0
            },
            packets: self.sent.packets,
            lost_packets: self.sent.lost,
            lost_slices: match self.level {
                LossLevel::Slice => self.sent.lost,
                LossLevel::Frame => 0,
            },
            ..self.receiver.stats()
        }
    }

    fn send(&mut self) -> Result<()> {
        while let Some(packet) = self.encoder.pull()? {
            self.sent.count(&packet);
            match self.level {
                LossLevel::Frame => {
                    if !self.lose() {
                        self.receiver.decode(&packet, None);
                    }
                }
                LossLevel::Slice => self.send_slices(&packet)?,
            }
            self.spare = false;
        }
        Ok(())
    }

    fn send_slices(&mut self, packet: &Packet) -> Result<()> {
        let failed = |reason: String| Error::Av {
            action: "cannot take apart the slices of a picture".into(),
            reason,
        };
        let map = SliceMap::of(packet.data(), self.size).map_err(failed)?;
        let lost: Vec<bool> = (0..map.slices()).map(|_| self.lose()).collect();
        if !lost.contains(&true) {
            self.receiver.decode(packet, None);
        } else if lost.contains(&false) {
            let (rest, mask) = map.without(packet.data(), &lost);
            let mut left = Packet::copy(&rest, packet.time_base())
                .ok_or_else(|| failed("no memory".into()))?;
            left.set_pts(packet.pts());
            left.set_dts(packet.dts());
            left.set_duration(packet.duration());
            left.set_key(packet.is_key());
            self.receiver.decode(&left, Some(mask));
        }
        Ok(())
    }

    /// Whether the network loses the next piece. It is asked about spared ones too, so that sparing
    /// them does not change what becomes of the others.
    fn lose(&mut self) -> bool {
        let lost = self.channel.lose() && !self.spare;
        self.sent.packets += 1;
        self.sent.lost += u64::from(lost);
        lost
    }
}

impl Sent {
    fn count(&mut self, packet: &Packet) {
        self.bytes += packet.data().len() as u64;
        let Some(pts) = packet.pts() else { return };
        let base = packet.time_base();
        let start = Timestamp::new(pts, base);
        let end = Timestamp::new(pts.saturating_add(packet.duration().unwrap_or(0)), base);
        let (first, last) = self.span.unwrap_or((start, end));
        self.span = Some((first.min(start), last.max(end)));
    }
}

impl fmt::Display for LossLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LossLevel::Slice => "slice",
            LossLevel::Frame => "frame",
        })
    }
}

impl FromStr for LossLevel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "slice" => Ok(LossLevel::Slice),
            "frame" => Ok(LossLevel::Frame),
            _ => Err(Error::Unsupported {
                what: format!("no level of losses is called {text:?}"),
                hint: Some("choose slice or frame".into()),
            }),
        }
    }
}
