//! What the tests of stores share.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "s3")]
pub(crate) mod server;

/// A folder that goes away.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
