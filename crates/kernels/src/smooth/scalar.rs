//! The definition of smoothing; the vector versions give the same bits.

use super::{BLOCK, Band, FAR, HOLD, MOVED, Pixel, SHIFTED, codes};

/// A sample, at most the largest there is.
pub(super) fn code<T: Pixel>(sample: T) -> i32 {
    sample.into().min(i32::from(T::MAX))
}

/// The blocks whose first row is `first`, from column `from` on, a multiple of [`BLOCK`].
pub(super) fn blocks<T: Pixel>(weight: i16, band: &mut Band<'_, T>, first: usize, from: usize) {
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
        let size = (rows.len() * columns.len()) as i32 * i32::from(codes::<T>());
        let moves = magnitude > MOVED * size || 8 * sum.abs() > SHIFTED * size;
        for y in rows.clone() {
            for x in columns.clone() {
                let at = y * band.stride + x;
                let average = &mut band.average[y * band.average_stride + x];
                let new = band.samples[at];
                let shown = smoothed::<T>(weight, moves, code(new), code(band.shown[at]), average);
                band.samples[at] = T::of(shown);
                band.shown[at] = T::of(shown);
            }
        }
    }
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
