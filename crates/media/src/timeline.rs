//! One clock for sources whose clock starts again.
//!
//! A recording of a broadcast, or transport streams put one behind the other, jump back in time where
//! the pieces meet, each stream at its own packet. Left alone, every later picture would be squeezed
//! behind the last one before the jump. Here each jump back becomes a new epoch, and its packets of
//! all streams move by the same amount, so that they stay in step.

use nervure_frame::{TimeBase, Timestamp};

/// Going back by less is disorder within an epoch, not a new one.
const SLACK: f64 = 0.5;
/// Epochs that a packet may still belong to: streams cross a jump one after the other.
const EPOCHS: usize = 4;

/// Follows the decoding times of all streams.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// What is added in each epoch, the latest first.
    epochs: Vec<Timestamp>,
    streams: Vec<Option<Place>>,
    /// The furthest that any stream has got.
    latest: Option<Timestamp>,
    breaks: u64,
}

/// Where a stream has got to, on the mended clock.
#[derive(Clone, Copy, Debug)]
struct Place {
    next: Timestamp,
    epoch: Timestamp,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Timeline {
            epochs: vec![Timestamp::new(0, TimeBase::MICROS)],
            streams: Vec::new(),
            latest: None,
            breaks: 0,
        }
    }

    /// What must be added to the times of the next packet of a stream of sound or pictures, in its own
    /// ticks.
    pub(crate) fn lead(
        &mut self,
        stream: usize,
        dts: Option<Timestamp>,
        duration: Option<i64>,
        base: TimeBase,
    ) -> i64 {
        if stream >= self.streams.len() {
            self.streams.resize(stream + 1, None);
        }
        let place = self.streams[stream];
        let epoch = match (place, dts) {
            (Some(place), Some(dts)) => self.epoch(place, dts),
            (Some(place), None) => place.epoch,
            (None, _) => self.epochs[0],
        };
        let offset = epoch.rescale(base).ticks;
        if let Some(dts) = dts {
            let after = dts.ticks.saturating_add(offset);
            let next = Timestamp::new(after.saturating_add(duration.unwrap_or(0)), base);
            self.streams[stream] = Some(Place { next, epoch });
            self.latest = Some(self.latest.map_or(next, |latest| latest.max(next)));
        }
        offset
    }

    /// The same for a packet of a stream with gaps, such as subtitles: it is put where it is nearest to
    /// the sound and pictures around it.
    pub(crate) fn follow(&self, dts: Option<Timestamp>, base: TimeBase) -> i64 {
        let distance = |epoch: &&Timestamp| match (dts, self.latest) {
            (Some(dts), Some(latest)) => (dts.seconds() + epoch.seconds() - latest.seconds()).abs(),
            _ => 0.0,
        };
        let nearest = self
            .epochs
            .iter()
            .min_by(|one, other| distance(one).total_cmp(&distance(other)));
        nearest.map_or(0, |epoch| epoch.rescale(base).ticks)
    }

    /// The epoch that a packet continues best, or a new one where all would go back.
    fn epoch(&mut self, place: Place, dts: Timestamp) -> Timestamp {
        let gap = |epoch: &Timestamp| dts.seconds() + epoch.seconds() - place.next.seconds();
        let best = self
            .epochs
            .iter()
            .filter(|epoch| gap(epoch) >= -SLACK)
            .min_by(|one, other| gap(one).abs().total_cmp(&gap(other).abs()));
        if let Some(epoch) = best {
            return *epoch;
        }
        let base = dts.base;
        let next = place.next.rescale(base).ticks;
        let epoch = Timestamp::new(next.saturating_sub(dts.ticks), base);
        self.epochs.insert(0, epoch);
        self.epochs.truncate(EPOCHS);
        self.breaks += 1;
        epoch
    }

    /// Forgets where the streams were, as after a seek.
    pub(crate) fn reset(&mut self) {
        *self = Timeline {
            breaks: self.breaks,
            ..Timeline::new()
        };
    }

    /// How many jumps back were mended.
    pub(crate) fn breaks(&self) -> u64 {
        self.breaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: TimeBase = TimeBase {
        num: 1,
        den: 90_000,
    };

    fn mend(timeline: &mut Timeline, stream: usize, ticks: i64, duration: i64) -> i64 {
        let dts = Some(Timestamp::new(ticks, BASE));
        ticks + timeline.lead(stream, dts, Some(duration), BASE)
    }

    #[test]
    fn a_clock_that_goes_on_is_left_alone() {
        let mut timeline = Timeline::new();
        // Late start, a gap of a minute, and disorder of less than half a second.
        for ticks in [
            900_000,
            903_600,
            903_600 + 60 * 90_000,
            903_600 + 59 * 90_000 + 60_000,
        ] {
            assert_eq!(mend(&mut timeline, 0, ticks, 3600), ticks);
        }
        assert_eq!(timeline.breaks(), 0);
    }

    #[test]
    fn streams_that_cross_a_jump_one_after_the_other_stay_in_step() {
        let mut timeline = Timeline::new();
        let (video, audio) = (0, 1);
        assert_eq!(mend(&mut timeline, video, 896_400, 3600), 896_400);
        assert_eq!(mend(&mut timeline, audio, 895_000, 1920), 895_000);
        // Video starts again at zero, which is now 900_000.
        assert_eq!(mend(&mut timeline, video, 0, 3600), 900_000);
        // Audio is still before the jump, then behind it.
        assert_eq!(mend(&mut timeline, audio, 896_920, 1920), 896_920);
        assert_eq!(mend(&mut timeline, video, 3600, 3600), 903_600);
        assert_eq!(mend(&mut timeline, audio, 500, 1920), 900_500);
        assert_eq!(mend(&mut timeline, audio, 2420, 1920), 902_420);
        assert_eq!(timeline.breaks(), 1);
        // A packet without a time belongs to its stream's epoch.
        assert_eq!(timeline.lead(audio, None, None, BASE), 900_000);
        // Subtitles go with the picture they were stored beside.
        assert_eq!(
            timeline.follow(Some(Timestamp::new(5000, BASE)), BASE),
            900_000
        );
        assert_eq!(
            timeline.follow(Some(Timestamp::new(890_000, BASE)), BASE),
            0
        );
        timeline.reset();
        assert_eq!(mend(&mut timeline, video, 7200, 3600), 7200);
        assert_eq!(timeline.breaks(), 1);
    }

    #[test]
    fn jump_after_jump_accumulates() {
        let mut timeline = Timeline::new();
        let mut last = -1;
        for _ in 0..10 {
            for frame in 0..25 {
                let at = mend(&mut timeline, 0, 1_000_000 + frame * 3600, 3600);
                assert!(at > last);
                last = at;
            }
        }
        assert_eq!(last, 1_000_000 + 249 * 3600);
        assert_eq!(timeline.breaks(), 9);
    }
}
