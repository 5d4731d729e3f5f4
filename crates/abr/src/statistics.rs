//! Means with intervals, by bootstrap over sessions.

use serde::Serialize;

use crate::Random;

/// How many samples are drawn.
pub(crate) const DRAWS: usize = 2000;

/// The share of samples that an interval holds.
const SHARE: f64 = 0.95;

/// A mean, and the interval in which 95% of the means of resampled sessions lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The mean of values and its bootstrap interval, from a seed. Without values, all are no numbers.
#[must_use]
pub fn bootstrap(values: &[f64], seed: u64) -> Interval {
    let mean = mean(values);
    if values.is_empty() {
        return Interval {
            mean,
            low: f64::NAN,
            high: f64::NAN,
        };
    }
    let mut random = Random::new(seed);
    let mut draw = || {
        let picked = (0..values.len()).map(|_| values[random.below(values.len())]);
        picked.sum::<f64>() / values.len() as f64
    };
    interval(mean, (0..DRAWS).map(|_| draw()).collect())
}

/// A mean with the interval that what was drawn gives. There must be some of it.
pub(crate) fn interval(mean: f64, mut drawn: Vec<f64>) -> Interval {
    drawn.sort_by(f64::total_cmp);
    let tail = (drawn.len() as f64 * (1.0 - SHARE) / 2.0) as usize;
    Interval {
        mean,
        low: drawn[tail],
        high: drawn[drawn.len() - 1 - tail],
    }
}

/// The mean; no number without values.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The median; no number without values.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (count, half) if count % 2 == 1 => sorted[half],
        (_, half) => (sorted[half - 1] + sorted[half]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_as_wide_as_theory_says() {
        let mut random = Random::new(3);
        let values: Vec<f64> = (0..400).map(|_| 5.0 + 2.0 * random.normal()).collect();
        let it = bootstrap(&values, 1);
        assert_eq!(it, bootstrap(&values, 1));
        assert!(it.low < it.mean && it.mean < it.high);
        // 2 * 1.96 standard errors of 2 / 20.
        assert!((it.high - it.low - 0.392).abs() < 0.06, "{it:?}");
    }

    #[test]
    fn few_values_do_no_harm() {
        assert!(bootstrap(&[], 0).low.is_nan() && median(&[]).is_nan());
        let one = bootstrap(&[2.5], 0);
        assert_eq!((one.low, one.mean, one.high), (2.5, 2.5, 2.5));
        assert_eq!((median(&[3.0, 1.0]), median(&[9.0, 1.0, 2.0])), (2.0, 2.0));
    }
}
