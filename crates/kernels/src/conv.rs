//! Convolutions of single-precision pictures, with their gradients: what training spends its time on.
//!
//! A picture is its channels one after the other, each row after row. Weights lie as burn and PyTorch
//! have them: output, input of its group, row, column. The caller brings the threads: each call does
//! one picture of a batch, and [`WeightGradient`] adds up the pictures that it is given.
//!
//! All three products are one kernel in different clothes. The picture is copied into planes with room
//! around them; then each output is a sum over *taps*, each a weight times the same row shifted by a
//! fixed offset. A tile of outputs times a few registers of pixels stays in registers for all taps.
//! Strides are taken apart into planes of every n-th column, so that rows stay contiguous.
//!
//! [`Sums`] is that kernel for pictures that lie as engines have them, who copy nothing.
//!
//! Results agree with [`mod@reference`] within rounding: sums are in another order, and multiplications
//! are fused with additions where the processor can.

mod fetch;
mod forward;
mod input_gradient;
mod padded;
pub mod reference;
mod sums;
mod tile;
mod weight_gradient;

pub use fetch::{Around, Fetch, PLACES};
pub use forward::Forward;
pub use input_gradient::InputGradient;
pub use sums::{Ends, Source, Sums, Target};
pub use weight_gradient::WeightGradient;

/// What is convolved with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Channels fall in so many groups that know nothing of each other; as many as there are inputs
    /// make a depthwise convolution.
    pub groups: usize,
    /// Rows and columns of the input.
    pub size: (usize, usize),
    /// Rows and columns of a kernel.
    pub kernel: (usize, usize),
    /// Rows and columns of the input from one output to the next.
    pub stride: (usize, usize),
    /// Rows and columns of zeros around the input.
    pub padding: (usize, usize),
}

impl Shape {
    /// Whether it makes sense: channels fall evenly in groups, and there is an output.
    pub fn is_sound(&self) -> bool {
        let Shape {
            inputs,
            outputs,
            groups,
            ..
        } = *self;
        let sizes = [
            (self.size.0, self.kernel.0, self.stride.0, self.padding.0),
            (self.size.1, self.kernel.1, self.stride.1, self.padding.1),
        ];
        groups > 0
            && inputs > 0
            && outputs > 0
            && inputs.is_multiple_of(groups)
            && outputs.is_multiple_of(groups)
            && sizes.iter().all(|&(size, kernel, stride, padding)| {
                size > 0 && kernel > 0 && stride > 0 && size + 2 * padding >= kernel
            })
    }

    /// Rows and columns of the output.
    pub fn output_size(&self) -> (usize, usize) {
        let along = |size: usize, kernel: usize, stride: usize, padding: usize| {
            (size + 2 * padding - kernel) / stride + 1
        };
        (
            along(self.size.0, self.kernel.0, self.stride.0, self.padding.0),
            along(self.size.1, self.kernel.1, self.stride.1, self.padding.1),
        )
    }

    /// Numbers in an input picture.
    pub fn input_len(&self) -> usize {
        self.inputs * self.size.0 * self.size.1
    }

    /// Numbers in an output picture.
    pub fn output_len(&self) -> usize {
        let (rows, columns) = self.output_size();
        self.outputs * rows * columns
    }

    /// Numbers in the weights.
    pub fn weight_len(&self) -> usize {
        self.outputs * self.group_inputs() * self.kernel.0 * self.kernel.1
    }

    /// Multiplications with a weight, for one picture.
    pub fn macs(&self) -> usize {
        let (rows, columns) = self.output_size();
        self.weight_len() * rows * columns
    }

    /// The same as one long row where no pixel meets another, and rows end with registers: then nothing
    /// needs room around it, and nothing is copied.
    fn flattened(self) -> Shape {
        match self.can_be_flat() {
            true => Shape {
                size: (1, self.size.0 * self.size.1),
                ..self
            },
            false => self,
        }
    }

    fn can_be_flat(&self) -> bool {
        (self.kernel, self.stride, self.padding) == ((1, 1), (1, 1), (0, 0))
            && (self.size.0 * self.size.1).is_multiple_of(tile::SLACK)
    }

    /// Numbers to keep after each row of a picture, where registers read past its end.
    fn slack(&self) -> usize {
        match self.can_be_flat() {
            true => 0,
            false => tile::SLACK,
        }
    }

    fn group_inputs(&self) -> usize {
        self.inputs / self.groups
    }

    fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }
}

/// Memory that calls use and leave for the next: none is taken on the fast path once it is warm.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    padded: Vec<f32>,
    phase: Vec<f32>,
}

#[cfg(test)]
mod tests;
