//! Traces by seed, for tests and for people without traces.

use super::Trace;
use crate::{Error, Random};

/// A state of the link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkovState {
    /// Its mean rate in Mbit/s.
    pub mbps: f64,
    /// The standard deviation of single rows, as a share of the mean.
    pub spread: f64,
    /// How many seconds it lasts in the mean.
    pub seconds: f64,
}

/// A link that goes from state to state at random, mostly to neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct Markov {
    /// The states, neighbours beside each other.
    pub states: Vec<MarkovState>,
    /// The share of changes that lead anywhere but to a neighbour.
    pub jumps: f64,
    /// Seconds of a row.
    pub step_s: f64,
}

impl Markov {
    /// States spread evenly, as ratios, between two rates.
    #[must_use]
    pub fn between(low_mbps: f64, high_mbps: f64, states: usize) -> Markov {
        let ratio = (high_mbps / low_mbps).powf(1.0 / (states.max(2) - 1) as f64);
        let state = |index: usize| MarkovState {
            mbps: low_mbps * ratio.powi(index as i32),
            spread: 0.2,
            seconds: 8.0,
        };
        Markov {
            states: (0..states.max(2)).map(state).collect(),
            jumps: 0.1,
            step_s: 1.0,
        }
    }

    /// The trace of a seed.
    ///
    /// # Errors
    /// When the states make no trace: no states, rates that are no rates.
    pub fn generate(&self, seed: u64, seconds: f64) -> Result<Trace, Error> {
        let name = format!("markov-{seed}");
        let sound = |it: &MarkovState| it.mbps > 0.0 && it.spread >= 0.0 && it.seconds > 0.0;
        if self.states.is_empty() || !self.states.iter().all(sound) || self.step_s <= 0.0 {
            return Err(Error::setting(name, "a link without states, rates or time"));
        }
        let mut random = Random::new(seed);
        let mut state = random.below(self.states.len());
        let rows = (seconds / self.step_s).ceil().max(1.0) as usize;
        let (mut times_s, mut mbps) = (Vec::with_capacity(rows + 1), Vec::with_capacity(rows + 1));
        for row in 0..=rows {
            let MarkovState {
                mbps: mean,
                spread,
                seconds,
            } = self.states[state];
            times_s.push(row as f64 * self.step_s);
            mbps.push((mean * (1.0 + spread * random.normal())).max(0.05 * mean));
            if random.unit() < self.step_s / seconds {
                state = self.after(state, &mut random);
            }
        }
        Trace::new(name, times_s, mbps)
    }

    fn after(&self, state: usize, random: &mut Random) -> usize {
        let last = self.states.len() - 1;
        if random.unit() < self.jumps {
            return random.below(self.states.len());
        }
        match (state, random.below(2)) {
            (0, _) => 1.min(last),
            (state, _) if state == last => last - 1,
            (state, 0) => state - 1,
            (state, _) => state + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_trace() {
        let link = Markov::between(0.3, 5.0, 6);
        let trace = link.generate(3, 600.0).unwrap();
        assert_eq!(trace, link.generate(3, 600.0).unwrap());
        assert_ne!(trace, link.generate(4, 600.0).unwrap());
        assert_eq!(trace.seconds(), 600.0);
        assert!(
            (0.3..5.0).contains(&trace.mean_mbps()),
            "{}",
            trace.mean_mbps()
        );
        let low = trace.mbps().iter().filter(|rate| **rate < 0.6).count();
        let high = trace.mbps().iter().filter(|rate| **rate > 2.0).count();
        assert!(low > 20 && high > 20, "it moves: {low} low, {high} high");
    }

    #[test]
    fn a_link_of_nothing_is_refused() {
        let none = Markov {
            states: Vec::new(),
            jumps: 0.1,
            step_s: 1.0,
        };
        assert!(none.generate(1, 60.0).is_err());
        assert!(Markov::between(-1.0, 5.0, 3).generate(1, 60.0).is_err());
    }
}
