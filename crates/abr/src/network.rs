//! A small dense network: for policies that decide in microseconds.
//!
//! Layers of `tanh` and a last one that is linear. Weights lie input by input, so that both ways through a
//! layer are additions of rows, which compilers turn into vector instructions.

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

/// What a pass through a network leaves behind: the values of every layer.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    values: Vec<f32>,
    errors: Vec<f32>,
    next: Vec<f32>,
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

    /// What the network makes of an input. After its first use of a pass it allocates nothing.
    pub fn forward<'a>(&self, input: &[f32], pass: &'a mut Pass) -> &'a [f32] {
        pass.values.clear();
        pass.values.extend_from_slice(input);
        let (mut from, mut at) = (0, 0);
        for (layer, pair) in self.sizes.windows(2).enumerate() {
            let [inputs, outputs] = [pair[0], pair[1]];
            let to = pass.values.len();
            let bias = at + inputs * outputs;
            pass.values
                .extend_from_slice(&self.weights[bias..bias + outputs]);
            let (before, out) = pass.values.split_at_mut(to);
            for (value, row) in before[from..]
                .iter()
                .zip(self.weights[at..bias].chunks_exact(outputs))
            {
                for (sum, weight) in out.iter_mut().zip(row) {
                    *sum += value * weight;
                }
            }
            if layer + 2 < self.sizes.len() {
                for value in out {
                    *value = tanh(*value);
                }
            }
            (from, at) = (to, bias + outputs);
        }
        &pass.values[from..]
    }

    /// Adds the gradient of a loss, of which `errors` is the gradient by the outputs of the last
    /// [`Network::forward`] with this pass.
    pub fn backward(&self, errors: &[f32], pass: &mut Pass, gradient: &mut [f32]) {
        let Pass {
            values,
            errors: now,
            next,
        } = pass;
        now.clear();
        now.extend_from_slice(errors);
        let mut end = values.len() - self.outputs();
        let mut at = self.weights.len();
        for pair in self.sizes.windows(2).rev() {
            let [inputs, outputs] = [pair[0], pair[1]];
            let bias = at - outputs;
            at = bias - inputs * outputs;
            for (sum, error) in gradient[bias..bias + outputs].iter_mut().zip(&*now) {
                *sum += error;
            }
            let before = &values[end - inputs..end];
            let rows = gradient[at..bias].chunks_exact_mut(outputs);
            for (value, row) in before.iter().zip(rows) {
                for (sum, error) in row.iter_mut().zip(&*now) {
                    *sum += value * error;
                }
            }
            if at == 0 {
                return;
            }
            next.clear();
            let rows = self.weights[at..bias].chunks_exact(outputs);
            next.extend(
                before
                    .iter()
                    .zip(rows)
                    .map(|(value, row)| (1.0 - value * value) * dot(row, now)),
            );
            std::mem::swap(now, next);
            end -= inputs;
        }
    }
}

/// The sum of products, in lanes.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (a_lanes, b_lanes) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_lanes
        .remainder()
        .iter()
        .zip(b_lanes.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest
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
