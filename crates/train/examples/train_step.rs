//! Times steps of training: forward, backward and Adam, of the two networks that
//! `bench/train_step` also runs in PyTorch, and of the first by burn's own convolution.
//!
//! `cargo run --release -p nervure-train --example train_step -- NET STEPS` prints each step's
//! milliseconds as a JSON array.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::Instant;

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Distribution, Tensor};
use nervure_train::layers::{Conv, ConvConfig, DepthwiseSeparable, pixel_shuffle};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Plain 3x3 convolutions, 1 to 32 channels four times, then to the 4 of a pixel shuffle.
#[derive(Module, Debug)]
struct Chain {
    convs: Vec<Conv>,
}

impl Chain {
    fn init(device: &Device) -> Self {
        let inner = [(1, 32), (32, 32), (32, 32), (32, 32)];
        let mut convs: Vec<Conv> = inner
            .into_iter()
            .map(|(inputs, outputs)| ConvConfig::new(inputs, outputs).relu().init(device))
            .collect();
        convs.push(ConvConfig::new(32, 4).init(device));
        Chain { convs }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        pixel_shuffle(self.convs.iter().fold(input, |x, conv| conv.forward(x)), 2)
    }

    /// The same by burn's own convolution.
    fn forward_by_burn(&self, input: Tensor<4>) -> Tensor<4> {
        let (last, inner) = self.convs.split_last().unwrap();
        let options = || ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let conv = |conv: &Conv, x| conv2d(x, conv.weight.val(), Some(conv.bias.val()), options());
        let x = inner.iter().fold(input, |x, layer| relu(conv(layer, x)));
        pixel_shuffle(conv(last, x), 2)
    }
}

/// Eight depthwise-separable blocks of 64 channels, from 9 and to 12.
#[derive(Module, Debug)]
struct Separable {
    first: Conv,
    blocks: Vec<DepthwiseSeparable>,
    last: Conv,
}

impl Separable {
    fn init(device: &Device) -> Self {
        Separable {
            first: ConvConfig::new(9, 64).relu().init(device),
            blocks: (0..8)
                .map(|_| DepthwiseSeparable::init(64, 64, device))
                .collect(),
            last: ConvConfig::new(64, 12).init(device),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = self.first.forward(input);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        pixel_shuffle(self.last.forward(x), 2)
    }
}

fn time<M: Module>(
    mut net: M,
    forward: impl Fn(&M, Tensor<4>) -> Tensor<4>,
    (input, target): (Tensor<4>, Tensor<4>),
    steps: usize,
) -> Vec<f64> {
    let mut adam = AdamConfig::new().init();
    (0..steps)
        .map(|_| {
            let began = Instant::now();
            let error = forward(&net, input.clone()) - target.clone();
            let gradients = error.abs().mean().backward();
            let gradients = GradientsParams::from_grads(gradients, &net);
            net = adam.step(1e-3, net.clone(), gradients);
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (net, steps) = (arguments.next().unwrap(), arguments.next().unwrap());
    let steps = steps.parse().unwrap();
    let device = Device::flex().autodiff();
    let random = |shape: [usize; 4]| {
        Tensor::<4>::random(
            shape,
            Distribution::Uniform(0.0, 1.0),
            &device.clone().inner(),
        )
    };
    let times = match net.as_str() {
        "chain" => {
            let data = (random([16, 1, 64, 64]), random([16, 1, 128, 128]));
            let data = (Tensor::from_inner(data.0), Tensor::from_inner(data.1));
            time(Chain::init(&device), Chain::forward, data, steps)
        }
        "chain-by-burn" => {
            let data = (random([16, 1, 64, 64]), random([16, 1, 128, 128]));
            let data = (Tensor::from_inner(data.0), Tensor::from_inner(data.1));
            time(Chain::init(&device), Chain::forward_by_burn, data, steps)
        }
        "separable" => {
            let data = (random([8, 9, 64, 64]), random([8, 3, 128, 128]));
            let data = (Tensor::from_inner(data.0), Tensor::from_inner(data.1));
            time(Separable::init(&device), Separable::forward, data, steps)
        }
        other => panic!("no network is called {other}"),
    };
    println!("{times:?}");
}
