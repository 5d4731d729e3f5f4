//! Weights that engines make twins with: see [`nervure_kernels::int8::twin_weights`].
//!
//! Rows of kernels whose sums are even are a lattice, every second point of that of all whole numbers, and
//! its nearest point is found by rounding and, where the sum is odd, by rounding one weight the other way.
//! What that adds to the error of rounding is half as much again, on 7 bits and more: 0.3 bits. That weights
//! of two inputs fit together costs another quarter of a bit, in the shipped models' mean.

use nervure_kernels::int8::TWIN_PAIR;

/// The largest weight, in either direction.
const WEIGHT: f32 = 127.0;
/// What two weights of twins may be together, less what rounding may add to each.
const PAIR: f32 = TWIN_PAIR as f32 - 2.0;

/// The three rows of the kernel from an input to an output.
pub(super) type Kernel = [[f32; 3]; 3];

/// The least that a step may stand for, for kernels from two inputs side by side to fit.
pub(super) fn step(one: &Kernel, other: &Kernel) -> f32 {
    let rows = one.iter().zip(other);
    rows.fold(0.0, |step, (one, other)| {
        let plain = one.iter().chain(other).map(|weight| weight.abs() / WEIGHT);
        let twins = twins(one).into_iter().zip(twins(other));
        let twins = twins.map(|(one, other)| (one.abs() + other.abs()) / PAIR);
        plain.chain(twins).fold(step, f32::max)
    })
}

/// What a row becomes where it makes twins.
fn twins([left, middle, right]: &[f32; 3]) -> [f32; 4] {
    let ends = left + right;
    [*left, (ends + middle) / 2.0, (ends - middle) / 2.0, *right]
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
    use nervure_kernels::int8::twin_weights;

    use super::*;

    #[test]
    fn kernels_become_the_nearest_that_twins_are_made_with() {
        const KERNELS: usize = 1_000;
        let mut seed = 1_u32;
        let mut next = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let (mut error, mut rounding) = (0.0, 0.0);
        for round in 0..KERNELS {
            // Of one sign too: those have the largest sums.
            let mut kernel = || -> Kernel {
                let mut weight = || match round % 3 {
                    0 => next().abs(),
                    _ => next(),
                };
                std::array::from_fn(|_| std::array::from_fn(|_| weight()))
            };
            let pair = [kernel(), kernel()];
            let step = step(&pair[0], &pair[1]);
            let scaled = pair.map(|kernel| kernel.map(|row| row.map(|weight| weight / step)));
            let found = scaled.map(|kernel| kernel.map(nearest));
            for row in 0..3 {
                let twins = found.map(|kernel| {
                    let bytes = kernel[row].map(|weight| weight as i8);
                    assert_eq!(bytes.map(f32::from), kernel[row]);
                    twin_weights(bytes).expect("an even sum that fits")
                });
                for (one, other) in twins[0].iter().zip(twins[1]) {
                    let sum = i16::from(*one).abs() + i16::from(other).abs();
                    assert!(sum <= TWIN_PAIR, "{one} and {other}");
                }
            }
            for (row, found) in scaled.iter().flatten().zip(found.iter().flatten()) {
                let distance = |to: &[f32; 3]| -> f32 {
                    row.iter().zip(to).map(|(a, b)| (a - b).powi(2)).sum()
                };
                // No neighbour with an even sum is nearer.
                for change in 0..27 {
                    let by = |place: i32| (change / place % 3 - 1) as f32;
                    let other = [found[0] + by(1), found[1] + by(3), found[2] + by(9)];
                    if other.iter().sum::<f32>() % 2.0 == 0.0 {
                        assert!(
                            distance(found) <= distance(&other) + 1e-3,
                            "{row:?}: {other:?}"
                        );
                    }
                }
                error += distance(found);
                rounding += distance(&row.map(f32::round));
            }
        }
        let ratio = error / rounding;
        assert!(
            (1.3..1.7).contains(&ratio),
            "{ratio} of the error of rounding"
        );
    }

    #[test]
    fn kernels_at_the_ends() {
        const NOTHING: Kernel = [[0.0; 3]; 3];
        for row in [
            [1.0; 3],
            [-1.0, 1.0, -1.0],
            [1.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
        ] {
            for other in [NOTHING, [row; 3]] {
                let step = step(&[row; 3], &other);
                let twins = [[row; 3], other].map(|kernel| {
                    let bytes = nearest(kernel[1].map(|weight| weight / step));
                    twin_weights(bytes.map(|weight| weight as i8)).expect("an even sum that fits")
                });
                for (one, other) in twins[0].iter().zip(twins[1]) {
                    let sum = i16::from(*one).abs() + i16::from(other).abs();
                    assert!(sum <= TWIN_PAIR, "{row:?}, {other:?}");
                }
            }
        }
        assert_eq!(nearest([127.0, 0.0, 0.0]), [126.0, 0.0, 0.0]);
        assert_eq!(nearest([-127.0, 0.0, 0.0]), [-126.0, 0.0, 0.0]);
    }
}
