//! The environment of policies: real traces, videos and devices, with all that a player can know.

use std::sync::Arc;

use super::{Environment, Info, Outcome, Spaces};
use crate::controller::View;
use crate::energy::Enhancer;
use crate::session::Setting;
use crate::{Delivery, Random, Simulator, State};

/// How many chunks are remembered.
const PAST: usize = 8;

/// Numbers of an observation are at most so far from 0.
const BOUND: f32 = 4.0;

/// What a player remembers of a session, and what a policy sees of it.
///
/// Rates are logarithms, 0 at the bottom of the ladder and 1 at its top, so that one policy can serve any
/// link: raw Mbit/s would saturate it where links are fast.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    rates: [f64; PAST],
    delays: [f64; PAST],
    count: usize,
    /// The lowest rate so far.
    lowest: f64,
    /// The mean of the logarithms of rates, and their mean square distance from it, in which what was long
    /// ago fades.
    mean: f64,
    square: f64,
}

/// So many chunks ahead, the sizes are looked at.
const SEEN: usize = 5;

/// Numbers near 0 as they are, and far ones nearer: all that a buffer can be stays within bounds.
fn soft(value: f64) -> f64 {
    value / (1.0 + value.abs() / 6.0)
}

/// So many chunks are told apart from what was long ago.
const LONG: f64 = 24.0;

impl Memory {
    /// Takes note of a chunk.
    pub fn push(&mut self, it: &Delivery) {
        let rate = it.mbps();
        self.rates.rotate_left(1);
        self.delays.rotate_left(1);
        self.rates[PAST - 1] = rate;
        self.delays[PAST - 1] = it.delay_ms;
        self.lowest = match self.count {
            0 => rate,
            _ => self.lowest.min(rate),
        };
        self.count += 1;
        let share = 1.0 / (self.count as f64).min(LONG);
        let off = rate.max(1e-4).ln() - self.mean;
        self.mean += share * off;
        self.square = (1.0 - share) * (self.square + share * off * off);
    }

    /// The rate of the last chunk; 0 before the first.
    #[must_use]
    pub fn last_mbps(&self) -> f64 {
        self.rates[PAST - 1]
    }

    /// How many numbers are seen with so many levels and tiers.
    #[must_use]
    pub fn width(levels: usize, tiers: usize) -> usize {
        let more = if tiers > 1 { 4 + tiers + levels } else { 0 };
        2 * PAST + 6 + 4 * levels + 4 + more
    }

    /// Writes down what is seen now. `weight` is how much energy counts.
    pub fn look(&self, view: &View<'_>, weight: f64, to: &mut Vec<f32>) {
        let mbps = view.mbps();
        let levels = mbps.len();
        let span = (mbps[levels - 1] / mbps[0]).ln().max(1e-3);
        let height = |rate: f64| (rate.max(1e-4) / mbps[0]).ln() / span;
        let start = to.len();
        let mut push = |value: f64| to.push((value as f32).clamp(-BOUND, BOUND));
        let known = &self.rates[PAST - self.count.min(PAST)..];
        let near = &known[known.len().saturating_sub(5)..];
        let harmonic = near.len().max(1) as f64 / near.iter().map(|rate| 1.0 / rate).sum::<f64>();
        let harmonic = if near.is_empty() { mbps[0] } else { harmonic };
        let lowest = near.iter().copied().fold(harmonic, f64::min);
        for at in 0..PAST {
            let known = at + self.count >= PAST;
            push(if known { height(self.rates[at]) } else { 0.0 });
            let delay = soft(self.delays[at] / view.chunk_ms());
            push(if known { delay } else { 0.0 });
        }
        push(height(harmonic));
        push(height(lowest));
        let spread = near
            .iter()
            .map(|rate| (height(*rate) - height(harmonic)).powi(2));
        push((spread.sum::<f64>() / near.len().max(1) as f64).sqrt());
        let begun = self.count > 0;
        push(if begun { height(self.lowest) } else { 0.0 });
        push(if begun { height(self.mean.exp()) } else { 0.0 });
        push(self.square.sqrt() / span);
        let chunk_s = view.chunk_ms() / 1e3;
        let next = view.sizes(view.chunk.min(view.chunks() - 1));
        let buffer_s = view.buffer_ms / 1e3;
        for level in 0..levels {
            let megabits = next[level] * 8e-6;
            push((megabits / chunk_s / mbps[level] - 1.0) * 4.0);
            // What is left in the buffer when it has come, at the usual rate and at the worst.
            push(soft((buffer_s - megabits / harmonic) / (2.0 * chunk_s)));
            push(soft((buffer_s - megabits / lowest) / (2.0 * chunk_s)));
            push(if level == view.last_level { 1.0 } else { 0.0 });
        }
        // How large what follows the next chunk is, for its rate.
        let after = view.chunk + 1..(view.chunk + SEEN).min(view.chunks());
        let count = after.len().max(1) as f64;
        let bytes: f64 = after
            .clone()
            .map(|chunk| view.sizes(chunk)[levels - 1])
            .sum();
        let usual = mbps[levels - 1] * chunk_s * count;
        push(match after.is_empty() {
            true => 0.0,
            false => (bytes * 8e-6 / usual - 1.0) * 4.0,
        });
        push(soft(buffer_s / (2.0 * chunk_s) - 1.0));
        push(buffer_s / (view.buffer_cap_ms() / 1e3));
        push(((view.chunks() - view.chunk) as f64 / 10.0).min(2.0) - 1.0);
        if view.terms.tiers() > 1 {
            push(view.backlog_ms / view.chunk_ms());
            push(2.0 * weight - 1.0);
            push(1.0 - view.spent_j / view.device.battery_j);
            push(view.device.radio.awake_mw / 5000.0);
            for tier in 0..view.terms.tiers() {
                push(if tier == view.last_tier { 1.0 } else { 0.0 });
            }
            // What each level is worth in its best tier, less the energy of it at the usual rate, beside
            // the best: what would be chosen if nothing could stall and nobody minded changes.
            let joule = weight * view.terms.joule;
            let worth = |level: usize| {
                let tier = view.best_tier(level, joule);
                let fetched = view
                    .device
                    .fetch_joules(next[level], next[level] * 8e-3 / harmonic);
                let joules = fetched + view.enhance_joules(level, tier);
                view.terms.quality(level, tier) - joule * joules
            };
            let best = (0..levels).map(worth).fold(f64::MIN, f64::max);
            let points = view.terms.rebuffer / 5.0;
            for level in 0..levels {
                push((worth(level) - best) * 2.0 / points.max(1e-3));
            }
        }
        debug_assert_eq!(to.len() - start, Memory::width(levels, view.terms.tiers()));
    }
}

/// For every level and every tier beside it, one after the other, whether it makes sense now.
pub(crate) fn possible(view: &View<'_>, to: &mut Vec<bool>) {
    to.clear();
    let tiers = view.terms.tiers();
    for level in 0..view.terms.levels() {
        to.extend((0..tiers).map(|tier| view.is_possible(level, tier)));
    }
}

/// The ends of the windows in which hindsight tells the link's rate, in lengths of a chunk.
const AHEAD: [f64; 12] = [
    0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0,
];

/// The links, the video and the device on which episodes are.
#[derive(Clone, Debug)]
pub struct Course {
    /// Families of links. For each episode a family is drawn, and one of its links: so that those of which
    /// there are few traces count as much.
    pub families: Vec<Vec<Simulator>>,
    /// How episodes differ from what was measured.
    pub changes: Changes,
    /// What counts. Where there are tiers, energy counts by a weight from 0 to 1 that each episode draws.
    pub setting: Setting,
}

/// How the links of episodes differ from those that were measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Changes {
    /// Each link is made faster or slower by a factor whose logarithm is at most this,
    pub stretch: f64,
    /// and this more where it is made slower.
    pub slower: f64,
    /// The share of episodes in which the link all but fails for a while.
    pub outages: f64,
}

/// How long a link fails, in seconds, and which share of its rate is left then.
const OUTAGE_S: (f64, f64) = (5.0, 40.0);
const OUTAGE_LEFT: (f64, f64) = (0.01, 0.2);

/// Chooses a level and, where there are tiers, one of them beside it: the action is then the level times
/// the number of tiers, and the tier.
#[derive(Clone, Debug)]
pub struct Full {
    course: Arc<Course>,
    spaces: Spaces,
    /// That of the episode, on its own stretched link.
    simulator: Simulator,
    state: State,
    enhancer: Enhancer,
    memory: Memory,
    weight: f64,
    /// The level, the tier and the quality of the last chunk.
    last: (usize, usize, f64),
    spent_j: f64,
    seen: Vec<f32>,
    mask: Vec<bool>,
    rates: Vec<f64>,
    hindsight: Vec<f32>,
}

impl Full {
    /// An environment on a course, to be reset.
    ///
    /// # Panics
    /// When the course has no families, or one has no links.
    #[must_use]
    pub fn new(course: Arc<Course>) -> Full {
        let terms = &course.setting.terms;
        let (levels, tiers) = (terms.levels(), terms.tiers());
        let width = Memory::width(levels, tiers);
        let simulator = course.families[0][0].clone();
        let state = simulator.begin(0);
        Full {
            spaces: Spaces {
                low: vec![-BOUND; width],
                high: vec![BOUND; width],
                actions: vec![levels * tiers],
            },
            simulator,
            state,
            enhancer: Enhancer::default(),
            memory: Memory::default(),
            weight: 0.0,
            last: (0, 0, 0.0),
            spent_j: 0.0,
            seen: Vec::with_capacity(width),
            mask: vec![true; levels * tiers],
            rates: Vec::with_capacity(AHEAD.len()),
            hindsight: vec![0.0; AHEAD.len() + 1],
            course,
        }
    }

    /// The view that a controller would have.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            simulator: &self.simulator,
            terms: &self.course.setting.terms,
            device: &self.course.setting.device,
            chunk: self.state.chunk(),
            buffer_ms: self.state.buffer_ms,
            backlog_ms: self.enhancer.backlog_ms,
            last_level: self.last.0,
            last_tier: self.last.1,
            last_quality: Some(self.last.2),
            spent_j: self.spent_j,
        }
    }

    /// What happened last, and which link it was on.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// How much energy counts in this episode.
    pub(crate) fn weight(&self) -> f64 {
        self.weight
    }

    fn look(&mut self) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.clear();
        self.memory.look(&self.view(), self.weight, &mut seen);
        self.seen = seen;
        self.look_ahead();
        let mut mask = std::mem::take(&mut self.mask);
        possible(&self.view(), &mut mask);
        self.mask = mask;
    }

    /// What the link will give, on the scale of what is seen, and how much of the session is left.
    fn look_ahead(&mut self) {
        let simulator = &self.simulator;
        let chunk_s = simulator.video().chunk_ms() / 1e3;
        self.rates.clear();
        let ends_s = AHEAD.map(|chunks| chunks * chunk_s);
        simulator.ahead(&self.state, &ends_s, &mut self.rates);
        let mbps = simulator.mbps();
        let span = (mbps[mbps.len() - 1] / mbps[0]).ln().max(1e-3);
        let height = |rate: &f64| ((rate.max(1e-2) / mbps[0]).ln() / span) as f32;
        self.hindsight.clear();
        let heights = self.rates.iter().map(height);
        self.hindsight
            .extend(heights.map(|it| it.clamp(-BOUND, BOUND)));
        let left = simulator.chunks() - self.state.chunk();
        self.hindsight.push(left as f32 / simulator.chunks() as f32);
    }

    fn fetch(&mut self, level: usize, tier: usize) -> (Delivery, f64, f64) {
        let (setting, simulator) = (&self.course.setting, &self.simulator);
        let chunk_ms = simulator.video().chunk_ms();
        let delivery = simulator.step(&mut self.state, level);
        let (shown, more) = self
            .enhancer
            .take(&setting.device, &delivery, chunk_ms, tier);
        let joules = setting.device.joules(&delivery, chunk_ms) + more;
        let quality = setting.terms.quality(level, shown);
        self.spent_j += joules;
        self.memory.push(&delivery);
        self.last = (level, shown, quality);
        (delivery, quality, joules)
    }
}

impl Environment for Full {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn reset(&mut self, seed: u64) -> Info {
        let mut random = Random::new(seed);
        let Course {
            families, changes, ..
        } = &*self.course;
        let family = &families[random.below(families.len())];
        let link = &family[random.below(family.len())];
        let factor = random.between(-changes.stretch - changes.slower, changes.stretch);
        self.simulator.follow(link, factor.exp());
        // The ends are drawn more often, or they would be learnt from one side only.
        let weight = (random.unit() * 1.2 - 0.1).clamp(0.0, 1.0);
        self.weight = match self.course.setting.terms.tiers() {
            1 => 0.0,
            _ => weight,
        };
        if changes.outages > 0.0 && random.unit() < changes.outages {
            let seconds = random.between(OUTAGE_S.0.ln(), OUTAGE_S.1.ln()).exp();
            let left = random.between(OUTAGE_LEFT.0.ln(), OUTAGE_LEFT.1.ln());
            self.simulator.fail(random.unit(), seconds, left.exp());
        }
        // Whether it begins at the start of the trace is a matter of the link's own player.
        self.state = link.begin(random.bits());
        self.enhancer = Enhancer::default();
        self.memory = Memory::default();
        self.spent_j = 0.0;
        let first = self.simulator.player().first_level;
        let (delivery, quality, joules) = self.fetch(first, 0);
        self.look();
        Info {
            quality,
            rebuffer_ms: delivery.rebuffer_ms,
            joules,
            qoe: 0.0,
        }
    }

    fn step(&mut self, action: &[usize]) -> Outcome {
        let tiers = self.course.setting.terms.tiers();
        let before = self.last.2;
        let (delivery, quality, joules) = self.fetch(action[0] / tiers, action[0] % tiers);
        let terms = &self.course.setting.terms;
        let qoe = terms.score(quality, before, delivery.rebuffer_ms);
        let energy = self.weight * terms.joule * joules;
        if !delivery.last {
            self.look();
        }
        Outcome {
            reward: (qoe - energy) as f32,
            terminated: delivery.last,
            truncated: false,
            info: Info {
                quality,
                rebuffer_ms: delivery.rebuffer_ms,
                joules,
                qoe,
            },
        }
    }

    fn observation(&self) -> &[f32] {
        &self.seen
    }

    fn mask(&self) -> &[bool] {
        &self.mask
    }

    fn hindsight(&self) -> &[f32] {
        &self.hindsight
    }
}
