//! Adaptive bitrate: an exact player simulator, bandwidth traces, controllers and policies.
//!
//! A [`Trace`] says how fast a link was, a [`Video`] how large each chunk is at each level, a [`Player`]
//! how chunks are fetched and played. A [`Simulator`] of the three gives sessions, chunk by chunk.
//!
//! ```
//! use nervure_abr::{Player, Simulator, Trace, Video};
//!
//! let trace = Trace::new("1 Mbit/s", vec![0.0, 60.0], vec![1.0, 1.0])?;
//! let simulator = Simulator::new(&trace, &Video::named("envivio")?, &Player::p1())?;
//! let mut state = simulator.begin(0);
//! let delivery = simulator.step(&mut state, 0);
//! assert_eq!(delivery.bytes, 181_801.0);
//! // 181801 bytes at 1 Mbit/s, of which 95% are payload, and 80 ms.
//! assert!((delivery.delay_ms - (181_801.0 * 8e-3 / 0.95 + 80.0)).abs() < 1e-9);
//! # Ok::<(), nervure_abr::Error>(())
//! ```
#![forbid(unsafe_code)]

mod built_in;
pub mod compare;
pub mod controller;
pub mod energy;
pub mod environment;
mod error;
pub mod front;
pub mod network;
mod player;
pub mod policy;
pub mod ppo;
pub mod qoe;
pub mod quality;
mod random;
pub mod session;
pub mod simulator;
pub mod statistics;
pub mod trace;
pub mod training;
pub mod video;

pub use error::Error;
pub use player::{Live, Player};
pub use random::Random;
pub use simulator::{Delivery, Simulator, State};
pub use trace::Trace;
pub use video::{Kbps, Video};
