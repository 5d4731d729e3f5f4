//! Our convolution against burn's, forward and backward.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions as BurnOptions;
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use nervure_train::conv::{ConvOptions, conv};

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

/// The largest difference in terms of the largest number.
fn distance(found: &TensorData, wanted: &TensorData) -> f32 {
    let (found, wanted) = (
        found.try_to_vec::<f32>().unwrap(),
        wanted.try_to_vec::<f32>().unwrap(),
    );
    assert_eq!(found.len(), wanted.len());
    let largest = wanted.iter().fold(1e-6_f32, |most, x| most.max(x.abs()));
    let off = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs());
    off.fold(0.0, f32::max) / largest
}

const CLOSE: f32 = 1e-5;

fn check(input: [usize; 4], outputs: usize, kernel: usize, options: ConvOptions) {
    let device = Device::flex().autodiff();
    let weight = [outputs, input[1] / options.groups, kernel, kernel];
    let x = random(input, &device).require_grad();
    let w = random(weight, &device).require_grad();
    let b = random([outputs], &device).require_grad();
    let theirs = BurnOptions::new(options.stride, options.padding, [1, 1], options.groups);

    let ours = conv(x.clone(), w.clone(), b.clone(), options);
    let mut wanted = conv2d(x.clone(), w.clone(), Some(b.clone()), theirs);
    if options.relu {
        wanted = burn::tensor::activation::relu(wanted);
    }
    let off = distance(&ours.to_data(), &wanted.to_data());
    assert!(off < CLOSE, "{input:?} {options:?}: output is off by {off}");

    // A loss whose gradient is different everywhere.
    let pull = random(ours.dims(), &device);
    let ours = (ours * pull.clone()).sum().backward();
    let wanted = (wanted * pull).sum().backward();
    for (name, ours, wanted) in [
        (
            "input",
            x.grad(&ours).unwrap().into_data(),
            x.grad(&wanted).unwrap().into_data(),
        ),
        (
            "weights",
            w.grad(&ours).unwrap().into_data(),
            w.grad(&wanted).unwrap().into_data(),
        ),
        (
            "bias",
            b.grad(&ours).unwrap().into_data(),
            b.grad(&wanted).unwrap().into_data(),
        ),
    ] {
        let off = distance(&ours, &wanted);
        assert!(
            off < CLOSE,
            "{input:?} {options:?}: gradient of {name} is off by {off}"
        );
    }
}

#[test]
fn outputs_and_gradients_are_those_of_burn() {
    for relu in [false, true] {
        for kernel in [1, 3, 5, 7] {
            for (inputs, outputs, groups) in [(1, 16, 1), (16, 4, 1), (8, 8, 8), (6, 12, 2)] {
                for stride in [1, 2] {
                    let options = ConvOptions {
                        stride: [stride; 2],
                        padding: [kernel / 2; 2],
                        groups,
                        relu,
                    };
                    check([3, inputs, 13, 21], outputs, kernel, options);
                }
            }
        }
    }
}

#[test]
fn a_batch_larger_than_its_parts_is_summed_up_whole() {
    let options = ConvOptions {
        padding: [1, 1],
        ..ConvOptions::default()
    };
    for batch in [1, 7, 8, 9, 20] {
        check([batch, 4, 6, 18], 8, 3, options);
    }
}

#[test]
fn the_same_call_gives_the_same_numbers_with_any_number_of_threads() {
    let device = Device::flex().autodiff();
    // One picture is shared out by its outputs, of which some are left over.
    for (batch, outputs) in [(11, 16), (1, 21)] {
        let x = random([batch, 8, 24, 40], &device).require_grad();
        let w = random([outputs, 8, 3, 3], &device).require_grad();
        let b = random([outputs], &device).require_grad();
        let options = ConvOptions {
            padding: [1, 1],
            relu: true,
            ..ConvOptions::default()
        };
        let run = || {
            let output = conv(x.clone(), w.clone(), b.clone(), options);
            let gradients = (output.clone() * output.clone()).sum().backward();
            [
                output.into_data(),
                x.grad(&gradients).unwrap().into_data(),
                w.grad(&gradients).unwrap().into_data(),
                b.grad(&gradients).unwrap().into_data(),
            ]
        };
        let wanted = run();
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let found = pool.unwrap().install(run);
            for (found, wanted) in found.iter().zip(&wanted) {
                assert!(found.as_bytes() == wanted.as_bytes(), "{threads} threads");
            }
        }
    }
}

#[test]
fn gradients_that_nobody_asks_for_are_not_made() {
    let device = Device::flex().autodiff();
    let x = random([2, 1, 8, 8], &device);
    let w = random([4, 1, 3, 3], &device).require_grad();
    let b = random([4], &device);
    let output = conv(x.clone(), w.clone(), b.clone(), ConvOptions::default());
    let gradients = output.sum().backward();
    assert!(x.grad(&gradients).is_none() && b.grad(&gradients).is_none());
    assert!(w.grad(&gradients).is_some());
}

#[test]
fn tensors_that_are_seen_from_another_side_are_convolved_too() {
    let device = Device::flex();
    let x = random([2, 20, 12, 3], &device).permute([0, 3, 1, 2]);
    let w = random([3, 3, 5, 3], &device).permute([2, 0, 1, 3]);
    let b = random([5], &device);
    let options = BurnOptions::new([1, 1], [0, 0], [1, 1], 1);
    let wanted = conv2d(x.clone(), w.clone(), Some(b.clone()), options);
    let found = conv(x, w, b, ConvOptions::default());
    assert!(distance(&found.into_data(), &wanted.into_data()) < CLOSE);
}

#[test]
#[should_panic(expected = "do not fit")]
fn weights_for_other_channels_are_refused() {
    let device = Device::flex();
    let (x, w) = (random([1, 3, 8, 8], &device), random([4, 2, 3, 3], &device));
    conv(x, w, random([4], &device), ConvOptions::default());
}
