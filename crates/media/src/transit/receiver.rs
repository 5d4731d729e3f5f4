//! The receiving end: one frame out for each that was sent, whatever arrived.

use std::collections::{BTreeMap, VecDeque};

use nervure_frame::{Colour, Frame, LossMask, PictureFormat, Planes, TimeBase, Timestamp};

use super::TransitStats;
use crate::av::convert::Converter;
use crate::av::decode::{Decoder, Received, Sent};
use crate::av::frame_in::RawFrame;
use crate::av::{self, log};
use crate::describe::MAX_SAMPLES;
use crate::{Error, Packet, PictureSpec, Result, VideoTrack};

/// Failures for one packet after which the decoder is left alone until the next.
const MOST_FAILURES: u32 = 16;

/// A decoder, and what to show where it has nothing.
pub(super) struct Receiver {
    decoder: Decoder,
    converter: Converter,
    format: PictureFormat,
    base: TimeBase,
    /// Filled by the decoder.
    raw: RawFrame,
    /// The last picture given out, as the decoder keeps it: shown again where the next is missing.
    last: Option<RawFrame>,
    /// Frames that were sent and whose turn has not come, in display order.
    expected: VecDeque<Expected>,
    /// What was lost of pictures inside the decoder, by their time.
    masks: BTreeMap<i64, LossMask>,
    /// Frames whose turn has come. Those to hold are made when they are taken: a decoder that waits
    /// for a keyframe leaves many of them at once.
    ready: VecDeque<(Expected, Option<Arrived>)>,
    stats: TransitStats,
}

/// What is known about a frame before it arrives.
struct Expected {
    pts: Timestamp,
    duration: Option<i64>,
    colour: Colour,
    /// `pts` on the clock of the packets.
    ticks: i64,
}

/// A decoded picture.
struct Arrived {
    raw: RawFrame,
    lost: Option<LossMask>,
}

impl Receiver {
    pub(super) fn open(track: &VideoTrack, spec: &PictureSpec) -> Result<Self> {
        let parameters = track.parameters.get();
        // More threads would hold back more pictures, and H.264 would flag fewer damaged ones.
        let decoder = Decoder::with_parameters(parameters, Some(track.time_base), 1, MAX_SAMPLES)
            .map_err(|code| {
            let why = code.map_or_else(|| "there is no decoder".into(), av::reason);
            Error::Unsupported {
                what: format!("{} cannot be decoded: {why}", track.codec),
                hint: Some("install an FFmpeg with its decoder".into()),
            }
        })?;
        Ok(Receiver {
            decoder,
            converter: Converter::new(),
            format: spec.format,
            base: track.time_base,
            raw: RawFrame::new(),
            last: None,
            expected: VecDeque::new(),
            masks: BTreeMap::new(),
            ready: VecDeque::new(),
            stats: TransitStats::default(),
        })
    }

    /// Says that a frame with this time, duration and colour was sent.
    pub(super) fn expect(&mut self, (pts, duration, colour): (Timestamp, Option<i64>, Colour)) {
        self.expected.push_back(Expected {
            pts,
            duration,
            colour,
            ticks: pts.rescale(self.base).ticks,
        });
    }

    /// Decodes a packet of which `lost` did not arrive.
    pub(super) fn decode(&mut self, packet: &Packet, lost: Option<LossMask>) {
        if let (Some(mask), Some(pts)) = (lost, packet.pts()) {
            self.masks.insert(pts, mask);
        }
        log::forget();
        let mut refused = false;
        for _ in 0..MOST_FAILURES {
            let sent = self.decoder.send(Some(packet));
            refused |= matches!(sent, Sent::Refused(_));
            refused |= self.receive();
            if !matches!(sent, Sent::Full) {
                break;
            }
        }
        if refused {
            self.stats.refused_packets += 1;
            let reason = log::last_error().unwrap_or_default();
            tracing::debug!(pts = packet.pts(), reason, "the decoder refused a packet");
        }
    }

    /// Lets the turn of all that was sent come: nothing more arrives.
    pub(super) fn finish(&mut self) {
        self.decoder.send(None);
        self.receive();
        self.hold_before(i64::MAX);
    }

    /// Takes the next frame whose turn has come.
    pub(super) fn pull(&mut self) -> Result<Option<Frame>> {
        let Some((expected, arrived)) = self.ready.pop_front() else {
            return Ok(None);
        };
        let damage = match arrived {
            Some(arrived) => {
                self.last = Some(arrived.raw);
                arrived.lost
            }
            None => {
                self.stats.held_frames += 1;
                Some(LossMask::lost(self.format.width, self.format.height))
            }
        };
        self.stats.frames += 1;
        if let Some(mask) = &damage {
            self.stats.damaged_frames += 1;
            self.stats.lost_macroblocks += mask.count() as u64;
        }
        self.show(&expected, damage).map(Some)
    }

    /// The part of the statistics that is known here.
    pub(super) fn stats(&self) -> TransitStats {
        self.stats
    }

    /// Takes what the decoder has; whether it failed at anything.
    fn receive(&mut self) -> bool {
        let mut failures = 0;
        while failures < MOST_FAILURES {
            match self.decoder.receive(&mut self.raw) {
                Received::Frame => self.take(),
                Received::NeedMore | Received::End => break,
                Received::Failed(_) => failures += 1,
            }
        }
        failures > 0
    }

    /// Lets the turn of the picture come that the decoder has filled in, and before it that of those
    /// that never came.
    fn take(&mut self) {
        let Some(ticks) = self.raw.pts() else {
            self.stats.late_frames += 1;
            return;
        };
        let lost = self.masks.remove(&ticks);
        let flagged = self.raw.is_corrupt();
        self.stats.flagged_frames += u64::from(flagged);
        self.stats.disputed_frames += u64::from(flagged != lost.is_some());
        self.hold_before(ticks);
        match self.expected.pop_front_if(|front| front.ticks == ticks) {
            None => self.stats.late_frames += 1,
            Some(expected) => {
                let arrived = self.fits().then(|| Arrived {
                    raw: std::mem::replace(&mut self.raw, RawFrame::new()),
                    lost,
                });
                self.ready.push_back((expected, arrived));
            }
        }
    }

    /// Whether the decoder's picture is one of those that were sent.
    fn fits(&mut self) -> bool {
        let (width, height) = (self.raw.width(), self.raw.height());
        self.converter.pixels(&self.raw).is_ok_and(|pixels| {
            PictureFormat::new(width, height, pixels.chroma, pixels.depth) == self.format
        })
    }

    /// Lets the turn of each frame come that is shown before `ticks` and did not arrive.
    fn hold_before(&mut self, ticks: i64) {
        while let Some(expected) = self.expected.pop_front_if(|front| front.ticks < ticks) {
            self.ready.push_back((expected, None));
        }
    }

    /// The last picture as the expected frame; mid-grey where there is none yet.
    fn show(&mut self, expected: &Expected, damage: Option<LossMask>) -> Result<Frame> {
        let mut frame = match &self.last {
            Some(last) => self
                .converter
                .frame(last, expected.colour, expected.pts)
                .map_err(|error| Error::Av {
                    action: "cannot convert a decoded picture".into(),
                    reason: error.to_string(),
                })?,
            None => grey(self.format, expected.pts),
        };
        // What the samples mean is what went in, even where the codec cannot say it.
        frame.colour = expected.colour;
        frame.duration = expected.duration;
        frame.damage = damage;
        Ok(frame)
    }
}

fn grey(format: PictureFormat, pts: Timestamp) -> Frame {
    let mut frame = Frame::new(format, pts);
    match &mut frame.planes {
        Planes::Eight(planes) => planes.iter_mut().for_each(|plane| plane.fill(128)),
        Planes::Ten(planes) => planes.iter_mut().for_each(|plane| plane.fill(512)),
    }
    frame
}
