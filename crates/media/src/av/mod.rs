//! The edge to libav: every call that is `unsafe` in this crate.
//!
//! Each file wraps one libav object in a type that frees it and whose methods are safe to call. What
//! the calls mean for a user, and every decision, lies outside this module.
#![allow(unsafe_code)]

pub(crate) mod convert;
pub(crate) mod copied;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod filter;
pub(crate) mod format_out;
pub(crate) mod frame_in;
pub(crate) mod frame_out;
pub(crate) mod input;
pub(crate) mod io;
pub(crate) mod log;
mod memory;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod packet;
pub(crate) mod packet_side;
pub(crate) mod parameters;
pub(crate) mod pixels;
mod quiet;
pub(crate) mod side_data;
pub(crate) mod subtitle;
pub(crate) mod witness;

use std::ffi::{CStr, c_char, c_int};
use std::sync::Once;

pub(crate) use ffmpeg_the_third::ffi;
use nervure_frame::TimeBase;

/// libav's "no timestamp".
pub(crate) const NO_TIMESTAMP: i64 = i64::MIN;

/// Sets libav up once: devices, network, and its messages into `tracing` instead of stderr.
pub(crate) fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::install();
        memory::fresh_large_blocks();
        // SAFETY: both only fill libav's global tables, and `Once` keeps other threads out.
        unsafe {
            ffi::avdevice_register_all();
            ffi::avformat_network_init();
        }
    });
}

/// Which libavcodec is linked: another may encode the same frames differently.
pub fn library_version() -> String {
    // SAFETY: takes nothing and reads a constant.
    let version = unsafe { ffi::avcodec_version() };
    format!(
        "libavcodec {}.{}.{}",
        version >> 16,
        version >> 8 & 255,
        version & 255
    )
}

/// libav's words for a result code.
pub(crate) fn reason(code: c_int) -> String {
    let mut text = [0 as c_char; 256];
    // SAFETY: the buffer's length is passed, and libav ends what it writes with a zero. It fills the
    // buffer with a generic message when it does not know the code.
    unsafe {
        ffi::av_strerror(code, text.as_mut_ptr(), text.len());
        lossy(text.as_ptr()).unwrap_or_default()
    }
}

/// Whether a result code says "call again later".
pub(crate) fn is_again(code: c_int) -> bool {
    code < 0
        && std::io::Error::from_raw_os_error(code.wrapping_neg()).kind()
            == std::io::ErrorKind::WouldBlock
}

/// A copy of one of libav's strings; `None` for a null pointer.
///
/// # Safety
/// `text` is null or points to a string that ends with a zero and outlives the call.
pub(crate) unsafe fn lossy(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, and the caller vouches for the rest.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().into_owned())
}

/// A fraction of two positive parts, else none.
pub(crate) fn fraction(value: ffi::AVRational) -> Option<(u32, u32)> {
    match (u32::try_from(value.num), u32::try_from(value.den)) {
        (Ok(num), Ok(den)) if num > 0 && den > 0 => Some((num, den)),
        _ => None,
    }
}

/// A stream's clock, if it is one.
pub(crate) fn time_base(value: ffi::AVRational) -> Option<TimeBase> {
    fraction(value).map(|(num, den)| TimeBase::new(num, den))
}

/// A clock in libav's terms.
pub(crate) fn rational(base: TimeBase) -> ffi::AVRational {
    ffi::AVRational {
        // Both parts came from libav's `int`s or are small constants of ours.
        num: c_int::try_from(base.num).unwrap_or(c_int::MAX),
        den: c_int::try_from(base.den).unwrap_or(c_int::MAX),
    }
}

/// A timestamp or duration, unless it is libav's "none".
pub(crate) fn timestamp(value: i64) -> Option<i64> {
    (value != NO_TIMESTAMP).then_some(value)
}
