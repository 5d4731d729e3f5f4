//! Frames out of a source.

use std::collections::VecDeque;

use nervure_frame::{Colour, Frame, PictureFormat, TimeBase, Timestamp};

use crate::av::convert::Converter;
use crate::av::decode::{Decoder, Received, Sent};
use crate::av::frame_in::{RawFrame, stream_colour};
use crate::clock::Clock;
use crate::demux::{self, MAX_SAMPLES};
use crate::{Demuxer, Error, Input, OpenOptions, Packet, Result, SourceInfo};

/// What was wrong with a source, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Frames given out though the decoder knows that parts of them are invented.
    pub frames: u64,
    /// Packets that could not be read or that the decoder refused.
    pub packets: u64,
    /// Timestamps that were missing, repeated or went back, and were mended.
    pub timestamps: u64,
    /// Frames that were interlaced and have been deinterlaced.
    pub deinterlaced: u64,
    /// The source broke off before its end.
    pub truncated: bool,
}

/// Gives the frames of a source in display order.
pub struct Reader {
    demuxer: Demuxer,
    decoder: Decoder,
    info: SourceInfo,
    raw: RawFrame,
    converter: Converter,
    clock: Clock,
    stream_colour: Colour,
    format: Option<PictureFormat>,
    ready: VecDeque<Frame>,
    others: Vec<Packet>,
    keep_others: bool,
    /// Everything was sent to the decoder.
    drained: bool,
    damage: Damage,
}

impl Reader {
    /// Opens `input` and decodes its first frame.
    pub fn open(input: &Input, options: &OpenOptions) -> Result<Self> {
        let demuxer = Demuxer::open(input, options)?;
        let info = demuxer.info().clone();
        let stream = demuxer
            .context()
            .stream(info.video.stream)
            .ok_or_else(|| Error::NoVideo {
                name: info.name.clone(),
            })?;
        let decoder = Decoder::open(stream, options.threads, MAX_SAMPLES).map_err(|code| {
            Error::Unsupported {
                what: format!(
                    "the {} video in {} cannot be decoded{}",
                    info.video.codec,
                    info.name,
                    code.map(|code| format!(": {}", crate::av::reason(code)))
                        .unwrap_or_default()
                ),
                hint: None,
            }
        })?;
        let stream_colour = stream_colour(stream.parameters(), false);
        let step = info
            .video
            .frame_rate
            .map_or(1, |(num, den)| frame_ticks(info.video.time_base, num, den));
        let mut reader = Reader {
            demuxer,
            decoder,
            info,
            raw: RawFrame::new(),
            converter: Converter::new(),
            clock: Clock::new(step),
            stream_colour,
            format: None,
            ready: VecDeque::new(),
            others: Vec::new(),
            keep_others: true,
            drained: false,
            damage: Damage::default(),
        };
        match reader.decode()? {
            Some(first) => {
                reader.info.video.format = first.format();
                reader.info.video.colour = first.colour;
                reader.ready.push_back(first);
            }
            None => {
                return Err(Error::Open {
                    name: reader.info.name,
                    reason: format!("no {} picture can be decoded", reader.info.video.codec),
                });
            }
        }
        reader.keep_others = false;
        Ok(reader)
    }

    /// What the source holds.
    pub fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// The container the frames come from; none for a bare stream of pictures (Y4M).
    pub fn demuxer(&self) -> Option<&Demuxer> {
        Some(&self.demuxer)
    }

    /// Whether packets of the other streams are kept for [`Reader::take_others`]; they are not at
    /// first. Asked for before the first frame is taken, none is lost.
    pub fn keep_others(&mut self, keep: bool) {
        self.keep_others = keep;
        for index in 0..self.info.others.len() {
            let stream = self.info.others[index].index;
            self.demuxer.set_wanted(stream, keep);
        }
        if !keep {
            self.others.clear();
        }
    }

    /// The packets of other streams that were passed on the way to the last frame.
    pub fn take_others(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.others)
    }

    /// What was wrong so far.
    pub fn damage(&self) -> Damage {
        let read = self.demuxer.damage();
        Damage {
            packets: self.damage.packets + read.packets,
            truncated: self.damage.truncated || read.truncated,
            timestamps: self.clock.mended(),
            ..self.damage
        }
    }

    /// The next frame, or `None` after the last.
    #[allow(clippy::should_implement_trait)] // It can fail, and an iterator of results reads worse.
    pub fn next(&mut self) -> Result<Option<Frame>> {
        if let Some(frame) = self.ready.pop_front() {
            return Ok(Some(frame));
        }
        self.decode()
    }

    /// Goes to a keyframe at or before `to`: the next frame is the first that can be decoded from
    /// there, and the caller drops those before what it wants.
    pub fn seek(&mut self, to: Timestamp) -> Result<()> {
        self.demuxer.seek(to)?;
        self.decoder.reset();
        self.clock.reset();
        self.ready.clear();
        self.others.clear();
        self.drained = false;
        Ok(())
    }

    fn decode(&mut self) -> Result<Option<Frame>> {
        loop {
            match self.decoder.receive(&mut self.raw) {
                Received::Frame => return self.finish().map(Some),
                Received::End => return Ok(None),
                Received::NeedMore if self.drained => return Ok(None),
                Received::NeedMore => self.feed()?,
                Received::Failed(_) => self.damage.packets += 1,
            }
        }
    }

    fn feed(&mut self) -> Result<()> {
        while let Some(packet) = self.demuxer.next()? {
            if packet.stream() != self.info.video.stream {
                if self.keep_others {
                    self.others.push(packet);
                }
                continue;
            }
            match self.decoder.send(Some(&packet)) {
                Sent::Taken | Sent::Full => {}
                Sent::Refused(_) => self.damage.packets += 1,
            }
            return Ok(());
        }
        self.drained = true;
        self.decoder.send(None);
        Ok(())
    }

    fn finish(&mut self) -> Result<Frame> {
        let raw = &self.raw;
        demux::check_size(raw.width(), raw.height(), &self.info.name)?;
        let duration = raw.duration();
        let ticks = self.clock.next(raw.timestamp(), duration);
        let pts = Timestamp::new(ticks, self.info.video.time_base);
        let mut frame = self
            .converter
            .frame(raw, self.stream_colour, pts)
            .map_err(|error| Error::Unsupported {
                what: format!("{}: {error}", self.info.name),
                hint: None,
            })?;
        frame.duration = duration;
        self.damage.frames += u64::from(raw.is_corrupt());
        let format = frame.format();
        match self.format {
            Some(before) if before != format => Err(Error::FormatChange {
                from: before.to_string(),
                to: format.to_string(),
                seconds: pts.seconds(),
            }),
            _ => {
                self.format = Some(format);
                Ok(frame)
            }
        }
    }
}

/// Ticks between frames at `num/den` frames a second.
fn frame_ticks(base: TimeBase, num: u32, den: u32) -> i64 {
    base.ticks(f64::from(den) / f64::from(num)).max(1)
}
