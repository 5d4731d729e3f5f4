//! Where a policy learns and is tried: links, lessons and trials.

use std::sync::Arc;

use super::{Config, Trial};
use crate::controller::{Choice, Controller, Event, Kind, Rule, View};
use crate::energy::Device;
use crate::environment::{Changes, Course, Full, Memory, possible};
use crate::policy::{Card, Policy};
use crate::ppo::{Learner, Lesson, Round};
use crate::qoe::{Parts, Terms};
use crate::quality::QualityTable;
use crate::session::{Setting, play, play_all};
use crate::statistics::mean;
use crate::trace::read_folder;
use crate::{Error, Player, Random, Simulator, Trace, Video};

/// How many times a teacher that is told a weight plays each link, each time with another.
const WEIGHTS: u64 = 3;

/// A stream of the seed that nothing else draws from: for the weights of lessons.
const LESSONS: u64 = 1 << 40;

/// Links that a policy is tried on.
struct Valid {
    name: String,
    links: Vec<Simulator>,
    /// For each weight of energy, what the best rule scores on each link.
    best: Vec<Vec<f64>>,
}

/// Where a policy learns and is tried.
pub(super) struct Ground {
    course: Arc<Course>,
    /// The same links from their beginning, for lessons.
    orderly: Vec<Simulator>,
    video: Video,
    player: Player,
    setting: Setting,
    /// The weights of energy at which it is tried.
    weights: Vec<f64>,
    valid: Vec<Valid>,
}

impl Ground {
    pub(super) fn new(config: &Config) -> Result<Ground, Error> {
        let player = Player::find(&config.protocol)?;
        let video = Video::find(&player.video)?;
        let learning = Player {
            noise: config.noise.max(player.noise),
            ..player.clone()
        };
        let anywhere = Player {
            random_start: true,
            ..learning.clone()
        };
        let on = |player: &Player, traces: &[Trace]| -> Result<Vec<Simulator>, Error> {
            let each = traces
                .iter()
                .map(|trace| Simulator::new(trace, &video, player));
            each.collect()
        };
        let (mut families, mut orderly) = (Vec::new(), Vec::new());
        for (at, folder) in config.train.iter().enumerate() {
            let mut traces = read_folder(folder, None)?;
            if let Some(factor) = config.faster.get(at) {
                let faster = traces.iter().map(|trace| trace.faster(*factor));
                traces = faster.collect::<Result<_, _>>()?;
            }
            // Half of the episodes begin where sessions are judged from, the others anywhere.
            let starts = on(&learning, &traces)?;
            families.push([&on(&anywhere, &traces)?[..], &starts].concat());
            orderly.extend(on(&player, &traces)?);
        }
        let device = Device::find(&config.device)?;
        let setting = match &config.quality {
            None => Setting {
                terms: Terms::linear(&orderly[0]),
                device,
            },
            Some(name) => {
                let table = QualityTable::find(name)?;
                Setting {
                    terms: table.terms(video.name(), &player.fit(&video)?.0)?,
                    device: device.with_tiers(&table.tiers)?,
                }
            }
        };
        let tiers = setting.terms.tiers();
        let weights = match tiers {
            1 => vec![0.0],
            _ => config.preferences.clone(),
        };
        let mut valid = Vec::new();
        for folder in &config.valid {
            let mut traces = read_folder(folder, None)?;
            if let Some(part) = config.part {
                traces = part.of(traces);
            }
            if traces.is_empty() {
                let path = folder.clone();
                return Err(Error::NoTraces { path });
            }
            let links = on(&player, &traces)?;
            let play = |rule: &Kind| play_all(&links, &setting, rule, 0);
            let rules = rules(tiers);
            let played = rules.iter().map(play).collect::<Result<Vec<_>, _>>()?;
            let mut best = Vec::new();
            for weight in &weights {
                let score = |parts: &Vec<Parts>| worth(parts, &setting.terms, *weight);
                let mut scores: Vec<Vec<f64>> = played.iter().map(score).collect();
                if tiers > 1 {
                    scores.push(score(&play(&Kind::RobustMpcPriced(*weight))?));
                }
                let first = scores
                    .into_iter()
                    .max_by(|a, b| mean(a).total_cmp(&mean(b)));
                best.push(first.unwrap_or_default());
            }
            let name = folder.file_name().unwrap_or_default();
            valid.push(Valid {
                name: name.to_string_lossy().into_owned(),
                best,
                links,
            });
        }
        let mut terms = setting.terms.clone();
        terms.rebuffer = config.stall.unwrap_or(terms.rebuffer);
        Ok(Ground {
            orderly,
            course: Arc::new(Course {
                families,
                changes: Changes {
                    stretch: config.stretch,
                    slower: config.slower,
                    outages: config.outages,
                },
                setting: Setting {
                    terms,
                    device: setting.device.clone(),
                },
            }),
            video,
            player,
            setting,
            weights,
            valid,
        })
    }

    pub(super) fn learner(&self, config: &Config) -> Learner {
        let course = Arc::clone(&self.course);
        Learner::new(&config.ppo, config.seed, &move || {
            Box::new(Full::new(Arc::clone(&course)))
        })
    }

    /// What the teacher does on every link that is learnt from; where it is told how much energy counts,
    /// by several weights.
    pub(super) fn lessons(&self, config: &Config) -> Result<Vec<Lesson>, Error> {
        let kind = Kind::parse_with(&config.teacher, &self.tier_names())?;
        let mut lessons = Vec::new();
        if config.lessons == 0 {
            return Ok(lessons);
        }
        let mut random = Random::stream(config.seed, LESSONS);
        let times = match self.setting.terms.tiers() {
            1 => 1,
            _ => WEIGHTS,
        };
        for simulator in &self.orderly {
            for _ in 0..times {
                let weight = match times {
                    1 => 0.0,
                    _ => random.unit(),
                };
                let kind = kind.at(weight).unwrap_or_else(|| kind.clone());
                let mut pupil = Pupil {
                    teacher: kind.make(simulator, &self.setting)?,
                    weight,
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
        }
        Ok(lessons)
    }

    /// The names of tiers, the first of which is none.
    fn tier_names(&self) -> Vec<String> {
        let own = self.setting.device.tiers.iter();
        let own = own.map(|tier| tier.name.clone());
        let all = std::iter::once(crate::quality::NONE.to_string()).chain(own);
        all.take(self.setting.terms.tiers()).collect()
    }

    pub(super) fn policy(&self, config: &Config, learner: &Learner, trial: &Trial) -> Policy {
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

    pub(super) fn trial(
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
        for set in &self.valid {
            for (weight, best) in self.weights.iter().zip(&set.best) {
                let kind = Kind::Policy(Arc::clone(&policy), *weight);
                let parts = play_all(&set.links, &self.setting, &kind, 0)?;
                let scores = worth(&parts, &self.setting.terms, *weight);
                let gains: Vec<f64> = scores.iter().zip(best).map(|(a, b)| a - b).collect();
                let name = match self.setting.terms.tiers() {
                    1 => set.name.clone(),
                    _ => format!("{}@{weight}", set.name),
                };
                trial.scores.push((name, mean(&scores)));
                trial.gains.push(mean(&gains));
                trial.errors.push(standard_error(&gains));
            }
        }
        let value = trial.value();
        trial.best = before.iter().all(|it| it.value() < value);
        Ok(trial)
    }
}

/// What a policy must be better than at any weight of energy: RobustMPC, and where there are tiers, with each
/// of them, with the best there is time for, and planning them.
fn rules(tiers: usize) -> Vec<Kind> {
    let with = |rule| Kind::With(Box::new(Kind::RobustMpc), rule);
    let mut rules = vec![Kind::RobustMpc];
    if tiers > 1 {
        rules.extend((1..tiers).map(|tier| with(Rule::Fixed(tier))));
        rules.extend([with(Rule::Greedy), Kind::RobustMpcEnhanced]);
    }
    rules
}

/// What sessions are worth at a weight of energy.
fn worth(parts: &[Parts], terms: &Terms, weight: f64) -> Vec<f64> {
    parts.iter().map(|it| it.worth(terms, weight)).collect()
}

/// The standard error of a mean.
pub(super) fn standard_error(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|it| (it - mean).powi(2)).sum();
    let count = values.len() as f64;
    (squares / (count - 1.0).max(1.0) / count).sqrt()
}

/// Writes down what a teacher does, and what it could see.
struct Pupil {
    teacher: Box<dyn Controller>,
    weight: f64,
    memory: Memory,
    lessons: Vec<Lesson>,
}

impl Controller for Pupil {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let Choice { level, tier } = self.teacher.choose(view);
        // Rules do not ask whether there is time.
        let tier = match view.is_possible(level, tier) {
            true => tier,
            false => 0,
        };
        let (mut seen, mut mask) = (Vec::new(), Vec::new());
        self.memory.look(view, self.weight, &mut seen);
        possible(view, &mut mask);
        self.lessons.push(Lesson {
            seen,
            mask,
            action: vec![level * view.terms.tiers() + tier],
        });
        Choice { level, tier }
    }

    fn observe(&mut self, event: &Event<'_>) {
        self.teacher.observe(event);
        match event {
            Event::Begin => self.memory = Memory::default(),
            Event::Arrived(it) => self.memory.push(it),
        }
    }
}
