//! How far one picture is from another: PSNR, SSIM and MS-SSIM.
//!
//! These are the definitions, in plain code: slow, and what faster versions are held to. PSNR and
//! SSIM are those of ffmpeg's `psnr` and `ssim` filters, per frame and over a video; MS-SSIM is the
//! one of Wang, Simoncelli and Bovik (2003) on luma.
//!
//! Samples above the depth's largest value count as that value.
//!
//! ```
//! use nervure_frame::{Plane, metrics};
//!
//! let (one, mut two) = (Plane::<u8>::new(32, 16), Plane::<u8>::new(32, 16));
//! two.fill(5);
//! let error = metrics::squared_error(&one, &two);
//! assert_eq!(error, 25 * 32 * 16);
//! assert_eq!(metrics::psnr(25.0, 255), 10.0 * (255.0f64 * 255.0 / 25.0).log10());
//! assert_eq!(metrics::ssim(&one, &one).mean(), 1.0);
//! ```

mod ms_ssim;
mod score;
mod ssim;

pub use ms_ssim::{
    MS_SSIM_MIN_SIDE, MS_SSIM_WEIGHTS, combine_scales, gaussian, ms_ssim, ssim_constants,
};
pub use score::{FrameScore, Metrics, PerPlane, Pooled};
pub use ssim::{SSIM_ONE, SSIM_WINDOW, SsimSum, ssim, ssim_stabilisers};

use crate::{Plane, Sample};

/// The sum over all samples of the squared difference.
///
/// # Panics
/// When the planes differ in size.
pub fn squared_error<T: Sample>(reference: &Plane<T>, distorted: &Plane<T>) -> u64 {
    same_size(reference, distorted);
    let pairs = reference.rows().flatten().zip(distorted.rows().flatten());
    pairs
        .map(|(&a, &b)| u64::from(value(a).abs_diff(value(b)).pow(2)))
        .sum()
}

/// The peak signal-to-noise ratio, in decibels, of a mean squared error; infinite for equal
/// pictures. `peak` is the largest sample value.
pub fn psnr(mean_squared_error: f64, peak: u16) -> f64 {
    10.0 * (f64::from(peak).powi(2) / mean_squared_error).log10()
}

/// A sample's value, at most its depth's largest.
fn value<T: Sample>(sample: T) -> i32 {
    sample.into().min(i32::from(T::DEPTH.max()))
}

fn same_size<T: Sample>(reference: &Plane<T>, distorted: &Plane<T>) {
    assert_eq!(
        (reference.width(), reference.height()),
        (distorted.width(), distorted.height()),
        "planes of one size"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squared_errors_ignore_padding_and_impossible_values() {
        let mut one = Plane::from_samples(3, 2, &[0u16, 10, 1023, 5, 5, 5]);
        let mut two = Plane::from_samples(3, 2, &[1u16, 7, 0, 5, 5, 5]);
        one.data_mut()[3] = 77;
        assert_eq!(squared_error(&one, &two), 1 + 9 + 1023 * 1023);
        two.row_mut(0)[2] = 65535;
        assert_eq!(squared_error(&one, &two), 1 + 9);
    }

    #[test]
    fn equal_pictures_are_infinitely_good() {
        assert_eq!(psnr(0.0, 255), f64::INFINITY);
        assert!((psnr(1.0, 1023) - 60.197_5).abs() < 1e-3);
    }
}
