//! Frames out of a source.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

use nervure_frame::{Frame, Rotation, Timestamp};

use crate::decoding::Decoding;
use crate::locate::{check_file, seekable_stdin};
use crate::source::{Hdr, SourceInfo, VideoInfo};
use crate::y4m::{self, Interlacing, Y4mHeader, Y4mReader};
use crate::{Demuxer, Error, Input, OpenOptions, Packet, Result};

/// What was wrong with a source, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Frames given out though the decoder knows that parts of them are invented.
    pub frames: u64,
    /// Frames given out between damage and the next keyframe: decoders do not tell how far it spreads
    /// through pictures that are made from one another.
    pub suspect: u64,
    /// Packets that could not be read or that the decoder refused.
    pub packets: u64,
    /// Timestamps that were missing, repeated or went back, and were mended.
    pub timestamps: u64,
    /// Frames that were interlaced and have been deinterlaced: no damage, but worth telling.
    pub deinterlaced: u64,
    /// The source broke off before its end.
    pub truncated: bool,
}

impl Damage {
    /// The source was whole.
    pub fn is_none(&self) -> bool {
        (self.frames, self.packets, self.timestamps, self.truncated) == (0, 0, 0, false)
    }
}

/// Gives the frames of a source in display order, with the timestamps they are stored with.
pub struct Reader {
    source: Source,
    info: SourceInfo,
    /// The caller has said whether it wants the packets of other streams, or has shown that it does
    /// not by taking a frame.
    others_settled: bool,
}

/// Where frames come from.
enum Source {
    Container(Box<Decoding>),
    Pipe(Box<Pictures<Box<dyn Read + Send>>>),
    File(Box<Pictures<File>>),
}

/// A stream of bare pictures, and the one that was read to see whether there is any.
struct Pictures<R> {
    reader: Y4mReader<R>,
    first: Option<Frame>,
    /// It stopped making sense.
    broken: bool,
}

impl Reader {
    /// Opens `input` and decodes its first frame. Y4M is read by our own reader where that can.
    pub fn open(input: &Input, options: &OpenOptions) -> Result<Self> {
        let name = input.to_string();
        let plain = options.format.is_none() && options.options.is_empty();
        match input {
            Input::Stdin => match seekable_stdin() {
                Some(file) => Reader::from_file(file, &name, options),
                None => Reader::from_reader(Box::new(std::io::stdin()), &name, options),
            },
            Input::Path(path) if plain => {
                check_file(path, &name, options)?;
                match File::open(path) {
                    Ok(file) if is_pipe(&file) => {
                        Reader::from_reader(Box::new(file), &name, options)
                    }
                    Ok(file) if is_y4m(&file) => Reader::from_file(file, &name, options),
                    // libav says better what is wrong, and opens what is not one file.
                    _ => Reader::decoding(Demuxer::open(input, options)?, options),
                }
            }
            _ => Reader::decoding(Demuxer::open(input, options)?, options),
        }
    }

    /// Opens what `reader` gives, from its first byte to its last. `name` is for messages.
    pub fn from_reader(
        reader: Box<dyn Read + Send>,
        name: &str,
        options: &OpenOptions,
    ) -> Result<Self> {
        if options.format.is_some() {
            return Reader::decoding(Demuxer::from_reader(reader, name, options)?, options);
        }
        let mut reader = BufReader::with_capacity(y4m::BUFFER, reader);
        let mut head = Vec::new();
        match sniff(&mut reader, &mut head, name)? {
            Some(header) => {
                let start = head.len() as u64;
                let reader = Y4mReader::with_header(reader, header, start);
                let mut info = describe(name, &reader);
                info.seekable = false;
                Reader::pictures(reader, info, Source::Pipe)
            }
            None => {
                let whole = Box::new(Cursor::new(head).chain(reader));
                Reader::decoding(Demuxer::from_reader(whole, name, options)?, options)
            }
        }
    }

    /// Opens a file that stands at its first byte.
    fn from_file(mut file: File, name: &str, options: &OpenOptions) -> Result<Self> {
        let failed = |source| Error::Io {
            action: format!("read {name}"),
            source,
        };
        if options.format.is_none() {
            let mut head = Vec::new();
            // Whatever is read ahead here is read again.
            let header = sniff(&mut BufReader::new(&mut file), &mut head, name)?;
            file.rewind().map_err(failed)?;
            if let Some(header) = header {
                let bytes = file.metadata().map_err(failed)?.len();
                file.seek(SeekFrom::Start(head.len() as u64))
                    .map_err(failed)?;
                let start = head.len() as u64;
                let reader = BufReader::with_capacity(y4m::BUFFER, file);
                let reader = Y4mReader::with_header(reader, header, start);
                let mut info = describe(name, &reader);
                let frames = y4m::frames_in(reader.header(), start, bytes);
                info.video.frames = Some(frames);
                info.duration = Some(frames as f64 * reader.time_base().seconds());
                return Reader::pictures(reader, info, Source::File);
            }
        }
        Reader::decoding(Demuxer::from_file(file, name, options)?, options)
    }

    fn decoding(demuxer: Demuxer, options: &OpenOptions) -> Result<Self> {
        let mut info = demuxer.info().clone();
        let mut decoding = Decoding::open(demuxer, options)?;
        decoding.first(&mut info.video)?;
        Ok(Reader {
            source: Source::Container(Box::new(decoding)),
            info,
            others_settled: false,
        })
    }

    fn pictures<R: Read>(
        reader: Y4mReader<R>,
        info: SourceInfo,
        source: impl FnOnce(Box<Pictures<R>>) -> Source,
    ) -> Result<Self> {
        let mut pictures = Pictures {
            reader,
            first: None,
            broken: false,
        };
        pictures.first = pictures.next();
        if pictures.first.is_none() {
            return Err(Error::Open {
                name: info.name,
                reason: "not one whole picture is in it".into(),
                hint: None,
            });
        }
        Ok(Reader {
            source: source(Box::new(pictures)),
            info,
            others_settled: true,
        })
    }

    /// What the source holds.
    pub fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// The container that the frames come from; none for a bare stream of pictures (Y4M).
    pub fn demuxer(&self) -> Option<&Demuxer> {
        match &self.source {
            Source::Container(decoding) => Some(decoding.demuxer()),
            Source::Pipe(_) | Source::File(_) => None,
        }
    }

    /// Whether packets of the other streams are kept for [`Reader::take_others`]; they are not unless
    /// asked for. Asked for before the first frame is taken, none is lost.
    pub fn keep_others(&mut self, keep: bool) {
        self.others_settled = true;
        if let Source::Container(decoding) = &mut self.source {
            decoding.keep_others(keep);
        }
    }

    /// The packets of other streams that were passed on the way to the last frame, in the order they
    /// are stored.
    pub fn take_others(&mut self) -> Vec<Packet> {
        match &mut self.source {
            Source::Container(decoding) => decoding.take_others(),
            Source::Pipe(_) | Source::File(_) => Vec::new(),
        }
    }

    /// What was wrong so far.
    pub fn damage(&self) -> Damage {
        match &self.source {
            Source::Container(decoding) => decoding.damage(),
            Source::Pipe(pictures) => pictures.damage(),
            Source::File(pictures) => pictures.damage(),
        }
    }

    /// The next frame in display order, or `None` after the last.
    #[allow(clippy::should_implement_trait)] // It can fail, and an iterator of results reads worse.
    pub fn next(&mut self) -> Result<Option<Frame>> {
        if !self.others_settled {
            self.keep_others(false);
        }
        match &mut self.source {
            Source::Container(decoding) => decoding.next(),
            Source::Pipe(pictures) => Ok(pictures.next()),
            Source::File(pictures) => Ok(pictures.next()),
        }
    }

    /// Goes back far enough that every frame from `to` on can be decoded whole: the next frame is the
    /// first that can be given from there, and the caller drops those before what it wants. Packets of
    /// other streams begin anew, somewhere before `to`.
    ///
    /// A source that cannot seek, or has no index to do it by, gives an error and can then only be
    /// opened again.
    pub fn seek(&mut self, to: Timestamp) -> Result<()> {
        match &mut self.source {
            Source::Container(decoding) => decoding.seek(to),
            Source::File(pictures) => pictures.seek(to),
            Source::Pipe(_) => Err(Error::Unsupported {
                what: format!("{} can only be read from front to back", self.info.name),
                hint: None,
            }),
        }
    }
}

impl<R: Read> Pictures<R> {
    fn next(&mut self) -> Option<Frame> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        self.reader.next().unwrap_or_else(|error| {
            tracing::debug!(%error, "the pictures end early");
            self.broken = true;
            None
        })
    }

    fn damage(&self) -> Damage {
        Damage {
            truncated: self.broken || self.reader.is_truncated(),
            ..Damage::default()
        }
    }
}

impl<R: Read + Seek> Pictures<R> {
    fn seek(&mut self, to: Timestamp) -> Result<()> {
        let base = self.reader.time_base();
        let mut index = to.rescale(base).ticks;
        if Timestamp::new(index, base) > to {
            index -= 1;
        }
        self.first = None;
        self.broken = false;
        self.reader.seek(u64::try_from(index).unwrap_or(0))
    }
}

/// Reads the header of a Y4M stream that our reader can take. What was read is in `head`.
fn sniff(reader: &mut impl BufRead, head: &mut Vec<u8>, name: &str) -> Result<Option<Y4mHeader>> {
    let failed = |source| Error::Io {
        action: format!("read {name}"),
        source,
    };
    let magic = y4m::MAGIC;
    reader
        .take(magic.len() as u64)
        .read_to_end(head)
        .map_err(failed)?;
    if head.is_empty() {
        return Err(Error::Open {
            name: name.into(),
            reason: "it is empty".into(),
            hint: None,
        });
    }
    if head != magic {
        return Ok(None);
    }
    let rest = y4m::MAX_HEADER - magic.len();
    reader
        .take(rest as u64)
        .read_until(b'\n', head)
        .map_err(failed)?;
    let header = match head.split_last() {
        Some((b'\n', line)) => Y4mHeader::parse(line),
        _ => Err(Error::Y4m("its header does not end".into())),
    };
    match header {
        // Frames of two moments go through libav's deinterlacer.
        Ok(header) => Ok(matches!(
            header.interlacing,
            Interlacing::Progressive | Interlacing::Unknown
        )
        .then_some(header)),
        // libav knows more pixel formats.
        Err(Error::Unsupported { .. }) => Ok(None),
        Err(error) => Err(Error::Open {
            name: name.into(),
            reason: error.to_string(),
            hint: None,
        }),
    }
}

fn describe<R: Read>(name: &str, reader: &Y4mReader<R>) -> SourceInfo {
    let header = reader.header();
    SourceInfo {
        name: name.into(),
        container: "yuv4mpegpipe".into(),
        duration: None,
        start: Some(Timestamp::new(0, reader.time_base())),
        broadcast_clock: false,
        seekable: true,
        video: VideoInfo {
            stream: 0,
            codec: "rawvideo".into(),
            format: header.format,
            source_pixels: header.pixels().into(),
            converted: header.mono,
            time_base: reader.time_base(),
            start: Some(0),
            frame_rate: header.frame_rate,
            frames: None,
            colour: header.colour,
            sample_aspect: header.sample_aspect,
            rotation: Rotation::NONE,
            interlaced: false,
            hdr: Hdr::default(),
        },
        others: Vec::new(),
        chapters: 0,
    }
}

/// A file that begins as Y4M does; it stands at its first byte again.
fn is_y4m(mut file: &File) -> bool {
    let mut head = [0; y4m::MAGIC.len()];
    let found = file.read_exact(&mut head).is_ok() && head == y4m::MAGIC;
    found && file.rewind().is_ok()
}

/// A named pipe: what is read to look at it is gone.
#[cfg(unix)]
fn is_pipe(file: &File) -> bool {
    use std::os::unix::fs::FileTypeExt;
    file.metadata().is_ok_and(|data| data.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_file: &File) -> bool {
    false
}
