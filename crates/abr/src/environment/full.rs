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
    joules: f64,
    last_tier: usize,
}

impl Memory {
    /// Takes note of a chunk.
    pub fn push(&mut self, it: &Delivery, tier: usize, joules: f64) {
        self.rates.rotate_left(1);
        self.delays.rotate_left(1);
        self.rates[PAST - 1] = it.mbps();
        self.delays[PAST - 1] = it.delay_ms;
        self.count = (self.count + 1).min(PAST);
        self.joules += joules;
        self.last_tier = tier;
    }

    /// What the session took from the battery so far.
    #[must_use]
    pub fn joules(&self) -> f64 {
        self.joules
    }

    /// The rate of the last chunk; 0 before the first.
    #[must_use]
    pub fn last_mbps(&self) -> f64 {
        self.rates[PAST - 1]
    }

    /// How many numbers are seen with so many levels and tiers.
    #[must_use]
    pub fn width(levels: usize, tiers: usize) -> usize {
        2 * PAST + 3 + 4 * levels + 3 + if tiers > 1 { 4 + tiers } else { 0 }
    }

    /// Writes down what is seen now. `weight` is how much energy counts.
    pub fn look(&self, view: &View<'_>, weight: f64, to: &mut Vec<f32>) {
        let mbps = view.mbps();
        let levels = mbps.len();
        let span = (mbps[levels - 1] / mbps[0]).ln().max(1e-3);
        let height = |rate: f64| (rate.max(1e-4) / mbps[0]).ln() / span;
        let start = to.len();
        let mut push = |value: f64| to.push((value as f32).clamp(-BOUND, BOUND));
        let known = &self.rates[PAST - self.count..];
        let near = &known[known.len().saturating_sub(5)..];
        let harmonic = near.len().max(1) as f64 / near.iter().map(|rate| 1.0 / rate).sum::<f64>();
        let harmonic = if near.is_empty() { mbps[0] } else { harmonic };
        let lowest = near.iter().copied().fold(harmonic, f64::min);
        for at in 0..PAST {
            let known = at + self.count >= PAST;
            push(if known { height(self.rates[at]) } else { 0.0 });
            push(if known {
                self.delays[at] / view.chunk_ms()
            } else {
                0.0
            });
        }
        push(height(harmonic));
        push(height(lowest));
        let spread = near
            .iter()
            .map(|rate| (height(*rate) - height(harmonic)).powi(2));
        push((spread.sum::<f64>() / near.len().max(1) as f64).sqrt());
        let chunk_s = view.chunk_ms() / 1e3;
        let next = view.sizes(view.chunk.min(view.chunks() - 1));
        let buffer_s = view.buffer_ms / 1e3;
        for level in 0..levels {
            let megabits = next[level] * 8e-6;
            push((megabits / chunk_s / mbps[level] - 1.0) * 4.0);
            // What is left in the buffer when it has come, at the usual rate and at the worst.
            push((buffer_s - megabits / harmonic) / (2.0 * chunk_s));
            push((buffer_s - megabits / lowest) / (2.0 * chunk_s));
            push(if level == view.last_level { 1.0 } else { 0.0 });
        }
        push(buffer_s / (2.0 * chunk_s) - 1.0);
        push(buffer_s / (view.buffer_cap_ms() / 1e3));
        push(((view.chunks() - view.chunk) as f64 / 10.0).min(2.0) - 1.0);
        if view.terms.tiers() > 1 {
            push(view.backlog_ms / view.chunk_ms());
            push(weight);
            push(1.0 - self.joules / view.device.battery_j);
            push(view.device.radio.awake_mw / 5000.0);
            for tier in 0..view.terms.tiers() {
                push(if tier == self.last_tier { 1.0 } else { 0.0 });
            }
        }
        debug_assert_eq!(to.len() - start, Memory::width(levels, view.terms.tiers()));
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
    /// Each episode's link is made faster or slower by a factor whose logarithm is at most this.
    pub stretch: f64,
    /// What counts.
    pub setting: Setting,
    /// What a joule counts at most, in points of the score. An episode's weight, from 0 to 1, is drawn.
    pub joule_price: f64,
}

/// Chooses a level and, where there are tiers, one of them.
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
    last: (usize, f64),
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
        let actions = if tiers > 1 {
            vec![levels, tiers]
        } else {
            vec![levels]
        };
        let simulator = course.families[0][0].clone();
        let state = simulator.begin(0);
        Full {
            spaces: Spaces {
                low: vec![-BOUND; width],
                high: vec![BOUND; width],
                actions,
            },
            simulator,
            state,
            enhancer: Enhancer::default(),
            memory: Memory::default(),
            weight: 0.0,
            last: (0, 0.0),
            seen: Vec::with_capacity(width),
            mask: vec![true; levels + if tiers > 1 { tiers } else { 0 }],
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
            last_quality: Some(self.last.1),
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
        let (levels, tiers) = (self.last_levels(), self.course.setting.terms.tiers());
        for tier in 1..tiers {
            // Whichever level is chosen beside it, it must be possible: so ask for the slowest.
            let view = self.view();
            let possible = (0..levels).all(|level| view.may_enhance(level, tier));
            self.mask[levels + tier] = possible;
        }
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

    fn last_levels(&self) -> usize {
        self.course.setting.terms.levels()
    }

    fn fetch(&mut self, level: usize, tier: usize) -> (Delivery, f64, f64) {
        let (setting, simulator) = (&self.course.setting, &self.simulator);
        let chunk_ms = simulator.video().chunk_ms();
        let delivery = simulator.step(&mut self.state, level);
        let (shown, more) = self
            .enhancer
            .take(&setting.device, &delivery, chunk_ms, tier);
        let joules = setting.device.joules(&delivery, chunk_ms) + more;
        self.memory.push(&delivery, shown, joules);
        (delivery, setting.terms.quality(level, shown), joules)
    }
}

impl Environment for Full {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn reset(&mut self, seed: u64) -> Info {
        let mut random = Random::new(seed);
        let Course {
            families, stretch, ..
        } = &*self.course;
        let family = &families[random.below(families.len())];
        let link = &family[random.below(family.len())];
        self.simulator
            .follow(link, random.between(-stretch, *stretch).exp());
        self.weight = random.unit();
        // Whether it begins at the start of the trace is a matter of the link's own player.
        self.state = link.begin(random.bits());
        self.enhancer = Enhancer::default();
        self.memory = Memory::default();
        let first = self.simulator.player().first_level;
        let (delivery, quality, joules) = self.fetch(first, 0);
        self.last = (first, quality);
        self.look();
        Info {
            quality,
            rebuffer_ms: delivery.rebuffer_ms,
            joules,
            qoe: 0.0,
        }
    }

    fn step(&mut self, action: &[usize]) -> Outcome {
        let (delivery, quality, joules) =
            self.fetch(action[0], action.get(1).copied().unwrap_or(0));
        let terms = &self.course.setting.terms;
        let qoe = terms.score(quality, self.last.1, delivery.rebuffer_ms);
        self.last = (delivery.level, quality);
        if !delivery.last {
            self.look();
        }
        Outcome {
            reward: (qoe - self.weight * self.course.joule_price * joules) as f32,
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
