//! Controllers: what decides at which level the next chunk comes, and how it is enhanced.

mod bola;
mod buffer;
mod dash;
mod mpc;
mod oracle;
mod rate;

use std::path::Path;
use std::sync::Arc;

use crate::energy::{Device, Enhancer};
use crate::policy::{Learned, Policy};
use crate::qoe::Terms;
use crate::session::Setting;
use crate::{Delivery, Error, Simulator};

pub use bola::{Bola, BolaE};
pub use buffer::BufferBased;
pub use dash::{Dynamic, Throughput};
pub use mpc::{Errors, Mpc};
pub use oracle::{Oracle, Plan};
pub use rate::{Fixed, RateBased};

/// What a controller may know when it decides. It does not hold the link.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(crate) simulator: &'a Simulator,
    /// What counts.
    pub terms: &'a Terms,
    /// What it runs on.
    pub device: &'a Device,
    /// Which chunk is next.
    pub chunk: usize,
    /// How much video is there to be played.
    pub buffer_ms: f64,
    /// How long the device has still to enhance.
    pub backlog_ms: f64,
    /// The level of the last chunk.
    pub last_level: usize,
    /// The quality in which the last chunk will be shown.
    pub last_quality: Option<f64>,
}

impl View<'_> {
    /// The sizes of a chunk in bytes, the lowest level first.
    #[must_use]
    pub fn sizes(&self, chunk: usize) -> &[f64] {
        self.simulator.video().sizes(chunk)
    }

    /// What the levels count as, in Mbit/s.
    #[must_use]
    pub fn mbps(&self) -> &[f64] {
        self.simulator.mbps()
    }

    /// How many chunks there are.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.simulator.chunks()
    }

    /// How long a chunk plays.
    #[must_use]
    pub fn chunk_ms(&self) -> f64 {
        self.simulator.video().chunk_ms()
    }

    /// Above this much video the player waits.
    #[must_use]
    pub fn buffer_cap_ms(&self) -> f64 {
        self.simulator.player().buffer_cap_ms
    }

    /// The highest level at most this fast; the lowest where none is.
    #[must_use]
    pub fn level_below(&self, mbps: f64) -> usize {
        let below = self.mbps().iter().rposition(|rate| *rate <= mbps);
        below.unwrap_or(0)
    }

    /// Whether there may be time to enhance the next chunk.
    #[must_use]
    pub fn may_enhance(&self, level: usize, tier: usize) -> bool {
        let enhancer = Enhancer {
            backlog_ms: self.backlog_ms,
        };
        enhancer.may(self.device, self.buffer_ms, self.chunk_ms(), (level, tier))
    }
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The level of the next chunk.
    pub level: usize,
    /// The tier in which it is to be enhanced; the first is none.
    pub tier: usize,
}

impl Choice {
    /// A level, without enhancement.
    #[must_use]
    pub fn plain(level: usize) -> Choice {
        Choice { level, tier: 0 }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A session begins.
    Begin,
    /// A chunk has come.
    Arrived(&'a Delivery),
}

/// What decides. The first chunk is not asked for: it comes at the player's first level.
pub trait Controller {
    /// Decides about the next chunk.
    fn choose(&mut self, view: &View<'_>) -> Choice;

    /// Learns what happened.
    fn observe(&mut self, event: &Event<'_>);
}

/// What is done about enhancement by a controller that knows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The same tier for all chunks.
    Fixed(usize),
    /// The best there may be time for.
    Greedy,
}

/// A kind of controller, by name.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `fixed:LEVEL`
    Fixed(usize),
    /// `rate`
    Rate,
    /// `bb`
    Buffer,
    /// `bola`
    Bola,
    /// `bola-e`
    BolaE,
    /// `throughput`
    Throughput,
    /// `dynamic`
    Dynamic,
    /// `mpc`
    Mpc,
    /// `robustmpc`
    RobustMpc,
    /// `robustmpc-carried`
    RobustMpcCarried,
    /// `robustmpc-enhanced`
    RobustMpcEnhanced,
    /// `oracle`
    Oracle,
    /// A file of a policy, and how much energy counts for it: `FILE` or `FILE@WEIGHT`
    Policy(Arc<Policy>, f64),
    /// `NAME+greedy` or `NAME+TIER`
    With(Box<Kind>, Rule),
}

impl Kind {
    /// Names of controllers, for messages and help.
    pub const NAMES: &'static str = "fixed:LEVEL, rate, bb, bola, bola-e, throughput, dynamic, mpc, \
        robustmpc, robustmpc-carried, robustmpc-enhanced, oracle, files of policies, and NAME+greedy or NAME+TIER";

    /// The controller of a name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(name: &str) -> Result<Kind, Error> {
        Kind::parse_with(name, &[])
    }

    /// The controller of a name, in which tiers may be called by theirs.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse_with(name: &str, tiers: &[String]) -> Result<Kind, Error> {
        let unknown = || Error::Unknown {
            kind: "controller",
            name: name.into(),
            known: Kind::NAMES.into(),
        };
        if let Some((inner, rule)) = name.rsplit_once('+') {
            let rule = match rule {
                "greedy" => Rule::Greedy,
                tier => {
                    let called = tiers.iter().position(|it| it == tier);
                    let number = called.or_else(|| tier.parse().ok());
                    Rule::Fixed(number.ok_or_else(|| Error::NoTier {
                        controller: name.into(),
                        tier: tier.into(),
                        known: match tiers.is_empty() {
                            true => "none without a table".into(),
                            false => tiers.join(", "),
                        },
                    })?)
                }
            };
            return Ok(Kind::With(Box::new(Kind::parse(inner)?), rule));
        }
        let (file, weight) = match name.rsplit_once('@') {
            Some((file, weight)) => (file, weight.parse().map_err(|_| unknown())?),
            None => (name, 0.0),
        };
        if file.ends_with(".json") {
            let policy = Policy::read(Path::new(file))?;
            return Ok(Kind::Policy(Arc::new(policy), weight));
        }
        if let Some(level) = name.strip_prefix("fixed:") {
            return level.parse().map(Kind::Fixed).map_err(|_| unknown());
        }
        Ok(match name {
            "rate" => Kind::Rate,
            "bb" => Kind::Buffer,
            "bola" => Kind::Bola,
            "bola-e" => Kind::BolaE,
            "throughput" => Kind::Throughput,
            "dynamic" => Kind::Dynamic,
            "mpc" => Kind::Mpc,
            "robustmpc" => Kind::RobustMpc,
            "robustmpc-carried" => Kind::RobustMpcCarried,
            "robustmpc-enhanced" => Kind::RobustMpcEnhanced,
            "oracle" => Kind::Oracle,
            _ => return Err(unknown()),
        })
    }

    /// Whether it takes what it remembers of one session into the next.
    #[must_use]
    pub fn carries(&self) -> bool {
        match self {
            Kind::RobustMpcCarried => true,
            Kind::With(inner, _) => inner.carries(),
            _ => false,
        }
    }

    /// A controller for sessions on a simulator.
    ///
    /// # Errors
    /// When it does not fit: a level or a tier that is not there.
    pub fn make(
        &self,
        simulator: &Simulator,
        setting: &Setting,
    ) -> Result<Box<dyn Controller>, Error> {
        let tiers = setting.terms.tiers();
        Ok(match self {
            Kind::Fixed(level) => {
                let levels = simulator.video().levels();
                if *level >= levels {
                    let reason = format!("the highest level is {}", levels - 1);
                    return Err(Error::setting(format!("fixed:{level}"), reason));
                }
                Box::new(Fixed { level: *level })
            }
            Kind::Rate => Box::new(RateBased::default()),
            Kind::Buffer => Box::new(BufferBased::default()),
            Kind::Bola => Box::new(Bola::default()),
            Kind::BolaE => Box::new(BolaE::default()),
            Kind::Throughput => Box::new(Throughput::default()),
            Kind::Dynamic => Box::new(Dynamic::default()),
            Kind::Mpc => Box::new(Mpc::new(Errors::Ignored)),
            Kind::RobustMpc => Box::new(Mpc::new(Errors::OfSession)),
            Kind::RobustMpcCarried => Box::new(Mpc::new(Errors::Carried)),
            Kind::RobustMpcEnhanced => Box::new(Mpc::enhanced(Errors::OfSession)),
            Kind::Oracle => Box::new(Oracle::new(simulator, setting)),
            Kind::Policy(policy, weight) => {
                policy.check(simulator.video(), tiers)?;
                Box::new(Learned::new(Arc::clone(policy), *weight))
            }
            Kind::With(inner, rule) => {
                if let Rule::Fixed(tier) = rule
                    && *tier >= tiers
                {
                    return Err(Error::NoTier {
                        controller: "a controller with enhancement".into(),
                        tier: tier.to_string(),
                        known: format!("0 to {}", tiers - 1),
                    });
                }
                Box::new(With {
                    inner: inner.make(simulator, setting)?,
                    rule: *rule,
                })
            }
        })
    }
}

/// A controller with a rule about enhancement beside it.
struct With {
    inner: Box<dyn Controller>,
    rule: Rule,
}

impl Controller for With {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let level = self.inner.choose(view).level;
        let tier = match self.rule {
            Rule::Fixed(tier) => tier,
            Rule::Greedy => {
                let possible =
                    (0..view.terms.tiers()).filter(|tier| view.may_enhance(level, *tier));
                let quality = |tier: usize| view.terms.quality(level, tier);
                // Of equals the first: what gains nothing is not worth its energy.
                possible.fold(0, |best, tier| match quality(tier) > quality(best) {
                    true => tier,
                    false => best,
                })
            }
        };
        Choice { level, tier }
    }

    fn observe(&mut self, event: &Event<'_>) {
        self.inner.observe(event);
    }
}

#[cfg(test)]
mod tests;
