//! The definition of smoothing; the vector versions give the same bits.

use super::{BLOCK, Band, FAR, HOLD, Pixel, Rule, codes};

/// A sample, at most the largest there is.
pub(super) fn code<T: Pixel>(sample: T) -> i32 {
    sample.into().min(i32::from(T::MAX))
}

/// The blocks whose first row is `first`, from column `from` on, a multiple of [`BLOCK`], and how far
/// they are from what they were.
pub(super) fn blocks<T: Pixel>(
    rule: Rule,
    band: &mut Band<'_, T>,
    first: usize,
    from: usize,
) -> u64 {
    let mut held = 0;
    let (width, rows) = band.size;
    let rows = first..(first + BLOCK).min(rows);
    for left in (from..width).step_by(BLOCK) {
        let columns = left..(left + BLOCK).min(width);
        let (mut magnitude, mut sum) = (0, 0);
        for y in rows.clone() {
            for at in columns.clone().map(|x| y * band.stride + x) {
                let difference = code(band.samples[at]) - code(band.shown[at]);
                magnitude += difference.abs();
                sum += difference;
            }
        }
        let (most, furthest) = rule.limits::<T>(rows.len() * columns.len());
        let moves = magnitude > most || sum.abs() > furthest;
        for y in rows.clone() {
            for x in columns.clone() {
                let at = y * band.stride + x;
                let average = &mut band.average[y * band.average_stride + x];
                let (new, shown) = (code(band.samples[at]), code(band.shown[at]));
                let shown = smoothed::<T>(rule.weight, moves, new, shown, average);
                held += u64::from(new.abs_diff(shown));
                band.samples[at] = T::of(shown);
                band.shown[at] = T::of(shown);
            }
        }
    }
    held
}

/// What is shown of one sample.
fn smoothed<T: Pixel>(weight: i16, moves: bool, new: i32, shown: i32, average: &mut u16) -> i32 {
    let fine = new << T::FRACTION;
    if moves || (new - shown).abs() > i32::from(FAR * codes::<T>()) {
        *average = fine as u16;
        return new;
    }
    let before = i32::from(*average);
    let now = before + (((fine - before) * i32::from(weight) + (1 << 14)) >> 15);
    *average = now as u16;
    if (now - (shown << T::FRACTION)).abs() > i32::from(HOLD) {
        (now + (1 << (T::FRACTION - 1))) >> T::FRACTION
    } else {
        shown
    }
}
