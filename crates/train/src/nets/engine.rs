//! Recovery, then super-resolution.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{FrameRecoveryNet, LightweightSuperResolution, ResidualEspcn, SuperResolutionNet};

/// A network that enlarges.
#[derive(Debug)]
pub enum Upscaler {
    /// The real-time one, and how many pictures it is given.
    ResidualEspcn(ResidualEspcn, usize),
    /// The small one, and its window.
    Lightweight(Box<LightweightSuperResolution>, usize),
    /// The one for quality, and its window.
    SuperResolution(Box<SuperResolutionNet>, usize),
}

/// Mends a picture and enlarges it, each where there is a network for it and it is switched on.
#[derive(Debug, Default)]
pub struct EnhancementEngine {
    recovery: Option<Stage<(FrameRecoveryNet, usize)>>,
    upscaler: Option<Stage<Upscaler>>,
}

#[derive(Debug)]
struct Stage<T> {
    net: T,
    on: bool,
}

/// What is to be known of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// Its family.
    pub family: &'static str,
    /// Whether it is used.
    pub on: bool,
    /// Numbers that were learnt.
    pub parameters: usize,
    /// Multiplications for each pixel that goes in.
    pub macs: f64,
}

impl EnhancementEngine {
    /// One that does nothing yet.
    pub fn new() -> Self {
        EnhancementEngine::default()
    }

    /// With a network that mends, given so many references.
    #[must_use]
    pub fn with_recovery(mut self, net: FrameRecoveryNet, references: usize) -> Self {
        let net = (net, references);
        self.recovery = Some(Stage { net, on: true });
        self
    }

    /// With a network that enlarges.
    #[must_use]
    pub fn with_upscaler(mut self, net: Upscaler) -> Self {
        self.upscaler = Some(Stage { net, on: true });
        self
    }

    /// Switches mending on or off.
    pub fn switch_recovery(&mut self, on: bool) {
        if let Some(recovery) = &mut self.recovery {
            recovery.on = on;
        }
    }

    /// Switches enlarging on or off.
    pub fn switch_upscaler(&mut self, on: bool) {
        if let Some(upscaler) = &mut self.upscaler {
            upscaler.on = on;
        }
    }

    /// What there is, in the order in which pictures meet it.
    pub fn model_info(&self) -> Vec<ModelInfo> {
        let recovery = self.recovery.as_ref().map(|stage| {
            let (net, references) = &stage.net;
            ModelInfo {
                family: "frame-recovery",
                on: stage.on,
                parameters: net.num_params(),
                macs: net.macs(*references),
            }
        });
        let upscaler = self.upscaler.as_ref().map(|stage| {
            let (family, parameters, macs) = match &stage.net {
                Upscaler::ResidualEspcn(net, _) => ("residual-espcn", net.num_params(), net.macs()),
                Upscaler::Lightweight(net, _) => {
                    ("lightweight-super-resolution", net.num_params(), net.macs())
                }
                Upscaler::SuperResolution(net, _) => {
                    ("super-resolution", net.num_params(), net.macs())
                }
            };
            ModelInfo {
                family,
                on: stage.on,
                parameters,
                macs,
            }
        });
        recovery.into_iter().chain(upscaler).collect()
    }

    /// Enhances picture number `at` of `pictures`, each `[batch, planes, rows, columns]`, in the order
    /// they are shown. `lost` is 1 where it is lost, `[batch, 1, rows, columns]`; none where nothing is.
    /// Pictures before the first and after the last are taken to be like them. A network that mends is
    /// given those before as they are; `nervure-engine`, which works on samples, gives it better guesses.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn enhance(&self, pictures: &[Tensor<4>], at: usize, lost: Option<Tensor<4>>) -> Tensor<4> {
        let near = |offset: isize| {
            let place = at.saturating_add_signed(offset).min(pictures.len() - 1);
            pictures[place].clone()
        };
        let recovery = self.recovery.as_ref().filter(|stage| stage.on);
        let picture = match (recovery, lost) {
            (Some(stage), Some(lost)) => {
                let (net, references) = &stage.net;
                let before = (1..=*references as isize).rev().map(|back| near(-back));
                net.forward(near(0), Tensor::cat(before.collect(), 1), lost)
            }
            _ => near(0),
        };
        let Some(upscaler) = self.upscaler.as_ref().filter(|stage| stage.on) else {
            return picture;
        };
        let around = |before: usize, after: usize| {
            let places = -(before as isize)..=after as isize;
            let pictures = places.map(|place| match place {
                0 => picture.clone(),
                place => near(place),
            });
            Tensor::cat(pictures.collect(), 1)
        };
        match &upscaler.net {
            Upscaler::ResidualEspcn(net, frames) => net.forward(around(frames - 1, 0)),
            Upscaler::Lightweight(net, window) => net.forward(around(window / 2, window / 2)),
            Upscaler::SuperResolution(net, window) => net.forward(around(window / 2, window / 2)),
        }
    }
}
