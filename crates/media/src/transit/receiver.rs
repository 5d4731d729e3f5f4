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
    /// Refilled by the decoder.
    raw: RawFrame,
    /// The last picture given out, as the decoder keeps it: shown again where the next is missing.
    last: RawFrame,
    has_last: bool,
    /// Frames that were sent and not yet given out, in display order.
    expected: VecDeque<Expected>,
    /// What was lost of pictures inside the decoder, by their time.
    masks: BTreeMap<i64, LossMask>,
    ready: VecDeque<Frame>,
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
            last: RawFrame::new(),
            has_last: false,
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
    pub(super) fn decode(&mut self, packet: &Packet, lost: Option<LossMask>) -> Result<()> {
        if let (Some(mask), Some(pts)) = (lost, packet.pts()) {
            self.masks.insert(pts, mask);
        }
        log::forget();
        let mut refused = false;
        for _ in 0..MOST_FAILURES {
            let sent = self.decoder.send(Some(packet));
            refused |= matches!(sent, Sent::Refused(_));
            refused |= self.receive()?;
            if !matches!(sent, Sent::Full) {
                break;
            }
        }
        if refused {
            self.stats.refused_packets += 1;
            let reason = log::last_error().unwrap_or_default();
            tracing::debug!(pts = packet.pts(), reason, "the decoder refused a packet");
        }
        Ok(())
    }

    /// Gives out all that was sent: nothing more arrives.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.decoder.send(None);
        self.receive()?;
        self.hold_before(i64::MAX)
    }

    pub(super) fn pull(&mut self) -> Option<Frame> {
        let frame = self.ready.pop_front()?;
        self.stats.frames += 1;
        if let Some(mask) = &frame.damage {
            self.stats.damaged_frames += 1;
            self.stats.lost_macroblocks += mask.count() as u64;
        }
        Some(frame)
    }

    /// The part of the statistics that is known here.
    pub(super) fn stats(&self) -> TransitStats {
        self.stats
    }

    /// Takes what the decoder has; whether it failed at anything.
    fn receive(&mut self) -> Result<bool> {
        let mut failures = 0;
        while failures < MOST_FAILURES {
            match self.decoder.receive(&mut self.raw) {
                Received::Frame => self.take()?,
                Received::NeedMore | Received::End => break,
                Received::Failed(_) => failures += 1,
            }
        }
        Ok(failures > 0)
    }

    /// Gives out the picture that the decoder has filled in, behind those that never came.
    fn take(&mut self) -> Result<()> {
        let Some(ticks) = self.raw.pts() else {
            self.stats.late_frames += 1;
            return Ok(());
        };
        let mask = self.masks.remove(&ticks);
        let flagged = self.raw.is_corrupt();
        self.stats.flagged_frames += u64::from(flagged);
        self.stats.disputed_frames += u64::from(flagged != mask.is_some());
        self.hold_before(ticks)?;
        let awaited = self.expected.front().map(|expected| expected.ticks);
        if awaited != Some(ticks) {
            self.stats.late_frames += 1;
            return Ok(());
        }
        if !self.fits() {
            return self.hold_before(ticks.saturating_add(1));
        }
        let Some(expected) = self.expected.pop_front() else {
            return Ok(());
        };
        std::mem::swap(&mut self.raw, &mut self.last);
        self.has_last = true;
        let frame = self.show(&expected, mask)?;
        self.ready.push_back(frame);
        Ok(())
    }

    /// Whether the decoder's picture is one of those that were sent.
    fn fits(&mut self) -> bool {
        let (width, height) = (self.raw.width(), self.raw.height());
        self.converter.pixels(&self.raw).is_ok_and(|pixels| {
            PictureFormat::new(width, height, pixels.chroma, pixels.depth) == self.format
        })
    }

    /// Holds the last picture for each frame that is shown before `ticks` and did not come.
    fn hold_before(&mut self, ticks: i64) -> Result<()> {
        while let Some(expected) = self.expected.pop_front_if(|front| front.ticks < ticks) {
            let lost = LossMask::lost(self.format.width, self.format.height);
            let frame = self.show(&expected, Some(lost))?;
            self.stats.held_frames += 1;
            self.ready.push_back(frame);
        }
        Ok(())
    }

    /// The last picture as the expected frame; mid-grey where there is none yet.
    fn show(&mut self, expected: &Expected, damage: Option<LossMask>) -> Result<Frame> {
        let mut frame = if self.has_last {
            self.converter
                .frame(&self.last, expected.colour, expected.pts)
                .map_err(|error| Error::Av {
                    action: "cannot convert a decoded picture".into(),
                    reason: error.to_string(),
                })?
        } else {
            grey(self.format, expected.pts)
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
