//! Networks in whole numbers: what is trained is what engines compute, to the bit.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use nervure_frame::{BitDepth, Plane};
use nervure_kernels::int8;
use nervure_train::layers::pixel_shuffle;
use nervure_train::nets::quantised::{CODES, PART};
use nervure_train::nets::{Network, Quantised, ResidualEspcnConfig};
use nervure_train::training::{Model, WholeNumbers};

const LAYERS: usize = 4;

/// Makes the last layer's weights large; counts parameters.
struct Amplify(usize);

impl ModuleMapper for Amplify {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0 += 1;
        // A weight and a bias for each layer before.
        match self.0 == 2 * (LAYERS - 1) + 1 {
            true => param.map(|weight| {
                let learns = weight.is_require_grad();
                let large = weight.inner() * 40.0;
                Tensor::from_inner(large).set_require_grad(learns)
            }),
            false => param,
        }
    }
}

/// A network whose corrections are large, as if it had been trained on something wild.
fn network(scale: usize, frames: usize, device: &Device) -> Quantised {
    let config = ResidualEspcnConfig {
        scale,
        channels: 8,
        layers: LAYERS,
        frames,
    };
    let net = config.init(device).map(&mut Amplify(0));
    Quantised::from_trained(net, &[0.9, 1.4, 0.5])
}

fn picture(width: usize, height: usize) -> Vec<u16> {
    shown(width, height, 0)
}

/// A picture that moves, some time on.
fn shown(width: usize, height: usize, time: usize) -> Vec<u16> {
    let edge = |x: usize, y: usize| match ((x + time) * 3 + y * 5) % 17 < 8 {
        true => 30,
        false => 210,
    };
    let at = |at: usize| edge(at % width, at / width) + (at * 7919 % 23) as u16;
    (0..width * height).map(at).collect()
}

fn numbers(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

#[test]
fn the_simulation_is_the_reference_to_the_bit() {
    let device = Device::flex();
    for (scale, frames) in [(2, 1), (3, 1), (4, 1), (2, 2), (3, 3)] {
        device.seed(7 + scale as u64);
        let net = network(scale, frames, &device);
        let (width, height) = (34, 22);
        let shown: Vec<Vec<u16>> = (0..frames).map(|time| shown(width, height, time)).collect();
        let codes = shown.iter().flatten();
        let input: Vec<f32> = codes.map(|code| f32::from(*code) / CODES).collect();
        let shape = [1, frames, height, width];
        let input = Tensor::<1>::from_floats(&input[..], &device).reshape(shape);
        let simulated = pixel_shuffle(net.corrections(input), scale);
        let network = net.network(scale);
        let given: Vec<&[u16]> = shown.iter().map(|it| &it[..]).collect();
        let wanted = int8::corrections(&network, &given, width, height, BitDepth::Eight);
        let largest = wanted.iter().map(|x| x.abs()).max().unwrap();
        assert!(largest > 20 * PART as i16, "corrections of {largest}");
        for (at, (found, wanted)) in numbers(simulated).iter().zip(&wanted).enumerate() {
            let found = found * CODES * PART;
            assert!((found - found.round()).abs() < 1e-2, "{found} is whole");
            assert_eq!(found.round() as i16, *wanted, "{scale}x of {frames}, {at}");
        }
    }
}

#[test]
fn all_layers_but_the_first_make_twins_with_every_instruction_set() {
    let device = Device::flex();
    device.seed(13);
    let config = ResidualEspcnConfig {
        scale: 3,
        channels: 12,
        layers: LAYERS,
        frames: 1,
    };
    let net = Quantised::from_trained(config.init(&device), &[0.9, 1.4, 0.5]);
    for layer in &net.network(3).layers[1..] {
        let kernels = layer.weights.as_chunks::<3>().0.as_chunks::<3>().0;
        assert_eq!(kernels.len(), layer.inputs * layer.outputs);
        let largest = layer.weights.iter().map(|weight| weight.abs()).max();
        assert!(largest > Some(40), "{largest:?} of 127");
        for of_output in kernels.chunks(layer.inputs) {
            for pair in of_output.chunks(2) {
                for row in 0..3 {
                    let twins = pair.iter().map(|kernel| {
                        let weights = int8::twin_weights(kernel[row]);
                        weights.unwrap_or_else(|| panic!("{:?}", kernel[row]))
                    });
                    let together = twins.fold([0; 4], |sums: [i16; 4], weights| {
                        std::array::from_fn(|at| sums[at] + i16::from(weights[at]).abs())
                    });
                    assert!(
                        together.iter().all(|sum| *sum <= int8::TWIN_PAIR),
                        "{together:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_fast_gives_the_same_picture_as_the_reference() {
    let device = Device::flex();
    for (scale, frames, width, height) in [(2, 1, 31, 17), (2, 3, 31, 17), (3, 2, 16, 9)] {
        device.seed(3);
        let network = network(scale, frames, &device).network(scale);
        let shown: Vec<Vec<u16>> = (0..frames).map(|time| shown(width, height, time)).collect();
        let given: Vec<&[u16]> = shown.iter().map(|it| &it[..]).collect();
        let wanted = int8::reference(&network, &given, width, height, BitDepth::Eight);
        let plane = |codes: &Vec<u16>| {
            let bytes: Vec<u8> = codes.iter().map(|code| *code as u8).collect();
            Plane::from_samples(width, height, &bytes)
        };
        let window: Vec<Plane<u8>> = shown.iter().map(plane).collect();
        let found = WholeNumbers::new(network)
            .unwrap()
            .picture(&window, None)
            .unwrap();
        assert_eq!(
            (found.width(), found.height()),
            (width * scale, height * scale)
        );
        for (at, (found, wanted)) in found.rows().flatten().zip(&wanted).enumerate() {
            assert_eq!(u16::from(*found), *wanted, "{scale}x of {frames}, {at}");
        }
    }
}

#[test]
fn whole_numbers_are_close_to_what_they_stand_for() {
    let device = Device::flex();
    device.seed(11);
    let config = ResidualEspcnConfig {
        scale: 2,
        channels: 16,
        layers: 5,
        frames: 1,
    };
    let net = config.init(&device);
    let (width, height) = (40, 30);
    let input: Vec<f32> = picture(width, height)
        .iter()
        .map(|code| f32::from(*code) / CODES)
        .collect();
    let input = Tensor::<1>::from_floats(&input[..], &device).reshape([1, 1, height, width]);
    let exact = numbers(net.corrections(input.clone()));
    // Limits that nothing reaches.
    let whole = numbers(Quantised::from_trained(net, &[4.0; 4]).corrections(input));
    let power = |row: &mut dyn Iterator<Item = f32>| row.map(|x| x * x).sum::<f32>();
    let noise = power(&mut exact.iter().zip(&whole).map(|(a, b)| a - b));
    let share = (noise / power(&mut exact.iter().copied())).sqrt();
    assert!(share < 0.15, "off by {share} of what they are");
    assert!(share > 1e-4, "something is rounded");
}

#[test]
fn everything_learns_limits_included() {
    let device = Device::flex().autodiff();
    device.seed(5);
    let net = network(2, 1, &device);
    let input = Tensor::<4>::random([2, 1, 16, 16], Distribution::Uniform(0.0, 1.0), &device);
    let output = net.corrections(input);
    let gradients = (output.clone() * output).mean().backward();
    let gradients = GradientsParams::from_grads(gradients, &net);
    assert_eq!(gradients.len(), 4 * 2 + 1, "weights, biases and limits");
    net.visit(&mut Moves(&gradients));
}

/// Asserts that every parameter has somewhere to go.
struct Moves<'a>(&'a GradientsParams);

impl ModuleVisitor for Moves<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.val().dims();
        let gradient = self.0.get::<D>(param.id).unwrap().into_data();
        let gradient: Vec<f32> = gradient.try_to_vec().unwrap();
        assert!(gradient.iter().all(|x| x.is_finite()), "{shape:?}");
        let idle = gradient.iter().filter(|x| **x == 0.0).count();
        assert!(idle * 4 < gradient.len(), "{idle} of {shape:?} do not move");
    }
}
