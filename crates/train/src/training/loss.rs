//! How far corrections are from those that were wanted.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What is made small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// The mean distance.
    #[default]
    L1,
    /// The mean distance, rounded off where it is near zero.
    Charbonnier,
    /// The mean square of the distance, which PSNR counts: what is far off decides.
    L2,
}

/// How networks are judged while they learn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// What is made small.
    pub kind: LossKind,
    /// Each patch's loss counts as a share of what the classical upscaler's is, so that smooth patches
    /// count as much as rough ones.
    pub normalised: bool,
    /// A patch that the classical upscaler does better than this, as a distance, is not made to count
    /// more: pictures have numbers from 0 to 1.
    pub smooth: f64,
    /// Weight of the error's change from picture to picture: flicker. Sequences are then one picture
    /// longer than the network needs.
    pub temporal: f64,
}

impl Default for LossConfig {
    fn default() -> Self {
        LossConfig {
            kind: LossKind::L1,
            normalised: false,
            smooth: 2e-3,
            temporal: 0.0,
        }
    }
}

/// Where Charbonnier's distance turns round, in numbers of a picture: a quarter of an 8-bit code.
const ROUND: f64 = 1e-3;

impl LossConfig {
    pub(super) fn check(&self) -> Result<()> {
        if !(0.0..=1000.0).contains(&self.temporal) {
            return Err(Error::refused(
                format!("loss.temporal is {}", self.temporal),
                "choose a weight from 0 to 1000",
            ));
        }
        if !(1e-4..=1.0).contains(&self.smooth) {
            return Err(Error::refused(
                format!("loss.smooth is {}", self.smooth),
                "choose a distance from 0.0001 to 1",
            ));
        }
        Ok(())
    }

    /// The loss of corrections `[sequences * outputs, …]` in the order of sequences, each of so many
    /// outputs that follow one another.
    pub fn of(&self, corrections: Tensor<4>, wanted: Tensor<4>, outputs: usize) -> Tensor<1> {
        let error = corrections - wanted.clone();
        let [batch, channels, rows, columns] = error.dims();
        let distances = self.distance(error.clone());
        let mut loss = match self.normalised {
            true => {
                let patches = [batch, channels * rows * columns];
                let classical = self.distance(wanted).reshape(patches).mean_dim(1);
                let smooth = match self.kind {
                    LossKind::L2 => self.smooth * self.smooth,
                    LossKind::L1 | LossKind::Charbonnier => self.smooth,
                };
                (distances.reshape(patches).mean_dim(1) / (classical + smooth)).mean()
            }
            false => distances.mean(),
        };
        if self.temporal > 0.0 && outputs > 1 {
            let sequences = [batch / outputs, outputs, channels * rows * columns];
            let error = error.reshape(sequences);
            let later = error.clone().narrow(1, 1, outputs - 1);
            let flicker = later - error.narrow(1, 0, outputs - 1);
            loss = loss + self.distance(flicker).mean() * self.temporal;
        }
        loss
    }

    fn distance<const D: usize>(&self, error: Tensor<D>) -> Tensor<D> {
        match self.kind {
            LossKind::L1 => error.abs(),
            LossKind::L2 => error.clone() * error,
            LossKind::Charbonnier => (error.clone() * error + ROUND * ROUND).sqrt() - ROUND,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn loss(config: LossConfig, corrections: [f32; 4], wanted: [f32; 4], outputs: usize) -> f32 {
        let device = Device::flex();
        let tensor = |x: [f32; 4]| Tensor::<1>::from_floats(x, &device).reshape([4, 1, 1, 1]);
        let loss = config.of(tensor(corrections), tensor(wanted), outputs);
        super::super::weights::numbers(loss)[0]
    }

    #[test]
    fn losses_are_what_they_say() {
        let found = [0.5, 0.0, -0.25, 0.0];
        let wanted = [0.25, 0.0, 0.25, 0.5];
        let l1 = LossConfig::default();
        assert_eq!(loss(l1, found, wanted, 1), (0.25 + 0.5 + 0.5) / 4.0);
        let charbonnier = LossConfig {
            kind: LossKind::Charbonnier,
            ..l1
        };
        assert!((loss(charbonnier, found, wanted, 1) - 0.3125).abs() < 2.0 * ROUND as f32);
        assert_eq!(loss(charbonnier, wanted, wanted, 1), 0.0);
        let squares = LossConfig {
            kind: LossKind::L2,
            ..l1
        };
        assert_eq!(
            loss(squares, found, wanted, 1),
            (0.0625 + 0.25 + 0.25) / 4.0
        );
        let shares = LossConfig {
            normalised: true,
            ..squares
        };
        let wide = 0.0625 / 0.0625 + 0.0 + 0.25 / 0.0625 + 0.25 / 0.25;
        assert!((loss(shares, found, wanted, 1) - wide / 4.0).abs() < 1e-3);
        let normalised = LossConfig {
            normalised: true,
            ..l1
        };
        let shares = (0.25 / 0.252 + 0.0 + 0.5 / 0.252 + 0.5 / 0.502) / 4.0;
        assert!((loss(normalised, found, wanted, 1) - shares).abs() < 1e-5);
        // Where nothing is worse than that, all count alike.
        let alike = LossConfig {
            smooth: 1.0,
            ..shares_of_squares()
        };
        let shares = (0.0625 / 1.0625 + 0.0 + 0.25 / 1.0625 + 0.25 / 1.25) / 4.0;
        assert!((loss(alike, found, wanted, 1) - shares).abs() < 1e-5);
        for smooth in [0.0, -1.0, 2.0, f64::NAN] {
            assert!(LossConfig { smooth, ..l1 }.check().is_err(), "{smooth}");
        }
    }

    fn shares_of_squares() -> LossConfig {
        LossConfig {
            kind: LossKind::L2,
            normalised: true,
            ..LossConfig::default()
        }
    }

    #[test]
    fn flicker_is_a_change_of_the_error() {
        let temporal = LossConfig {
            temporal: 2.0,
            ..LossConfig::default()
        };
        let nothing = [0.0; 4];
        // Off by the same in both pictures of each sequence: wrong, and steady.
        assert_eq!(loss(temporal, [0.5; 4], nothing, 2), 0.5);
        assert_eq!(
            loss(temporal, [0.5, -0.5, 0.5, 0.5], nothing, 2),
            0.5 + 2.0 * 0.5
        );
        // Between sequences nothing is steady.
        assert_eq!(loss(temporal, [0.5, 0.5, -0.5, -0.5], nothing, 2), 0.5);
    }
}
