//! An opened container.

use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::io::Io;
use super::options::Options;
use super::packet::Packet;
use super::{ffi, fraction, is_again, lossy, time_base, timestamp};
use nervure_frame::TimeBase;

/// What came of reading a packet.
pub(crate) enum Read {
    /// The packet is filled.
    Packet,
    /// Nothing follows.
    End,
    /// Nothing yet: a live source with its own pace.
    Again,
    /// libav's result code; the next call may do better.
    Failed(c_int),
}

/// An `AVFormatContext` that reads.
pub(crate) struct InputContext {
    raw: NonNull<ffi::AVFormatContext>,
    /// Where its bytes come from when libav does not open that itself. Freed after the context.
    _io: Option<Io>,
    /// Behind a pointer of the context.
    interrupt: Arc<AtomicBool>,
}

// SAFETY: the context and what it owns belong to no thread, `Io` is `Send`, and all calls go through
// `&mut self` or only read.
unsafe impl Send for InputContext {}

impl InputContext {
    /// Opens `url`, or the bytes of `io`, as `format` or as what it looks like. Options that were
    /// used are taken out of `options`. Where libav waits for a network or device, setting
    /// `interrupt` ends that.
    pub(crate) fn open(
        url: &CStr,
        format: Option<&str>,
        options: &mut Options,
        io: Option<Io>,
        interrupt: Arc<AtomicBool>,
    ) -> Result<Self, c_int> {
        let format = match format {
            None => ptr::null(),
            Some(name) => find_format(name).ok_or(ffi::AVERROR_DEMUXER_NOT_FOUND)?,
        };
        // SAFETY: a fresh context is ours until `avformat_open_input` takes it, which frees it when
        // it fails. The I/O context and the flag outlive it: they are kept beside it. The options are
        // a dictionary of ours and the strings outlive the call.
        unsafe {
            let mut raw = ffi::avformat_alloc_context();
            let context = raw.as_mut().expect("memory for a container");
            if let Some(io) = &io {
                context.pb = io.as_ptr();
                context.flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
            }
            context.interrupt_callback = ffi::AVIOInterruptCB {
                callback: Some(is_interrupted),
                opaque: Arc::as_ptr(&interrupt).cast_mut().cast(),
            };
            let code =
                ffi::avformat_open_input(&mut raw, url.as_ptr(), format, options.as_mut_ptr());
            if code < 0 {
                return Err(code);
            }
            Ok(InputContext {
                raw: NonNull::new(raw).expect("an opened container"),
                _io: io,
                interrupt,
            })
        }
    }

    /// Reads and decodes as much as it takes to know the streams. Decoders refuse pictures of more
    /// than `max_samples`.
    pub(crate) fn find_streams(&mut self, max_samples: usize) -> Result<(), c_int> {
        let mut options: Vec<Options> = self
            .streams()
            .map(|_| {
                let mut options = Options::new();
                options.set("max_pixels", &max_samples.to_string());
                // A probe that starts a pool of threads for every stream costs more than it saves.
                options.set("threads", "1");
                options
            })
            .collect();
        let mut pointers: Vec<_> = options
            .iter_mut()
            // SAFETY: reads the dictionary's address; what libav puts in its place is written back.
            .map(|options| unsafe { *options.as_mut_ptr() })
            .collect();
        // SAFETY: there is one dictionary for each stream of an opened context; libav frees and
        // replaces them in place, and they are ours again afterwards.
        let code = unsafe {
            let code = ffi::avformat_find_stream_info(self.raw.as_ptr(), pointers.as_mut_ptr());
            for (options, pointer) in options.iter_mut().zip(pointers) {
                *options.as_mut_ptr() = pointer;
            }
            code
        };
        if code < 0 { Err(code) } else { Ok(()) }
    }

    /// libav's name of the container.
    pub(crate) fn format_name(&self) -> String {
        // SAFETY: an opened context has a format, whose name is a static string.
        unsafe {
            let format = self.get().iformat.as_ref();
            format
                .and_then(|format| lossy(format.name))
                .unwrap_or_default()
        }
    }

    /// Seconds in the container, where it says.
    pub(crate) fn duration(&self) -> Option<f64> {
        timestamp(self.get().duration)
            .filter(|ticks| *ticks > 0)
            .map(|ticks| ticks as f64 / f64::from(ffi::AV_TIME_BASE))
    }

    /// When the first of its streams begins, in libav's microseconds.
    pub(crate) fn start(&self) -> Option<i64> {
        timestamp(self.get().start_time)
    }

    /// Whether its clock may begin anywhere and jump, as in a broadcast.
    pub(crate) fn has_broadcast_clock(&self) -> bool {
        // SAFETY: the format of an opened context is a static description.
        let format = unsafe { self.get().iformat.as_ref() };
        format.is_some_and(|format| format.flags & ffi::AVFMT_TS_DISCONT != 0)
    }

    /// Decoding times may jump back where pieces of a recording meet. Not so where an edit list can
    /// repeat what was shown.
    pub(crate) fn may_jump(&self) -> bool {
        !self.format_name().split(',').any(|name| name == "mov")
    }

    /// How many chapters there are.
    pub(crate) fn chapters(&self) -> usize {
        self.get().nb_chapters as usize
    }

    /// Whether a seek can be expected to work.
    pub(crate) fn is_seekable(&self) -> bool {
        let context = self.get();
        if context.ctx_flags & ffi::AVFMTCTX_UNSEEKABLE != 0 {
            return false;
        }
        // SAFETY: the I/O context of an opened container, if it has one, lives as long as it.
        unsafe {
            match context.pb.as_ref() {
                Some(pb) => pb.seekable != 0,
                // Formats without bytes of their own: only those that hold other files can seek.
                None => context
                    .iformat
                    .as_ref()
                    .and_then(|format| lossy(format.name))
                    .is_some_and(|name| {
                        matches!(name.as_str(), "image2" | "hls" | "dash" | "concat")
                    }),
            }
        }
    }

    /// Whether the bytes stopped because reading failed, not because they ended.
    pub(crate) fn io_failed(&self) -> bool {
        // SAFETY: as in `is_seekable`.
        unsafe { self.get().pb.as_ref().is_some_and(|pb| pb.error < 0) }
    }

    /// All streams found so far; formats without a header may find more while they are read.
    pub(crate) fn streams(&self) -> impl ExactSizeIterator<Item = Stream<'_>> {
        let context = self.get();
        let streams: &[*mut ffi::AVStream] = if context.streams.is_null() {
            &[]
        } else {
            // SAFETY: libav keeps `nb_streams` pointers there, and only a call that reads, which
            // needs `&mut self`, moves them.
            unsafe { slice::from_raw_parts(context.streams, context.nb_streams as usize) }
        };
        streams.iter().map(|stream| Stream {
            // SAFETY: streams are valid as long as their context.
            raw: unsafe { &**stream },
        })
    }

    /// The stream of that number.
    pub(crate) fn stream(&self, index: usize) -> Option<Stream<'_>> {
        self.streams().nth(index)
    }

    /// Whether the demuxer gives out a stream's packets or skips them.
    pub(crate) fn set_wanted(&mut self, index: usize, wanted: bool) {
        if let Some(stream) = self.stream(index) {
            let raw = ptr::from_ref(stream.raw).cast_mut();
            // SAFETY: `raw` points to a stream of this context, and nothing else refers to it: the
            // context is borrowed mutably.
            unsafe {
                (*raw).discard = if wanted {
                    ffi::AVDiscard::DEFAULT
                } else {
                    ffi::AVDiscard::ALL
                };
            }
        }
    }

    /// Reads the next packet of any stream into `packet`, whose old data is let go.
    pub(crate) fn read(&mut self, packet: &mut Packet) -> Read {
        // SAFETY: both are valid; libav fills the packet only when it returns zero, and the data is
        // reference-counted, so that it outlives the next read.
        let code = unsafe {
            ffi::av_packet_unref(packet.as_mut_ptr());
            ffi::av_read_frame(self.raw.as_ptr(), packet.as_mut_ptr())
        };
        match code {
            0.. => Read::Packet,
            ffi::AVERROR_EOF => Read::End,
            _ if self.interrupt.load(Ordering::Relaxed) => Read::End,
            code if is_again(code) => Read::Again,
            code => Read::Failed(code),
        }
    }

    /// Goes to a keyframe of a stream at or before `ticks`.
    pub(crate) fn seek(&mut self, stream: usize, ticks: i64) -> Result<(), c_int> {
        let stream = c_int::try_from(stream).unwrap_or(-1);
        // SAFETY: the context is open; libav checks the stream's number.
        let code = unsafe {
            ffi::av_seek_frame(self.raw.as_ptr(), stream, ticks, ffi::AVSEEK_FLAG_BACKWARD)
        };
        if code < 0 { Err(code) } else { Ok(()) }
    }

    /// The context for the calls of a muxer that copies from it.
    pub(crate) fn as_ptr(&self) -> *const ffi::AVFormatContext {
        self.raw.as_ptr()
    }

    fn get(&self) -> &ffi::AVFormatContext {
        // SAFETY: opened by libav, ours until it is dropped, and borrowed with `self`.
        unsafe { self.raw.as_ref() }
    }
}

impl Drop for InputContext {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: ours, and never used again. Our own I/O context is freed after it.
        unsafe { ffi::avformat_close_input(&mut raw) }
    }
}

/// A container's tag for a codec as text.
fn four_characters(tag: u32) -> String {
    let text: String = tag
        .to_le_bytes()
        .into_iter()
        .filter(u8::is_ascii_graphic)
        .map(char::from)
        .collect();
    if text.is_empty() {
        "an unknown codec".into()
    } else {
        format!("\"{text}\"")
    }
}

unsafe extern "C" fn is_interrupted(flag: *mut c_void) -> c_int {
    // SAFETY: the flag of a live `InputContext`, or of one that is being opened.
    let flag = unsafe { &*flag.cast::<AtomicBool>() };
    c_int::from(flag.load(Ordering::Relaxed))
}

/// Whether libav has an input format of this name.
pub(crate) fn has_format(name: &str) -> bool {
    find_format(name).is_some()
}

fn find_format(name: &str) -> Option<*const ffi::AVInputFormat> {
    let name = CString::new(name).ok()?;
    // SAFETY: a string that outlives the call; formats are static.
    let format = unsafe { ffi::av_find_input_format(name.as_ptr()) };
    (!format.is_null()).then_some(format)
}

/// One stream of a container.
#[derive(Clone, Copy)]
pub(crate) struct Stream<'a> {
    raw: &'a ffi::AVStream,
}

impl<'a> Stream<'a> {
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.raw.index).unwrap_or(0)
    }

    pub(crate) fn parameters(self) -> &'a ffi::AVCodecParameters {
        // SAFETY: every stream has parameters, which live as long as it.
        unsafe { &*self.raw.codecpar }
    }

    pub(crate) fn kind(self) -> ffi::AVMediaType {
        self.parameters().codec_type
    }

    /// libav's name of the codec, or the container's where libav has none.
    pub(crate) fn codec_name(self) -> String {
        let parameters = self.parameters();
        if parameters.codec_id == ffi::AVCodecID::NONE {
            return four_characters(parameters.codec_tag);
        }
        // SAFETY: takes any number, gives a static string.
        unsafe { lossy(ffi::avcodec_get_name(parameters.codec_id)) }.unwrap_or_default()
    }

    pub(crate) fn is_picture(self) -> bool {
        self.raw.disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0
    }

    pub(crate) fn is_default(self) -> bool {
        self.raw.disposition & ffi::AV_DISPOSITION_DEFAULT != 0
    }

    pub(crate) fn time_base(self) -> Option<TimeBase> {
        time_base(self.raw.time_base)
    }

    pub(crate) fn start(self) -> Option<i64> {
        timestamp(self.raw.start_time)
    }

    /// In ticks of its clock.
    pub(crate) fn duration(self) -> Option<i64> {
        timestamp(self.raw.duration).filter(|ticks| *ticks > 0)
    }

    /// As the container counts them.
    pub(crate) fn frames(self) -> Option<u64> {
        u64::try_from(self.raw.nb_frames).ok().filter(|n| *n > 0)
    }

    /// The average, else what the timestamps look like.
    pub(crate) fn frame_rate(self) -> Option<(u32, u32)> {
        fraction(self.raw.avg_frame_rate).or_else(|| fraction(self.raw.r_frame_rate))
    }

    /// The container's word on the shape of a sample.
    pub(crate) fn container_aspect(self) -> Option<(u32, u32)> {
        fraction(self.raw.sample_aspect_ratio)
    }

    /// The container's word, else the codec's.
    pub(crate) fn sample_aspect(self) -> Option<(u32, u32)> {
        self.container_aspect()
            .or_else(|| fraction(self.parameters().sample_aspect_ratio))
    }

    /// A metadata tag.
    pub(crate) fn tag(self, key: &CStr) -> Option<String> {
        // SAFETY: the dictionary and its entries live as long as the stream.
        unsafe {
            let entry = ffi::av_dict_get(self.raw.metadata, key.as_ptr(), ptr::null(), 0);
            entry.as_ref().and_then(|entry| lossy(entry.value))
        }
    }

    /// Side data that holds for the whole stream.
    pub(crate) fn side_data(self, kind: ffi::AVPacketSideDataType) -> Option<&'a [u8]> {
        #[cfg(ffmpeg_6_1)]
        // SAFETY: the parameters hold that many blocks, each of its own size, as long as they live.
        unsafe {
            let parameters = self.parameters();
            let found = ffi::av_packet_side_data_get(
                parameters.coded_side_data,
                parameters.nb_coded_side_data,
                kind,
            )
            .as_ref()?;
            (!found.data.is_null()).then(|| slice::from_raw_parts(found.data, found.size))
        }
        #[cfg(not(ffmpeg_6_1))]
        // SAFETY: a found block holds `size` bytes and lives as long as the stream.
        unsafe {
            let mut size = 0;
            let data = ffi::av_stream_get_side_data(self.raw, kind, &mut size);
            (!data.is_null()).then(|| slice::from_raw_parts(data, size))
        }
    }

    /// The stream for a decoder's or muxer's calls.
    pub(crate) fn as_ptr(self) -> *const ffi::AVStream {
        self.raw
    }
}
