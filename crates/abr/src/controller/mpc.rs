//! MPC and RobustMPC: the best plan for the next chunks if the rate stays what it was (Yin, Jindal, Sekar and
//! Sinopoli, SIGCOMM 2015).
//!
//! Every plan over the horizon is weighed, as by trying them all: plans that cannot reach the best any
//! more are cut off, and among equals the last in the order of their levels is taken, as published
//! programs do.

use super::rate::Recent;
use super::{Choice, Controller, Event, View};

/// What is planned.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Aim {
    /// Levels.
    Levels,
    /// Levels and tiers.
    Tiers,
    /// Levels, each in the tier that is worth most, where energy counts by this weight.
    Priced(f64),
}

/// What is done about errors of past predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// Nothing: MPC.
    Ignored,
    /// The prediction is divided by 1 and the worst of the last five: RobustMPC.
    OfSession,
    /// As before, and a session begins with the errors of the one before it, as in Pensieve's script.
    Carried,
}

/// MPC, with a harmonic mean of the last five rates.
#[derive(Clone, Debug)]
pub struct Mpc {
    errors: Errors,
    aim: Aim,
    recent: Recent,
    predicted: Option<f64>,
    worst: [f64; Recent::LENGTH],
    plan: Plan,
}

/// How many chunks a plan is long.
const HORIZON: usize = 5;

/// How many where tiers are chosen too, which makes many more plans.
const ENHANCED_HORIZON: usize = 3;

impl Mpc {
    /// Plans of levels.
    #[must_use]
    pub fn new(errors: Errors) -> Mpc {
        Mpc {
            errors,
            aim: Aim::Levels,
            recent: Recent::default(),
            predicted: None,
            worst: [0.0; Recent::LENGTH],
            plan: Plan::default(),
        }
    }

    /// Plans of levels and tiers.
    #[must_use]
    pub fn enhanced(errors: Errors) -> Mpc {
        Mpc {
            aim: Aim::Tiers,
            ..Mpc::new(errors)
        }
    }

    /// Plans of levels, each in the tier that is worth most now, less what the energy of radio and
    /// enhancement costs where it counts by `weight`.
    #[must_use]
    pub fn priced(errors: Errors, weight: f64) -> Mpc {
        Mpc {
            aim: Aim::Priced(weight),
            ..Mpc::new(errors)
        }
    }
}

impl Controller for Mpc {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let Some(harmonic) = self.recent.harmonic() else {
            return Choice::plain(0);
        };
        self.predicted = Some(harmonic);
        let worst = self.worst.iter().copied().fold(0.0, f64::max);
        let mbps = match self.errors {
            Errors::Ignored => harmonic,
            Errors::OfSession | Errors::Carried => harmonic / (1.0 + worst),
        };
        // Published programs reckon in megabytes: so do we, to the last bit.
        self.plan.best(view, (mbps, harmonic), self.aim)
    }

    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Begin => {
                self.recent = Recent::default();
                if self.errors != Errors::Carried {
                    self.worst = [0.0; Recent::LENGTH];
                    self.predicted = None;
                }
            }
            Event::Arrived(it) => {
                let rate = it.bytes / it.delay_ms / 1e3;
                let error = self
                    .predicted
                    .map_or(0.0, |guess| (guess - rate).abs() / rate);
                self.worst.rotate_left(1);
                self.worst[Recent::LENGTH - 1] = error;
                self.recent.push(rate);
            }
        }
    }
}

/// A search over plans. It allocates nothing after its first use.
#[derive(Clone, Debug, Default)]
struct Plan {
    /// Seconds that each level of each chunk takes.
    takes_s: Vec<f64>,
    /// Quality in thousandths of each level and tier.
    quality: Vec<f64>,
    /// What the energy of each level of each chunk costs, in thousandths of quality.
    costs: Vec<f64>,
    /// Seconds of work of each level and tier.
    work_s: Vec<f64>,
    tiers: usize,
    levels: usize,
    depth: usize,
    chunk_s: f64,
    rebuffer: f64,
    switch: f64,
    best_quality: f64,
    best: f64,
    choice: Option<Choice>,
}

/// A plan on its way.
#[derive(Clone, Copy)]
struct Node {
    at: usize,
    buffer_s: f64,
    backlog_s: f64,
    stall_s: f64,
    quality: f64,
    change: f64,
    before: f64,
    first: Choice,
}

impl Plan {
    /// The best choice now, by what the rate is in megabytes a second at worst, and by what it is as a rule.
    fn best(&mut self, view: &View<'_>, (worst, usual): (f64, f64), aim: Aim) -> Choice {
        let (horizon, tiers) = match aim {
            Aim::Tiers => (ENHANCED_HORIZON, view.terms.tiers()),
            Aim::Levels | Aim::Priced(_) => (HORIZON, 1),
        };
        self.depth = horizon.min(view.chunks() - view.chunk);
        self.levels = view.mbps().len();
        self.tiers = tiers;
        self.chunk_s = view.chunk_ms() / 1e3;
        (self.rebuffer, self.switch) = (view.terms.rebuffer, view.terms.switch);
        self.takes_s.clear();
        for chunk in view.chunk..view.chunk + self.depth {
            let sizes = view.sizes(chunk).iter();
            self.takes_s.extend(sizes.map(|bytes| bytes / 1e6 / worst));
        }
        let joule = match aim {
            Aim::Priced(weight) => weight * view.terms.joule,
            Aim::Levels | Aim::Tiers => 0.0,
        };
        let tier_of = |level: usize| match aim {
            Aim::Priced(_) => view.best_tier(level, joule),
            Aim::Levels | Aim::Tiers => 0,
        };
        self.costs.clear();
        for chunk in view.chunk..view.chunk + self.depth {
            // The display is lit as long whatever is chosen, but for stalls.
            self.costs.extend((0..self.levels).map(|level| {
                let bytes = view.sizes(chunk)[level];
                let fetched = view.device.fetch_joules(bytes, bytes / 1e3 / usual);
                let enhanced = view.enhance_joules(level, tier_of(level));
                joule * (fetched + enhanced) * 1e3
            }));
        }
        self.quality.clear();
        self.work_s.clear();
        for level in 0..self.levels {
            for tier in 0..self.tiers {
                let work_ms = view.device.work_ms(view.chunk_ms(), level, tier);
                let shown = match aim {
                    Aim::Tiers => tier,
                    Aim::Levels | Aim::Priced(_) => tier_of(level),
                };
                self.quality
                    .push(thousandths(view.terms.quality(level, shown)));
                self.work_s.push(work_ms / 1e3);
            }
        }
        self.best_quality = self.quality.iter().copied().fold(f64::MIN, f64::max);
        (self.best, self.choice) = (f64::MIN, None);
        let before = view
            .last_quality
            .unwrap_or(view.terms.quality(view.last_level, 0));
        self.search(Node {
            at: 0,
            buffer_s: view.buffer_ms / 1e3,
            backlog_s: view.backlog_ms / 1e3,
            stall_s: 0.0,
            quality: 0.0,
            change: 0.0,
            before: thousandths(before),
            first: Choice::plain(0),
        });
        let choice = self.choice.unwrap_or(Choice::plain(0));
        match aim {
            Aim::Priced(_) => Choice {
                level: choice.level,
                tier: tier_of(choice.level),
            },
            Aim::Levels | Aim::Tiers => choice,
        }
    }

    fn value(&self, quality: f64, stall_s: f64, change: f64) -> f64 {
        quality / 1e3 - self.rebuffer * stall_s - self.switch * change / 1e3
    }

    /// Goes on from a node: higher levels first, so that of equals the first found stands.
    fn search(&mut self, node: Node) {
        if node.at == self.depth {
            let value = self.value(node.quality, node.stall_s, node.change);
            if value > self.best {
                (self.best, self.choice) = (value, Some(node.first));
            }
            return;
        }
        let left = (self.depth - node.at - 1) as f64;
        for level in (0..self.levels).rev() {
            let takes = self.takes_s[node.at * self.levels + level];
            for tier in 0..self.tiers {
                let index = level * self.tiers + tier;
                let (mut stall_s, mut buffer_s) = (node.stall_s, node.buffer_s);
                if buffer_s < takes {
                    stall_s += takes - buffer_s;
                    buffer_s = 0.0;
                } else {
                    buffer_s -= takes;
                }
                buffer_s += self.chunk_s;
                let mut backlog_s = 0.0;
                if self.tiers > 1 {
                    backlog_s = (node.backlog_s - takes).max(0.0) + self.work_s[index];
                    if tier > 0 && backlog_s > buffer_s {
                        continue;
                    }
                }
                let cost = self.costs[node.at * self.levels + level];
                let quality = node.quality + self.quality[index] - cost;
                let change = node.change + (self.quality[index] - node.before).abs();
                // What the rest can bring at most, with a little for rounding.
                let most = self.value(quality + left * self.best_quality, stall_s, change);
                if most + 1e-9 < self.best {
                    continue;
                }
                self.search(Node {
                    at: node.at + 1,
                    buffer_s,
                    backlog_s,
                    stall_s,
                    quality,
                    change,
                    before: self.quality[index],
                    first: match node.at {
                        0 => Choice { level, tier },
                        _ => node.first,
                    },
                });
            }
        }
    }
}

/// Rates in kbit/s are whole numbers, whose sums are exact.
fn thousandths(quality: f64) -> f64 {
    let milli = quality * 1e3;
    match (milli - milli.round()).abs() < 1e-6 {
        true => milli.round(),
        false => milli,
    }
}
