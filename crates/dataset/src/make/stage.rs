//! The first step of a stretch: its source is decoded once, and its pictures put aside at both sizes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nervure_engine::{Pull, Stage as _, Upscale};
use nervure_frame::{Frame, PictureFormat, TimeBase};
use nervure_kernels::resample::Filter;

use super::frames::Frames;
use super::pairs::{CLIP, PictureWriter, Pictures, Side};
use super::{Ended, Stages};
use crate::clip::ClipWriter;
use crate::content::{ContentType, Observer};
use crate::manifest::{Layout, Size};
use crate::picture::matrix_of_size;
use crate::recipe::Recipe;
use crate::{Error, Result};

/// A stretch that is put aside.
pub(super) struct Staged {
    /// Small pictures, all of them.
    pub(super) small: PathBuf,
    /// Large pictures of the frames that are kept.
    pub(super) large: PathBuf,
    /// The same as they go into the dataset.
    pub(super) high: Pictures,
    pub(super) lr: Size,
    pub(super) hr: Size,
    pub(super) frame_rate: Option<(u32, u32)>,
    /// Small pictures, and pairs that are kept of them.
    pub(super) frames: usize,
    pub(super) pairs: u64,
    /// When it begins and how long it lasts, in seconds.
    pub(super) start: f64,
    pub(super) seconds: f64,
    pub(super) content: ContentType,
    pub(super) confidence: Option<f64>,
}

/// What came of it.
pub(super) struct Outcome {
    /// The stretch, if it has any pictures that are good.
    pub(super) staged: Option<Staged>,
    /// What is wrong with the source.
    pub(super) fault: Option<String>,
    /// The next stretch that holds anything.
    pub(super) next: Option<u32>,
}

/// Decodes the pictures of stretch number `segment`, which show `content` where that is known, into
/// `folder`, `budget` pairs of them at most.
/// The frames stand at its first picture or before a later stretch.
pub(super) fn stage(
    frames: &mut Frames,
    recipe: &Recipe,
    (segment, content): (u32, Option<ContentType>),
    budget: Option<u64>,
    folder: &Path,
    spent: &mut Stages,
    halted: &dyn Fn() -> bool,
) -> Result<Outcome, Ended> {
    let began = Instant::now();
    let end = f64::from(segment + 1) * recipe.segment_seconds;
    let mut writing: Option<Writing> = None;
    let mut fault = None;
    let mut next = None;
    let before = frames.damage_before();
    loop {
        if halted() {
            return Err(Ended::Stopped);
        }
        match frames.next_seconds() {
            Ok(Some(seconds)) if seconds >= end => {
                next = Some((seconds / recipe.segment_seconds) as u32);
                break;
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                fault = Some(error.to_string());
                break;
            }
        }
        let enough = writing
            .as_ref()
            .zip(budget)
            .is_some_and(|(writing, budget)| writing.full(budget, recipe.every));
        if enough {
            break;
        }
        let frame = match frames.next() {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(error) => {
                fault = Some(error.to_string());
                break;
            }
        };
        if let Some(writing) = &writing
            && (writing.hr != frame.format() || writing.time_base != frame.pts.base)
        {
            fault = Some(format!(
                "its pictures change from {} to {} at {:.3} s",
                writing.hr,
                frame.format(),
                frames.seconds(&frame)
            ));
            break;
        }
        let seconds = frames.seconds(&frame);
        let writing = match &mut writing {
            Some(writing) => writing,
            none => none.insert(Writing::begin(folder, recipe, content, &frame, seconds)?),
        };
        writing.add(frame, seconds, recipe)?;
    }
    if fault.is_none() && next.is_none() && frames.truncated() {
        fault = Some("it breaks off before its end".into());
    }
    // What a decoder invents is no truth to learn from.
    let damaged = frames.damage() - before;
    let staged = match writing {
        Some(_) if damaged > 0 => {
            let from = f64::from(segment) * recipe.segment_seconds;
            fault = Some(format!(
                "{damaged} of its pictures from {from:.1} s to {end:.1} s are damaged"
            ));
            None
        }
        Some(writing) => Some(writing.finish(frames.frame_rate)?),
        None => None,
    };
    spent.source += began.elapsed();
    Ok(Outcome {
        staged,
        fault,
        next,
    })
}

/// A stretch being put aside.
struct Writing {
    shrink: Upscale,
    /// What the pictures show, where it is known.
    content: Option<ContentType>,
    observer: Observer,
    small: ClipWriter,
    large: Option<ClipWriter>,
    high: PictureWriter,
    folder: PathBuf,
    lr: PictureFormat,
    hr: PictureFormat,
    time_base: TimeBase,
    pairs: u64,
    start: f64,
    last: f64,
}

/// Where pictures stand while a stretch is worked on.
const SMALL: &str = "small.clip";
const LARGE: &str = "large.clip";
const HIGH: &str = "high";

impl Writing {
    fn begin(
        folder: &Path,
        recipe: &Recipe,
        content: Option<ContentType>,
        first: &Frame,
        start: f64,
    ) -> Result<Self> {
        fs::create_dir_all(folder).map_err(Error::io(format!("create {}", folder.display())))?;
        let hr = first.format();
        let lr = hr.with_size(hr.width / recipe.scale, hr.height / recipe.scale);
        let (colour, base) = (first.colour, first.pts.base);
        // In the layout of clips the dataset's own file serves for scoring too.
        let large = match recipe.layout {
            Layout::Clips => None,
            Layout::Png => Some(ClipWriter::create(&folder.join(LARGE), hr, colour, base)?),
        };
        Ok(Writing {
            shrink: Upscale::new(hr, (lr.width, lr.height), Filter::Bicubic, 1)?,
            content,
            observer: Observer::new(),
            small: ClipWriter::create(&folder.join(SMALL), lr, colour, base)?,
            large,
            high: PictureWriter::create(
                Side::High,
                &folder.join(HIGH),
                recipe.layout,
                hr,
                colour,
                base,
                matrix_of_size(hr.width, hr.height),
            )?,
            folder: folder.into(),
            lr,
            hr,
            time_base: base,
            pairs: 0,
            start,
            last: start,
        })
    }

    /// Whether as many pairs are there as are wanted.
    fn full(&self, budget: u64, every: u64) -> bool {
        self.pairs >= budget && (self.small.frames() as u64).is_multiple_of(every)
    }

    fn add(&mut self, mut frame: Frame, seconds: f64, recipe: &Recipe) -> Result<()> {
        // Damage of the source is judged elsewhere; a mask in a clip means loss that we made.
        frame.damage = None;
        let index = self.small.frames() as u64;
        if index.is_multiple_of(recipe.every) {
            self.high.write(&frame)?;
            if let Some(large) = &mut self.large {
                large.write(&frame)?;
            }
            self.pairs += 1;
        }
        self.last = seconds;
        self.shrink.push(frame)?;
        while let Pull::Frame(small) = self.shrink.pull()? {
            if self.content.is_none() {
                self.observer.observe(&small);
            }
            self.small.write(&small)?;
        }
        Ok(())
    }

    fn finish(self, frame_rate: Option<(u32, u32)>) -> Result<Staged> {
        let frames = self.small.frames();
        self.small.finish_unsynced()?;
        let large = match self.large {
            Some(large) => {
                large.finish_unsynced()?;
                self.folder.join(LARGE)
            }
            None => self.folder.join(HIGH).join(CLIP),
        };
        let (content, confidence) = match self.content {
            Some(content) => (content, None),
            None => {
                let (content, confidence) = crate::content::classify(&self.observer.features());
                (
                    content,
                    Some(super::baseline::round(f64::from(confidence), 1e3)),
                )
            }
        };
        // The last picture is shown as long as the others, as far as we know.
        let span = self.last - self.start;
        let rate = frame_rate.map_or(25.0, |(rate, per)| f64::from(rate) / f64::from(per));
        let seconds = match frames {
            0 | 1 => 1.0 / rate,
            frames => span * frames as f64 / (frames - 1) as f64,
        };
        let size = |format: PictureFormat| Size {
            width: format.width,
            height: format.height,
        };
        Ok(Staged {
            small: self.folder.join(SMALL),
            large,
            high: self.high.finish()?,
            lr: size(self.lr),
            hr: size(self.hr),
            frame_rate,
            frames,
            pairs: self.pairs,
            start: self.start,
            seconds,
            content,
            confidence,
        })
    }
}
