//! Proximal policy optimisation (Schulman et al., 2017), from top to bottom: actors, advantages, clipped
//! steps. Nothing here depends on the number of threads: work is split into fixed parts, and their sums
//! are taken in order.
//!
//! The critic is only needed while learning, so it may see what a policy never can: the environment's
//! hindsight. Where most of a session's luck is the link's (Mao et al., 2019, "Variance reduction for
//! reinforcement learning in input-driven environments"), this takes most of the chance out of advantages.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Random;
use crate::environment::Environment;
use crate::network::{Adam, Network, Pass};

/// How training goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ppo {
    /// Environments that are played at once.
    pub actors: usize,
    /// Steps of each before the policy learns.
    pub horizon: usize,
    /// How many times it learns from each step.
    pub epochs: usize,
    /// Steps that it learns from at once.
    pub batch: usize,
    /// How much what comes later counts, from step to step.
    pub discount: f32,
    /// How much of what comes later is taken from rewards and not from the critic: `λ` of GAE.
    pub trace: f32,
    /// How far the probability of an action may move before it is clipped.
    pub clip: f32,
    /// The rate of learning at first; it falls evenly, to nothing at the end.
    pub rate: f32,
    /// How much the policy is kept from making up its mind, at first and at last.
    pub entropy: (f32, f32),
    /// The longest gradient.
    pub longest: f32,
    /// The width of both hidden layers.
    pub width: usize,
    /// The share of itself that the averaged policy keeps with each round.
    pub keep: f32,
}

impl Default for Ppo {
    fn default() -> Ppo {
        Ppo {
            actors: 32,
            horizon: 256,
            epochs: 4,
            batch: 512,
            discount: 0.98,
            trace: 0.95,
            clip: 0.2,
            rate: 5e-4,
            entropy: (0.02, 0.0005),
            longest: 0.5,
            width: 64,
            keep: 0.9,
        }
    }
}

/// Actors and gradients are split into so many parts, whatever the number of threads.
const PARTS: usize = 4;

/// Rows that go through a network together: few enough for what they leave behind to stay near.
const BLOCK: usize = 64;

/// An environment that is played, with its own chance.
struct Actor {
    environment: Box<dyn Environment>,
    random: Random,
    /// The discounted sum of rewards so far, whose spread scales them.
    sum: f32,
    total: f64,
    steps: Vec<Step>,
    finished: Vec<f64>,
}

/// What an actor met.
#[derive(Clone, Debug)]
struct Step {
    /// The observation, and behind it the hindsight.
    seen: Vec<f32>,
    mask: Vec<bool>,
    action: Vec<usize>,
    log_probability: f32,
    value: f32,
    reward: f32,
    over: bool,
    advantage: f32,
    target: f32,
}

/// A policy on its way, with all that it needs to learn on.
pub struct Learner {
    options: Ppo,
    /// What decides.
    pub policy: Network,
    /// The mean of what decided in the last rounds, which is steadier than the last one.
    pub average: Network,
    critic: Network,
    adams: [Adam; 2],
    actions: Vec<usize>,
    actors: Vec<Actor>,
    random: Random,
    scale: Scale,
    /// How many steps were taken.
    pub steps: u64,
}

/// All that a learner has learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    policy: Network,
    average: Network,
    critic: Network,
    adams: [Adam; 2],
    random: [u64; 4],
    scale: Scale,
    steps: u64,
}

/// The spread of discounted sums of rewards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Scale {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Scale {
    /// The share of what is known that is left with each step.
    const KEEP: f64 = 0.9999;

    fn push(&mut self, value: f64) {
        // What was long ago is forgotten: the sums of a policy that learns change their spread.
        self.count *= Scale::KEEP;
        self.squares *= Scale::KEEP;
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    fn spread(&self) -> f32 {
        match self.count > 1.0 {
            true => (self.squares / self.count).sqrt().max(1e-4) as f32,
            false => 1.0,
        }
    }
}

/// How a round of learning went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Round {
    /// Steps so far.
    pub steps: u64,
    /// The mean reward of an episode; no number where none ended.
    pub reward: f64,
    /// How undecided the policy is, in nats.
    pub entropy: f64,
    /// How far it moved: an estimate of the divergence from before the round.
    pub moved: f64,
}

/// Probabilities of one part of an action; what the mask forbids has none.
fn probabilities(outputs: &[f32], mask: &[bool], to: &mut Vec<f32>) {
    let allowed = outputs.iter().zip(mask).filter(|(_, may)| **may);
    let most = allowed.map(|(out, _)| *out).fold(f32::MIN, f32::max);
    to.clear();
    let weights = outputs.iter().zip(mask);
    to.extend(weights.map(|(out, may)| if *may { (out - most).exp() } else { 0.0 }));
    let sum: f32 = to.iter().sum();
    for it in to {
        *it /= sum;
    }
}

impl Actor {
    /// What is seen now, and behind it the hindsight.
    fn seen(&self) -> Vec<f32> {
        [self.environment.observation(), self.environment.hindsight()].concat()
    }

    /// Draws an action by the outputs of the policy, takes it, and writes down what was met.
    fn step(&mut self, outputs: &[f32], actions: &[usize], chances: &mut Vec<f32>) {
        let seen = self.seen();
        let mask = self.environment.mask().to_vec();
        let (mut from, mut log_probability) = (0, 0.0);
        let mut action = Vec::with_capacity(actions.len());
        for count in actions {
            let part = from..from + count;
            probabilities(&outputs[part.clone()], &mask[part], chances);
            let mut left = self.random.unit() as f32;
            let mut chosen = chances.iter().rposition(|it| *it > 0.0).unwrap_or(0);
            for (at, chance) in chances.iter().enumerate() {
                if left < *chance {
                    chosen = at;
                    break;
                }
                left -= chance;
            }
            log_probability += chances[chosen].max(1e-12).ln();
            action.push(chosen);
            from += count;
        }
        let outcome = self.environment.step(&action);
        let over = outcome.terminated || outcome.truncated;
        self.total += f64::from(outcome.reward);
        self.steps.push(Step {
            seen,
            mask,
            action,
            log_probability,
            value: 0.0,
            reward: outcome.reward,
            over,
            advantage: 0.0,
            target: 0.0,
        });
        if over {
            self.finished.push(self.total);
            self.total = 0.0;
            let seed = self.random.bits();
            self.environment.reset(seed);
        }
    }
}

impl Learner {
    /// A learner with a new policy, from a seed, on as many environments as it has actors.
    ///
    /// # Panics
    /// When there are no actors.
    pub fn new(
        options: &Ppo,
        seed: u64,
        environment: &dyn Fn() -> Box<dyn Environment>,
    ) -> Learner {
        let mut random = Random::new(seed);
        let actors: Vec<Actor> = (0..options.actors)
            .map(|at| {
                let mut environment = environment();
                let mut own = Random::stream(seed, 1 + at as u64);
                environment.reset(own.bits());
                Actor {
                    environment,
                    random: own,
                    sum: 0.0,
                    total: 0.0,
                    steps: Vec::with_capacity(options.horizon),
                    finished: Vec::new(),
                }
            })
            .collect();
        let spaces = actors[0].environment.spaces();
        let (inputs, actions) = (spaces.low.len(), spaces.actions.clone());
        let more = actors[0].environment.hindsight().len();
        let sizes = |inputs, outputs| [inputs, options.width, options.width, outputs];
        let policy = Network::new(&sizes(inputs, actions.iter().sum()), 0.01, &mut random);
        let critic = Network::new(&sizes(inputs + more, 1), 0.1, &mut random);
        Learner {
            adams: [&policy, &critic].map(|it| Adam::new(it.weights().len())),
            options: options.clone(),
            average: policy.clone(),
            policy,
            critic,
            actions,
            actors,
            random,
            scale: Scale::default(),
            steps: 0,
        }
    }

    /// Begins a block: all chance of the actors from here on depends on the seed and the block only, so
    /// that training can go on from here.
    pub fn begin(&mut self, seed: u64, block: u64) {
        let mut own = Random::stream(seed, block);
        for actor in &mut self.actors {
            actor.random = Random::new(own.bits());
            actor.environment.reset(actor.random.bits());
            (actor.sum, actor.total) = (0.0, 0.0);
            actor.finished.clear();
        }
    }

    /// What has been learnt, to go on from between blocks.
    #[must_use]
    pub fn learnt(&self) -> Learnt {
        Learnt {
            policy: self.policy.clone(),
            average: self.average.clone(),
            critic: self.critic.clone(),
            adams: self.adams.clone(),
            random: self.random.state(),
            scale: self.scale,
            steps: self.steps,
        }
    }

    /// Goes on from what has been learnt.
    pub fn restore(&mut self, learnt: Learnt) {
        (self.policy, self.average) = (learnt.policy, learnt.average);
        (self.critic, self.adams) = (learnt.critic, learnt.adams);
        self.random = Random::from_state(learnt.random);
        (self.scale, self.steps) = (learnt.scale, learnt.steps);
    }

    /// Plays, and learns from it. `done` is the share of training that is behind.
    pub fn round(&mut self, done: f32) -> Round {
        self.play();
        self.judge();
        let mut steps: Vec<Step> = Vec::new();
        let mut finished = Vec::new();
        for actor in &mut self.actors {
            steps.append(&mut actor.steps);
            finished.append(&mut actor.finished);
        }
        self.steps += steps.len() as u64;
        let (entropy, moved) = self.learn(&mut steps, done);
        let keep = self.options.keep;
        let newest = self.policy.weights();
        for (average, newest) in self.average.weights_mut().iter_mut().zip(newest) {
            *average = keep * *average + (1.0 - keep) * newest;
        }
        Round {
            steps: self.steps,
            reward: finished.iter().sum::<f64>() / finished.len() as f64,
            entropy,
            moved,
        }
    }

    /// Every actor takes its steps; those of a part side by side.
    fn play(&mut self) {
        let (policy, critic, options) = (&self.policy, &self.critic, &self.options);
        let actions = &self.actions;
        let length = self.actors.len().div_ceil(PARTS);
        self.actors.par_chunks_mut(length).for_each(|part| {
            let (mut pass, mut chances, mut seen) = (Pass::default(), Vec::new(), Vec::new());
            for _ in 0..options.horizon {
                seen.clear();
                for actor in &*part {
                    seen.extend_from_slice(actor.environment.observation());
                }
                let outputs = policy.forward(&seen, &mut pass);
                let outputs = outputs.chunks_exact(policy.outputs());
                for (actor, outputs) in part.iter_mut().zip(outputs) {
                    actor.step(outputs, actions, &mut chances);
                }
            }
            for actor in part {
                for steps in actor.steps.chunks_mut(BLOCK) {
                    seen.clear();
                    for step in &*steps {
                        seen.extend_from_slice(&step.seen);
                    }
                    for (step, value) in steps.iter_mut().zip(critic.forward(&seen, &mut pass)) {
                        step.value = *value;
                    }
                }
            }
        });
    }

    /// Says of every step how much better it was than the critic thought.
    fn judge(&mut self) {
        let (discount, trace) = (self.options.discount, self.options.trace);
        for actor in &mut self.actors {
            for step in &actor.steps {
                actor.sum = actor.sum * discount + step.reward;
                self.scale.push(f64::from(actor.sum));
                if step.over {
                    actor.sum = 0.0;
                }
            }
        }
        let spread = self.scale.spread();
        let mut pass = Pass::default();
        for actor in &mut self.actors {
            let mut next = self.critic.forward(&actor.seen(), &mut pass)[0];
            let mut advantage = 0.0;
            for step in actor.steps.iter_mut().rev() {
                let on = if step.over { 0.0 } else { 1.0 };
                let reward = (step.reward / spread).clamp(-10.0, 10.0);
                let surprise = reward + discount * on * next - step.value;
                advantage = surprise + discount * trace * on * advantage;
                step.advantage = advantage;
                step.target = advantage + step.value;
                next = step.value;
            }
        }
    }

    /// Learns from steps; how undecided the policy was, and how far it moved.
    fn learn(&mut self, steps: &mut [Step], done: f32) -> (f64, f64) {
        let options = self.options.clone();
        let rate = options.rate * (1.0 - done);
        let entropy = options.entropy.0 * (options.entropy.1 / options.entropy.0).powf(done);
        let (mut sums, mut count) = ([0.0, 0.0], 0.0);
        for _ in 0..options.epochs {
            for at in (1..steps.len()).rev() {
                steps.swap(at, self.random.below(at + 1));
            }
            for batch in steps.chunks(options.batch) {
                let size = batch.len() as f32;
                let mean = batch.iter().map(|it| it.advantage).sum::<f32>() / size;
                let squares = batch.iter().map(|it| (it.advantage - mean).powi(2));
                let spread = (squares.sum::<f32>() / size).sqrt() + 1e-6;
                let part = |part: &[Step]| {
                    let mut gradients =
                        [&self.policy, &self.critic].map(|it| vec![0.0; it.weights().len()]);
                    let mut told = [0.0, 0.0];
                    let mut pass = Pass::default();
                    let (mut seen, mut errors) = (Vec::new(), Vec::new());
                    for block in part.chunks(BLOCK) {
                        seen.clear();
                        errors.clear();
                        for step in block {
                            seen.extend_from_slice(&step.seen[..self.policy.inputs()]);
                        }
                        let outs = self.policy.forward(&seen, &mut pass);
                        for (step, out) in
                            block.iter().zip(outs.chunks_exact(self.policy.outputs()))
                        {
                            let advantage = (step.advantage - mean) / spread;
                            let it = Slope::of(
                                step,
                                out,
                                &self.actions,
                                advantage,
                                entropy,
                                options.clip,
                            );
                            errors.extend_from_slice(&it.errors);
                            told[0] += f64::from(it.entropy);
                            told[1] += f64::from(it.moved);
                        }
                        self.policy.backward(&errors, &mut pass, &mut gradients[0]);
                        seen.clear();
                        errors.clear();
                        for step in block {
                            seen.extend_from_slice(&step.seen);
                        }
                        let values = self.critic.forward(&seen, &mut pass);
                        errors.extend(values.iter().zip(block).map(|(it, step)| it - step.target));
                        self.critic.backward(&errors, &mut pass, &mut gradients[1]);
                    }
                    (gradients, told)
                };
                let length = batch.len().div_ceil(PARTS);
                let parts: Vec<_> = batch.par_chunks(length).map(part).collect();
                let (mut gradients, told) = sum(parts);
                for gradient in gradients.iter_mut().flatten() {
                    *gradient /= size;
                }
                let [policy, critic] = &mut self.adams;
                policy.step(
                    self.policy.weights_mut(),
                    &gradients[0],
                    rate,
                    options.longest,
                );
                critic.step(
                    self.critic.weights_mut(),
                    &gradients[1],
                    rate * 2.0,
                    options.longest * 4.0,
                );
                sums = [sums[0] + told[0], sums[1] + told[1]];
                count += f64::from(size);
            }
        }
        (sums[0] / count, sums[1] / count)
    }

    /// Imitates: `teacher` says what it would do in an environment that the policy plays, and the policy is
    /// moved towards it. The share of steps in which both agreed.
    pub fn imitate(&mut self, lessons: &[Lesson], rate: f32) -> f64 {
        let mut order: Vec<&Lesson> = lessons.iter().collect();
        for at in (1..order.len()).rev() {
            order.swap(at, self.random.below(at + 1));
        }
        let mut agreed = 0.0;
        for batch in order.chunks(self.options.batch) {
            let part = |part: &[&Lesson]| {
                let mut gradient = vec![0.0; self.policy.weights().len()];
                let (mut pass, mut chances, mut errors) = (Pass::default(), Vec::new(), Vec::new());
                let mut same = 0.0;
                let mut seen = Vec::new();
                for block in part.chunks(BLOCK) {
                    seen.clear();
                    errors.clear();
                    for lesson in block {
                        seen.extend_from_slice(&lesson.seen);
                    }
                    let outs = self.policy.forward(&seen, &mut pass);
                    for (lesson, out) in block.iter().zip(outs.chunks_exact(self.policy.outputs()))
                    {
                        let mut from = 0;
                        for (count, wanted) in self.actions.iter().zip(&lesson.action) {
                            let part = from..from + count;
                            probabilities(&out[part.clone()], &lesson.mask[part], &mut chances);
                            let most =
                                (0..*count).max_by(|a, b| chances[*a].total_cmp(&chances[*b]));
                            same += f64::from(u8::from(most == Some(*wanted)));
                            chances[*wanted] -= 1.0;
                            errors.extend_from_slice(&chances);
                            from += count;
                        }
                    }
                    self.policy.backward(&errors, &mut pass, &mut gradient);
                }
                (gradient, same)
            };
            let length = batch.len().div_ceil(PARTS);
            let parts: Vec<_> = batch.par_chunks(length).map(part).collect();
            let mut gradient = vec![0.0; self.policy.weights().len()];
            for (own, same) in parts {
                agreed += same;
                for (sum, it) in gradient.iter_mut().zip(own) {
                    *sum += it / batch.len() as f32;
                }
            }
            self.adams[0].step(self.policy.weights_mut(), &gradient, rate, 1.0);
        }
        self.average = self.policy.clone();
        agreed / (lessons.len() * self.actions.len()).max(1) as f64
    }
}

/// Something to imitate.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// What was seen.
    pub seen: Vec<f32>,
    /// For every choice of every part, whether it could be taken.
    pub mask: Vec<bool>,
    /// What was done.
    pub action: Vec<usize>,
}

/// The gradients of parts, added in order.
fn sum(parts: Vec<([Vec<f32>; 2], [f64; 2])>) -> ([Vec<f32>; 2], [f64; 2]) {
    let mut parts = parts.into_iter();
    let Some((mut gradients, mut told)) = parts.next() else {
        return ([Vec::new(), Vec::new()], [0.0; 2]);
    };
    for (others, more) in parts {
        for (sums, others) in gradients.iter_mut().zip(others) {
            for (sum, other) in sums.iter_mut().zip(others) {
                *sum += other;
            }
        }
        told = [told[0] + more[0], told[1] + more[1]];
    }
    (gradients, told)
}

/// The gradient of the loss of one step by the outputs of the policy.
struct Slope {
    errors: Vec<f32>,
    entropy: f32,
    moved: f32,
}

impl Slope {
    fn of(
        step: &Step,
        out: &[f32],
        actions: &[usize],
        advantage: f32,
        entropy_weight: f32,
        clip: f32,
    ) -> Slope {
        let mut errors = Vec::with_capacity(out.len());
        let mut chances = Vec::new();
        let (mut from, mut now, mut entropy) = (0, 0.0, 0.0);
        for (count, chosen) in actions.iter().zip(&step.action) {
            let part = from..from + count;
            probabilities(&out[part.clone()], &step.mask[part], &mut chances);
            now += chances[*chosen].max(1e-12).ln();
            entropy -= chances
                .iter()
                .map(|it| it * it.max(1e-12).ln())
                .sum::<f32>();
            errors.extend_from_slice(&chances);
            from += count;
        }
        let ratio = (now - step.log_probability).exp();
        // Where the clipped form is the lesser, it does not depend on the policy.
        let clipped = match advantage >= 0.0 {
            true => ratio > 1.0 + clip,
            false => ratio < 1.0 - clip,
        };
        let pull = if clipped { 0.0 } else { -advantage * ratio };
        let mut from = 0;
        for (count, chosen) in actions.iter().zip(&step.action) {
            let chances = &mut errors[from..from + count];
            let own: f32 = -chances
                .iter()
                .map(|it| it * it.max(1e-12).ln())
                .sum::<f32>();
            for (at, chance) in chances.iter_mut().enumerate() {
                let p = *chance;
                let hit = if at == *chosen { 1.0 } else { 0.0 };
                *chance = pull * (hit - p) + entropy_weight * p * (p.max(1e-12).ln() + own);
            }
            from += count;
        }
        Slope {
            errors,
            entropy,
            moved: ratio - 1.0 - (now - step.log_probability),
        }
    }
}

#[cfg(test)]
mod tests;
