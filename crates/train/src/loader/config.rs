//! What batches are asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nervure_dataset::manifest::ClipRecord;
use nervure_frame::BitDepth;

use crate::{Error, Result};

/// Which planes a patch has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaneSet {
    /// Luma only.
    #[default]
    Luma,
    /// Luma and two of chroma, all of one size: chroma is interpolated to where luma samples sit, so
    /// that a patch may begin anywhere and be turned any way.
    Yuv,
    /// Red, green and blue, in 8 bits.
    Rgb,
}

impl PlaneSet {
    /// How many planes there are.
    pub fn count(self) -> usize {
        match self {
            PlaneSet::Luma => 1,
            PlaneSet::Yuv | PlaneSet::Rgb => 3,
        }
    }
}

/// Which clips are used. An empty list lets everything pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Codecs, as the manifest names them.
    pub codecs: Vec<String>,
    /// Content types, as the manifest names them.
    pub content_types: Vec<String>,
    /// Only clips with frames that the network damaged, or only clips without.
    pub damaged: Option<bool>,
}

impl Filter {
    pub(super) fn lets_pass(&self, record: &ClipRecord) -> bool {
        let among = |names: &[String], name: &str| {
            names.is_empty() || names.iter().any(|allowed| allowed == name)
        };
        let damaged = record
            .loss
            .as_ref()
            .is_some_and(|loss| loss.damaged_frames > 0 || loss.held_frames > 0);
        among(&self.codecs, &record.codec)
            && among(&self.content_types, &record.content_type)
            && self.damaged.is_none_or(|wanted| wanted == damaged)
    }
}

/// What batches are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct LoaderConfig {
    /// Side of a low-resolution patch, in luma samples.
    pub patch: usize,
    /// Consecutive frames in a patch sequence.
    pub frames: usize,
    /// Patch sequences in a batch.
    pub batch: usize,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Which planes.
    pub planes: PlaneSet,
    /// Bits of samples in batches: clips of the other depth are rounded, or filled up.
    pub depth: BitDepth,
    /// Whether sequences are turned and mirrored, each in one of the eight ways there are.
    pub augment: bool,
    /// How many of the patches without detail are passed over, 0 to 1: from flat sky there is little
    /// to learn.
    pub skip_flat: f64,
    /// How many of the sequences whose last patch lost nothing are passed over, 0 to 1: to learn
    /// mending from.
    pub skip_whole: f64,
    /// Whether the pictures before the last of a sequence are, in low resolution and luma, guesses at the
    /// last made from them: what networks that mend are given.
    pub guessed: bool,
    /// Threads that make batches ahead of need. With none, `next` makes them.
    pub workers: usize,
    /// Which clips.
    pub filter: Filter,
    /// How often a content type is drawn, relative to the others: 1 where nothing is said. Within a
    /// type, every sequence of frames is as likely as every other.
    pub weights: BTreeMap<String, f64>,
    /// Where datasets of PNG files are packed; beside them, in `.packed`, when nothing is said.
    pub packed: Option<PathBuf>,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        LoaderConfig {
            patch: 48,
            frames: 1,
            batch: 16,
            seed: 0,
            planes: PlaneSet::Luma,
            depth: BitDepth::Eight,
            augment: true,
            skip_flat: 0.0,
            skip_whole: 0.0,
            guessed: false,
            workers: 1,
            filter: Filter::default(),
            weights: BTreeMap::new(),
            packed: None,
        }
    }
}

/// Weights are counted in whole thousandths, since sums of fractions depend on their order.
pub(super) const WEIGHT_ONE: f64 = 1000.0;

impl LoaderConfig {
    pub(super) fn check(&self) -> Result<()> {
        for (name, value) in [
            ("patch", self.patch),
            ("frames", self.frames),
            ("batch", self.batch),
        ] {
            if !(1..=1 << 16).contains(&value) {
                return Err(Error::refused(
                    format!("{name} is {value}"),
                    "choose a number from 1 to 65536",
                ));
            }
        }
        for (name, share) in [
            ("skip_flat", self.skip_flat),
            ("skip_whole", self.skip_whole),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::refused(
                    format!("{name} is {share}"),
                    "it is a share, from 0 to 1",
                ));
            }
        }
        for (name, weight) in &self.weights {
            if !(0.0..=1e6).contains(weight) {
                return Err(Error::refused(
                    format!("the weight of {name} is {weight}"),
                    "choose a number from 0 to a million",
                ));
            }
        }
        if self.guessed && self.planes != PlaneSet::Luma {
            return Err(Error::refused("colours are not guessed", "ask for luma"));
        }
        if self.planes == PlaneSet::Rgb && self.depth != BitDepth::Eight {
            return Err(Error::refused(
                "colours come in 8 bits, and 10 are asked for",
                "ask for 8 bits, or for luma and chroma",
            ));
        }
        Ok(())
    }

    pub(super) fn weight(&self, content_type: &str) -> u64 {
        let weight = self.weights.get(content_type).copied().unwrap_or(1.0);
        (weight * WEIGHT_ONE).round() as u64
    }

    /// Everything that decides what is in a batch, as text.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "patch {} frames {} batch {} seed {} planes {:?} bits {} augment {} skip_flat {}",
            self.patch,
            self.frames,
            self.batch,
            self.seed,
            self.planes,
            self.depth.bits(),
            self.augment,
            self.skip_flat
        );
        if self.skip_whole > 0.0 {
            text += &format!(" skip_whole {}", self.skip_whole);
        }
        if self.guessed {
            text += " guessed";
        }
        text
    }
}
