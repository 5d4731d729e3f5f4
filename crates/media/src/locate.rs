//! Files and pipes before libav sees them, and why it could not open them.

use std::ffi::c_int;
use std::fs::{self, File};
use std::path::Path;

use crate::av::input::InputContext;
use crate::av::{self, ffi, log};
use crate::{Error, OpenOptions, Result};

/// Standard input as a file, where it is one: a container whose index is at its end can then be read.
#[cfg(unix)]
pub(crate) fn seekable_stdin() -> Option<File> {
    use std::io::Seek;
    use std::os::fd::AsFd;
    let mut file = File::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
    // One that another program has read from begins where that left off.
    let fresh = file.metadata().ok()?.is_file() && file.stream_position().ok()? == 0;
    fresh.then_some(file)
}

#[cfg(not(unix))]
pub(crate) fn seekable_stdin() -> Option<File> {
    None
}

/// What libav says less well than the file system.
pub(crate) fn check_file(path: &Path, name: &str, options: &OpenOptions) -> Result<()> {
    let refuse = |reason: &str, hint: Option<&str>| {
        Err(Error::Open {
            name: name.into(),
            reason: reason.into(),
            hint: hint.map(Into::into),
        })
    };
    match fs::metadata(path) {
        // A pattern such as frame%04d.png names many files and none.
        Err(_) if name.contains('%') || options.format.is_some() => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = "is the path right? It counts from the folder that the command runs in";
            refuse("there is no such file", Some(hint))
        }
        Err(error) => refuse(&error.to_string(), None),
        Ok(data) if data.is_dir() => refuse("it is a directory", None),
        Ok(data) if data.is_file() && data.len() == 0 => refuse("the file is empty", None),
        Ok(_) => Ok(()),
    }
}

/// A path as libav takes it: a colon in a bare name would be the end of a protocol.
#[cfg(unix)]
pub(crate) fn file_url(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    [b"file:", path.as_os_str().as_bytes()].concat()
}

#[cfg(not(unix))]
pub(crate) fn file_url(path: &Path) -> Vec<u8> {
    format!("file:{}", path.display()).into_bytes()
}

/// libav's failure to open, in its own words where those say more than its code.
pub(crate) fn cannot_open(name: &str, code: c_int) -> Error {
    let general = av::reason(code);
    let reason = match (code, log::last_error()) {
        // Codes of its own say enough, but for the one that says that something is wrong; the
        // system's say what failed, and the message where.
        (ffi::AVERROR_INVALIDDATA, None) => "it is not in a format that FFmpeg knows".into(),
        (ffi::AVERROR_INVALIDDATA, Some(said)) => format!("{} ({said})", general.to_lowercase()),
        (code, Some(said)) if is_system(code) => format!("{} ({said})", general.to_lowercase()),
        _ => general,
    };
    let hint = match (code, reason.contains("moov atom not found")) {
        (ffi::AVERROR_INVALIDDATA, true) => {
            Some("it has no index, which many files keep at their end: was it cut off?")
        }
        (ffi::AVERROR_INVALIDDATA, false) => Some("is it a video, and all of it?"),
        _ => None,
    };
    Error::Open {
        name: name.into(),
        reason,
        hint: hint.map(Into::into),
    }
}

/// The system's error numbers are small; libav's own are four characters.
fn is_system(code: c_int) -> bool {
    (-4096..0).contains(&code)
}

/// The first of a format's names.
pub(crate) fn first_name(format: &str) -> &str {
    format.split(',').next().unwrap_or(format)
}

/// A text file is not a film, though libav can draw one as such.
pub(crate) fn check_art(context: &InputContext, format: Option<&str>, name: &str) -> Result<()> {
    let found = context.format_name();
    if format.is_none() && matches!(found.as_str(), "tty" | "bin" | "xbin" | "adf" | "idf") {
        return Err(Error::Open {
            name: name.into(),
            reason: "it is text, not video".into(),
            hint: None,
        });
    }
    Ok(())
}
