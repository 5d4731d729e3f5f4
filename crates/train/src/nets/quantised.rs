//! The real-time network in whole numbers, as engines compute it, and still able to learn.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use nervure_kernels::int8;

use super::{Network, ResidualEspcn};
use crate::conv::{ConvOptions, conv};
use crate::layers::Conv;
use crate::training::weights::numbers;

/// Largest activation.
pub const ACTIVATION: f32 = 127.0;
/// Largest weight, in either direction.
const WEIGHT: f32 = 127.0;
/// Codes of the picture that goes in.
pub const CODES: f32 = 255.0;
/// Corrections are in this part of an 8-bit code.
pub const PART: f32 = 64.0;

/// How sums of one output channel become activations: halved `shift` times, rounded, then multiplied by
/// `multiplier / 32768`, rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requantiser {
    /// From 0 to 32767.
    pub multiplier: i16,
    /// From 0 to 31.
    pub shift: u8,
}

impl Requantiser {
    /// The nearest to a factor. Multipliers lie from `most / 2` to `most`, which decides between fine
    /// steps and a wide range: what is halved has 16 bits, and all above is cut off.
    pub fn nearest(factor: f64, most: f64) -> Requantiser {
        let unit = factor * 32768.0;
        if unit.is_nan() || unit <= 0.0 {
            return Requantiser {
                multiplier: 0,
                shift: 0,
            };
        }
        let shift = (most / unit).log2().floor().clamp(0.0, 31.0) as u8;
        Requantiser {
            multiplier: (unit * f64::from(1_u32 << shift))
                .round()
                .clamp(0.0, 32767.0) as i16,
            shift,
        }
    }
}

/// Multipliers between layers: what reaches four times the limit of an activation is cut off.
const INNER: f64 = 1024.0;
/// Multipliers of the last layer: corrections reach from 128 to 256 codes.
const LAST: f64 = 16384.0;

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
    fold: usize,
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
        let (fold, convs) = (net.fold(), net.convs);
        assert_eq!(clips.len() + 1, convs.len());
        let device = convs[0].weight.device();
        let data = TensorData::new(clips.to_vec(), [clips.len()]);
        Quantised {
            convs,
            clips: Param::from_tensor(Tensor::from_data(data, &device)),
            fold,
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
        let largest = weight.clone().detach().abs().reshape([outputs as i32, -1]);
        let steps = (largest.max_dim(1).reshape([outputs]) / WEIGHT).clamp_min(1e-5);
        let sums = input * steps.clone();
        let weight = weight / steps.clone().reshape([outputs, 1, 1, 1]);
        Integers {
            weight: rounded(weight.clamp(-WEIGHT, WEIGHT)),
            bias: rounded(conv.bias.val() / sums.clone()),
            steps,
            factor: sums / output,
        }
    }

    fn requantisers(&self, number: usize, factor: &Tensor<1>) -> Vec<Requantiser> {
        let most = match number + 1 == self.convs.len() {
            true => LAST,
            false => INNER,
        };
        numbers(factor.clone().detach())
            .into_iter()
            .map(|factor| Requantiser::nearest(f64::from(factor), most))
            .collect()
    }

    /// What a layer gives before it is cut off: as its weights have it, and as engines make it.
    fn sums(&self, number: usize, x: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let layer = self.layer(number);
        let [outputs] = layer.bias.dims();
        let options = ConvOptions {
            padding: [1, 1],
            ..ConvOptions::default()
        };
        let requantisers = self.requantisers(number, &layer.factor);
        let sums = conv(x, layer.weight, layer.bias, options);
        let exact = requantised(sums.clone().detach(), &requantisers);
        (sums * layer.factor.reshape([1, outputs, 1, 1]), exact)
    }

    /// What engines compute, for a picture that becomes `scale` times as large.
    pub fn network(&self, scale: usize) -> int8::Network {
        let layers = self.layers().into_iter().map(|layer| int8::Layer {
            inputs: layer.inputs,
            outputs: layer.bias.len(),
            weights: layer.weights,
            bias: layer.bias,
            multiplier: layer.requantisers.iter().map(|it| it.multiplier).collect(),
            shift: layer.requantisers.iter().map(|it| it.shift).collect(),
        });
        int8::Network {
            scale,
            fold: self.fold,
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
                    requantisers: self.requantisers(number, &layer.factor),
                    weight_scales: numbers(layer.steps),
                    input_scale: numbers(input.detach())[0],
                }
            })
            .collect()
    }
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

/// Forward `exact`, to the bit; backward as `smooth`.
fn stand_in<const D: usize>(smooth: Tensor<D>, exact: Tensor<D>) -> Tensor<D> {
    let nothing = smooth.clone() - smooth.detach();
    exact + nothing
}

/// What engines make of sums: see [`Requantiser`].
fn requantised(sums: Tensor<4>, requantisers: &[Requantiser]) -> Tensor<4> {
    let device = sums.device();
    let row = |number: &dyn Fn(&Requantiser) -> f32| {
        let numbers: Vec<f32> = requantisers.iter().map(number).collect();
        Tensor::<1>::from_floats(&numbers[..], &device).reshape([1, numbers.len(), 1, 1])
    };
    let halves = row(&|it| 0.5_f32.powi(i32::from(it.shift)));
    // With no shift there is nothing to round: a half more is cut off again.
    let halved = (sums * halves + 0.5).floor().clamp(-32768.0, 32767.0);
    // Products have up to 30 bits: by parts, each of which is exact.
    let upper = halved.clone() * row(&|it| f32::from(it.multiplier >> 7));
    let lower = halved * row(&|it| f32::from(it.multiplier & 127));
    let carried = ((lower + 16384.0) / 128.0).floor();
    ((upper + carried) / 256.0).floor()
}

impl Network for Quantised {
    fn seen(&self, input: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let last = self.convs.len() - 1;
        let mut x = (input * CODES).round();
        for number in 0..last {
            let (smooth, exact) = self.sums(number, x);
            x = stand_in(smooth.clamp(0.0, ACTIVATION), exact.clamp(0.0, ACTIVATION));
        }
        let (smooth, exact) = self.sums(last, x.clone());
        (x, stand_in(smooth, exact) / (CODES * PART))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_met_closely_or_as_far_as_16_bits_go() {
        for factor in [1e-6, 3.3e-4, 0.0031, 0.02, 0.031] {
            let found = Requantiser::nearest(factor, INNER);
            let value = f64::from(found.multiplier) / 32768.0 / f64::from(1_u32 << found.shift);
            assert!((value / factor - 1.0).abs() < 1e-3, "{factor}: {found:?}");
            assert!(found.multiplier <= 1024);
        }
        let large = Requantiser::nearest(0.9, INNER);
        assert_eq!((large.multiplier, large.shift), (29491, 0));
        assert_eq!(Requantiser::nearest(3.0, INNER).multiplier, 32767);
        for nothing in [0.0, f64::NAN, -1.0] {
            assert_eq!(Requantiser::nearest(nothing, LAST).multiplier, 0);
        }
    }

    #[test]
    fn whole_numbers_come_out_as_processors_make_them() {
        let device = Device::flex();
        let requantisers = [
            (700, 9),
            (1023, 0),
            (32767, 0),
            (12_345, 3),
            (0, 0),
            (512, 31),
        ]
        .map(|(multiplier, shift)| Requantiser { multiplier, shift });
        let mut dice = 1_u64;
        let sums: Vec<i32> = (0..6 * 400)
            .map(|at| {
                dice = dice
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                // Of all sizes: some cut off, most not.
                let bits = 8 + at % 16;
                (dice >> 40) as i32 % (1 << bits) - (1 << (bits - 1))
            })
            .collect();
        let floats: Vec<f32> = sums.iter().map(|x| *x as f32).collect();
        let tensor = Tensor::<1>::from_floats(&floats[..], &device).reshape([1, 6, 20, 20]);
        let found = numbers(requantised(tensor, &requantisers));
        for (at, (sum, found)) in sums.iter().zip(found).enumerate() {
            let Requantiser { multiplier, shift } = requantisers[at / 400];
            let half = if shift > 0 { 1_i64 << (shift - 1) } else { 0 };
            let halved = ((i64::from(*sum) + half) >> shift).clamp(-32768, 32767);
            let wanted = (halved * i64::from(multiplier) + 0x4000) >> 15;
            assert_eq!(found as i64, wanted, "{sum} by {multiplier} after {shift}");
        }
    }
}
