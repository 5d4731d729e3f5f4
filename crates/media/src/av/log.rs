//! libav's messages, into `tracing`.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};

use super::ffi;

thread_local! {
    /// The last error libav reported on this thread: often the only place that says what is wrong.
    static LAST_ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces libav's printing to stderr.
pub(super) fn install() {
    // SAFETY: `receive` may be called from any thread at any time, as libav asks. Its last parameter
    // takes whatever type the binding gives a `va_list` on this machine.
    unsafe { ffi::av_log_set_callback(Some(receive)) }
}

/// Forgets what this thread has heard so far.
pub(crate) fn forget() {
    LAST_ERROR.take();
}

/// What libav last complained of on this thread since [`forget`].
pub(crate) fn last_error() -> Option<String> {
    LAST_ERROR.take()
}

/// The type of `av_log_format_line2`, whatever a `va_list` is on this machine.
type FormatLine<Arguments> = unsafe extern "C" fn(
    *mut c_void,
    c_int,
    *const c_char,
    Arguments,
    *mut c_char,
    c_int,
    *mut c_int,
) -> c_int;

unsafe extern "C" fn receive<Arguments>(
    object: *mut c_void,
    level: c_int,
    format: *const c_char,
    arguments: Arguments,
) {
    // Damage is counted and reported by the reader itself: libav's lines are details. The eight
    // upper bits of a level are a colour.
    let level = level & 0xff;
    let wanted = if level <= ffi::AV_LOG_ERROR {
        true
    } else if level <= ffi::AV_LOG_WARNING {
        tracing::enabled!(target: "libav", tracing::Level::DEBUG)
    } else if level <= ffi::AV_LOG_VERBOSE {
        tracing::enabled!(target: "libav", tracing::Level::TRACE)
    } else {
        false
    };
    if !wanted {
        return;
    }
    let mut line = [0 as c_char; 512];
    let mut prefix: c_int = 1;
    // SAFETY: `Arguments` was inferred as the `va_list` of this callback's type, which is that of
    // `av_log_format_line2` too: both come from one C type. All pointers are libav's own, passed on
    // once, and the buffer's length is passed; the result ends with a zero.
    let text = unsafe {
        let format_line = std::mem::transmute::<*const c_void, FormatLine<Arguments>>(
            ffi::av_log_format_line2 as *const c_void,
        );
        format_line(
            object,
            level,
            format,
            arguments,
            line.as_mut_ptr(),
            line.len() as c_int,
            &mut prefix,
        );
        CStr::from_ptr(line.as_ptr())
    };
    let text = text.to_string_lossy();
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    if level <= ffi::AV_LOG_FATAL {
        tracing::warn!(target: "libav", "{text}");
    } else if level <= ffi::AV_LOG_WARNING {
        tracing::debug!(target: "libav", "{text}");
    } else {
        tracing::trace!(target: "libav", "{text}");
    }
    if level <= ffi::AV_LOG_ERROR {
        LAST_ERROR.set(Some(message(text).to_owned()));
    }
}

/// A line without libav's `[mov @ 0x55…] ` in front.
fn message(line: &str) -> &str {
    let mut rest = line;
    while rest.starts_with('[')
        && let Some((_, after)) = rest.split_once("] ")
    {
        rest = after;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_loses_its_address() {
        assert_eq!(
            message("[mov,mp4 @ 0x55d0] moov atom not found"),
            "moov atom not found"
        );
        assert_eq!(message("[broken"), "[broken");
    }

    #[test]
    fn libavs_arguments_arrive() {
        install();
        forget();
        // SAFETY: a null object is allowed; the format takes one `int`.
        unsafe {
            ffi::av_log(
                std::ptr::null_mut(),
                ffi::AV_LOG_ERROR,
                c"cannot open %d of %s".as_ptr(),
                17 as c_int,
                c"them".as_ptr(),
            );
        }
        assert_eq!(last_error().as_deref(), Some("cannot open 17 of them"));
        assert_eq!(last_error(), None);
    }
}
