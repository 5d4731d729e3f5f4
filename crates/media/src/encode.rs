//! Frames into packets.

mod alone;
mod codec;
mod hdr;
mod recipe;
pub(crate) mod reorder;
mod small;
mod track;

use std::collections::{BTreeMap, VecDeque};

use nervure_frame::{Colour, Frame, PictureFormat, Rotation, TimeBase, Timestamp};

use crate::av::encode::{EncoderContext, Received, Sent, has_encoder};
use crate::av::frame_out::Picture;
use crate::av::options::Options;
use crate::av::{init, log, reason};
use crate::source::Hdr;
use crate::{Error, Packet, Result};

use alone::Alone;
pub use codec::Codec;
use recipe::{Clock, Recipe};
use reorder::Reorder;
pub use track::VideoTrack;

/// Not every libav says how many pictures x265 holds back: at most these, with B-frames that refer to
/// B-frames.
const X265_DELAY: i32 = 2;

/// libav's name of the encoder that needs some care.
const SVT_AV1: &str = "libsvtav1";

/// How much memory an encoder may take. Most of it is pictures that it looks ahead to, and pays back in
/// bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// As its preset has it.
    #[default]
    Usual,
    /// It looks less far ahead: a fifth to a half less for a little quality, in the same time.
    Lean,
    /// As little as goes without taking longer. With x264, threads share each picture, which takes more
    /// bits than [`Memory::Lean`].
    Least,
}

/// What the user chooses about encoding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodeSettings {
    /// The codec.
    pub codec: Codec,
    /// Constant quality, lower is better: 18 for H.264, 20 for HEVC, 12 for VP8, 30 for VP9 and AV1
    /// when neither this nor `bitrate` is given. H.264 takes -12 to 51, HEVC 0 to 51, and whole
    /// numbers VP8 from 4 to 63, VP9 from 0 to 63, AV1 from 1 to 63; FFV1 is lossless and takes none.
    pub crf: Option<f32>,
    /// Bits in a second on average; beside `crf`, the most that quality may cost.
    pub bitrate: Option<u64>,
    /// Speed against size, `ultrafast` to `placebo`, `medium` when none is given. VP8, VP9 and AV1
    /// also take their encoders' numbers (`cpu-used` 0 to 16 for VP8, 0 to 8 for VP9 and libaom;
    /// SVT-AV1 0 to 13); `medium` is 4 for VP8 and VP9, 8 for SVT-AV1 and 6 for libaom.
    pub preset: Option<String>,
    /// How many threads; 0 leaves it to the encoder. Another number may give other bytes.
    pub threads: usize,
    /// Seconds from one keyframe to the next at most, 10 when none is given. Damage heals at a
    /// keyframe.
    pub keyframe_seconds: Option<f64>,
    /// How much memory the encoder may take.
    pub memory: Memory,
    /// Options of libav's encoder, over everything above.
    pub options: Vec<(String, String)>,
}

/// What the pictures are.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureSpec {
    /// Size, subsampling and depth of every frame.
    pub format: PictureFormat,
    /// What the samples mean.
    pub colour: Colour,
    /// Width to height of one sample.
    pub sample_aspect: (u32, u32),
    /// The clock of the frames, kept to the tick.
    pub time_base: TimeBase,
    /// Frames in a second, roughly: rate control and keyframes go by it, timestamps do not.
    pub frame_rate: Option<(u32, u32)>,
    /// How players shall turn the picture; containers carry it, codecs do not.
    pub rotation: Rotation,
    /// What was said about the display the material was graded on.
    pub hdr: Hdr,
}

impl PictureSpec {
    /// Pictures of this format on this clock, with square samples and nothing else known.
    pub fn new(format: PictureFormat, time_base: TimeBase) -> Self {
        PictureSpec {
            format,
            colour: Colour::UNSPECIFIED,
            sample_aspect: (1, 1),
            time_base,
            frame_rate: None,
            rotation: Rotation::default(),
            hdr: Hdr::default(),
        }
    }
}

/// Turns frames in display order into packets in coding order.
///
/// The caller pulls until `None` after each push, calls [`Encoder::flush`] once after the last frame
/// and pulls until `None`. Packets carry exactly the times of the frames, each lasting until the next
/// frame; decoding times increase. The same frames with the same settings and threads give the same
/// bytes.
pub struct Encoder {
    context: EncoderContext,
    name: &'static str,
    spec: PictureSpec,
    track: VideoTrack,
    clock: Clock,
    clock_base: TimeBase,
    /// What became of the frames inside the encoder, by their time on its clock.
    inside: BTreeMap<i64, Shown>,
    /// The last frame pushed: its time on the encoder's clock and on ours.
    last: Option<(i64, i64)>,
    pushed: i64,
    /// Packets on the encoder's clock, in coding order.
    ready: VecDeque<Packet>,
    reorder: Reorder,
    flushed: bool,
    /// Given back after the context is gone: fields are dropped in their order.
    _alone: Option<Alone>,
}

/// SVT-AV1 that was never given a picture waits for ever when it is closed: it gets one.
impl Drop for Encoder {
    fn drop(&mut self) {
        if self.name == SVT_AV1 && self.pushed == 0 {
            let nothing = Timestamp::new(0, self.spec.time_base);
            // When that fails too, there is nothing else to try.
            let _ = self.push(Frame::new(self.spec.format, nothing));
        }
    }
}

/// When a frame is shown, and for how long once that is known.
struct Shown {
    pts: i64,
    /// The source's word, for the last frame.
    said: Option<i64>,
    duration: Option<i64>,
}

impl Encoder {
    /// Opens the encoder for the settings' codec.
    ///
    /// AV1 by SVT-AV1 is encoded by one encoder at a time in the process: another waits here until the
    /// one at work is dropped. Do not open two in one thread.
    pub fn open(settings: &EncodeSettings, spec: &PictureSpec) -> Result<Self> {
        init();
        if i32::try_from(spec.time_base.num.max(spec.time_base.den)).is_err() {
            return Err(Error::Unsupported {
                what: format!(
                    "a clock of {} is finer than libav can count",
                    spec.time_base
                ),
                hint: None,
            });
        }
        let codec = settings.codec;
        let name = codec.encoder(spec.format, has_encoder)?;
        let recipe = Recipe::new(name, settings, spec)?;
        let mut options: Options = recipe
            .options
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let alone = match name {
            SVT_AV1 => Some(Alone::with_preset(recipe.preset_number())?),
            _ => None,
        };
        log::forget();
        let context =
            EncoderContext::open(name, &recipe.setup, &mut options).map_err(|code| Error::Av {
                action: format!("cannot open the {name} encoder for {}", spec.format),
                reason: log::last_error().unwrap_or_else(|| reason(code)),
            })?;
        if let Some(option) = options.leftover() {
            return Err(Error::Unsupported {
                what: format!("{name} has no option {option:?}"),
                hint: Some(format!("ffmpeg -h encoder={name} lists them")),
            });
        }
        let mut track = VideoTrack::new(codec, context.parameters(), spec);
        if name == "libx265" {
            track.at_least_delay(X265_DELAY);
        }
        let (rate, per) = recipe.setup.frame_rate;
        let step = spec.time_base.ticks(f64::from(per) / f64::from(rate));
        Ok(Encoder {
            context,
            name,
            spec: spec.clone(),
            reorder: Reorder::new(track.delay(), step),
            track,
            clock: recipe.clock,
            clock_base: recipe.setup.clock,
            inside: BTreeMap::new(),
            last: None,
            pushed: 0,
            ready: VecDeque::new(),
            flushed: false,
            _alone: alone,
        })
    }

    /// What a container must know about the packets.
    pub fn track(&self) -> VideoTrack {
        self.track.clone()
    }

    /// libav's name of the encoder.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Gives the encoder the next frame, which it uses where it lies.
    pub fn push(&mut self, frame: Frame) -> Result<()> {
        let format = frame.format();
        if format != self.spec.format {
            return Err(Error::FormatChange {
                from: self.spec.format.to_string(),
                to: format.to_string(),
                seconds: frame.pts.seconds(),
            });
        }
        let pts = frame.pts.rescale(self.spec.time_base).ticks;
        if let Some((_, last)) = self.last
            && last >= pts
        {
            return Err(Error::Unsupported {
                what: format!(
                    "a frame at {:.6} s follows one at {:.6} s",
                    frame.pts.seconds(),
                    Timestamp::new(last, self.spec.time_base).seconds()
                ),
                hint: None,
            });
        }
        let inner = self.inner_time(pts);
        if let Some((last_inner, last)) = self.last
            && let Some(shown) = self.inside.get_mut(&last_inner)
        {
            shown.duration = Some(pts - last);
        }
        let said = frame.duration.filter(|ticks| *ticks > 0).map(|ticks| {
            Timestamp::new(ticks, frame.pts.base)
                .rescale(self.spec.time_base)
                .ticks
        });
        self.inside.insert(
            inner,
            Shown {
                pts,
                said,
                duration: None,
            },
        );
        self.last = Some((inner, pts));
        self.pushed += 1;
        let picture = Picture::new(frame, inner);
        self.send(Some(&picture))
    }

    /// Says that no frame follows.
    pub fn flush(&mut self) -> Result<()> {
        if self.flushed {
            return Ok(());
        }
        if let Some((inner, _)) = self.last {
            let usual = self.usual_duration();
            if let Some(shown) = self.inside.get_mut(&inner) {
                shown.duration = Some(shown.said.unwrap_or(usual).max(1));
            }
        }
        self.flushed = true;
        self.send(None)
    }

    /// Takes the next packet. `None` means that it needs more frames, or after a flush that there is
    /// none left.
    pub fn pull(&mut self) -> Result<Option<Packet>> {
        let Some(front) = self.ready.front() else {
            return Ok(None);
        };
        let inner = front.pts().unwrap_or(i64::MIN);
        let Some(shown) = self.inside.get(&inner) else {
            return Err(self.failed("gave a packet for no frame that it was given".into()));
        };
        // How long a frame is shown is known when the next has come.
        let (Some(duration), pts) = (shown.duration, shown.pts) else {
            return Ok(None);
        };
        self.inside.remove(&inner);
        let Some(dts) = self.reorder.next(pts) else {
            return Err(self.failed("reorders pictures further than it says".into()));
        };
        let Some(mut packet) = self.ready.pop_front() else {
            return Ok(None);
        };
        packet.set_time_base(self.spec.time_base);
        packet.set_stream(0);
        packet.set_pts(Some(pts));
        packet.set_dts(Some(dts));
        packet.set_duration(Some(duration));
        Ok(Some(packet))
    }

    fn send(&mut self, picture: Option<&Picture>) -> Result<()> {
        log::forget();
        while let Sent::Full = self.context.send(picture).map_err(|code| self.av(code))? {
            if !self.receive()? {
                return Err(self.failed("takes no frame and gives no packet".into()));
            }
        }
        while self.receive()? {}
        Ok(())
    }

    /// Whether the encoder had a packet.
    fn receive(&mut self) -> Result<bool> {
        match self.context.receive(self.clock_base) {
            Ok(Received::Packet(packet)) => {
                self.ready.push_back(packet);
                Ok(true)
            }
            Ok(Received::NeedMore | Received::End) => Ok(false),
            Err(code) => Err(self.av(code)),
        }
    }

    /// A time on the encoder's clock, different for each frame and increasing.
    fn inner_time(&self, pts: i64) -> i64 {
        match self.clock {
            Clock::Source => pts,
            Clock::Index => self.pushed,
            Clock::Micros => {
                let nearest = Timestamp::new(pts, self.spec.time_base)
                    .rescale(TimeBase::MICROS)
                    .ticks;
                match self.last {
                    Some((last, _)) => nearest.max(last + 1),
                    None => nearest,
                }
            }
        }
    }

    /// For the last frame, when the source does not say how long it is shown.
    fn usual_duration(&self) -> i64 {
        let (rate, per) = self.spec.frame_rate.unwrap_or((25, 1));
        self.spec
            .time_base
            .ticks(f64::from(per) / f64::from(rate.max(1)))
    }

    fn av(&self, code: i32) -> Error {
        self.failed(log::last_error().unwrap_or_else(|| reason(code)))
    }

    fn failed(&self, reason: String) -> Error {
        Error::Av {
            action: format!("the {} encoder failed", self.name),
            reason,
        }
    }
}
