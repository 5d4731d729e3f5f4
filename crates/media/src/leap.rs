//! Packets whose time is a damaged number.
//!
//! One flipped bit can put a packet years ahead. Taken at its word, every packet behind it would seem
//! to go back. So a packet far ahead of its stream is held until the next one of the stream tells:
//! if that goes on where the stream was, the number was wrong; if it goes on behind the leap, the
//! stream has a gap and is left as it is.

use nervure_frame::Timestamp;

use crate::Packet;

/// Seconds that a stream may be silent without being looked at twice.
const GAP: f64 = 10.0;
/// Going back by less is disorder, not a broken number.
const SLACK: f64 = 0.5;
/// A picture shown this many seconds, and this many pictures, after it was decoded is not real.
const REORDER: (f64, i64) = (60.0, 64);

/// Where each stream has got to.
#[derive(Debug, Default)]
pub(crate) struct Leaps {
    /// When the next packet of a stream should be decoded.
    next: Vec<Option<Timestamp>>,
}

impl Leaps {
    /// Whether a packet lies so far ahead of its stream that the next one should be asked.
    pub(crate) fn is_far(&self, packet: &Packet) -> bool {
        self.gap(packet).is_some_and(|gap| gap > GAP)
    }

    /// Whether a packet goes on where its stream was, as if there had been nothing far ahead.
    pub(crate) fn goes_on(&self, packet: &Packet) -> bool {
        self.gap(packet)
            .is_some_and(|gap| (-SLACK..=GAP).contains(&gap))
    }

    /// Puts a packet where its stream had got to.
    pub(crate) fn pull_back(&self, packet: &mut Packet) {
        let next = self.next.get(packet.stream()).copied().flatten();
        if let (Some(next), Some(dts)) = (next, packet.dts()) {
            let place = next.rescale(packet.time_base()).ticks;
            let lead = packet.pts().map(|pts| pts.saturating_sub(dts));
            packet.set_dts(Some(place));
            packet.set_pts(lead.map(|lead| place.saturating_add(lead)));
        }
    }

    /// Notes where a packet leaves its stream.
    pub(crate) fn follow(&mut self, packet: &Packet) {
        let stream = packet.stream();
        if stream >= self.next.len() {
            self.next.resize(stream + 1, None);
        }
        if let Some(dts) = packet.dts() {
            let next = dts.saturating_add(packet.duration().unwrap_or(0));
            self.next[stream] = Some(Timestamp::new(next, packet.time_base()));
        }
    }

    /// Forgets where the streams were, as after a seek.
    pub(crate) fn reset(&mut self) {
        self.next.clear();
    }

    fn gap(&self, packet: &Packet) -> Option<f64> {
        let next = self.next.get(packet.stream()).copied().flatten()?;
        let dts = Timestamp::new(packet.dts()?, packet.time_base());
        Some(dts.seconds() - next.seconds())
    }
}

/// Takes away a time of showing that cannot belong to the time of decoding; true if there was one.
pub(crate) fn drop_wild_pts(packet: &mut Packet) -> bool {
    let (Some(pts), Some(dts)) = (packet.pts(), packet.dts()) else {
        return false;
    };
    let lead = pts.abs_diff(dts);
    let frames = packet.duration().unwrap_or(1).saturating_mul(REORDER.1);
    let wild =
        lead as f64 * packet.time_base().seconds() > REORDER.0 && lead > frames.unsigned_abs();
    if wild {
        packet.set_pts(None);
    }
    wild
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::TimeBase;

    fn packet(dts: i64, pts: i64) -> Packet {
        let mut packet = Packet::copy(b"x", TimeBase::new(1, 1000)).unwrap();
        packet.set_dts(Some(dts));
        packet.set_pts(Some(pts));
        packet.set_duration(Some(40));
        packet
    }

    #[test]
    fn a_leap_is_pulled_back_and_a_gap_is_not_one() {
        let mut leaps = Leaps::default();
        assert!(
            !leaps.is_far(&packet(1 << 40, 1 << 40)),
            "a stream begins anywhere"
        );
        leaps.follow(&packet(0, 80));
        assert!(!leaps.is_far(&packet(9_000, 9_080)));
        let mut far = packet(40 + (1 << 30), 80 + (1 << 30));
        assert!(leaps.is_far(&far));
        assert!(leaps.goes_on(&packet(80, 120)));
        assert!(!leaps.goes_on(&packet(80 + (1 << 30), 120)));
        leaps.pull_back(&mut far);
        assert_eq!((far.dts(), far.pts()), (Some(40), Some(80)));
        leaps.reset();
        assert!(!leaps.is_far(&packet(1 << 40, 1 << 40)));
    }

    #[test]
    fn a_wild_time_of_showing_goes() {
        let mut wild = packet(1000, 1000 + (1 << 30));
        assert!(drop_wild_pts(&mut wild));
        assert_eq!((wild.dts(), wild.pts()), (Some(1000), None));
        let mut late = packet(1000, 1480);
        assert!(!drop_wild_pts(&mut late));
        assert_eq!(late.pts(), Some(1480));
        // One picture in ten seconds, sixteen of them reordered.
        let mut slow = packet(0, 160_000);
        slow.set_duration(Some(10_000));
        assert!(!drop_wild_pts(&mut slow));
    }
}
