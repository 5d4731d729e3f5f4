//! A small dense network: for policies that decide in microseconds.
//!
//! Layers of `tanh` and a last one that is linear. Many inputs go through together: all that is done with a
//! layer, either way, is a product of matrices, whose inner loops compilers turn into vector instructions.

use serde::{Deserialize, Serialize};

use crate::Random;

/// A network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The widths, from input to output.
    sizes: Vec<usize>,
    /// For each layer its weights, input by input, then its biases.
    weights: Vec<f32>,
}

/// What a pass through a network leaves behind: the values of every layer, row by row.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// For each layer, the rows that went in.
    values: Vec<Vec<f32>>,
    out: Vec<f32>,
    errors: Vec<f32>,
    next: Vec<f32>,
    turned: Vec<f32>,
    panel: Vec<f32>,
}

impl Network {
    /// A network with random weights; those of the last layer are made smaller by `last`.
    #[must_use]
    pub fn new(sizes: &[usize], last: f32, random: &mut Random) -> Network {
        let mut weights = Vec::new();
        for (at, pair) in sizes.windows(2).enumerate() {
            let scale = match at + 2 == sizes.len() {
                true => last,
                false => 1.0,
            };
            let spread = scale / (pair[0] as f32).sqrt();
            weights.extend((0..pair[0] * pair[1]).map(|_| spread * random.normal() as f32));
            weights.extend(std::iter::repeat_n(0.0, pair[1]));
        }
        Network {
            sizes: sizes.to_vec(),
            weights,
        }
    }

    /// Whether weights and widths belong together, and all are numbers.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let wanted: usize = self.sizes.windows(2).map(|it| (it[0] + 1) * it[1]).sum();
        self.sizes.len() > 1
            && self.weights.len() == wanted
            && self.weights.iter().all(|it| it.is_finite())
    }

    /// How many numbers go in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.sizes[0]
    }

    /// How many come out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    /// All weights and biases.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// All weights and biases, to be changed.
    pub fn weights_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }

    /// What the network makes of one input or of many, one after the other; each row's result is the same
    /// whatever rows are beside it. After its first use of a pass it allocates nothing.
    pub fn forward<'a>(&self, inputs: &[f32], pass: &'a mut Pass) -> &'a [f32] {
        let rows = inputs.len() / self.inputs();
        pass.values.resize_with(self.sizes.len() - 1, Vec::new);
        pass.values[0].clear();
        pass.values[0].extend_from_slice(inputs);
        let mut at = 0;
        for (layer, pair) in self.sizes.windows(2).enumerate() {
            let [inputs, outputs] = [pair[0], pair[1]];
            let bias = at + inputs * outputs;
            pass.out.clear();
            for _ in 0..rows {
                pass.out
                    .extend_from_slice(&self.weights[bias..bias + outputs]);
            }
            let product = Product {
                left: &pass.values[layer],
                steps: (inputs, 1),
                inner: inputs,
                right: &self.weights[at..bias],
                width: outputs,
            };
            product.add_to(&mut pass.out, &mut pass.panel);
            at = bias + outputs;
            if layer + 2 < self.sizes.len() {
                for value in &mut pass.out {
                    *value = tanh(*value);
                }
                std::mem::swap(&mut pass.out, &mut pass.values[layer + 1]);
            }
        }
        &pass.out
    }

    /// Adds the gradient of a loss, of which `errors` is the gradient by the outputs of the last
    /// [`Network::forward`] with this pass, summed over its rows.
    pub fn backward(&self, errors: &[f32], pass: &mut Pass, gradient: &mut [f32]) {
        let Pass {
            values,
            errors: now,
            next,
            turned,
            panel,
            ..
        } = pass;
        now.clear();
        now.extend_from_slice(errors);
        let rows = errors.len() / self.outputs();
        let mut at = self.weights.len();
        for (layer, pair) in self.sizes.windows(2).enumerate().rev() {
            let [inputs, outputs] = [pair[0], pair[1]];
            let bias = at - outputs;
            at = bias - inputs * outputs;
            for row in now.chunks_exact(outputs) {
                for (sum, error) in gradient[bias..bias + outputs].iter_mut().zip(row) {
                    *sum += error;
                }
            }
            let before = &values[layer];
            let by_weights = Product {
                left: before,
                steps: (1, inputs),
                inner: rows,
                right: now,
                width: outputs,
            };
            by_weights.add_to(&mut gradient[at..bias], panel);
            if layer == 0 {
                return;
            }
            turned.clear();
            for output in 0..outputs {
                let column = self.weights[at..bias].chunks_exact(outputs);
                turned.extend(column.map(|row| row[output]));
            }
            next.clear();
            next.resize(rows * inputs, 0.0);
            let by_inputs = Product {
                left: now,
                steps: (outputs, 1),
                inner: outputs,
                right: turned,
                width: inputs,
            };
            by_inputs.add_to(next, panel);
            for (error, value) in next.iter_mut().zip(before) {
                *error *= 1.0 - value * value;
            }
            std::mem::swap(now, next);
        }
    }
}

/// Rows of a product that are worked out together, so that what is read of the right side serves all.
const ROWS: usize = 4;

/// A product of two matrices. Each number of it is a sum in the order of the inner index, however the
/// work is cut: results do not depend on how many rows there are.
struct Product<'a> {
    left: &'a [f32],
    /// From one row of the left side to the next, and from one column to the next.
    steps: (usize, usize),
    inner: usize,
    /// Row by row.
    right: &'a [f32],
    width: usize,
}

impl Product<'_> {
    /// Adds it to a matrix; `panel` is room to work in.
    fn add_to(&self, to: &mut [f32], panel: &mut Vec<f32>) {
        let mut blocks = to.chunks_exact_mut(ROWS * self.width);
        let mut row = 0;
        for block in &mut blocks {
            self.rows::<ROWS>(row, block, panel);
            row += ROWS;
        }
        for block in blocks.into_remainder().chunks_exact_mut(self.width) {
            self.rows::<1>(row, block, panel);
            row += 1;
        }
    }

    /// So many rows of it, from one on.
    fn rows<const R: usize>(&self, row: usize, to: &mut [f32], panel: &mut Vec<f32>) {
        let (down, along) = self.steps;
        panel.clear();
        for inner in 0..self.inner {
            let at = row * down + inner * along;
            panel.extend((0..R).map(|row| self.left[at + row * down]));
        }
        let panel = panel.as_chunks::<R>().0;
        let mut column = 0;
        while column + 8 <= self.width {
            self.tile::<R, 8>(panel, column, to);
            column += 8;
        }
        while column + 2 <= self.width {
            self.tile::<R, 2>(panel, column, to);
            column += 2;
        }
        if column < self.width {
            self.tile::<R, 1>(panel, column, to);
        }
    }

    /// Some columns of these rows, whose sums stay in registers.
    #[inline(always)]
    fn tile<const R: usize, const C: usize>(
        &self,
        panel: &[[f32; R]],
        column: usize,
        to: &mut [f32],
    ) {
        let mut sums = [[0.0_f32; C]; R];
        for (row, sums) in sums.iter_mut().enumerate() {
            let from = row * self.width + column;
            sums.copy_from_slice(&to[from..from + C]);
        }
        for (left, right) in panel.iter().zip(self.right.chunks_exact(self.width)) {
            let right = &right[column..column + C];
            for (sums, left) in sums.iter_mut().zip(left) {
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum += left * right;
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            let from = row * self.width + column;
            to[from..from + C].copy_from_slice(sums);
        }
    }
}

/// The hyperbolic tangent by a quotient of polynomials, within 1e-4 and the same on every machine.
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-4.97, 4.97);
    let square = x * x;
    let above = x * (135_135.0 + square * (17_325.0 + square * (378.0 + square)));
    let below = 135_135.0 + square * (62_370.0 + square * (3_150.0 + square * 28.0));
    (above / below).clamp(-1.0, 1.0)
}

/// Adam, which follows gradients at a pace of its own for each weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    means: Vec<f32>,
    squares: Vec<f32>,
    steps: i32,
}

impl Adam {
    /// For so many weights.
    #[must_use]
    pub fn new(count: usize) -> Adam {
        Adam {
            means: vec![0.0; count],
            squares: vec![0.0; count],
            steps: 0,
        }
    }

    /// One step down a gradient, which is made shorter where it is longer than `longest`.
    pub fn step(&mut self, weights: &mut [f32], gradient: &[f32], rate: f32, longest: f32) {
        let length = gradient.iter().map(|it| it * it).sum::<f32>().sqrt();
        let shorter = (longest / length.max(1e-12)).min(1.0);
        self.steps += 1;
        let rate =
            rate * (1.0 - 0.999_f32.powi(self.steps)).sqrt() / (1.0 - 0.9_f32.powi(self.steps));
        let moments = self.means.iter_mut().zip(&mut self.squares);
        for ((weight, slope), (mean, square)) in weights.iter_mut().zip(gradient).zip(moments) {
            let slope = slope * shorter;
            *mean = 0.9 * *mean + 0.1 * slope;
            *square = 0.999 * *square + 0.001 * slope * slope;
            *weight -= rate * *mean / (square.sqrt() + 1e-5);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_what_differences_say() {
        let mut random = Random::new(2);
        let mut network = Network::new(&[5, 9, 7, 3], 1.0, &mut random);
        let input: Vec<f32> = (0..5).map(|_| random.normal() as f32).collect();
        let target = [0.3_f32, -0.8, 0.5];
        let mut pass = Pass::default();
        let loss = |network: &Network, pass: &mut Pass| -> f64 {
            let out = network.forward(&input, pass);
            let squares = out
                .iter()
                .zip(target)
                .map(|(a, b)| f64::from(a - b).powi(2));
            squares.sum::<f64>() / 2.0
        };
        loss(&network, &mut pass);
        let out = network.forward(&input, &mut pass).to_vec();
        let errors: Vec<f32> = out.iter().zip(target).map(|(a, b)| a - b).collect();
        let mut gradient = vec![0.0; network.weights().len()];
        network.backward(&errors, &mut pass, &mut gradient);
        for (at, found) in gradient.iter().enumerate() {
            let kept = network.weights()[at];
            let step = 1e-2_f32;
            network.weights_mut()[at] = kept + step;
            let above = loss(&network, &mut pass);
            network.weights_mut()[at] = kept - step;
            let below = loss(&network, &mut pass);
            network.weights_mut()[at] = kept;
            let slope = (above - below) / f64::from(2.0 * step);
            let found = f64::from(*found);
            assert!(
                (slope - found).abs() < 2e-3 + 0.01 * slope.abs(),
                "{at}: {found}, {slope}"
            );
        }
    }

    #[test]
    fn rows_that_go_together_are_as_if_each_went_alone() {
        let mut random = Random::new(4);
        let network = Network::new(&[5, 19, 11, 3], 1.0, &mut random);
        let rows = 7;
        let mut normal =
            |count: usize| -> Vec<f32> { (0..count).map(|_| random.normal() as f32).collect() };
        let (inputs, errors) = (normal(rows * 5), normal(rows * 3));
        let (mut pass, mut alone) = (Pass::default(), Pass::default());
        let out = network.forward(&inputs, &mut pass).to_vec();
        let [mut together, mut summed] = [(); 2].map(|()| vec![0.0; network.weights().len()]);
        network.backward(&errors, &mut pass, &mut together);
        for row in 0..rows {
            let input = &inputs[row * 5..][..5];
            // To the last bit, or a policy would decide otherwise than it was trained.
            assert_eq!(
                network.forward(input, &mut alone),
                &out[row * 3..][..3],
                "{row}"
            );
            network.backward(&errors[row * 3..][..3], &mut alone, &mut summed);
        }
        for (a, b) in together.iter().zip(&summed) {
            assert!((a - b).abs() < 1e-4, "{a}, {b}");
        }
    }

    #[test]
    fn adam_finds_a_curve() {
        let mut random = Random::new(1);
        let mut network = Network::new(&[1, 16, 1], 1.0, &mut random);
        let mut adam = Adam::new(network.weights().len());
        let mut pass = Pass::default();
        let mut gradient = vec![0.0; network.weights().len()];
        let mut loss = 0.0;
        for _ in 0..1500 {
            gradient.fill(0.0);
            loss = 0.0;
            for at in 0..16 {
                let x = at as f32 / 8.0 - 1.0;
                let error = network.forward(&[x], &mut pass)[0] - (2.0 * x).sin();
                loss += error * error / 16.0;
                network.backward(&[error / 8.0], &mut pass, &mut gradient);
            }
            adam.step(network.weights_mut(), &gradient, 0.01, 1.0);
        }
        assert!(loss < 1e-3, "{loss}");
    }

    #[test]
    fn tanh_is_near_the_real_one() {
        for at in -800..800 {
            let x = at as f32 / 100.0;
            assert!((tanh(x) - x.tanh()).abs() < 1.5e-4, "{x}: {}", tanh(x));
        }
    }

    #[test]
    fn unsound_networks_are_known() {
        let mut network = Network::new(&[2, 3, 1], 1.0, &mut Random::new(0));
        assert!(network.is_sound());
        network.weights[3] = f32::NAN;
        assert!(!network.is_sound());
        network.weights.pop();
        assert!(!network.is_sound());
    }
}
