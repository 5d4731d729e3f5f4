//! A small network of depthwise-separable convolutions.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::Network;
use crate::layers::{Conv, ConvConfig, DepthwiseSeparable, lanczos, pixel_shuffle};

/// What a [`LightweightSuperResolution`] is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LightweightConfig {
    /// How many times as large the picture becomes.
    pub scale: usize,
    /// Planes of a picture: 1 for luma, 3 for colours.
    pub planes: usize,
    /// Pictures that it is given; the middle one is enlarged.
    pub window: usize,
    /// Channels between its layers.
    pub channels: usize,
    /// Depthwise-separable convolutions.
    pub blocks: usize,
}

impl LightweightConfig {
    /// The usual one, of about 50,000 parameters: three pictures of three planes.
    pub fn new(scale: usize) -> Self {
        LightweightConfig {
            scale,
            planes: 3,
            window: 3,
            channels: 64,
            blocks: 8,
        }
    }

    /// With weights on the device, drawn from its random numbers.
    pub fn init(&self, device: &Device) -> LightweightSuperResolution {
        let blocks = (0..self.blocks)
            .map(|_| DepthwiseSeparable::init(self.channels, self.channels, device));
        let last = ConvConfig::new(self.channels, self.planes * self.scale * self.scale).gain(0.01);
        LightweightSuperResolution {
            first: ConvConfig::new(self.window * self.planes, self.channels)
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

/// Depthwise-separable convolutions between two plain ones.
#[derive(Module, Debug)]
pub struct LightweightSuperResolution {
    first: Conv,
    blocks: Vec<DepthwiseSeparable>,
    last: Conv,
    scale: usize,
    planes: usize,
    window: usize,
}

impl LightweightSuperResolution {
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
        let blocks: f64 = self.blocks.iter().map(DepthwiseSeparable::macs).sum();
        self.first.macs() + blocks + self.last.macs()
    }
}

impl Network for LightweightSuperResolution {
    fn seen(&self, input: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let x = self.first.forward(input);
        let features = self.blocks.iter().fold(x, |x, block| block.forward(x));
        (features.clone(), self.last.forward(features))
    }
}
