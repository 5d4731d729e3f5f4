//! What networks are made of.

use burn::module::{Module, Param};
use burn::tensor::ops::PadMode;
use burn::tensor::{Device, Distribution, Tensor};
use nervure_kernels::int8::lanczos_lobes;

use crate::conv::{ConvOptions, conv};

/// What a [`Conv`] is to be.
#[derive(Clone, Copy, Debug)]
pub struct ConvConfig {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Rows and columns of the kernel: odd, so that pictures keep their size.
    pub kernel: usize,
    /// Rows and columns from one output to the next.
    pub stride: usize,
    /// Groups of channels that know nothing of each other.
    pub groups: usize,
    /// Nothing below zero is left.
    pub relu: bool,
    /// Weights of each output begin with a sum of zero: what is the same everywhere says nothing of
    /// details, and would drown them.
    pub centred: bool,
    /// Weights begin this many times as large as what keeps the size of numbers from layer to layer.
    pub gain: f64,
}

impl ConvConfig {
    /// A plain 3x3 convolution.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        ConvConfig {
            inputs,
            outputs,
            kernel: 3,
            stride: 1,
            groups: 1,
            relu: false,
            centred: false,
            gain: 1.0,
        }
    }

    /// The same with ReLU.
    #[must_use]
    pub fn relu(self) -> Self {
        ConvConfig { relu: true, ..self }
    }

    /// The same with weights that begin so many times as large: small ones where a layer is to begin as
    /// doing little.
    #[must_use]
    pub fn gain(self, gain: f64) -> Self {
        ConvConfig { gain, ..self }
    }

    /// The same with weights that begin with a sum of zero.
    #[must_use]
    pub fn centred(self) -> Self {
        ConvConfig {
            centred: true,
            ..self
        }
    }

    /// With weights on the device, drawn from its random numbers.
    pub fn init(&self, device: &Device) -> Conv {
        let fan_in = self.inputs / self.groups * self.kernel * self.kernel;
        // ReLU takes half of what there is.
        let kept = if self.relu { 2.0 } else { 1.0 };
        let spread = self.gain * (kept / fan_in as f64).sqrt();
        let shape = [
            self.outputs,
            self.inputs / self.groups,
            self.kernel,
            self.kernel,
        ];
        let mut weight = Tensor::<4>::random(shape, Distribution::Normal(0.0, spread), device);
        if self.centred {
            let means = weight.clone().reshape([self.outputs, fan_in]).mean_dim(1);
            weight = weight - means.reshape([self.outputs, 1, 1, 1]);
        }
        Conv {
            weight: Param::from_tensor(weight),
            bias: Param::from_tensor(Tensor::zeros([self.outputs], device)),
            stride: self.stride,
            groups: self.groups,
            relu: self.relu,
        }
    }
}

/// A convolution with a bias and perhaps ReLU, as large as its input where there is no stride.
#[derive(Module, Debug)]
pub struct Conv {
    /// `[outputs, inputs / groups, rows, columns]`
    pub weight: Param<Tensor<4>>,
    /// `[outputs]`
    pub bias: Param<Tensor<1>>,
    stride: usize,
    groups: usize,
    relu: bool,
}

impl Conv {
    /// `[batch, inputs, rows, columns]` to `[batch, outputs, rows, columns]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, _, rows, columns] = self.weight.dims();
        let options = ConvOptions {
            stride: [self.stride; 2],
            padding: [rows / 2, columns / 2],
            groups: self.groups,
            relu: self.relu,
        };
        conv(input, self.weight.val(), self.bias.val(), options)
    }

    /// Multiplications for each pixel that goes in.
    pub fn macs(&self) -> f64 {
        let weights: usize = self.weight.dims().iter().product();
        weights as f64 / (self.stride * self.stride) as f64
    }
}

/// A depthwise convolution and one of single pixels: as a plain one, for a fraction of the work.
#[derive(Module, Debug)]
pub struct DepthwiseSeparable {
    depthwise: Conv,
    pointwise: Conv,
}

impl DepthwiseSeparable {
    /// 3x3, with ReLU after the second.
    pub fn init(inputs: usize, outputs: usize, device: &Device) -> Self {
        let depthwise = ConvConfig {
            groups: inputs,
            ..ConvConfig::new(inputs, inputs)
        };
        let pointwise = ConvConfig {
            kernel: 1,
            ..ConvConfig::new(inputs, outputs).relu().centred()
        };
        DepthwiseSeparable {
            depthwise: depthwise.init(device),
            pointwise: pointwise.init(device),
        }
    }

    /// `[batch, inputs, rows, columns]` to `[batch, outputs, rows, columns]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.pointwise.forward(self.depthwise.forward(input))
    }

    /// Multiplications for each pixel.
    pub fn macs(&self) -> f64 {
        self.depthwise.macs() + self.pointwise.macs()
    }
}

/// Two convolutions, added to what went in.
#[derive(Module, Debug)]
pub struct ResidualBlock {
    first: Conv,
    second: Conv,
}

impl ResidualBlock {
    /// 3x3. Weights begin small, so that a chain of many begins as doing little.
    pub fn init(channels: usize, device: &Device) -> Self {
        let conv = ConvConfig::new(channels, channels);
        ResidualBlock {
            first: conv.relu().init(device),
            second: conv.gain(0.1).init(device),
        }
    }

    /// `[batch, channels, rows, columns]` to the same.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.second.forward(self.first.forward(input.clone())) + input
    }

    /// Multiplications for each pixel.
    pub fn macs(&self) -> f64 {
        self.first.macs() + self.second.macs()
    }
}

/// `[batch, channels * factor², rows, columns]` to `[batch, channels, rows * factor, columns * factor]`:
/// each pixel becomes a square, its channels the pixels of the square from left to right and from top
/// to bottom.
///
/// # Panics
/// When the channels do not make whole squares.
pub fn pixel_shuffle(input: Tensor<4>, factor: usize) -> Tensor<4> {
    let [batch, channels, rows, columns] = input.dims();
    assert!(
        channels.is_multiple_of(factor * factor),
        "{channels} channels make no squares of {factor}"
    );
    let planes = channels / (factor * factor);
    input
        .reshape([batch, planes, factor, factor, rows, columns])
        .permute([0, 1, 4, 2, 5, 3])
        .reshape([batch, planes, rows * factor, columns * factor])
}

/// Columns of the input that an output of the Lanczos upscaler needs on either side, at most.
pub(crate) const REACH: usize = 3;

/// The classical upscaler that networks add to, before its [`pixel_shuffle`]: pictures of 1 to 3 times
/// Lanczos' lobes, their edges repeated.
pub fn lanczos(input: Tensor<4>, factor: usize) -> Tensor<4> {
    let [batch, planes, rows, columns] = input.dims();
    let device = input.device();
    let across: Vec<[f32; 2 * REACH + 1]> = (0..factor).map(|phase| lobes(phase, factor)).collect();
    let mut weights = Vec::with_capacity(factor * factor * (2 * REACH + 1).pow(2));
    for down in &across {
        for across in &across {
            for vertical in down {
                weights.extend(across.iter().map(|horizontal| vertical * horizontal));
            }
        }
    }
    let size = 2 * REACH + 1;
    let weights =
        Tensor::<1>::from_floats(&weights[..], &device).reshape([factor * factor, 1, size, size]);
    let padded = input
        .reshape([batch * planes, 1, rows, columns])
        .pad((REACH, REACH, REACH, REACH), PadMode::Edge);
    let bias = Tensor::zeros([factor * factor], &device);
    conv(padded, weights, bias, ConvOptions::default()).reshape([
        batch,
        planes * factor * factor,
        rows,
        columns,
    ])
}

/// Weights of the samples around one of them, for the output number `phase` of the `factor` in it.
pub(crate) fn lobes(phase: usize, factor: usize) -> [f32; 2 * REACH + 1] {
    lanczos_lobes(phase, factor).map(|lobe| lobe as f32)
}
