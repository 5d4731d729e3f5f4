//! What outlives a process: models with their cards.
//!
//! An [`Artefact`] is what training gives, what engines run and what releases carry: named
//! [`Tensor`]s and a [`Card`] that says what they are, where they come from and how good they are.
//! It lies in one safetensors file, so that other tools can read it too. Bytes go in and bytes come
//! out; where they are kept is the caller's business.
//!
//! ```
//! use std::collections::BTreeMap;
//! use nervure_record::{Artefact, Card, Family, Planes, Precision, SCHEMA, Tensor, Training};
//!
//! let card = Card {
//!     schema: SCHEMA,
//!     name: "residual-espcn-x2-s".into(),
//!     family: Family::ResidualEspcn,
//!     parameters: BTreeMap::from([("channels".into(), 16), ("layers".into(), 9)]),
//!     scale: 2,
//!     planes: Planes::Luma,
//!     precision: Precision::Fp32,
//!     training: Training::default(),
//!     parent: None,
//!     quality: Vec::new(),
//!     sources: Vec::new(),
//!     licence: "MIT OR Apache-2.0".into(),
//!     notes: String::new(),
//! };
//! let bias = Tensor::f32(vec![16], vec![0.5; 16])?;
//! let artefact = Artefact { card, tensors: BTreeMap::from([("convs.0.bias".into(), bias)]) };
//!
//! let bytes = artefact.to_bytes()?;
//! let again = Artefact::from_bytes(&bytes)?;
//! assert_eq!(again, artefact);
//! assert_eq!(again.tensor("convs.0.bias")?.as_f32()?[3], 0.5);
//! assert_eq!(again.digest()?.len(), 64);
//! # Ok::<(), nervure_record::Error>(())
//! ```
#![forbid(unsafe_code)]

mod artefact;
mod card;
mod error;
mod header;
pub mod onnx;
mod tensor;

pub use artefact::Artefact;
pub use card::{Card, DataSource, Family, MAX_SCALE, Planes, Precision, Quality, SCHEMA, Training};
pub use error::Error;
pub use tensor::{Data, Tensor};

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;
