//! Networks that recover and enlarge pictures.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use nervure_train::nets::{ResidualEspcnConfig, Tier};
//!
//! let device = Device::flex();
//! let net = ResidualEspcnConfig::tier(Tier::S, 2).init(&device);
//! let small = Tensor::zeros([1, 1, 36, 64], &device);
//! assert_eq!(net.forward(small).dims(), [1, 1, 72, 128]);
//! ```
//!
//! Numbers of a picture are its samples from 0 to 1. Every network adds to what the classical upscaler
//! makes of the picture ([`crate::layers::lanczos`]), or to the picture itself, so that it has only the
//! difference to learn.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

mod engine;
mod frame_recovery;
mod lightweight;
pub mod quantised;
mod residual_espcn;
mod super_resolution;
mod twins;

pub use engine::{EnhancementEngine, ModelInfo, Upscaler};
pub use frame_recovery::{FrameRecoveryConfig, FrameRecoveryNet};
pub use lightweight::{LightweightConfig, LightweightSuperResolution};
pub use quantised::{Quantised, QuantisedLayer};
pub use residual_espcn::{ResidualEspcn, ResidualEspcnConfig, Tier};
pub use super_resolution::{SuperResolutionConfig, SuperResolutionNet};

/// A network as it is trained: by what it adds to the base that it is given for nothing.
pub trait Network: Module + ModuleDisplay + 'static {
    /// Pictures as channels, in the order they are shown, to corrections before their pixel shuffle.
    fn corrections(&self, input: Tensor<4>) -> Tensor<4> {
        self.seen(input).1
    }

    /// What the last layer is given, and the corrections it makes of it.
    fn seen(&self, input: Tensor<4>) -> (Tensor<4>, Tensor<4>);
}
