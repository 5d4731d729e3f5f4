//! A video decoder.

use std::ffi::c_int;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nervure_frame::TimeBase;

use super::frame_in::RawFrame;
use super::input::Stream;
use super::packet::Packet;
use super::{ffi, is_again, rational};

/// An `AVCodecContext` that decodes.
pub(crate) struct Decoder {
    raw: NonNull<ffi::AVCodecContext>,
    /// Where it leaves the picture that it was given memory for last. The context points there: it must go
    /// first, as it does in `drop`.
    drawn: Arc<Drawn>,
}

/// The picture that a decoder has drawn, or is about to.
#[derive(Default)]
pub(super) struct Drawn {
    picture: Mutex<Option<RawFrame>>,
    /// How many there were.
    pub(super) count: AtomicUsize,
}

// SAFETY: the context belongs to no thread; its own worker threads are libav's business.
unsafe impl Send for Decoder {}

/// What came of sending a packet.
pub(crate) enum Sent {
    /// It was taken.
    Taken,
    /// It was not: frames must be received first.
    Full,
    /// It was taken and is bad.
    Refused(c_int),
}

/// What came of asking for a frame.
pub(crate) enum Received {
    /// The frame is filled.
    Frame,
    /// More packets are needed.
    NeedMore,
    /// Nothing follows a flush.
    End,
    /// A picture could not be decoded; others may.
    Failed(c_int),
}

impl Decoder {
    /// A decoder for a stream on `threads` threads (0: one for each core, up to eight) that refuses
    /// pictures of more than `max_samples`, and that tells quantisers where it can and is to. `Err(None)`
    /// means that libav has no decoder for it.
    pub(crate) fn open(
        stream: Stream<'_>,
        threads: usize,
        max_samples: usize,
        quantisers: bool,
    ) -> Result<Self, Option<c_int>> {
        Decoder::prepared(stream.parameters(), stream.time_base(), |context| {
            usual(context, threads, max_samples);
            told(context, quantisers);
        })
    }

    /// The same for packets that come from no container.
    pub(crate) fn with_parameters(
        parameters: &ffi::AVCodecParameters,
        time_base: Option<TimeBase>,
        threads: usize,
        max_samples: usize,
    ) -> Result<Self, Option<c_int>> {
        Decoder::prepared(parameters, time_base, |context| {
            usual(context, threads, max_samples);
        })
    }

    /// One on a single thread whose pictures can be looked at, and changed, as soon as they are drawn.
    pub(crate) fn watched(
        stream: Stream<'_>,
        max_samples: usize,
        quantisers: bool,
    ) -> Result<Self, Option<c_int>> {
        Decoder::prepared(stream.parameters(), stream.time_base(), |context| {
            usual(context, 1, max_samples);
            told(context, quantisers);
            context.get_buffer2 = Some(kept);
        })
    }

    /// The picture of the packet that was sent last, whole though it may not yet be its turn to be shown:
    /// of a watched decoder, once.
    pub(crate) fn drawn(&mut self) -> Option<RawFrame> {
        let mut picture = self
            .drawn
            .picture
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        // SAFETY: the context is open, and nobody is at work with it.
        let context = unsafe { self.raw.as_ref() };
        picture.crop(context.width, context.height);
        Some(picture)
    }

    /// One that `prepare` has said more about: in fields that users may set before a decoder is opened.
    pub(super) fn prepared(
        parameters: &ffi::AVCodecParameters,
        time_base: Option<TimeBase>,
        prepare: impl FnOnce(&mut ffi::AVCodecContext),
    ) -> Result<Self, Option<c_int>> {
        // SAFETY: a fresh context is ours; every pointer passed is valid for the call. The fields are
        // those that libav's documentation lets a user set before opening.
        unsafe {
            let codec = ffi::avcodec_find_decoder(parameters.codec_id);
            if codec.is_null() {
                return Err(None);
            }
            let raw =
                NonNull::new(ffi::avcodec_alloc_context3(codec)).expect("memory for a decoder");
            let mut decoder = Decoder {
                raw,
                drawn: Arc::default(),
            };
            let context = decoder.raw.as_mut();
            context.opaque = Arc::as_ptr(&decoder.drawn).cast_mut().cast();
            let code = ffi::avcodec_parameters_to_context(context, parameters);
            if code < 0 {
                return Err(Some(code));
            }
            if let Some(base) = time_base {
                context.pkt_timebase = rational(base);
            }
            // A damaged picture is better than none: it is given out and counted.
            context.flags |= ffi::AV_CODEC_FLAG_OUTPUT_CORRUPT as c_int;
            prepare(context);
            let code = ffi::avcodec_open2(context, codec, ptr::null_mut());
            if code < 0 {
                return Err(Some(code));
            }
            Ok(decoder)
        }
    }

    /// Gives the decoder a packet, or with none says that nothing follows.
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Sent {
        let packet = packet.map_or(ptr::null(), Packet::as_ptr);
        // SAFETY: the decoder is open; the packet is valid or null, and libav takes its own reference.
        match unsafe { ffi::avcodec_send_packet(self.raw.as_ptr(), packet) } {
            0.. => Sent::Taken,
            code if is_again(code) => Sent::Full,
            ffi::AVERROR_EOF => Sent::Taken,
            code => Sent::Refused(code),
        }
    }

    /// Takes the next picture in display order; what `frame` held is let go.
    pub(crate) fn receive(&mut self, frame: &mut RawFrame) -> Received {
        // SAFETY: the decoder is open and the frame is valid; libav clears it first.
        match unsafe { ffi::avcodec_receive_frame(self.raw.as_ptr(), frame.as_mut_ptr()) } {
            0.. => Received::Frame,
            code if is_again(code) => Received::NeedMore,
            ffi::AVERROR_EOF => Received::End,
            code => Received::Failed(code),
        }
    }

    /// Forgets everything it was sent, as after a seek.
    pub(crate) fn reset(&mut self) {
        // SAFETY: the decoder is open.
        unsafe { ffi::avcodec_flush_buffers(self.raw.as_ptr()) }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: ours, and never used again.
        unsafe { ffi::avcodec_free_context(&mut raw) }
    }
}

/// Gives a decoder memory for a picture, and keeps a reference to it.
///
/// # Safety
/// As libav calls it, of a context that [`Decoder::prepared`] made and that works on one thread.
pub(super) unsafe extern "C" fn kept(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
    flags: c_int,
) -> c_int {
    // SAFETY: libav calls this with a context and a frame that are valid, and both are handed on as they
    // are. `opaque` points into what the decoder keeps for as long as the context is there.
    unsafe {
        let code = ffi::avcodec_default_get_buffer2(context, frame, flags);
        if code < 0 {
            return code;
        }
        if let Some(drawn) = (*context).opaque.cast::<Drawn>().as_ref() {
            drawn.count.fetch_add(1, Ordering::Relaxed);
            *drawn.picture.lock().unwrap_or_else(PoisonError::into_inner) =
                RawFrame::referring(&*frame);
        }
        code
    }
}

/// Says what every decoder is told.
fn usual(context: &mut ffi::AVCodecContext, threads: usize, max_samples: usize) {
    let threads = match threads {
        // Every thread holds pictures of its own: more of them cost memory and wait for one another.
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8)),
        threads => threads,
    };
    context.thread_count = c_int::try_from(threads).unwrap_or(0);
    context.max_pixels = i64::try_from(max_samples).unwrap_or(i64::MAX);
    // libav's own choice today. What stands where data is missing must not change with it.
    context.error_concealment = ffi::FF_EC_GUESS_MVS | ffi::FF_EC_DEBLOCK;
}

/// Asks for the quantisers of pictures, beside them, of the codec for which they are understood.
fn told(context: &mut ffi::AVCodecContext, quantisers: bool) {
    if quantisers && context.codec_id == ffi::AVCodecID::H264 {
        context.export_side_data |= ffi::AV_CODEC_EXPORT_DATA_VIDEO_ENC_PARAMS as c_int;
        // Threads that each decode a picture tell those of pictures that others are still at work on.
        context.thread_type = ffi::FF_THREAD_SLICE as c_int;
    }
}

/// Whether libav has a decoder for the stream's codec.
pub(crate) fn has_decoder(stream: Stream<'_>) -> bool {
    // SAFETY: takes any number, gives a static pointer or null.
    !unsafe { ffi::avcodec_find_decoder(stream.parameters().codec_id) }.is_null()
}
