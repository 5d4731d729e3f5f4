//! A container that is being written.

use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr::{self, NonNull};
use std::slice;

use nervure_frame::TimeBase;

use super::format_out::Format;
use super::options::Options;
use super::packet::Packet;
use super::parameters::Parameters;
use super::{ffi, rational, time_base};

/// Names and values as containers keep them.
pub(crate) type Tags = Vec<(String, String)>;

/// A stream that is about to be written.
pub(crate) struct NewStream {
    pub(crate) parameters: Parameters,
    /// The clock that is asked for; the container may choose another.
    pub(crate) base: TimeBase,
    pub(crate) frame_rate: Option<(u32, u32)>,
    pub(crate) sample_aspect: Option<(u32, u32)>,
    pub(crate) disposition: c_int,
    pub(crate) tags: Tags,
    pub(crate) side_data: Vec<(ffi::AVPacketSideDataType, Vec<u8>)>,
}

/// A stretch of the presentation with a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chapter {
    pub(crate) id: i64,
    pub(crate) base: TimeBase,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) tags: Tags,
}

/// An `AVFormatContext` that writes.
pub(crate) struct OutputContext {
    raw: NonNull<ffi::AVFormatContext>,
    bytes: Bytes,
}

/// Where the bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bytes {
    /// Nowhere yet, or never: the format opens its own files.
    Unopened,
    File,
    Memory,
}

// SAFETY: the context and what it owns belong to no thread, and all calls go through `&mut self` or
// only read.
unsafe impl Send for OutputContext {}

impl OutputContext {
    /// A container without streams, for `url` where it is to be a file.
    pub(crate) fn new(format: Format, url: Option<&CStr>) -> Result<Self, c_int> {
        let mut raw = ptr::null_mut();
        // SAFETY: a static format, a pointer of ours to fill, and a string that outlives the call.
        let code = unsafe {
            ffi::avformat_alloc_output_context2(
                &mut raw,
                format.as_ptr(),
                ptr::null(),
                url.map_or(ptr::null(), CStr::as_ptr),
            )
        };
        let Some(raw) = NonNull::new(raw).filter(|_| code >= 0) else {
            return Err(code);
        };
        let mut output = OutputContext {
            raw,
            bytes: Bytes::Unopened,
        };
        let context = output.get_mut();
        // The same streams give the same file: no random numbers, no clock.
        context.flags |= ffi::AVFMT_FLAG_BITEXACT;
        context.strict_std_compliance = ffi::FF_COMPLIANCE_EXPERIMENTAL;
        Ok(output)
    }

    /// Opens the file for writing.
    pub(crate) fn open_file(&mut self) -> Result<(), c_int> {
        let context = self.get_mut();
        // SAFETY: the context's own pointer and string.
        let code = unsafe {
            ffi::avio_open2(
                &mut context.pb,
                context.url,
                ffi::AVIO_FLAG_WRITE,
                ptr::null(),
                ptr::null_mut(),
            )
        };
        if code < 0 {
            return Err(code);
        }
        self.bytes = Bytes::File;
        Ok(())
    }

    /// Writes to memory that is thrown away.
    pub(crate) fn open_memory(&mut self) -> Result<(), c_int> {
        // SAFETY: the context's own pointer.
        let code = unsafe { ffi::avio_open_dyn_buf(&mut self.get_mut().pb) };
        if code < 0 {
            return Err(code);
        }
        self.bytes = Bytes::Memory;
        Ok(())
    }

    /// What was written to memory so far.
    pub(crate) fn memory(&mut self) -> Vec<u8> {
        if self.bytes != Bytes::Memory {
            return Vec::new();
        }
        let mut data = ptr::null_mut();
        // SAFETY: the bytes go to memory; the buffer is libav's and is copied before anything else is
        // written.
        unsafe {
            let size = ffi::avio_get_dyn_buf(self.get_mut().pb, &mut data);
            slice::from_raw_parts(data, usize::try_from(size).unwrap_or(0)).to_vec()
        }
    }

    /// Whether what was written can be changed later.
    pub(crate) fn is_seekable(&self) -> bool {
        // SAFETY: null or opened by us.
        unsafe { self.get().pb.as_ref() }
            .is_some_and(|pb| pb.seekable & ffi::AVIO_SEEKABLE_NORMAL != 0)
    }

    /// libav shall not move times to make them positive: that is done before they come here.
    pub(crate) fn keep_times(&mut self) {
        self.get_mut().avoid_negative_ts = ffi::AVFMT_AVOID_NEG_TS_DISABLED;
    }

    /// Adds a stream; gives its number.
    pub(crate) fn add_stream(&mut self, new: &NewStream) -> usize {
        // SAFETY: the context is valid; a stream that comes back is too, and lives as long as it. The
        // fields are those that libav's documentation lets a user set. Calls fail only without memory.
        unsafe {
            let stream = ffi::avformat_new_stream(self.raw.as_ptr(), ptr::null());
            let stream = stream.as_mut().expect("memory for a stream");
            let code = ffi::avcodec_parameters_copy(stream.codecpar, new.parameters.as_ptr());
            assert!(code >= 0, "memory for codec parameters");
            stream.time_base = rational(new.base);
            stream.disposition = new.disposition;
            if let Some(rate) = new.frame_rate {
                stream.avg_frame_rate = ratio(rate);
            }
            if let Some(aspect) = new.sample_aspect {
                stream.sample_aspect_ratio = ratio(aspect);
                (*stream.codecpar).sample_aspect_ratio = ratio(aspect);
            }
            set_tags(&mut stream.metadata, &new.tags);
            for (kind, bytes) in &new.side_data {
                add_side_data(stream, *kind, bytes);
            }
            usize::try_from(stream.index).unwrap_or(0)
        }
    }

    /// Tags of the whole file.
    pub(crate) fn set_tags(&mut self, tags: &Tags) {
        // SAFETY: the context's own dictionary.
        unsafe { set_tags(&mut self.get_mut().metadata, tags) }
    }

    pub(crate) fn add_chapter(&mut self, new: &Chapter) {
        let context = self.get_mut();
        let count = context.nb_chapters as usize;
        // SAFETY: libav has no call for this; as its own tools do, the list is grown with its
        // allocator and holds chapters of its allocator, all of which the context frees.
        unsafe {
            let list = ffi::av_realloc_array(
                context.chapters.cast::<c_void>(),
                count + 1,
                size_of::<*mut ffi::AVChapter>(),
            )
            .cast::<*mut ffi::AVChapter>();
            assert!(!list.is_null(), "memory for chapters");
            context.chapters = list;
            let chapter = ffi::av_mallocz(size_of::<ffi::AVChapter>()).cast::<ffi::AVChapter>();
            let raw = chapter.as_mut().expect("memory for a chapter");
            raw.id = new.id as _;
            raw.time_base = rational(new.base);
            raw.start = new.start;
            raw.end = new.end;
            set_tags(&mut raw.metadata, &new.tags);
            *list.add(count) = chapter;
            context.nb_chapters += 1;
        }
    }

    /// Writes the front of the file; options that were used are taken out of `options`.
    pub(crate) fn write_header(&mut self, options: &mut Options) -> Result<(), c_int> {
        // SAFETY: the context is complete, and the options are a dictionary of ours.
        let code = unsafe { ffi::avformat_write_header(self.raw.as_ptr(), options.as_mut_ptr()) };
        if code < 0 { Err(code) } else { Ok(()) }
    }

    /// The clock of a stream, as the container chose it with its header.
    pub(crate) fn base(&self, stream: usize) -> Option<TimeBase> {
        let context = self.get();
        if stream >= context.nb_streams as usize {
            return None;
        }
        // SAFETY: libav keeps `nb_streams` pointers to valid streams there.
        unsafe { time_base((**context.streams.add(stream)).time_base) }
    }

    /// Writes a packet, whose times are on its stream's clock.
    pub(crate) fn write(&mut self, packet: &mut Packet) -> Result<(), c_int> {
        // SAFETY: the header is written; libav checks the stream's number and takes what it needs.
        let code = unsafe { ffi::av_write_frame(self.raw.as_ptr(), packet.as_mut_ptr()) };
        if code < 0 { Err(code) } else { Ok(()) }
    }

    /// Writes what is left and the end of the file.
    pub(crate) fn write_trailer(&mut self) -> Result<(), c_int> {
        // SAFETY: the header is written, and nothing is written after this.
        let code = unsafe { ffi::av_write_trailer(self.raw.as_ptr()) };
        if code < 0 { Err(code) } else { Ok(()) }
    }

    /// Gives the last bytes to the system and closes the file.
    pub(crate) fn close(mut self) -> Result<(), c_int> {
        self.close_bytes()
    }

    fn close_bytes(&mut self) -> Result<(), c_int> {
        let bytes = std::mem::replace(&mut self.bytes, Bytes::Unopened);
        let context = self.get_mut();
        // SAFETY: each kind is closed by the call that belongs to the one that opened it, once.
        unsafe {
            match bytes {
                Bytes::Unopened => Ok(()),
                Bytes::File => match ffi::avio_closep(&mut context.pb) {
                    0.. => Ok(()),
                    code => Err(code),
                },
                Bytes::Memory => {
                    let mut data = ptr::null_mut();
                    ffi::avio_close_dyn_buf(context.pb, &mut data);
                    ffi::av_free(data.cast());
                    context.pb = ptr::null_mut();
                    Ok(())
                }
            }
        }
    }

    fn get(&self) -> &ffi::AVFormatContext {
        // SAFETY: allocated by libav, ours until it is dropped, and borrowed with `self`.
        unsafe { self.raw.as_ref() }
    }

    fn get_mut(&mut self) -> &mut ffi::AVFormatContext {
        // SAFETY: as in `get`, and `self` is borrowed mutably.
        unsafe { self.raw.as_mut() }
    }
}

impl Drop for OutputContext {
    fn drop(&mut self) {
        // Nobody is left to hear of an error; the file was given up.
        let _ = self.close_bytes();
        // SAFETY: ours, and never used again; it frees streams, chapters and tags.
        unsafe { ffi::avformat_free_context(self.raw.as_ptr()) }
    }
}

fn ratio((num, den): (u32, u32)) -> ffi::AVRational {
    ffi::AVRational {
        num: c_int::try_from(num).unwrap_or(c_int::MAX),
        den: c_int::try_from(den).unwrap_or(c_int::MAX),
    }
}

/// # Safety
/// `dictionary` is libav's own or null.
unsafe fn set_tags(dictionary: &mut *mut ffi::AVDictionary, tags: &Tags) {
    for (key, value) in tags {
        let (Ok(key), Ok(value)) = (CString::new(key.as_str()), CString::new(value.as_str()))
        else {
            continue;
        };
        // SAFETY: the dictionary is valid or null, and libav copies both strings.
        unsafe {
            ffi::av_dict_set(dictionary, key.as_ptr(), value.as_ptr(), 0);
        }
    }
}

/// # Safety
/// `stream` is a stream of a container that is being written.
unsafe fn add_side_data(stream: &mut ffi::AVStream, kind: ffi::AVPacketSideDataType, bytes: &[u8]) {
    // SAFETY: on success libav gives a block of that many bytes, which lives as long as the stream.
    unsafe {
        #[cfg(ffmpeg_6_1)]
        let data = {
            let parameters = &mut *stream.codecpar;
            ffi::av_packet_side_data_new(
                &mut parameters.coded_side_data,
                &mut parameters.nb_coded_side_data,
                kind,
                bytes.len(),
                0,
            )
            .as_ref()
            .map_or(ptr::null_mut(), |block| block.data)
        };
        #[cfg(not(ffmpeg_6_1))]
        let data = ffi::av_stream_new_side_data(stream, kind, bytes.len());
        assert!(!data.is_null(), "memory for side data");
        slice::from_raw_parts_mut(data, bytes.len()).copy_from_slice(bytes);
    }
}
