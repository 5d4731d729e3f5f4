//! The second step of a stretch, once for each variant: the small pictures are degraded, encoded, lost
//! and decoded, and become the low-resolution side of pairs.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

use nervure_frame::{
    BitDepth, Chroma, Frame, FramePool, LossMask, PictureFormat, TimeBase, Timestamp,
};
use nervure_media::degrade::{Augmentation, Augmenter, Drops};
use nervure_media::{
    EncodeSettings, Encoder, LossLevel, Memory, PictureSpec, Transit, TransitSettings, TransitStats,
};
use serde::{Deserialize, Serialize};

use super::baseline::{Bar, round};
use super::pairs::{PictureWriter, Pictures, Side};
use super::{Ended, Stages};
use crate::Result;
use crate::clip::ClipReader;
use crate::manifest::{Baseline, LossRecord};
use crate::picture::matrix_of_size;
use crate::recipe::{Rate, Recipe, Variant};

/// A variant to code of a stretch that was put aside.
pub(super) struct Task<'a> {
    /// The small pictures.
    pub(super) small: &'a Path,
    /// The large pictures of the frames that are kept.
    pub(super) large: &'a ClipReader,
    pub(super) recipe: &'a Recipe,
    pub(super) variant: Variant,
    pub(super) seed: u64,
    /// Where the pictures go.
    pub(super) folder: &'a Path,
    pub(super) frame_rate: Option<(u32, u32)>,
}

/// The low-resolution side of a clip, and what is to be said of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Coded {
    pub(super) low: Pictures,
    /// Coded bytes, before any was lost.
    pub(super) bytes: u64,
    pub(super) augment: Vec<String>,
    pub(super) loss: Option<LossRecord>,
    pub(super) dropped: u64,
    pub(super) baseline: Baseline,
}

/// Why a variant gave nothing.
pub(super) enum Failure {
    /// It is the variant's: others may do.
    Variant(crate::Error),
    /// It ends the run.
    Run(Ended),
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        match error {
            // libav or an encoder had no use for these pictures.
            crate::Error::Media(nervure_media::Error::Io { .. }) => Failure::Run(error.into()),
            crate::Error::Media(_) => Failure::Variant(error),
            error => Failure::Run(error.into()),
        }
    }
}

impl From<nervure_media::Error> for Failure {
    fn from(error: nervure_media::Error) -> Self {
        crate::Error::from(error).into()
    }
}

/// How a variant is sent.
fn settings(recipe: &Recipe, variant: Variant, seed: u64) -> TransitSettings {
    let (crf, bitrate) = match variant.rate {
        Rate::Crf(crf) => (Some(crf as f32), None),
        Rate::Kbps(kbps) => (None, Some((kbps * 1000.0).round() as u64)),
    };
    TransitSettings {
        encode: EncodeSettings {
            codec: variant.codec,
            crf,
            bitrate,
            preset: recipe.preset.clone(),
            threads: 1,
            memory: Memory::Lean,
            ..EncodeSettings::default()
        },
        loss: recipe.loss.clone(),
        level: match recipe.loss_level {
            // Cutting pictures in slices costs bits: not where none can be lost.
            LossLevel::Slice if !recipe.loss.is_none() => LossLevel::finest(variant.codec),
            _ => LossLevel::Frame,
        },
        seed,
        ..TransitSettings::default()
    }
}

/// Whether every encoder is there and takes what it will be asked for: better said before an hour's
/// work than after it.
pub(super) fn check_encoders(recipe: &Recipe) -> Result<()> {
    let format = PictureFormat::new(128, 128, Chroma::C420, BitDepth::Eight);
    for variant in recipe.variants() {
        let encode = settings(recipe, variant, 0).encode;
        Encoder::open(&encode, &PictureSpec::new(format, TimeBase::new(1, 25)))?;
    }
    Ok(())
}

/// Codes a variant.
pub(super) fn code(
    task: &Task<'_>,
    spent: &mut Stages,
    step: &mut dyn FnMut() -> Result<(), Ended>,
) -> Result<Coded, Failure> {
    let Task {
        large,
        recipe,
        variant,
        seed,
        ..
    } = *task;
    let small = ClipReader::open(task.small)?;
    let (colour, time_base) = (small.colour(), small.time_base());
    let spec = PictureSpec {
        colour,
        frame_rate: task.frame_rate,
        ..PictureSpec::new(small.format(), time_base)
    };
    let settings = settings(recipe, variant, seed);
    let mut transit = Transit::open(&settings, &spec)?;
    let augment: Vec<Augmentation> = recipe
        .augment
        .iter()
        .map(|augmentation| augmentation.drawn(seed))
        .collect();
    let mut augmenter = Augmenter::new(&augment, seed);
    let mut drops = Drops::new(recipe.frame_drops, seed);
    let mut sink = Sink {
        recipe,
        large,
        low: PictureWriter::create(
            Side::Low,
            task.folder,
            recipe.layout,
            small.format(),
            colour,
            time_base,
            matrix_of_size(large.format().width, large.format().height),
        )?,
        bar: Bar::new(small.format(), large.format())?,
        expected: VecDeque::new(),
        held: None,
        taken: 0,
        dropped: 0,
        spent,
    };
    let pool = FramePool::new();
    for index in 0..small.frames() {
        step().map_err(Failure::Run)?;
        let dropped = drops.next() == Some(true);
        sink.expect(small.pts(index), dropped);
        if dropped {
            continue;
        }
        let began = Instant::now();
        let mut frame = small.frame(index, &pool)?;
        augmenter.apply(&mut frame, index as u64);
        transit.push(frame)?;
        let mut arrived = transit.pull()?;
        sink.spent.coding += began.elapsed();
        while let Some(frame) = arrived {
            sink.take(frame)?;
            arrived = transit.pull()?;
        }
    }
    let began = Instant::now();
    transit.flush()?;
    sink.spent.coding += began.elapsed();
    while let Some(frame) = transit.pull()? {
        sink.take(frame)?;
    }
    sink.hold()?;
    let stats = transit.stats();
    let began = Instant::now();
    let low = sink.low.finish()?;
    sink.spent.writing += began.elapsed();
    Ok(Coded {
        low,
        bytes: stats.bytes,
        augment: augment.iter().map(ToString::to_string).collect(),
        loss: (!recipe.loss.is_none()).then(|| loss_record(&settings, &stats, &small)),
        dropped: sink.dropped,
        baseline: sink.bar.result(),
    })
}

fn loss_record(settings: &TransitSettings, stats: &TransitStats, small: &ClipReader) -> LossRecord {
    let whole = LossMask::whole(small.format().width, small.format().height);
    let macroblocks = (whole.columns() * whole.rows()) as u64 * stats.frames.max(1);
    LossRecord {
        model: settings.loss.to_string(),
        level: settings.level.to_string(),
        packets: stats.packets,
        lost_packets: stats.lost_packets,
        lost_slices: stats.lost_slices,
        damaged_frames: stats.damaged_frames,
        held_frames: stats.held_frames,
        macroblock_share: round(stats.lost_macroblocks as f64 / macroblocks as f64, 1e6),
    }
}

/// Pairs of a clip that the classical upscaler is scored on, about: neighbours hardly differ, and each
/// costs more than writing it.
const SCORED: usize = 64;

/// Of how many pairs one is scored. Odd: encoders repeat themselves in even numbers of pictures, and a
/// step in time with them would see only their best ones.
fn scored_every(pairs: usize) -> usize {
    pairs.div_ceil(SCORED) | 1
}

/// Where frames arrive.
struct Sink<'a> {
    recipe: &'a Recipe,
    large: &'a ClipReader,
    low: PictureWriter,
    bar: Bar,
    /// Frames that have not arrived, and whether they were ever sent.
    expected: VecDeque<(Timestamp, bool)>,
    /// The last that was shown.
    held: Option<Frame>,
    taken: u64,
    dropped: u64,
    spent: &'a mut Stages,
}

impl Sink<'_> {
    fn expect(&mut self, pts: Timestamp, dropped: bool) {
        self.expected.push_back((pts, dropped));
    }

    /// Takes a frame that arrived, after those before it that were never sent.
    fn take(&mut self, frame: Frame) -> Result<(), Failure> {
        self.hold()?;
        self.expected.pop_front();
        self.keep(&frame)?;
        self.held = Some(frame);
        Ok(())
    }

    /// Shows the last frame again for each of those at hand that were never sent.
    fn hold(&mut self) -> Result<(), Failure> {
        while let Some((pts, true)) = self.expected.front().copied() {
            self.expected.pop_front();
            // The first frame is never dropped.
            let Some(mut frame) = self.held.take() else {
                continue;
            };
            frame.pts = pts;
            let format = frame.format();
            frame.damage = Some(LossMask::lost(format.width, format.height));
            self.dropped += 1;
            self.keep(&frame)?;
            self.held = Some(frame);
        }
        Ok(())
    }

    fn keep(&mut self, frame: &Frame) -> Result<(), Failure> {
        let index = self.taken;
        self.taken += 1;
        if !index.is_multiple_of(self.recipe.every) {
            return Ok(());
        }
        let began = Instant::now();
        self.low.write(frame)?;
        let written = Instant::now();
        self.spent.writing += written - began;
        let pair = (index / self.recipe.every) as usize;
        if pair.is_multiple_of(scored_every(self.large.frames())) {
            self.bar.add(frame, self.large, pair)?;
        }
        self.spent.scoring += written.elapsed();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_clips_are_scored_whole_and_long_ones_in_odd_steps() {
        for pairs in 1..=SCORED {
            assert_eq!(scored_every(pairs), 1);
        }
        for pairs in SCORED + 1..2000 {
            let step = scored_every(pairs);
            assert!(step % 2 == 1 && step > 1, "{pairs}");
            let scored = pairs.div_ceil(step);
            assert!((SCORED / 3..=SCORED).contains(&scored), "{pairs}: {scored}");
        }
    }
}
