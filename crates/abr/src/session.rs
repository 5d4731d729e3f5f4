//! Whole sessions: a controller at a player, from the first chunk to the last.

use rayon::prelude::*;

use crate::controller::{Controller, Event, Kind, View};
use crate::energy::{Device, Enhancer};
use crate::qoe::{Parts, Tally, Terms};
use crate::{Delivery, Error, Simulator};

/// What a session is judged by and runs on.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// What counts.
    pub terms: Terms,
    /// What it runs on.
    pub device: Device,
}

/// A chunk as it was shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// How it came.
    pub delivery: Delivery,
    /// In which tier it was shown.
    pub tier: usize,
    /// What it took from the battery.
    pub joules: f64,
    /// Its score; the first chunk has none.
    pub score: Option<f64>,
}

/// Plays one session, and tells every chunk.
pub fn play(
    simulator: &Simulator,
    setting: &Setting,
    controller: &mut dyn Controller,
    seed: u64,
    tell: &mut dyn FnMut(&Shown),
) -> Parts {
    let Setting { terms, device } = setting;
    let chunk_ms = simulator.video().chunk_ms();
    let mut state = simulator.begin(seed);
    let mut enhancer = Enhancer::default();
    let mut tally = Tally::new();
    let mut last: Option<(usize, usize, f64)> = None; // the level, and the tier and the quality shown
    let mut spent_j = 0.0;
    controller.observe(&Event::Begin);
    loop {
        let view = View {
            simulator,
            terms,
            device,
            chunk: state.chunk(),
            buffer_ms: state.buffer_ms,
            backlog_ms: enhancer.backlog_ms,
            last_level: last.map_or(simulator.player().first_level, |it| it.0),
            last_tier: last.map_or(0, |it| it.1),
            last_quality: last.map(|it| it.2),
            spent_j,
        };
        let choice = match last {
            None => crate::controller::Choice::plain(simulator.player().first_level),
            Some(_) => controller.choose(&view),
        };
        let delivery = simulator.step(&mut state, choice.level);
        let (tier, more) = enhancer.take(device, &delivery, chunk_ms, choice.tier);
        let quality = terms.quality(delivery.level, tier);
        let joules = device.joules(&delivery, chunk_ms) + more;
        let score = tally.add(terms, &delivery, quality, joules);
        spent_j += joules;
        controller.observe(&Event::Arrived(&delivery));
        last = Some((delivery.level, tier, quality));
        tell(&Shown {
            delivery,
            tier,
            joules,
            score,
        });
        if delivery.last {
            return tally.finish();
        }
    }
}

/// Plays a session on every simulator, on all threads of the pool, with seeds that count up. The result
/// does not depend on the number of threads.
///
/// # Errors
/// When the controller does not fit.
pub fn play_all(
    simulators: &[Simulator],
    setting: &Setting,
    kind: &Kind,
    seed: u64,
) -> Result<Vec<Parts>, Error> {
    let one = |at: usize, controller: &mut dyn Controller| {
        let seed = seed.wrapping_add(at as u64);
        play(&simulators[at], setting, controller, seed, &mut |_| {})
    };
    // What it remembers of one session it takes into the next: they must follow each other.
    if kind.carries() {
        let Some(first) = simulators.first() else {
            return Ok(Vec::new());
        };
        let mut controller = kind.make(first, setting)?;
        return Ok((0..simulators.len())
            .map(|at| one(at, &mut *controller))
            .collect());
    }
    let sessions = (0..simulators.len()).into_par_iter().map(|at| {
        let mut controller = kind.make(&simulators[at], setting)?;
        Ok(one(at, &mut *controller))
    });
    sessions.collect()
}
