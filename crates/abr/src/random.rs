//! Random numbers by seed: the same on every machine, for ever.

/// A generator of random numbers (xoshiro256++, seeded through SplitMix64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random {
    state: [u64; 4],
}

fn split_mix(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// The generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Random {
        let mut seed = seed;
        Random {
            state: std::array::from_fn(|_| split_mix(&mut seed)),
        }
    }

    /// The generator of one of many streams of a seed.
    #[must_use]
    pub fn stream(seed: u64, index: u64) -> Random {
        let mut mixed = index;
        let far = split_mix(&mut mixed);
        Random::new(seed ^ far)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// A number from 0 up to and without 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A number from `low` up to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number below `count`; 0 where there is none.
    pub fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.bits()) * count as u128) >> 64) as usize
    }

    /// A number of the normal distribution with mean 0 and variance 1.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// The state, to go on from later.
    #[must_use]
    pub fn state(&self) -> [u64; 4] {
        self.state
    }

    /// A generator that goes on from a state.
    #[must_use]
    pub fn from_state(state: [u64; 4]) -> Random {
        Random { state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_bits() {
        // xoshiro256++ from the state 1, 2, 3, 4, as its authors' program prints them.
        let mut random = Random::from_state([1, 2, 3, 4]);
        let first: Vec<u64> = (0..4).map(|_| random.bits()).collect();
        assert_eq!(
            first,
            [
                41_943_041,
                58_720_359,
                3_588_806_011_781_223,
                3_591_011_842_654_386
            ]
        );
    }

    #[test]
    fn numbers_keep_their_bounds_and_spread() {
        let mut random = Random::new(7);
        let mut counts = [0_usize; 6];
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..6000 {
            counts[random.below(6)] += 1;
            let unit = random.unit();
            assert!((0.0..1.0).contains(&unit));
            let normal = random.normal();
            sum += normal;
            squares += normal * normal;
        }
        assert!(counts.iter().all(|n| (850..1150).contains(n)), "{counts:?}");
        assert!((sum / 6000.0).abs() < 0.05 && (squares / 6000.0 - 1.0).abs() < 0.08);
        assert_eq!(random.below(0), 0);
        assert_ne!(Random::stream(1, 0).bits(), Random::stream(1, 1).bits());
    }
}
