//! What the loss gains by each number of the input.
//!
//! Backwards a convolution is one again: each number of the input is a sum, over the outputs it went
//! into, of their gradients times the weights it met. With a stride the numbers fall into phases, by
//! their place in it, and each phase meets its own part of the kernel.

use super::padded::Padded;
use super::tile::{Taps, pack};
use super::{Scratch, Shape};
use crate::Isa;

/// Weights, turned round and ready for any number of pictures, from any number of threads.
#[derive(Clone, Debug)]
pub struct InputGradient {
    shape: Shape,
    isa: Isa,
    /// Of a group of outputs.
    padded: Padded,
    phases: Vec<Phase>,
}

/// Numbers of the input at one place in the stride, down and across.
#[derive(Clone, Debug)]
struct Phase {
    down: Along,
    across: Along,
    /// Of the taps of each group, from the first output of the group.
    offsets: Vec<usize>,
    /// Of one group after the other.
    weights: Vec<f32>,
}

/// A phase along one direction.
#[derive(Clone, Copy, Debug)]
struct Along {
    phase: usize,
    /// Parts of the kernel that it meets.
    taps: usize,
    /// Its first number, counted in strides from the beginning of the padding, and how many there are.
    first: usize,
    count: usize,
    /// Where the first of them is in the input.
    at: usize,
}

impl Along {
    fn new(phase: usize, size: usize, kernel: usize, stride: usize, padding: usize) -> Self {
        let first = padding.saturating_sub(phase).div_ceil(stride);
        let end = (size + padding).saturating_sub(phase).div_ceil(stride);
        Along {
            phase,
            taps: kernel.saturating_sub(phase).div_ceil(stride),
            first,
            count: end.saturating_sub(first),
            at: (first * stride + phase).saturating_sub(padding),
        }
    }
}

impl InputGradient {
    /// Prepares weights.
    ///
    /// # Panics
    /// When the shape is not sound or the weights are not as many.
    pub fn new(shape: Shape, isa: Isa, weights: &[f32]) -> Self {
        assert!(shape.is_sound(), "{shape:?}");
        let isa = isa.without_dots();
        assert_eq!(weights.len(), shape.weight_len());
        let shape = shape.flattened();
        let (rows, columns) = shape.output_size();
        let before = (
            shape.kernel.0.div_ceil(shape.stride.0) - 1,
            shape.kernel.1.div_ceil(shape.stride.1) - 1,
        );
        let reach = |size: usize, padding: usize, stride: usize| (size + padding).div_ceil(stride);
        let padded = Padded {
            channels: shape.group_outputs(),
            size: (rows, columns),
            before,
            step: 1,
            rows: reach(shape.size.0, shape.padding.0, shape.stride.0).max(rows) + before.0,
            stride: reach(shape.size.1, shape.padding.1, shape.stride.1).max(columns)
                + before.1
                + shape.slack(),
        };
        let mut phases = Vec::new();
        for y in 0..shape.stride.0 {
            for x in 0..shape.stride.1 {
                let (size, padding) = (shape.size, shape.padding);
                let down = Along::new(y, size.0, shape.kernel.0, shape.stride.0, padding.0);
                let across = Along::new(x, size.1, shape.kernel.1, shape.stride.1, padding.1);
                phases.push(Phase::new(&shape, isa, &padded, (down, across), weights));
            }
        }
        InputGradient {
            shape,
            isa,
            padded,
            phases,
        }
    }

    /// The gradient of one picture's input from that of its output.
    ///
    /// # Panics
    /// When a length is not what the shape says.
    pub fn run(&self, gradient: &[f32], input: &mut [f32], scratch: &mut Scratch) {
        let shape = &self.shape;
        assert_eq!(input.len(), shape.input_len());
        assert_eq!(gradient.len(), shape.output_len());
        let groups = gradient
            .chunks_exact(shape.output_len() / shape.groups)
            .zip(input.chunks_exact_mut(shape.input_len() / shape.groups));
        for (group, (gradient, input)) in groups.enumerate() {
            self.run_group(group, gradient, input, scratch);
        }
    }

    fn run_group(&self, group: usize, gradient: &[f32], input: &mut [f32], scratch: &mut Scratch) {
        let shape = &self.shape;
        let Scratch { padded, phase } = scratch;
        let source = self.padded.fill(gradient, padded);
        if let ([only], (1, 1)) = (&self.phases[..], shape.stride) {
            only.run(self, group, source, input);
            return;
        }
        for part in &self.phases {
            let (rows, columns) = (part.down.count, part.across.count);
            phase.resize(shape.group_inputs() * rows * columns, 0.0);
            part.run(self, group, source, phase);
            for (index, from) in phase.chunks_exact(columns.max(1)).enumerate() {
                let (channel, row) = (index / rows, index % rows);
                let y = part.down.at + row * shape.stride.0;
                let to = &mut input[(channel * shape.size.0 + y) * shape.size.1..][..shape.size.1];
                let every = to[part.across.at..].iter_mut().step_by(shape.stride.1);
                for (to, from) in every.zip(from) {
                    *to = *from;
                }
            }
        }
    }
}

impl Phase {
    fn new(
        shape: &Shape,
        isa: Isa,
        padded: &Padded,
        (down, across): (Along, Along),
        weights: &[f32],
    ) -> Self {
        let (inputs, outputs) = (shape.group_inputs(), shape.group_outputs());
        let mut offsets = Vec::new();
        // Of each tap: output, row and column of the kernel.
        let mut met = Vec::new();
        for output in 0..outputs {
            for ty in 0..down.taps {
                for tx in 0..across.taps {
                    offsets.push(padded.offset(output, padded.before.0 - ty, padded.before.1 - tx));
                    met.push((
                        output,
                        down.phase + ty * shape.stride.0,
                        across.phase + tx * shape.stride.1,
                    ));
                }
            }
        }
        let mut packed = Vec::with_capacity(shape.groups * inputs * met.len());
        let whole = outputs * inputs * shape.kernel.0 * shape.kernel.1;
        for group in weights.chunks_exact(whole) {
            let weight = |input: usize, tap: usize| {
                let (output, ky, kx) = met[tap];
                group[((output * inputs + input) * shape.kernel.0 + ky) * shape.kernel.1 + kx]
            };
            pack(isa, inputs, met.len(), weight, &mut packed);
        }
        Phase {
            down,
            across,
            offsets,
            weights: packed,
        }
    }

    fn run(&self, whole: &InputGradient, group: usize, source: &[f32], out: &mut [f32]) {
        let padded = &whole.padded;
        let inputs = whole.shape.group_inputs();
        let weights = inputs * self.offsets.len();
        if out.is_empty() {
            return;
        }
        let taps = Taps {
            source,
            offsets: &self.offsets,
            weights: &self.weights[group * weights..][..weights],
            bias: None,
            add: false,
            relu: false,
            outputs: inputs,
            first: padded.offset(0, self.down.first, self.across.first),
            row_step: padded.stride,
            rows: self.down.count,
            columns: self.across.count,
            out_plane: self.down.count * self.across.count,
            out_stride: self.across.count,
        };
        taps.run(whole.isa, out);
    }
}
