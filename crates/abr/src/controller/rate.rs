//! Controllers that look at one number, or at none.

use super::{Choice, Controller, Event, View};

/// Always the same level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Which.
    pub level: usize,
}

impl Controller for Fixed {
    fn choose(&mut self, _: &View<'_>) -> Choice {
        Choice::plain(self.level)
    }

    fn observe(&mut self, _: &Event<'_>) {}
}

/// The rates of the last chunks, and their harmonic mean.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recent {
    mbps: [f64; Recent::LENGTH],
    count: usize,
}

impl Recent {
    /// How many chunks count.
    pub(crate) const LENGTH: usize = 5;

    pub(crate) fn push(&mut self, mbps: f64) {
        if self.count == Recent::LENGTH {
            self.mbps.rotate_left(1);
            self.count -= 1;
        }
        self.mbps[self.count] = mbps;
        self.count += 1;
    }

    /// The harmonic mean, where there is one.
    pub(crate) fn harmonic(&self) -> Option<f64> {
        let known = &self.mbps[..self.count];
        let sum: f64 = known.iter().map(|rate| 1.0 / rate).sum();
        (self.count > 0).then(|| 1.0 / (sum / self.count as f64))
    }
}

/// The highest level below the harmonic mean of the last five chunks' rates.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateBased {
    recent: Recent,
}

impl Controller for RateBased {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        Choice::plain(view.level_below(self.recent.harmonic().unwrap_or(0.0)))
    }

    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Begin => *self = RateBased::default(),
            Event::Arrived(it) => self.recent.push(it.mbps()),
        }
    }
}
