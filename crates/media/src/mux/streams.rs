//! The streams of the file that is being written.

use super::clock::{Cut, SampleClock};
use super::delay::Delay;
use super::lane::Lane;
use super::plan::{self, Route, SourceTrack, SourceTracks};
use super::{MuxOptions, Muxer, rotation, tags};
use crate::Result;
use crate::av::ffi;
use crate::av::output::NewStream;
use crate::encode::Codec;
use crate::encode::reorder::Reorder;
use crate::source::StreamKind;
use crate::subtitle::SubtitleConverter;

impl Muxer {
    /// The streams of the file, in the order of the source.
    pub(super) fn add_streams(
        &mut self,
        tracks: Option<SourceTracks>,
        routes: &[Route],
        options: &MuxOptions,
    ) -> Result<()> {
        let Some(tracks) = tracks else {
            self.add_video(None);
            return Ok(());
        };
        self.context.set_tags(&tags::of_file(&tracks.tags));
        let rate = self.track.frame_rate.unwrap_or((25, 1));
        self.bad_timecode = [&tracks.tags, &tracks.video_tags]
            .into_iter()
            .flatten()
            .any(|(key, value)| key == "timecode" && !tags::is_countable(value, rate));
        if self.container.is_mov() && tags::wants_free_names(&tracks.tags) {
            self.options
                .insert(0, ("movflags".into(), "+use_metadata_tags".into()));
        }
        let count = tracks.tracks.iter().map(|track| track.index + 1).max();
        self.by_source = vec![None; count.unwrap_or(0)];
        let before = tracks
            .tracks
            .iter()
            .take_while(|track| track.index < tracks.video)
            .count();
        for (place, (track, route)) in tracks.tracks.iter().zip(routes).enumerate() {
            if place == before {
                self.add_video(Some(&tracks));
            }
            self.add_copy(track, route, options)?;
        }
        if before == tracks.tracks.len() {
            self.add_video(Some(&tracks));
        }
        self.chapters = tracks
            .chapters
            .into_iter()
            .filter_map(|mut chapter| {
                let cut = Cut::new(options.start, options.end, options.offset, chapter.base);
                let length = chapter.end.saturating_sub(chapter.start);
                if !cut.keeps(chapter.start, length) {
                    return None;
                }
                let (start, length) = cut.shorten(chapter.start, length);
                chapter.start = cut.shift(start);
                chapter.end = chapter.start + length;
                Some(chapter)
            })
            .collect();
        Ok(())
    }

    fn add_video(&mut self, tracks: Option<&SourceTracks>) {
        let track = &self.track;
        let mut parameters = track.parameters.clone();
        parameters.get_mut().codec_tag = match track.codec {
            // The form that Apple's players take; the other differs only in name.
            Codec::Hevc if self.container.is_mov() => u32::from_le_bytes(*b"hvc1"),
            _ => 0,
        };
        let mut blocks = Vec::new();
        if self.container.is_mov() && !track.rotation.is_none() {
            let (width, height) = (parameters.get().width, parameters.get().height);
            let matrix = rotation::display_matrix(track.rotation, width, height);
            blocks.push((ffi::AVPacketSideDataType::DISPLAYMATRIX, matrix));
        }
        let hdr = [
            (
                ffi::AVPacketSideDataType::MASTERING_DISPLAY_METADATA,
                &track.hdr.mastering,
            ),
            (
                ffi::AVPacketSideDataType::CONTENT_LIGHT_LEVEL,
                &track.hdr.light,
            ),
        ];
        for (kind, bytes) in hdr {
            if let Some(bytes) = bytes {
                blocks.push((kind, bytes.to_vec()));
            }
        }
        let stream = self.context.add_stream(&NewStream {
            parameters,
            base: track.time_base,
            frame_rate: track.frame_rate,
            // Not every codec says it itself.
            sample_aspect: Some(track.sample_aspect),
            disposition: tracks.map_or(ffi::AV_DISPOSITION_DEFAULT, |tracks| {
                tracks.video_disposition
            }),
            tags: tracks.map_or_else(Vec::new, |tracks| tags::of_video(&tracks.video_tags)),
            side_data: blocks,
        });
        let (rate, per) = track.frame_rate.unwrap_or((25, 1));
        let step = track
            .time_base
            .ticks(f64::from(per) / f64::from(rate.max(1)));
        let reorder = Reorder::new(track.delay(), step);
        let lane = Lane {
            reorder: Some(reorder),
            ..Lane::new(stream, StreamKind::Video, track.time_base)
        };
        self.video = self.add_lane(lane, true);
    }

    fn add_copy(&mut self, track: &SourceTrack, route: &Route, options: &MuxOptions) -> Result<()> {
        let cut = Cut::new(options.start, options.end, options.offset, track.base);
        let mut new = track.as_new(self.container);
        new.tags = tags::of_copy(&track.tags, cut.is_trimmed());
        let mut converter = None;
        match route {
            Route::Drop(_) | Route::Elsewhere => return Ok(()),
            Route::Packets => {}
            Route::Picture => {
                // Exactly this disposition marks cover art.
                new.disposition = ffi::AV_DISPOSITION_ATTACHED_PIC;
                let stream = self.context.add_stream(&new);
                self.pictures
                    .extend(track.picture.clone().map(|bytes| (stream, bytes)));
                return Ok(());
            }
            Route::Attachment => {
                if let Some(attachment) = plan::attachment(track) {
                    self.context.add_stream(&attachment);
                }
                return Ok(());
            }
            Route::Convert(encoder) => {
                let made =
                    SubtitleConverter::new(&track.parameters, track.base, encoder, track.index)?;
                new.parameters = made.parameters();
                new.side_data.clear();
                converter = Some(made);
            }
        }
        let stream = self.context.add_stream(&new);
        let parameters = track.parameters.get();
        let rate = u32::try_from(parameters.sample_rate).unwrap_or(0);
        let lane = Lane {
            cut,
            converter,
            samples: (track.kind == StreamKind::Audio && self.container.is_mov())
                .then(|| SampleClock::new(rate, track.base))
                .flatten()
                .map(|clock| (clock, track.parameters.clone())),
            reorder: (track.kind == StreamKind::Video).then(|| {
                let delay = usize::try_from(parameters.video_delay).unwrap_or(0);
                let (rate, per) = track.frame_rate.unwrap_or((25, 1));
                let step = track.base.ticks(f64::from(per) / f64::from(rate.max(1)));
                Reorder::new(delay, step)
            }),
            skip_empty: parameters.codec_id == ffi::AVCodecID::MOV_TEXT && self.container.is_mov(),
            await_key: track.kind == StreamKind::Video && cut.has_start(),
            delay: if self.container.is_matroska() {
                Delay::of(&track.parameters)
            } else {
                Delay::default()
            },
            ..Lane::new(stream, track.kind, track.base)
        };
        let lane = self.add_lane(lane, false);
        self.by_source[track.index] = Some(lane);
        Ok(())
    }

    fn add_lane(&mut self, lane: Lane, master: bool) -> usize {
        let sparse = !matches!(lane.kind, StreamKind::Audio | StreamKind::Video);
        self.lanes.push(lane);
        self.queue.add_lane(sparse, master)
    }
}
