//! The definition of resampling; the vector versions give the same bits.

use super::axis::Axis;

/// Samples as 16-bit integers, at most `max`.
pub(super) fn widen<T: Copy + Into<i32>>(row: &[T], max: i32, out: &mut [i16]) {
    for (out, &sample) in out.iter_mut().zip(row) {
        *out = sample.into().min(max) as i16;
    }
}

/// One row at the target's width, with extra fraction bits: `dropped` of the coefficients' fraction
/// bits are rounded away and the others stay. `padded[left]` is the first source sample.
pub(super) fn across(axis: &Axis, left: usize, padded: &[i16], out: &mut [i16], dropped: u32) {
    for (x, out) in out[..axis.target].iter_mut().enumerate() {
        let start = left.wrapping_add_signed(axis.start(x));
        let sum: i32 = padded[start..]
            .iter()
            .zip(axis.coefficients(x))
            .map(|(&sample, &coefficient)| i32::from(sample) * i32::from(coefficient))
            .sum();
        // No filter overshoots by half, so this fits 16 bits with the fraction bits chosen.
        *out = ((sum + (1 << (dropped - 1))) >> dropped) as i16;
    }
}

/// Columns that [`down`] sums at a time: their sums stay in registers.
const COLUMNS: usize = 32;

/// One target row from the intermediate rows that begin at `offsets`: summed, rounded, clamped.
pub(super) fn down<T>(
    ring: &[i16],
    offsets: &[usize],
    coefficients: &[i16],
    shift: u32,
    out: &mut [T],
    clamped: impl Fn(i32) -> T,
) {
    for (step, out) in out.chunks_mut(COLUMNS).enumerate() {
        let at = step * COLUMNS;
        let mut sums = [1 << (shift - 1); COLUMNS];
        for (&row, &coefficient) in offsets.iter().zip(coefficients) {
            let samples = &ring[row + at..][..COLUMNS];
            for (sum, &sample) in sums.iter_mut().zip(samples) {
                *sum += i32::from(sample) * i32::from(coefficient);
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = clamped(sum >> shift);
        }
    }
}
