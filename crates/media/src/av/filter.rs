//! The deinterlacer: libavfilter's bwdif, or yadif where that is missing.

use std::ffi::{CString, c_int};
use std::ptr::{self, NonNull};

use nervure_frame::{TimeBase, Timestamp};

use super::frame_in::RawFrame;
use super::{ffi, is_again, reason, time_base};

/// A filter graph that makes one whole picture of every interlaced one and passes the others on.
///
/// As many pictures come out as go in, in their order and with their timestamps, one picture later.
pub(crate) struct Deinterlacer {
    graph: NonNull<ffi::AVFilterGraph>,
    source: *mut ffi::AVFilterContext,
    sink: *mut ffi::AVFilterContext,
    picture: Picture,
    base: TimeBase,
}

// SAFETY: the graph belongs to no thread and frees its own workers; the two filters are its own.
unsafe impl Send for Deinterlacer {}

/// What a graph is made for: another kind of picture needs another graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Picture {
    width: usize,
    height: usize,
    pixels: c_int,
    matrix: i64,
    range: i64,
}

impl Picture {
    fn of(raw: &RawFrame) -> Self {
        let (matrix, range) = raw.matrix_and_range();
        Picture {
            width: raw.width(),
            height: raw.height(),
            pixels: raw.pixel_format(),
            matrix,
            range,
        }
    }
}

impl Deinterlacer {
    /// A deinterlacer for pictures like `raw` with timestamps of the clock `base`, on `threads`
    /// threads (0: as many as there are cores).
    pub(crate) fn new(raw: &RawFrame, base: TimeBase, threads: usize) -> Result<Self, String> {
        let picture = Picture::of(raw);
        let Picture {
            width,
            height,
            pixels,
            ..
        } = picture;
        let mut arguments = format!(
            "video_size={width}x{height}:pix_fmt={pixels}:time_base={}/{}:pixel_aspect=1/1",
            base.num, base.den
        );
        if cfg!(ffmpeg_7_1) {
            arguments += &format!(":colorspace={}:range={}", picture.matrix, picture.range);
        }
        // SAFETY: the graph is ours; filters found by name are static; strings outlive the calls,
        // which copy them. The filters made belong to the graph.
        unsafe {
            let graph =
                NonNull::new(ffi::avfilter_graph_alloc()).expect("memory for a filter graph");
            let mut made = Deinterlacer {
                graph,
                source: ptr::null_mut(),
                sink: ptr::null_mut(),
                picture,
                base,
            };
            made.graph.as_mut().nb_threads = c_int::try_from(threads).unwrap_or(0);
            made.source = made.add(c"buffer".as_ptr(), &arguments)?;
            let filter = made
                .add(c"bwdif".as_ptr(), "mode=send_frame:deint=interlaced")
                .or_else(|_| made.add(c"yadif".as_ptr(), "mode=send_frame:deint=interlaced"))?;
            made.sink = made.add(c"buffersink".as_ptr(), "")?;
            check(ffi::avfilter_link(made.source, 0, filter, 0))?;
            check(ffi::avfilter_link(filter, 0, made.sink, 0))?;
            check(ffi::avfilter_graph_config(
                made.graph.as_ptr(),
                ptr::null_mut(),
            ))?;
            Ok(made)
        }
    }

    /// Whether a picture can go through this graph.
    pub(crate) fn fits(&self, raw: &RawFrame) -> bool {
        self.picture == Picture::of(raw)
    }

    /// Takes a picture in; with none, says that nothing follows.
    pub(crate) fn push(&mut self, raw: Option<&mut RawFrame>) -> Result<(), String> {
        let frame = raw.map_or(ptr::null_mut(), RawFrame::as_mut_ptr);
        // SAFETY: the graph is configured; the frame is valid or null, and its references move into
        // the graph.
        check(unsafe { ffi::av_buffersrc_add_frame(self.source, frame) })
    }

    /// Takes the next finished picture out, and its timestamp; none when more must be pushed, or
    /// after the last.
    pub(crate) fn pull(&mut self, into: &mut RawFrame) -> Result<Option<i64>, String> {
        // SAFETY: the graph is configured and the frame is valid; it is emptied before it is filled.
        let (code, clock) = unsafe {
            ffi::av_frame_unref(into.as_mut_ptr());
            (
                ffi::av_buffersink_get_frame(self.sink, into.as_mut_ptr()),
                ffi::av_buffersink_get_time_base(self.sink),
            )
        };
        if is_again(code) || code == ffi::AVERROR_EOF {
            return Ok(None);
        }
        check(code)?;
        // The filter counts half ticks.
        let (Some(ticks), Some(clock)) = (into.pts(), time_base(clock)) else {
            return Err("the deinterlacer lost a timestamp".into());
        };
        Ok(Some(Timestamp::new(ticks, clock).rescale(self.base).ticks))
    }

    /// # Safety
    /// `name` points to a string that ends with a zero.
    unsafe fn add(
        &mut self,
        name: *const std::ffi::c_char,
        arguments: &str,
    ) -> Result<*mut ffi::AVFilterContext, String> {
        let arguments = CString::new(arguments).map_err(|error| error.to_string())?;
        let mut made = ptr::null_mut();
        // SAFETY: as the caller vouches; the graph is ours, a null filter is checked for.
        unsafe {
            let filter = ffi::avfilter_get_by_name(name);
            if filter.is_null() {
                return Err("this FFmpeg has no deinterlacer (bwdif or yadif)".into());
            }
            check(ffi::avfilter_graph_create_filter(
                &mut made,
                filter,
                name,
                arguments.as_ptr(),
                ptr::null_mut(),
                self.graph.as_ptr(),
            ))?;
        }
        Ok(made)
    }
}

fn check(code: c_int) -> Result<(), String> {
    if code < 0 { Err(reason(code)) } else { Ok(()) }
}

impl Drop for Deinterlacer {
    fn drop(&mut self) {
        let mut graph = self.graph.as_ptr();
        // SAFETY: ours, and never used again; it frees its filters.
        unsafe { ffi::avfilter_graph_free(&mut graph) }
    }
}
