//! Packets out of a container.

use std::collections::VecDeque;
use std::ffi::{CString, c_int};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nervure_frame::{TimeBase, Timestamp};

use crate::av::input::{InputContext, Read as Outcome, has_format};
use crate::av::io::Io;
use crate::av::options::Options;
use crate::av::{self, log};
use crate::describe::{MAX_SAMPLES, describe, kind_of};
use crate::leap::{Leaps, drop_wild_pts};
pub(crate) use crate::locate::file_url;
use crate::locate::{cannot_open, check_art, check_file, first_name, seekable_stdin};
use crate::source::{SourceInfo, StreamKind};
use crate::timeline::Timeline;
use crate::{Error, Input, Mender, Packet, Result};

/// Reads that fail one after the other before the source counts as broken off.
const MAX_FAILED_READS: u32 = 256;
/// Packets that are read ahead to judge one that seems far ahead of its stream.
const MAX_AHEAD: usize = 256;

/// How a source is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// libav's name of the container, where it cannot be recognised (`rawvideo`).
    pub format: Option<String>,
    /// Options of that container, as in `video_size=1280x720`.
    pub options: Vec<(String, String)>,
    /// Threads of the decoder; 0 uses every core, up to eight.
    pub threads: usize,
    /// Interlaced pictures are deinterlaced; otherwise they are an error.
    pub deinterlace: bool,
    /// Frames say which of their macroblocks are missing from the stream, where its codec lets that be
    /// found (H.264, not interlaced). It takes a second decoder, and both work on one thread.
    pub find_lost: bool,
    /// Tell how coarsely pictures are coded ([`Frame::step`](nervure_frame::Frame)), of H.264.
    pub find_steps: bool,
    /// What fills those macroblocks, before the decoder makes other pictures from them. Says
    /// [`find_lost`](Self::find_lost) too.
    pub mender: Option<Mender>,
    /// The number of the video stream to decode, where the first choice is not the right one.
    pub stream: Option<usize>,
    /// Setting it ends a wait for a network or device; the source then ends.
    pub interrupt: Option<Arc<AtomicBool>>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            format: None,
            options: Vec::new(),
            threads: 0,
            deinterlace: true,
            find_lost: false,
            find_steps: false,
            mender: None,
            stream: None,
            interrupt: None,
        }
    }
}

/// An opened container: gives the packets of all its streams in the order they are stored.
pub struct Demuxer {
    context: InputContext,
    info: SourceInfo,
    streams: Vec<Known>,
    /// Read ahead, to be given out first.
    ahead: VecDeque<Packet>,
    leaps: Leaps,
    /// For formats that may jump back in time.
    timeline: Option<Timeline>,
    /// The last packet that was read lacks bytes.
    partial: bool,
    damage: ReadDamage,
}

/// What is needed of a stream for each of its packets.
#[derive(Clone, Copy, Debug)]
struct Known {
    base: TimeBase,
    /// Sound or pictures: its packets follow one another without long gaps.
    steady: bool,
}

/// What went wrong while reading packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadDamage {
    /// Packets that were read broken, or not at all.
    pub(crate) packets: u64,
    /// Packets whose times were damaged numbers.
    wild: u64,
    /// The source broke off before its end.
    pub(crate) truncated: bool,
}

impl Demuxer {
    /// Opens `input` and finds its streams.
    pub fn open(input: &Input, options: &OpenOptions) -> Result<Self> {
        let name = input.to_string();
        match input {
            Input::Stdin => match seekable_stdin() {
                Some(file) => Demuxer::from_file(file, &name, options),
                None => Demuxer::from_reader(Box::new(std::io::stdin()), &name, options),
            },
            Input::Path(path) => {
                check_file(path, &name, options)?;
                // libav would take a colon in the name for the end of a protocol.
                let url = file_url(path);
                Demuxer::open_url(&url, options.format.as_deref(), None, &name, options)
            }
            Input::Url(url) => {
                let format = options.format.as_deref();
                Demuxer::open_url(url.as_bytes(), format, None, &name, options)
            }
            Input::Format { format, name: url } => {
                Demuxer::open_url(url.as_bytes(), Some(format), None, &name, options)
            }
        }
    }

    /// Opens what `reader` gives, from its first byte to its last. `name` is for messages.
    pub fn from_reader(
        reader: Box<dyn Read + Send>,
        name: &str,
        options: &OpenOptions,
    ) -> Result<Self> {
        let io = Io::stream(reader);
        Demuxer::open_url(b"", options.format.as_deref(), Some(io), name, options)
    }

    /// Opens a file that is open already and stands at its first byte. `name` is for messages.
    pub(crate) fn from_file(file: File, name: &str, options: &OpenOptions) -> Result<Self> {
        let io = Io::file(file);
        Demuxer::open_url(b"", options.format.as_deref(), Some(io), name, options)
    }

    fn open_url(
        url: &[u8],
        format: Option<&str>,
        io: Option<Io>,
        name: &str,
        options: &OpenOptions,
    ) -> Result<Self> {
        av::init();
        log::forget();
        let url = CString::new(url).map_err(|_| Error::Open {
            name: name.escape_default().to_string(),
            reason: "its name contains a zero byte".into(),
            hint: None,
        })?;
        if let Some(format) = format
            && !has_format(format)
        {
            return Err(Error::Unsupported {
                what: format!("this FFmpeg has no input format {format}"),
                hint: Some("`ffmpeg -demuxers` and `ffmpeg -devices` list what there is".into()),
            });
        }
        let pairs = options.options.iter();
        let mut dictionary: Options = pairs
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let interrupt = options.interrupt.clone().unwrap_or_default();
        let mut context = InputContext::open(&url, format, &mut dictionary, io, interrupt)
            .map_err(|code| cannot_open(name, code))?;
        if let Some(key) = dictionary.leftover() {
            return Err(Error::Unsupported {
                what: format!("{} has no option {key}", context.format_name()),
                hint: Some(format!(
                    "`ffmpeg -h demuxer={}` lists its options",
                    first_name(&context.format_name())
                )),
            });
        }
        check_art(&context, format, name)?;
        context
            .find_streams(MAX_SAMPLES)
            .map_err(|code| cannot_open(name, code))?;
        let info = describe(&context, name, options)?;
        let mut demuxer = Demuxer {
            timeline: context.may_jump().then(Timeline::new),
            context,
            info,
            streams: Vec::new(),
            ahead: VecDeque::new(),
            leaps: Leaps::default(),
            partial: false,
            damage: ReadDamage::default(),
        };
        demuxer.learn_streams();
        Ok(demuxer)
    }

    /// What the container says it holds.
    pub fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// The next packet of any stream that is wanted, in the order they are stored; `None` at the end,
    /// which for a damaged source may come early.
    #[allow(clippy::should_implement_trait)] // It can fail, and an iterator of results reads worse.
    pub fn next(&mut self) -> Result<Option<Packet>> {
        let mut packet = match self.ahead.pop_front() {
            Some(packet) => packet,
            None => match self.read()? {
                Some(packet) => self.judge(packet)?,
                None => return Ok(None),
            },
        };
        if self.is_steady(&packet) {
            self.damage.wild += u64::from(drop_wild_pts(&mut packet));
            self.leaps.follow(&packet);
        }
        self.mend_jump(&mut packet);
        Ok(Some(packet))
    }

    /// Reads one packet as it is stored.
    fn read(&mut self) -> Result<Option<Packet>> {
        let mut packet = Packet::empty(TimeBase::MICROS);
        let mut failed = 0;
        loop {
            match self.context.read(&mut packet) {
                Outcome::Packet => break,
                Outcome::End => {
                    // Containers differ in how they say that bytes are missing at the end.
                    self.damage.truncated |= failed > 0 || self.partial || self.context.io_failed();
                    return Ok(None);
                }
                // A device without a picture yet. libav waits inside the call where it can.
                Outcome::Again => std::thread::sleep(std::time::Duration::from_millis(1)),
                Outcome::Failed(code) => {
                    failed += 1;
                    tracing::debug!(reason = av::reason(code), "a packet could not be read");
                    if failed >= MAX_FAILED_READS || self.context.io_failed() {
                        self.damage.truncated = true;
                        return Ok(None);
                    }
                }
            }
        }
        // Failures with nothing behind them are a broken end, not lost packets.
        self.damage.packets += u64::from(failed);
        self.partial = packet.is_corrupt();
        self.damage.packets += u64::from(self.partial);
        if packet.stream() >= self.streams.len() {
            self.learn_streams();
        }
        if let Some(known) = self.streams.get(packet.stream()) {
            packet.set_time_base(known.base);
        }
        Ok(Some(packet))
    }

    /// Pulls a packet back whose time is a damaged number, as the next of its stream tells.
    fn judge(&mut self, mut packet: Packet) -> Result<Packet> {
        if !self.is_steady(&packet) || !self.leaps.is_far(&packet) {
            return Ok(packet);
        }
        while self.ahead.len() < MAX_AHEAD {
            let Some(next) = self.read()? else { break };
            let tells = next.stream() == packet.stream() && next.dts().is_some();
            let wrong = tells && self.leaps.goes_on(&next);
            self.ahead.push_back(next);
            if wrong {
                self.leaps.pull_back(&mut packet);
                self.damage.wild += 1;
            }
            if tells {
                break;
            }
        }
        Ok(packet)
    }

    /// Keeps the clock going where the source's starts again.
    fn mend_jump(&mut self, packet: &mut Packet) {
        let steady = self.is_steady(packet);
        let Some(timeline) = &mut self.timeline else {
            return;
        };
        let base = packet.time_base();
        let dts = packet.dts().map(|ticks| Timestamp::new(ticks, base));
        let offset = if steady {
            timeline.lead(packet.stream(), dts, packet.duration(), base)
        } else {
            timeline.follow(dts, base)
        };
        if offset != 0 {
            packet.set_pts(packet.pts().map(|ticks| ticks.saturating_add(offset)));
            packet.set_dts(packet.dts().map(|ticks| ticks.saturating_add(offset)));
        }
    }

    fn is_steady(&self, packet: &Packet) -> bool {
        self.streams
            .get(packet.stream())
            .is_some_and(|known| known.steady)
    }

    /// Goes to a keyframe of the video at or before `to`, from where [`Demuxer::next`] goes on.
    ///
    /// A source that cannot seek, or a moment that no index reaches, is an error; the source can then
    /// only be opened again.
    pub fn seek(&mut self, to: Timestamp) -> Result<()> {
        let video = &self.info.video;
        let ticks = to.rescale(video.time_base).ticks;
        // Rounding up could pass a keyframe that lies on `to`.
        let ticks = if Timestamp::new(ticks, video.time_base) > to {
            ticks.saturating_sub(1)
        } else {
            ticks
        };
        self.seek_ticks(ticks).map_err(|code| Error::Av {
            action: format!("cannot go to {:.3} s in {}", to.seconds(), self.info.name),
            reason: av::reason(code),
        })
    }

    /// Goes back to the first packet.
    pub(crate) fn rewind(&mut self) -> Result<()> {
        let video = &self.info.video;
        let start = video.start.unwrap_or(0);
        // The first packet is decoded before the first picture is shown; but some formats know
        // nothing before their first timestamp.
        let early = start.saturating_sub(video.time_base.ticks(10.0));
        self.seek_ticks(early)
            .or_else(|_| self.seek_ticks(start))
            .map_err(|code| Error::Av {
                action: format!("cannot go back to the start of {}", self.info.name),
                reason: av::reason(code),
            })
    }

    fn seek_ticks(&mut self, ticks: i64) -> std::result::Result<(), c_int> {
        self.context.seek(self.info.video.stream, ticks)?;
        self.partial = false;
        self.ahead.clear();
        self.leaps.reset();
        if let Some(timeline) = &mut self.timeline {
            timeline.reset();
        }
        Ok(())
    }

    /// Whether packets of a stream are given out; those of every stream are at first.
    pub fn set_wanted(&mut self, stream: usize, wanted: bool) {
        self.context.set_wanted(stream, wanted);
    }

    pub(crate) fn damage(&self) -> ReadDamage {
        self.damage
    }

    /// Times that were mended before the decoder saw them.
    pub(crate) fn mended(&self) -> u64 {
        self.damage.wild + self.timeline.as_ref().map_or(0, Timeline::breaks)
    }

    /// The container, for the decoder of its video and for a muxer that copies from it.
    pub(crate) fn context(&self) -> &InputContext {
        &self.context
    }

    fn learn_streams(&mut self) {
        self.streams = self
            .context
            .streams()
            .map(|stream| Known {
                base: stream.time_base().unwrap_or(TimeBase::MICROS),
                steady: matches!(kind_of(stream), StreamKind::Audio | StreamKind::Video),
            })
            .collect();
    }
}
