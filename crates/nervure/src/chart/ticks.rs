//! Round numbers for axes.

/// Where an axis begins and ends, and the round numbers on it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) step: f64,
}

impl Scale {
    /// A scale that holds these values with about `count` steps; `round` lets it end on ticks.
    pub(super) fn of(values: impl IntoIterator<Item = f64>, count: usize, round: bool) -> Scale {
        // Beyond this a difference of two values could overflow; no chart means such numbers.
        const MOST: f64 = 1e150;
        let mut range: Option<(f64, f64)> = None;
        for value in values.into_iter().filter(|value| value.is_finite()) {
            let value = value.clamp(-MOST, MOST);
            let (low, high) = range.unwrap_or((value, value));
            range = Some((low.min(value), high.max(value)));
        }
        let (mut low, mut high) = range.unwrap_or((0.0, 1.0));
        if high - low <= 1e-9 * low.abs().max(high.abs()) {
            // One level: it is put in the middle, with room that suits its size.
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            low -= room;
            high += room;
        }
        let step = nice((high - low) / count.max(1) as f64);
        if round {
            low = (low / step + 1e-9).floor() * step;
            high = (high / step - 1e-9).ceil() * step;
        }
        Scale { low, high, step }
    }

    /// The round numbers on the scale.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let first = (self.low / self.step - 1e-6).ceil();
        let last = (self.high / self.step + 1e-6).floor();
        let count = ((last - first).max(0.0) as usize).min(100);
        (0..=count)
            .map(|index| (first + index as f64) * self.step)
            .filter(|tick| *tick <= self.high + self.step * 1e-6)
            .collect()
    }

    /// A value's place, 0 at the low end and 1 at the high.
    pub(super) fn place(&self, value: f64) -> f32 {
        let value = value.clamp(-1e150, 1e150);
        ((value - self.low) / (self.high - self.low)) as f32
    }

    /// A tick in words, with as many decimals as its neighbours need.
    pub(super) fn label(&self, tick: f64) -> String {
        let (divisor, unit) = match self.low.abs().max(self.high.abs()) {
            most if most >= 1e15 => return format!("{tick:.0e}"),
            most if most >= 1e9 => (1e9, "G"),
            most if most >= 1e6 => (1e6, "M"),
            most if most >= 1e4 => (1e3, "k"),
            _ => (1.0, ""),
        };
        let step = self.step / divisor;
        let value = if tick.abs() < self.step * 1e-6 {
            0.0
        } else {
            tick / divisor
        };
        let decimals = (0..9)
            .find(|decimals| {
                let scaled = step * 10f64.powi(*decimals);
                (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0)
            })
            .unwrap_or(9) as usize;
        format!("{value:.decimals$}{unit}").replace('-', "−")
    }
}

/// The round number nearest above `step`: 1, 2, 2.5 or 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let rest = step / power;
    let factor = [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .find(|factor| rest <= factor * 1.000_001)
        .unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale
            .ticks()
            .iter()
            .map(|tick| scale.label(*tick))
            .collect()
    }

    #[test]
    fn ticks_are_round_numbers_that_hold_the_values() {
        let scale = Scale::of([28.3, 41.9], 6, true);
        assert_eq!((scale.low, scale.high, scale.step), (27.5, 42.5, 2.5));
        assert_eq!(labels(&scale)[..3], ["27.5", "30.0", "32.5"]);
        let scale = Scale::of([0.0, 0.994], 5, true);
        assert_eq!(labels(&scale), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let scale = Scale::of([-1.0, 1.0], 4, true);
        assert_eq!(labels(&scale), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        let scale = Scale::of([0.0, 2_500_000.0], 5, true);
        assert_eq!(labels(&scale)[5], "2.5M");
    }

    #[test]
    fn odd_values_give_a_scale_all_the_same() {
        let one = Scale::of([5.0], 5, true);
        assert!(one.low < 5.0 && one.high > 5.0);
        let none = Scale::of([f64::NAN, f64::INFINITY], 5, false);
        assert_eq!((none.low, none.high), (0.0, 1.0));
        let far = Scale::of([-1e300, 1e300], 5, true);
        assert!(far.place(1e300).is_finite() && far.ticks().len() < 20);
    }
}
