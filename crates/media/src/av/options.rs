//! Key and value options on their way into libav.

use std::ffi::{CString, c_int};
use std::ptr;

use super::{ffi, lossy};

/// An `AVDictionary`.
pub(crate) struct Options(*mut ffi::AVDictionary);

impl Options {
    pub(crate) fn new() -> Self {
        Options(ptr::null_mut())
    }

    /// Sets `key`, over an earlier value. A name or value with a zero byte can mean nothing to libav
    /// and is left out.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let (Ok(key), Ok(value)) = (CString::new(key), CString::new(value)) else {
            return;
        };
        // SAFETY: the dictionary is ours or null, and libav copies both strings.
        unsafe {
            ffi::av_dict_set(&mut self.0, key.as_ptr(), value.as_ptr(), 0);
        }
    }

    /// For libav to read, and to take out what it used.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut *mut ffi::AVDictionary {
        &mut self.0
    }

    /// One key that is still there: after a call, one that libav did not know.
    pub(crate) fn leftover(&self) -> Option<String> {
        const AV_DICT_IGNORE_SUFFIX: c_int = 2;
        // SAFETY: the dictionary is ours or null; an empty key with this flag finds any entry, which
        // lives as long as the dictionary.
        unsafe {
            let entry = ffi::av_dict_get(self.0, c"".as_ptr(), ptr::null(), AV_DICT_IGNORE_SUFFIX);
            entry.as_ref().and_then(|entry| lossy(entry.key))
        }
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Options {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(pairs: T) -> Self {
        let mut options = Options::new();
        for (key, value) in pairs {
            options.set(key, value);
        }
        options
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the dictionary is ours; a null one is allowed.
        unsafe { ffi::av_dict_free(&mut self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_is_left() {
        let mut options: Options = [("pixel_format", "gray")].into_iter().collect();
        assert_eq!(options.leftover().as_deref(), Some("pixel_format"));
        options.set("a\0b", "c");
        assert_eq!(options.leftover().as_deref(), Some("pixel_format"));
        assert_eq!(Options::new().leftover(), None);
    }
}
