//! Policies: trained networks that decide, as files with a card.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::controller::{Choice, Controller, Event, View};
use crate::environment::{Memory, possible};
use crate::network::{Network, Pass};
use crate::video::ladder_text;
use crate::{Error, Kbps, Video, built_in};

/// The form of policies that this version writes and reads. Those of the form 1 saw less.
const SCHEMA: u32 = 2;

/// The policies that come with the crate, by name: what `configs/` of the same names made.
pub const BUILT_IN: [(&str, &str); 3] = [
    ("abr-p1", include_str!("../../../models/abr-p1.json")),
    ("abr-p2", include_str!("../../../models/abr-p2.json")),
    (
        "abr-energy",
        include_str!("../../../models/abr-energy.json"),
    ),
];

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

    /// A policy that comes with the crate, see [`BUILT_IN`].
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn named(name: &str) -> Result<Policy, Error> {
        let text = built_in::text("policy", name, &BUILT_IN)?;
        Policy::parse(name, text)
    }

    /// A policy from the text of a file.
    ///
    /// # Errors
    /// When it is no sound policy.
    pub fn parse(file: &str, text: &str) -> Result<Policy, Error> {
        let policy: Policy =
            serde_json::from_str(text).map_err(|error| Error::policy(file, error.to_string()))?;
        let card = &policy.card;
        if card.schema != SCHEMA {
            let reason = format!(
                "a policy of form {}, and this nervure plays those of form {SCHEMA}: train it again",
                card.schema
            );
            return Err(Error::policy(file, reason));
        }
        let (levels, tiers) = (card.ladder_kbps.len(), card.tiers);
        let inputs = Memory::width(levels, tiers);
        let outputs = levels * tiers;
        let network = &policy.network;
        let fits = network.is_sound() && network.inputs() == inputs && network.outputs() == outputs;
        if levels == 0 || tiers == 0 || !fits {
            return Err(Error::policy(
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
    possible: Vec<bool>,
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
            possible: Vec::new(),
            pass: Pass::default(),
        }
    }
}

impl Controller for Learned {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        self.seen.clear();
        self.memory.look(view, self.weight, &mut self.seen);
        let out = self.policy.network.forward(&self.seen, &mut self.pass);
        possible(view, &mut self.possible);
        let best = (0..out.len())
            .filter(|at| self.possible[*at])
            .max_by(|a, b| out[*a].total_cmp(&out[*b]))
            .unwrap_or(0);
        let tiers = view.terms.tiers();
        Choice {
            level: best / tiers,
            tier: best % tiers,
        }
    }

    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Begin => self.memory = Memory::default(),
            Event::Arrived(it) => self.memory.push(it),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::Kind;
    use crate::energy::Device;
    use crate::qoe::Terms;
    use crate::quality::QualityTable;
    use crate::session::{Setting, play_all};
    use crate::trace::Markov;
    use crate::{Player, Simulator};

    /// What a shipped policy scores on generated links that nobody trained it on, beside a rule.
    fn scores(name: &str, link: &Markov, weight: f64, rule: &str) -> (f64, f64) {
        let policy = Policy::named(name).unwrap();
        assert_eq!(policy.card.name, name);
        assert!(!policy.card.training.is_empty() && !policy.card.valid.is_empty());
        let player = Player::find(&policy.card.protocol).unwrap();
        let video = Video::find(&player.video).unwrap();
        let links: Vec<Simulator> = (0..12)
            .map(|seed| link.generate(seed, 320.0).unwrap())
            .map(|trace| Simulator::new(&trace, &video, &player).unwrap())
            .collect();
        let setting = match policy.card.tiers {
            1 => Setting {
                terms: Terms::linear(&links[0]),
                device: Device::named("phone-lte").unwrap(),
            },
            _ => {
                let table = QualityTable::named("nervure").unwrap();
                let device = Device::named("phone-lte-nervure").unwrap();
                Setting {
                    terms: table.terms(video.name(), video.ladder()).unwrap(),
                    device: device.with_tiers(&table.tiers).unwrap(),
                }
            }
        };
        let mean = |kind: &Kind| {
            let parts = play_all(&links, &setting, kind, 0).unwrap();
            let worth = parts.iter().map(|it| it.worth(&setting.terms, weight));
            worth.sum::<f64>() / links.len() as f64
        };
        let own = mean(&Kind::parse(&format!("{name}@{weight}")).unwrap());
        (own, mean(&Kind::parse(rule).unwrap()))
    }

    #[test]
    fn shipped_policies_are_what_their_names_say_and_better_than_rules() {
        let (slow, fast) = (Markov::between(0.3, 5.0, 6), Markov::between(2.0, 60.0, 6));
        for (name, link, weight, rule) in [
            ("abr-p1", &slow, 0.0, "bb"),
            ("abr-p2", &fast, 0.0, "bb"),
            ("abr-energy", &slow, 0.0, "robustmpc+1"),
            ("abr-energy", &slow, 1.0, "robustmpc+1"),
        ] {
            let (own, other) = scores(name, link, weight, rule);
            assert!(own > other, "{name}@{weight}: {own}, and {rule} {other}");
        }
        let mut old = Policy::named("abr-p1").unwrap();
        old.card.schema = 1;
        let told = Policy::parse("old.json", &old.to_text())
            .unwrap_err()
            .to_string();
        assert!(told.contains("old.json: a policy of form 1"), "{told}");
        let told = Policy::named("abr-p9").unwrap_err().to_string();
        assert!(told.contains("abr-p1, abr-p2, abr-energy"), "{told}");
    }
}
