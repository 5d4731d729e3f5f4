//! How sums of whole numbers become activations, as one operation of burn.
//!
//! Composed of burn's own operations it takes some twenty passes over memory, and three times as long as
//! the convolution before it; here it takes one forward and one back. Elsewhere than in plain memory the
//! composed one is used, which is also what tests compare with.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension,
};
use burn::tensor::Tensor;
use nervure_kernels::int8;
use rayon::prelude::*;

use crate::flex;

use crate::training::weights::numbers;

/// Largest activation.
pub const ACTIVATION: f32 = int8::MAX_CODE as f32;

/// How sums of one output channel become activations: halved `shift` times, rounded, then multiplied by
/// `multiplier / 32768`, rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requantiser {
    /// From 0 to 32767.
    pub multiplier: i16,
    /// From 0 to 31.
    pub shift: u8,
}

impl Requantiser {
    /// The nearest to a factor. Multipliers lie from `most / 2` to `most`, which decides between fine
    /// steps and a wide range: what is halved has 16 bits, and all above is cut off.
    pub fn nearest(factor: f64, most: f64) -> Requantiser {
        let unit = factor * 32768.0;
        if unit.is_nan() || unit <= 0.0 {
            return Requantiser {
                multiplier: 0,
                shift: 0,
            };
        }
        let shift = (most / unit).log2().floor().clamp(0.0, 31.0) as u8;
        Requantiser {
            multiplier: (unit * f64::from(1_u32 << shift))
                .round()
                .clamp(0.0, 32767.0) as i16,
            shift,
        }
    }
}

/// How far whole numbers may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// From 0 to [`ACTIVATION`]: what comes between layers.
    Activations,
    /// As far as 16 bits do: what the last layer gives.
    Corrections,
}

impl Range {
    /// The largest multiplier. Between layers, what reaches four times the limit of an activation is
    /// cut off before it; corrections reach from 128 to 256 codes.
    fn most(self) -> f64 {
        match self {
            Range::Activations => 1024.0,
            Range::Corrections => 16384.0,
        }
    }

    /// What brings sums of each output there, by factors.
    pub fn requantisers(self, factors: &[f32]) -> Vec<Requantiser> {
        let nearest = |factor: &f32| Requantiser::nearest(f64::from(*factor), self.most());
        factors.iter().map(nearest).collect()
    }

    fn ends(self) -> (f32, f32) {
        match self {
            Range::Activations => (0.0, ACTIVATION),
            Range::Corrections => (f32::MIN, f32::MAX),
        }
    }
}

/// Sums `[batch, outputs, rows, columns]` times a factor of each output, as engines do it, in whole
/// numbers of a range. Backward, as if nothing were rounded.
pub fn requantise(sums: Tensor<4>, factors: Tensor<1>, range: Range) -> Tensor<4> {
    if !matches!(sums.device().inner().as_dispatch(), DispatchDevice::Flex(_)) {
        return composed(sums, factors, range);
    }
    Tensor::from_dispatch(<Dispatch as RequantiseBackend>::requantise(
        sums.into_dispatch(),
        factors.into_dispatch(),
        range,
    ))
}

/// Of burn's own operations.
fn composed(sums: Tensor<4>, factors: Tensor<1>, range: Range) -> Tensor<4> {
    let [outputs] = factors.dims();
    let requantisers = range.requantisers(&numbers(factors.clone().detach()));
    let exact = requantised(sums.clone().detach(), &requantisers);
    let smooth = sums * factors.reshape([1, outputs, 1, 1]);
    match range {
        Range::Activations => stand_in(smooth.clamp(0.0, ACTIVATION), exact.clamp(0.0, ACTIVATION)),
        Range::Corrections => stand_in(smooth, exact),
    }
}

/// Backends that have it.
#[backend_extension(Flex, Autodiff)]
pub trait RequantiseBackend: Backend {
    /// See [`requantise`].
    fn requantise(
        sums: FloatTensor<Self>,
        factors: FloatTensor<Self>,
        range: Range,
    ) -> FloatTensor<Self>;
}

impl RequantiseBackend for Flex {
    fn requantise(
        sums: FloatTensor<Self>,
        factors: FloatTensor<Self>,
        range: Range,
    ) -> FloatTensor<Self> {
        forward(&sums.to_contiguous(), &factors.to_contiguous(), range)
    }
}

impl<C: CheckpointStrategy> RequantiseBackend for Autodiff<Flex, C> {
    fn requantise(
        sums: FloatTensor<Self>,
        factors: FloatTensor<Self>,
        range: Range,
    ) -> FloatTensor<Self> {
        let prepared = RequantiseBackward { range }
            .prepare::<C>([sums.node(), factors.node()])
            .compute_bound()
            .stateful();
        let sums = sums.primitive().to_contiguous();
        let factors = factors.primitive().to_contiguous();
        let output = forward(&sums, &factors, range);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((sums, factors), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct RequantiseBackward {
    range: Range,
}

impl Backward<Flex, 2> for RequantiseBackward {
    /// Sums and factors.
    type State = (FlexTensor, FlexTensor);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [to_sums, to_factors] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (sums, factors) = ops.state;
        let (of_sums, of_factors) = backward(&sums, &factors, &gradient, self.range);
        if let Some(node) = to_sums {
            gradients.register::<Flex>(node.id, of_sums);
        }
        if let Some(node) = to_factors {
            gradients.register::<Flex>(node.id, of_factors);
        }
    }
}

fn forward(sums: &FlexTensor, factors: &FlexTensor, range: Range) -> FlexTensor {
    let dims: [usize; 4] = sums.shape().dims();
    let requantisers = range.requantisers(flex::numbers(factors));
    let plane = (dims[2] * dims[3]).max(1);
    let (least, most) = range.ends();
    let mut output = vec![0.0; flex::numbers(sums).len()];
    output
        .par_chunks_mut(plane)
        .zip(flex::numbers(sums).par_chunks(plane))
        .enumerate()
        .for_each(|(number, (output, sums))| {
            let it = requantisers[number % requantisers.len()];
            for (output, sum) in output.iter_mut().zip(sums) {
                // Half of the last bit is added in as many bits as the sum has: below 2^24 it fits.
                let exact = int8::requantise(*sum as i32, it.multiplier, it.shift);
                *output = (exact as f32).clamp(least, most);
            }
        });
    flex::tensor(output, dims)
}

fn backward(
    sums: &FlexTensor,
    factors: &FlexTensor,
    gradient: &FlexTensor,
    range: Range,
) -> (FlexTensor, FlexTensor) {
    let dims: [usize; 4] = sums.shape().dims();
    let outputs = dims[1];
    let plane = (dims[2] * dims[3]).max(1);
    let (least, most) = range.ends();
    let factors = flex::numbers(factors);
    let mut of_sums = vec![0.0; flex::numbers(sums).len()];
    let parts: Vec<f64> = of_sums
        .par_chunks_mut(plane)
        .zip(flex::numbers(sums).par_chunks(plane))
        .zip(flex::numbers(gradient).par_chunks(plane))
        .enumerate()
        .map(|(number, ((of_sums, sums), gradient))| {
            let factor = factors[number % outputs];
            let mut of_factor = 0.0;
            for ((of_sum, sum), gradient) in of_sums.iter_mut().zip(sums).zip(gradient) {
                let smooth = sum * factor;
                if (least..=most).contains(&smooth) {
                    *of_sum = gradient * factor;
                    of_factor += f64::from(gradient * sum);
                }
            }
            of_factor
        })
        .collect();
    // Planes by turns are of one output: summed up in their order.
    let mut of_factors = vec![0.0; outputs];
    for (number, part) in parts.iter().enumerate() {
        of_factors[number % outputs] += part;
    }
    let of_factors: Vec<f32> = of_factors.into_iter().map(|x| x as f32).collect();
    (
        flex::tensor(of_sums, dims),
        flex::tensor(of_factors, [outputs]),
    )
}

/// Forward `exact`, to the bit; backward as `smooth`.
pub(crate) fn stand_in<const D: usize>(smooth: Tensor<D>, exact: Tensor<D>) -> Tensor<D> {
    let nothing = smooth.clone() - smooth.detach();
    exact + nothing
}

/// What engines make of sums: see [`Requantiser`].
fn requantised(sums: Tensor<4>, requantisers: &[Requantiser]) -> Tensor<4> {
    let device = sums.device();
    let row = |number: &dyn Fn(&Requantiser) -> f32| {
        let numbers: Vec<f32> = requantisers.iter().map(number).collect();
        Tensor::<1>::from_floats(&numbers[..], &device).reshape([1, numbers.len(), 1, 1])
    };
    let halves = row(&|it| 0.5_f32.powi(i32::from(it.shift)));
    // With no shift there is nothing to round: a half more is cut off again.
    let halved = (sums * halves + 0.5).floor().clamp(-32768.0, 32767.0);
    // Products have up to 30 bits: by parts, each of which is exact.
    let upper = halved.clone() * row(&|it| f32::from(it.multiplier >> 7));
    let lower = halved * row(&|it| f32::from(it.multiplier & 127));
    let carried = ((lower + 16384.0) / 128.0).floor();
    ((upper + carried) / 256.0).floor()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;

    #[test]
    fn factors_are_met_closely_or_as_far_as_16_bits_go() {
        for factor in [1e-6, 3.3e-4, 0.0031, 0.02, 0.031] {
            let found = Requantiser::nearest(factor, Range::Activations.most());
            let value = f64::from(found.multiplier) / 32768.0 / f64::from(1_u32 << found.shift);
            assert!((value / factor - 1.0).abs() < 1e-3, "{factor}: {found:?}");
            assert!(found.multiplier <= 1024);
        }
        let large = Requantiser::nearest(0.9, Range::Activations.most());
        assert_eq!((large.multiplier, large.shift), (29491, 0));
        assert_eq!(
            Requantiser::nearest(3.0, Range::Activations.most()).multiplier,
            32767
        );
        for nothing in [0.0, f64::NAN, -1.0] {
            assert_eq!(
                Requantiser::nearest(nothing, Range::Corrections.most()).multiplier,
                0
            );
        }
    }

    #[test]
    fn whole_numbers_come_out_as_processors_make_them() {
        let device = Device::flex();
        let requantisers = [
            (700, 9),
            (1023, 0),
            (32767, 0),
            (12_345, 3),
            (0, 0),
            (512, 31),
        ]
        .map(|(multiplier, shift)| Requantiser { multiplier, shift });
        let mut dice = 1_u64;
        let sums: Vec<i32> = (0..6 * 400)
            .map(|at| {
                dice = dice
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                // Of all sizes: some cut off, most not.
                let bits = 8 + at % 16;
                (dice >> 40) as i32 % (1 << bits) - (1 << (bits - 1))
            })
            .collect();
        let floats: Vec<f32> = sums.iter().map(|x| *x as f32).collect();
        let tensor = Tensor::<1>::from_floats(&floats[..], &device).reshape([1, 6, 20, 20]);
        let found = numbers(requantised(tensor, &requantisers));
        for (at, (sum, found)) in sums.iter().zip(found).enumerate() {
            let Requantiser { multiplier, shift } = requantisers[at / 400];
            let half = if shift > 0 { 1_i64 << (shift - 1) } else { 0 };
            let halved = ((i64::from(*sum) + half) >> shift).clamp(-32768, 32767);
            let wanted = (halved * i64::from(multiplier) + 0x4000) >> 15;
            assert_eq!(found as i64, wanted, "{sum} by {multiplier} after {shift}");
        }
    }

    #[test]
    fn one_operation_is_what_many_are() {
        let device = Device::flex().autodiff();
        for range in [Range::Activations, Range::Corrections] {
            let sums = Tensor::<4>::random([3, 5, 7, 9], Distribution::Uniform(-9e4, 9e4), &device);
            let sums = sums.round().inner();
            let factors = [0.001, 0.002, 0.0003, 1e-5, 0.01];
            let run = |one: bool| {
                let sums = Tensor::from_inner(sums.clone()).require_grad();
                let factors = Tensor::<1>::from_floats(factors, &device).require_grad();
                let output = match one {
                    true => requantise(sums.clone(), factors.clone(), range),
                    false => composed(sums.clone(), factors.clone(), range),
                };
                let weights: Vec<f32> = (0..3 * 5 * 7 * 9).map(|x| x as f32 / 945.0).collect();
                let weights = Tensor::<1>::from_floats(&weights[..], &device);
                let weights = weights.reshape([3, 5, 7, 9]);
                let gradients = (output.clone() * weights).sum().backward();
                (
                    numbers(output.detach()),
                    numbers(sums.grad(&gradients).unwrap()),
                    numbers(factors.grad(&gradients).unwrap()),
                )
            };
            let (one, many) = (run(true), run(false));
            assert_eq!(one.0, many.0, "{range:?}");
            assert_eq!(one.1, many.1, "{range:?}");
            for (one, many) in one.2.iter().zip(&many.2) {
                assert!(
                    (one / many - 1.0).abs() < 1e-4,
                    "{range:?}: {one} and {many}"
                );
            }
        }
    }
}
