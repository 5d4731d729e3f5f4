//! Multi-scale structural similarity: Wang, Simoncelli and Bovik, 2003.

use super::{same_size, value};
use crate::{Plane, Sample};

/// What each scale counts for, the finest first.
pub const MS_SSIM_WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/// Pictures with a shorter side have no room for a window at the coarsest scale.
pub const MS_SSIM_MIN_SIDE: usize = 11 << 4;

/// The window: 11 weights of a Gaussian with standard deviation 1.5, which sum to one.
pub fn gaussian() -> [f64; 11] {
    let weights: [f64; 11] =
        std::array::from_fn(|at| (-(at as f64 - 5.0).powi(2) / (2.0 * 1.5 * 1.5)).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

/// The stabilisers of the luminance and of the contrast quotient.
pub fn ssim_constants(peak: u16) -> (f64, f64) {
    let peak = f64::from(peak);
    ((0.01 * peak).powi(2), (0.03 * peak).powi(2))
}

/// The score of a picture from its scales' mean similarities, the finest first: of contrast and
/// structure alone, and at the coarsest scale of luminance too. A negative mean counts as zero.
pub fn combine_scales(means: [f64; 5]) -> f64 {
    means
        .iter()
        .zip(MS_SSIM_WEIGHTS)
        .map(|(mean, weight)| mean.max(0.0).powf(weight))
        .product()
}

/// The multi-scale similarity of two planes (luma is meant): 1 for equal planes, none when the
/// shorter side is under [`MS_SSIM_MIN_SIDE`].
///
/// Windows lie wholly within the picture. Each scale has half the samples of the one before, means
/// of 2x2; the last of an odd count is taken twice.
///
/// # Panics
/// When the planes differ in size.
pub fn ms_ssim<T: Sample>(reference: &Plane<T>, distorted: &Plane<T>) -> Option<f64> {
    same_size(reference, distorted);
    if reference.width().min(reference.height()) < MS_SSIM_MIN_SIDE {
        return None;
    }
    let mut one = Image::new(reference);
    let mut two = Image::new(distorted);
    let constants = ssim_constants(T::DEPTH.max());
    let means = std::array::from_fn(|scale| {
        let last = scale + 1 == MS_SSIM_WEIGHTS.len();
        let mean = similarity(&one, &two, constants, last);
        if !last {
            one = one.halved();
            two = two.halved();
        }
        mean
    });
    Some(combine_scales(means))
}

/// The mean over all windows of the contrast and structure quotient, with the luminance quotient
/// or without.
fn similarity(one: &Image, two: &Image, (c1, c2): (f64, f64), luminance: bool) -> f64 {
    let filtered = |f: &dyn Fn(f64, f64) -> f64| {
        let pairs = one.samples.iter().zip(&two.samples);
        let samples = pairs.map(|(&a, &b)| f(a, b)).collect();
        Image { samples, ..*one }.filtered().samples
    };
    let (m1, m2) = (filtered(&|a, _| a), filtered(&|_, b| b));
    let squares = filtered(&|a, b| a * a + b * b);
    let products = filtered(&|a, b| a * b);
    let windows = m1.iter().zip(&m2).zip(squares.iter().zip(&products));
    let similarities = windows.map(|((m1, m2), (squares, products))| {
        let variances = squares - m1 * m1 - m2 * m2;
        let structure = (2.0 * (products - m1 * m2) + c2) / (variances + c2);
        if luminance {
            structure * (2.0 * m1 * m2 + c1) / (m1 * m1 + m2 * m2 + c1)
        } else {
            structure
        }
    });
    similarities.sum::<f64>() / m1.len() as f64
}

/// Samples of any precision in rows.
struct Image {
    width: usize,
    samples: Vec<f64>,
}

impl Image {
    fn new<T: Sample>(plane: &Plane<T>) -> Image {
        let samples = plane.rows().flatten();
        Image {
            width: plane.width(),
            samples: samples.map(|&sample| f64::from(value(sample))).collect(),
        }
    }

    /// The Gaussian means of all windows: ten columns and ten rows fewer.
    fn filtered(&self) -> Image {
        let weights = gaussian();
        let sum = |samples: &mut dyn Iterator<Item = f64>| {
            samples
                .zip(weights)
                .map(|(sample, weight)| sample * weight)
                .sum::<f64>()
        };
        let rows = self.samples.chunks_exact(self.width);
        let across: Vec<f64> = rows
            .flat_map(|row| row.windows(weights.len()))
            .map(|window| sum(&mut window.iter().copied()))
            .collect();
        let width = self.width + 1 - weights.len();
        let height = across.len() / width + 1 - weights.len();
        let down = (0..width * height)
            .map(|at| sum(&mut across[at..].iter().step_by(width).copied()))
            .collect();
        Image {
            width,
            samples: down,
        }
    }

    fn halved(&self) -> Image {
        let height = self.samples.len() / self.width;
        let at = |x: usize, y: usize| {
            self.samples[y.min(height - 1) * self.width + x.min(self.width - 1)]
        };
        let width = self.width.div_ceil(2);
        let mean =
            |x: usize, y: usize| (at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1)) / 4.0;
        let rows = (0..height).step_by(2);
        Image {
            width,
            samples: rows
                .flat_map(|y| (0..self.width).step_by(2).map(move |x| mean(x, y)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(width: usize, height: usize, noise: f64) -> Plane<u8> {
        let samples: Vec<u8> = (0..width * height)
            .map(|at| {
                let (x, y) = ((at % width) as f64, (at / width) as f64);
                let rough = ((at * 7919) % 101) as f64 / 50.0 - 1.0;
                (128.0 + 60.0 * (x / 7.0).sin() * (y / 11.0).cos() + noise * rough) as u8
            })
            .collect();
        Plane::from_samples(width, height, &samples)
    }

    #[test]
    fn small_pictures_have_no_score() {
        assert_eq!(ms_ssim(&waves(175, 300, 0.0), &waves(175, 300, 0.0)), None);
        let (one, two) = (waves(177, 176, 0.0), waves(177, 176, 10.0));
        assert!((ms_ssim(&one, &one).unwrap() - 1.0).abs() < 1e-12);
        let little = ms_ssim(&one, &two).unwrap();
        let much = ms_ssim(&one, &waves(177, 176, 40.0)).unwrap();
        assert!(
            0.3 < much && much < little && little < 1.0,
            "{much} {little}"
        );
    }

    #[test]
    fn a_flat_shift_costs_luminance_only() {
        let (mut one, mut two) = (Plane::<u8>::new(200, 180), Plane::<u8>::new(200, 180));
        one.fill(100);
        two.fill(120);
        let c1 = (0.01f64 * 255.0).powi(2);
        let luminance = (2.0 * 100.0 * 120.0 + c1) / (100.0f64.powi(2) + 120.0f64.powi(2) + c1);
        let expected = luminance.powf(0.1333);
        assert!((ms_ssim(&one, &two).unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn halving_repeats_the_last_of_an_odd_count() {
        let image = Image {
            width: 3,
            samples: vec![1.0, 3.0, 5.0, 1.0, 3.0, 7.0, 10.0, 20.0, 30.0],
        };
        let halved = image.halved();
        assert_eq!(
            (halved.width, halved.samples),
            (2, vec![2.0, 6.0, 15.0, 30.0])
        );
    }
}
