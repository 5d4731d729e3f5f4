//! The real-time network in whole numbers, as engines compute it, and still able to learn.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use nervure_kernels::int8;

use super::{Network, ResidualEspcn, twins};
use crate::conv::{ConvOptions, conv};
use crate::layers::Conv;
use crate::requantise::{ACTIVATION, Range, Requantiser, requantise, stand_in};
use crate::training::weights::numbers;

/// Largest weight, in either direction.
const WEIGHT: f32 = 127.0;
/// Codes of the picture that goes in.
pub const CODES: f32 = 255.0;
/// Corrections are in this part of an 8-bit code.
pub const PART: f32 = 64.0;

/// A [`ResidualEspcn`] that computes with whole numbers: weights of 8 bits with a scale for each output
/// channel, activations of 7 bits with a limit for each layer that is learnt as well.
///
/// Everything that is rounded is passed through unchanged on the way back. Forward, numbers of single
/// precision hold the whole numbers exactly: sums stay below 2^24.
#[derive(Module, Debug)]
pub struct Quantised {
    convs: Vec<Conv>,
    /// What the largest activation of each layer but the last stands for.
    clips: Param<Tensor<1>>,
}

/// One layer in whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedLayer {
    /// Channels that come in.
    pub inputs: usize,
    /// `[outputs, inputs, 3, 3]`
    pub weights: Vec<i8>,
    /// One for each output.
    pub bias: Vec<i32>,
    /// One for each output.
    pub requantisers: Vec<Requantiser>,
    /// What one step of each output's weights stands for.
    pub weight_scales: Vec<f32>,
    /// What one step of the activations that come in stands for.
    pub input_scale: f32,
}

impl Quantised {
    /// From a trained network, its activations limited to `clips`, one for each layer but the last.
    ///
    /// # Panics
    /// When there are not as many.
    pub fn from_trained(net: ResidualEspcn, clips: &[f32]) -> Quantised {
        let convs = net.convs;
        assert_eq!(clips.len() + 1, convs.len());
        let device = convs[0].weight.device();
        let data = TensorData::new(clips.to_vec(), [clips.len()]);
        Quantised {
            convs,
            clips: Param::from_tensor(Tensor::from_data(data, &device)),
        }
    }

    /// The limits of activations as they are.
    pub fn clips(&self) -> Vec<f32> {
        numbers(self.clips.val().detach())
    }

    /// What one step stands for, of what goes into layer `number` and of what comes out.
    fn scales(&self, number: usize, device: &Device) -> (Tensor<1>, Tensor<1>) {
        let constant = |x: f32| Tensor::<1>::from_floats([x], device);
        let step = |layer: usize| {
            // A limit at nothing would let nothing through for ever.
            self.clips.val().narrow(0, layer, 1).clamp_min(1e-4) / ACTIVATION
        };
        let input = match number {
            0 => constant(1.0 / CODES),
            layer => step(layer - 1),
        };
        let output = match number + 1 == self.convs.len() {
            true => constant(1.0 / (CODES * PART)),
            false => step(number),
        };
        (input, output)
    }

    /// Weights in whole numbers and what a step of each output's stands for; the bias; and the factor
    /// from sums to what comes out.
    fn layer(&self, number: usize) -> Integers {
        let conv = &self.convs[number];
        let weight = conv.weight.val();
        let [outputs, _, _, _] = weight.dims();
        let (input, output) = self.scales(number, &weight.device());
        // Engines multiply less where weights of other layers than the first come as they like them.
        let (steps, codes) = match number {
            0 => {
                let all = weight.clone().detach().abs().reshape([outputs as i32, -1]);
                let steps = (all.max_dim(1).reshape([outputs]) / WEIGHT).clamp_min(1e-5);
                let codes = weight.clone().detach() / steps.clone().reshape([outputs, 1, 1, 1]);
                (steps, codes.round().clamp(-WEIGHT, WEIGHT))
            }
            _ => as_twins(&weight),
        };
        let sums = input * steps.clone();
        let weight = weight / steps.clone().reshape([outputs, 1, 1, 1]);
        Integers {
            weight: stand_in(weight.clamp(-WEIGHT, WEIGHT), codes),
            bias: rounded(conv.bias.val() / sums.clone()),
            steps,
            factor: sums / output,
        }
    }

    /// How far what a layer gives may go.
    fn range(&self, number: usize) -> Range {
        match number + 1 == self.convs.len() {
            true => Range::Corrections,
            false => Range::Activations,
        }
    }

    /// What a layer gives, in whole numbers.
    fn layer_of(&self, number: usize, x: Tensor<4>) -> Tensor<4> {
        let layer = self.layer(number);
        let options = ConvOptions {
            padding: [1, 1],
            ..ConvOptions::default()
        };
        let sums = conv(x, layer.weight, layer.bias, options);
        requantise(sums, layer.factor, self.range(number))
    }

    /// What engines compute, for a picture that becomes `scale` times as large.
    pub fn network(&self, scale: usize) -> int8::Network {
        let layers = self.layers();
        let frames = layers[0].inputs;
        let layers = layers.into_iter().map(|layer| int8::Layer {
            inputs: layer.inputs,
            outputs: layer.bias.len(),
            weights: layer.weights,
            bias: layer.bias,
            multiplier: layer.requantisers.iter().map(|it| it.multiplier).collect(),
            shift: layer.requantisers.iter().map(|it| it.shift).collect(),
        });
        int8::Network {
            scale,
            frames,
            layers: layers.collect(),
        }
    }

    /// What engines need, layer by layer.
    pub fn layers(&self) -> Vec<QuantisedLayer> {
        (0..self.convs.len())
            .map(|number| {
                let layer = self.layer(number);
                let weight = layer.weight.detach();
                let [_, inputs, _, _] = weight.dims();
                let (input, _) = self.scales(number, &weight.device());
                QuantisedLayer {
                    inputs,
                    weights: numbers(weight).into_iter().map(|x| x as i8).collect(),
                    bias: numbers(layer.bias.detach())
                        .into_iter()
                        .map(|x| x as i32)
                        .collect(),
                    requantisers: self
                        .range(number)
                        .requantisers(&numbers(layer.factor.detach())),
                    weight_scales: numbers(layer.steps),
                    input_scale: numbers(input.detach())[0],
                }
            })
            .collect()
    }
}

/// What a step of each output's weights stands for, and the nearest weights in whole numbers that an engine
/// can make twins with.
fn as_twins(weight: &Tensor<4>) -> (Tensor<1>, Tensor<4>) {
    let shape = weight.dims();
    let mut all = numbers(weight.clone().detach());
    let outputs = all.chunks_exact_mut(shape[1] * 9);
    let steps: Vec<f32> = outputs
        .map(|weights| {
            let (rows, _) = weights.as_chunks_mut::<3>();
            let (kernels, _) = rows.as_chunks_mut::<3>();
            let pairs = kernels.chunks(2).map(|pair| match pair {
                [one, other] => twins::step(one, other),
                one => one
                    .iter()
                    .map(|one| twins::step(one, &[[0.0; 3]; 3]))
                    .fold(0.0, f32::max),
            });
            let step = pairs.fold(1e-5, f32::max);
            for row in kernels.as_flattened_mut() {
                *row = twins::nearest(row.map(|weight| weight / step));
            }
            step
        })
        .collect();
    let device = weight.device();
    let steps = TensorData::new(steps, [shape[0]]);
    let codes = TensorData::new(all, shape);
    (
        Tensor::from_data(steps, &device),
        Tensor::from_data(codes, &device),
    )
}

struct Integers {
    weight: Tensor<4>,
    bias: Tensor<1>,
    steps: Tensor<1>,
    factor: Tensor<1>,
}

/// The nearest whole numbers, as if they were what went in.
fn rounded<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    stand_in(x.clone(), x.detach().round())
}

impl Network for Quantised {
    fn seen(&self, input: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let last = self.convs.len() - 1;
        let codes = (input * CODES).round();
        let features = (0..last).fold(codes, |x, number| self.layer_of(number, x));
        let corrections = self.layer_of(last, features.clone()) / (CODES * PART);
        (features, corrections)
    }
}
