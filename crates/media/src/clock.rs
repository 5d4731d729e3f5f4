//! Timestamps that only go forward.

/// Gives every frame of a stream a timestamp later than the one before.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Ticks from one frame to the next where nobody says.
    step: i64,
    last: Option<(i64, Option<i64>)>,
    mended: u64,
}

impl Clock {
    /// A clock for frames that are usually `step` ticks apart.
    pub(crate) fn new(step: i64) -> Self {
        Clock {
            step: step.max(1),
            last: None,
            mended: 0,
        }
    }

    /// The timestamp of the next frame: what its stream says, unless that is missing, repeated or
    /// earlier than the frame before.
    pub(crate) fn next(&mut self, said: Option<i64>, duration: Option<i64>) -> i64 {
        let ticks = match (said, self.last) {
            (Some(ticks), None) => ticks,
            (Some(ticks), Some((last, _))) if ticks > last => ticks,
            (Some(_), Some((last, _))) => {
                self.mended += 1;
                last.saturating_add(1)
            }
            (None, None) => {
                self.mended += 1;
                0
            }
            (None, Some((last, duration))) => {
                self.mended += 1;
                last.saturating_add(duration.unwrap_or(self.step))
            }
        };
        self.last = Some((ticks, duration.filter(|ticks| *ticks > 0)));
        ticks
    }

    /// The timestamp of the last frame.
    pub(crate) fn last(&self) -> Option<i64> {
        self.last.map(|(ticks, _)| ticks)
    }

    /// Forgets the last frame, as after a seek.
    pub(crate) fn reset(&mut self) {
        self.last = None;
    }

    /// How many timestamps were not the stream's own.
    pub(crate) fn mended(&self) -> u64 {
        self.mended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_timestamps_are_left_alone() {
        let mut clock = Clock::new(40);
        let said = [-80, -40, 0, 7, 1_000_000];
        assert_eq!(said.map(|ticks| clock.next(Some(ticks), Some(40))), said);
        assert_eq!(clock.mended(), 0);
    }

    #[test]
    fn bad_timestamps_move_forward_and_are_counted() {
        let mut clock = Clock::new(40);
        assert_eq!(clock.next(None, Some(40)), 0);
        assert_eq!(
            clock.next(None, Some(33)),
            40,
            "the frame before says how long it lasts"
        );
        assert_eq!(clock.next(None, None), 73);
        assert_eq!(clock.next(None, None), 113, "nobody says");
        assert_eq!(clock.next(Some(113), None), 114);
        assert_eq!(clock.next(Some(5), None), 115);
        assert_eq!(clock.next(Some(160), None), 160);
        assert_eq!(clock.mended(), 6);
        clock.reset();
        assert_eq!(clock.next(Some(5), None), 5);
        assert_eq!(clock.mended(), 6);
    }
}
