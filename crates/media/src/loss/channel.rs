//! One passage through a network.

use super::{LossModel, bad_share};
use crate::scenes::noise::Dice;

/// Decides packet by packet; the same model and seed decide the same.
#[derive(Clone, Debug)]
pub struct Channel {
    model: LossModel,
    dice: Dice,
    /// The state of a bursty network.
    bad: bool,
    /// How many packets were decided.
    packets: usize,
}

impl Channel {
    pub(super) fn new(model: LossModel, seed: u64) -> Self {
        let mut dice = Dice::new(seed, "packet loss");
        // As if the network had been running for long: else short clips would meet fewer bursts
        // than the rate says.
        let bad = match model {
            LossModel::Bursty { p, r, .. } => chance(&mut dice, bad_share(p, r)),
            _ => false,
        };
        Channel {
            model,
            dice,
            bad,
            packets: 0,
        }
    }

    /// Whether the next packet is lost.
    pub fn lose(&mut self) -> bool {
        let number = self.packets;
        self.packets += 1;
        match &self.model {
            LossModel::None => false,
            LossModel::Independent { rate } => chance(&mut self.dice, *rate),
            LossModel::Bursty { p, r, good, bad } => {
                let lost = chance(&mut self.dice, if self.bad { *bad } else { *good });
                self.bad ^= chance(&mut self.dice, if self.bad { *r } else { *p });
                lost
            }
            LossModel::Trace(trace) => trace.is_lost(number),
        }
    }
}

/// True with this probability. One roll whatever the probability, so that a change of one number
/// does not shift what is rolled for the next packets.
fn chance(dice: &mut Dice, probability: f64) -> bool {
    // 53 bits are what a double holds exactly.
    let roll = (dice.roll() >> 11) as f64 / (1u64 << 53) as f64;
    roll < probability
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(model: &LossModel, seed: u64, packets: usize) -> Vec<bool> {
        let mut channel = model.channel(seed).unwrap();
        (0..packets).map(|_| channel.lose()).collect()
    }

    fn share(losses: &[bool]) -> f64 {
        losses.iter().filter(|lost| **lost).count() as f64 / losses.len() as f64
    }

    /// Mean length of the runs of lost packets.
    fn mean_run(losses: &[bool]) -> f64 {
        let runs: Vec<_> = losses
            .split(|lost| !lost)
            .filter(|run| !run.is_empty())
            .collect();
        runs.iter().map(|run| run.len()).sum::<usize>() as f64 / runs.len() as f64
    }

    #[test]
    fn single_losses_keep_their_rate() {
        for rate in [0.01, 0.02, 0.1, 0.5] {
            let model = LossModel::Independent { rate };
            for seed in 0..4 {
                let found = losses(&model, seed, 200_000);
                // Four standard deviations of a binomial.
                let bound = 4.0 * (rate * (1.0 - rate) / 200_000.0).sqrt();
                assert!(
                    (share(&found) - rate).abs() < bound,
                    "{rate} with seed {seed}"
                );
                // A run ends with the chance that a packet arrives.
                assert!((mean_run(&found) * (1.0 - rate) - 1.0).abs() < 0.05);
            }
        }
    }

    #[test]
    fn bursts_keep_their_rate_and_length() {
        for (rate, length) in [(0.02, 4.0), (0.05, 2.0), (0.1, 10.0)] {
            let model = LossModel::bursts(rate, length).unwrap();
            for seed in 0..4 {
                let found = losses(&model, seed, 400_000);
                let (share, run) = (share(&found), mean_run(&found));
                assert!((share / rate - 1.0).abs() < 0.15, "{share} for {rate}");
                assert!((run / length - 1.0).abs() < 0.1, "{run} for {length}");
            }
        }
    }

    #[test]
    fn both_states_lose_their_own_share() {
        let model = LossModel::Bursty {
            p: 0.02,
            r: 0.1,
            good: 0.01,
            bad: 0.4,
        };
        let found = share(&losses(&model, 9, 400_000));
        assert!(
            (found / model.rate() - 1.0).abs() < 0.05,
            "{found} for {}",
            model.rate()
        );
    }

    #[test]
    fn a_network_may_start_in_its_bad_state() {
        let model = LossModel::bursts(0.3, 50.0).unwrap();
        let first = (0..2000).filter(|seed| losses(&model, *seed, 1)[0]).count();
        assert!((500..700).contains(&first), "{first} of 2000");
    }

    #[test]
    fn nothing_and_everything_can_be_lost() {
        assert_eq!(share(&losses(&LossModel::None, 1, 1000)), 0.0);
        assert_eq!(
            share(&losses(&LossModel::Independent { rate: 0.0 }, 1, 1000)),
            0.0
        );
        assert_eq!(
            share(&losses(&LossModel::Independent { rate: 1.0 }, 1, 1000)),
            1.0
        );
    }

    #[test]
    fn a_seed_decides_everything() {
        let model = LossModel::bursts(0.1, 3.0).unwrap();
        assert_eq!(losses(&model, 5, 5000), losses(&model, 5, 5000));
        assert_ne!(losses(&model, 5, 5000), losses(&model, 6, 5000));
        // What datasets were made with must stay what it was.
        let first: String = losses(&model, 5, 48)
            .iter()
            .map(|lost| if *lost { '1' } else { '0' })
            .collect();
        assert_eq!(first, "000000000000000000000010000000000000000000011111");
    }

    #[test]
    fn a_trace_starts_again_when_it_ends() {
        let model = LossModel::Trace("0 1 1".parse().unwrap());
        assert_eq!(
            losses(&model, 1, 7),
            [false, true, true, false, true, true, false]
        );
    }
}
