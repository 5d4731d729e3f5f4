//! What can go wrong before a kernel runs; a running kernel cannot fail.

use nervure_frame::PictureFormat;

use crate::Isa;

/// Why a kernel was not run.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// `NERVURE_ISA` names no instruction set.
    #[error(
        "{0} names no instruction set (scalar, avx2, avxvnni, avx512, neon, neondot, simd128, relaxed or auto)"
    )]
    UnknownIsa(String),
    /// The name of one that this processor lacks.
    #[error("{0} is not available on this processor (try auto)")]
    UnavailableIsa(Isa),
    /// Two pictures that are to be compared sample by sample are of different shape.
    #[error("pictures of different format cannot be compared: {reference} and {distorted}")]
    FormatsDiffer {
        /// The first picture's shape.
        reference: PictureFormat,
        /// The other one's.
        distorted: PictureFormat,
    },
    /// A quantised network that makes no sense.
    #[error("the quantised network makes no sense: {reason}")]
    Network {
        /// What disagreed.
        reason: String,
    },
}
