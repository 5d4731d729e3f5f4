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
use crate::policy::{self, Learned, Policy};
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
    /// The tier in which the last chunk will be shown.
    pub last_tier: usize,
    /// The quality in which the last chunk will be shown.
    pub last_quality: Option<f64>,
    /// What the session took from the battery so far.
    pub spent_j: f64,
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

    /// Whether a level and a tier make sense together: there may be time for it, and it gains something.
    #[must_use]
    pub fn is_possible(&self, level: usize, tier: usize) -> bool {
        let gains = self.terms.quality(level, tier) > self.terms.quality(level, 0);
        tier == 0 || (gains && self.may_enhance(level, tier))
    }

    /// The tier of a level that is worth most where a joule costs so much. Of equals the first: what gains
    /// nothing is not worth its energy.
    #[must_use]
    pub fn best_tier(&self, level: usize, joule: f64) -> usize {
        let possible = (0..self.terms.tiers()).filter(|tier| self.is_possible(level, *tier));
        let worth =
            |tier| self.terms.quality(level, tier) - joule * self.enhance_joules(level, tier);
        possible.fold(0, |best, tier| match worth(tier) > worth(best) {
            true => tier,
            false => best,
        })
    }

    /// What it takes to enhance a chunk of a level in a tier.
    #[must_use]
    pub fn enhance_joules(&self, level: usize, tier: usize) -> f64 {
        let work_ms = self.device.work_ms(self.chunk_ms(), level, tier);
        self.device.enhance_joules(work_ms, tier)
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
    /// `robustmpc-priced`, and how much energy counts for it: `robustmpc-priced@WEIGHT`
    RobustMpcPriced(f64),
    /// `oracle`
    Oracle,
    /// A policy that comes with the crate or is in a file, and how much energy counts for it: `NAME`, `FILE`
    /// or `FILE@WEIGHT`
    Policy(Arc<Policy>, f64),
    /// `NAME+greedy` or `NAME+TIER`
    With(Box<Kind>, Rule),
}

impl Kind {
    /// Names of controllers, for messages and help.
    pub const NAMES: &'static str = "fixed:LEVEL, rate, bb, bola, bola-e, throughput, dynamic, mpc, \
        robustmpc, robustmpc-carried, robustmpc-enhanced, robustmpc-priced@WEIGHT, oracle, abr-p1, abr-p2, \
        abr-energy@WEIGHT, files of policies as FILE or FILE@WEIGHT, and NAME+greedy or NAME+TIER";

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
        let (plain, weight) = match name.rsplit_once('@') {
            Some((plain, weight)) => (plain, weight.parse::<f64>().map_err(|_| unknown())?),
            None => (name, 0.0),
        };
        if !(0.0..=1.0).contains(&weight) {
            return Err(Error::setting(
                name,
                "energy counts by a weight from 0 to 1",
            ));
        }
        if plain.ends_with(".json") {
            let policy = Policy::read(Path::new(plain))?;
            return Ok(Kind::Policy(Arc::new(policy), weight));
        }
        if policy::BUILT_IN.iter().any(|(known, _)| *known == plain) {
            let policy = Policy::named(plain)?;
            return Ok(Kind::Policy(Arc::new(policy), weight));
        }
        if plain == "robustmpc-priced" {
            return Ok(Kind::RobustMpcPriced(weight));
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

    /// The same where energy counts by another weight; none where it counts for nothing anyway.
    #[must_use]
    pub fn at(&self, weight: f64) -> Option<Kind> {
        match self {
            Kind::RobustMpcPriced(_) => Some(Kind::RobustMpcPriced(weight)),
            Kind::Policy(policy, _) if policy.card.tiers > 1 => {
                Some(Kind::Policy(Arc::clone(policy), weight))
            }
            _ => None,
        }
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
            Kind::RobustMpcPriced(weight) => Box::new(Mpc::priced(Errors::OfSession, *weight)),
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
            Rule::Greedy => view.best_tier(level, 0.0),
        };
        Choice { level, tier }
    }

    fn observe(&mut self, event: &Event<'_>) {
        self.inner.observe(event);
    }
}

#[cfg(test)]
mod tests;
