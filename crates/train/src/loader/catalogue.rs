//! Which clips there are, and how likely each is drawn.

use std::collections::HashMap;
use std::path::Path;

use nervure_dataset::manifest::{ClipRecord, Layout, Manifest, Size};

use super::dice::Dice;
use super::guesses::Guesses;
use super::packed::Packed;
use super::readers::{ClipFile, Readers};
use super::{LoaderConfig, packed};
use crate::{Error, Result};

/// Learning further than this is no upscaling that we do.
const LARGEST_SCALE: usize = 4;

/// A pair of clips.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Which of the datasets that were opened.
    pub dataset: usize,
    /// What the manifest says of it.
    pub record: ClipRecord,
    /// Its files, by their place among the readers'.
    pub(super) lr: usize,
    pub(super) hr: usize,
}

/// A clip that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Its stem.
    pub stem: String,
    /// Why.
    pub reason: String,
}

/// All clips that are drawn from.
#[derive(Debug)]
pub(super) struct Catalogue {
    clips: Vec<Clip>,
    passed_over: Vec<PassedOver>,
    /// For each clip the sum of the likelihoods up to and with it.
    likelihoods: Vec<u64>,
    scale: usize,
    pub(super) readers: Readers,
    pub(super) guesses: Guesses,
}

impl Catalogue {
    pub(super) fn open(datasets: &[&Path], config: &LoaderConfig) -> Result<Self> {
        let mut building = Building::default();
        for (index, folder) in datasets.iter().enumerate() {
            for manifest in Manifest::read_all(folder)? {
                for record in manifest.clips {
                    if config.filter.lets_pass(&record) {
                        building.add(config, index, folder, manifest.header.layout, record)?;
                    }
                }
            }
        }
        let Building {
            clips,
            passed_over,
            files,
            packed,
            scale,
            ..
        } = building;
        let mut sum = 0;
        let likelihoods: Vec<u64> = clips
            .iter()
            .map(|clip| {
                sum += config.weight(&clip.record.content_type) * starts(&clip.record, config);
                sum
            })
            .collect();
        let Some((_, scale)) = scale.filter(|_| sum > 0) else {
            return Err(Error::refused(
                format!(
                    "no clip of {} can be used ({} are too short)",
                    datasets.iter().fold(String::new(), |list, folder| {
                        let comma = if list.is_empty() { "" } else { ", " };
                        format!("{list}{comma}{}", folder.display())
                    }),
                    passed_over.len()
                ),
                "let the filter pass more, weigh some content type above 0, or ask for fewer frames",
            ));
        };
        packed::make(&packed, config.workers.max(1))?;
        Ok(Catalogue {
            clips,
            passed_over,
            likelihoods,
            scale,
            readers: Readers::new(files),
            guesses: Guesses::default(),
        })
    }

    pub(super) fn clips(&self) -> &[Clip] {
        &self.clips
    }

    pub(super) fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    pub(super) fn scale(&self) -> usize {
        self.scale
    }

    /// Draws a clip.
    pub(super) fn draw(&self, dice: &mut Dice) -> usize {
        let all = self.likelihoods.last().copied().unwrap_or(0);
        let place = dice.below(all);
        self.likelihoods.partition_point(|sum| *sum <= place)
    }

    /// A checksum of everything that decides what is in batches.
    pub(super) fn mark(&self, config: &LoaderConfig) -> u32 {
        let mut hash = crc32fast::Hasher::new();
        hash.update(config.text().as_bytes());
        for (clip, likelihood) in self.clips.iter().zip(&self.likelihoods) {
            let ClipRecord {
                stem,
                frames,
                lr,
                hr,
                lr_sha256,
                hr_sha256,
                ..
            } = &clip.record;
            let text = format!(
                "\n{stem} {frames} {}x{} {}x{} {lr_sha256} {hr_sha256} {likelihood}",
                lr.width, lr.height, hr.width, hr.height
            );
            hash.update(text.as_bytes());
        }
        hash.finalize()
    }
}

/// How many frames a sequence can begin at.
pub(super) fn starts(record: &ClipRecord, config: &LoaderConfig) -> u64 {
    (record.frames + 1).saturating_sub(config.frames as u64)
}

#[derive(Default)]
struct Building {
    clips: Vec<Clip>,
    passed_over: Vec<PassedOver>,
    files: Vec<ClipFile>,
    /// Which file holds what. Variants of one source share their high resolution.
    known: HashMap<(usize, &'static str, String), usize>,
    packed: Vec<Packed>,
    /// The first clip, and its scale.
    scale: Option<(String, usize)>,
}

impl Building {
    fn add(
        &mut self,
        config: &LoaderConfig,
        dataset: usize,
        folder: &Path,
        layout: Layout,
        record: ClipRecord,
    ) -> Result<()> {
        let scale = scale_of(&record)?;
        match &self.scale {
            None => self.scale = Some((record.stem.clone(), scale)),
            Some((stem, other)) if *other != scale => {
                return Err(Error::refused(
                    format!(
                        "{} is {scale} times larger in high resolution, and {stem} {other} times",
                        record.stem
                    ),
                    "train on datasets of one scale at a time",
                ));
            }
            Some(_) => {}
        }
        if starts(&record, config) == 0 {
            self.passed_over.push(PassedOver {
                reason: format!(
                    "it has {} frames, and {} are asked for",
                    record.frames, config.frames
                ),
                stem: record.stem,
            });
            return Ok(());
        }
        let smallest = record.lr.width.min(record.lr.height);
        if smallest < config.patch {
            return Err(Error::refused(
                format!(
                    "a patch of {0}x{0} does not fit into {1}, which has {2}x{3}",
                    config.patch, record.stem, record.lr.width, record.lr.height
                ),
                format!("choose a patch of at most {smallest}, or filter such clips out"),
            ));
        }
        let lr = self.file(config, dataset, folder, layout, &record, "lr")?;
        let hr = self.file(config, dataset, folder, layout, &record, "hr")?;
        self.clips.push(Clip {
            dataset,
            record,
            lr,
            hr,
        });
        Ok(())
    }

    fn file(
        &mut self,
        config: &LoaderConfig,
        dataset: usize,
        folder: &Path,
        layout: Layout,
        record: &ClipRecord,
        side: &'static str,
    ) -> Result<usize> {
        let (digest, size) = match side {
            "lr" => (&record.lr_sha256, record.lr),
            _ => (&record.hr_sha256, record.hr),
        };
        // Without a digest nothing is known to be the same as anything else.
        let name = if digest.is_empty() {
            &record.stem
        } else {
            digest
        };
        let key = (dataset, side, name.clone());
        if let Some(file) = self.known.get(&key) {
            return Ok(*file);
        }
        let path = match layout {
            Layout::Clips => folder.join(side).join(format!("{}.clip", record.stem)),
            Layout::Png => {
                let packed = Packed::new(config, folder, record, side);
                let path = packed.path.clone();
                self.packed.push(packed);
                path
            }
        };
        let file = self.files.len();
        self.files.push(ClipFile {
            path,
            size: (size.width, size.height),
            frames: record.frames,
        });
        self.known.insert(key, file);
        Ok(file)
    }
}

/// How many times larger the high resolution is.
fn scale_of(record: &ClipRecord) -> Result<usize> {
    let Size { width, height } = record.lr;
    let scale = record.hr.width.checked_div(width).unwrap_or(0);
    let whole = record.hr.width == scale * width && record.hr.height == scale * height;
    if whole && (1..=LARGEST_SCALE).contains(&scale) {
        return Ok(scale);
    }
    Err(Error::refused(
        format!(
            "{} goes from {width}x{height} to {}x{}, which is no whole factor from 1 to {LARGEST_SCALE}",
            record.stem, record.hr.width, record.hr.height
        ),
        "make the dataset with a whole --scale",
    ))
}
