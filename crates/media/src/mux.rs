//! Encoded video, and what goes with it, into a file.

mod clock;
mod container;
mod delay;
mod header;
mod interleave;
mod lane;
mod mp4;
mod plan;
mod rotation;
mod streams;
mod tags;

use std::ffi::{CString, c_int};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use nervure_frame::{TimeBase, Timestamp};

use crate::av::output::{Chapter, OutputContext};
use crate::av::{log, reason};
use crate::demux::file_url;
use crate::encode::{Codec, VideoTrack};
use crate::{Demuxer, Error, Packet, Result};

use container::Container;
pub use container::container_keeps_rotation;
use interleave::Interleave;
use lane::Lane;
use plan::SourceTracks;
pub use plan::{Action, Plan, StreamPlan};

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
    /// The source has a timecode that cannot be counted at its frame rate.
    bad_timecode: bool,
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
            hint: None,
        })?;
        plan::check_video(container, track.codec)?;
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
            hint: None,
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
            bad_timecode: false,
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
        let negative = self.container.holds_negative_times();
        let Some((packet, dts)) = self.lanes[index].prepare(packet, negative) else {
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
        for lane in &self.lanes {
            report.lost += lane.lost;
            report.mended += lane.mended + lane.clock.as_ref().map_or(0, |clock| clock.mended);
        }
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

    fn write(&mut self, lane: usize, mut packet: Packet) -> Result<()> {
        if !self.lanes[lane].stamp(&mut packet) {
            return Ok(());
        }
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
