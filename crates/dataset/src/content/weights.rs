//! Fitted numbers.

use super::Features;

pub(super) const MEAN: [f32; Features::COUNT] = [0.0; Features::COUNT];
pub(super) const SPREAD: [f32; Features::COUNT] = [1.0; Features::COUNT];
pub(super) const BIAS: [f32; 7] = [0.0; 7];
pub(super) const WEIGHTS: [[f32; Features::COUNT]; 7] = [[0.0; Features::COUNT]; 7];
