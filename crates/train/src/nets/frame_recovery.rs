//! The network that mends what packets took with them.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::Network;
use crate::layers::{Conv, ConvConfig, ResidualBlock, pixel_shuffle};

/// What a [`FrameRecoveryNet`] is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRecoveryConfig {
    /// Planes of a picture: 1 for luma, 3 for colours.
    pub planes: usize,
    /// Pictures before the damaged one that it is given.
    pub references: usize,
    /// Channels at full size; twice as many at half size.
    pub features: usize,
    /// Residual blocks of each part at half size.
    pub blocks: usize,
}

impl Default for FrameRecoveryConfig {
    /// About 2.5 million parameters.
    fn default() -> Self {
        FrameRecoveryConfig {
            planes: 1,
            references: 3,
            features: 64,
            blocks: 3,
        }
    }
}

impl FrameRecoveryConfig {
    /// With weights on the device, drawn from its random numbers.
    ///
    /// # Panics
    /// Without references.
    pub fn init(&self, device: &Device) -> FrameRecoveryNet {
        assert!(self.references > 0, "{self:?}");
        let (full, half) = (self.features, 2 * self.features);
        let blocks = |count: usize, channels: usize| {
            (0..count).map(move |_| ResidualBlock::init(channels, device))
        };
        let halve = |inputs: usize, outputs: usize| ConvConfig {
            stride: 2,
            ..ConvConfig::new(inputs, outputs).relu()
        };
        // Corrections, and how much more of the picture before.
        let last = ConvConfig::new(full / 2, 2 * self.planes).gain(0.01);
        FrameRecoveryNet {
            // The picture, the one before where it is lost, and where that is.
            enter: ConvConfig::new(2 * self.planes + 1, full)
                .relu()
                .centred()
                .init(device),
            at_full: blocks(2, full).collect(),
            down: halve(full, half).init(device),
            spatial: blocks(self.blocks, half).collect(),
            temporal: vec![
                OverTime::init(halve(self.planes, full / 2), device),
                OverTime::init(ConvConfig::new(full / 2, full).relu().centred(), device),
                OverTime::init(ConvConfig::new(full, full).relu().centred(), device),
            ],
            fuse: ConvConfig::new(half + full, half)
                .relu()
                .centred()
                .init(device),
            refine: blocks(self.blocks, half).collect(),
            // Without ReLU, behind which all channels can die at once, and with them the network.
            up: ConvConfig::new(half, 4 * (full / 2)).init(device),
            last: last.init(device),
            planes: self.planes,
        }
    }
}

/// A spatial encoder of the damaged picture, a temporal one of the pictures before it, both put together
/// at half size and brought back by a pixel shuffle.
#[derive(Module, Debug)]
pub struct FrameRecoveryNet {
    enter: Conv,
    at_full: Vec<ResidualBlock>,
    down: Conv,
    spatial: Vec<ResidualBlock>,
    temporal: Vec<OverTime>,
    fuse: Conv,
    refine: Vec<ResidualBlock>,
    up: Conv,
    last: Conv,
    planes: usize,
}

impl FrameRecoveryNet {
    /// Mends `[batch, planes, rows, columns]`, of even rows and columns, by
    /// `[batch, references * planes, rows, columns]`, the pictures before it in the order they were
    /// shown, and `[batch, 1, rows, columns]`: 1 where it is lost, 0 elsewhere.
    ///
    /// Where the picture is lost it begins with the last reference, and says for each pixel how much more of
    /// it, or how much rather what the decoder put there. Everywhere it adds corrections. References are
    /// best guesses at the picture made from those before it ([`nervure_kernels::motion::mended`]), as
    /// they are in training.
    ///
    /// # Panics
    /// When a size is odd or does not fit.
    pub fn forward(&self, picture: Tensor<4>, references: Tensor<4>, lost: Tensor<4>) -> Tensor<4> {
        let [_, channels, _, _] = references.dims();
        let before = references
            .clone()
            .narrow(1, channels - self.planes, self.planes);
        let base = picture.clone() + (before - picture.clone()) * lost.clone();
        base + self.corrections(Tensor::cat(vec![picture, references, lost], 1))
    }

    /// Channels of what the last layer is given.
    pub(crate) fn features(&self) -> usize {
        self.last.weight.dims()[1]
    }

    /// Multiplications for each pixel of the picture, with so many references.
    pub fn macs(&self, references: usize) -> f64 {
        let blocks = |blocks: &[ResidualBlock]| blocks.iter().map(ResidualBlock::macs).sum::<f64>();
        // The first of them meets the pictures at full size, the others at half.
        let (first, others) = self.temporal.split_at(1);
        let over_time = |convs: &[OverTime]| convs.iter().map(|conv| conv.conv.macs()).sum::<f64>();
        let at_half = blocks(&self.spatial)
            + self.fuse.macs()
            + blocks(&self.refine)
            + self.up.macs()
            + references as f64 * over_time(others);
        self.enter.macs()
            + blocks(&self.at_full)
            + self.down.macs()
            + references as f64 * over_time(first)
            + at_half / 4.0
            + self.last.macs()
    }
}

impl Network for FrameRecoveryNet {
    /// The picture, its references, and where it is lost.
    fn seen(&self, input: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let [batch, channels, rows, columns] = input.dims();
        let planes = self.planes;
        let channels = channels - planes - 1;
        let picture = input.clone().narrow(1, 0, planes);
        let references = input.clone().narrow(1, planes, channels);
        let lost = input.narrow(1, planes + channels, 1);
        assert!(
            rows % 2 == 0
                && columns % 2 == 0
                && channels >= planes
                && channels.is_multiple_of(planes),
            "{channels} channels of {columns}x{rows} besides {planes}"
        );
        let count = channels / planes;
        let before = references.clone().narrow(1, channels - planes, planes);
        let copied = picture.clone() + (before - picture.clone()) * lost.clone();

        let x = self
            .enter
            .forward(Tensor::cat(vec![picture.clone(), copied.clone(), lost], 1));
        let x = self.at_full.iter().fold(x, |x, block| block.forward(x));
        let x = self.down.forward(x);
        let spatial = self.spatial.iter().fold(x, |x, block| block.forward(x));

        let frames = references.reshape([batch * count, planes, rows, columns]);
        let frames = self
            .temporal
            .iter()
            .fold(frames, |x, conv| conv.forward(x, count));
        let [_, features, rows, columns] = frames.dims();
        let temporal = frames
            .reshape([batch, count, features, rows, columns])
            .mean_dim(1)
            .reshape([batch, features, rows, columns]);

        let x = self.fuse.forward(Tensor::cat(vec![spatial, temporal], 1));
        let x = self.refine.iter().fold(x, |x, block| block.forward(x));
        let features = pixel_shuffle(self.up.forward(x), 2);
        let last = self.last.forward(features.clone());
        let corrections = last.clone().narrow(1, 0, planes);
        let more = last.narrow(1, planes, planes);
        (features, corrections + more * (copied - picture))
    }
}

/// A 3x3x3 convolution: of each picture with those before and after it. The first and the last stand in
/// for those that are not there.
#[derive(Module, Debug)]
struct OverTime {
    conv: Conv,
}

impl OverTime {
    fn init(one: ConvConfig, device: &Device) -> Self {
        let three = ConvConfig {
            inputs: 3 * one.inputs,
            ..one
        };
        OverTime {
            conv: three.init(device),
        }
    }

    /// `[batch * frames, channels, rows, columns]`.
    fn forward(&self, input: Tensor<4>, frames: usize) -> Tensor<4> {
        let [all, channels, rows, columns] = input.dims();
        let input = input.reshape([all / frames, frames, channels, rows, columns]);
        let frame = |number: usize| input.clone().narrow(1, number, 1);
        let before = (0..frames).map(|number| frame(number.saturating_sub(1)));
        let after = (0..frames).map(|number| frame((number + 1).min(frames - 1)));
        let (before, after) = (before.collect(), after.collect());
        let three = vec![Tensor::cat(before, 1), input.clone(), Tensor::cat(after, 1)];
        let three = Tensor::cat(three, 2);
        self.conv
            .forward(three.reshape([all, 3 * channels, rows, columns]))
    }
}
