//! What the tests of stores share.

#[cfg(feature = "s3")]
pub(crate) mod server;

/// A folder that goes away.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
