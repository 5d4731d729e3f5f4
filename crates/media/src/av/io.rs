//! Bytes for libav from any reader.

use std::ffi::{c_int, c_void};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::slice;

use super::ffi;

/// What libav reads at once.
const BUFFER: usize = 64 * 1024;

/// An `AVIOContext` over a reader that cannot seek.
pub(crate) struct Io {
    raw: NonNull<ffi::AVIOContext>,
    /// Behind the context's opaque pointer; boxed twice so that the address stays when `Io` moves.
    _reader: Box<Box<dyn Read + Send>>,
}

// SAFETY: the context is used by one caller at a time, and the reader is `Send`.
unsafe impl Send for Io {}

impl Io {
    pub(crate) fn new(reader: Box<dyn Read + Send>) -> Self {
        let mut reader = Box::new(reader);
        let opaque = ptr::from_mut(reader.as_mut()).cast::<c_void>();
        // SAFETY: the buffer comes from libav's own allocator, as it asks, and belongs to the context
        // from then on. The opaque pointer is the boxed reader, which lives as long as `Io` and is
        // touched by nothing but the callback.
        let raw = unsafe {
            let buffer = ffi::av_malloc(BUFFER).cast::<u8>();
            assert!(!buffer.is_null(), "memory for a read buffer");
            ffi::avio_alloc_context(buffer, BUFFER as c_int, 0, opaque, Some(read), None, None)
        };
        Io {
            raw: NonNull::new(raw).expect("memory for a reader"),
            _reader: reader,
        }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVIOContext {
        self.raw.as_ptr()
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: libav may have replaced the buffer, so the context's own pointer is freed; neither
        // is used again.
        unsafe {
            ffi::av_freep(ptr::from_mut(&mut (*raw).buffer).cast());
            ffi::avio_context_free(&mut raw);
        }
    }
}

unsafe extern "C" fn read(opaque: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    let Ok(length) = usize::try_from(size) else {
        return ffi::AVERROR_BUG;
    };
    // SAFETY: `opaque` is the boxed reader of a live `Io` and libav calls from one thread at a time;
    // the buffer has room for `size` bytes, made readable here.
    let (reader, buffer) = unsafe {
        ptr::write_bytes(buffer, 0, length);
        (
            &mut *opaque.cast::<Box<dyn Read + Send>>(),
            slice::from_raw_parts_mut(buffer, length),
        )
    };
    let result = catch_unwind(AssertUnwindSafe(|| {
        loop {
            match reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }));
    match result {
        Ok(Ok(0)) => ffi::AVERROR_EOF,
        Ok(Ok(read)) => c_int::try_from(read.min(length)).unwrap_or(ffi::AVERROR_BUG),
        Ok(Err(error)) => match error.raw_os_error() {
            Some(code) if code > 0 => -code,
            _ => ffi::AVERROR_EXTERNAL,
        },
        // A reader that panics is a bug of its owner, which must not unwind through libav.
        Err(_) => ffi::AVERROR_EXTERNAL,
    }
}
