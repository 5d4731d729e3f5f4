//! Text subtitles, decoded and encoded.

use std::ffi::{CString, c_int};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;

use nervure_frame::TimeBase;

use super::packet::Packet;
use super::parameters::Parameters;
use super::{ffi, rational};

/// More than any line of text, styles included.
const LONGEST: usize = 1 << 20;

/// A decoder and an encoder of text subtitles.
pub(crate) struct Converter {
    decoder: Context,
    encoder: Context,
    buffer: Vec<u8>,
}

/// An `AVCodecContext`.
struct Context(NonNull<ffi::AVCodecContext>);

// SAFETY: a context belongs to no thread, and is used through `&mut` only.
unsafe impl Send for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: ours, and never used again.
        unsafe { ffi::avcodec_free_context(&mut raw) }
    }
}

/// Whether libav can read subtitles of this codec and has that encoder.
pub(crate) fn can_convert(codec: ffi::AVCodecID, encoder: &str) -> bool {
    // SAFETY: takes any number, gives a static pointer or null.
    let decoder = unsafe { ffi::avcodec_find_decoder(codec) };
    !decoder.is_null() && find_encoder(encoder).is_some()
}

fn find_encoder(name: &str) -> Option<NonNull<ffi::AVCodec>> {
    let name = CString::new(name).ok()?;
    // SAFETY: a string that outlives the call; codecs are static.
    NonNull::new(unsafe { ffi::avcodec_find_encoder_by_name(name.as_ptr()) }.cast_mut())
}

impl Converter {
    /// From subtitles with these parameters and clock to those of the encoder of that name.
    pub(crate) fn new(from: &Parameters, base: TimeBase, encoder: &str) -> Result<Self, c_int> {
        let codec = find_encoder(encoder).ok_or(ffi::AVERROR_ENCODER_NOT_FOUND)?;
        // SAFETY: fresh contexts are ours; every pointer passed is valid for the call, and the fields
        // are those that libav's documentation lets a user set before opening. The header that the
        // encoder gets is a copy in libav's own memory, which the context frees.
        unsafe {
            let decoder_codec = ffi::avcodec_find_decoder(from.get().codec_id);
            if decoder_codec.is_null() {
                return Err(ffi::AVERROR_DECODER_NOT_FOUND);
            }
            let decoder = Context::new(decoder_codec);
            let raw = decoder.0.as_ptr();
            check(ffi::avcodec_parameters_to_context(raw, from.as_ptr()))?;
            (*raw).pkt_timebase = rational(base);
            check(ffi::avcodec_open2(raw, decoder_codec, ptr::null_mut()))?;

            let encoder = Context::new(codec.as_ptr());
            let made = encoder.0.as_ptr();
            (*made).time_base = rational(TimeBase::MICROS);
            let size = usize::try_from((*raw).subtitle_header_size).unwrap_or(0);
            if size > 0 && !(*raw).subtitle_header.is_null() {
                // Encoders read it as a string.
                let header = ffi::av_mallocz(size + 1).cast::<u8>();
                assert!(!header.is_null(), "memory for a subtitle header");
                ptr::copy_nonoverlapping((*raw).subtitle_header, header, size);
                (*made).subtitle_header = header;
                (*made).subtitle_header_size = (*raw).subtitle_header_size;
            }
            check(ffi::avcodec_open2(made, codec.as_ptr(), ptr::null_mut()))?;
            Ok(Converter {
                decoder,
                encoder,
                buffer: vec![0; LONGEST],
            })
        }
    }

    /// What a container must know about the converted stream.
    pub(crate) fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::new();
        // SAFETY: both are valid. The call fails only without memory.
        let code = unsafe {
            ffi::avcodec_parameters_from_context(parameters.as_mut_ptr(), self.encoder.0.as_ptr())
        };
        assert!(code >= 0, "memory for codec parameters");
        parameters
    }

    /// The same text as the encoder writes it; none for a packet that shows nothing.
    pub(crate) fn convert(&mut self, packet: &mut Packet) -> Result<Option<Vec<u8>>, c_int> {
        let mut text = MaybeUninit::<ffi::AVSubtitle>::zeroed();
        let mut got = 0;
        // SAFETY: the decoder is open and the packet is valid. All zeros is an empty subtitle, which
        // libav fills, and which is freed whatever comes of it. The buffer's length is passed.
        unsafe {
            let code = ffi::avcodec_decode_subtitle2(
                self.decoder.0.as_ptr(),
                text.as_mut_ptr(),
                &mut got,
                packet.as_mut_ptr(),
            );
            if code < 0 {
                ffi::avsubtitle_free(text.as_mut_ptr());
                return Err(code);
            }
            let subtitle = text.assume_init_mut();
            if got == 0 || subtitle.num_rects == 0 {
                ffi::avsubtitle_free(subtitle);
                return Ok(None);
            }
            // The times are the packet's; the encoders want theirs to begin at zero.
            subtitle.pts = 0;
            subtitle.end_display_time = subtitle
                .end_display_time
                .saturating_sub(subtitle.start_display_time);
            subtitle.start_display_time = 0;
            let written = ffi::avcodec_encode_subtitle(
                self.encoder.0.as_ptr(),
                self.buffer.as_mut_ptr(),
                c_int::try_from(self.buffer.len()).unwrap_or(c_int::MAX),
                subtitle,
            );
            ffi::avsubtitle_free(subtitle);
            let written = usize::try_from(written).map_err(|_| written)?;
            let bytes = slice::from_raw_parts(self.buffer.as_ptr(), written.min(self.buffer.len()));
            Ok((!bytes.is_empty()).then(|| bytes.to_vec()))
        }
    }
}

impl Context {
    /// # Safety
    /// `codec` is a codec of libav's.
    unsafe fn new(codec: *const ffi::AVCodec) -> Self {
        // SAFETY: as the caller says.
        let raw = unsafe { ffi::avcodec_alloc_context3(codec) };
        Context(NonNull::new(raw).expect("memory for a codec"))
    }
}

fn check(code: c_int) -> Result<(), c_int> {
    if code < 0 { Err(code) } else { Ok(()) }
}
