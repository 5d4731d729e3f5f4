//! All SIMD and all `unsafe`: pixel loops with a scalar twin for each, chosen at run time.
//!
//! The scalar version of a kernel defines its result; the others are faster ways to the same bits
//! (or, where a page says so, to the same value within a stated tolerance). [`Isa`] says which
//! versions this processor can run, and the environment variable `NERVURE_ISA` chooses one.
//!
//! ```
//! use nervure_frame::Plane;
//! use nervure_kernels::resample::{Filter, Resampler, Scratch};
//!
//! let mut small = Plane::<u8>::new(64, 36);
//! small.fill(100);
//! let mut large = Plane::<u8>::new(128, 72);
//! let resampler = Resampler::new((64, 36), (128, 72), Filter::Lanczos, (0.0, 0.0));
//! let mut scratch = Scratch::new();
//! let stride = large.stride();
//! for (rows, band) in large.bands_mut(24) {
//!     resampler.run(&small, rows, band, stride, &mut scratch);
//! }
//! assert!(large.rows().flatten().all(|&sample| sample == 100));
//! ```
#![allow(unsafe_code)]

mod cells;
pub mod conv;
mod error;
pub mod int8;
mod isa;
mod lanes;
pub mod metrics;
pub mod motion;
pub mod resample;
pub mod smooth;

pub use cells::{CELL, Cells};
pub use error::Error;
pub use isa::Isa;
