//! Subtitles that are text, from the kind that one container holds to the kind that another does.

use nervure_frame::TimeBase;

use crate::av::parameters::Parameters;
use crate::av::subtitle::Converter;
use crate::av::{log, reason};
use crate::{Error, Packet, Result};

/// Converts the packets of one stream. The text and its times stay; styles stay as far as the new
/// kind has them.
pub(crate) struct SubtitleConverter {
    converter: Converter,
    stream: usize,
}

impl SubtitleConverter {
    /// For the stream of that number in the source, to what libav's encoder of that name makes.
    pub(crate) fn new(
        from: &Parameters,
        base: TimeBase,
        encoder: &str,
        stream: usize,
    ) -> Result<Self> {
        log::forget();
        let converter = Converter::new(from, base, encoder).map_err(|code| Error::Av {
            action: format!(
                "cannot make {encoder} of the {} subtitles of stream {stream}",
                from.codec_name()
            ),
            reason: log::last_error().unwrap_or_else(|| reason(code)),
        })?;
        Ok(SubtitleConverter { converter, stream })
    }

    /// What a container must know about the new stream.
    pub(crate) fn parameters(&self) -> Parameters {
        self.converter.parameters()
    }

    /// The packet with its text converted; none when it shows nothing, or nothing that can be read,
    /// in which case the second value is true.
    pub(crate) fn convert(&mut self, mut packet: Packet) -> (Option<Packet>, bool) {
        let bytes = match self.converter.convert(&mut packet) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return (None, false),
            Err(code) => {
                tracing::warn!(
                    stream = self.stream,
                    reason = reason(code),
                    "a subtitle could not be read"
                );
                return (None, true);
            }
        };
        let Some(mut converted) = Packet::copy(&bytes, packet.time_base()) else {
            return (None, true);
        };
        converted.set_stream(packet.stream());
        converted.set_pts(packet.pts());
        converted.set_dts(packet.pts());
        converted.set_duration(packet.duration());
        converted.set_key(true);
        (Some(converted), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::ffi;

    fn text(codec: ffi::AVCodecID, header: &str, from: &str, to: &str) -> Option<Vec<u8>> {
        let parameters = Parameters::subtitle(codec, header.as_bytes()).unwrap();
        let base = TimeBase::new(1, 1000);
        let mut converter = SubtitleConverter::new(&parameters, base, to, 0).unwrap();
        let mut packet = Packet::copy(from.as_bytes(), base).unwrap();
        packet.set_pts(Some(1500));
        packet.set_duration(Some(700));
        let (converted, failed) = converter.convert(packet);
        assert!(!failed);
        let converted = converted?;
        assert_eq!(
            (converted.pts(), converted.duration()),
            (Some(1500), Some(700))
        );
        Some(converted.data().to_vec())
    }

    #[test]
    fn text_survives_every_way() {
        use ffi::AVCodecID as Id;
        let line = "Grüße, <i>world</i>";
        assert_eq!(
            text(Id::SUBRIP, "", line, "webvtt").unwrap(),
            "Grüße, <i>world</i>".as_bytes()
        );
        let movie = text(Id::SUBRIP, "", line, "mov_text").unwrap();
        let spoken = "Grüße, world".as_bytes();
        assert_eq!(&movie[..2], (spoken.len() as u16).to_be_bytes());
        assert_eq!(&movie[2..2 + spoken.len()], spoken);
        let back = [&(spoken.len() as u16).to_be_bytes()[..], spoken].concat();
        let back = String::from_utf8(back).unwrap();
        assert_eq!(text(Id::MOV_TEXT, "", &back, "srt").unwrap(), spoken);
        assert_eq!(text(Id::MOV_TEXT, "", "\0\0", "srt"), None);
    }

    #[test]
    fn broken_text_is_counted_not_fatal() {
        let parameters = Parameters::subtitle(ffi::AVCodecID::SUBRIP, b"").unwrap();
        let base = TimeBase::new(1, 1000);
        let mut converter = SubtitleConverter::new(&parameters, base, "webvtt", 0).unwrap();
        let packet = Packet::copy(b"\xff\xfe\xff", base).unwrap();
        let (converted, failed) = converter.convert(packet);
        assert!(converted.is_none() && failed);
    }
}
