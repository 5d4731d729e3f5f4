//! Every product of every shape on every instruction set, against the definition.

use super::*;
use crate::Isa;

/// Numbers between -1 and 1, the same for the same seed.
pub(super) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// The largest difference in terms of the largest number.
pub(super) fn distance(found: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    let largest = wanted.iter().fold(1e-6_f32, |most, x| most.max(x.abs()));
    let off = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    off.fold(0.0, f32::max) / largest
}

/// Sums of some thousand products in single precision, in another order.
pub(super) const CLOSE: f32 = 5e-6;

fn check(shape: Shape) {
    let (input, weights) = (
        numbers(shape.input_len(), 1),
        numbers(shape.weight_len(), 2),
    );
    let (bias, gradient) = (numbers(shape.outputs, 3), numbers(shape.output_len(), 4));
    let wanted = (
        reference::forward(&shape, &input, &weights, Some(&bias), true),
        reference::forward(&shape, &input, &weights, None, false),
        reference::input_gradient(&shape, &gradient, &weights),
        reference::weight_gradient(&shape, &input, &gradient),
    );
    for isa in Isa::available() {
        let mut scratch = Scratch::default();
        let mut output = vec![f32::NAN; shape.output_len()];
        let forward = Forward::new(shape, isa, &weights);
        forward.run(&input, Some(&bias), true, &mut output, &mut scratch);
        let off = distance(&output, &wanted.0);
        assert!(off < CLOSE, "{shape:?} with {isa}: output is off by {off}");
        forward.run(&input, None, false, &mut output, &mut scratch);
        let off = distance(&output, &wanted.1);
        assert!(off < CLOSE, "{shape:?} with {isa}: output is off by {off}");

        let mut found = vec![f32::NAN; shape.input_len()];
        InputGradient::new(shape, isa, &weights).run(&gradient, &mut found, &mut scratch);
        let off = distance(&found, &wanted.2);
        assert!(
            off < CLOSE,
            "{shape:?} with {isa}: input's gradient is off by {off}"
        );

        // Two pictures, the second without any gradient, on top of what is there.
        let mut sums = WeightGradient::new(shape, isa);
        sums.add(&input, &gradient);
        sums.add(&input, &vec![0.0; gradient.len()]);
        let mut found = vec![1.0; shape.weight_len()];
        sums.add_to(&mut found);
        let wanted: Vec<f32> = wanted.3.iter().map(|x| x + 1.0).collect();
        let off = distance(&found, &wanted);
        assert!(
            off < CLOSE,
            "{shape:?} with {isa}: weights' gradient is off by {off}"
        );
    }
}

fn shape(channels: (usize, usize, usize), size: (usize, usize), kernel: usize) -> Shape {
    Shape {
        inputs: channels.0,
        outputs: channels.1,
        groups: channels.2,
        size,
        kernel: (kernel, kernel),
        stride: (1, 1),
        padding: (kernel / 2, kernel / 2),
    }
}

#[test]
fn every_kernel_and_number_of_channels() {
    for kernel in [1, 3, 5, 7] {
        for (inputs, outputs) in [(1, 1), (1, 16), (3, 7), (16, 4), (9, 15), (16, 33)] {
            check(shape((inputs, outputs, 1), (9, 20), kernel));
        }
    }
}

#[test]
fn every_width_has_its_last_column() {
    for width in 1..=70 {
        check(shape((3, 9, 1), (3, width), 3));
    }
    for height in 1..=6 {
        check(shape((2, 5, 1), (height, 17), 3));
    }
    // Strips of more rows than one.
    check(shape((4, 8, 1), (70, 48), 3));
}

#[test]
fn pixels_that_meet_no_others() {
    for (inputs, outputs, groups) in [(1, 1, 1), (64, 64, 1), (9, 5, 1), (8, 16, 4)] {
        for size in [(8, 8), (1, 16), (5, 7), (16, 3), (3, 48)] {
            check(shape((inputs, outputs, groups), size, 1));
        }
    }
}

#[test]
fn groups_know_nothing_of_each_other() {
    for (inputs, outputs, groups) in [(8, 8, 8), (6, 12, 6), (8, 4, 2), (12, 24, 3), (32, 32, 32)] {
        for kernel in [1, 3, 5] {
            check(shape((inputs, outputs, groups), (8, 37), kernel));
        }
    }
}

#[test]
fn strides_and_paddings_of_any_kind() {
    for kernel in [(1, 1), (3, 3), (4, 2), (5, 5), (2, 7)] {
        for stride in [(1, 1), (2, 2), (1, 2), (3, 2), (5, 4)] {
            for padding in [(0, 0), (1, 1), (2, 3), (6, 5)] {
                for groups in [1, 2] {
                    check(Shape {
                        inputs: 4,
                        outputs: 6,
                        groups,
                        size: (11, 19),
                        kernel,
                        stride,
                        padding,
                    });
                }
            }
        }
    }
}

#[test]
fn nothing_is_read_past_a_picture_that_just_fits() {
    check(Shape {
        inputs: 2,
        outputs: 3,
        groups: 1,
        size: (3, 3),
        kernel: (3, 3),
        stride: (1, 1),
        padding: (0, 0),
    });
}

#[test]
fn what_is_no_number_stays_none() {
    let shape = shape((1, 1, 1), (1, 40), 1);
    for isa in Isa::available() {
        let forward = Forward::new(shape, isa, &[1.0]);
        let mut input = vec![1.0; 40];
        input[5] = f32::NAN;
        input[39] = f32::NAN;
        let mut output = vec![0.0; 40];
        forward.run(&input, None, true, &mut output, &mut Scratch::default());
        let lost: Vec<_> = (0..40).filter(|at| output[*at].is_nan()).collect();
        assert_eq!(lost, [5, 39], "{isa}");
    }
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "a panic ends everything there")]
fn instructions_that_the_processor_lacks_are_refused() {
    let foreign = match cfg!(target_arch = "aarch64") {
        true => Isa::Avx512,
        false => Isa::Neon,
    };
    let shape = shape((1, 1, 1), (1, 16), 1);
    let refused = |call: fn(Shape, Isa)| {
        let call = std::panic::catch_unwind(|| call(shape, foreign));
        call.is_err()
    };
    assert!(refused(|shape, isa| drop(Forward::new(shape, isa, &[1.0]))));
    assert!(refused(|shape, isa| drop(InputGradient::new(
        shape,
        isa,
        &[1.0]
    ))));
    assert!(refused(|shape, isa| drop(WeightGradient::new(shape, isa))));
}

#[test]
fn shapes_that_make_no_sense_are_told() {
    let good = shape((4, 4, 2), (8, 8), 3);
    assert!(good.is_sound());
    assert_eq!((good.output_size(), good.macs()), ((8, 8), 4 * 2 * 9 * 64));
    for bad in [
        Shape { groups: 3, ..good },
        Shape { groups: 0, ..good },
        Shape {
            stride: (0, 1),
            ..good
        },
        Shape {
            kernel: (0, 3),
            ..good
        },
        Shape {
            kernel: (3, 11),
            ..good
        },
        Shape {
            size: (0, 8),
            ..good
        },
    ] {
        assert!(!bad.is_sound(), "{bad:?}");
    }
}
