//! The rules of dash.js: throughput, and its mixture with BOLA (Spiteri, Sitaraman and Sparacio, MMSys 2018).

use super::{BolaE, Choice, Controller, Event, View};
use crate::Delivery;

/// Half-lives of the two moving averages, in seconds of downloads.
const HALF_LIVES_S: [f64; 2] = [3.0, 8.0];

/// The share of the rate that is trusted.
const TRUSTED: f64 = 0.9;

/// The share of what the buffer would bear that is used.
const SAFE: f64 = 0.5;

/// Above this buffer the mixture goes over to BOLA.
const BOLA_FROM_MS: f64 = 10_000.0;

/// The lesser of a quick and a slow moving average of rates.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Average {
    sums: [f64; 2],
    weights: [f64; 2],
}

impl Average {
    pub(crate) fn push(&mut self, it: &Delivery) {
        for (at, half_life_s) in HALF_LIVES_S.into_iter().enumerate() {
            let kept = 0.5_f64.powf(it.delay_ms / 1e3 / half_life_s);
            self.sums[at] = kept * self.sums[at] + (1.0 - kept) * it.mbps();
            self.weights[at] = kept * self.weights[at] + (1.0 - kept);
        }
    }

    /// In Mbit/s, where anything is known.
    pub(crate) fn mbps(&self) -> Option<f64> {
        let each = (0..2).map(|at| self.sums[at] / self.weights[at]);
        (self.weights[0] > 0.0).then(|| each.fold(f64::INFINITY, f64::min))
    }

    /// The level that the rate bears.
    pub(super) fn level(&self, view: &View<'_>) -> usize {
        view.level_below(TRUSTED * self.mbps().unwrap_or(0.0))
    }

    /// The level that does not bet what is left in the buffer.
    pub(super) fn safe_level(&self, view: &View<'_>) -> usize {
        let bears = self.mbps().unwrap_or(0.0) * view.buffer_ms / view.chunk_ms();
        view.level_below(SAFE * bears)
    }
}

/// The highest level below 90% of the rate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Throughput {
    average: Average,
}

impl Controller for Throughput {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        Choice::plain(self.average.level(view).min(self.average.safe_level(view)))
    }

    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Begin => *self = Throughput::default(),
            Event::Arrived(it) => self.average.push(it),
        }
    }
}

/// Throughput while the buffer is low, BOLA-E while it is not.
#[derive(Clone, Debug, Default)]
pub struct Dynamic {
    bola: BolaE,
    by_buffer: bool,
}

impl Controller for Dynamic {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let average = *self.bola.average();
        let by_rate = average.level(view).min(average.safe_level(view));
        let by_buffer = self.bola.choose(view).level;
        let low = view.buffer_ms < BOLA_FROM_MS;
        self.by_buffer = match self.by_buffer {
            true => !(low && by_buffer < by_rate),
            false => !low && by_buffer >= by_rate,
        };
        Choice::plain(if self.by_buffer { by_buffer } else { by_rate })
    }

    fn observe(&mut self, event: &Event<'_>) {
        if matches!(event, Event::Begin) {
            self.by_buffer = false;
        }
        self.bola.observe(event);
    }
}
