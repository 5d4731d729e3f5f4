//! Policies: trained networks that decide, as files with a card.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::controller::{Choice, Controller, Event, View};
use crate::environment::Memory;
use crate::error::one_line;
use crate::network::{Network, Pass};
use crate::video::ladder_text;
use crate::{Error, Kbps, Video};

/// The form of policies that this version writes and reads.
const SCHEMA: u32 = 1;

/// What a policy is, where it comes from, and how good it was found to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The form of the file.
    pub schema: u32,
    /// What it is called.
    pub name: String,
    /// The protocol that it was trained for.
    pub protocol: String,
    /// The ladder that it chooses from, as the video says it.
    pub ladder_kbps: Vec<Kbps>,
    /// How many tiers it chooses from, with none.
    pub tiers: usize,
    /// The configuration of its training, as TOML.
    pub training: String,
    /// The seed of its training.
    pub seed: u64,
    /// After how many steps of training it was kept.
    pub steps: u64,
    /// Its mean score on the traces that decided when to stop, set by set.
    pub valid: Vec<(String, f64)>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// What it is.
    pub card: Card,
    /// What it decides with.
    pub network: Network,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// When the file cannot be read, or is no sound policy.
    pub fn read(path: &Path) -> Result<Policy, Error> {
        let text = fs::read_to_string(path).map_err(|source| Error::read(path, source))?;
        Policy::parse(&path.display().to_string(), &text)
    }

    /// A policy from the text of a file.
    ///
    /// # Errors
    /// When it is no sound policy.
    pub fn parse(file: &str, text: &str) -> Result<Policy, Error> {
        let policy: Policy = serde_json::from_str(text)
            .map_err(|error| Error::setting(file, one_line(&error.to_string())))?;
        let card = &policy.card;
        if card.schema > SCHEMA {
            let reason = format!(
                "a policy of form {}, and {SCHEMA} is the newest known",
                card.schema
            );
            return Err(Error::setting(file, reason));
        }
        let (levels, tiers) = (card.ladder_kbps.len(), card.tiers);
        let inputs = Memory::width(levels, tiers);
        let outputs = levels + if tiers > 1 { tiers } else { 0 };
        let network = &policy.network;
        let fits = network.is_sound() && network.inputs() == inputs && network.outputs() == outputs;
        if levels == 0 || tiers == 0 || !fits {
            return Err(Error::setting(
                file,
                "its network and its card do not fit together",
            ));
        }
        Ok(policy)
    }

    /// The policy as the text of a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Numbers and words: nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The newest form.
    #[must_use]
    pub fn schema() -> u32 {
        SCHEMA
    }

    /// Refuses a policy for another ladder.
    ///
    /// # Errors
    /// Names both ladders.
    pub fn check(&self, video: &Video, tiers: usize) -> Result<(), Error> {
        if self.card.ladder_kbps != video.ladder() {
            return Err(Error::OtherLadder {
                file: self.card.name.clone(),
                policy: ladder_text(&self.card.ladder_kbps),
                video: video.name().into(),
                found: ladder_text(video.ladder()),
            });
        }
        if self.card.tiers != tiers {
            let reason = format!(
                "a policy for {} tiers, and there are {tiers}",
                self.card.tiers
            );
            return Err(Error::setting(&self.card.name, reason));
        }
        Ok(())
    }
}

/// A controller that asks a policy, always for what it thinks best.
#[derive(Clone, Debug)]
pub struct Learned {
    policy: Arc<Policy>,
    weight: f64,
    memory: Memory,
    seen: Vec<f32>,
    pass: Pass,
}

impl Learned {
    /// A controller; energy counts by `weight`.
    #[must_use]
    pub fn new(policy: Arc<Policy>, weight: f64) -> Learned {
        Learned {
            policy,
            weight,
            memory: Memory::default(),
            seen: Vec::new(),
            pass: Pass::default(),
        }
    }
}

impl Controller for Learned {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        self.seen.clear();
        self.memory.look(view, self.weight, &mut self.seen);
        let out = self.policy.network.forward(&self.seen, &mut self.pass);
        let (levels, tiers) = out.split_at(view.mbps().len());
        let best = |values: &[f32], may: &dyn Fn(usize) -> bool| {
            let possible = (0..values.len()).filter(|at| may(*at));
            possible
                .max_by(|a, b| values[*a].total_cmp(&values[*b]))
                .unwrap_or(0)
        };
        let level = best(levels, &|_| true);
        Choice {
            level,
            tier: best(tiers, &|tier| view.may_enhance(level, tier)),
        }
    }

    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Begin => self.memory = Memory::default(),
            Event::Arrived(it) => self.memory.push(it, 0, 0.0),
        }
    }
}
