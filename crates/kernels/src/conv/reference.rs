//! The definition: every sum written out, in double precision.

use super::Shape;

/// Calls `each` with the number of an output, of the weight and of the input that it joins.
fn joined(shape: &Shape, mut each: impl FnMut(usize, usize, usize)) {
    let (rows, columns) = shape.output_size();
    let (group_inputs, group_outputs) = (shape.group_inputs(), shape.group_outputs());
    for output in 0..shape.outputs {
        for inner in 0..group_inputs {
            let input = output / group_outputs * group_inputs + inner;
            for ky in 0..shape.kernel.0 {
                for kx in 0..shape.kernel.1 {
                    let weight = ((output * group_inputs + inner) * shape.kernel.0 + ky)
                        * shape.kernel.1
                        + kx;
                    for y in 0..rows {
                        let from = (y * shape.stride.0 + ky).checked_sub(shape.padding.0);
                        let Some(iy) = from.filter(|iy| *iy < shape.size.0) else {
                            continue;
                        };
                        for x in 0..columns {
                            let from = (x * shape.stride.1 + kx).checked_sub(shape.padding.1);
                            let Some(ix) = from.filter(|ix| *ix < shape.size.1) else {
                                continue;
                            };
                            each(
                                (output * rows + y) * columns + x,
                                weight,
                                (input * shape.size.0 + iy) * shape.size.1 + ix,
                            );
                        }
                    }
                }
            }
        }
    }
}

/// The output of one picture; below zero nothing is left with `relu`.
pub fn forward(
    shape: &Shape,
    input: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
    relu: bool,
) -> Vec<f32> {
    let (rows, columns) = shape.output_size();
    let start = |output: usize| bias.map_or(0.0, |bias| f64::from(bias[output]));
    let mut sums: Vec<f64> = (0..shape.output_len())
        .map(|index| start(index / (rows * columns)))
        .collect();
    joined(shape, |output, weight, from| {
        sums[output] += f64::from(weights[weight]) * f64::from(input[from]);
    });
    let cut = |sum: f64| if relu && sum < 0.0 { 0.0 } else { sum };
    sums.into_iter().map(|sum| cut(sum) as f32).collect()
}

/// What the loss gains by each number of the input, from what it gains by each of the output.
pub fn input_gradient(shape: &Shape, gradient: &[f32], weights: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0_f64; shape.input_len()];
    joined(shape, |output, weight, from| {
        sums[from] += f64::from(weights[weight]) * f64::from(gradient[output]);
    });
    sums.into_iter().map(|sum| sum as f32).collect()
}

/// What the loss gains by each weight.
pub fn weight_gradient(shape: &Shape, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0_f64; shape.weight_len()];
    joined(shape, |output, weight, from| {
        sums[weight] += f64::from(input[from]) * f64::from(gradient[output]);
    });
    sums.into_iter().map(|sum| sum as f32).collect()
}
