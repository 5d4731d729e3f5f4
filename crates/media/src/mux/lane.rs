//! One stream of packets on its way into a file.

use nervure_frame::{TimeBase, Timestamp};

use super::clock::{Cut, FileClock, SampleClock};
use super::container::Container;
use super::delay::Delay;
use crate::Packet;
use crate::av::copied;
use crate::av::parameters::Parameters;
use crate::encode::reorder::Reorder;
use crate::source::StreamKind;
use crate::subtitle::SubtitleConverter;

/// A stream of packets on its way into the file.
pub(super) struct Lane {
    /// Its number in the file.
    pub(super) stream: usize,
    pub(super) kind: StreamKind,
    /// The clock of the packets that come.
    pub(super) base: TimeBase,
    pub(super) cut: Cut,
    pub(super) converter: Option<SubtitleConverter>,
    /// For sound whose source counts too coarsely.
    pub(super) samples: Option<(SampleClock, Parameters)>,
    /// For pictures.
    pub(super) reorder: Option<Reorder>,
    /// Packets without text say that nothing is shown; the container's muxer writes its own.
    pub(super) skip_empty: bool,
    /// Nothing can be decoded before the first keyframe.
    pub(super) await_key: bool,
    pub(super) delay: Delay,
    /// Known once the front of the file is written.
    pub(super) clock: Option<FileClock>,
    /// Packets without a time, or that could not be converted.
    pub(super) lost: u64,
    /// Packets whose time was missing and could be told from the one before.
    pub(super) mended: u64,
    /// The end of the last packet.
    pub(super) next: Option<i64>,
    /// The first time written, on the clock of the file.
    pub(super) first: Option<Timestamp>,
}

impl Lane {
    pub(super) fn new(stream: usize, kind: StreamKind, base: TimeBase) -> Self {
        Lane {
            stream,
            kind,
            base,
            cut: Cut::default(),
            converter: None,
            samples: None,
            reorder: None,
            skip_empty: false,
            await_key: false,
            delay: Delay::default(),
            clock: None,
            lost: 0,
            mended: 0,
            next: None,
            first: None,
        }
    }

    /// What of a copied packet is carried over, with its times on the new zero, and when it is decoded.
    /// Times before zero are left out unless `negative`.
    pub(super) fn prepare(&mut self, mut packet: Packet, negative: bool) -> Option<(Packet, i64)> {
        packet.rescale(self.base);
        let duration = packet.duration().unwrap_or(0);
        let said = packet.pts().or(packet.dts());
        let Some(mut pts) = said.or(self.next) else {
            self.lost += 1;
            return None;
        };
        self.mended += u64::from(said.is_none());
        self.next = Some(pts.saturating_add(duration));
        if !self.cut.keeps(pts, duration) {
            return None;
        }
        if self.await_key {
            self.await_key = !packet.is_key();
            if self.await_key {
                return None;
            }
        }
        if self.kind == StreamKind::Subtitle {
            let (first, length) = self.cut.shorten(pts, duration);
            pts = first;
            packet.set_duration(Some(length));
        }
        let dts = packet.dts().unwrap_or(pts).min(pts);
        let (pts, mut dts) = (self.cut.shift(pts), self.cut.shift(dts));
        // Cut off at the front, sound begins with its first whole packet where none may begin earlier.
        if pts < 0 && self.cut.has_start() && !negative {
            return None;
        }
        if let Some(reorder) = &mut self.reorder {
            dts = reorder.next(pts).unwrap_or(dts);
        }
        packet.set_pts(Some(pts));
        packet.set_dts(Some(dts));
        if self.skip_empty && packet.data().starts_with(&[0, 0]) {
            return None;
        }
        match &mut self.converter {
            None => Some((packet, dts)),
            Some(converter) => {
                let (converted, failed) = converter.convert(packet);
                self.lost += u64::from(failed);
                converted.map(|packet| (packet, pts))
            }
        }
    }

    /// Puts the packet on the clock of the file; false before there is one.
    pub(super) fn stamp(&mut self, packet: &mut Packet) -> bool {
        let Some(clock) = &mut self.clock else {
            return false;
        };
        let base = packet.time_base();
        let at = |ticks: Option<i64>| Timestamp::new(ticks.unwrap_or(0), base);
        let (mut pts, mut dts) = (at(packet.pts()), at(packet.dts()));
        if let Some((samples, parameters)) = &mut self.samples
            && let Some(count) = copied::packet_samples(parameters, packet.data().len())
            && samples.agrees(count, packet)
        {
            pts = samples.time(pts, count);
            dts = pts;
            packet.set_time_base(pts.base);
            packet.set_duration(Some(count));
        }
        packet.set_stream(self.stream);
        clock.stamp(packet, pts, dts);
        if self.first.is_none() {
            self.first = packet
                .pts()
                .map(|ticks| Timestamp::new(ticks, clock.base()));
        }
        self.delay.apply(packet);
        true
    }

    /// When the stream's track begins; none for a stream that has none because it is empty. libav
    /// begins tracks of text at zero, with nothing.
    pub(super) fn start(&self) -> Option<Timestamp> {
        match self.kind {
            StreamKind::Subtitle => Some(Timestamp::new(0, self.clock.as_ref()?.base())),
            _ => self.first,
        }
    }

    /// How far the packet lies before the first moment that the container has a place for.
    pub(super) fn missing(&self, container: Container, packet: &Packet) -> Timestamp {
        let pts = packet.pts().unwrap_or(0);
        let before = Timestamp::new(pts.saturating_neg(), packet.time_base());
        let zero = Timestamp::new(0, TimeBase::MICROS);
        if container.is_matroska() {
            // Sound may begin early by what its decoder leaves out.
            let allowed = self.delay.millis();
            let millis = TimeBase::new(1, 1000);
            if before.rescale(millis).ticks <= allowed {
                return zero;
            }
            let before = before.rescale(TimeBase::MICROS).ticks;
            return Timestamp::new(before - allowed * 1000, TimeBase::MICROS);
        }
        // MP4 leaves out what lies before zero: right for sound, whose decoders need a start, wrong
        // for pictures.
        if container.is_mov() && self.kind == StreamKind::Video {
            return before.max(zero);
        }
        zero
    }
}
