//! The classical upscaler in integers.

use nervure_frame::BitDepth;

use super::MAX_SCALE;

/// Samples on either side of the middle one.
pub(super) const REACH: usize = 3;

/// Of the samples around one.
pub(super) type Weights = [i16; 2 * REACH + 1];

/// What weights are fractions of, as a power of two.
const WEIGHT_BITS: u32 = 14;

/// Bits of the domain that pictures are enlarged in.
pub(super) const DOMAIN_BITS: u32 = 14;

/// Weights of the samples -3 to 3 around one of them, for each output that it becomes: in 1/16384, and
/// 16384 together.
///
/// # Panics
/// With a scale that is not 1 to [`MAX_SCALE`].
pub fn lanczos_weights(scale: usize) -> Vec<[i16; 2 * REACH + 1]> {
    assert!((1..=MAX_SCALE).contains(&scale), "a scale of {scale}");
    (0..scale).map(|phase| weights(phase, scale)).collect()
}

/// Sines differ between machines in their last bit; here, that is far from what tells one integer from
/// the next, which a test makes sure of.
fn weights(phase: usize, scale: usize) -> Weights {
    let one = 1 << WEIGHT_BITS;
    let exact = lobes(phase, scale);
    let mut weights = exact.map(|lobe| (lobe * f64::from(one)).round() as i16);
    let largest = (0..weights.len()).max_by_key(|&tap| weights[tap]);
    let missing = one - weights.iter().map(|&weight| i32::from(weight)).sum::<i32>();
    weights[largest.unwrap_or(REACH)] += missing as i16;
    weights
}

/// The same before they are made integers: of one output of `scale`, 1 together.
pub fn lobes(phase: usize, scale: usize) -> [f64; 2 * REACH + 1] {
    // Where the output's middle is, counted from the input's.
    let middle = (phase as f64 + 0.5) / scale as f64 - 0.5;
    let lobes: [f64; 2 * REACH + 1] =
        std::array::from_fn(|tap| kernel(tap as f64 - REACH as f64 - middle));
    let sum: f64 = lobes.iter().sum();
    lobes.map(|lobe| lobe / sum)
}

fn kernel(x: f64) -> f64 {
    let sinc = |x: f64| match std::f64::consts::PI * x {
        0.0 => 1.0,
        x => x.sin() / x,
    };
    match x.abs() < REACH as f64 {
        true => sinc(x) * sinc(x / REACH as f64),
        false => 0.0,
    }
}

/// A picture, enlarged in 14 bits: `width * scale` samples in each of `height * scale` rows. Beyond its
/// edges, the picture repeats them.
///
/// No sample leaves 16 bits: weights of one sign are never more than 1.27 together.
///
/// # Panics
/// When there is no picture, or one of another size; with a scale that is not 1 to [`MAX_SCALE`].
pub fn lanczos14(
    picture: &[u16],
    width: usize,
    height: usize,
    depth: BitDepth,
    scale: usize,
) -> Vec<i16> {
    assert!(width > 0 && height > 0, "a picture of {width}x{height}");
    assert_eq!(
        picture.len(),
        width * height,
        "a picture of {width}x{height}"
    );
    let weights = lanczos_weights(scale);
    let deeper = DOMAIN_BITS - depth.bits();
    let wide = width * scale;

    let mut across = Vec::with_capacity(wide * height);
    for row in picture.chunks_exact(width) {
        for column in 0..width {
            let samples = around(column, width).map(|at| i32::from(row[at]) << deeper);
            across.extend(weights.iter().map(|weights| weighted(weights, samples)));
        }
    }
    let mut out = Vec::with_capacity(wide * height * scale);
    for row in 0..height {
        let rows = around(row, height).map(|at| &across[at * wide..][..wide]);
        for weights in &weights {
            let down = |column| weighted(weights, rows.map(|row| i32::from(row[column])));
            out.extend((0..wide).map(down));
        }
    }
    out
}

/// Where the samples around one are, edges repeated.
fn around(middle: usize, count: usize) -> [usize; 2 * REACH + 1] {
    std::array::from_fn(|tap| (middle + tap).saturating_sub(REACH).min(count - 1))
}

/// A weighted mean, saturated to 16 bits.
#[inline(always)]
pub(super) fn weighted(weights: &Weights, samples: [i32; 2 * REACH + 1]) -> i16 {
    let products = weights
        .iter()
        .zip(samples)
        .map(|(&weight, sample)| i32::from(weight) * sample);
    let sum = products.sum::<i32>() + (1 << (WEIGHT_BITS - 1));
    (sum >> WEIGHT_BITS).clamp(i16::MIN.into(), i16::MAX.into()) as i16
}
