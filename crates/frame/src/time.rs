//! Exact time: a count of ticks and the length of a tick.

use std::cmp::Ordering;
use std::fmt;

/// The length of one tick in seconds, as a reduced fraction `num/den`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeBase {
    /// Seconds, numerator. Positive.
    pub num: u32,
    /// Seconds, denominator. Positive.
    pub den: u32,
}

impl TimeBase {
    /// Microseconds.
    pub const MICROS: TimeBase = TimeBase {
        num: 1,
        den: 1_000_000,
    };

    /// A tick of `num/den` seconds.
    ///
    /// # Panics
    /// When either part is zero: a caller's bug, since every reader checks what it reads.
    pub fn new(num: u32, den: u32) -> Self {
        assert!(
            num > 0 && den > 0,
            "a time base needs two positive parts, not {num}/{den}"
        );
        let common = gcd(num, den);
        TimeBase {
            num: num / common,
            den: den / common,
        }
    }

    /// Seconds in one tick.
    pub fn seconds(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The tick nearest to `seconds`.
    pub fn ticks(self, seconds: f64) -> i64 {
        (seconds * f64::from(self.den) / f64::from(self.num)).round() as i64
    }
}

impl fmt::Display for TimeBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

/// A moment on a stream's clock: `ticks` of length `base` after the stream's zero.
///
/// Compared as rationals, so that moments of streams with different time bases order exactly; two
/// timestamps are equal when they name the same moment.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    /// How many ticks since zero; may be negative.
    pub ticks: i64,
    /// The length of a tick.
    pub base: TimeBase,
}

impl Timestamp {
    /// `ticks` of length `base` after zero.
    pub fn new(ticks: i64, base: TimeBase) -> Self {
        Timestamp { ticks, base }
    }

    /// Seconds after zero, for people and for rough arithmetic.
    pub fn seconds(self) -> f64 {
        self.ticks as f64 * f64::from(self.base.num) / f64::from(self.base.den)
    }

    /// The same moment on another clock, rounded to its nearest tick (halves away from zero).
    pub fn rescale(self, base: TimeBase) -> Timestamp {
        if base == self.base {
            return self;
        }
        let num = i128::from(self.ticks) * i128::from(self.base.num) * i128::from(base.den);
        let den = i128::from(self.base.den) * i128::from(base.num);
        let rounded = (num.abs() + den / 2) / den * num.signum();
        let ticks = rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        Timestamp { ticks, base }
    }

    fn cross(self, other: Timestamp) -> (i128, i128) {
        (
            i128::from(self.ticks) * i128::from(self.base.num) * i128::from(other.base.den),
            i128::from(other.ticks) * i128::from(other.base.num) * i128::from(self.base.den),
        )
    }
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = self.cross(*other);
        a.cmp(&b)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_compare_across_clocks() {
        let film = Timestamp::new(1001, TimeBase::new(1, 24000));
        let millis = Timestamp::new(42, TimeBase::new(1, 1000));
        assert!(film < millis);
        assert_eq!(
            Timestamp::new(1, TimeBase::new(1, 2)),
            Timestamp::new(500, TimeBase::new(1, 1000))
        );
    }

    #[test]
    fn rescaling_rounds_to_the_nearest_tick_on_both_sides_of_zero() {
        let base = TimeBase::new(1, 1000);
        assert_eq!(
            Timestamp::new(1001, TimeBase::new(1, 24000))
                .rescale(base)
                .ticks,
            42
        );
        assert_eq!(
            Timestamp::new(-1001, TimeBase::new(1, 24000))
                .rescale(base)
                .ticks,
            -42
        );
        assert_eq!(
            Timestamp::new(1, TimeBase::new(1, 2000))
                .rescale(base)
                .ticks,
            1
        );
        assert_eq!(
            Timestamp::new(-1, TimeBase::new(1, 2000))
                .rescale(base)
                .ticks,
            -1
        );
    }

    #[test]
    fn far_moments_neither_overflow_nor_wrap() {
        let far = Timestamp::new(i64::MAX, TimeBase::new(1000, 1));
        assert_eq!(far.rescale(TimeBase::MICROS).ticks, i64::MAX);
        assert!(far > Timestamp::new(i64::MAX, TimeBase::MICROS));
    }
}
