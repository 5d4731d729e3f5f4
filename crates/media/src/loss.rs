//! Which packets a network loses.
//!
//! A [`LossModel`] says how losses fall: each packet by itself, in bursts, or as they were once
//! measured. A [`Channel`] is one passage through such a network; the same seed gives the same
//! losses on every machine.

mod channel;
mod parse;
mod trace;

use crate::{Error, Result};

pub use channel::Channel;
pub use trace::LossTrace;

/// How packets are lost.
///
/// Users type it as `0.02` or `2%` (each packet by itself), `burst:0.02` or
/// `burst:rate=0.02,length=4` (bursts of four packets on average), `burst:p=0.005,r=0.25` with
/// `good=` and `bad=` beside it (all four numbers of the model), `trace:FILE` (as a
/// [`LossTrace`] has them), and `none`. What `Display` writes is read back as the same model.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LossModel {
    /// Every packet arrives.
    #[default]
    None,
    /// Every packet has the same chance, whatever became of the others.
    Independent {
        /// Share of packets lost, 0 to 1.
        rate: f64,
    },
    /// Losses in bursts, as Gilbert and Elliott model them: the network is in a good or a bad state,
    /// each with its own share of losses, and changes between packets.
    Bursty {
        /// Chance that the good state turns bad before the next packet.
        p: f64,
        /// Chance that the bad state turns good before the next packet: it lasts 1/r packets on
        /// average.
        r: f64,
        /// Share of packets lost in the good state.
        good: f64,
        /// Share of packets lost in the bad state.
        bad: f64,
    },
    /// Losses as they are listed in a file, again from the start when the list ends.
    Trace(LossTrace),
}

impl LossModel {
    /// Bursts that lose every packet, `length` packets long on average, which lose a share of `rate`
    /// of all packets.
    pub fn bursts(rate: f64, length: f64) -> Result<Self> {
        share("rate", rate)?;
        if !(length >= 1.0 && length.is_finite()) {
            return Err(refused(
                format!("bursts cannot be {length} packets long"),
                "give a length of 1 or more",
            ));
        }
        let r = 1.0 / length;
        let p = if rate < 1.0 {
            rate * r / (1.0 - rate)
        } else {
            f64::INFINITY
        };
        if p > 1.0 {
            return Err(refused(
                format!("bursts of {length} packets cannot lose {rate} of all packets"),
                "give a lower rate or longer bursts",
            ));
        }
        Ok(LossModel::Bursty {
            p,
            r,
            good: 0.0,
            bad: 1.0,
        })
    }

    /// Whether no packet can be lost.
    pub fn is_none(&self) -> bool {
        match self {
            LossModel::None => true,
            LossModel::Independent { rate } => *rate <= 0.0,
            LossModel::Bursty { .. } => self.rate() <= 0.0,
            LossModel::Trace(trace) => trace.rate() <= 0.0,
        }
    }

    /// Share of packets lost in the long run.
    pub fn rate(&self) -> f64 {
        match self {
            LossModel::None => 0.0,
            LossModel::Independent { rate } => *rate,
            LossModel::Bursty { p, r, good, bad } => {
                let time_in_bad = bad_share(*p, *r);
                good * (1.0 - time_in_bad) + bad * time_in_bad
            }
            LossModel::Trace(trace) => trace.rate(),
        }
    }

    /// An error unless every number is one that the model can have.
    pub fn check(&self) -> Result<()> {
        match self {
            LossModel::None | LossModel::Trace(_) => Ok(()),
            LossModel::Independent { rate } => share("rate", *rate),
            LossModel::Bursty { p, r, good, bad } => {
                for (name, value) in [("p", p), ("r", r), ("good", good), ("bad", bad)] {
                    share(name, *value)?;
                }
                if p + r > 0.0 {
                    return Ok(());
                }
                Err(refused(
                    "a network that never changes has no bursts: p and r are both 0".into(),
                    "give a p or an r above 0",
                ))
            }
        }
    }

    /// One passage through such a network.
    pub fn channel(&self, seed: u64) -> Result<Channel> {
        self.check()?;
        Ok(Channel::new(self.clone(), seed))
    }
}

/// Share of the packets that meet the bad state, in the long run.
fn bad_share(p: f64, r: f64) -> f64 {
    if p + r > 0.0 { p / (p + r) } else { 0.0 }
}

fn share(name: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(refused(
        format!("a loss {name} of {value} is not a share"),
        "give a number from 0 to 1, as in 0.02, or a percentage, as in 2%",
    ))
}

fn refused(what: String, hint: &str) -> Error {
    Error::Unsupported {
        what,
        hint: Some(hint.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_are_told_by_rate_and_length() {
        let model = LossModel::bursts(0.02, 4.0).unwrap();
        let LossModel::Bursty { p, r, .. } = model else {
            panic!("{model:?}");
        };
        assert_eq!(r, 0.25);
        assert!((p - 0.005_102).abs() < 1e-6);
        assert!((model.rate() - 0.02).abs() < 1e-12);
        assert!(LossModel::bursts(0.0, 4.0).unwrap().is_none());
    }

    #[test]
    fn numbers_that_make_no_network_are_refused() {
        let bursty = |p, r, good, bad| LossModel::Bursty { p, r, good, bad };
        for model in [
            LossModel::Independent { rate: 1.01 },
            LossModel::Independent { rate: f64::NAN },
            bursty(-0.1, 0.5, 0.0, 1.0),
            bursty(0.1, 2.0, 0.0, 1.0),
            bursty(0.1, 0.5, f64::INFINITY, 1.0),
            bursty(0.0, 0.0, 0.0, 1.0),
        ] {
            let error = model.channel(1).map(drop).unwrap_err();
            assert!(error.hint().is_some(), "{error}");
        }
        for (rate, length) in [
            (0.02, 0.5),
            (0.02, f64::NAN),
            (1.5, 4.0),
            (1.0, 4.0),
            (0.9, 2.0),
        ] {
            assert!(LossModel::bursts(rate, length).is_err(), "{rate} {length}");
        }
    }
}
