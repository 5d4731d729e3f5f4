//! What can go wrong on the picture path.

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A frame of another format than the stage was made for.
    #[error("a frame of {got} came where {wanted} was expected")]
    Format {
        /// The format the stage works on.
        wanted: String,
        /// The frame's.
        got: String,
    },
    /// The system gave no threads.
    #[error("cannot start worker threads: {0}")]
    Threads(String),
}
