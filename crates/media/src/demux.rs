//! Packets out of a container.

use std::ffi::{CString, c_int};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nervure_frame::{BitDepth, Chroma, PictureFormat, Rotation, TimeBase, Timestamp};

use crate::av::input::{InputContext, Read as Outcome, Stream, has_format};
use crate::av::io::Io;
use crate::av::options::Options;
use crate::av::pixels::Pixels;
use crate::av::{self, decode, ffi, frame_in, log, side_data};
use crate::source::{Hdr, SourceInfo, StreamInfo, StreamKind, VideoInfo};
use crate::timeline::Timeline;
use crate::{Error, Input, Packet, Result};

/// No side of a picture is longer.
pub(crate) const MAX_SIDE: usize = 16_384;
/// No picture has more luma samples.
pub(crate) const MAX_SAMPLES: usize = 1 << 28;
/// Reads that fail one after the other before the source counts as broken off.
const MAX_FAILED_READS: u32 = 256;

/// How a source is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// libav's name of the container, where it cannot be recognised (`rawvideo`).
    pub format: Option<String>,
    /// Options of that container, as in `video_size=1280x720`.
    pub options: Vec<(String, String)>,
    /// Threads of the decoder; 0 uses every core.
    pub threads: usize,
    /// Interlaced pictures are deinterlaced; otherwise they are an error.
    pub deinterlace: bool,
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
            stream: None,
            interrupt: None,
        }
    }
}

/// An opened container: gives the packets of all its streams in the order they are stored.
pub struct Demuxer {
    context: InputContext,
    info: SourceInfo,
    bases: Vec<TimeBase>,
    /// For formats that may jump back in time.
    timeline: Option<Timeline>,
    /// The last packet that was read lacks bytes.
    partial: bool,
    damage: ReadDamage,
}

/// What went wrong while reading packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadDamage {
    /// Packets that were read broken, or not at all.
    pub(crate) packets: u64,
    /// Places where the clock started again.
    pub(crate) timestamps: u64,
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
            bases: Vec::new(),
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
        if packet.stream() >= self.bases.len() {
            self.learn_streams();
        }
        if let Some(base) = self.bases.get(packet.stream()) {
            packet.set_time_base(*base);
        }
        self.mend_time(&mut packet);
        Ok(Some(packet))
    }

    /// Keeps the clock going where the source's starts again.
    fn mend_time(&mut self, packet: &mut Packet) {
        let Some(timeline) = &mut self.timeline else {
            return;
        };
        let base = packet.time_base();
        let dts = packet.dts().map(|ticks| Timestamp::new(ticks, base));
        let offset = timeline.offset(packet.stream(), dts, packet.duration(), base);
        if offset != 0 {
            packet.set_pts(packet.pts().map(|ticks| ticks.saturating_add(offset)));
            packet.set_dts(packet.dts().map(|ticks| ticks.saturating_add(offset)));
        }
        self.damage.timestamps = timeline.breaks();
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

    /// The container, for the decoder of its video and for a muxer that copies from it.
    pub(crate) fn context(&self) -> &InputContext {
        &self.context
    }

    fn learn_streams(&mut self) {
        self.bases = self
            .context
            .streams()
            .map(|stream| stream.time_base().unwrap_or(TimeBase::MICROS))
            .collect();
    }
}

/// Standard input as a file, where it is one: a container whose index is at its end can then be read.
#[cfg(unix)]
pub(crate) fn seekable_stdin() -> Option<File> {
    use std::io::Seek;
    use std::os::fd::AsFd;
    let mut file = File::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
    // One that another program has read from begins where that left off.
    let fresh = file.metadata().ok()?.is_file() && file.stream_position().ok()? == 0;
    fresh.then_some(file)
}

#[cfg(not(unix))]
pub(crate) fn seekable_stdin() -> Option<File> {
    None
}

/// What libav says less well than the file system.
pub(crate) fn check_file(path: &Path, name: &str, options: &OpenOptions) -> Result<()> {
    let refuse = |reason: &str| {
        Err(Error::Open {
            name: name.into(),
            reason: reason.into(),
        })
    };
    match fs::metadata(path) {
        // A pattern such as frame%04d.png names many files and none.
        Err(_) if name.contains('%') || options.format.is_some() => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            refuse("there is no such file")
        }
        Err(error) => refuse(&error.to_string()),
        Ok(data) if data.is_dir() => refuse("it is a directory"),
        Ok(data) if data.is_file() && data.len() == 0 => refuse("the file is empty"),
        Ok(_) => Ok(()),
    }
}

#[cfg(unix)]
pub(crate) fn file_url(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    [b"file:", path.as_os_str().as_bytes()].concat()
}

#[cfg(not(unix))]
pub(crate) fn file_url(path: &Path) -> Vec<u8> {
    format!("file:{}", path.display()).into_bytes()
}

fn cannot_open(name: &str, code: c_int) -> Error {
    let general = av::reason(code);
    let reason = match (code, log::last_error()) {
        // The code says no more than that something is wrong; the message says what.
        (ffi::AVERROR_INVALIDDATA, Some(said)) => {
            format!("{} ({said})", general.to_lowercase())
        }
        (ffi::AVERROR_INVALIDDATA, None) => "it is not in a format that FFmpeg knows".into(),
        _ => general,
    };
    Error::Open {
        name: name.into(),
        reason,
    }
}

/// The first of a format's names.
fn first_name(format: &str) -> &str {
    format.split(',').next().unwrap_or(format)
}

/// A text file is not a film, though libav can draw one as such.
fn check_art(context: &InputContext, format: Option<&str>, name: &str) -> Result<()> {
    let found = context.format_name();
    if format.is_none() && matches!(found.as_str(), "tty" | "bin" | "xbin" | "adf" | "idf") {
        return Err(Error::Open {
            name: name.into(),
            reason: "it is text, not video".into(),
        });
    }
    Ok(())
}

fn kind_of(stream: Stream<'_>) -> StreamKind {
    match stream.kind() {
        ffi::AVMediaType::AUDIO => StreamKind::Audio,
        ffi::AVMediaType::SUBTITLE => StreamKind::Subtitle,
        ffi::AVMediaType::ATTACHMENT => StreamKind::Attachment,
        ffi::AVMediaType::VIDEO if stream.is_picture() => StreamKind::Picture,
        ffi::AVMediaType::VIDEO => StreamKind::Video,
        _ => StreamKind::Data,
    }
}

/// The stream to decode: one that can be, is marked as default, and is the largest.
fn choose(context: &InputContext, name: &str, options: &OpenOptions) -> Result<usize> {
    if let Some(index) = options.stream {
        return match context.stream(index).map(kind_of) {
            Some(StreamKind::Video | StreamKind::Picture) => Ok(index),
            _ => Err(Error::Unsupported {
                what: format!("stream {index} of {name} is not video"),
                hint: None,
            }),
        };
    }
    context
        .streams()
        .filter(|stream| kind_of(*stream) == StreamKind::Video)
        .max_by_key(|stream| {
            let parameters = stream.parameters();
            let area = i64::from(parameters.width) * i64::from(parameters.height);
            (
                decode::has_decoder(*stream),
                stream.is_default(),
                area,
                // Of equals the first.
                std::cmp::Reverse(stream.index()),
            )
        })
        .map(Stream::index)
        .ok_or_else(|| Error::NoVideo { name: name.into() })
}

/// Refuses pictures too large to hold and those without any samples.
pub(crate) fn check_size(width: usize, height: usize, name: &str) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::Unsupported {
            what: format!("the video in {name} has no size: {width}x{height}"),
            hint: Some("the file is damaged or its codec is not understood".into()),
        });
    }
    if width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_SAMPLES {
        return Err(Error::Unsupported {
            what: format!("the video in {name} is {width}x{height}, which is too large"),
            hint: Some(format!("at most {MAX_SIDE} samples a side are supported")),
        });
    }
    Ok(())
}

fn describe(context: &InputContext, name: &str, options: &OpenOptions) -> Result<SourceInfo> {
    let index = choose(context, name, options)?;
    let stream = context
        .stream(index)
        .ok_or_else(|| Error::NoVideo { name: name.into() })?;
    let others = context
        .streams()
        .filter(|stream| stream.index() != index)
        .map(|stream| StreamInfo {
            index: stream.index(),
            kind: kind_of(stream),
            codec: stream.codec_name(),
            language: stream.tag(c"language"),
            title: stream.tag(c"title"),
        })
        .collect();
    Ok(SourceInfo {
        name: name.into(),
        container: context.format_name(),
        duration: context.duration(),
        start: context
            .start()
            .map(|ticks| Timestamp::new(ticks, TimeBase::MICROS)),
        broadcast_clock: context.has_broadcast_clock(),
        seekable: context.is_seekable(),
        video: describe_video(stream, context.duration(), name)?,
        others,
        chapters: context.chapters(),
    })
}

fn describe_video(
    stream: Stream<'_>,
    container_duration: Option<f64>,
    name: &str,
) -> Result<VideoInfo> {
    let parameters = stream.parameters();
    let codec = stream.codec_name();
    if !decode::has_decoder(stream) {
        return Err(Error::Unsupported {
            what: format!("this FFmpeg has no decoder for {codec} video in {name}"),
            hint: None,
        });
    }
    let side = |value: c_int| usize::try_from(value).unwrap_or(0);
    let (width, height) = (side(parameters.width), side(parameters.height));
    check_size(width, height, name)?;
    let base = stream.time_base().ok_or_else(|| Error::Unsupported {
        what: format!("the video in {name} has no clock"),
        hint: None,
    })?;
    // A demuxer may not know the pixel format; the first frame does.
    let pixels = Pixels::of(parameters.format);
    let (chroma, depth) = pixels
        .as_ref()
        .map_or((Chroma::C420, BitDepth::Eight), |pixels| {
            (pixels.chroma, pixels.depth)
        });
    let format = PictureFormat::new(width, height, chroma, depth);
    let seconds = stream
        .duration()
        .map(|ticks| ticks as f64 * base.seconds())
        .or(container_duration);
    let frame_rate = stream.frame_rate();
    let estimate = || {
        let (num, den) = frame_rate?;
        let frames = (seconds? * f64::from(num) / f64::from(den)).round();
        (1.0..1e15).contains(&frames).then_some(frames as u64)
    };
    let colour = frame_in::stream_colour(parameters, false);
    Ok(VideoInfo {
        stream: stream.index(),
        codec,
        format,
        source_pixels: av::pixels::name(parameters.format),
        converted: pixels.as_ref().is_some_and(|pixels| pixels.converted),
        time_base: base,
        start: stream.start(),
        frame_rate,
        frames: stream.frames().or_else(estimate),
        colour: pixels
            .as_ref()
            .map_or(colour, |pixels| pixels.colour(colour, colour, format)),
        sample_aspect: stream.sample_aspect().unwrap_or((1, 1)),
        rotation: stream
            .side_data(ffi::AVPacketSideDataType::DISPLAYMATRIX)
            .and_then(side_data::rotation)
            .unwrap_or(Rotation::NONE),
        interlaced: !matches!(
            parameters.field_order,
            ffi::AVFieldOrder::PROGRESSIVE | ffi::AVFieldOrder::UNKNOWN
        ),
        hdr: Hdr {
            mastering: stream
                .side_data(ffi::AVPacketSideDataType::MASTERING_DISPLAY_METADATA)
                .map(Into::into),
            light: stream
                .side_data(ffi::AVPacketSideDataType::CONTENT_LIGHT_LEVEL)
                .map(Into::into),
        },
    })
}
