//! Any of the networks that are trained.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::nets::{
    FrameRecoveryNet, LightweightSuperResolution, Network, ResidualEspcn, SuperResolutionNet,
};

/// A network of any family.
#[derive(Module, Debug)]
pub enum Net {
    /// The real-time one.
    Espcn(ResidualEspcn),
    /// The small one.
    Lightweight(LightweightSuperResolution),
    /// The one for quality.
    SuperResolution(SuperResolutionNet),
    /// The one that mends.
    Recovery(FrameRecoveryNet),
}

impl Network for Net {
    fn seen(&self, input: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        match self {
            Net::Espcn(net) => net.seen(input),
            Net::Lightweight(net) => net.seen(input),
            Net::SuperResolution(net) => net.seen(input),
            Net::Recovery(net) => net.seen(input),
        }
    }
}

impl Net {
    /// Channels of what the last layer is given.
    pub(super) fn features(&self) -> usize {
        match self {
            Net::Espcn(net) => net.features(),
            Net::Lightweight(net) => net.features(),
            Net::SuperResolution(net) => net.features(),
            Net::Recovery(net) => net.features(),
        }
    }

    /// Multiplications for each pixel that goes in.
    pub fn macs(&self, window: usize) -> f64 {
        match self {
            Net::Espcn(net) => net.macs(),
            Net::Lightweight(net) => net.macs(),
            Net::SuperResolution(net) => net.macs(),
            Net::Recovery(net) => net.macs(window - 1),
        }
    }
}
