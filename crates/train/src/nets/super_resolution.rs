//! The network for quality: several pictures, brought into line before they are used.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::Network;
use crate::layers::{Conv, ConvConfig, ResidualBlock, lanczos, pixel_shuffle};
use crate::warp::warp;

/// What a [`SuperResolutionNet`] is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuperResolutionConfig {
    /// How many times as large the picture becomes.
    pub scale: usize,
    /// Planes of a picture: 1 for luma, 3 for colours.
    pub planes: usize,
    /// Pictures that it is given; the middle one is enlarged.
    pub window: usize,
    /// Channels of its features.
    pub features: usize,
    /// Residual blocks.
    pub blocks: usize,
}

impl SuperResolutionConfig {
    /// The usual one, of about 0.82 million parameters.
    pub fn new(scale: usize) -> Self {
        SuperResolutionConfig {
            scale,
            planes: 1,
            window: 3,
            features: 64,
            blocks: 8,
        }
    }

    /// With weights on the device, drawn from its random numbers.
    ///
    /// # Panics
    /// When the window has no middle.
    pub fn init(&self, device: &Device) -> SuperResolutionNet {
        assert!(self.window % 2 == 1, "{self:?}");
        let features = self.features;
        let blocks = (0..self.blocks).map(|_| ResidualBlock::init(features, device));
        let last = ConvConfig::new(features, self.planes * self.scale * self.scale).gain(0.01);
        SuperResolutionNet {
            extract: ConvConfig::new(self.planes, features)
                .relu()
                .centred()
                .init(device),
            motion: Motion::init(features, device),
            aggregate: ConvConfig::new(self.window * features, features)
                .relu()
                .centred()
                .init(device),
            blocks: blocks.collect(),
            last: last.init(device),
            scale: self.scale,
            planes: self.planes,
            window: self.window,
        }
    }
}

/// Features of each picture; motion from the middle one to each other; the others moved to where the
/// middle one has them; all of them put together, refined, and added to the classical upscaler's.
#[derive(Module, Debug)]
pub struct SuperResolutionNet {
    extract: Conv,
    motion: Motion,
    aggregate: Conv,
    blocks: Vec<ResidualBlock>,
    last: Conv,
    scale: usize,
    planes: usize,
    window: usize,
}

impl SuperResolutionNet {
    /// `[batch, window * planes, rows, columns]`, pictures in the order they are shown, to
    /// `[batch, planes, rows * scale, columns * scale]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let middle = self.window / 2 * self.planes;
        let base = lanczos(input.clone().narrow(1, middle, self.planes), self.scale);
        pixel_shuffle(base + self.corrections(input), self.scale)
    }

    /// Channels of what the last layer is given.
    pub(crate) fn features(&self) -> usize {
        self.last.weight.dims()[1]
    }

    /// Multiplications for each pixel of the small picture, the classical upscaler's not counted.
    pub fn macs(&self) -> f64 {
        let window = self.window as f64;
        let blocks: f64 = self.blocks.iter().map(ResidualBlock::macs).sum();
        window * self.extract.macs()
            + (window - 1.0) * self.motion.macs()
            + self.aggregate.macs()
            + blocks
            + self.last.macs()
    }
}

impl Network for SuperResolutionNet {
    fn seen(&self, input: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let middle = self.window / 2;
        let pictures = input.split(self.planes, 1);
        let features: Vec<Tensor<4>> = pictures
            .into_iter()
            .map(|picture| self.extract.forward(picture))
            .collect();
        let aligned = features
            .iter()
            .enumerate()
            .map(|(number, other)| match number == middle {
                true => other.clone(),
                false => {
                    let flow = self.motion.forward(features[middle].clone(), other.clone());
                    warp(other.clone(), flow)
                }
            })
            .collect();
        let x = self.aggregate.forward(Tensor::cat(aligned, 1));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        (x.clone(), self.last.forward(x))
    }
}

/// Where each feature of a picture is in another.
#[derive(Module, Debug)]
struct Motion {
    first: Conv,
    second: Conv,
    last: Conv,
}

impl Motion {
    fn init(features: usize, device: &Device) -> Self {
        let half = (features / 2).max(1);
        // Begins as no motion.
        let last = ConvConfig::new(half, 2).gain(0.01);
        Motion {
            first: ConvConfig::new(2 * features, features)
                .relu()
                .centred()
                .init(device),
            second: ConvConfig::new(features, half)
                .relu()
                .centred()
                .init(device),
            last: last.init(device),
        }
    }

    /// Columns and rows from each pixel of `here` to where it is in `there`.
    fn forward(&self, here: Tensor<4>, there: Tensor<4>) -> Tensor<4> {
        let x = self.first.forward(Tensor::cat(vec![here, there], 1));
        self.last.forward(self.second.forward(x))
    }

    fn macs(&self) -> f64 {
        self.first.macs() + self.second.macs() + self.last.macs()
    }
}
