//! A linear model over the features.

use super::Features;
use super::weights::{BIAS, MEAN, SPREAD, WEIGHTS};

/// Scaled features are held within so many standard deviations of what was fitted: a picture unlike
/// all of those must not be judged by one number.
const FARTHEST: f32 = 3.0;

/// A score for each content type; the largest wins.
pub(super) fn scores(features: &Features) -> [f32; 7] {
    let mut scores = BIAS;
    for (index, value) in features.values().iter().enumerate() {
        // Roots, since most features are small with a long tail.
        let value = (value.max(0.0).sqrt() - MEAN[index]) / SPREAD[index];
        let value = value.clamp(-FARTHEST, FARTHEST);
        for (score, weights) in scores.iter_mut().zip(&WEIGHTS) {
            *score += weights[index] * value;
        }
    }
    scores
}
