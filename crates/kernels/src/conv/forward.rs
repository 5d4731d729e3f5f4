//! The product itself.

use super::padded::Padded;
use super::tile::{Taps, pack};
use super::{Scratch, Shape};
use crate::Isa;

/// Weights, ready for any number of pictures, from any number of threads.
#[derive(Clone, Debug)]
pub struct Forward {
    shape: Shape,
    isa: Isa,
    padded: Padded,
    /// Of the taps of a group, from its first channel.
    offsets: Vec<usize>,
    /// Of one group after the other.
    weights: Vec<f32>,
}

/// How the input of a group lies for [`Forward`] and the gradient of weights: planes of every n-th
/// column. One group after the other is copied there, so that a depthwise convolution finds its channel
/// in the nearest cache.
pub(super) fn padded_input(shape: &Shape) -> Padded {
    let (rows, columns) = shape.output_size();
    Padded {
        channels: shape.group_inputs(),
        size: shape.size,
        before: shape.padding,
        step: shape.stride.1,
        // Rows past the last kernel are not needed; columns past it are copied with their row.
        rows: (rows - 1) * shape.stride.0 + shape.kernel.0,
        stride: (columns + (shape.kernel.1 - 1) / shape.stride.1)
            .max((shape.size.1 + shape.padding.1).div_ceil(shape.stride.1))
            + shape.slack(),
    }
}

/// Of each input of a group, each row and each column of the kernel.
pub(super) fn tap_offsets(shape: &Shape, padded: &Padded) -> Vec<usize> {
    let mut offsets = Vec::new();
    for input in 0..shape.group_inputs() {
        for ky in 0..shape.kernel.0 {
            offsets.extend((0..shape.kernel.1).map(|kx| padded.offset(input, ky, kx)));
        }
    }
    offsets
}

impl Forward {
    /// Prepares weights.
    ///
    /// # Panics
    /// When the shape is not sound or the weights are not as many.
    pub fn new(shape: Shape, isa: Isa, weights: &[f32]) -> Self {
        assert!(shape.is_sound(), "{shape:?}");
        let isa = isa.without_dots();
        assert_eq!(weights.len(), shape.weight_len());
        let shape = shape.flattened();
        let padded = padded_input(&shape);
        let offsets = tap_offsets(&shape, &padded);
        let taps = offsets.len();
        let mut packed = Vec::with_capacity(weights.len());
        for group in weights.chunks_exact(shape.group_outputs() * taps) {
            let weight = |output: usize, tap: usize| group[output * taps + tap];
            pack(isa, shape.group_outputs(), taps, weight, &mut packed);
        }
        Forward {
            shape,
            isa,
            padded,
            offsets,
            weights: packed,
        }
    }

    /// The output of one picture, with a bias for each output; with `relu` nothing below zero is left.
    ///
    /// # Panics
    /// When a length is not what the shape says.
    pub fn run(
        &self,
        input: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        output: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let shape = &self.shape;
        assert_eq!(output.len(), shape.output_len());
        let (rows, columns) = shape.output_size();
        let (inputs, outputs) = (shape.group_inputs(), shape.group_outputs());
        assert_eq!(input.len(), shape.input_len());
        let groups = input
            .chunks_exact(inputs * shape.size.0 * shape.size.1)
            .zip(output.chunks_exact_mut(outputs * rows * columns));
        let weights = self.weights.chunks_exact(outputs * self.offsets.len());
        for (group, ((input, output), weights)) in groups.zip(weights).enumerate() {
            let taps = Taps {
                source: self.padded.fill(input, &mut scratch.padded),
                offsets: &self.offsets,
                weights,
                bias: bias.map(|bias| &bias[group * outputs..][..outputs]),
                add: false,
                relu,
                outputs,
                first: 0,
                row_step: shape.stride.0 * self.padded.stride,
                rows,
                columns,
                out_plane: rows * columns,
                out_stride: columns,
            };
            taps.run(self.isa, output);
        }
    }
}
