//! The times of one stream on their way into a file.

use nervure_frame::{TimeBase, Timestamp};

use crate::Packet;

/// The part of the source that is carried over, on the clock of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cut {
    start: Option<i64>,
    end: Option<i64>,
    /// Added to every time.
    offset: i64,
}

impl Cut {
    pub(super) fn new(
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        offset: Option<Timestamp>,
        base: TimeBase,
    ) -> Self {
        Cut {
            start: start.map(|moment| moment.rescale(base).ticks),
            end: end.map(|moment| moment.rescale(base).ticks),
            offset: offset.map_or(0, |moment| moment.rescale(base).ticks),
        }
    }

    /// Anything is left out.
    pub(super) fn is_trimmed(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }

    pub(super) fn has_start(&self) -> bool {
        self.start.is_some()
    }

    /// Whether any of the stretch is carried over.
    pub(super) fn keeps(&self, pts: i64, duration: i64) -> bool {
        let last = pts.saturating_add(duration.max(1));
        self.start.is_none_or(|start| last > start) && self.end.is_none_or(|end| pts < end)
    }

    /// The part of the stretch that is carried over, where it can be cut anywhere.
    pub(super) fn shorten(&self, pts: i64, duration: i64) -> (i64, i64) {
        let last = pts.saturating_add(duration);
        let first = self.start.map_or(pts, |start| pts.max(start));
        let last = self.end.map_or(last, |end| last.min(end));
        (first, (last - first).max(0))
    }

    pub(super) fn shift(&self, ticks: i64) -> i64 {
        ticks.saturating_add(self.offset)
    }
}

/// Chooses the exact time of each packet of sound where the source's clock is too coarse to tell.
///
/// Matroska counts thousandths of a second. Written to a clock of samples as they are, its times would
/// jitter by half a thousandth; but packets of sound follow each other without a gap, so that the end
/// of one is the time of the next, wherever that rounds to the time that the source says.
#[derive(Clone, Copy, Debug)]
pub(super) struct SampleClock {
    rate: TimeBase,
    next: Option<i64>,
}

impl SampleClock {
    /// For `rate` samples in a second; none where the source's clock is fine enough.
    pub(super) fn new(rate: u32, source: TimeBase) -> Option<Self> {
        if rate == 0 {
            return None;
        }
        let rate = TimeBase::new(1, rate);
        (source.seconds() > rate.seconds()).then_some(SampleClock { rate, next: None })
    }

    /// Whether a packet can last that many samples, for all that the source says. The last one of a
    /// stream is often shorter than its codec's packets are.
    pub(super) fn agrees(&self, samples: i64, packet: &Packet) -> bool {
        let length = Timestamp::new(samples, self.rate).rescale(packet.time_base());
        packet
            .duration()
            .is_none_or(|said| (said - length.ticks).abs() <= 1)
    }

    /// The time of a packet that the source has at `said`, and that lasts `samples`.
    pub(super) fn time(&mut self, said: Timestamp, samples: i64) -> Timestamp {
        let (num, den) = (
            i128::from(said.base.num) * i128::from(self.rate.den),
            i128::from(said.base.den) * i128::from(self.rate.num),
        );
        // The samples that lie nearer to the source's tick than to another.
        let doubled = 2 * i128::from(said.ticks);
        let first = ((doubled - 1) * num).div_euclid(2 * den) + 1;
        let last = ((doubled + 1) * num - 1).div_euclid(2 * den);
        let tick = last - first;
        let exact = match self.next.map(i128::from) {
            Some(next) if next >= first - tick && next <= last + tick => next.clamp(first, last),
            _ => i128::from(said.rescale(self.rate).ticks),
        };
        let exact = exact.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        self.next = exact.checked_add(samples);
        Timestamp::new(exact, self.rate)
    }
}

/// Times on the clock of the file, never going back.
#[derive(Debug)]
pub(super) struct FileClock {
    base: TimeBase,
    /// Added to every time, so that none lies before zero in a file that has no place there.
    shift: i64,
    /// Two packets may be decoded at one moment.
    equal: bool,
    last: Option<i64>,
    /// Packets whose times had to be moved.
    pub(super) mended: u64,
}

impl FileClock {
    pub(super) fn new(base: TimeBase, shift: Timestamp, equal: bool) -> Self {
        FileClock {
            base,
            shift: shift.rescale(base).ticks,
            equal,
            last: None,
            mended: 0,
        }
    }

    pub(super) fn base(&self) -> TimeBase {
        self.base
    }

    /// Puts the times on the packet, each to the nearest tick.
    pub(super) fn stamp(&mut self, packet: &mut Packet, pts: Timestamp, dts: Timestamp) {
        let duration = packet.duration().map(|ticks| {
            let length = Timestamp::new(ticks, packet.time_base());
            length.rescale(self.base).ticks
        });
        let mut pts = pts.rescale(self.base).ticks.saturating_add(self.shift);
        let mut dts = dts.rescale(self.base).ticks.saturating_add(self.shift);
        if let Some(last) = self.last {
            let lowest = if self.equal {
                last
            } else {
                last.saturating_add(1)
            };
            if dts < lowest {
                self.mended += 1;
                dts = lowest;
            }
        }
        pts = pts.max(dts);
        self.last = Some(dts);
        packet.set_time_base(self.base);
        packet.set_pts(Some(pts));
        packet.set_dts(Some(dts));
        packet.set_duration(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLIS: TimeBase = TimeBase { num: 1, den: 1000 };

    #[test]
    fn a_cut_keeps_what_it_touches() {
        let at = |ticks| Some(Timestamp::new(ticks, MILLIS));
        let cut = Cut::new(at(1000), at(2000), at(-1000), MILLIS);
        assert!(!cut.keeps(900, 100) && cut.keeps(900, 101));
        assert!(cut.keeps(1999, 50) && !cut.keeps(2000, 50));
        assert_eq!(cut.shorten(900, 200), (1000, 100));
        assert_eq!(cut.shorten(1900, 200), (1900, 100));
        assert_eq!(cut.shift(1000), 0);
        assert!(cut.is_trimmed() && !Cut::default().is_trimmed());
        assert!(Cut::default().keeps(-5, 0));
    }

    #[test]
    fn sound_in_milliseconds_gets_its_samples_back() {
        let rate = TimeBase::new(1, 44_100);
        let mut clock = SampleClock::new(44_100, MILLIS).unwrap();
        let mut jitter = Vec::new();
        for n in 0..1000 {
            let truth = Timestamp::new(n * 1024, rate);
            let said = truth.rescale(MILLIS);
            let found = clock.time(said, 1024);
            assert_eq!(found.rescale(MILLIS).ticks, said.ticks);
            jitter.push(found.ticks - truth.ticks);
        }
        assert_eq!(jitter, vec![0; 1000]);
    }

    #[test]
    fn a_short_packet_is_not_taken_for_a_whole_one() {
        let clock = SampleClock::new(48_000, MILLIS).unwrap();
        let mut packet = Packet::copy(b"x", MILLIS).unwrap();
        assert!(clock.agrees(1024, &packet));
        for (said, agrees) in [(21, true), (22, true), (10, false), (42, false)] {
            packet.set_duration(Some(said));
            assert_eq!(clock.agrees(1024, &packet), agrees, "{said}");
        }
    }

    #[test]
    fn a_gap_in_the_sound_stays() {
        let mut clock = SampleClock::new(48_000, MILLIS).unwrap();
        assert_eq!(clock.time(Timestamp::new(21, MILLIS), 1024).ticks, 1008);
        assert_eq!(clock.time(Timestamp::new(43, MILLIS), 1024).ticks, 2041);
        assert_eq!(clock.time(Timestamp::new(500, MILLIS), 1024).ticks, 24_000);
        assert!(SampleClock::new(48_000, TimeBase::new(1, 48_000)).is_none());
        assert!(SampleClock::new(0, MILLIS).is_none());
    }

    #[test]
    fn times_never_go_back() {
        let mut packet = Packet::copy(b"x", MILLIS).unwrap();
        let shift = Timestamp::new(22, MILLIS);
        let mut clock = FileClock::new(TimeBase::new(1, 90_000), shift, false);
        let mut stamp = |ticks| {
            let time = Timestamp::new(ticks, MILLIS);
            packet.set_time_base(MILLIS);
            packet.set_duration(Some(10));
            clock.stamp(&mut packet, time, time);
            (packet.pts(), packet.dts(), packet.duration())
        };
        assert_eq!(stamp(-22), (Some(0), Some(0), Some(900)));
        assert_eq!(stamp(-22), (Some(1), Some(1), Some(900)));
        assert_eq!(stamp(0), (Some(1980), Some(1980), Some(900)));
        assert_eq!(clock.mended, 1);
    }
}
