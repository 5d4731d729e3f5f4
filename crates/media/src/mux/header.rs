//! The front of the file, written when it is known where everything begins.

use std::io;

use nervure_frame::{TimeBase, Timestamp};

use super::clock::FileClock;
use super::{Muxer, failed};
use crate::av::options::Options;
use crate::av::{log, reason};
use crate::{Error, Packet, Result};

impl Muxer {
    /// Writes the front before this packet, the first.
    pub(super) fn begin_with(&mut self, lane: usize, packet: &Packet) -> Result<()> {
        let first = self.lanes[lane].missing(self.container, packet);
        let shift = self.common_shift(first);
        self.write_header(shift)
    }

    /// Writes the front of a file without packets.
    pub(super) fn begin(&mut self) -> Result<()> {
        let shift = self.common_shift(Timestamp::new(0, TimeBase::MICROS));
        self.write_header(shift)
    }

    /// How much later everything must be so that no time lies where the container has no place.
    fn common_shift(&self, first: Timestamp) -> Timestamp {
        let missing = self
            .queue
            .held()
            .map(|(lane, packet)| self.lanes[*lane].missing(self.container, packet))
            .fold(first, Timestamp::max);
        if missing.ticks <= 0 || !self.container.is_matroska() {
            return missing;
        }
        // Whole ticks of the container, so that all streams move by the same.
        let millis = TimeBase::new(1, 1000);
        let shift = missing.rescale(millis);
        let up = i64::from(shift < missing);
        Timestamp::new(shift.ticks + up, millis)
    }

    fn write_header(&mut self, shift: Timestamp) -> Result<()> {
        self.begun = true;
        self.report.shift = shift.seconds();
        for mut chapter in std::mem::take(&mut self.chapters) {
            let ticks = shift.rescale(chapter.base).ticks;
            chapter.start += ticks;
            chapter.end += ticks;
            self.context.add_chapter(&chapter);
        }
        let mut options = self.header_options();
        log::forget();
        self.context.write_header(&mut options).map_err(
            |code| match io::Error::from_raw_os_error(code.wrapping_neg()).kind() {
                io::ErrorKind::InvalidInput => Error::Av {
                    action: format!("cannot write {}", self.name),
                    reason: log::last_error().unwrap_or_else(|| reason(code)),
                },
                _ => failed(&self.name, code),
            },
        )?;
        if let Some(option) = options.leftover() {
            return Err(Error::Unsupported {
                what: format!("{} has no option {option:?}", self.container.name()),
                hint: Some(format!(
                    "ffmpeg -h muxer={} lists them",
                    self.container.name()
                )),
            });
        }
        let equal = self.container.format.allows_equal_times();
        for lane in &mut self.lanes {
            let base = self.context.base(lane.stream).unwrap_or(lane.base);
            lane.clock = Some(FileClock::new(base, shift, equal));
        }
        for (stream, bytes) in std::mem::take(&mut self.pictures) {
            let Some(mut packet) = Packet::copy(&bytes, TimeBase::MICROS) else {
                continue;
            };
            packet.set_stream(stream);
            packet.set_pts(Some(0));
            packet.set_dts(Some(0));
            packet.set_key(true);
            self.context
                .write(&mut packet)
                .map_err(|code| failed(&self.name, code))?;
        }
        Ok(())
    }

    fn header_options(&self) -> Options {
        let mut options = Options::new();
        if self.container.is_mov() {
            // The clock of the track is the clock of the source, so that no tick is lost.
            options.set(
                "video_track_timescale",
                &self.track.time_base.den.to_string(),
            );
            let mut flags = if !self.context.is_seekable() {
                "frag_keyframe+empty_moov+delay_moov+default_base_moof".to_owned()
            } else if self.faststart {
                "faststart".to_owned()
            } else {
                String::new()
            };
            for (_, value) in self.options.iter().filter(|(key, _)| key == "movflags") {
                if !value.starts_with(['+', '-']) {
                    flags.clear();
                }
                flags.push_str(value);
            }
            if !flags.is_empty() {
                options.set("movflags", &flags);
            }
            if self.bad_timecode {
                options.set("write_tmcd", "0");
            }
        }
        for (key, value) in self.options.iter().filter(|(key, _)| key != "movflags") {
            options.set(key, value);
        }
        options
    }
}
