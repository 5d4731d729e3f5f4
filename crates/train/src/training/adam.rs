//! Adam, with a limit on the gradient and a running mean of the weights.
//!
//! On one row of numbers, by hand: burn's own keeps its state under identifiers that are drawn anew in
//! each process, clips each parameter by itself, and goes over memory a dozen times.

use serde::{Deserialize, Serialize};

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Weights, and how they have been moving.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Adam {
    /// Weights as they are.
    pub weights: Vec<f32>,
    /// Their running mean, which is what is validated and kept: steadier, and better.
    pub mean: Vec<f32>,
    /// Running mean of the gradient.
    pub(super) first: Vec<f32>,
    /// Running mean of its square.
    pub(super) second: Vec<f32>,
    /// Steps taken.
    pub(super) steps: u64,
}

/// What moves the weights in one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// How far.
    pub rate: f64,
    /// The gradient is made this long where it is longer; zero lets it be.
    pub clip: f64,
    /// How much of the running mean stays, 0 to 1.
    pub ema: f64,
}

impl Adam {
    /// That has taken no step.
    pub(super) fn new(weights: Vec<f32>) -> Self {
        Adam {
            mean: weights.clone(),
            first: vec![0.0; weights.len()],
            second: vec![0.0; weights.len()],
            weights,
            steps: 0,
        }
    }

    /// Goes a step down. Gives how long the gradient was.
    ///
    /// # Panics
    /// When there are not as many gradients as weights.
    pub(super) fn step(&mut self, gradients: &[f32], pace: Pace) -> f64 {
        assert_eq!(gradients.len(), self.weights.len());
        let length = gradients
            .iter()
            .map(|x| f64::from(*x) * f64::from(*x))
            .sum::<f64>()
            .sqrt();
        let shrink = match pace.clip > 0.0 && length > pace.clip {
            true => (pace.clip / length) as f32,
            false => 1.0,
        };
        self.steps += 1;
        let steps = self.steps as f64;
        let warm_1 = 1.0 - f64::from(BETA_1).powf(steps);
        let warm_2 = 1.0 - f64::from(BETA_2).powf(steps);
        let rate = (pace.rate * warm_2.sqrt() / warm_1) as f32;
        let epsilon = EPSILON * warm_2.sqrt() as f32;
        // A mean over more steps than there were would still remember the beginning.
        let keep = pace.ema.min(steps / (steps + 9.0)) as f32;
        let numbers = gradients
            .iter()
            .zip(&mut self.first)
            .zip(&mut self.second)
            .zip(&mut self.weights)
            .zip(&mut self.mean);
        for ((((gradient, first), second), weight), mean) in numbers {
            let gradient = gradient * shrink;
            *first += (1.0 - BETA_1) * (gradient - *first);
            *second += (1.0 - BETA_2) * (gradient * gradient - *second);
            *weight -= rate * *first / (second.sqrt() + epsilon);
            *mean = *weight + keep * (*mean - *weight);
        }
        length
    }
}

/// The rate at a step of so many: up in a line at first, then down along a cosine to `last` of it.
pub(super) fn schedule(step: u64, steps: u64, warm_up: u64, rate: f64, last: f64) -> f64 {
    if step < warm_up {
        return rate * (step + 1) as f64 / warm_up as f64;
    }
    let along = (step - warm_up) as f64 / (steps.saturating_sub(warm_up)).max(1) as f64;
    let cosine = 0.5 * (1.0 + (std::f64::consts::PI * along.min(1.0)).cos());
    rate * (last + (1.0 - last) * cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        rate: 0.1,
        clip: 0.0,
        ema: 0.9,
    };

    #[test]
    fn steps_are_those_of_the_paper() {
        // In double precision, as published: means with their bias corrected at each step.
        let gradients = [[1.0, -0.5], [0.25, 0.5], [-2.0, 3.0], [0.5, 0.5]];
        let mut adam = Adam::new(vec![1.0, 2.0]);
        let (mut weights, mut first, mut second) = ([1.0_f64, 2.0], [0.0; 2], [0.0; 2]);
        for (step, gradient) in gradients.iter().enumerate() {
            adam.step(&gradient.map(|x: f64| x as f32), PACE);
            for at in 0..2 {
                first[at] = 0.9 * first[at] + 0.1 * gradient[at];
                second[at] = 0.999 * second[at] + 0.001 * gradient[at] * gradient[at];
                let power = step as i32 + 1;
                let first = first[at] / (1.0 - 0.9_f64.powi(power));
                let second = second[at] / (1.0 - 0.999_f64.powi(power));
                weights[at] -= 0.1 * first / (second.sqrt() + 1e-8);
                assert!((f64::from(adam.weights[at]) - weights[at]).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn it_finds_the_bottom_and_its_mean_follows() {
        let mut adam = Adam::new(vec![5.0, -3.0]);
        for step in 0..2000 {
            let gradients: Vec<f32> = adam.weights.iter().map(|x| 2.0 * (x - 1.0)).collect();
            let rate = schedule(step, 2000, 100, 0.05, 0.0);
            adam.step(&gradients, Pace { rate, ..PACE });
        }
        for number in adam.weights.iter().chain(&adam.mean) {
            assert!((number - 1.0).abs() < 1e-2, "{adam:?}");
        }
    }

    #[test]
    fn long_gradients_are_shortened_and_short_ones_are_not() {
        let pace = Pace { clip: 1.0, ..PACE };
        let mut adam = Adam::new(vec![0.0; 2]);
        assert_eq!(adam.step(&[30.0, 40.0], pace), 50.0);
        assert!((adam.first[0] - 0.06).abs() < 1e-6 && (adam.first[1] - 0.08).abs() < 1e-6);
        let mut adam = Adam::new(vec![0.0; 2]);
        adam.step(&[0.3, 0.4], pace);
        assert!((adam.first[0] - 0.03).abs() < 1e-7);
    }

    #[test]
    fn the_rate_rises_and_falls() {
        let rate = |step| schedule(step, 1000, 100, 2.0, 0.1);
        assert_eq!(rate(49), 1.0);
        assert_eq!(rate(100), 2.0);
        assert!((rate(550) - 1.1).abs() < 1e-9, "half way down");
        assert!((rate(1000) - 0.2).abs() < 1e-9);
        assert!((rate(5000) - 0.2).abs() < 1e-9, "and stays there");
        assert_eq!(schedule(0, 0, 0, 1.0, 0.0), 1.0);
    }
}
