//! What networks add to: the classical upscaler, in single precision, on bare numbers.

use crate::layers::{REACH, lobes};

const TAPS: usize = 2 * REACH + 1;

/// Enlarges pictures by a whole factor, their edges repeated.
#[derive(Clone, Debug)]
pub(super) struct Classical {
    scale: usize,
    phases: Vec<[f32; TAPS]>,
    row: Vec<f32>,
    wide: Vec<f32>,
}

impl Classical {
    /// For so many times as large.
    pub(super) fn new(scale: usize) -> Self {
        Classical {
            scale,
            phases: (0..scale).map(|phase| lobes(phase, scale)).collect(),
            row: Vec::new(),
            wide: Vec::new(),
        }
    }

    /// Appends the large picture, row by row.
    pub(super) fn enlarge(&mut self, small: &[f32], width: usize, large: &mut Vec<f32>) {
        let height = small.len() / width;
        let wide = width * self.scale;
        self.wide.clear();
        self.wide.resize(wide * height, 0.0);
        for (from, to) in small
            .chunks_exact(width)
            .zip(self.wide.chunks_exact_mut(wide))
        {
            self.row.clear();
            self.row.extend(std::iter::repeat_n(from[0], REACH));
            self.row.extend_from_slice(from);
            self.row.extend(std::iter::repeat_n(from[width - 1], REACH));
            for (phase, weights) in self.phases.iter().enumerate() {
                for (x, window) in self.row.windows(TAPS).enumerate() {
                    let sum = window.iter().zip(weights).map(|(x, weight)| x * weight);
                    to[x * self.scale + phase] = sum.sum();
                }
            }
        }
        let start = large.len();
        large.resize(start + wide * height * self.scale, 0.0);
        for (y, to) in large[start..].chunks_exact_mut(wide).enumerate() {
            let (middle, weights) = (y / self.scale, &self.phases[y % self.scale]);
            for (tap, weight) in weights.iter().enumerate() {
                let from = (middle + tap).saturating_sub(REACH).min(height - 1);
                let from = &self.wide[from * wide..][..wide];
                for (to, from) in to.iter_mut().zip(from) {
                    *to += weight * from;
                }
            }
        }
    }
}

/// Appends a picture with its squares of `factor` pixels a side made channels: each channel is a picture
/// of its own, the square's pixels from left to right and from top to bottom. Squares cover the picture.
pub(super) fn squares(picture: &[f32], width: usize, factor: usize, channels: &mut Vec<f32>) {
    for dy in 0..factor {
        for dx in 0..factor {
            for row in picture.chunks_exact(width).skip(dy).step_by(factor) {
                channels.extend(row[dx..].iter().step_by(factor));
            }
        }
    }
}

/// The way back, added to a large picture: channels of squares of `factor` pixels a side, in a row of
/// pictures `across` wide. What is outside of the large picture is left out.
pub(super) fn add_squares(
    channels: &[f32],
    across: usize,
    factor: usize,
    large: &mut [f32],
    width: usize,
) {
    let plane = channels.len() / (factor * factor);
    for (y, row) in large.chunks_exact_mut(width).enumerate() {
        for (x, to) in row.iter_mut().enumerate() {
            let channel = y % factor * factor + x % factor;
            *to += channels[channel * plane + y / factor * across + x / factor];
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor};

    use super::super::weights::numbers;
    use super::*;
    use crate::layers;

    #[test]
    fn pictures_are_those_of_the_layers() {
        let device = Device::flex();
        let (width, height) = (10, 6);
        let picture: Tensor<4> =
            Tensor::random([1, 1, height, width], Distribution::Default, &device);
        let bare = numbers(picture.clone());
        for scale in [2, 3, 4] {
            let layer = layers::pixel_shuffle(layers::lanczos(picture.clone(), scale), scale);
            let mut large = vec![7.0];
            Classical::new(scale).enlarge(&bare, width, &mut large);
            let pairs = numbers(layer).into_iter().zip(large.split_off(1));
            for (wanted, found) in pairs {
                assert!((wanted - found).abs() < 1e-5, "{wanted} {found}");
            }
        }
    }

    #[test]
    fn squares_become_channels_and_are_added_again() {
        let device = Device::flex();
        let (width, height) = (10, 6);
        let picture: Tensor<4> =
            Tensor::random([1, 1, height, width], Distribution::Default, &device);
        let bare = numbers(picture);
        let mut channels = Vec::new();
        squares(&bare, width, 2, &mut channels);
        let shape = [1, 4, height / 2, width / 2];
        let tensor = Tensor::<1>::from_floats(&channels[..], &device).reshape(shape);
        assert_eq!(numbers(layers::pixel_shuffle(tensor, 2)), bare);
        let mut back = vec![1.0; bare.len()];
        add_squares(&channels, width / 2, 2, &mut back, width);
        let more: Vec<f32> = bare.iter().map(|x| x + 1.0).collect();
        assert_eq!(back, more);
    }
}
