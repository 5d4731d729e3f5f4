//! Encoded video, and what goes with it, into a file.

mod container;
mod delay;
mod interleave;
mod lane;
mod mp4;
mod plan;
mod rotation;
mod tags;

use std::ffi::{CString, c_int};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use nervure_frame::{TimeBase, Timestamp};

use crate::av::options::Options;
use crate::av::output::{Chapter, NewStream, OutputContext};
use crate::av::parameters::Parameters;
use crate::av::{copied, ffi, log, reason};
use crate::demux::file_url;
use crate::encode::reorder::Reorder;
use crate::encode::{Codec, VideoTrack};
use crate::source::StreamKind;
use crate::subtitle::SubtitleConverter;
use crate::{Demuxer, Error, Packet, Result};

use container::Container;
pub use container::container_keeps_rotation;
use interleave::Interleave;
use lane::{Cut, FileClock, SampleClock};
pub use plan::{Action, Plan, StreamPlan};
use plan::{Route, SourceTrack, SourceTracks};

/// Where a file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A file, created or overwritten; also a named pipe.
    Path(PathBuf),
    /// Standard output, which cannot go back: MP4 is written in fragments.
    Stdout,
}

impl From<&Path> for Output {
    fn from(path: &Path) -> Self {
        Output::Path(path.to_owned())
    }
}

impl From<PathBuf> for Output {
    fn from(path: PathBuf) -> Self {
        Output::Path(path)
    }
}

/// How a file is written.
#[derive(Clone, Debug, PartialEq)]
pub struct MuxOptions {
    /// The container, by the ending of its files or libav's name; by the output's ending when none is
    /// given.
    pub container: Option<String>,
    /// Nothing of the copied streams before this moment of the source is carried over.
    pub start: Option<Timestamp>,
    /// Nor from this moment on.
    pub end: Option<Timestamp>,
    /// Added to the times of the copied streams and chapters; the video comes with its own.
    pub offset: Option<Timestamp>,
    /// MP4 gets its index at the front, so that players can start before they have all of it. Costs a
    /// second pass over the file at the end.
    pub faststart: bool,
    /// Options of libav's muxer, over everything above.
    pub options: Vec<(String, String)>,
}

impl Default for MuxOptions {
    fn default() -> Self {
        MuxOptions {
            container: None,
            start: None,
            end: None,
            offset: None,
            faststart: true,
            options: Vec::new(),
        }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MuxReport {
    /// Packets of the video.
    pub video_packets: u64,
    /// Packets of the copied streams.
    pub other_packets: u64,
    /// Packets whose times had to be moved, because they went back or were missing.
    pub mended: u64,
    /// Packets that could not be carried over: subtitles that cannot be read, packets without a time.
    pub lost: u64,
    /// Seconds by which everything is later than in the source, because the container has no place
    /// for times before zero.
    pub shift: f64,
    /// Size of the file, where it is one.
    pub bytes: Option<u64>,
}

/// Writes one stream of encoded video and untouched copies of a source's other streams.
///
/// Packets of the video come in coding order, as encoders give them, also from encoders started one
/// after the other; those of the copied streams in the order of the source, before or after the video
/// that goes with them. A bounded number is held to put them in order. All times are kept: exactly in
/// MP4 and its kin, to the millisecond in Matroska and WebM, which count no finer. Where the container
/// has no place for times before zero, all streams move together.
pub struct Muxer {
    context: OutputContext,
    container: Container,
    output: Output,
    name: String,
    options: Vec<(String, String)>,
    faststart: bool,
    lanes: Vec<Lane>,
    /// The lane of each stream of the source.
    by_source: Vec<Option<usize>>,
    video: usize,
    track: VideoTrack,
    queue: Interleave<(usize, Packet)>,
    chapters: Vec<Chapter>,
    pictures: Vec<(usize, Vec<u8>)>,
    plan: Plan,
    begun: bool,
    report: MuxReport,
}

/// A stream of packets on its way into the file.
struct Lane {
    stream: usize,
    kind: StreamKind,
    cut: Cut,
    base: TimeBase,
    converter: Option<SubtitleConverter>,
    samples: Option<(SampleClock, Parameters)>,
    reorder: Option<Reorder>,
    /// Packets without text say that nothing is shown; the muxer writes its own.
    skip_empty: bool,
    /// Nothing can be decoded before the first keyframe.
    await_key: bool,
    /// Thousandths of a second that the container takes off again (Matroska's codec delay).
    delay: delay::Delay,
    /// The end of the last packet.
    next: Option<i64>,
    clock: Option<FileClock>,
    /// The first time written, on the clock of the file.
    first: Option<Timestamp>,
}

impl Muxer {
    /// What would become of each stream of `source` in that container (an ending or libav's name)
    /// beside video of that codec. An error where the video or a sound has no place there.
    pub fn check(container: &str, codec: Codec, source: &Demuxer) -> Result<Plan> {
        let container = Container::named(container)?;
        let tracks = SourceTracks::of(source);
        let routes = tracks.routes(container, codec)?;
        Ok(tracks.plan(container, &routes))
    }

    /// Opens the output. `source` is where the packets for [`Muxer::write_other`] come from.
    pub fn create(
        output: impl Into<Output>,
        track: &VideoTrack,
        source: Option<&Demuxer>,
        options: &MuxOptions,
    ) -> Result<Self> {
        crate::av::init();
        let output = output.into();
        let container = match (&options.container, &output) {
            (Some(name), _) => Container::named(name)?,
            (None, Output::Path(path)) => Container::of_path(path)?,
            (None, Output::Stdout) => Container::named("matroska")?,
        };
        let (name, url) = match &output {
            Output::Path(path) => (path.display().to_string(), file_url(path)),
            Output::Stdout => ("standard output".to_owned(), b"pipe:1".to_vec()),
        };
        let url = CString::new(url).map_err(|_| Error::Open {
            name: name.escape_default().to_string(),
            reason: "its name contains a zero byte".into(),
        })?;
        let tracks = source.map(SourceTracks::of);
        let routes = match &tracks {
            Some(tracks) => tracks.routes(container, track.codec)?,
            None => Vec::new(),
        };
        let plan = tracks
            .as_ref()
            .map(|tracks| tracks.plan(container, &routes))
            .unwrap_or_default();
        log::forget();
        let mut context =
            OutputContext::new(container.format, Some(&url)).map_err(|code| Error::Av {
                action: format!("cannot prepare {name}"),
                reason: reason(code),
            })?;
        context.open_file().map_err(|code| Error::Open {
            name: name.clone(),
            reason: reason(code).to_lowercase(),
        })?;
        if container.keeps_times() {
            context.keep_times();
        }
        let mut muxer = Muxer {
            context,
            container,
            output,
            name,
            options: options.options.clone(),
            faststart: options.faststart,
            lanes: Vec::new(),
            by_source: Vec::new(),
            video: 0,
            track: track.clone(),
            queue: Interleave::new(),
            chapters: Vec::new(),
            pictures: Vec::new(),
            plan,
            begun: false,
            report: MuxReport::default(),
        };
        muxer.add_streams(tracks, &routes, options)?;
        Ok(muxer)
    }

    /// What becomes of each stream of the source.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes the next packet of the video, in coding order.
    pub fn write_video(&mut self, mut packet: Packet) -> Result<()> {
        packet.rescale(self.track.time_base);
        let pts = packet
            .pts()
            .ok_or_else(|| self.refused("a packet has no time"))?;
        let reorder = self.lanes[self.video].reorder.as_mut();
        let dts = reorder.and_then(|reorder| reorder.next(pts));
        let Some(dts) = dts else {
            return Err(self.refused("its packets are out of order"));
        };
        packet.set_dts(Some(dts));
        if packet.is_key() && !self.container.format.has_global_headers() {
            packet = self.with_header(packet);
        }
        self.report.video_packets += 1;
        self.queue_packet(self.video, packet, dts)
    }

    /// Takes a packet of another stream of the source. Those that have no place are let go, as the
    /// plan says.
    pub fn write_other(&mut self, packet: Packet) -> Result<()> {
        let Some(index) = self.by_source.get(packet.stream()).copied().flatten() else {
            return Ok(());
        };
        let Some((packet, dts)) = self.prepare(index, packet) else {
            return Ok(());
        };
        self.report.other_packets += 1;
        self.queue_packet(index, packet, dts)
    }

    /// Writes what is held and the end of the file, and returns when the disk has it.
    pub fn finish(mut self) -> Result<MuxReport> {
        if !self.begun {
            self.begin()?;
        }
        while let Some((lane, packet)) = self.queue.take() {
            self.write(lane, packet)?;
        }
        self.context
            .write_trailer()
            .map_err(|code| failed(&self.name, code))?;
        self.context
            .close()
            .map_err(|code| failed(&self.name, code))?;
        let mut report = self.report;
        report.mended += self
            .lanes
            .iter()
            .filter_map(|lane| lane.clock.as_ref())
            .map(|clock| clock.mended)
            .sum::<u64>();
        if let Output::Path(path) = &self.output
            && fs::metadata(path).is_ok_and(|data| data.is_file())
        {
            let io = |source| Error::Io {
                action: format!("write {}", self.name),
                source,
            };
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .map_err(io)?;
            if self.container.is_mov() {
                let starts: Vec<_> = self.lanes.iter().filter_map(Lane::start).collect();
                mp4::mend_starts(&mut file, &starts).map_err(io)?;
            }
            file.sync_all().map_err(io)?;
            report.bytes = Some(file.metadata().map_err(io)?.len());
        }
        Ok(report)
    }

    /// The streams of the file, in the order of the source.
    fn add_streams(
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
        self.video = self.add_lane(Lane {
            reorder: Some(reorder),
            ..Lane::new(stream, StreamKind::Video, track.time_base)
        });
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
                delay::Delay::of(&track.parameters)
            } else {
                delay::Delay::default()
            },
            ..Lane::new(stream, track.kind, track.base)
        };
        let lane = self.add_lane(lane);
        self.by_source[track.index] = Some(lane);
        Ok(())
    }

    fn add_lane(&mut self, lane: Lane) -> usize {
        let sparse = !matches!(lane.kind, StreamKind::Audio | StreamKind::Video);
        let master = lane.kind == StreamKind::Video;
        self.lanes.push(lane);
        self.queue.add_lane(sparse, master)
    }

    /// What of a copied packet is carried over, with its times on the new zero, and when it is decoded.
    fn prepare(&mut self, index: usize, mut packet: Packet) -> Option<(Packet, i64)> {
        let negative = self.container.holds_negative_times();
        let lane = &mut self.lanes[index];
        packet.rescale(lane.base);
        let duration = packet.duration().unwrap_or(0);
        let Some(mut pts) = packet.pts().or(packet.dts()).or(lane.next) else {
            self.report.lost += 1;
            return None;
        };
        if packet.pts().or(packet.dts()).is_none() {
            self.report.mended += 1;
        }
        lane.next = Some(pts.saturating_add(duration));
        if !lane.cut.keeps(pts, duration) {
            return None;
        }
        if lane.await_key {
            lane.await_key = !packet.is_key();
            if lane.await_key {
                return None;
            }
        }
        if lane.kind == StreamKind::Subtitle {
            let (first, length) = lane.cut.shorten(pts, duration);
            pts = first;
            packet.set_duration(Some(length));
        }
        let dts = packet.dts().unwrap_or(pts).min(pts);
        let (pts, mut dts) = (lane.cut.shift(pts), lane.cut.shift(dts));
        // Cut off at the front, sound begins with its first whole packet where none may begin earlier.
        if pts < 0 && lane.cut.has_start() && !negative {
            return None;
        }
        if let Some(reorder) = &mut lane.reorder {
            dts = reorder.next(pts).unwrap_or(dts);
        }
        packet.set_pts(Some(pts));
        packet.set_dts(Some(dts));
        if lane.skip_empty && packet.data().starts_with(&[0, 0]) {
            return None;
        }
        match &mut lane.converter {
            None => Some((packet, dts)),
            Some(converter) => {
                let (converted, failed) = converter.convert(packet);
                self.report.lost += u64::from(failed);
                converted.map(|packet| (packet, pts))
            }
        }
    }

    fn queue_packet(&mut self, lane: usize, packet: Packet, dts: i64) -> Result<()> {
        let time = Timestamp::new(dts, packet.time_base()).rescale(TimeBase::MICROS);
        let bytes = packet.data().len();
        self.queue.push(lane, time.ticks, bytes, (lane, packet));
        while let Some((lane, packet)) = {
            // Where everything begins must be known before the first packet is written.
            let next = self.queue.pop();
            if let (Some((lane, packet)), false) = (&next, self.begun) {
                self.begin_with(*lane, packet)?;
            }
            next
        } {
            self.write(lane, packet)?;
        }
        Ok(())
    }

    fn begin_with(&mut self, lane: usize, packet: &Packet) -> Result<()> {
        let first = self.lanes[lane].missing(self.container, packet);
        let shift = self.common_shift(first);
        self.write_header(shift)
    }

    fn begin(&mut self) -> Result<()> {
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
        }
        for (key, value) in self.options.iter().filter(|(key, _)| key != "movflags") {
            options.set(key, value);
        }
        options
    }

    fn write(&mut self, lane: usize, mut packet: Packet) -> Result<()> {
        let lane = &mut self.lanes[lane];
        let Some(clock) = &mut lane.clock else {
            return Ok(());
        };
        let base = packet.time_base();
        let (pts, dts) = (packet.pts().unwrap_or(0), packet.dts().unwrap_or(0));
        let mut times = (Timestamp::new(pts, base), Timestamp::new(dts, base));
        if let Some((samples, parameters)) = &mut lane.samples
            && let Some(count) = copied::packet_samples(parameters, packet.data().len())
        {
            let exact = samples.time(times.0, count);
            times = (exact, exact);
            packet.set_time_base(exact.base);
            packet.set_duration(Some(count));
        }
        packet.set_stream(lane.stream);
        clock.stamp(&mut packet, times.0, times.1);
        if lane.first.is_none() {
            lane.first = packet.pts().map(|pts| Timestamp::new(pts, clock.base()));
        }
        lane.delay.apply(&mut packet);
        self.context
            .write(&mut packet)
            .map_err(|code| failed(&self.name, code))
    }

    /// A keyframe with the codec's header in front, for containers that keep none of their own.
    fn with_header(&self, packet: Packet) -> Packet {
        let header = self.track.parameters.extradata();
        if header.is_empty() || !matches!(self.track.codec, Codec::H264 | Codec::Hevc) {
            return packet;
        }
        let joined = [header, packet.data()].concat();
        let Some(mut copy) = Packet::copy(&joined, packet.time_base()) else {
            return packet;
        };
        copy.set_pts(packet.pts());
        copy.set_dts(packet.dts());
        copy.set_duration(packet.duration());
        copy.set_key(packet.is_key());
        copy
    }

    fn refused(&self, reason: &str) -> Error {
        Error::Av {
            action: format!("cannot write the video of {}", self.name),
            reason: reason.to_owned(),
        }
    }
}

impl Lane {
    fn new(stream: usize, kind: StreamKind, base: TimeBase) -> Self {
        Lane {
            stream,
            kind,
            cut: Cut::default(),
            base,
            converter: None,
            samples: None,
            reorder: None,
            skip_empty: false,
            await_key: false,
            delay: delay::Delay::default(),
            next: None,
            clock: None,
            first: None,
        }
    }

    /// When the stream's track begins; none for a stream that has none because it is empty. libav
    /// begins tracks of text at zero, with nothing.
    fn start(&self) -> Option<Timestamp> {
        match self.kind {
            StreamKind::Subtitle => Some(Timestamp::new(0, self.clock.as_ref()?.base())),
            _ => self.first,
        }
    }

    /// How far the packet lies before the first moment that the container has a place for.
    fn missing(&self, container: Container, packet: &Packet) -> Timestamp {
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
            return Timestamp::new(before - allowed * 1000, TimeBase::MICROS).max(zero);
        }
        // MP4 leaves out what lies before zero: right for sound, whose decoders need a start, wrong
        // for pictures.
        if container.is_mov() && self.kind == StreamKind::Video {
            return before.max(zero);
        }
        zero
    }
}

/// A failed write, with the system's reason where it is one.
fn failed(name: &str, code: c_int) -> Error {
    // libav's own codes are large; the system's are small.
    if (-4095..0).contains(&code) {
        return Error::Io {
            action: format!("write {name}"),
            source: io::Error::from_raw_os_error(-code),
        };
    }
    Error::Av {
        action: format!("cannot write {name}"),
        reason: log::last_error().unwrap_or_else(|| reason(code)),
    }
}
