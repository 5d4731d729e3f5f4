//! Fetching pixels from where motion says that they are, as one operation of burn.
//!
//! burn's own sampling of a grid is composed of gathers, which on CPUs take longer than all
//! convolutions of a network beside it. Elsewhere than in plain memory it is used nevertheless, and
//! tests compare with it.

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
use burn::tensor::ops::{GridSampleOptions, GridSamplePaddingMode, InterpolateMode};
use rayon::prelude::*;

use crate::flex;

/// Fetches each pixel of `[batch, channels, rows, columns]` from where the flow,
/// `[batch, 2, rows, columns]` in columns and rows, says that it is: between four pixels, in shares.
/// What is outside is taken from the edge.
pub fn warp(input: Tensor<4>, flow: Tensor<4>) -> Tensor<4> {
    let [batch, _, rows, columns] = input.dims();
    assert_eq!(
        flow.dims(),
        [batch, 2, rows, columns],
        "a flow of each pixel"
    );
    if !matches!(
        input.device().inner().as_dispatch(),
        DispatchDevice::Flex(_)
    ) {
        return by_grid(input, &flow);
    }
    Tensor::from_dispatch(<Dispatch as WarpBackend>::warp(
        input.into_dispatch(),
        flow.into_dispatch(),
    ))
}

/// By burn's own sampling.
fn by_grid(input: Tensor<4>, flow: &Tensor<4>) -> Tensor<4> {
    let [batch, _, rows, columns] = input.dims();
    let device = input.device();
    // Places count from -1 to 1, from edge to edge of the outermost pixels.
    let along = |count: usize| -> Vec<f32> {
        let middle = |at: usize| (2 * at + 1) as f32 / count as f32 - 1.0;
        (0..count).map(middle).collect()
    };
    let x = Tensor::<1>::from_floats(&along(columns)[..], &device)
        .reshape([1, 1, columns])
        .expand([batch, rows, columns]);
    let y = Tensor::<1>::from_floats(&along(rows)[..], &device)
        .reshape([1, rows, 1])
        .expand([batch, rows, columns]);
    let [across, down] = [(0, columns), (1, rows)].map(|(number, count)| {
        let part = flow.clone().narrow(1, number, 1);
        part.reshape([batch, rows, columns]) * (2.0 / count as f32)
    });
    let grid = Tensor::stack::<4>(vec![x + across, y + down], 3);
    let options = GridSampleOptions::new(InterpolateMode::Bilinear)
        .with_padding_mode(GridSamplePaddingMode::Border);
    input.grid_sample_2d(grid, options)
}

/// Backends that have it.
#[backend_extension(Flex, Autodiff)]
pub trait WarpBackend: Backend {
    /// See [`warp`].
    fn warp(input: FloatTensor<Self>, flow: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl WarpBackend for Flex {
    fn warp(input: FloatTensor<Self>, flow: FloatTensor<Self>) -> FloatTensor<Self> {
        forward(&input.to_contiguous(), &flow.to_contiguous())
    }
}

impl<C: CheckpointStrategy> WarpBackend for Autodiff<Flex, C> {
    fn warp(input: FloatTensor<Self>, flow: FloatTensor<Self>) -> FloatTensor<Self> {
        let prepared = WarpBackward
            .prepare::<C>([input.node(), flow.node()])
            .compute_bound()
            .stateful();
        let input = input.primitive().to_contiguous();
        let flow = flow.primitive().to_contiguous();
        let output = forward(&input, &flow);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((input, flow), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct WarpBackward;

impl Backward<Flex, 2> for WarpBackward {
    /// Input and flow.
    type State = (FlexTensor, FlexTensor);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [to_input, to_flow] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (input, flow) = ops.state;
        let (of_input, of_flow) = backward(&input, &flow, &gradient);
        if let Some(node) = to_input {
            gradients.register::<Flex>(node.id, of_input);
        }
        if let Some(node) = to_flow {
            gradients.register::<Flex>(node.id, of_flow);
        }
    }
}

/// Between which pixels something is, along one side.
#[derive(Clone, Copy)]
struct Along {
    /// The pixel before, and the one after.
    near: usize,
    far: usize,
    /// The share of the one after.
    share: f32,
    /// Whether it moves with the flow: at an edge it stays.
    moves: bool,
}

impl Along {
    fn new(at: usize, flow: f32, count: usize) -> Along {
        let place = at as f32 + flow;
        let last = (count - 1) as f32;
        // What is no number is where it was not looked for: at the first.
        let held = place.max(0.0).min(last);
        let near = held as usize;
        Along {
            near,
            far: (near + 1).min(count - 1),
            share: held - near as f32,
            moves: place == held,
        }
    }
}

/// Where the pixels of one picture are.
fn places(flow: &[f32], rows: usize, columns: usize) -> Vec<(Along, Along)> {
    let (across, down) = flow.split_at(rows * columns);
    let place = |at: usize| {
        let (row, column) = (at / columns, at % columns);
        (
            Along::new(row, down[at], rows),
            Along::new(column, across[at], columns),
        )
    };
    (0..rows * columns).map(place).collect()
}

fn forward(input: &FlexTensor, flow: &FlexTensor) -> FlexTensor {
    let dims: [usize; 4] = input.shape().dims();
    let [_, channels, rows, columns] = dims;
    let plane = rows * columns;
    let mut output = vec![0.0; flex::numbers(input).len()];
    output
        .par_chunks_mut(channels * plane)
        .zip(flex::numbers(input).par_chunks(channels * plane))
        .zip(flex::numbers(flow).par_chunks(2 * plane))
        .for_each(|((output, input), flow)| {
            let places = places(flow, rows, columns);
            let planes = output
                .chunks_exact_mut(plane)
                .zip(input.chunks_exact(plane));
            for (output, input) in planes {
                for (output, (y, x)) in output.iter_mut().zip(&places) {
                    let [near, far] = [y.near, y.far].map(|row| {
                        let (near, far) =
                            (input[row * columns + x.near], input[row * columns + x.far]);
                        near + x.share * (far - near)
                    });
                    *output = near + y.share * (far - near);
                }
            }
        });
    flex::tensor(output, dims)
}

fn backward(
    input: &FlexTensor,
    flow: &FlexTensor,
    gradient: &FlexTensor,
) -> (FlexTensor, FlexTensor) {
    let dims: [usize; 4] = input.shape().dims();
    let [batch, channels, rows, columns] = dims;
    let plane = rows * columns;
    let mut of_input = vec![0.0; flex::numbers(input).len()];
    let mut of_flow = vec![0.0; flex::numbers(flow).len()];
    of_input
        .par_chunks_mut(channels * plane)
        .zip(of_flow.par_chunks_mut(2 * plane))
        .zip(flex::numbers(input).par_chunks(channels * plane))
        .zip(flex::numbers(flow).par_chunks(2 * plane))
        .zip(flex::numbers(gradient).par_chunks(channels * plane))
        .for_each(|((((of_input, of_flow), input), flow), gradient)| {
            let places = places(flow, rows, columns);
            let (of_across, of_down) = of_flow.split_at_mut(plane);
            let planes = of_input
                .chunks_exact_mut(plane)
                .zip(input.chunks_exact(plane))
                .zip(gradient.chunks_exact(plane));
            for ((of_input, input), gradient) in planes {
                for (at, ((y, x), gradient)) in places.iter().zip(gradient).enumerate() {
                    let corners = [y.near, y.far]
                        .map(|row| [x.near, x.far].map(|column| row * columns + column));
                    let [[a, b], [c, d]] = corners.map(|row| row.map(|at| input[at]));
                    let shares =
                        [(1.0 - y.share), y.share].map(|y| [(1.0 - x.share) * y, x.share * y]);
                    for (corners, shares) in corners.iter().zip(shares) {
                        for (corner, share) in corners.iter().zip(shares) {
                            of_input[*corner] += share * gradient;
                        }
                    }
                    if x.moves {
                        of_across[at] += gradient * ((b - a) + y.share * ((d - c) - (b - a)));
                    }
                    if y.moves {
                        of_down[at] += gradient * ((c - a) + x.share * ((d - b) - (c - a)));
                    }
                }
            }
        });
    (
        flex::tensor(of_input, dims),
        flex::tensor(of_flow, [batch, 2, rows, columns]),
    )
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::training::weights::numbers;

    #[test]
    fn it_is_what_sampling_a_grid_is() {
        let device = Device::flex().autodiff();
        let shape = [2, 3, 7, 9];
        let input = Tensor::<4>::random(shape, Distribution::Uniform(0.0, 1.0), &device).inner();
        // Far enough for some to be outside.
        let reach = Distribution::Uniform(-4.0, 4.0);
        let flow = Tensor::<4>::random([2, 2, 7, 9], reach, &device).inner();
        let weights = Tensor::<4>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
        let run = |warp: &dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
            let input = Tensor::from_inner(input.clone()).require_grad();
            let flow = Tensor::from_inner(flow.clone()).require_grad();
            let output = warp(input.clone(), flow.clone());
            let gradients = (output.clone() * weights.clone()).sum().backward();
            [
                numbers(output.detach()),
                numbers(input.grad(&gradients).unwrap()),
                numbers(flow.grad(&gradients).unwrap()),
            ]
        };
        let (ours, theirs) = (run(&warp), run(&|input, flow| by_grid(input, &flow)));
        for (what, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                assert!(
                    (ours - theirs).abs() < 2e-5,
                    "{what}, {at}: {ours} and {theirs}"
                );
            }
        }
    }

    #[test]
    fn no_motion_changes_nothing_and_nonsense_stays_inside() {
        let device = Device::flex();
        let input = Tensor::<4>::random([1, 2, 4, 1], Distribution::Default, &device);
        let still = warp(input.clone(), Tensor::zeros([1, 2, 4, 1], &device));
        assert_eq!(numbers(still), numbers(input.clone()));
        for nonsense in [f32::NAN, f32::INFINITY, -1e30] {
            let flow = Tensor::<4>::full([1, 2, 4, 1], nonsense, &device);
            let found = numbers(warp(input.clone(), flow));
            assert!(found.iter().all(|x| (0.0..=1.0).contains(x)), "{nonsense}");
        }
    }
}
