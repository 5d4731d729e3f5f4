//! What can go wrong while learning.

use std::io;
use std::path::PathBuf;

/// Every failure of this crate. Messages are one line; `hint` says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] nervure_dataset::Error),
    /// Reading or writing failed.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was being done.
        action: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A file is not what the manifest says.
    #[error(
        "{path} has {found}, and the manifest says {expected}",
        path = path.display()
    )]
    Changed {
        /// Which file.
        path: PathBuf,
        /// What it has.
        found: String,
        /// What it should have.
        expected: String,
    },
    /// Something that cannot be done as asked.
    #[error("{what}")]
    Refused {
        /// What, and which values disagreed.
        what: String,
        /// What to do instead.
        hint: String,
    },
    /// Training has left the numbers that there are.
    #[error("{what} is {value} at step {step} of {phase}, in batch {batch} of the data ({clips})")]
    NotFinite {
        /// The loss, or the length of its gradient.
        what: &'static str,
        /// What it is.
        value: f64,
        /// Of which part of the run.
        phase: &'static str,
        /// When.
        step: u64,
        /// Which batch.
        batch: u64,
        /// The clips that its patches are of.
        clips: String,
    },
    /// A model's file is not right, or cannot be made.
    #[error(transparent)]
    Record(#[from] nervure_record::Error),
    /// A state to go on from belongs to other data or to another configuration.
    #[error(
        "the state is of datasets and a configuration with the mark {state:08x}, and these have \
         {loader:08x}"
    )]
    OtherState {
        /// What the state was made with.
        state: u32,
        /// What the loader has.
        loader: u32,
    },
}

impl Error {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Dataset(error) => error.hint(),
            Error::Changed { .. } => Some("make the dataset again, or verify it".into()),
            Error::Refused { hint, .. } => Some(hint.clone()),
            Error::OtherState { .. } => {
                Some("go on with the datasets and the configuration that it began with".into())
            }
            Error::NotFinite { .. } => Some(
                "the last checkpoint is as it was; begin a run with a smaller training.rate or a \
                 smaller training.clip, or look at those clips"
                    .into(),
            ),
            Error::Record(error) => error.hint(),
            Error::Io { .. } => None,
        }
    }

    pub(crate) fn refused(what: impl Into<String>, hint: impl Into<String>) -> Error {
        Error::Refused {
            what: what.into(),
            hint: hint.into(),
        }
    }
}
