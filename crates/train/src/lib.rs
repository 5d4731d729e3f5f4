//! Learning: networks, their convolutions, what is fed to them, and runs of training.
//!
//! [`training::train`] makes models of a configuration and datasets, as `nervure train` does. Its parts
//! can be used by themselves.
//!
//! A [`Loader`] gives batches of random patches from datasets. Batch *n* depends on nothing but the
//! datasets, the configuration with its seed, and *n*, so that training goes on where it stopped:
//!
//! ```no_run
//! use nervure_train::{Batch, Loader, LoaderConfig};
//!
//! let config = LoaderConfig { patch: 48, batch: 16, ..LoaderConfig::default() };
//! let mut loader = Loader::open(&["pairs"], &config)?;
//! let (mut batch, mut lr, mut hr) = (Batch::default(), Vec::new(), Vec::new());
//! for _ in 0..1000 {
//!     loader.next(&mut batch)?;
//!     batch.lr.to_f32(&mut lr); // [batch, frames, planes, patch, patch]
//!     batch.hr.to_f32(&mut hr); // [batch, frames, planes, patch * scale, patch * scale]
//! }
//! # Ok::<(), nervure_train::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod conv;
mod error;
mod flex;
pub mod layers;
pub mod loader;
pub mod nets;
pub mod requantise;
pub mod training;
pub mod warp;

pub use error::Error;
pub use loader::{Batch, Loader, LoaderConfig};

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;
