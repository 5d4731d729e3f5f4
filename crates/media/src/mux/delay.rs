//! Matroska's codec delay.
//!
//! A decoder of sound may need a start that is not heard. Matroska says how long it is and players
//! take that off the times, so that a first packet at zero is heard before zero. Whether libav adds it
//! to the times of packets that it writes depends on its release.

use std::sync::{Arc, OnceLock};

use nervure_frame::TimeBase;

use crate::Packet;
use crate::av::ffi;
use crate::av::format_out::Format;
use crate::av::input::{InputContext, Read};
use crate::av::io::Io;
use crate::av::options::Options;
use crate::av::output::{NewStream, OutputContext};
use crate::av::parameters::Parameters;

/// What a stream's reader will take off its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Delay {
    millis: i64,
    /// It must be added here, since libav does not.
    ours: bool,
}

impl Delay {
    pub(super) fn of(parameters: &Parameters) -> Self {
        let raw = parameters.get();
        let padding = i64::from(raw.initial_padding.max(0));
        let is_opus = raw.codec_id == ffi::AVCodecID::OPUS;
        if padding == 0 || raw.sample_rate <= 0 || !(is_opus || libav_adds_it()) {
            return Delay::default();
        }
        let rate = i64::from(raw.sample_rate);
        Delay {
            millis: (padding * 1000 + rate / 2) / rate,
            ours: !libav_adds_it(),
        }
    }

    pub(super) fn millis(self) -> i64 {
        self.millis
    }

    /// On a packet whose times count milliseconds.
    pub(super) fn apply(self, packet: &mut Packet) {
        if self.ours {
            packet.set_pts(packet.pts().map(|ticks| ticks + self.millis));
            packet.set_dts(packet.dts().map(|ticks| ticks + self.millis));
        }
    }
}

/// Tried out on a file of one packet, in memory.
fn libav_adds_it() -> bool {
    static ADDS: OnceLock<bool> = OnceLock::new();
    *ADDS.get_or_init(|| read_back(1000) == Some(1000))
}

/// The time that a packet of Opus with a delay of 10 ms comes back with.
fn read_back(millis: i64) -> Option<i64> {
    let base = TimeBase::new(1, 1000);
    let mut output = OutputContext::new(Format::by_name("matroska")?, None).ok()?;
    output.open_memory().ok()?;
    output.keep_times();
    output.add_stream(&NewStream {
        parameters: Parameters::opus(480),
        base,
        frame_rate: None,
        sample_aspect: None,
        disposition: 0,
        tags: Vec::new(),
        side_data: Vec::new(),
    });
    output.write_header(&mut Options::new()).ok()?;
    let mut packet = Packet::copy(&[0xfc, 0xff, 0xfe], base)?;
    packet.set_pts(Some(millis));
    packet.set_dts(Some(millis));
    packet.set_duration(Some(20));
    packet.set_key(true);
    output.write(&mut packet).ok()?;
    output.write_trailer().ok()?;
    let io = Io::stream(Box::new(std::io::Cursor::new(output.memory())));
    let mut input =
        InputContext::open(c"", None, &mut Options::new(), Some(io), Arc::default()).ok()?;
    match input.read(&mut packet) {
        Read::Packet => packet.pts(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libav_does_one_of_two_things() {
        crate::av::init();
        let found = read_back(1000);
        assert!(matches!(found, Some(990 | 1000)), "{found:?}");
    }

    #[test]
    fn only_sound_with_a_start_is_delayed() {
        crate::av::init();
        let opus = Delay::of(&Parameters::opus(312));
        assert_eq!(opus.millis(), 7);
        assert_eq!(Delay::of(&Parameters::opus(0)).millis(), 0);
        assert_eq!(Delay::of(&Parameters::new()), Delay::default());
    }
}
