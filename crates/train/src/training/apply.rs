//! Networks on whole pictures.

use burn::tensor::{Device, Tensor, TensorData};
use nervure_frame::{BitDepth, LossMask, MACROBLOCK, Plane};
use nervure_kernels::Isa;
use nervure_kernels::conv::{Forward, Scratch, Shape};
use nervure_kernels::int8::{self, lanczos14};
use nervure_kernels::motion::mended;
use nervure_kernels::resample::{self, Filter, Resampler};

use super::classical::{Classical, add_squares};
use super::net::Net;
use super::task::{Task, Work};
use super::validation::{Model, plain, plane};
use super::weights::numbers;
use crate::nets::Network;
use crate::nets::quantised::CODES;
use crate::{Error, Result};

/// A network in single precision.
#[derive(Debug)]
pub struct Enhancer<N> {
    net: N,
    task: Task,
    device: Device,
}

impl<N: Network> Enhancer<N> {
    /// A network that learns no more.
    pub fn new(net: &N, task: Task, device: &Device) -> Self {
        Enhancer {
            net: net.valid(),
            task,
            device: device.clone().inner(),
        }
    }

    /// What it adds, in a row of channels, and how wide they are.
    fn corrections(&self, window: &[Plane<u8>], lost: Option<&LossMask>) -> (Vec<f32>, usize) {
        let (width, height) = (window[0].width(), window[0].height());
        let mut input = Vec::new();
        let (across, down);
        match self.task.work {
            Work::Enlarge { .. } => {
                for picture in window {
                    input.extend(plain(picture));
                }
                (across, down) = (width, height);
            }
            Work::Recover => {
                // Halved inside, so that sizes must be even: the edge once more, cut off again later.
                (across, down) = (width.next_multiple_of(2), height.next_multiple_of(2));
                let even = |at: &dyn Fn(usize, usize) -> f32, input: &mut Vec<f32>| {
                    for y in 0..down {
                        let y = y.min(height - 1);
                        input.extend((0..across).map(|x| at(x.min(width - 1), y)));
                    }
                };
                let (references, damaged) = window.split_at(self.task.target);
                for picture in damaged.iter().chain(references) {
                    even(&|x, y| f32::from(picture.row(y)[x]) / CODES, &mut input);
                }
                even(&|x, y| f32::from(u8::from(is_lost(lost, x, y))), &mut input);
            }
        }
        let channels = input.len() / (across * down);
        let data = TensorData::new(input, [1, channels, down, across]);
        let found = self.net.corrections(Tensor::from_data(data, &self.device));
        (numbers(found), across)
    }
}

/// A damaged picture after guesses at it, of which the last is what a network that mends begins with.
fn guessed(window: &[Plane<u8>], lost: Option<&LossMask>) -> Vec<Plane<u8>> {
    let Some((picture, before)) = window.split_last() else {
        return Vec::new();
    };
    let before: Vec<&Plane<u8>> = before.iter().collect();
    let mut guessed = match lost {
        Some(lost) => mended(&before, picture, lost),
        None => vec![picture.clone(); before.len()],
    };
    guessed.push(picture.clone());
    guessed
}

/// The picture that networks that mend begin with, as it is.
#[derive(Clone, Copy, Debug)]
pub struct Begun;

impl Model for Begun {
    fn picture(&self, window: &[Plane<u8>], lost: Option<&LossMask>) -> Result<Plane<u8>> {
        let mut guessed = guessed(window, lost);
        Ok(guessed.swap_remove(window.len() - 2))
    }
}

fn is_lost(lost: Option<&LossMask>, x: usize, y: usize) -> bool {
    lost.is_some_and(|mask| mask.is_lost(x / MACROBLOCK, y / MACROBLOCK))
}

impl Model for Enhancer<Net> {
    fn picture(&self, window: &[Plane<u8>], lost: Option<&LossMask>) -> Result<Plane<u8>> {
        let guessed_window;
        let window = match self.task.work {
            Work::Enlarge { .. } => window,
            Work::Recover => {
                guessed_window = guessed(window, lost);
                &guessed_window
            }
        };
        let picture = &window[self.task.target];
        let width = picture.width();
        let (corrections, across) = self.corrections(window, lost);
        let scale = self.task.scale();
        let mut large = Vec::new();
        match self.task.work {
            Work::Enlarge { .. } => {
                Classical::new(scale).enlarge(&plain(picture), width, &mut large);
            }
            Work::Recover => large = plain(&window[window.len() - 2]),
        }
        add_squares(&corrections, across, scale, &mut large, width * scale);
        Ok(plane(&large, width * scale))
    }
}

/// A network in whole numbers: to the bit what [`nervure_kernels::int8::reference`] gives, and fast
/// enough to be tried on many pictures.
///
/// Convolutions are those of single precision, which hold whole numbers below 2^24 exactly.
#[derive(Debug)]
pub struct WholeNumbers {
    network: int8::Network,
    weights: Vec<Vec<f32>>,
}

/// Whole numbers of single precision end here.
const EXACT: i64 = 1 << 24;

impl WholeNumbers {
    /// Of a network whose sums stay below 2^24.
    pub fn new(network: int8::Network) -> Result<Self> {
        let refuse = |what: String| {
            Error::refused(
                what,
                "train it with fewer channels, or with smaller weights",
            )
        };
        network.check().map_err(|error| refuse(error.to_string()))?;
        for (number, layer) in network.layers.iter().enumerate() {
            let largest = if number == 0 { 255 } else { 127 };
            let kernels = layer.weights.chunks_exact(layer.inputs * 9);
            for (weights, bias) in kernels.zip(&layer.bias) {
                let sum: i64 = weights.iter().map(|weight| i64::from(weight.abs())).sum();
                if sum * largest + i64::from(bias.abs()) >= EXACT {
                    return Err(refuse(format!("sums of layer {number} reach 2^24")));
                }
            }
        }
        let weights = network.layers.iter().map(|layer| {
            let weights = layer.weights.iter();
            weights.map(|weight| f32::from(*weight)).collect()
        });
        Ok(WholeNumbers {
            weights: weights.collect(),
            network,
        })
    }
}

impl Model for WholeNumbers {
    fn picture(&self, window: &[Plane<u8>], _lost: Option<&LossMask>) -> Result<Plane<u8>> {
        let int8::Network {
            scale,
            frames,
            layers,
        } = &self.network;
        let picture = &window[frames - 1];
        let (width, height) = (picture.width(), picture.height());
        let samples = window.iter().flat_map(|it| it.rows().flatten());
        let mut from: Vec<f32> = samples.map(|x| f32::from(*x)).collect();
        let size = (height, width);
        let (mut to, mut scratch) = (Vec::new(), Scratch::default());
        for (number, (layer, weights)) in layers.iter().zip(&self.weights).enumerate() {
            let shape = Shape {
                inputs: layer.inputs,
                outputs: layer.outputs,
                groups: 1,
                size,
                kernel: (3, 3),
                stride: (1, 1),
                padding: (1, 1),
            };
            to.resize(shape.output_len(), 0.0);
            let forward = Forward::new(shape, Isa::detect(), weights);
            forward.run(&from, None, false, &mut to, &mut scratch);
            let planes = to.chunks_exact_mut(size.0 * size.1);
            for (output, plane) in planes.enumerate() {
                let (bias, multiplier) = (layer.bias[output], layer.multiplier[output]);
                for number in &mut *plane {
                    let sum = *number as i32 + bias;
                    *number = int8::requantise(sum, multiplier, layer.shift[output]) as f32;
                }
                if number + 1 < layers.len() {
                    for number in plane {
                        *number = number.clamp(0.0, int8::MAX_CODE as f32);
                    }
                }
            }
            std::mem::swap(&mut from, &mut to);
        }
        let codes: Vec<u16> = picture.rows().flatten().map(|x| u16::from(*x)).collect();
        let base = lanczos14(&codes, width, height, BitDepth::Eight, *scale);
        let mut added = vec![0.0; base.len()];
        add_squares(&from, width, *scale, &mut added, width * scale);
        let sample = |(base, added): (&i16, &f32)| {
            ((i32::from(*base) + *added as i32 + 32) >> 6).clamp(0, 255) as u8
        };
        let samples: Vec<u8> = base.iter().zip(&added).map(sample).collect();
        Ok(Plane::from_samples(width * scale, height * scale, &samples))
    }
}

/// A classical upscaler, for comparison.
#[derive(Clone, Copy, Debug)]
pub struct Resampled {
    /// Which.
    pub filter: Filter,
    /// How many times as large pictures become.
    pub scale: usize,
    /// Which picture of a window.
    pub target: usize,
}

impl Model for Resampled {
    fn picture(&self, window: &[Plane<u8>], _lost: Option<&LossMask>) -> Result<Plane<u8>> {
        let small = &window[self.target];
        let from = (small.width(), small.height());
        let size = (from.0 * self.scale, from.1 * self.scale);
        let mut large = Plane::<u8>::new(size.0, size.1);
        let resampler = Resampler::new(from, size, self.filter, (0.0, 0.0));
        let (stride, mut scratch) = (large.stride(), resample::Scratch::new());
        for (rows, band) in large.bands_mut(size.1) {
            resampler.run(small, rows, band, stride, &mut scratch);
        }
        Ok(large)
    }
}
