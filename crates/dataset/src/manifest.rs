//! What a dataset says of itself: JSON Lines, one line for each clip.
//!
//! `manifest.jsonl`, or `manifest-00001-of-00004.jsonl` for each shard of a dataset made in parts,
//! counted from zero. The first line is a [`Header`], each further line a [`ClipRecord`] or a
//! [`Skipped`] source. Keys that a reader does not know are passed over within a version; a manifest
//! of a newer version is refused.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Version of the manifest.
pub const VERSION: u64 = 1;

/// How pairs are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One PNG for each picture in `lr/` and `hr/`, for any other tool.
    #[default]
    Png,
    /// One file of bare samples for each clip, for fast training.
    Clips,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Png => "png",
            Layout::Clips => "clips",
        })
    }
}

impl FromStr for Layout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "png" => Ok(Layout::Png),
            "clips" => Ok(Layout::Clips),
            _ => Err(Error::Unsupported {
                what: format!("no layout is called {text:?}"),
                hint: Some("choose png or clips".into()),
            }),
        }
    }
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`].
    pub version: u64,
    /// Versions of nervure and of libav: others may code differently.
    pub made_by: String,
    /// How pairs are kept.
    pub layout: Layout,
    /// Which part of the dataset this manifest lists, from 0, and of how many.
    pub shard: (u32, u32),
    /// What was asked for, as resolved.
    pub recipe: serde_json::Value,
}

/// A picture's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Luma samples across.
    pub width: usize,
    /// Luma samples down.
    pub height: usize,
}

/// Where a clip's pictures come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// As given, relative to the folder that was asked for.
    pub name: String,
    /// SHA-256 of the file, or of the files in order where there are several.
    pub sha256: String,
    /// Which stretch of the source, from 0.
    pub segment: u32,
    /// When the stretch begins, in seconds from the source's first picture.
    pub start: f64,
}

/// What the network took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossRecord {
    /// The model, as users type it.
    pub model: String,
    /// `slice` or `frame`.
    pub level: String,
    /// Packets sent.
    pub packets: u64,
    /// Packets that were lost whole.
    pub lost_packets: u64,
    /// Slices that were lost.
    pub lost_slices: u64,
    /// Frames with a mask.
    pub damaged_frames: u64,
    /// Frames that had to be held from the one before.
    pub held_frames: u64,
    /// Share of all macroblocks that are marked, 0 to 1.
    pub macroblock_share: f64,
}

/// What a classical upscaler makes of the low-resolution pictures: the bar for every model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// `lanczos`.
    pub upscaler: String,
    /// Of luma, in dB, from the mean squared error of the frames looked at. None when they are equal.
    pub psnr_y: Option<f64>,
    /// Of luma, mean over the frames looked at.
    pub ssim: f64,
    /// How many frames were looked at.
    pub frames: u64,
}

/// One pair of clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipRecord {
    /// What its files are called in `lr/` and `hr/`.
    pub stem: String,
    /// Where it comes from.
    pub source: SourceRecord,
    /// One of the names of content types.
    pub content_type: String,
    /// How sure the classifier was, 0 to 1; none where the type was told.
    pub content_confidence: Option<f64>,
    /// Codec of the low resolution.
    pub codec: String,
    /// Rate that was asked for, in kbit/s.
    pub requested_kbps: Option<f64>,
    /// Quality that was asked for.
    pub crf: Option<f64>,
    /// Rate that the encoder gave, before losses, in kbit/s.
    pub measured_kbps: f64,
    /// Augmentations before encoding, as users type them, with the strengths that were drawn.
    pub augment: Vec<String>,
    /// What the network took; none when nothing could be lost.
    pub loss: Option<LossRecord>,
    /// Frames that were dropped before encoding and held.
    pub dropped_frames: u64,
    /// Seed of everything random about this clip.
    pub seed: u64,
    /// Pairs of frames.
    pub frames: u64,
    /// Frames in a second as a fraction, roughly.
    pub frame_rate: Option<(u32, u32)>,
    /// Size of the low-resolution pictures.
    pub lr: Size,
    /// Size of the high-resolution pictures.
    pub hr: Size,
    /// The classical bar.
    pub baseline: Baseline,
    /// SHA-256 of the low-resolution files in order.
    pub lr_sha256: String,
    /// SHA-256 of the high-resolution files in order.
    pub hr_sha256: String,
}

/// A source, or the rest of one, that gave no clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// As given.
    pub source: String,
    /// Why.
    pub reason: String,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Line {
    /// The first.
    Dataset(Header),
    /// A pair of clips.
    Clip(Box<ClipRecord>),
    /// A source that gave none.
    Skipped(Skipped),
}

/// The part of a dataset that one manifest lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Its first line.
    pub header: Header,
    /// Its clips, in the order of the plan.
    pub clips: Vec<ClipRecord>,
    /// What gave none.
    pub skipped: Vec<Skipped>,
}

impl Manifest {
    /// What a shard's manifest is called.
    pub fn name(shard: (u32, u32)) -> String {
        match shard {
            (_, 0 | 1) => "manifest.jsonl".into(),
            (index, of) => format!("manifest-{index:05}-of-{of:05}.jsonl"),
        }
    }

    /// Its text.
    pub fn to_text(&self) -> Result<String> {
        let head = Line::Dataset(self.header.clone());
        let clips = self
            .clips
            .iter()
            .map(|clip| Line::Clip(Box::new(clip.clone())));
        let skipped = self.skipped.iter().cloned().map(Line::Skipped);
        let mut text = String::new();
        for line in std::iter::once(head).chain(clips).chain(skipped) {
            let line = serde_json::to_string(&line).map_err(|error| Error::Unsupported {
                what: format!("the manifest cannot be written: {error}"),
                hint: None,
            })?;
            text.push_str(&line);
            text.push('\n');
        }
        Ok(text)
    }

    /// Reads one; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let at = |number: usize, reason: String| {
            Error::corrupt(path, format!("line {}: {reason}", number + 1))
        };
        let mut lines = text.lines().enumerate();
        let (_, first) = lines
            .next()
            .ok_or_else(|| Error::corrupt(path, "it is empty"))?;
        // The version first: the rest of a newer one may not be what we expect.
        let version = serde_json::from_str::<serde_json::Value>(first)
            .ok()
            .and_then(|value| value.get("version")?.as_u64());
        if let Some(found) = version
            && found > VERSION
        {
            return Err(Error::Newer {
                path: path.into(),
                found,
                known: VERSION,
            });
        }
        let header = match serde_json::from_str(first).map_err(|error| at(0, error.to_string()))? {
            Line::Dataset(header) => header,
            _ => return Err(at(0, "it does not say which dataset follows".into())),
        };
        let (mut clips, mut skipped) = (Vec::new(), Vec::new());
        for (number, line) in lines {
            match serde_json::from_str(line).map_err(|error| at(number, error.to_string()))? {
                Line::Clip(clip) if is_stem(&clip.stem) => clips.push(*clip),
                Line::Clip(clip) => {
                    return Err(at(number, format!("{:?} is no name for a file", clip.stem)));
                }
                Line::Skipped(source) => skipped.push(source),
                Line::Dataset(_) => return Err(at(number, "a second head".into())),
            }
        }
        Ok(Manifest {
            header,
            clips,
            skipped,
        })
    }

    /// Every manifest in the folder of a dataset, in the order of shards.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>> {
        let reading = || Error::io(format!("read {}", folder.display()));
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(reading())?;
        paths.retain(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(Manifest::is_name)
        });
        paths.sort();
        if paths.is_empty() {
            return Err(Error::Unsupported {
                what: format!("{} holds no dataset: it has no manifest", folder.display()),
                hint: Some("finish it with `nervure dataset make ... --resume`".into()),
            });
        }
        paths
            .iter()
            .map(|path| {
                let text = fs::read_to_string(path)
                    .map_err(Error::io(format!("read {}", path.display())))?;
                Manifest::parse(&text, path)
            })
            .collect()
    }

    /// Whether a file of this name is a manifest.
    pub fn is_name(name: &str) -> bool {
        name == "manifest.jsonl"
            || (name.starts_with("manifest-") && name.ends_with(".jsonl") && name.contains("-of-"))
    }
}

/// Names of files that stay in their folder.
fn is_stem(stem: &str) -> bool {
    !stem.is_empty()
        && !stem.starts_with('.')
        && stem
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
}
