//! An oracle: the best plan of a whole session by who knows the link.
//!
//! A beam search over real sessions. Those that stand at nearly the same time with the same level and
//! nearly the same buffer can go on alike, so of them only the best is kept, and of all only so many. What
//! it finds is a session that a controller could have had: a bound from below on the best.

use super::{Choice, Controller, Event, View};
use crate::energy::Enhancer;
use crate::session::Setting;
use crate::{Simulator, State};

/// How finely sessions are told apart, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Sessions at times this close count as the same.
    pub clock_ms: f64,
    /// Sessions with buffers this close count as the same.
    pub buffer_ms: f64,
    /// So many are kept.
    pub width: usize,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            clock_ms: 250.0,
            buffer_ms: 500.0,
            width: 600,
        }
    }
}

#[derive(Clone, Copy)]
struct Node {
    state: State,
    enhancer: Enhancer,
    score: f64,
    value: f64,
    quality: f64,
    key: (u8, u32, u32),
    parent: u32,
    choice: Choice,
}

/// What a second of buffer is worth when sessions of unlike clocks are compared, as a share of a stall.
const BUFFER_WORTH: f64 = 0.05;

impl Plan {
    /// The plan of a session from its first chunk to its last, and its score.
    #[must_use]
    pub fn find(&self, simulator: &Simulator, setting: &Setting) -> (Vec<Choice>, f64) {
        let terms = &setting.terms;
        let first = Choice::plain(simulator.player().first_level);
        let mut state = simulator.begin(0);
        let delivery = simulator.step(&mut state, first.level);
        let mut enhancer = Enhancer::default();
        enhancer.take(&setting.device, &delivery, simulator.video().chunk_ms(), 0);
        let mut beam = vec![Node {
            state,
            enhancer,
            score: 0.0,
            value: 0.0,
            quality: terms.quality(first.level, 0),
            key: (0, 0, 0),
            parent: 0,
            choice: first,
        }];
        let mut past: Vec<Vec<(u32, Choice)>> = Vec::with_capacity(simulator.chunks());
        for _ in 1..simulator.chunks() {
            let mut next = Vec::with_capacity(beam.len() * terms.levels() * terms.tiers());
            for (parent, node) in beam.iter().enumerate() {
                for level in 0..terms.levels() {
                    self.expand(simulator, setting, node, parent as u32, level, &mut next);
                }
            }
            next.sort_unstable_by(|a: &Node, b: &Node| {
                a.key.cmp(&b.key).then(b.value.total_cmp(&a.value))
            });
            next.dedup_by_key(|node| node.key);
            if next.len() > self.width {
                let by_value = |a: &Node, b: &Node| b.value.total_cmp(&a.value);
                next.select_nth_unstable_by(self.width, by_value);
                next.truncate(self.width);
            }
            past.push(next.iter().map(|node| (node.parent, node.choice)).collect());
            beam = next;
        }
        let scored = (simulator.chunks() - 1) as f64;
        let best = (0..beam.len()).max_by(|a, b| beam[*a].score.total_cmp(&beam[*b].score));
        let mut at = best.unwrap_or(0);
        let score = beam[at].score / scored;
        let mut plan = vec![first; simulator.chunks()];
        for (chunk, nodes) in past.iter().enumerate().rev() {
            let (parent, choice) = nodes[at];
            plan[chunk + 1] = choice;
            at = parent as usize;
        }
        (plan, score)
    }

    fn expand(
        &self,
        simulator: &Simulator,
        setting: &Setting,
        node: &Node,
        parent: u32,
        level: usize,
        next: &mut Vec<Node>,
    ) {
        let Setting { terms, device } = setting;
        let mut state = node.state;
        let delivery = simulator.step(&mut state, level);
        let chunk_ms = simulator.video().chunk_ms();
        for tier in 0..terms.tiers() {
            let mut enhancer = node.enhancer;
            let (shown, _) = enhancer.take(device, &delivery, chunk_ms, tier);
            if shown != tier {
                continue;
            }
            let quality = terms.quality(level, tier);
            let score = node.score + terms.score(quality, node.quality, delivery.rebuffer_ms);
            next.push(Node {
                state,
                enhancer,
                score,
                value: score + BUFFER_WORTH * terms.rebuffer * state.buffer_ms / 1e3,
                quality,
                key: (
                    (level * terms.tiers() + tier) as u8,
                    (state.clock_ms / self.clock_ms) as u32,
                    (state.buffer_ms / self.buffer_ms) as u32,
                ),
                parent,
                choice: Choice { level, tier },
            });
        }
    }
}

/// A controller that follows such a plan.
#[derive(Clone, Debug)]
pub struct Oracle {
    plan: Vec<Choice>,
}

impl Oracle {
    /// The plan for sessions on a simulator without chance.
    #[must_use]
    pub fn new(simulator: &Simulator, setting: &Setting) -> Oracle {
        let (plan, _) = Plan::default().find(simulator, setting);
        Oracle { plan }
    }
}

impl Controller for Oracle {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        self.plan[view.chunk]
    }

    fn observe(&mut self, _: &Event<'_>) {}
}
