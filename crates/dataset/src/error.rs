//! What can go wrong with a dataset.

use std::io;
use std::path::{Path, PathBuf};

/// Every failure of this crate. Messages are one line; `hint` says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing failed.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was being done, as in "write DIR/lr/a.clip".
        action: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A file of ours is not what it should be.
    #[error("{path} is damaged: {reason}", path = path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What disagreed.
        reason: String,
    },
    /// A file of ours was made by a newer nervure.
    #[error(
        "{path} is of version {found}, and this nervure knows versions up to {known}",
        path = path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest we read.
        known: u64,
    },
    /// Something that this crate refuses.
    #[error("{what}")]
    Unsupported {
        /// What, and which values disagreed.
        what: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// Storage that is not a folder of this machine refused, or did not answer.
    #[error("cannot {action}: {reason}")]
    Remote {
        /// What was being done, as in "write s3://bucket/lr/a.clip".
        action: String,
        /// What the storage or the network said.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Another process works on this.
    #[error("another nervure is working on {what}")]
    Busy {
        /// A dataset, or a shard of one.
        what: String,
    },
    /// A process that works for this one failed.
    #[error("{message}")]
    Helper {
        /// What it said, or how it ended.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A picture could not be resized.
    #[error(transparent)]
    Engine(#[from] nervure_engine::Error),
    /// A source or a codec failed.
    #[error(transparent)]
    Media(#[from] nervure_media::Error),
}

impl Error {
    /// A failure of reading or writing, from what was being done.
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let action = action.into();
        move |source| Error::Io { action, source }
    }

    /// Damage to a file of ours.
    pub(crate) fn corrupt(path: &Path, reason: impl Into<String>) -> Error {
        Error::Corrupt {
            path: path.into(),
            reason: reason.into(),
        }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Unsupported { hint, .. }
            | Error::Remote { hint, .. }
            | Error::Helper { hint, .. } => hint.clone(),
            Error::Newer { .. } => Some("update nervure".into()),
            Error::Media(error) => error.hint(),
            Error::Io { .. } if self.is_full_disk() => {
                Some("free some space and continue with --resume".into())
            }
            _ => None,
        }
    }

    /// The disk is full: nothing else that is written will fare better.
    pub fn is_full_disk(&self) -> bool {
        let full = |kind| {
            matches!(
                kind,
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
            )
        };
        match self {
            Error::Io { source, .. } => full(source.kind()),
            Error::Media(nervure_media::Error::Io { source, .. }) => full(source.kind()),
            _ => false,
        }
    }
}
