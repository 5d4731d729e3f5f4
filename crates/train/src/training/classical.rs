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
/// of its own, the square's pixels from left to right and from top to bottom. What a last square lacks
/// is the edge's, repeated.
pub(super) fn fold(picture: &[f32], width: usize, factor: usize, folded: &mut Vec<f32>) {
    let height = picture.len() / width;
    let (across, down) = (width.div_ceil(factor), height.div_ceil(factor));
    for dy in 0..factor {
        for dx in 0..factor {
            for y in 0..down {
                let row = &picture[(y * factor + dy).min(height - 1) * width..][..width];
                let columns = (0..across).map(|x| row[(x * factor + dx).min(width - 1)]);
                folded.extend(columns);
            }
        }
    }
}

/// The way back, added to a large picture: channels of squares of `factor` pixels a side, in a row of
/// pictures `across` wide. What is outside of the large picture is left out.
pub(super) fn add_unfolded(
    folded: &[f32],
    across: usize,
    factor: usize,
    large: &mut [f32],
    width: usize,
) {
    let plane = folded.len() / (factor * factor);
    for (y, row) in large.chunks_exact_mut(width).enumerate() {
        for (x, to) in row.iter_mut().enumerate() {
            let channel = y % factor * factor + x % factor;
            *to += folded[channel * plane + y / factor * across + x / factor];
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
        let mut folded = Vec::new();
        fold(&bare, width, 2, &mut folded);
        assert_eq!(folded, numbers(layers::fold(picture, 2)));
        let mut back = vec![1.0; bare.len()];
        add_unfolded(&folded, width / 2, 2, &mut back, width);
        let more: Vec<f32> = bare.iter().map(|x| x + 1.0).collect();
        assert_eq!(back, more);
    }

    #[test]
    fn what_does_not_fold_is_filled_up_from_the_edge() {
        let mut folded = Vec::new();
        fold(&[1.0, 2.0, 3.0], 3, 2, &mut folded);
        assert_eq!(folded, [1.0, 3.0, 2.0, 3.0, 1.0, 3.0, 2.0, 3.0]);
    }
}
