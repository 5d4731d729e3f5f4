//! What can go wrong between a picture and a file.

use std::io;
use std::path::PathBuf;

/// Every failure of this crate. Messages are one line; `hint` says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The named thing could not be opened at all.
    #[error("cannot open {name}: {reason}")]
    Open {
        /// As the user named it.
        name: String,
        /// The system's or libav's words.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// It opened, but holds no picture.
    #[error("{name} has no video stream")]
    NoVideo {
        /// As the user named it.
        name: String,
    },
    /// A stream, codec or size that this crate refuses.
    #[error("{what}")]
    Unsupported {
        /// What, and which values disagreed.
        what: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// The picture's size or format changed on the way.
    #[error("the picture changes from {from} to {to} at {seconds:.3} s")]
    FormatChange {
        /// The format of the frames so far.
        from: String,
        /// The format of the next.
        to: String,
        /// When.
        seconds: f64,
    },
    /// A file of ours is not what it should be.
    #[error("{path} is damaged: {reason}", path = path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What disagreed.
        reason: String,
    },
    /// A Y4M stream that breaks its format.
    #[error("not a valid Y4M stream: {0}")]
    Y4m(String),
    /// Reading or writing failed.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was being done, as in "write OUT.mp4".
        action: String,
        /// Why it failed.
        source: io::Error,
    },
    /// libav failed in a way with no better name here.
    #[error("{action}: {reason}")]
    Av {
        /// What was being done.
        action: String,
        /// libav's words.
        reason: String,
    },
}

impl Error {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Unsupported { hint, .. } | Error::Open { hint, .. } => hint.clone(),
            Error::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space and run again".into())
            }
            _ => None,
        }
    }
}
