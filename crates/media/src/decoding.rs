//! Frames out of a container: demuxer, decoder, deinterlacer and conversion in one line.

use std::collections::VecDeque;

use nervure_frame::{Colour, Frame, PictureFormat, Rotation, TimeBase, Timestamp};

use crate::av::convert::Converter;
use crate::av::decode::{Decoder, Received, Sent};
use crate::av::filter::Deinterlacer;
use crate::av::frame_in::{RawFrame, stream_colour};
use crate::av::pixels::Pixels;
use crate::av::witness::Witness;
use crate::av::{self, ffi, log, side_data};
use crate::clock::Clock;
use crate::describe::{MAX_SAMPLES, check_size};
use crate::repair::Repair;
use crate::source::{Hdr, VideoInfo};
use crate::{Damage, Demuxer, Error, OpenOptions, Packet, Result};

/// Failures of the decoder with no picture between them before the source counts as broken off.
const MAX_FAILURES: u32 = 4096;
/// Pictures after a seek that may be passed over because what they refer to lies before it.
const MAX_UNREADY: u32 = 600;
/// Pictures of another format that damage can bring about; a stream that stays changed has more.
const MAX_ODD: u32 = 12;

/// The pictures of a container's video stream.
pub(crate) struct Decoding {
    demuxer: Demuxer,
    decoder: Decoder,
    /// Knows what of pictures is missing, where that is asked for.
    witness: Option<Witness>,
    /// Mends it, where that is asked for.
    repair: Option<Repair>,
    deinterlacer: Option<Deinterlacer>,
    converter: Converter,
    clock: Clock,
    /// Refilled by the decoder and by the deinterlacer.
    raw: RawFrame,
    filtered: RawFrame,
    /// Timestamps and durations of pictures that the deinterlacer holds.
    held: VecDeque<(i64, Option<i64>)>,
    ready: VecDeque<Frame>,
    /// A packet that the decoder had no room for.
    pending: Option<Packet>,
    others: Vec<Packet>,
    keep_others: bool,
    stream: usize,
    base: TimeBase,
    stream_colour: Colour,
    threads: usize,
    deinterlace: bool,
    /// What the first picture said; later ones have its format.
    first: Option<First>,
    /// Pictures of another format, which are not given out.
    odd: Option<Odd>,
    /// Everything was sent to the decoder.
    drained: bool,
    end: Option<End>,
    failures: u32,
    /// After a seek, how many pictures may still be passed over until one is whole.
    unready: u32,
    /// After a seek, packets are passed over until one can be decoded by itself.
    await_key: bool,
    damage: Damage,
    /// Damaged pictures that were passed over.
    passed: u64,
    /// What of the damage was over at the last keyframe.
    sound: Sound,
}

/// Counts of damage that later pictures cannot show. Pictures come in the order they are shown,
/// packets some time before theirs.
#[derive(Clone, Copy, Default)]
struct Sound {
    /// Damaged pictures before the last keyframe.
    pictures: u64,
    /// Lost packets before that of the last keyframe.
    packets: u64,
    /// Lost packets before that of the next.
    packets_read: u64,
}

/// What the first picture of a stream says.
struct First {
    format: PictureFormat,
    ticks: i64,
    pixels: String,
    converted: bool,
    interlaced: bool,
    sample_aspect: Option<(u32, u32)>,
    rotation: Option<Rotation>,
    hdr: Hdr,
}

/// A run of pictures that are not what the first was.
struct Odd {
    from: PictureFormat,
    to: PictureFormat,
    at: Timestamp,
    pictures: u32,
}

/// Why no more pictures come.
enum End {
    Over,
    Changed {
        from: PictureFormat,
        to: PictureFormat,
        at: Timestamp,
    },
    Refused {
        what: String,
        hint: Option<String>,
    },
}

impl Decoding {
    /// Opens the decoder for the demuxer's video stream.
    pub(crate) fn open(demuxer: Demuxer, options: &OpenOptions) -> Result<Self> {
        let info = demuxer.info();
        let video = &info.video;
        let stream = demuxer
            .context()
            .stream(video.stream)
            .ok_or_else(|| Error::NoVideo {
                name: info.name.clone(),
            })?;
        let finds = options.find_lost || options.mender.is_some();
        let witness = finds.then(|| Witness::open(stream, MAX_SAMPLES)).flatten();
        // What is concealed from pictures that other threads are still at work on depends on which was first.
        let decoder = match witness {
            Some(_) => Decoder::watched(stream, MAX_SAMPLES, options.find_steps),
            None => Decoder::open(stream, options.threads, MAX_SAMPLES, options.find_steps),
        };
        let decoder = decoder.map_err(|code| {
            let why = code.map_or_else(|| "there is no decoder".into(), av::reason);
            Error::Unsupported {
                what: format!(
                    "the {} video in {} cannot be decoded: {why}",
                    video.codec, info.name
                ),
                hint: None,
            }
        })?;
        let step = video.frame_rate.map_or(1, |(num, den)| {
            video.time_base.ticks(f64::from(den) / f64::from(num))
        });
        Ok(Decoding {
            decoder,
            witness,
            repair: options.mender.clone().map(Repair::new),
            deinterlacer: None,
            converter: Converter::new(),
            clock: Clock::new(step),
            raw: RawFrame::new(),
            filtered: RawFrame::new(),
            held: VecDeque::new(),
            ready: VecDeque::new(),
            pending: None,
            others: Vec::new(),
            keep_others: true,
            stream: video.stream,
            base: video.time_base,
            stream_colour: stream_colour(stream.parameters(), false),
            threads: options.threads,
            deinterlace: options.deinterlace,
            first: None,
            odd: None,
            drained: false,
            end: None,
            failures: 0,
            unready: 0,
            await_key: false,
            passed: 0,
            sound: Sound::default(),
            damage: Damage::default(),
            demuxer,
        })
    }

    /// Decodes the first picture, which knows better than the container what the stream holds.
    pub(crate) fn first(&mut self, video: &mut VideoInfo) -> Result<()> {
        let Some(frame) = self.next()? else {
            let said = log::last_error().map(|said| format!(" ({said})"));
            return Err(Error::Open {
                name: self.demuxer.info().name.clone(),
                reason: format!(
                    "not one {} picture in it can be decoded{}",
                    video.codec,
                    said.unwrap_or_default()
                ),
                hint: None,
            });
        };
        video.format = frame.format();
        video.colour = frame.colour;
        self.ready.push_front(frame);
        let Some(first) = &self.first else {
            return Ok(());
        };
        video.source_pixels.clone_from(&first.pixels);
        video.converted = first.converted;
        video.interlaced |= first.interlaced;
        let stream = self.demuxer.context().stream(self.stream);
        // The container's word on aspect counts before the codec's.
        if stream.is_some_and(|stream| stream.container_aspect().is_none())
            && let Some(aspect) = first.sample_aspect
        {
            video.sample_aspect = aspect;
        }
        if let (true, Some(rotation)) = (video.rotation.is_none(), first.rotation) {
            video.rotation = rotation;
        }
        if video.hdr.mastering.is_none() {
            video.hdr.mastering.clone_from(&first.hdr.mastering);
        }
        if video.hdr.light.is_none() {
            video.hdr.light.clone_from(&first.hdr.light);
        }
        Ok(())
    }

    pub(crate) fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    pub(crate) fn keep_others(&mut self, keep: bool) {
        self.keep_others = keep;
        let streams = self.demuxer.context().streams().len();
        for stream in 0..streams {
            if stream != self.stream {
                self.demuxer.set_wanted(stream, keep);
            }
        }
        if !keep {
            self.others = Vec::new();
        }
    }

    pub(crate) fn take_others(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.others)
    }

    pub(crate) fn damage(&self) -> Damage {
        let read = self.demuxer.damage();
        Damage {
            packets: self.damage.packets + read.packets,
            truncated: self.damage.truncated || read.truncated,
            timestamps: self.clock.mended() + self.demuxer.mended(),
            ..self.damage
        }
    }

    /// The next frame in display order, or none after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(Some(frame));
            }
            match &self.end {
                Some(End::Over) => return Ok(None),
                Some(End::Changed { from, to, at }) => {
                    return Err(Error::FormatChange {
                        from: from.to_string(),
                        to: to.to_string(),
                        seconds: at.seconds(),
                    });
                }
                Some(End::Refused { what, hint }) => {
                    return Err(Error::Unsupported {
                        what: what.clone(),
                        hint: hint.clone(),
                    });
                }
                None => {}
            }
            match self.decoder.receive(&mut self.raw) {
                Received::Frame => self.take()?,
                Received::NeedMore if !self.drained => self.feed()?,
                Received::NeedMore | Received::End => self.over()?,
                Received::Failed(code) => self.refused(code)?,
            }
        }
    }

    /// Goes to a keyframe from which every picture at or after `to` can be decoded whole.
    pub(crate) fn seek(&mut self, to: Timestamp) -> Result<()> {
        let said = self.demuxer.info().video.start;
        let seen = self.first.as_ref().map(|first| first.ticks);
        let start = said.or(seen).map(|ticks| Timestamp::new(ticks, self.base));
        let mut target = to;
        let mut back = 1.0;
        loop {
            let at_start = start.is_some_and(|start| target <= start);
            if at_start {
                self.demuxer.rewind()?;
            } else {
                self.demuxer.seek(target)?;
            }
            self.reset();
            // Some containers can only go to a place, not to a keyframe.
            self.await_key = !at_start;
            // Indexes go by decoding time, are coarse or wrong, and pictures behind a keyframe may
            // need what lies before it: what comes out is the proof.
            let first = self.next()?;
            if at_start || first.as_ref().is_some_and(|frame| frame.pts <= to) {
                if let Some(frame) = first {
                    self.ready.push_front(frame);
                }
                return Ok(());
            }
            if back > 1e6 {
                return Err(Error::Av {
                    action: format!("cannot go to {:.3} s", to.seconds()),
                    reason: "no keyframe at or before it was found".into(),
                });
            }
            target = Timestamp::new(to.ticks.saturating_sub(to.base.ticks(back)), to.base);
            back *= 4.0;
        }
    }

    fn reset(&mut self) {
        let packets = self.damage().packets;
        self.sound = Sound {
            pictures: self.damage.frames + self.passed,
            packets,
            packets_read: packets,
        };
        self.decoder.reset();
        if let Some(witness) = &mut self.witness {
            witness.reset();
        }
        if let Some(repair) = &mut self.repair {
            repair.reset();
        }
        self.deinterlacer = None;
        self.held.clear();
        self.ready.clear();
        self.others.clear();
        self.pending = None;
        self.clock.reset();
        self.drained = false;
        self.odd = None;
        self.end = None;
        self.failures = 0;
        self.unready = MAX_UNREADY;
    }

    /// Sends the next packet of the video to the decoder.
    fn feed(&mut self) -> Result<()> {
        let packet = match self.pending.take() {
            Some(packet) => packet,
            None => match self.read()? {
                Some(packet) => packet,
                None => {
                    self.drained = true;
                    self.decoder.send(None);
                    if let Some(witness) = &mut self.witness {
                        witness.send(None);
                    }
                    return Ok(());
                }
            },
        };
        if is_encrypted(&packet) {
            let name = &self.demuxer.info().name;
            return self.finish(End::Refused {
                what: format!("the video in {name} is encrypted"),
                hint: Some("decrypt it first, or give its decryption_key".into()),
            });
        }
        let sent = self.decoder.send(Some(&packet));
        if !matches!(sent, Sent::Full) {
            self.repair(&packet);
        }
        match sent {
            Sent::Taken => Ok(()),
            Sent::Full => {
                // It has asked for more and will not take it: counting ends that.
                self.pending = Some(packet);
                self.failed()
            }
            Sent::Refused(code) => self.refused(code),
        }
    }

    /// Finds what is missing of the picture of a packet that the decoder has taken, and mends that.
    fn repair(&mut self, packet: &Packet) {
        let Some(witness) = &mut self.witness else {
            return;
        };
        let lost = witness.send(Some(packet));
        let drawn = self.decoder.drawn();
        if let (Some(repair), Some(drawn)) = (&mut self.repair, drawn)
            && let Some(time) = packet.pts().or(packet.dts())
            // Rows of interlaced pictures move by themselves.
            && self.damage.deinterlaced == 0
        {
            repair.see(drawn, time, lost.as_ref());
        }
    }

    /// Reads up to the next packet of the video; none at the end of the source.
    fn read(&mut self) -> Result<Option<Packet>> {
        while let Some(packet) = self.demuxer.next()? {
            if packet.stream() == self.stream {
                self.await_key &= !packet.is_key();
                if self.await_key {
                    continue;
                }
                if packet.is_key() {
                    self.sound.packets_read = self.damage().packets;
                }
                return Ok(Some(packet));
            }
            if self.keep_others {
                self.others.push(packet);
            }
        }
        Ok(None)
    }

    /// A packet or picture was lost in the decoder.
    fn refused(&mut self, code: std::ffi::c_int) -> Result<()> {
        tracing::debug!(reason = av::reason(code), "the decoder refused a packet");
        self.damage.packets += 1;
        self.failed()
    }

    fn failed(&mut self) -> Result<()> {
        self.failures += 1;
        if self.failures < MAX_FAILURES {
            return Ok(());
        }
        self.damage.truncated = true;
        self.over()
    }

    /// Counts the picture that the decoder has filled in where it is damaged, or may be.
    fn judge(&mut self, corrupt: bool) {
        let pictures = self.damage.frames + self.passed;
        if corrupt {
            self.damage.frames += 1;
        } else if self.raw.is_key() {
            self.sound.pictures = pictures;
            self.sound.packets = self.sound.packets_read;
        } else if pictures > self.sound.pictures || self.damage().packets > self.sound.packets {
            self.damage.suspect += 1;
        }
    }

    /// Takes the picture that the decoder has filled in.
    fn take(&mut self) -> Result<()> {
        self.failures = 0;
        let corrupt = self.raw.is_corrupt();
        if self.unready > 0 {
            self.unready -= 1;
            if corrupt {
                self.passed += 1;
                return Ok(());
            }
            self.unready = 0;
        }
        let name = &self.demuxer.info().name;
        check_size(self.raw.width(), self.raw.height(), name)?;
        let pixels = match self.converter.pixels(&self.raw) {
            Ok(pixels) => pixels,
            Err(error) => {
                let what = format!("the video in {name} cannot be used: {error}");
                return self.finish(End::Refused { what, hint: None });
            }
        };
        let format = PictureFormat::new(
            self.raw.width(),
            self.raw.height(),
            pixels.chroma,
            pixels.depth,
        );
        let said = self.raw.timestamp();
        let witness = self.witness.as_mut();
        let lost = witness.and_then(|witness| witness.missing(said));
        if let Some(first) = &self.first
            && first.format != format
        {
            let from = first.format;
            let at = said.or(self.clock.last()).unwrap_or(0);
            let at = Timestamp::new(at, self.base);
            let odd = self.odd.get_or_insert(Odd {
                from,
                to: format,
                at,
                pictures: 0,
            });
            odd.pictures += 1;
            return if odd.pictures > MAX_ODD {
                self.over()
            } else {
                Ok(())
            };
        }
        if let Some(odd) = self.odd.take() {
            // The stream is what it was: damage, not a change.
            self.damage.packets += u64::from(odd.pictures);
        }
        let duration = self.raw.duration();
        // Of what is missing, decoders tell what an earlier picture left in the same memory.
        let whole = !corrupt && lost.is_none();
        let step = whole.then(|| self.raw.step()).flatten();
        let ticks = self.clock.next(said, duration);
        let at = Timestamp::new(ticks, self.base);
        if self.first.is_none() {
            self.first = Some(First::of(&self.raw, pixels, format, ticks));
        }
        self.judge(corrupt || lost.is_some());
        if self.raw.is_interlaced() {
            if !self.deinterlace {
                let name = &self.demuxer.info().name;
                return self.finish(End::Refused {
                    what: format!("the video in {name} is interlaced at {:.3} s", at.seconds()),
                    hint: Some("let it be deinterlaced".into()),
                });
            }
            self.damage.deinterlaced += 1;
        }
        self.set_deinterlacer()?;
        let Some(deinterlacer) = &mut self.deinterlacer else {
            let mut frame = self.converter.frame(&self.raw, self.stream_colour, at);
            if let Ok(frame) = &mut frame {
                frame.damage = lost;
                frame.step = step;
            }
            return self.give(frame, duration);
        };
        self.raw.set_pts(ticks);
        self.held.push_back((ticks, duration));
        let pushed = deinterlacer.push(Some(&mut self.raw));
        pushed.map_err(deinterlacing)?;
        self.drain_deinterlacer()
    }

    /// Makes a deinterlacer from the first interlaced picture on, and another where pictures change in
    /// a way that their format does not show.
    fn set_deinterlacer(&mut self) -> Result<()> {
        let fits = self
            .deinterlacer
            .as_ref()
            .is_some_and(|deinterlacer| deinterlacer.fits(&self.raw));
        if fits || (self.deinterlacer.is_none() && !self.raw.is_interlaced()) {
            return Ok(());
        }
        self.flush_deinterlacer()?;
        let made = Deinterlacer::new(&self.raw, self.base, self.threads);
        self.deinterlacer = Some(made.map_err(deinterlacing)?);
        Ok(())
    }

    fn flush_deinterlacer(&mut self) -> Result<()> {
        if let Some(deinterlacer) = &mut self.deinterlacer {
            deinterlacer.push(None).map_err(deinterlacing)?;
            self.drain_deinterlacer()?;
            self.deinterlacer = None;
        }
        Ok(())
    }

    fn drain_deinterlacer(&mut self) -> Result<()> {
        while let Some(deinterlacer) = &mut self.deinterlacer {
            let pulled = deinterlacer.pull(&mut self.filtered);
            let Some(ticks) = pulled.map_err(deinterlacing)? else {
                return Ok(());
            };
            let mut duration = None;
            while let Some((held, ticks_long)) = self.held.front().copied()
                && held <= ticks
            {
                duration = (held == ticks).then_some(ticks_long).flatten();
                self.held.pop_front();
            }
            let at = Timestamp::new(ticks, self.base);
            let frame = self.converter.frame(&self.filtered, self.stream_colour, at);
            self.give(frame, duration)?;
        }
        Ok(())
    }

    fn give(
        &mut self,
        frame: Result<Frame, av::convert::ConvertError>,
        duration: Option<i64>,
    ) -> Result<()> {
        let mut frame = frame.map_err(|error| Error::Av {
            action: format!("cannot convert the video in {}", self.demuxer.info().name),
            reason: error.to_string(),
        })?;
        frame.duration = duration;
        self.ready.push_back(frame);
        Ok(())
    }

    /// Ends the pictures where there are no more, or no more of their format.
    fn over(&mut self) -> Result<()> {
        let end = match self.odd.take() {
            Some(Odd { from, to, at, .. }) => End::Changed { from, to, at },
            None => End::Over,
        };
        self.finish(end)
    }

    /// Gives out what the deinterlacer holds; then `end` comes.
    fn finish(&mut self, end: End) -> Result<()> {
        self.end = Some(end);
        self.flush_deinterlacer()
    }
}

impl First {
    fn of(raw: &RawFrame, pixels: &Pixels, format: PictureFormat, ticks: i64) -> Self {
        use ffi::AVFrameSideDataType as Kind;
        First {
            format,
            ticks,
            pixels: pixels.name.clone(),
            converted: pixels.converted,
            interlaced: raw.is_interlaced(),
            sample_aspect: raw.sample_aspect(),
            rotation: raw
                .side_data(Kind::DISPLAYMATRIX)
                .and_then(side_data::rotation),
            hdr: Hdr {
                mastering: raw
                    .side_data(Kind::MASTERING_DISPLAY_METADATA)
                    .map(Into::into),
                light: raw.side_data(Kind::CONTENT_LIGHT_LEVEL).map(Into::into),
            },
        }
    }
}

/// The container says that the bytes are encrypted, and libav had no key for them.
fn is_encrypted(packet: &Packet) -> bool {
    packet
        .side_data(ffi::AVPacketSideDataType::ENCRYPTION_INFO)
        .is_some()
}

fn deinterlacing(reason: String) -> Error {
    Error::Av {
        action: "cannot deinterlace".into(),
        reason,
    }
}
