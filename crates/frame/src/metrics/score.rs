//! What a frame, or a whole video, scored.

use crate::{BitDepth, PictureFormat};

/// Which metrics to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Peak signal-to-noise ratio.
    pub psnr: bool,
    /// Structural similarity.
    pub ssim: bool,
    /// Multi-scale structural similarity.
    pub ms_ssim: bool,
}

impl Metrics {
    /// All of them.
    pub const ALL: Metrics = Metrics {
        psnr: true,
        ssim: true,
        ms_ssim: true,
    };
}

/// A value for each plane and one for the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerPlane {
    /// Luma and the two chroma planes.
    pub planes: [f64; 3],
    /// The planes' mean, each weighted by its samples.
    pub all: f64,
}

impl PerPlane {
    /// The planes' values and their weighted mean.
    pub fn new(format: PictureFormat, planes: [f64; 3]) -> Self {
        let sums = (0..3).map(|plane| {
            let (width, height) = format.plane_size(plane);
            planes[plane] * (width * height) as f64
        });
        PerPlane {
            planes,
            all: sums.sum::<f64>() / format.samples() as f64,
        }
    }

    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        PerPlane {
            planes: self.planes.map(&f),
            all: f(self.all),
        }
    }

    fn add(&mut self, other: PerPlane) {
        for (sum, value) in self.planes.iter_mut().zip(other.planes) {
            *sum += value;
        }
        self.all += other.all;
    }
}

/// The score of a frame, or the pooled one of a video. What was not asked for, or cannot be
/// computed for pictures of this size, is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameScore {
    /// The frames' bit depth.
    pub depth: BitDepth,
    /// Mean squared error.
    pub squared_error: Option<PerPlane>,
    /// Structural similarity.
    pub ssim: Option<PerPlane>,
    /// Multi-scale structural similarity of luma.
    pub ms_ssim: Option<f64>,
}

impl FrameScore {
    /// Peak signal-to-noise ratios in decibels; infinite where the pictures are equal. That of the
    /// picture is of the weighted mean of the planes' errors.
    pub fn psnr(&self) -> Option<PerPlane> {
        let peak = self.depth.max();
        let error = self.squared_error?;
        Some(error.map(|error| super::psnr(error, peak)))
    }

    /// Whether every sample is the same in both pictures, as far as the squared error was asked for.
    pub fn identical(&self) -> bool {
        self.squared_error
            .is_some_and(|error| error.planes == [0.0; 3])
    }
}

/// Pools the scores of a video's frames: each metric's mean over the frames, with PSNR taken from
/// the mean squared error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pooled {
    sum: Option<FrameScore>,
    frames: u64,
}

impl Pooled {
    /// No frames yet.
    pub fn new() -> Self {
        Pooled::default()
    }

    /// Adds a frame. A metric that some frame lacks has no pooled value.
    pub fn add(&mut self, score: &FrameScore) {
        self.frames += 1;
        let Some(sum) = &mut self.sum else {
            self.sum = Some(*score);
            return;
        };
        let planes = |sum: &mut Option<PerPlane>, value: Option<PerPlane>| match (sum, value) {
            (Some(sum), Some(value)) => sum.add(value),
            (sum, _) => *sum = None,
        };
        planes(&mut sum.squared_error, score.squared_error);
        planes(&mut sum.ssim, score.ssim);
        sum.ms_ssim = sum
            .ms_ssim
            .zip(score.ms_ssim)
            .map(|(sum, value)| sum + value);
    }

    /// Frames added.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The score of the whole; none before the first frame.
    pub fn score(&self) -> Option<FrameScore> {
        let frames = self.frames as f64;
        let sum = self.sum?;
        Some(FrameScore {
            depth: sum.depth,
            squared_error: sum.squared_error.map(|sum| sum.map(|sum| sum / frames)),
            ssim: sum.ssim.map(|sum| sum.map(|sum| sum / frames)),
            ms_ssim: sum.ms_ssim.map(|sum| sum / frames),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chroma;

    fn scored(error: f64, ms_ssim: Option<f64>) -> FrameScore {
        let format = PictureFormat::new(4, 4, Chroma::C420, BitDepth::Eight);
        FrameScore {
            depth: BitDepth::Eight,
            squared_error: Some(PerPlane::new(format, [error, 0.0, 3.0 * error])),
            ssim: None,
            ms_ssim,
        }
    }

    #[test]
    fn planes_weigh_by_their_samples() {
        let error = scored(6.0, None).squared_error.unwrap();
        assert!((error.all - (6.0 * 16.0 + 18.0 * 4.0) / 24.0).abs() < 1e-12);
    }

    #[test]
    fn pooling_averages_errors_not_decibels() {
        let mut pooled = Pooled::new();
        assert_eq!(pooled.score(), None);
        pooled.add(&scored(1.0, Some(0.5)));
        pooled.add(&scored(3.0, Some(1.0)));
        let score = pooled.score().unwrap();
        assert_eq!(score.squared_error, scored(2.0, None).squared_error);
        assert_eq!(score.psnr().unwrap().planes[1], f64::INFINITY);
        assert_eq!(
            (score.ms_ssim, score.ssim, pooled.frames()),
            (Some(0.75), None, 2)
        );
        pooled.add(&scored(0.0, None));
        assert_eq!(pooled.score().unwrap().ms_ssim, None);
        assert!(!pooled.score().unwrap().identical() && scored(0.0, None).identical());
    }
}
