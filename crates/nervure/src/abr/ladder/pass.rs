//! One rung of one video: from the source's pictures through the encoder and back to their size.
//!
//! Pictures go one by one. What waits is what the encoder looks ahead to, whatever the video's length.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use nervure_engine::Upscale;
use nervure_frame::{Frame, PictureFormat, Timestamp};
use nervure_kernels::resample::Filter;
use nervure_media::{
    Codec, EncodeSettings, Input, OpenOptions, PictureSpec, Reader, SourceInfo, Transit,
    TransitSettings,
};

use super::Metric;
use super::judge::Judge;
use super::rungs::{Size, Step};
use super::tiers::{Path, Tier, through};
use crate::console::fail;
use crate::signals::Signals;

/// As long as chunks of the protocol P1.
const KEYFRAME_SECONDS: f64 = 4.0;

/// x264 meets an average only over time: a clip that misses its rate by more than this is coded anew at
/// a rate that makes up for it, so often at most.
const NEAR: f64 = 0.03;
const TRIES: usize = 4;

/// How far from a rung's rate x264 may be asked for another.
const ASKED: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// A video, to be read as often as need be.
pub(super) struct Source {
    input: Input,
    info: SourceInfo,
    start: Option<f64>,
    seconds: f64,
    preset: String,
    threads: usize,
}

/// A rung as it was measured.
pub(super) struct Weighed {
    pub(super) kbps: f64,
    pub(super) frames: u64,
    /// In each tier.
    pub(super) quality: Vec<f64>,
    /// None where pictures are as large as the video, and no tier has anything to do.
    pub(super) frames_per_s: Option<Vec<f64>>,
}

/// What becomes of one tier in a pass.
struct Lane {
    path: Path,
    judge: Judge,
    spent: Duration,
}

impl Source {
    /// Looks at what there is, without taking any of it.
    pub(super) fn open(
        input: &Input,
        start: Option<f64>,
        seconds: f64,
        preset: &str,
        threads: usize,
    ) -> Result<Source> {
        if *input == Input::Stdin {
            return Err(fail(
                "a ladder reads its video several times, and standard input only comes once",
                "give a file",
            ));
        }
        Ok(Source {
            input: input.clone(),
            info: reader(input)?.info().clone(),
            start,
            seconds,
            preset: preset.into(),
            threads,
        })
    }

    pub(super) fn format(&self) -> PictureFormat {
        self.info.video.format
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// The file's name without its folder and ending.
    pub(super) fn name(&self) -> String {
        match &self.input {
            Input::Path(path) => path
                .file_stem()
                .unwrap_or(path.as_os_str())
                .to_string_lossy(),
            other => other.to_string().into(),
        }
        .into_owned()
    }

    /// Measures a rung in every tier.
    pub(super) fn rung(
        &self,
        rung: &Step,
        tiers: &[Tier],
        metric: Metric,
        signals: &Signals,
        tell: &dyn Fn(f64),
    ) -> Result<Weighed> {
        let bitrate = self.bitrate(rung, signals)?;
        let format = self.format();
        let small = format.with_size(rung.size.width, rung.size.height);
        let whole = rung.size == Size::of(format);
        let mut lanes = Vec::new();
        for tier in tiers.iter().take(if whole { 1 } else { tiers.len() }) {
            // A model would make whole pictures larger only for Lanczos to make them small again.
            lanes.push(Lane {
                path: tier.path(small, format, self.threads)?,
                judge: Judge::new(metric, format)?,
                spent: Duration::ZERO,
            });
        }
        let (kbps, frames) = self.pass(rung, bitrate, &mut lanes, signals, tell)?;
        let rate = |lane: &Lane| frames as f64 / lane.spent.as_secs_f64().max(1e-9);
        let frames_per_s = (!whole).then(|| lanes.iter().map(rate).collect());
        let scores = lanes.into_iter().map(|lane| lane.judge.finish(signals));
        let mut quality: Vec<f64> = scores.collect::<Result<_>>()?;
        quality.resize(tiers.len(), quality[0]);
        Ok(Weighed {
            kbps,
            frames,
            quality,
            frames_per_s,
        })
    }

    /// What x264 is to be asked for, so that the rung weighs what it should.
    fn bitrate(&self, rung: &Step, signals: &Signals) -> Result<u64> {
        let wanted = f64::from(rung.kbps.0);
        let mut asked = wanted;
        let mut best = (f64::INFINITY, asked);
        for _ in 0..TRIES {
            let bits = (asked * 1e3).round() as u64;
            let (kbps, _) = self.pass(rung, bits, &mut [], signals, &|_| {})?;
            let miss = (kbps / wanted - 1.0).abs();
            if miss < best.0 {
                best = (miss, asked);
            }
            // What weighs nothing, as black does, will not weigh more.
            if miss <= NEAR || kbps <= 0.0 {
                break;
            }
            let next = asked * wanted / kbps;
            asked = next.clamp(wanted * ASKED.start(), wanted * ASKED.end());
        }
        Ok((best.1 * 1e3).round() as u64)
    }

    /// Sends the video through the encoder. Gives kbit/s and the number of frames.
    fn pass(
        &self,
        rung: &Step,
        bitrate: u64,
        lanes: &mut [Lane],
        signals: &Signals,
        tell: &dyn Fn(f64),
    ) -> Result<(f64, u64)> {
        let video = &self.info.video;
        let small = video.format.with_size(rung.size.width, rung.size.height);
        let spec = PictureSpec {
            colour: video.colour,
            frame_rate: video.frame_rate,
            ..PictureSpec::new(small, video.time_base)
        };
        let settings = TransitSettings {
            encode: EncodeSettings {
                codec: Codec::H264,
                bitrate: Some(bitrate),
                preset: Some(self.preset.clone()),
                keyframe_seconds: Some(KEYFRAME_SECONDS),
                ..EncodeSettings::default()
            },
            ..TransitSettings::default()
        };
        let mut transit = Transit::open(&settings, &spec)?;
        let (size, whole) = ((small.width, small.height), small == video.format);
        let mut shrink = Upscale::new(video.format, size, Filter::Bicubic, self.threads)?;
        let mut pictures = self.pictures()?;
        let mut waiting: VecDeque<Frame> = VecDeque::new();
        let mut frames = 0;
        let expected = self.expected_frames();
        while let Some(frame) = pictures.next()? {
            if signals.stop() {
                anyhow::bail!("interrupted");
            }
            frames += 1;
            if !lanes.is_empty() {
                waiting.push_back(frame.clone());
            }
            transit.push(match whole {
                true => frame,
                false => through(&mut shrink, frame)?,
            })?;
            while let Some(arrived) = transit.pull()? {
                judge(lanes, waiting.pop_front(), &arrived)?;
                tell(transit.stats().frames as f64 / expected);
            }
        }
        if frames == 0 {
            return Err(fail(
                format!("{} has no frame to score there", self.name()),
                "check --start and --seconds",
            ));
        }
        transit.flush()?;
        while let Some(arrived) = transit.pull()? {
            judge(lanes, waiting.pop_front(), &arrived)?;
            tell(transit.stats().frames as f64 / expected);
        }
        Ok((transit.stats().bitrate as f64 / 1e3, frames))
    }

    fn expected_frames(&self) -> f64 {
        let video = &self.info.video;
        let rate = video
            .frame_rate
            .map_or(25.0, |(num, den)| f64::from(num) / f64::from(den));
        let all = video.frames.map_or(f64::INFINITY, |frames| frames as f64);
        (self.seconds * rate).min(all).max(1.0)
    }

    fn pictures(&self) -> Result<Pictures> {
        let mut reader = reader(&self.input)?;
        let base = self.info.video.time_base;
        let begin = self.info.video.start.unwrap_or(0);
        let from = self.start.map(|start| begin + base.ticks(start));
        if let Some(from) = from
            && self.info.seekable
        {
            reader.seek(Timestamp::new(from, base))?;
        }
        Ok(Pictures {
            reader,
            from,
            length: base.ticks(self.seconds).max(1),
            until: None,
        })
    }
}

/// A picture that arrived, in every tier, beside what was sent.
fn judge(lanes: &mut [Lane], reference: Option<Frame>, arrived: &Frame) -> Result<()> {
    let Some(reference) = reference else {
        return Ok(());
    };
    for lane in lanes {
        let small = arrived.clone();
        let began = Instant::now();
        let large = lane.path.run(small)?;
        lane.spent += began.elapsed();
        lane.judge.add(&reference, large)?;
    }
    Ok(())
}

/// The pictures from the start that was asked for to the end.
struct Pictures {
    reader: Reader,
    from: Option<i64>,
    length: i64,
    until: Option<i64>,
}

impl Pictures {
    fn next(&mut self) -> Result<Option<Frame>> {
        while let Some(frame) = self.reader.next()? {
            let now = frame.pts.ticks;
            if self.from.is_some_and(|from| now < from) {
                continue;
            }
            let until = *self.until.get_or_insert(now.saturating_add(self.length));
            return Ok((now < until).then_some(frame));
        }
        Ok(None)
    }
}

fn reader(input: &Input) -> Result<Reader> {
    Reader::open(input, &OpenOptions::default()).map_err(|error| match error.hint() {
        Some(_) => error.into(),
        None => fail(
            error.to_string(),
            "give a video that FFmpeg reads; `ffprobe FILE` says whether it does",
        ),
    })
}
