//! Bytes for libav from any reader.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::slice;

use super::ffi;

/// What libav reads at once.
const BUFFER: usize = 64 * 1024;

/// An `AVIOContext` over a reader.
pub(crate) struct Io {
    raw: NonNull<ffi::AVIOContext>,
    /// Behind the context's opaque pointer; boxed so that the address stays when `Io` moves.
    _source: Box<Source>,
}

/// Where the bytes come from.
enum Source {
    /// Only from front to back.
    Stream(Box<dyn Read + Send>),
    /// From anywhere.
    File(File),
}

// SAFETY: the context is used by one caller at a time, and the source is `Send`.
unsafe impl Send for Io {}

impl Io {
    /// Over a reader that cannot seek.
    pub(crate) fn stream(reader: Box<dyn Read + Send>) -> Self {
        Io::new(Source::Stream(reader))
    }

    /// Over a file, from its first byte.
    pub(crate) fn file(file: File) -> Self {
        Io::new(Source::File(file))
    }

    fn new(source: Source) -> Self {
        let seek = match source {
            Source::Stream(_) => None,
            Source::File(_) => Some(seek as unsafe extern "C" fn(_, _, _) -> _),
        };
        let mut source = Box::new(source);
        let opaque = ptr::from_mut(source.as_mut()).cast::<c_void>();
        // SAFETY: the buffer comes from libav's own allocator, as it asks, and belongs to the context
        // from then on. The opaque pointer is the boxed source, which lives as long as `Io` and is
        // touched by nothing but the callbacks.
        let raw = unsafe {
            let buffer = ffi::av_malloc(BUFFER).cast::<u8>();
            assert!(!buffer.is_null(), "memory for a read buffer");
            ffi::avio_alloc_context(buffer, BUFFER as c_int, 0, opaque, Some(read), None, seek)
        };
        Io {
            raw: NonNull::new(raw).expect("memory for a reader"),
            _source: source,
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
    // SAFETY: `opaque` is the boxed source of a live `Io` and libav calls from one thread at a time;
    // the buffer has room for `size` bytes, which are made readable here.
    let (source, buffer) = unsafe {
        ptr::write_bytes(buffer, 0, length);
        (
            &mut *opaque.cast::<Source>(),
            slice::from_raw_parts_mut(buffer, length),
        )
    };
    // A reader that panics is a bug of its owner, which must not unwind through libav.
    let result = catch_unwind(AssertUnwindSafe(|| {
        loop {
            let result = match source {
                Source::Stream(reader) => reader.read(buffer),
                Source::File(file) => file.read(buffer),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }));
    match result {
        Ok(Ok(0)) => ffi::AVERROR_EOF,
        Ok(Ok(read)) => c_int::try_from(read.min(length)).unwrap_or(ffi::AVERROR_BUG),
        Ok(Err(error)) => failure(&error),
        Err(_) => ffi::AVERROR_EXTERNAL,
    }
}

unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as in `read`.
    let source = unsafe { &mut *opaque.cast::<Source>() };
    let Source::File(file) = source else {
        return i64::from(ffi::AVERROR_BUG);
    };
    // libav adds a flag that files need not heed; the others are C's, whose numbers are the same
    // wherever there is a FFmpeg.
    let result = match whence & !ffi::AVSEEK_FORCE {
        ffi::AVSEEK_SIZE => file.metadata().map(|data| data.len()),
        0 => u64::try_from(offset)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
            .and_then(|offset| file.seek(SeekFrom::Start(offset))),
        1 => file.seek(SeekFrom::Current(offset)),
        2 => file.seek(SeekFrom::End(offset)),
        _ => return i64::from(ffi::AVERROR_BUG),
    };
    match result {
        Ok(place) => i64::try_from(place).unwrap_or(i64::MAX),
        Err(error) => i64::from(failure(&error)),
    }
}

/// libav's number for a system's error is the system's, negated.
fn failure(error: &io::Error) -> c_int {
    match error.raw_os_error() {
        Some(code) if code > 0 => -code,
        _ => ffi::AVERROR_EXTERNAL,
    }
}
