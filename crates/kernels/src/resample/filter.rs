//! The shapes of the filters.

use std::f64::consts::PI;

/// A resampling filter. When a picture shrinks, it is widened by the ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The cubic of Mitchell and Netravali with B = 0 and C = 0.6, over 4 samples: what swscale
    /// calls bicubic.
    Bicubic,
    /// A sinc under a sinc window, over 6 samples (a = 3).
    Lanczos,
}

impl Filter {
    /// Beyond this distance the filter is zero.
    pub(super) fn radius(self) -> f64 {
        match self {
            Filter::Bicubic => 2.0,
            Filter::Lanczos => 3.0,
        }
    }

    /// The weight of a sample `distance` samples away.
    pub(super) fn at(self, distance: f64) -> f64 {
        let x = distance.abs();
        match self {
            Filter::Bicubic => {
                const C: f64 = 0.6;
                if x < 1.0 {
                    (2.0 - C) * x.powi(3) - (3.0 - C) * x.powi(2) + 1.0
                } else if x < 2.0 {
                    C * (-x.powi(3) + 5.0 * x.powi(2) - 8.0 * x + 4.0)
                } else {
                    0.0
                }
            }
            Filter::Lanczos => {
                if x < 1e-9 {
                    1.0
                } else if x < 3.0 {
                    3.0 * (PI * x).sin() * (PI * x / 3.0).sin() / (PI * x).powi(2)
                } else {
                    0.0
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_interpolate() {
        for filter in [Filter::Bicubic, Filter::Lanczos] {
            assert_eq!(filter.at(0.0), 1.0);
            for whole in [1.0, 2.0, 3.0, -1.0] {
                assert!(filter.at(whole).abs() < 1e-12, "{filter:?} at {whole}");
            }
            assert_eq!(filter.at(0.3), filter.at(-0.3));
        }
        // Published values: Keys' cubic at one half is 5/8 - ... = (1 + C/2) / 2 - ...
        assert!((Filter::Bicubic.at(0.5) - (1.0 + 0.6 / 4.0) / 2.0).abs() < 1e-12);
        assert!((Filter::Lanczos.at(0.5) - 6.0 / (PI * PI)).abs() < 1e-12);
    }
}
