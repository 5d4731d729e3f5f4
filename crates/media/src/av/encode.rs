//! A video encoder.

use std::ffi::{CString, c_int};
use std::ptr::{self, NonNull};

use nervure_frame::{Colour, PictureFormat, Range, TimeBase};

use super::frame_out::Picture;
use super::options::Options;
use super::packet::Packet;
use super::parameters::Parameters;
use super::pixels::planar;
use super::{ffi, is_again, memory, rational};

/// What an encoder must be told before it is opened, beside its options.
pub(crate) struct Setup {
    pub(crate) format: PictureFormat,
    pub(crate) colour: Colour,
    pub(crate) sample_aspect: (u32, u32),
    /// The clock of the pictures' timestamps.
    pub(crate) clock: TimeBase,
    pub(crate) frame_rate: (u32, u32),
    /// Pictures from one keyframe to the next, at most.
    pub(crate) keyframe_interval: u32,
    /// 0: as many as the encoder likes.
    pub(crate) threads: usize,
    /// Bits in a second.
    pub(crate) bitrate: Option<u64>,
    /// Bits in a second that no stretch of a second or two exceeds.
    pub(crate) ceiling: Option<u64>,
}

/// An `AVCodecContext` that encodes.
pub(crate) struct EncoderContext {
    raw: NonNull<ffi::AVCodecContext>,
    /// It was told that nothing follows, or was never opened.
    ended: bool,
}

// SAFETY: the context belongs to no thread; its own worker threads are libav's business.
unsafe impl Send for EncoderContext {}

/// What came of sending a picture.
pub(crate) enum Sent {
    /// It was taken.
    Taken,
    /// It was not: packets must be received first.
    Full,
}

/// What came of asking for a packet.
pub(crate) enum Received {
    /// A packet, with times on the clock of the pictures.
    Packet(Packet),
    /// More pictures are needed.
    NeedMore,
    /// Nothing follows a flush.
    End,
}

/// Whether libav has an encoder of this name.
pub(crate) fn has_encoder(name: &str) -> bool {
    find(name).is_some()
}

fn find(name: &str) -> Option<NonNull<ffi::AVCodec>> {
    let name = CString::new(name).ok()?;
    // SAFETY: a string that outlives the call; codecs are static.
    NonNull::new(unsafe { ffi::avcodec_find_encoder_by_name(name.as_ptr()) }.cast_mut())
}

impl EncoderContext {
    /// Opens the encoder of that name. Options that it knows are taken out of `options`.
    pub(crate) fn open(name: &str, setup: &Setup, options: &mut Options) -> Result<Self, c_int> {
        let codec = find(name).ok_or(ffi::AVERROR_ENCODER_NOT_FOUND)?.as_ptr();
        let size = |n: usize| c_int::try_from(n).map_err(|_| ffi::AVERROR_BUG);
        // SAFETY: a fresh context is ours; every pointer passed is valid for the call. The fields are
        // those that libav's documentation lets a user set before opening.
        unsafe {
            let raw =
                NonNull::new(ffi::avcodec_alloc_context3(codec)).expect("memory for an encoder");
            let mut encoder = EncoderContext { raw, ended: true };
            let context = encoder.raw.as_mut();
            context.width = size(setup.format.width)?;
            context.height = size(setup.format.height)?;
            context.pix_fmt = planar(setup.format.chroma, setup.format.depth);
            set_colour(context, setup.colour);
            context.sample_aspect_ratio = ratio(setup.sample_aspect);
            context.time_base = rational(setup.clock);
            context.framerate = ratio(setup.frame_rate);
            context.gop_size = c_int::try_from(setup.keyframe_interval).unwrap_or(c_int::MAX);
            context.thread_count = c_int::try_from(setup.threads).unwrap_or(0);
            let bits = |rate: Option<u64>| i64::try_from(rate.unwrap_or(0)).unwrap_or(i64::MAX);
            context.bit_rate = bits(setup.bitrate);
            context.rc_max_rate = bits(setup.ceiling);
            context.rc_buffer_size =
                c_int::try_from(bits(setup.ceiling).saturating_mul(2)).unwrap_or(c_int::MAX);
            // Containers want the codec's header at their front, and a stretch that refers to no
            // earlier one can be joined to any other.
            context.flags |=
                (ffi::AV_CODEC_FLAG_GLOBAL_HEADER | ffi::AV_CODEC_FLAG_CLOSED_GOP) as c_int;
            let code = ffi::avcodec_open2(context, codec, options.as_mut_ptr());
            if code < 0 {
                return Err(code);
            }
            encoder.ended = false;
            Ok(encoder)
        }
    }

    /// Gives the encoder a picture, or with none says that nothing follows.
    pub(crate) fn send(&mut self, picture: Option<&Picture>) -> Result<Sent, c_int> {
        let picture = picture.map_or(ptr::null(), Picture::as_ptr);
        // SAFETY: the encoder is open; the picture is valid or null, and libav takes its own
        // references to the planes.
        match unsafe { ffi::avcodec_send_frame(self.raw.as_ptr(), picture) } {
            0.. => {
                self.ended |= picture.is_null();
                Ok(Sent::Taken)
            }
            code if is_again(code) => Ok(Sent::Full),
            // A second flush.
            ffi::AVERROR_EOF => Ok(Sent::Taken),
            code => Err(code),
        }
    }

    /// Takes the next packet, in the order of decoding.
    pub(crate) fn receive(&mut self, clock: TimeBase) -> Result<Received, c_int> {
        let mut packet = Packet::empty(clock);
        // SAFETY: the encoder is open and the packet is valid.
        match unsafe { ffi::avcodec_receive_packet(self.raw.as_ptr(), packet.as_mut_ptr()) } {
            0.. => {
                packet.set_time_base(clock);
                Ok(Received::Packet(packet))
            }
            code if is_again(code) => Ok(Received::NeedMore),
            ffi::AVERROR_EOF => Ok(Received::End),
            code => Err(code),
        }
    }

    /// What a container must know about the stream.
    pub(crate) fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::new();
        // SAFETY: both are valid. The call fails only without memory.
        let code = unsafe {
            ffi::avcodec_parameters_from_context(parameters.as_mut_ptr(), self.raw.as_ptr())
        };
        assert!(code >= 0, "memory for codec parameters");
        parameters
    }
}

impl Drop for EncoderContext {
    fn drop(&mut self) {
        // SVT-AV1 waits for ever when it is closed before it was told that nothing follows, and can
        // be told only when it has room: an encoder that is given up is emptied first.
        while !self.ended && matches!(self.send(None), Ok(Sent::Full)) {
            self.ended = !matches!(self.receive(TimeBase::MICROS), Ok(Received::Packet(_)));
        }
        while let Ok(Received::Packet(_)) = self.receive(TimeBase::MICROS) {}
        let mut raw = self.raw.as_ptr();
        // SAFETY: ours, and never used again.
        unsafe { ffi::avcodec_free_context(&mut raw) }
        memory::give_back();
    }
}

fn ratio((num, den): (u32, u32)) -> ffi::AVRational {
    ffi::AVRational {
        num: c_int::try_from(num).unwrap_or(c_int::MAX),
        den: c_int::try_from(den).unwrap_or(c_int::MAX),
    }
}

fn set_colour(context: &mut ffi::AVCodecContext, colour: Colour) {
    context.color_range = range(colour.range);
    context.color_primaries = ffi::AVColorPrimaries(u32::from(colour.primaries) as _);
    context.color_trc = ffi::AVColorTransferCharacteristic(u32::from(colour.transfer) as _);
    context.colorspace = ffi::AVColorSpace(u32::from(colour.matrix) as _);
    context.chroma_sample_location = location(colour.location);
}

fn range(range: Range) -> ffi::AVColorRange {
    match range {
        Range::Unspecified => ffi::AVColorRange::UNSPECIFIED,
        Range::Limited => ffi::AVColorRange::MPEG,
        Range::Full => ffi::AVColorRange::JPEG,
    }
}

fn location(location: nervure_frame::ChromaLocation) -> ffi::AVChromaLocation {
    use nervure_frame::ChromaLocation as Ours;
    match location {
        Ours::Unspecified => ffi::AVChromaLocation::UNSPECIFIED,
        Ours::Left => ffi::AVChromaLocation::LEFT,
        Ours::Centre => ffi::AVChromaLocation::CENTER,
        Ours::TopLeft => ffi::AVChromaLocation::TOPLEFT,
        Ours::Top => ffi::AVChromaLocation::TOP,
        Ours::BottomLeft => ffi::AVChromaLocation::BOTTOMLEFT,
        Ours::Bottom => ffi::AVChromaLocation::BOTTOM,
    }
}
