//! The real-time network: a plain chain of 3x3 convolutions on luma.

use std::fmt;
use std::str::FromStr;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::Network;
use crate::Error;
use crate::layers::{Conv, ConvConfig, lanczos, pixel_shuffle};

/// How large it is: names of sizes that an engine keeps its promises for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// For one old core.
    Xs,
    /// For two of them.
    S,
    /// 1080p at 50 pictures a second, on two cores with AVX-512.
    M,
    /// 1080p at 25 there.
    L,
    /// For files, or more cores.
    Xl,
}

impl Tier {
    /// From small to large.
    pub const ALL: [Tier; 5] = [Tier::Xs, Tier::S, Tier::M, Tier::L, Tier::Xl];
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Xs => "xs",
            Tier::S => "s",
            Tier::M => "m",
            Tier::L => "l",
            Tier::Xl => "xl",
        })
    }
}

impl FromStr for Tier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.to_ascii_lowercase();
        let found = Tier::ALL.into_iter().find(|tier| tier.to_string() == text);
        found.ok_or_else(|| Error::Refused {
            what: format!("no tier is called {text:?}"),
            hint: "choose xs, s, m, l or xl".into(),
        })
    }
}

/// What a [`ResidualEspcn`] is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResidualEspcnConfig {
    /// How many times as large the picture becomes.
    pub scale: usize,
    /// Channels between its layers; engines like multiples of 8.
    pub channels: usize,
    /// Its convolutions, first and last counted.
    pub layers: usize,
    /// Pictures that it is given: the one to enlarge last, before it those that were shown before.
    pub frames: usize,
}

impl ResidualEspcnConfig {
    /// One of the usual sizes, for single pictures. Deeper rather than wider: for the same work that is
    /// worth more.
    pub fn tier(tier: Tier, scale: usize) -> Self {
        let (channels, layers) = match (tier, scale) {
            (Tier::Xs, 2) => (8, 5),
            (Tier::S, 2) => (16, 4),
            (Tier::M, 2) => (16, 9),
            (Tier::L, 2) => (24, 9),
            (Tier::Xl, 2) => (32, 9),
            // For a result of the same size there are less than half as many pixels to look at.
            (Tier::Xs, _) => (16, 5),
            (Tier::S, _) => (16, 9),
            (Tier::M, _) => (24, 8),
            (Tier::L, _) => (32, 9),
            (Tier::Xl, _) => (48, 9),
        };
        ResidualEspcnConfig {
            scale,
            channels,
            layers,
            frames: 1,
        }
    }

    /// With weights on the device, drawn from its random numbers.
    ///
    /// # Panics
    /// With fewer than two layers.
    pub fn init(&self, device: &Device) -> ResidualEspcn {
        assert!(self.layers >= 2, "{self:?}");
        let squares = self.scale * self.scale;
        let mut convs = vec![
            ConvConfig::new(self.frames, self.channels)
                .relu()
                .centred()
                .init(device),
        ];
        for _ in 0..self.layers - 2 {
            let inner = ConvConfig::new(self.channels, self.channels)
                .relu()
                .centred();
            convs.push(inner.init(device));
        }
        // Begins as little more than the classical upscaler.
        let last = ConvConfig::new(self.channels, squares).gain(0.01);
        convs.push(last.init(device));
        ResidualEspcn {
            convs,
            scale: self.scale,
        }
    }
}

/// A chain of 3x3 convolutions with ReLU; the last gives a square of corrections for each pixel, which
/// are added to the classical upscaler's.
#[derive(Module, Debug)]
pub struct ResidualEspcn {
    pub(crate) convs: Vec<Conv>,
    scale: usize,
}

impl ResidualEspcn {
    /// `[batch, frames, rows, columns]` to `[batch, 1, rows * scale, columns * scale]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, frames, _, _] = input.dims();
        let base = lanczos(input.clone().narrow(1, frames - 1, 1), self.scale);
        pixel_shuffle(base + self.corrections(input), self.scale)
    }

    /// What each layer but the last gives.
    pub(crate) fn activations(&self, input: Tensor<4>) -> Vec<Tensor<4>> {
        let inner = &self.convs[..self.convs.len() - 1];
        let mut x = input;
        let layer = |conv: &Conv| {
            x = conv.forward(x.clone());
            x.clone()
        };
        inner.iter().map(layer).collect()
    }

    /// Channels of what the last layer is given.
    pub(crate) fn features(&self) -> usize {
        self.convs[self.convs.len() - 1].weight.dims()[1]
    }

    /// How many convolutions it has.
    pub fn layers(&self) -> usize {
        self.convs.len()
    }

    /// Multiplications for each pixel of the small picture, the classical upscaler's not counted.
    pub fn macs(&self) -> f64 {
        self.convs.iter().map(Conv::macs).sum()
    }
}

impl Network for ResidualEspcn {
    fn seen(&self, input: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let (last, inner) = self.convs.split_last().expect("two layers at least");
        let features = inner.iter().fold(input, |x, conv| conv.forward(x));
        (features.clone(), last.forward(features))
    }
}
