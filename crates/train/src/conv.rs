//! Convolutions of networks, by [`nervure_kernels::conv`] where tensors are in plain memory and by
//! burn elsewhere.
//!
//! burn's own convolution is five to seven times as slow on a CPU: it has no backward pass of its own.
//! Ours is an operation of its own, with bias and ReLU in it, and a backward pass that makes all three
//! gradients of a picture while it is in cache. Pictures of a batch are spread over rayon's threads in
//! parts that do not depend on how many there are, so that the same training gives the same numbers;
//! forward, outputs are spread too where there are fewer pictures than threads.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension,
};
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::{Tensor, ops};
use nervure_kernels::Isa;
use nervure_kernels::conv::{Forward, InputGradient, Scratch, Shape, WeightGradient};
use rayon::prelude::*;

use crate::flex::{numbers, tensor};

/// How a convolution goes over its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    /// Rows and columns from one output to the next.
    pub stride: [usize; 2],
    /// Rows and columns of zeros around the input.
    pub padding: [usize; 2],
    /// Groups of channels that know nothing of each other.
    pub groups: usize,
    /// Nothing below zero is left.
    pub relu: bool,
}

impl Default for ConvOptions {
    fn default() -> Self {
        ConvOptions {
            stride: [1, 1],
            padding: [0, 0],
            groups: 1,
            relu: false,
        }
    }
}

impl ConvOptions {
    fn shape(&self, input: [usize; 4], weight: [usize; 4]) -> Shape {
        Shape {
            inputs: input[1],
            outputs: weight[0],
            groups: self.groups,
            size: (input[2], input[3]),
            kernel: (weight[2], weight[3]),
            stride: self.stride.into(),
            padding: self.padding.into(),
        }
    }
}

/// Convolves a batch of pictures, `[batch, inputs, rows, columns]`, with
/// `[outputs, inputs / groups, rows, columns]` and a bias for each output.
///
/// # Panics
/// When channels do not fit.
pub fn conv(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    options: ConvOptions,
) -> Tensor<4> {
    let [_, channels, _, _] = input.dims();
    let shape = options.shape(input.dims(), weight.dims());
    assert!(
        shape.is_sound() && weight.dims()[1] * options.groups == channels,
        "weights {:?} do not fit an input {:?} with {options:?}",
        weight.dims(),
        input.dims()
    );
    if !matches!(
        input.device().inner().as_dispatch(),
        DispatchDevice::Flex(_)
    ) {
        return by_burn(input, weight, bias, options);
    }
    Tensor::from_dispatch(<Dispatch as ConvBackend>::conv(
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        options,
    ))
}

/// On devices whose memory is not ours to read.
fn by_burn(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    options: ConvOptions,
) -> Tensor<4> {
    let theirs = ops::ConvOptions::new(options.stride, options.padding, [1, 1], options.groups);
    let output = conv2d(input, weight, Some(bias), theirs);
    match options.relu {
        true => relu(output),
        false => output,
    }
}

/// Backends that have it.
#[backend_extension(Flex, Autodiff)]
pub trait ConvBackend: Backend {
    /// See [`conv`].
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions,
    ) -> FloatTensor<Self>;
}

impl ConvBackend for Flex {
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions,
    ) -> FloatTensor<Self> {
        forward(&input, &weight, &bias, options)
    }
}

impl<C: CheckpointStrategy> ConvBackend for Autodiff<Flex, C> {
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions,
    ) -> FloatTensor<Self> {
        let nodes = [input.node(), weight.node(), bias.node()];
        let prepared = ConvBackward { options }
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful();
        match prepared {
            OpsKind::Tracked(prepared) => {
                let input = input.primitive().to_contiguous();
                let weight = weight.primitive().to_contiguous();
                let output = forward(&input, &weight, bias.primitive(), options);
                let kept = options.relu.then(|| output.clone());
                prepared.finish((input, weight, kept), output)
            }
            OpsKind::UnTracked(prepared) => {
                let output = forward(
                    input.primitive(),
                    weight.primitive(),
                    bias.primitive(),
                    options,
                );
                prepared.finish(output)
            }
        }
    }
}

#[derive(Debug)]
struct ConvBackward {
    options: ConvOptions,
}

impl Backward<Flex, 3> for ConvBackward {
    /// Input, weights, and with ReLU the output.
    type State = (FlexTensor, FlexTensor, Option<FlexTensor>);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [to_input, to_weight, to_bias] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (input, weight, output) = ops.state;
        let wanted = Wanted {
            input: to_input.is_some(),
            weight: to_weight.is_some() || to_bias.is_some(),
        };
        let found = backward(
            &input,
            &weight,
            output.as_ref(),
            &gradient,
            self.options,
            wanted,
        );
        recycle(gradient);
        recycle(input);
        if let Some(output) = output {
            recycle(output);
        }
        for (node, gradient) in [
            (to_input, found.input),
            (to_weight, found.weight),
            (to_bias, found.bias),
        ] {
            if let Some((node, gradient)) = node.zip(gradient) {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}

/// Memory of tensors that are no more. A step of training makes the same ones again: taken from here
/// they need neither be asked for nor wiped.
static SPARE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// As many as a step of a deep network leaves, and no more than so many numbers in all: 256 MB.
const SPARE_COUNT: usize = 64;
const SPARE_NUMBERS: usize = 64 << 20;

/// So many numbers, of any value.
fn buffer(len: usize) -> Vec<f32> {
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    let found = spare.iter().rposition(|buffer| buffer.len() == len);
    match found {
        Some(index) => spare.remove(index),
        None => vec![0.0; len],
    }
}

/// Keeps a tensor's memory, unless others use it.
fn recycle(tensor: FlexTensor) {
    if !tensor.is_unique() || !tensor.is_contiguous() {
        return;
    }
    let Ok(numbers) = tensor.into_data().try_into_vec::<f32>() else {
        return;
    };
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    spare.push(numbers);
    let mut kept = 0;
    // The newest stay.
    let old = spare.iter().rposition(|buffer| {
        kept += buffer.len();
        kept > SPARE_NUMBERS
    });
    let old = old.map_or(0, |index| index + 1);
    let old = old.max(spare.len().saturating_sub(SPARE_COUNT));
    spare.drain(..old);
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// What a thread keeps from one call to the next.
#[derive(Default)]
struct Memory {
    scratch: Scratch,
    cut: Vec<f32>,
}

fn forward(
    input: &FlexTensor,
    weight: &FlexTensor,
    bias: &FlexTensor,
    options: ConvOptions,
) -> FlexTensor {
    let (input, weight) = (input.to_contiguous(), weight.to_contiguous());
    let bias = bias.to_contiguous();
    let [batch, inputs, rows, columns] = input.shape().dims();
    let shape = options.shape([batch, inputs, rows, columns], weight.shape().dims());
    let part = outputs_at_once(&shape, batch);
    let each = shape.weight_len() / shape.outputs;
    let prepared: Vec<Forward> = numbers(&weight)
        .chunks(part * each)
        .map(|weights| {
            let outputs = weights.len() / each;
            Forward::new(Shape { outputs, ..shape }, Isa::detect(), weights)
        })
        .collect();
    let plane = shape.output_len() / shape.outputs;
    let mut output = buffer(batch * shape.output_len());
    let inputs = numbers(&input).par_chunks_exact(shape.input_len());
    let outputs = output.par_chunks_exact_mut(shape.output_len());
    outputs.zip(inputs).for_each(|(output, input)| {
        let parts = output.par_chunks_mut(part * plane).zip(&prepared);
        let parts = parts.zip(numbers(&bias).par_chunks(part));
        parts.for_each(|((output, prepared), bias)| {
            MEMORY.with_borrow_mut(|memory| {
                let scratch = &mut memory.scratch;
                prepared.run(input, Some(bias), options.relu, output, scratch);
            });
        });
    });
    let (rows, columns) = shape.output_size();
    tensor(output, [batch, shape.outputs, rows, columns])
}

/// Outputs that a thread makes of a picture: all of them, unless there are fewer pictures than threads.
/// Every output is the same sum whoever makes it.
fn outputs_at_once(shape: &Shape, batch: usize) -> usize {
    /// Those of the largest tiles.
    const GRAIN: usize = 8;
    let threads = rayon::current_num_threads();
    match batch < threads && shape.groups == 1 {
        true => shape
            .outputs
            .div_ceil(threads.div_ceil(batch.max(1)))
            .next_multiple_of(GRAIN),
        false => shape.outputs,
    }
}

/// Which gradients somebody asks for.
#[derive(Clone, Copy)]
struct Wanted {
    input: bool,
    /// And of the bias.
    weight: bool,
}

/// What was found.
struct Found {
    input: Option<FlexTensor>,
    weight: Option<FlexTensor>,
    bias: Option<FlexTensor>,
}

/// Parts of a batch whose weights' gradients are summed up by themselves. A fixed number: sums of
/// other parts would be other numbers.
const PARTS: usize = 8;

fn backward(
    input: &FlexTensor,
    weight: &FlexTensor,
    output: Option<&FlexTensor>,
    gradient: &FlexTensor,
    options: ConvOptions,
    wanted: Wanted,
) -> Found {
    let isa = Isa::detect();
    let dims: [usize; 4] = input.shape().dims();
    let shape = options.shape(dims, weight.shape().dims());
    let batch = dims[0];
    let part = batch.div_ceil(PARTS).max(1);
    let (input_len, output_len) = (shape.input_len(), shape.output_len());
    let prepared = wanted
        .input
        .then(|| InputGradient::new(shape, isa, numbers(weight)));
    let (inputs, gradients) = (numbers(input), numbers(gradient));
    let outputs = output.map(numbers);

    let mut input_gradient = match wanted.input {
        true => buffer(inputs.len()),
        false => Vec::new(),
    };
    // A part has its share of the gradient, or nothing where nobody asks for it.
    let mut shares: Vec<&mut [f32]> = match wanted.input {
        true => input_gradient.chunks_mut(part * input_len).collect(),
        false => (0..batch.div_ceil(part)).map(|_| &mut [][..]).collect(),
    };
    let sums: Vec<(Vec<f32>, Vec<f32>)> = shares
        .par_iter_mut()
        .enumerate()
        .map(|(number, share)| {
            let mut sums = wanted.weight.then(|| WeightGradient::new(shape, isa));
            let mut bias = vec![0.0; shape.outputs];
            for picture in number * part..batch.min((number + 1) * part) {
                let gradient = &gradients[picture * output_len..][..output_len];
                let input = &inputs[picture * input_len..][..input_len];
                MEMORY.with_borrow_mut(|memory| {
                    let gradient = match outputs {
                        // What ReLU cut off gained nothing.
                        Some(outputs) => {
                            let output = &outputs[picture * output_len..][..output_len];
                            cut(gradient, output, &mut memory.cut)
                        }
                        None => gradient,
                    };
                    if let Some(sums) = &mut sums {
                        sums.add(input, gradient);
                        let plane = output_len / shape.outputs;
                        for (bias, plane) in bias.iter_mut().zip(gradient.chunks_exact(plane)) {
                            *bias += sum(plane);
                        }
                    }
                    if let Some(prepared) = &prepared {
                        let at = (picture - number * part) * input_len;
                        let to = &mut share[at..at + input_len];
                        prepared.run(gradient, to, &mut memory.scratch);
                    }
                });
            }
            let mut weight = Vec::new();
            if let Some(sums) = sums {
                weight.resize(shape.weight_len(), 0.0);
                sums.add_to(&mut weight);
            }
            (weight, bias)
        })
        .collect();

    let mut weights = vec![0.0; shape.weight_len()];
    let mut bias = vec![0.0; shape.outputs];
    for (part_weights, part_bias) in &sums {
        add(&mut weights, part_weights);
        add(&mut bias, part_bias);
    }
    Found {
        input: wanted.input.then(|| tensor(input_gradient, dims)),
        weight: wanted
            .weight
            .then(|| tensor(weights, weight.shape().dims::<4>())),
        bias: wanted.weight.then(|| tensor(bias, [shape.outputs])),
    }
}

fn cut<'a>(gradient: &[f32], output: &[f32], memory: &'a mut Vec<f32>) -> &'a [f32] {
    memory.clear();
    let pairs = gradient.iter().zip(output);
    memory.extend(pairs.map(|(gradient, output)| if *output > 0.0 { *gradient } else { 0.0 }));
    memory
}

/// Several sums side by side, which processors do at once.
fn sum(numbers: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (whole, rest) = numbers.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in whole {
        for (sum, number) in sums.iter_mut().zip(chunk) {
            *sum += number;
        }
    }
    sums.iter().chain(rest).sum()
}

fn add(sums: &mut [f32], more: &[f32]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}
