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
    /// A model that cannot be run.
    #[error("cannot run the model {name}: {reason}")]
    Model {
        /// What its card calls it.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A picture that a model cannot make.
    #[error("the model {name} makes pictures {scale} times larger, not {wanted}")]
    Scale {
        /// What its card calls it.
        name: String,
        /// What it does.
        scale: usize,
        /// What was asked for, as `WIDTHxHEIGHT from WIDTHxHEIGHT`.
        wanted: String,
    },
    /// A weight that no average can have.
    #[error("a picture weighs more than 0 and at most 1 in an average, not {0}")]
    Weight(f32),
    /// The system gave no threads.
    #[error("cannot start worker threads: {0}")]
    Threads(String),
}
