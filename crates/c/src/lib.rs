//! nervure for players: the engine behind a C interface, as `libnervure`.
//!
//! What C sees is [`border`], and is written down for it in `include/nervure.h`, which is made from the
//! comments there. Everything else here is safe: [`context`] is a stage with its order of calls, and
//! [`failure`] is how errors and panics become numbers and a message.

pub mod border;
mod context;
mod failure;
