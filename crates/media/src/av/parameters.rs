//! What a decoder must know about a stream before its first packet.

use std::ffi::c_int;
use std::ptr::NonNull;
use std::slice;

use super::{ffi, lossy};

/// An `AVCodecParameters` of our own.
pub(crate) struct Parameters {
    raw: NonNull<ffi::AVCodecParameters>,
}

// SAFETY: plain memory of our own that belongs to no thread.
unsafe impl Send for Parameters {}
// SAFETY: through a shared reference it is only read.
unsafe impl Sync for Parameters {}

impl Parameters {
    pub(crate) fn new() -> Self {
        // SAFETY: takes nothing, and gives parameters of our own or null.
        let raw = unsafe { ffi::avcodec_parameters_alloc() };
        Parameters {
            raw: NonNull::new(raw).expect("memory for codec parameters"),
        }
    }

    pub(crate) fn copy_of(other: &ffi::AVCodecParameters) -> Self {
        let mut copy = Parameters::new();
        // SAFETY: both are valid. The call fails only without memory.
        let code = unsafe { ffi::avcodec_parameters_copy(copy.as_mut_ptr(), other) };
        assert!(code >= 0, "memory for codec parameters");
        copy
    }

    /// Parameters of a stream that carries a file.
    pub(crate) fn attachment(codec: ffi::AVCodecID, bytes: &[u8]) -> Option<Self> {
        let mut parameters = Parameters::new();
        parameters.get_mut().codec_type = ffi::AVMediaType::ATTACHMENT;
        parameters.get_mut().codec_id = codec;
        parameters.set_extradata(bytes).then_some(parameters)
    }

    /// Parameters of a stream of subtitles.
    #[cfg(test)]
    pub(crate) fn subtitle(codec: ffi::AVCodecID, header: &[u8]) -> Option<Self> {
        let mut parameters = Parameters::new();
        parameters.get_mut().codec_type = ffi::AVMediaType::SUBTITLE;
        parameters.get_mut().codec_id = codec;
        parameters.set_extradata(header).then_some(parameters)
    }

    /// Parameters of stereo Opus whose decoder leaves out the first samples.
    pub(crate) fn opus(padding: u16) -> Self {
        let mut parameters = Parameters::new();
        let raw = parameters.get_mut();
        raw.codec_type = ffi::AVMediaType::AUDIO;
        raw.codec_id = ffi::AVCodecID::OPUS;
        raw.sample_rate = 48_000;
        raw.initial_padding = c_int::from(padding);
        // SAFETY: writes the layout, which holds nothing that would have to be freed.
        unsafe { ffi::av_channel_layout_default(&mut raw.ch_layout, 2) };
        let mut header = *b"OpusHead\x01\x02..\x80\xbb\0\0\0\0\0";
        header[10..12].copy_from_slice(&padding.to_le_bytes());
        parameters.set_extradata(&header);
        parameters
    }

    /// Replaces the codec's own header; false when it is larger than libav can take.
    pub(crate) fn set_extradata(&mut self, bytes: &[u8]) -> bool {
        let padding = ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
        let Ok(size) = c_int::try_from(bytes.len()) else {
            return false;
        };
        // SAFETY: the old block is libav's own or null. The new one is zeroed, so that the padding is
        // too, and holds `bytes.len()` bytes before it.
        unsafe {
            let data = ffi::av_mallocz(bytes.len() + padding).cast::<u8>();
            if data.is_null() {
                return false;
            }
            slice::from_raw_parts_mut(data, bytes.len()).copy_from_slice(bytes);
            ffi::av_freep((&raw mut self.get_mut().extradata).cast());
            self.get_mut().extradata = data;
        }
        self.get_mut().extradata_size = size;
        true
    }

    /// The codec's own header.
    pub(crate) fn extradata(&self) -> &[u8] {
        let parameters = self.get();
        match usize::try_from(parameters.extradata_size) {
            // SAFETY: libav keeps that many readable bytes there.
            Ok(size) if size > 0 && !parameters.extradata.is_null() => unsafe {
                slice::from_raw_parts(parameters.extradata, size)
            },
            _ => &[],
        }
    }

    /// libav's name of the codec.
    pub(crate) fn codec_name(&self) -> String {
        codec_name(self.get().codec_id)
    }

    pub(crate) fn get(&self) -> &ffi::AVCodecParameters {
        // SAFETY: allocated by libav, ours until it is dropped, and borrowed with `self`.
        unsafe { self.raw.as_ref() }
    }

    pub(crate) fn get_mut(&mut self) -> &mut ffi::AVCodecParameters {
        // SAFETY: as in `get`, and `self` is borrowed mutably.
        unsafe { self.raw.as_mut() }
    }

    pub(crate) fn as_ptr(&self) -> *const ffi::AVCodecParameters {
        self.raw.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVCodecParameters {
        self.raw.as_ptr()
    }
}

/// libav's name of a codec.
pub(crate) fn codec_name(codec: ffi::AVCodecID) -> String {
    // SAFETY: takes any number, gives a static string.
    unsafe { lossy(ffi::avcodec_get_name(codec)) }.unwrap_or_default()
}

impl Clone for Parameters {
    fn clone(&self) -> Self {
        Parameters::copy_of(self.get())
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: ours, and never used again.
        unsafe { ffi::avcodec_parameters_free(&mut raw) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_its_own_header() {
        let mut first = Parameters::attachment(ffi::AVCodecID::TTF, b"font").unwrap();
        let second = first.clone();
        assert!(first.set_extradata(b"another"));
        assert_eq!(first.extradata(), b"another");
        assert_eq!(second.extradata(), b"font");
        assert_eq!(second.codec_name(), "ttf");
    }
}
