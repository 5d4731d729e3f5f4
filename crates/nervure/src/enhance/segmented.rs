//! From file to file, in segments that survive a crash.
//!
//! The video is coded in segments of fixed frame counts, each by an encoder of its own, whether or
//! not the job is ever interrupted. So a job that was killed and continued gives the very bytes of
//! one that ran through. Sound and everything else is copied from the source at the end.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use nervure_frame::{Frame, Planes, Timestamp};
use nervure_media::{
    Demuxer, Encoder, Input, MuxOptions, Muxer, OpenOptions, Packet, Reader, SegmentReader,
    SegmentWriter, VideoTrack,
};

use super::plan::Plan;
use super::source::Pictures;
use super::work::{Entry, Job, SourceIdentity, Work};
use super::{Done, stages};
use crate::console::{Progress, fail, note};
use crate::output::place;
use crate::signals::Signals;
use nervure_engine::pipeline::{self, Flow};

/// The file-to-file job.
pub(crate) struct Segmented<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) input: &'a Input,
    pub(crate) open: &'a OpenOptions,
    pub(crate) path: &'a Path,
    /// The source has more than pictures: streams, tags, chapters.
    pub(crate) carries: bool,
    pub(crate) mux: &'a MuxOptions,
    pub(crate) signals: &'a Signals,
    pub(crate) quiet: bool,
}

/// What the source side knows about the frame that ends a segment.
#[derive(Clone, Copy, Debug)]
struct Mark {
    pts: i64,
    crc: u32,
    damaged: u64,
}

impl Segmented<'_> {
    /// Runs or continues the job; `progress` is made once it is known how much is left.
    pub(crate) fn run(
        &self,
        reader: Reader,
        resume: bool,
        progress: impl FnOnce(u64) -> Progress,
    ) -> Result<(Done, Progress)> {
        let mut work = self.work(resume)?;
        let outcome = self.run_in(&mut work, reader, progress);
        match &outcome {
            Ok((done, _)) if !done.interrupted => work.remove()?,
            Ok(_) => {}
            Err(_) if self.signals.terminated() => {}
            // Where there is nothing to continue, nothing is left behind.
            Err(error) if work.entries().is_empty() || is_final(error) => work.remove()?,
            Err(_) => {
                if !self.quiet {
                    note(&format!(
                        "what is finished is kept; continue with --resume (or remove {})",
                        work.folder().display()
                    ));
                }
            }
        }
        outcome
    }

    /// The work folder, empty or with what an earlier run finished.
    fn work(&self, resume: bool) -> Result<Work> {
        let Input::Path(source) = self.input else {
            bail!("only files can be worked on in segments")
        };
        let identity = SourceIdentity::of(source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        let made_by = format!(
            "nervure {} with {}",
            env!("CARGO_PKG_VERSION"),
            nervure_media::library_version()
        );
        let job = Job::new(made_by, identity, self.plan.identity());
        if resume && Work::exists(self.path) {
            let mut work = Work::resume(self.path, &job)?;
            // The journal promises whole files; a disk may still have lost what it promised. And an
            // encoder that was replaced meanwhile may want another codec header.
            let track = Encoder::open(&self.plan.encode, &self.plan.spec)?.track();
            let fits = |entry: &Entry| {
                SegmentReader::verify(&work.segment(entry.index)).is_ok_and(|info| {
                    info.packets == entry.frames && info.fingerprint == track.fingerprint()
                })
            };
            let broken = work.entries().iter().position(|entry| !fits(entry));
            if let Some(index) = broken {
                note(&format!(
                    "segment {index} did not survive; continuing before it"
                ));
                work.truncate(index)?;
            }
            Ok(work)
        } else {
            Work::begin(self.path, &job)
        }
    }

    fn run_in(
        &self,
        work: &mut Work,
        reader: Reader,
        progress: impl FnOnce(u64) -> Progress,
    ) -> Result<(Done, Progress)> {
        let resumed: u64 = work.entries().iter().map(|entry| entry.frames).sum();
        let complete = work.entries().last().is_some_and(|entry| entry.last);
        let mut progress = progress(resumed);
        let mut done = Done {
            resumed,
            frames: resumed,
            ..Done::default()
        };
        done.damage.frames = work.entries().last().map_or(0, |entry| entry.damaged);
        let mut track = None;
        let mut tail = None;
        if !complete {
            self.rehearse(work)?;
            let mut pictures = Pictures::new(reader, self.plan);
            let position = match work.entries().last() {
                Some(entry) => self.position(pictures, entry),
                None => pictures.begin(self.plan).map(|()| pictures),
            };
            pictures = position?;
            let before = done.damage.frames;
            (track, tail) = self.encode(work, &mut pictures, before, &mut progress)?;
            done.add(pictures.damage());
            done.frames = progress.position();
        }
        done.interrupted = self.signals.interrupted();
        if self.signals.terminated() {
            bail!("terminated");
        }
        if done.frames == 0 {
            return Err(fail(
                "no frame was decoded",
                "check the source, --start and --duration",
            ));
        }
        self.assemble(work, track, tail.as_ref())?;
        place(&work.output(), self.path)?;
        progress.finish();
        Ok((done, progress))
    }

    /// Writes a file without a packet, so that a container that will not take the streams says so
    /// now and not after hours.
    fn rehearse(&self, work: &Work) -> Result<()> {
        if self.plan.is_well_known() {
            return Ok(());
        }
        let track = Encoder::open(&self.plan.encode, &self.plan.spec)?.track();
        let source = if self.carries {
            Some(Demuxer::open(self.input, self.open)?)
        } else {
            None
        };
        Muxer::create(work.output(), &track, source.as_ref(), self.mux)?.finish()?;
        Ok(())
    }

    /// Puts the source right behind the last frame of a finished segment.
    ///
    /// A seek may land elsewhere than it says, and decoding from a keyframe may give other pictures
    /// than decoding from the start (open groups, intra refresh). So the frame at which the segment
    /// ended must come again, with the same samples; if it does not, the source is read from its
    /// beginning.
    ///
    /// What was lost is mended from pictures before, over keyframes: then the source is read as it was the
    /// first time, from where the job began.
    fn position(&self, mut pictures: Pictures, entry: &Entry) -> Result<Pictures> {
        let mends = self.plan.mending.is_some();
        let target = Timestamp::new(entry.last_pts, self.plan.spec.time_base);
        if !mends && pictures.seek(target).is_ok() && self.meet(&mut pictures, entry)? {
            return Ok(pictures);
        }
        let mut pictures = Pictures::new(Reader::open(self.input, self.open)?, self.plan);
        if mends {
            pictures.begin(self.plan)?;
        }
        if self.meet(&mut pictures, entry)? {
            return Ok(pictures);
        }
        Err(fail(
            "the source no longer gives the pictures of the unfinished job",
            "start afresh with --force",
        ))
    }

    /// Reads up to the frame at which a segment ended. False if it does not come as it was.
    fn meet(&self, pictures: &mut Pictures, entry: &Entry) -> Result<bool> {
        while let Some(frame) = pictures.next()? {
            if frame.pts.ticks >= entry.last_pts || self.signals.stop() {
                let met = frame.pts.ticks == entry.last_pts && digest(&frame) == entry.source_crc;
                pictures.forget_damage();
                return Ok(met);
            }
        }
        Ok(false)
    }

    /// Codes what is left of the source. Gives the track, and after Ctrl-C the short last segment.
    fn encode(
        &self,
        work: &mut Work,
        pictures: &mut Pictures,
        damaged_before: u64,
        progress: &mut Progress,
    ) -> Result<(Option<VideoTrack>, Option<Entry>)> {
        let marks = Mutex::new(VecDeque::new());
        let mut count = 0;
        let segment_frames = self.plan.segment_frames;
        let source = || -> Result<Option<Frame>> {
            if self.signals.stop() {
                return Ok(None);
            }
            let Some(frame) = pictures.next()? else {
                return Ok(None);
            };
            count += 1;
            if count % segment_frames == 0 {
                let damaged = damaged_before + pictures.damage().frames;
                let mark = Mark {
                    pts: frame.pts.ticks,
                    crc: digest(&frame),
                    damaged,
                };
                marks
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_back(mark);
            }
            Ok(Some(frame))
        };
        let (mut stages, _) = stages(self.plan)?;
        let mut sink = SegmentSink {
            plan: self.plan,
            work,
            marks: &marks,
            open: None,
            track: None,
        };
        pipeline::run(source, &mut stages, |frame| {
            sink.write(frame)?;
            progress.advance();
            Ok::<_, anyhow::Error>(if self.signals.terminated() {
                Flow::Stop
            } else {
                Flow::More
            })
        })?;
        if self.signals.terminated() {
            return Ok((None, None));
        }
        let tail = sink.finish(!self.signals.interrupted())?;
        Ok((sink.track, tail))
    }

    /// Puts the segments and the source's other streams into one file.
    fn assemble(&self, work: &Work, track: Option<VideoTrack>, tail: Option<&Entry>) -> Result<()> {
        let track = match track {
            Some(track) => track,
            None => Encoder::open(&self.plan.encode, &self.plan.spec)?.track(),
        };
        let source = if self.carries {
            Some(Demuxer::open(self.input, self.open)?)
        } else {
            None
        };
        let mut muxer = Muxer::create(work.output(), &track, source.as_ref(), self.mux)?;
        let mut others = Others::new(source, self.plan)?;
        for entry in work.entries().iter().chain(tail) {
            for packet in SegmentReader::open(&work.segment(entry.index))? {
                let packet = packet?;
                // What is due before this picture goes before it.
                while let Some(other) = others.next_before(moment(&packet))? {
                    muxer.write_other(other)?;
                }
                muxer.write_video(packet)?;
            }
        }
        while let Some(other) = others.next_before(f64::INFINITY)? {
            muxer.write_other(other)?;
        }
        muxer.finish()?;
        Ok(())
    }
}

/// The packets of a source that are not of the stream that was enhanced, in time with the result.
struct Others {
    source: Option<Demuxer>,
    held: Option<Packet>,
    /// Seconds of the source at which the result begins, and at which it ends.
    origin: f64,
    end: f64,
}

/// Streams are stored a little out of step: a packet this far behind the end says that no earlier
/// one follows.
const SLACK: f64 = 10.0;

impl Others {
    fn new(source: Option<Demuxer>, plan: &Plan) -> Result<Self> {
        let mut others = Others {
            source: source.filter(|source| !source.info().others.is_empty()),
            held: None,
            origin: plan.origin_moment().seconds(),
            end: plan.end_moment().map_or(f64::INFINITY, Timestamp::seconds),
        };
        if let Some(source) = &mut others.source {
            source.set_wanted(source.info().video.stream, false);
        }
        Ok(others)
    }

    /// The next packet, if it is due before a moment of the result.
    fn next_before(&mut self, until: f64) -> Result<Option<Packet>> {
        if self.held.is_none() {
            self.held = match &mut self.source {
                Some(source) => source.next()?,
                None => None,
            };
        }
        match &self.held {
            Some(packet) if moment(packet) > self.end + SLACK => {
                self.source = None;
                self.held = None;
                Ok(None)
            }
            Some(packet) if moment(packet) - self.origin <= until => Ok(self.held.take()),
            _ => Ok(None),
        }
    }
}

/// Whether the same would happen again, however often the job was continued.
fn is_final(error: &anyhow::Error) -> bool {
    use nervure_media::Error;
    let cause = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Error>());
    matches!(
        cause,
        Some(Error::FormatChange { .. } | Error::Unsupported { .. })
    )
}

/// When a packet is due, in seconds: roughly enough for interleaving.
fn moment(packet: &Packet) -> f64 {
    packet.dts().or(packet.pts()).map_or(f64::MIN, |ticks| {
        ticks as f64 * packet.time_base().seconds()
    })
}

/// A digest of a frame's samples.
fn digest(frame: &Frame) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    match &frame.planes {
        Planes::Eight(planes) => planes
            .iter()
            .flat_map(|plane| plane.rows())
            .for_each(|row| crc.update(row)),
        Planes::Ten(planes) => {
            for sample in planes.iter().flat_map(|plane| plane.rows()).flatten() {
                crc.update(&sample.to_le_bytes());
            }
        }
    }
    crc.finalize()
}

/// Codes frames and closes a segment every so many.
struct SegmentSink<'a> {
    plan: &'a Plan,
    work: &'a mut Work,
    marks: &'a Mutex<VecDeque<Mark>>,
    open: Option<Segment>,
    track: Option<VideoTrack>,
}

/// The segment that is being written.
struct Segment {
    encoder: Encoder,
    writer: SegmentWriter,
    frames: u64,
    last_pts: i64,
}

impl SegmentSink<'_> {
    fn write(&mut self, mut frame: Frame) -> Result<()> {
        let segment = match &mut self.open {
            Some(segment) => segment,
            None => {
                let encoder = Encoder::open(&self.plan.encode, &self.plan.spec)?;
                let path = self.work.segment(self.work.entries().len());
                let writer = SegmentWriter::create(&path, &encoder.track())?;
                self.track.get_or_insert_with(|| encoder.track());
                self.open.insert(Segment {
                    encoder,
                    writer,
                    frames: 0,
                    last_pts: 0,
                })
            }
        };
        segment.last_pts = frame.pts.ticks;
        segment.frames += 1;
        frame.pts.ticks -= self.plan.origin;
        segment.encoder.push(frame)?;
        segment.drain()?;
        if segment.frames == self.plan.segment_frames {
            let entry = self.close(false)?;
            if let Some(entry) = entry {
                self.work.record(entry)?;
            }
        }
        Ok(())
    }

    /// Ends the job's video. A complete one is recorded; after Ctrl-C the last, short segment is
    /// only for the file that is made now, and a continued job codes it again in full.
    fn finish(&mut self, complete: bool) -> Result<Option<Entry>> {
        let entry = self.close(true)?;
        match entry {
            Some(entry) if complete => {
                self.work.record(entry)?;
                Ok(None)
            }
            entry => Ok(entry),
        }
    }

    fn close(&mut self, last: bool) -> Result<Option<Entry>> {
        let Some(mut segment) = self.open.take() else {
            return Ok(None);
        };
        segment.encoder.flush()?;
        segment.drain()?;
        let index = self.work.entries().len();
        segment.writer.finish()?;
        let path = self.work.segment(index);
        let bytes = fs::metadata(&path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .len();
        let mark = {
            let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
            marks
                .pop_front()
                .filter(|mark| mark.pts == segment.last_pts)
        };
        if mark.is_none() && !last {
            bail!("a stage gave another number of frames than it took");
        }
        Ok(Some(Entry {
            index,
            frames: segment.frames,
            last_pts: segment.last_pts,
            source_crc: mark.map_or(0, |mark| mark.crc),
            bytes,
            damaged: mark.map_or(0, |mark| mark.damaged),
            last,
        }))
    }
}

impl Segment {
    fn drain(&mut self) -> Result<()> {
        while let Some(packet) = self.encoder.pull()? {
            self.writer.push(&packet)?;
        }
        Ok(())
    }
}
