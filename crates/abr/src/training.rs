//! Training of a policy: from a configuration and traces to a file, with trials on the way.

mod ground;

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::policy::Policy;
use crate::ppo::{Learnt, Ppo, Round};
use crate::statistics::mean;
use crate::trace::Part;

use self::ground::Ground;

/// What is trained, on what, and how: a TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the policy is called.
    pub name: String,
    /// P1, P2, or the file of a player.
    pub protocol: String,
    /// The seed of all chance.
    #[serde(default)]
    pub seed: u64,
    /// Folders of traces to learn from. Each is a family, of which as many episodes are drawn as of others;
    /// one that is named twice counts twice.
    pub train: Vec<PathBuf>,
    /// Factors by which the links of each of these folders are faster than measured; 1 where nothing is
    /// said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faster: Vec<f64>,
    /// Folders of traces that say when to stop; each is a set.
    pub valid: Vec<PathBuf>,
    /// The part of each of these folders that does so; all of it where nothing is said. The rest has no say
    /// in anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// A table of quality, by name or as a file. The policy then chooses tiers besides levels, and how much
    /// energy counts is told to it: each episode draws a weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// The device, for energy and enhancement.
    #[serde(default = "device")]
    pub device: String,
    /// With a table: the weights of energy, from 0 to 1, at which trials are made.
    #[serde(default = "preferences")]
    pub preferences: Vec<f64>,
    /// What to imitate at first, and how many times to go through its lessons.
    #[serde(default = "teacher")]
    pub teacher: String,
    /// Times through the lessons; with none, nobody is imitated.
    #[serde(default = "lessons")]
    pub lessons: usize,
    /// Steps to be learnt from.
    pub steps: u64,
    /// Rounds between trials.
    #[serde(default = "rounds")]
    pub rounds: usize,
    /// So many trials without a better one end the training.
    #[serde(default = "patience")]
    pub patience: usize,
    /// Links are made faster or slower at random, by a factor whose logarithm is at most this,
    #[serde(default)]
    pub stretch: f64,
    /// and this more where they are made slower.
    #[serde(default)]
    pub slower: f64,
    /// The share of episodes in which the link all but fails for a while.
    #[serde(default)]
    pub outages: f64,
    /// Delays are multiplied by a random number at most this far from 1 while the policy learns.
    #[serde(default)]
    pub noise: f64,
    /// What a second of stalling costs while the policy learns, where that is not what sessions are judged
    /// by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall: Option<f64>,
    /// How the policy learns.
    #[serde(default)]
    pub ppo: Ppo,
}

fn device() -> String {
    "phone-lte".into()
}

fn preferences() -> Vec<f64> {
    vec![0.0, 0.25, 0.5, 0.75, 1.0]
}

fn teacher() -> String {
    "robustmpc".into()
}

fn lessons() -> usize {
    10
}

fn rounds() -> usize {
    5
}

fn patience() -> usize {
    40
}

impl Config {
    /// A configuration from TOML.
    ///
    /// # Errors
    /// When it is none, or asks for what cannot be.
    pub fn parse(file: &str, text: &str) -> Result<Config, Error> {
        let config: Config =
            toml::from_str(text).map_err(|error| Error::setting(file, error.to_string()))?;
        let ppo = &config.ppo;
        let counts = [
            ppo.actors,
            ppo.horizon,
            ppo.epochs,
            ppo.batch,
            ppo.width,
            config.rounds,
        ];
        if counts.contains(&0) || config.steps == 0 {
            return Err(Error::setting(file, "a number of things that is 0"));
        }
        let rates = [
            ppo.rate,
            ppo.clip,
            ppo.longest,
            ppo.entropy.0,
            ppo.entropy.1,
        ];
        if !rates.iter().all(|it| it.is_finite() && *it > 0.0) {
            return Err(Error::setting(file, "a rate that is not above 0"));
        }
        if !(0.0..=2.0).contains(&config.stretch) || !(0.0..1.0).contains(&ppo.keep) {
            let reason =
                "a stretch that is not from 0 to 2, or a share to keep that is not below 1";
            return Err(Error::setting(file, reason));
        }
        if config.train.is_empty() || config.valid.is_empty() {
            return Err(Error::setting(
                file,
                "no traces to learn from, or none to try on",
            ));
        }
        let within = |value: f64, low: f64, high: f64| (low..=high).contains(&value);
        let shares = [
            ("slower", config.slower, 2.0),
            ("outages", config.outages, 1.0),
            ("noise", config.noise, 0.9),
        ];
        for (key, value, high) in shares {
            if !within(value, 0.0, high) {
                let reason = format!("{key} = {value}, not from 0 to {high}");
                return Err(Error::setting(file, reason));
            }
        }
        if config.stall.is_some_and(|stall| !within(stall, 0.0, 1e6)) {
            return Err(Error::setting(file, "a price of stalling that cannot be"));
        }
        let faster = &config.faster;
        let fits = faster.is_empty() || faster.len() == config.train.len();
        if !fits || !faster.iter().all(|it| within(*it, 1e-3, 1e3)) {
            let reason = "`faster` has a factor from 0.001 to 1000 for each folder of `train`";
            return Err(Error::setting(file, reason));
        }
        let weights = &config.preferences;
        if weights.is_empty() || !weights.iter().all(|it| within(*it, 0.0, 1.0)) {
            return Err(Error::setting(file, "preferences are weights from 0 to 1"));
        }
        Ok(config)
    }

    /// What trials compare with: in the words of a report.
    #[must_use]
    pub fn baseline(&self) -> &'static str {
        match self.quality {
            Some(_) => "the best rule",
            None => "RobustMPC",
        }
    }
}

/// How the policy did at a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// After so many steps.
    pub steps: u64,
    /// The mean score of each set; with a table, of `SET@WEIGHT` at each weight of energy.
    pub scores: Vec<(String, f64)>,
    /// The mean difference to RobustMPC of each; with a table, to that rule which is the best there: to
    /// RobustMPC alone, with each tier, with greedy enhancement, planning tiers, or minding energy.
    pub gains: Vec<f64>,
    /// The standard error of that.
    pub errors: Vec<f64>,
    /// The mean reward of an episode in training, before; 0 where none ended.
    pub reward: f64,
    /// How undecided the policy was, in nats.
    pub entropy: f64,
    /// Whether it was the best so far.
    pub best: bool,
}

impl Trial {
    /// What makes one trial better than another: gains in standard errors, their mean over the sets and the
    /// least of them. A set where the policy is surely better counts for more than one where it is by luck.
    #[must_use]
    pub fn value(&self) -> f64 {
        let pairs = self.gains.iter().zip(&self.errors);
        let sure: Vec<f64> = pairs.map(|(gain, error)| gain / (error + 1e-6)).collect();
        mean(&sure) + sure.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The gains of each set, in the mean over weights.
    #[must_use]
    pub fn by_set(&self) -> Vec<(&str, f64)> {
        let mut sets: Vec<(&str, Vec<f64>)> = Vec::new();
        for ((name, _), gain) in self.scores.iter().zip(&self.gains) {
            let set = name.rsplit_once('@').map_or(name.as_str(), |(set, _)| set);
            match sets.last_mut() {
                Some((last, gains)) if *last == set => gains.push(*gain),
                _ => sets.push((set, vec![*gain])),
            }
        }
        sets.iter()
            .map(|(set, gains)| (*set, mean(gains)))
            .collect()
    }
}

/// What a run leaves behind to go on from.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    config: Config,
    block: u64,
    learnt: Learnt,
    best: Policy,
    trials: Vec<Trial>,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The best policy.
    pub policy: Policy,
    /// Every trial.
    pub trials: Vec<Trial>,
    /// Whether it came to its end, and was not stopped.
    pub finished: bool,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Yes.
    On,
    /// No: what there is can be gone on from.
    Stop,
}

/// Trains a policy. With `resume`, a run in `folder` that was stopped goes on and gives what it would have
/// given unbroken. The folder gets `policy.json`, `trials.json` and a checkpoint.
///
/// # Errors
/// When traces cannot be read, things do not fit, or the folder cannot be written.
pub fn train(
    config: &Config,
    folder: &Path,
    resume: bool,
    tell: &mut dyn FnMut(&Trial) -> Go,
) -> Result<Trained, Error> {
    let ground = Ground::new(config)?;
    let mut learner = ground.learner(config);
    let checkpoint = folder.join("checkpoint.json");
    fs::create_dir_all(folder).map_err(|source| write_error(folder, source))?;
    let (mut block, mut trials) = (0, Vec::new());
    let mut best;
    if resume && checkpoint.is_file() {
        let text =
            fs::read_to_string(&checkpoint).map_err(|source| Error::read(&checkpoint, source))?;
        let name = checkpoint.display().to_string();
        let saved: Checkpoint = serde_json::from_str(&text)
            .map_err(|error| Error::setting(name.clone(), error.to_string()))?;
        if saved.config != *config {
            return Err(Error::setting(name, "it is of another configuration"));
        }
        learner.restore(saved.learnt);
        (block, trials, best) = (saved.block, saved.trials, saved.best);
    } else {
        let lessons = ground.lessons(config)?;
        for _ in 0..config.lessons {
            learner.imitate(&lessons, 1e-3);
        }
        let trial = ground.trial(config, &learner, Round::default(), &trials)?;
        best = ground.policy(config, &learner, &trial);
        tell(&trial);
        trials.push(trial);
    }
    let mut finished = false;
    loop {
        let since = trials.iter().rev().take_while(|trial| !trial.best).count();
        if learner.steps >= config.steps || since >= config.patience {
            finished = true;
            break;
        }
        block += 1;
        learner.begin(config.seed, block);
        let mut round = Round::default();
        for _ in 0..config.rounds {
            round = learner.round((learner.steps as f32 / config.steps as f32).min(1.0));
        }
        let trial = ground.trial(config, &learner, round, &trials)?;
        if trial.best {
            best = ground.policy(config, &learner, &trial);
        }
        let go = tell(&trial);
        trials.push(trial);
        let saved = Checkpoint {
            config: config.clone(),
            block,
            learnt: learner.learnt(),
            best: best.clone(),
            trials: trials.clone(),
        };
        write(
            &checkpoint,
            &serde_json::to_string(&saved).unwrap_or_default(),
        )?;
        if go == Go::Stop {
            break;
        }
    }
    write(&folder.join("policy.json"), &best.to_text())?;
    let text = serde_json::to_string_pretty(&trials).unwrap_or_default();
    write(&folder.join("trials.json"), &text)?;
    Ok(Trained {
        policy: best,
        trials,
        finished,
    })
}

fn write_error(path: &Path, source: std::io::Error) -> Error {
    Error::File {
        verb: "write",
        path: path.into(),
        source,
    }
}

/// Writes a file that is there whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let part = path.with_extension("part");
    fs::write(&part, text).map_err(|source| write_error(&part, source))?;
    fs::rename(&part, path).map_err(|source| write_error(path, source))
}

#[cfg(test)]
mod tests;
