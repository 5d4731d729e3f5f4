//! The containers that libav writes.

use std::ffi::{CString, c_int, c_uint};
use std::fmt;
use std::ptr;

use super::{ffi, lossy};

/// An `AVOutputFormat`: static data of libav.
#[derive(Clone, Copy)]
pub(crate) struct Format(&'static ffi::AVOutputFormat);

// SAFETY: nothing ever writes to it.
unsafe impl Send for Format {}
// SAFETY: as above.
unsafe impl Sync for Format {}

/// What a container says about a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Yes,
    No,
    /// Only trying will tell.
    Perhaps,
}

impl Format {
    /// The container for files with this ending.
    pub(crate) fn by_extension(extension: &str) -> Option<Self> {
        let name = CString::new(format!("x.{extension}")).ok()?;
        // SAFETY: a string that outlives the call; formats are static.
        unsafe { ffi::av_guess_format(ptr::null(), name.as_ptr(), ptr::null()).as_ref() }
            .map(Format)
    }

    /// The container that libav calls so.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        let name = CString::new(name).ok()?;
        // SAFETY: as in `by_extension`.
        unsafe { ffi::av_guess_format(name.as_ptr(), ptr::null(), ptr::null()).as_ref() }
            .map(Format)
    }

    pub(crate) fn name(self) -> String {
        // SAFETY: a static string.
        unsafe { lossy(self.0.name) }.unwrap_or_default()
    }

    fn has(self, flag: c_int) -> bool {
        self.0.flags & flag != 0
    }

    /// Codec headers stand at the front of the file and not before each keyframe.
    pub(crate) fn has_global_headers(self) -> bool {
        self.has(ffi::AVFMT_GLOBALHEADER)
    }

    /// Two packets of a stream may be decoded at one moment.
    pub(crate) fn allows_equal_times(self) -> bool {
        self.has(ffi::AVFMT_TS_NONSTRICT)
    }

    /// It writes no file of the given name.
    pub(crate) fn is_fileless(self) -> bool {
        self.has(ffi::AVFMT_NOFILE)
    }

    pub(crate) fn holds(self, codec: ffi::AVCodecID) -> Holds {
        // Experimental: FLAC and TrueHD in MP4, which players read.
        // SAFETY: a static format and any number.
        match unsafe { ffi::avformat_query_codec(self.0, codec, ffi::FF_COMPLIANCE_EXPERIMENTAL) } {
            0 => Holds::No,
            1.. => Holds::Yes,
            _ => Holds::Perhaps,
        }
    }

    /// The tag of a copied stream, if it means the same here; else 0, for the container's own.
    pub(crate) fn tag_for(self, codec: ffi::AVCodecID, tag: c_uint) -> c_uint {
        let table = self.0.codec_tag;
        if table.is_null() {
            return tag;
        }
        let mut own = 0;
        // SAFETY: a static table, and a number to write to.
        let keeps = unsafe {
            ffi::av_codec_get_id(table, tag) == codec
                || ffi::av_codec_get_tag2(table, codec, &mut own) == 0
        };
        if keeps { tag } else { 0 }
    }

    pub(super) fn as_ptr(self) -> *const ffi::AVOutputFormat {
        self.0
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({})", self.name())
    }
}

/// Whether a codec's subtitles are text; none for codecs that are no subtitles.
pub(crate) fn is_text(codec: ffi::AVCodecID) -> Option<bool> {
    // SAFETY: takes any number, gives a static description or null.
    let properties = unsafe { ffi::avcodec_descriptor_get(codec).as_ref()?.props };
    if properties & ffi::AV_CODEC_PROP_BITMAP_SUB != 0 {
        Some(false)
    } else if properties & ffi::AV_CODEC_PROP_TEXT_SUB != 0 {
        Some(true)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_name_containers() {
        for (ending, name) in [
            ("mp4", "mp4"),
            ("mov", "mov"),
            ("m4v", "ipod"),
            ("mkv", "matroska"),
            ("webm", "webm"),
        ] {
            assert_eq!(Format::by_extension(ending).unwrap().name(), name);
        }
        assert!(Format::by_extension("xyz").is_none());
        assert_eq!(Format::by_name("matroska").unwrap().name(), "matroska");
    }

    #[test]
    fn containers_know_their_codecs() {
        let holds = |name, codec| Format::by_name(name).unwrap().holds(codec);
        use ffi::AVCodecID as Id;
        assert_eq!(holds("webm", Id::AAC), Holds::No);
        assert_eq!(holds("webm", Id::OPUS), Holds::Yes);
        assert_eq!(holds("mp4", Id::THEORA), Holds::No);
        assert_eq!(holds("matroska", Id::FFV1), Holds::Yes);
        assert_eq!(holds("mp4", Id::FLAC), Holds::Yes);
        assert_eq!(is_text(Id::SUBRIP), Some(true));
        assert_eq!(is_text(Id::HDMV_PGS_SUBTITLE), Some(false));
        assert_eq!(is_text(Id::AAC), None);
    }
}
