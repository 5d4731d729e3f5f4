//! Weights that engines make pairs of pixels with: see [`nervure_kernels::int8::pair_weights`].
//!
//! Rows of kernels whose sums are even are a lattice, every second point of that of all whole numbers, and
//! its nearest point is found by rounding and, where the sum is odd, by rounding one weight the other way.
//! What that adds to the error of rounding is half as much again, on 7 bits and more: 0.3 bits.

/// The largest weight, in either direction.
const WEIGHT: f32 = 127.0;
/// The largest sum of three with either sign of the middle one: 254 less what rounding may add.
const SUM: f32 = 252.0;

/// The least that a step may stand for, for a row to fit.
pub(super) fn step([left, middle, right]: &[f32; 3]) -> f32 {
    let ends = left + right;
    let sum = (ends + middle).abs().max((ends - middle).abs());
    let largest = left.abs().max(middle.abs()).max(right.abs());
    (largest / WEIGHT).max(sum / SUM)
}

/// The nearest row with an even sum.
pub(super) fn nearest(row: [f32; 3]) -> [f32; 3] {
    let mut whole = row.map(|weight| weight.round().clamp(-WEIGHT, WEIGHT));
    if whole.iter().sum::<f32>() % 2.0 == 0.0 {
        return whole;
    }
    let off: [f32; 3] = std::array::from_fn(|at| row[at] - whole[at]);
    let farthest = (1..3).fold(0, |best, at| match off[at].abs() > off[best].abs() {
        true => at,
        false => best,
    });
    let way = if off[farthest] > 0.0 { 1.0 } else { -1.0 };
    whole[farthest] += match (whole[farthest] + way).abs() > WEIGHT {
        true => -way,
        false => way,
    };
    whole
}

#[cfg(test)]
mod tests {
    use nervure_kernels::int8::pair_weights;

    use super::*;

    #[test]
    fn rows_become_the_nearest_that_pairs_are_made_of() {
        let mut seed = 1_u32;
        let mut next = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let (mut error, mut rounding) = (0.0, 0.0);
        const ROWS: usize = 5_000;
        for round in 0..ROWS {
            // Of one sign too: those have the largest sums.
            let sign = |weight: f32| if round % 3 == 0 { weight.abs() } else { weight };
            let row = [next(), next(), next()].map(sign);
            let row = row.map(|weight| weight / step(&row));
            let found = nearest(row);
            let bytes = found.map(|weight| weight as i8);
            assert_eq!(bytes.map(f32::from), found, "of {row:?}");
            assert!(pair_weights(bytes).is_some(), "{bytes:?} of {row:?}");
            let distance = |to: [f32; 3]| -> f32 {
                row.iter().zip(to).map(|(a, b)| (a - b).powi(2)).sum()
            };
            // No neighbour with an even sum is nearer.
            for change in 0..27 {
                let by = |place: i32| (change / place % 3 - 1) as f32;
                let other = [found[0] + by(1), found[1] + by(3), found[2] + by(9)];
                let fits = other.iter().all(|weight| weight.abs() <= WEIGHT);
                if fits && other.iter().sum::<f32>() % 2.0 == 0.0 {
                    assert!(distance(found) <= distance(other) + 1e-3, "{row:?}: {other:?}");
                }
            }
            error += distance(found);
            rounding += distance(row.map(f32::round));
        }
        let ratio = error / rounding;
        assert!((1.3..1.7).contains(&ratio), "{ratio} of the error of rounding");
    }

    #[test]
    fn rows_at_the_ends() {
        for row in [[127.0; 3], [-127.0, 127.0, -127.0], [127.0, 0.0, 0.0]] {
            let row = row.map(|weight| weight / step(&row));
            let bytes = nearest(row).map(|weight| weight as i8);
            assert!(pair_weights(bytes).is_some(), "{bytes:?}");
        }
        assert_eq!(nearest([127.0, 0.0, 0.0]), [126.0, 0.0, 0.0]);
        assert_eq!(nearest([-127.0, 0.0, 0.0]), [-126.0, 0.0, 0.0]);
    }
}
