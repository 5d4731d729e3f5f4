//! The classical bar: what Lanczos makes of the small pictures.

use nervure_engine::{Pull, Stage, Upscale};
use nervure_frame::{BitDepth, Frame, PictureFormat, Plane, metrics};
use nervure_kernels::metrics::Scorer;
use nervure_kernels::resample::Filter;

use crate::Result;
use crate::clip::ClipReader;
use crate::manifest::Baseline;

/// Scores luma, one frame at a time.
pub(super) struct Bar {
    upscale: Upscale,
    scorer: Scorer,
    squared_error: f64,
    ssim: f64,
    frames: u64,
    /// Luma of the large picture; none where it is not of 8 bits.
    truth: Option<Plane<u8>>,
}

impl Bar {
    pub(super) fn new(lr: PictureFormat, hr: PictureFormat) -> Result<Self> {
        Ok(Bar {
            upscale: Upscale::new(lr, (hr.width, hr.height), Filter::Lanczos, 1)?,
            scorer: Scorer::new(),
            squared_error: 0.0,
            ssim: 0.0,
            frames: 0,
            truth: (hr.depth == BitDepth::Eight).then(|| Plane::new(hr.width, hr.height)),
        })
    }

    /// Adds a pair, whose large picture is that of this number.
    pub(super) fn add(&mut self, lr: &Frame, large: &ClipReader, pair: usize) -> Result<()> {
        let Some(truth) = &mut self.truth else {
            return Ok(());
        };
        large.luma(pair, truth)?;
        self.upscale.push(lr.clone())?;
        while let Pull::Frame(upscaled) = self.upscale.pull()? {
            let Some(upscaled) = upscaled.planes.eight() else {
                continue;
            };
            let (ssim, error) = self.scorer.ssim(truth, &upscaled[0]);
            self.ssim += ssim.mean();
            self.squared_error += error as f64 / (truth.width() * truth.height()) as f64;
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
