//! Chance that depends on a name, not on who asked before.

/// A generator of random numbers (SplitMix64), one for each patch of each batch.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64, batch: u64, patch: u64) -> Dice {
        // Each part goes through the mixer before the next is added, so that neighbours in any of
        // them have nothing in common.
        let mut dice = Dice(seed);
        for part in [batch, patch] {
            dice.0 = dice.roll() ^ part;
        }
        dice.roll();
        dice
    }

    /// The next 64 bits.
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..count`; `count` is at least one.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(count)) >> 64) as u64
    }

    /// Whether something of this likelihood happens.
    pub(super) fn happens(&mut self, likelihood: f64) -> bool {
        // 53 bits are exact in both.
        ((self.roll() >> 11) as f64) < likelihood * (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_evenly_and_neighbours_differ() {
        let mut counts = [0u32; 10];
        for batch in 0..100 {
            for patch in 0..100 {
                counts[Dice::new(7, batch, patch).below(10) as usize] += 1;
            }
        }
        assert!(
            counts.iter().all(|count| (900..1100).contains(count)),
            "{counts:?}"
        );
        assert_ne!(Dice::new(1, 2, 3).roll(), Dice::new(1, 3, 2).roll());
        assert_ne!(Dice::new(1, 2, 3).roll(), Dice::new(2, 1, 3).roll());
        assert_eq!(Dice::new(1, 2, 3).roll(), Dice::new(1, 2, 3).roll());
    }

    #[test]
    fn the_certain_happens_and_the_impossible_does_not() {
        let mut dice = Dice::new(0, 0, 0);
        assert!((0..1000).all(|_| dice.happens(1.0) && !dice.happens(0.0)));
        let often = (0..10_000).filter(|_| dice.happens(0.25)).count();
        assert!((2300..2700).contains(&often), "{often}");
    }
}
