//! Training of a policy: from a configuration and traces to a file, with trials on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::controller::{Choice, Controller, Event, Kind, View};
use crate::energy::Device;
use crate::environment::{Course, Full, Memory};
use crate::policy::{Card, Policy};
use crate::ppo::{Learner, Learnt, Lesson, Ppo, Round};
use crate::qoe::Terms;
use crate::session::{Setting, play, play_all};
use crate::statistics::mean;
use crate::trace::read_folder;
use crate::{Error, Player, Simulator, Trace, Video};

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
    /// Folders of traces that say when to stop; each is a set.
    pub valid: Vec<PathBuf>,
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
    /// Links are made faster or slower at random, by a factor whose logarithm is at most this.
    #[serde(default)]
    pub stretch: f64,
    /// How the policy learns.
    #[serde(default)]
    pub ppo: Ppo,
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
        Ok(config)
    }
}

/// How the policy did at a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// After so many steps.
    pub steps: u64,
    /// The mean score of each set.
    pub scores: Vec<(String, f64)>,
    /// The mean difference to RobustMPC of each set.
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

/// Where a policy learns and is tried.
struct Ground {
    course: Arc<Course>,
    /// The same links from their beginning, for lessons.
    orderly: Vec<Simulator>,
    video: Video,
    player: Player,
    setting: Setting,
    /// For each set its name, its links, and what RobustMPC scores on each.
    valid: Vec<(String, Vec<Simulator>, Vec<f64>)>,
}

impl Ground {
    fn new(config: &Config) -> Result<Ground, Error> {
        let player = Player::find(&config.protocol)?;
        let video = Video::find(&player.video)?;
        let anywhere = Player {
            random_start: true,
            ..player.clone()
        };
        let on = |player: &Player, traces: &[Trace]| -> Result<Vec<Simulator>, Error> {
            let each = traces
                .iter()
                .map(|trace| Simulator::new(trace, &video, player));
            each.collect()
        };
        let (mut families, mut orderly) = (Vec::new(), Vec::new());
        for folder in &config.train {
            let traces = read_folder(folder, None)?;
            let starts = on(&player, &traces)?;
            // Half of the episodes begin where sessions are judged from, the others anywhere.
            families.push([&on(&anywhere, &traces)?[..], &starts].concat());
            orderly.extend(starts);
        }
        let setting = Setting {
            terms: Terms::linear(&orderly[0]),
            device: Device::named("phone-lte")?,
        };
        let mut valid = Vec::new();
        for folder in &config.valid {
            let name = folder.file_name().unwrap_or_default();
            let links = on(&player, &read_folder(folder, None)?)?;
            let parts = play_all(&links, &setting, &Kind::RobustMpc, 0)?;
            let scores = parts.iter().map(|it| it.qoe).collect();
            valid.push((name.to_string_lossy().into_owned(), links, scores));
        }
        Ok(Ground {
            orderly,
            course: Arc::new(Course {
                families,
                stretch: config.stretch,
                setting: setting.clone(),
                joule_price: 0.0,
            }),
            video,
            player,
            setting,
            valid,
        })
    }

    fn learner(&self, config: &Config) -> Learner {
        let course = Arc::clone(&self.course);
        Learner::new(&config.ppo, config.seed, &move || {
            Box::new(Full::new(Arc::clone(&course)))
        })
    }

    /// What the teacher does on every link that is learnt from.
    fn lessons(&self, config: &Config) -> Result<Vec<Lesson>, Error> {
        let kind = Kind::parse(&config.teacher)?;
        let mut lessons = Vec::new();
        if config.lessons == 0 {
            return Ok(lessons);
        }
        for simulator in &self.orderly {
            let mut pupil = Pupil {
                teacher: kind.make(simulator, &self.setting)?,
                memory: Memory::default(),
                lessons: Vec::new(),
            };
            play(
                simulator,
                &self.setting,
                &mut pupil,
                config.seed,
                &mut |_| {},
            );
            lessons.append(&mut pupil.lessons);
        }
        Ok(lessons)
    }

    fn policy(&self, config: &Config, learner: &Learner, trial: &Trial) -> Policy {
        Policy {
            card: Card {
                schema: Policy::schema(),
                name: config.name.clone(),
                protocol: self.player.name.clone(),
                ladder_kbps: self.video.ladder().to_vec(),
                tiers: self.setting.terms.tiers(),
                training: toml::to_string(config).unwrap_or_default(),
                seed: config.seed,
                steps: trial.steps,
                valid: trial.scores.clone(),
            },
            network: learner.average.clone(),
        }
    }

    fn trial(
        &self,
        config: &Config,
        learner: &Learner,
        round: Round,
        before: &[Trial],
    ) -> Result<Trial, Error> {
        let mut trial = Trial {
            steps: learner.steps,
            scores: Vec::new(),
            gains: Vec::new(),
            errors: Vec::new(),
            reward: if round.reward.is_finite() {
                round.reward
            } else {
                0.0
            },
            entropy: round.entropy,
            best: false,
        };
        let policy = Arc::new(self.policy(config, learner, &trial));
        for (name, links, baseline) in &self.valid {
            let parts = play_all(
                links,
                &self.setting,
                &Kind::Policy(Arc::clone(&policy), 0.0),
                0,
            )?;
            let scores: Vec<f64> = parts.iter().map(|it| it.qoe).collect();
            let gains: Vec<f64> = scores.iter().zip(baseline).map(|(a, b)| a - b).collect();
            trial.scores.push((name.clone(), mean(&scores)));
            trial.gains.push(mean(&gains));
            trial.errors.push(standard_error(&gains));
        }
        let value = trial.value();
        trial.best = before.iter().all(|it| it.value() < value);
        Ok(trial)
    }
}

/// The standard error of a mean.
fn standard_error(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|it| (it - mean).powi(2)).sum();
    let count = values.len() as f64;
    (squares / (count - 1.0).max(1.0) / count).sqrt()
}

/// Writes down what a teacher does, and what it could see.
struct Pupil {
    teacher: Box<dyn Controller>,
    memory: Memory,
    lessons: Vec<Lesson>,
}

impl Controller for Pupil {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let choice = self.teacher.choose(view);
        let mut seen = Vec::new();
        self.memory.look(view, 0.0, &mut seen);
        let action = match view.terms.tiers() {
            1 => vec![choice.level],
            _ => vec![choice.level, choice.tier],
        };
        self.lessons.push(Lesson { seen, action });
        choice
    }

    fn observe(&mut self, event: &Event<'_>) {
        self.teacher.observe(event);
        match event {
            Event::Begin => self.memory = Memory::default(),
            Event::Arrived(it) => self.memory.push(it, 0, 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Markov;

    fn config(folder: &Path) -> Config {
        let link = Markov::between(0.3, 5.0, 5);
        for (name, seeds) in [("train", 0..8), ("valid", 20..24)] {
            fs::create_dir_all(folder.join(name)).unwrap();
            for seed in seeds {
                let text = link.generate(seed, 200.0).unwrap().to_csv();
                fs::write(folder.join(name).join(format!("{seed}.csv")), text).unwrap();
            }
        }
        let text = format!(
            "name = 'tiny'\nprotocol = 'P1'\ntrain = ['{0}/train']\nvalid = ['{0}/valid']\n\
             steps = 4000\nrounds = 2\nlessons = 40\n[ppo]\nactors = 4\nhorizon = 128\nwidth = 32\nbatch = 128",
            folder.display()
        );
        Config::parse("tiny.toml", &text).unwrap()
    }

    #[test]
    fn a_run_that_was_stopped_goes_on_as_if_it_never_was() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let whole = train(&config, &folder.path().join("a"), false, &mut |_| Go::On).unwrap();
        assert!(whole.finished && whole.trials.len() == 5);
        let first = &whole.trials[0];
        assert!(first.gains[0] > -1.0, "it imitates: {first:?}");
        let mut count = 0;
        let mut stop = |_: &Trial| {
            count += 1;
            if count == 3 { Go::Stop } else { Go::On }
        };
        let again = folder.path().join("b");
        assert!(!train(&config, &again, false, &mut stop).unwrap().finished);
        let resumed = train(&config, &again, true, &mut |_| Go::On).unwrap();
        assert_eq!(resumed, whole);
        let other = Config { seed: 9, ..config };
        let told = train(&other, &again, true, &mut |_| Go::On).unwrap_err();
        assert!(told.to_string().contains("another configuration"), "{told}");
    }

    #[test]
    fn policies_come_back_and_know_their_ladder() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            steps: 1000,
            ..config(folder.path())
        };
        let trained = train(&config, folder.path(), false, &mut |_| Go::On).unwrap();
        let file = folder.path().join("policy.json");
        assert_eq!(Policy::read(&file).unwrap(), trained.policy);
        let kind = Kind::parse(&file.display().to_string()).unwrap();
        let (video, player) = (Video::named("bbb4k").unwrap(), Player::p2());
        let trace = Markov::between(3.0, 50.0, 5).generate(0, 300.0).unwrap();
        let simulator = Simulator::new(&trace, &video, &player).unwrap();
        let setting = Setting {
            terms: Terms::linear(&simulator),
            device: Device::named("phone-lte").unwrap(),
        };
        let told = kind.make(&simulator, &setting).err().unwrap().to_string();
        assert!(
            told.contains("300/750/1200/1850/2850/4300, and bbb4k has 1000/"),
            "{told}"
        );
        let mut broken = trained.policy.clone();
        broken.card.ladder_kbps.pop();
        let told = Policy::parse("p.json", &broken.to_text())
            .unwrap_err()
            .to_string();
        assert!(told.contains("do not fit together"), "{told}");
    }

    #[test]
    fn a_gain_that_is_sure_counts_for_more_than_a_larger_one_by_luck() {
        let trial = |gains: [f64; 2], errors: [f64; 2]| Trial {
            steps: 0,
            scores: Vec::new(),
            gains: gains.to_vec(),
            errors: errors.to_vec(),
            reward: 0.0,
            entropy: 0.0,
            best: false,
        };
        let sure = trial([0.1, 0.04], [0.02, 0.01]);
        assert!(sure.value() > trial([0.1, 0.2], [0.02, 0.1]).value());
        assert!(sure.value() > trial([0.3, -0.01], [0.02, 0.01]).value());
        assert!((standard_error(&[1.0, 3.0]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn configurations_that_cannot_be_are_refused() {
        let told = |text: &str| Config::parse("c.toml", text).unwrap_err().to_string();
        assert!(told("name = 1").starts_with("c.toml: "));
        let text = "name='x'\nprotocol='P1'\ntrain=['t']\nvalid=['v']\nsteps=";
        assert!(told(&format!("{text}0")).contains("that is 0"));
        assert!(told(&format!("{text}1\n[ppo]\nrate=-1.0")).contains("not above 0"));
        assert!(told(&format!("{text}1\nstretch=-1.0")).contains("a stretch that is not"));
        assert!(told(&format!("{text}1\n[ppo]\nkeep=1.0")).contains("a share to keep"));
        assert!(told(&format!("{text}1\nspeed=3")).contains("unknown field `speed`"));
    }
}
