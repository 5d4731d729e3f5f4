//! What becomes of each stream of the source, decided before any work is done.

use std::ffi::c_int;

use nervure_frame::TimeBase;

use super::container::Container;
use crate::av::format_out::{Holds, is_text};
use crate::av::input::Stream;
use crate::av::options::Options;
use crate::av::output::{Chapter, NewStream, OutputContext, Tags};
use crate::av::parameters::Parameters;
use crate::av::{copied, ffi, log, reason, subtitle};
use crate::encode::Codec;
use crate::source::StreamKind;
use crate::{Demuxer, Error, Result};

/// What becomes of everything in the source beside the video that was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One for each stream, in the order of the source.
    pub streams: Vec<StreamPlan>,
    /// Tags of the whole file that the container has no place for.
    pub lost_tags: Vec<String>,
}

/// What becomes of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPlan {
    /// Its number in the source.
    pub stream: usize,
    /// What it carries.
    pub kind: StreamKind,
    /// libav's name of its codec.
    pub codec: String,
    /// What becomes of it.
    pub action: Action,
}

/// What becomes of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is carried over as it is.
    Copy,
    /// Its text is written as another kind of subtitle.
    Convert {
        /// libav's name of that kind.
        to: String,
    },
    /// It is left out.
    Drop {
        /// Why.
        reason: String,
    },
}

/// How a stream is carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Packet by packet.
    Packets,
    /// A picture that is known from the start, as a stream of one packet.
    Picture,
    /// A file that is known from the start.
    Attachment,
    /// Text, decoded and encoded again by the encoder of that name.
    Convert(&'static str),
    /// As chapters or tags, not as a stream.
    Elsewhere,
    /// Not at all.
    Drop(String),
}

/// A stream of the source that is not the chosen video.
pub(super) struct SourceTrack {
    pub(super) index: usize,
    pub(super) kind: StreamKind,
    pub(super) codec: String,
    pub(super) parameters: Parameters,
    pub(super) base: TimeBase,
    pub(super) frame_rate: Option<(u32, u32)>,
    pub(super) sample_aspect: Option<(u32, u32)>,
    pub(super) disposition: c_int,
    pub(super) tags: Tags,
    pub(super) side_data: Vec<(ffi::AVPacketSideDataType, Vec<u8>)>,
    pub(super) picture: Option<Vec<u8>>,
}

/// Everything in a source that can be carried over.
pub(super) struct SourceTracks {
    pub(super) video: usize,
    pub(super) video_tags: Tags,
    pub(super) video_disposition: c_int,
    pub(super) tracks: Vec<SourceTrack>,
    pub(super) tags: Tags,
    pub(super) chapters: Vec<Chapter>,
}

impl SourceTracks {
    pub(super) fn of(source: &Demuxer) -> Self {
        let info = source.info();
        let context = source.context();
        let video = context.stream(info.video.stream);
        let tracks = info.others.iter().filter_map(|other| {
            let stream = context.stream(other.index)?;
            Some(SourceTrack::of(stream, other.kind))
        });
        SourceTracks {
            video: info.video.stream,
            video_tags: video.map(copied::stream_tags).unwrap_or_default(),
            video_disposition: video.map_or(ffi::AV_DISPOSITION_DEFAULT, copied::disposition),
            tracks: tracks.collect(),
            tags: copied::tags(context),
            chapters: copied::chapters(context),
        }
    }

    /// How each stream is carried over, in the order of `tracks`; an error where the container cannot
    /// hold the video or a sound.
    pub(super) fn routes(&self, container: Container, codec: Codec) -> Result<Vec<Route>> {
        check_video(container, codec)?;
        self.tracks
            .iter()
            .map(|track| self.route(track, container))
            .collect()
    }

    pub(super) fn plan(&self, container: Container, routes: &[Route]) -> Plan {
        let streams = self
            .tracks
            .iter()
            .zip(routes)
            .map(|(track, route)| StreamPlan {
                stream: track.index,
                kind: track.kind,
                codec: track.codec.clone(),
                action: match route {
                    Route::Drop(reason) => Action::Drop {
                        reason: reason.clone(),
                    },
                    Route::Convert(to) => Action::Convert {
                        to: subtitle_name(to).to_owned(),
                    },
                    _ => Action::Copy,
                },
            });
        let lost_tags = self.tags.iter().map(|(key, _)| key);
        Plan {
            streams: streams.collect(),
            lost_tags: lost_tags
                .filter(|key| !is_the_files_own(key) && !super::tags::keeps(container, key))
                .cloned()
                .collect(),
        }
    }

    fn route(&self, track: &SourceTrack, container: Container) -> Result<Route> {
        let codec = track.parameters.get().codec_id;
        let holds = container.format.holds(codec);
        let cannot = || format!("{} cannot hold it", container.name());
        Ok(match track.kind {
            StreamKind::Audio => {
                if holds == Holds::No {
                    return Err(cannot_hold(container, track, &cannot()));
                }
                match self.try_header(track, container) {
                    Ok(()) => Route::Packets,
                    Err(reason) => return Err(cannot_hold(container, track, &reason)),
                }
            }
            StreamKind::Subtitle => self.route_subtitle(track, container, holds),
            StreamKind::Picture if track.picture.is_none() => {
                Route::Drop("its picture is missing".into())
            }
            StreamKind::Picture if container.holds_attachments() => Route::Attachment,
            StreamKind::Picture if container.holds_picture_streams() && holds != Holds::No => {
                Route::Picture
            }
            StreamKind::Attachment if container.holds_attachments() => Route::Attachment,
            StreamKind::Data if self.is_chapters(track) || self.is_timecode(track, container) => {
                Route::Elsewhere
            }
            StreamKind::Video if holds != Holds::No => self.or_drop(track, container),
            StreamKind::Data if holds == Holds::Yes && self.keeps_tag(track, container) => {
                self.or_drop(track, container)
            }
            _ => Route::Drop(cannot()),
        })
    }

    fn route_subtitle(&self, track: &SourceTrack, container: Container, holds: Holds) -> Route {
        let codec = track.parameters.get().codec_id;
        if holds != Holds::No && self.try_header(track, container).is_ok() {
            return Route::Packets;
        }
        let name = container.name();
        match (is_text(codec), container.text_subtitles()) {
            // Captions inside the video's own packets come a letter at a time.
            _ if codec == ffi::AVCodecID::EIA_608 => Route::Drop(format!("{name} cannot hold it")),
            (Some(true), Some(to)) if subtitle::can_convert(codec, to) => Route::Convert(to),
            (Some(true), Some(to)) => Route::Drop(format!(
                "{name} cannot hold it, and this FFmpeg cannot make {} of it",
                subtitle_name(to)
            )),
            (Some(false), _) => {
                Route::Drop(format!("{name} cannot hold subtitles that are pictures"))
            }
            _ => Route::Drop(format!("{name} cannot hold it")),
        }
    }

    fn or_drop(&self, track: &SourceTrack, container: Container) -> Route {
        match self.try_header(track, container) {
            Ok(()) => Route::Packets,
            Err(reason) => Route::Drop(reason),
        }
    }

    /// Whether a header can be written for this stream alone, else libav's words.
    fn try_header(&self, track: &SourceTrack, container: Container) -> Result<(), String> {
        if !container.keeps_times() {
            // Others may ask for streams beside it.
            return Ok(());
        }
        log::forget();
        let said = |code| log::last_error().unwrap_or_else(|| reason(code));
        let mut output = OutputContext::new(container.format, None).map_err(said)?;
        output.open_memory().map_err(said)?;
        output.add_stream(&track.as_new(container));
        output.write_header(&mut Options::new()).map_err(said)
    }

    /// QuickTime keeps chapters as a track of text, which libav reads as chapters and as data.
    fn is_chapters(&self, track: &SourceTrack) -> bool {
        let text = u32::from_le_bytes(*b"text");
        track.parameters.get().codec_tag == text && !self.chapters.is_empty()
    }

    /// A track of one timecode is also a tag of the video, from which it is made again.
    fn is_timecode(&self, track: &SourceTrack, container: Container) -> bool {
        let timecode = u32::from_le_bytes(*b"tmcd");
        track.parameters.get().codec_tag == timecode
            && (container.is_mov() || container.is_matroska())
            && self.video_tags.iter().any(|(key, _)| key == "timecode")
    }

    /// What a stream of data holds is said by its tag alone.
    fn keeps_tag(&self, track: &SourceTrack, container: Container) -> bool {
        let parameters = track.parameters.get();
        let kept = container
            .format
            .tag_for(parameters.codec_id, parameters.codec_tag);
        kept == parameters.codec_tag
    }
}

impl SourceTrack {
    fn of(stream: Stream<'_>, kind: StreamKind) -> Self {
        SourceTrack {
            index: stream.index(),
            kind,
            codec: stream.codec_name(),
            parameters: copied::parameters(stream),
            base: stream.time_base().unwrap_or(TimeBase::MICROS),
            frame_rate: stream.frame_rate(),
            sample_aspect: stream.sample_aspect(),
            disposition: copied::disposition(stream),
            tags: copied::stream_tags(stream),
            side_data: copied::side_data(stream),
            picture: (kind == StreamKind::Picture)
                .then(|| copied::picture(stream))
                .flatten(),
        }
    }

    /// The stream as it will be written, packet by packet.
    pub(super) fn as_new(&self, container: Container) -> NewStream {
        let mut parameters = self.parameters.clone();
        let raw = parameters.get_mut();
        raw.codec_tag = container.format.tag_for(raw.codec_id, raw.codec_tag);
        let is_video = matches!(self.kind, StreamKind::Video | StreamKind::Picture);
        NewStream {
            parameters,
            base: self.base,
            frame_rate: self.frame_rate.filter(|_| is_video),
            sample_aspect: self.sample_aspect.filter(|_| is_video),
            disposition: self.disposition,
            tags: self.tags.clone(),
            side_data: self.side_data.clone(),
        }
    }
}

/// An error where the container has no place for video of that codec.
pub(super) fn check_video(container: Container, codec: Codec) -> Result<()> {
    if container.format.holds(codec.id()) != Holds::No {
        return Ok(());
    }
    Err(Error::Unsupported {
        what: format!("{} cannot hold {codec} video", container.name()),
        hint: Some(if container.is_webm() {
            "name the output .mkv, or choose --codec vp8, vp9 or av1".into()
        } else {
            "name the output .mkv".into()
        }),
    })
}

fn cannot_hold(container: Container, track: &SourceTrack, reason: &str) -> Error {
    tracing::debug!(stream = track.index, reason, "a sound has no place");
    Error::Unsupported {
        what: format!(
            "{} cannot hold the {} sound of stream {}",
            container.name(),
            track.codec,
            track.index
        ),
        hint: Some("name the output .mkv, which holds it as it is".into()),
    }
}

/// libav's name of the subtitles that an encoder makes.
pub(super) fn subtitle_name(encoder: &str) -> &str {
    match encoder {
        "srt" => "subrip",
        other => other,
    }
}

/// Tags that describe the file they are in, not what it holds.
pub(super) fn is_the_files_own(key: &str) -> bool {
    [
        "major_brand",
        "minor_version",
        "compatible_brands",
        "encoder",
    ]
    .iter()
    .any(|own| key.eq_ignore_ascii_case(own))
}

/// A file or a picture as a stream that consists of its header alone.
pub(super) fn attachment(track: &SourceTrack) -> Option<NewStream> {
    let codec = track.parameters.get().codec_id;
    let parameters = match &track.picture {
        Some(bytes) => Parameters::attachment(codec, bytes)?,
        None => track.parameters.clone(),
    };
    let (ending, kind) = match codec {
        ffi::AVCodecID::MJPEG => ("jpg", "image/jpeg"),
        ffi::AVCodecID::PNG => ("png", "image/png"),
        ffi::AVCodecID::BMP => ("bmp", "image/bmp"),
        ffi::AVCodecID::GIF => ("gif", "image/gif"),
        ffi::AVCodecID::WEBP => ("webp", "image/webp"),
        ffi::AVCodecID::TIFF => ("tiff", "image/tiff"),
        ffi::AVCodecID::TTF => ("ttf", "application/x-truetype-font"),
        ffi::AVCodecID::OTF => ("otf", "application/vnd.ms-opentype"),
        _ => ("bin", "application/octet-stream"),
    };
    let mut tags = track.tags.clone();
    let mut ensure = |key: &str, value: String| {
        if !tags.iter().any(|(name, _)| name == key) {
            tags.push((key.to_owned(), value));
        }
    };
    let stem = if track.picture.is_some() {
        "cover".to_owned()
    } else {
        format!("attachment-{}", track.index)
    };
    ensure("filename", format!("{stem}.{ending}"));
    ensure("mimetype", kind.to_owned());
    Some(NewStream {
        parameters,
        base: track.base,
        frame_rate: None,
        sample_aspect: None,
        disposition: 0,
        tags,
        side_data: Vec::new(),
    })
}
