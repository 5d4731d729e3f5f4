//! The score of one tier at one rung.

use std::sync::Arc;

use anyhow::{Context, Result};
use nervure_frame::metrics::{Metrics, Pooled};
use nervure_frame::{Colour, Frame, PictureFormat};
use nervure_kernels::metrics::Scorer;

use super::Metric;
use crate::score::{Pair, Scoring, Vmaf};
use crate::signals::Signals;

/// Equal pictures have no PSNR: this is more than any that differ have.
const EQUAL_DB: f64 = 100.0;

/// Threads of libvmaf. There is one of it for every tier.
const THREADS: usize = 2;

/// Scores pictures as they come.
pub(super) struct Judge {
    by: By,
    count: u64,
}

enum By {
    Psnr { scorer: Box<Scorer>, pooled: Pooled },
    Vmaf { scoring: Scoring, neg: bool },
}

impl Judge {
    pub(super) fn new(metric: Metric, format: PictureFormat) -> Result<Judge> {
        let by = match metric {
            Metric::Psnr => By::Psnr {
                scorer: Box::default(),
                pooled: Pooled::new(),
            },
            Metric::Vmaf | Metric::VmafNeg => By::Vmaf {
                scoring: Vmaf::find()?.start(format, Colour::default(), THREADS)?,
                neg: metric == Metric::VmafNeg,
            },
        };
        Ok(Judge { by, count: 0 })
    }

    pub(super) fn add(&mut self, reference: &Frame, distorted: Frame) -> Result<()> {
        match &mut self.by {
            By::Psnr { scorer, pooled } => {
                let only = Metrics {
                    psnr: true,
                    ssim: false,
                    ms_ssim: false,
                };
                pooled.add(&scorer.score(reference, &distorted, only)?);
            }
            By::Vmaf { scoring, .. } => {
                // Where it takes no more, its end says why.
                scoring.push(&Arc::new(Pair::new(
                    self.count,
                    reference.clone(),
                    distorted,
                )));
            }
        }
        self.count += 1;
        Ok(())
    }

    /// The score of all: PSNR of the mean squared error, or the mean VMAF.
    pub(super) fn finish(self, signals: &Signals) -> Result<f64> {
        match self.by {
            By::Psnr { pooled, .. } => {
                let score = pooled.score().context("no picture was scored")?;
                let psnr = score.psnr().context("a score without PSNR")?;
                Ok(psnr.planes[0].min(EQUAL_DB))
            }
            By::Vmaf { scoring, neg } => {
                let scores = scoring.finish(self.count, signals)?;
                let of = scores.iter().map(|it| match neg {
                    true => it.vmaf_neg,
                    false => it.vmaf,
                });
                Ok(of.sum::<f64>() / self.count.max(1) as f64)
            }
        }
    }
}
