//! BOLA, which weighs the use of a level against the buffer that it takes (Spiteri, Urgaonkar and
//! Sitaraman, INFOCOM 2016), and BOLA-E, its form for players (Spiteri, Sitaraman and Sparacio, MMSys 2018).

use super::dash::Average;
use super::{Choice, Controller, Event, View};

/// The level of the best score: what it is of use, and what a bit of it is worth at this buffer.
fn best(view: &View<'_>, v_s: f64, gain: f64, buffer_s: f64) -> usize {
    let mbps = view.mbps();
    let score = |level: usize| {
        let utility = (mbps[level] / mbps[0]).ln();
        (v_s * (utility + gain) - buffer_s) / mbps[level]
    };
    let mut best = 0;
    for level in 1..mbps.len() {
        if score(level) > score(best) {
            best = level;
        }
    }
    best
}

/// BOLA as first published, with utilities that are logarithms of rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bola {
    /// How much stalls count against quality: `γp` of the paper.
    pub gain: f64,
    /// The buffer that it makes use of, if that is less than the player's.
    pub buffer_s: f64,
}

impl Default for Bola {
    fn default() -> Bola {
        Bola {
            gain: 5.0,
            buffer_s: 25.0,
        }
    }
}

impl Controller for Bola {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let mbps = view.mbps();
        let top = (mbps[mbps.len() - 1] / mbps[0]).ln();
        let chunk_s = view.chunk_ms() / 1e3;
        let buffer_s = self.buffer_s.min(view.buffer_cap_ms() / 1e3);
        let v_s = (buffer_s - chunk_s).max(chunk_s) / (top + self.gain);
        Choice::plain(best(view, v_s, self.gain, view.buffer_ms / 1e3))
    }

    fn observe(&mut self, _: &Event<'_>) {}
}

/// BOLA as dash.js has it: it begins by throughput, pretends to have buffer that it did not need, does
/// not climb above throughput, and does not bet what is left in the buffer.
#[derive(Clone, Debug, Default)]
pub struct BolaE {
    average: Average,
    pretended_s: f64,
    steady: bool,
    last: Option<usize>,
    slept_ms: f64,
    stalled: bool,
}

/// The least buffer that the parameters are made for, and what each level adds.
const BUFFER_S: f64 = 10.0;
const LEVEL_S: f64 = 2.0;
const STABLE_S: f64 = 12.0;

/// The share of pretended buffer that is left with each chunk.
const KEEP: f64 = 0.99;

impl BolaE {
    /// `(V, γp)` for a ladder. Utilities begin at 1 there.
    fn parameters(view: &View<'_>) -> (f64, f64) {
        let mbps = view.mbps();
        let top = (mbps[mbps.len() - 1] / mbps[0]).ln();
        let buffer_s = STABLE_S.max(BUFFER_S + LEVEL_S * mbps.len() as f64);
        let gain = top / (buffer_s / BUFFER_S - 1.0);
        match gain > 0.0 {
            true => (BUFFER_S / gain, gain + 1.0),
            false => (BUFFER_S, 1.0),
        }
    }

    /// The least buffer at which a level is the best.
    fn least_buffer_s(view: &View<'_>, level: usize) -> f64 {
        let (v_s, gain) = BolaE::parameters(view);
        let mbps = view.mbps();
        let utility = |level: usize| (mbps[level] / mbps[0]).ln();
        let against = |lower: usize| {
            // Where both have the same score.
            let weighed = mbps[level] * utility(lower) - mbps[lower] * utility(level);
            v_s * (gain + weighed / (mbps[level] - mbps[lower]))
        };
        (0..level).map(against).fold(0.0, f64::max)
    }

    pub(super) fn average(&self) -> &Average {
        &self.average
    }
}

impl Controller for BolaE {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let buffer_s = view.buffer_ms / 1e3;
        let chunk_s = view.chunk_ms() / 1e3;
        let by_rate = self.average.level(view);
        if self.stalled {
            self.pretended_s = 0.0;
        }
        let level = if self.steady {
            let (v_s, gain) = BolaE::parameters(view);
            // What the player waited for was no use of the buffer.
            self.pretended_s = (self.pretended_s + self.slept_ms / 1e3) * KEEP;
            let level = best(view, v_s, gain, buffer_s + self.pretended_s);
            let last = self.last.unwrap_or(0);
            let level = match level > last && level > by_rate {
                true => by_rate.max(last),
                false => level,
            };
            let most_s = v_s * ((view.mbps()[level] / view.mbps()[0]).ln() + gain);
            let over_s = (buffer_s + self.pretended_s - most_s).max(0.0);
            self.pretended_s = (self.pretended_s - over_s).max(0.0);
            level
        } else {
            self.pretended_s = (BolaE::least_buffer_s(view, by_rate) - buffer_s).max(0.0);
            self.steady = buffer_s >= chunk_s;
            by_rate
        };
        let level = level.min(self.average.safe_level(view));
        self.last = Some(level);
        Choice::plain(level)
    }

    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Begin => *self = BolaE::default(),
            Event::Arrived(it) => {
                self.average.push(it);
                self.slept_ms = it.sleep_ms;
                self.stalled = it.rebuffer_ms > 0.0 && it.chunk > 0;
            }
        }
    }
}
