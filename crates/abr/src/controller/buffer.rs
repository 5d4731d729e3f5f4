//! BB, which looks at the buffer only.

use super::{Choice, Controller, Event, View};

/// The lowest level below a reservoir, the highest above a cushion, and evenly between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BufferBased {
    /// Below this much video, the lowest level.
    pub reservoir_s: f64,
    /// Above the reservoir and this much more, the highest.
    pub cushion_s: f64,
}

impl Default for BufferBased {
    fn default() -> BufferBased {
        BufferBased {
            reservoir_s: 5.0,
            cushion_s: 10.0,
        }
    }
}

impl Controller for BufferBased {
    fn choose(&mut self, view: &View<'_>) -> Choice {
        let buffer_s = view.buffer_ms / 1e3;
        let top = view.mbps().len() - 1;
        Choice::plain(if buffer_s < self.reservoir_s {
            0
        } else if buffer_s >= self.reservoir_s + self.cushion_s {
            top
        } else {
            (top as f64 * (buffer_s - self.reservoir_s) / self.cushion_s) as usize
        })
    }

    fn observe(&mut self, _: &Event<'_>) {}
}
