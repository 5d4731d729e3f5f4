//! The classical bar: what Lanczos makes of the small pictures.

use nervure_engine::{Pull, Stage, Upscale};
use nervure_frame::{Frame, PictureFormat, metrics};
use nervure_kernels::metrics::Scorer;
use nervure_kernels::resample::Filter;

use crate::Result;
use crate::manifest::Baseline;

/// Scores luma, one frame at a time.
pub(super) struct Bar {
    upscale: Upscale,
    scorer: Scorer,
    squared_error: f64,
    ssim: f64,
    frames: u64,
}

impl Bar {
    pub(super) fn new(lr: PictureFormat, hr: PictureFormat) -> Result<Self> {
        Ok(Bar {
            upscale: Upscale::new(lr, (hr.width, hr.height), Filter::Lanczos, 1)?,
            scorer: Scorer::new(),
            squared_error: 0.0,
            ssim: 0.0,
            frames: 0,
        })
    }

    /// Adds a pair.
    pub(super) fn add(&mut self, lr: &Frame, hr: &Frame) -> Result<()> {
        self.upscale.push(lr.clone())?;
        while let Pull::Frame(large) = self.upscale.pull()? {
            let (Some(large), Some(hr)) = (large.planes.eight(), hr.planes.eight()) else {
                continue;
            };
            let (ssim, error) = self.scorer.ssim(&hr[0], &large[0]);
            self.ssim += ssim.mean();
            self.squared_error += error as f64 / (hr[0].width() * hr[0].height()) as f64;
            self.frames += 1;
        }
        Ok(())
    }

    pub(super) fn result(&self) -> Baseline {
        let frames = self.frames.max(1) as f64;
        let psnr = metrics::psnr(self.squared_error / frames, 255);
        Baseline {
            upscaler: "lanczos".into(),
            psnr_y: psnr.is_finite().then(|| round(psnr, 1e4)),
            ssim: round(self.ssim / frames, 1e6),
            frames: self.frames,
        }
    }
}

/// Digits that mean something: a manifest is read by people too.
pub(super) fn round(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
