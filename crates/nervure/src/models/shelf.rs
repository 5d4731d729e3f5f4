//! Models in files: one by name or path, or all of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use nervure_record::{Artefact, Card, Precision, Quality};
use serde::Serialize;

use crate::console::{fail, note};

/// What follows a model's name in the name of its file.
const ENDING: &str = ".safetensors";

/// Far more than any model takes: what is larger is something else.
const LARGEST: u64 = 1 << 30;

/// Which model.
#[derive(Args, Debug)]
pub(crate) struct Wanted {
    /// A model's name, such as residual-espcn-x2-s, or a .safetensors file
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,

    /// The folder that holds models
    #[arg(long, value_name = "DIR", default_value = "models")]
    pub(crate) dir: PathBuf,

    /// Which of the two that a name may stand for [default: fp32 if there is one]
    #[arg(long, value_name = "fp32|int8")]
    pub(crate) precision: Option<Precision>,
}

/// A model in its file.
pub(crate) struct Kept {
    pub(crate) path: PathBuf,
    /// Bytes of the file.
    pub(crate) size: u64,
    pub(crate) artefact: Artefact,
}

/// What JSON says of a model.
#[derive(Serialize)]
pub(crate) struct Entry<'a> {
    file: &'a Path,
    /// SHA-256: the model's true name.
    digest: String,
    bytes: u64,
    weights: usize,
    card: &'a Card,
}

impl Kept {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let reading = || format!("cannot read {}", path.display());
        let size = fs::metadata(path).with_context(reading)?.len();
        if size > LARGEST {
            return Err(fail(
                format!("{} is too large for a model", path.display()),
                "give a file that nervure train or nervure models export wrote",
            ));
        }
        let bytes = fs::read(path).with_context(reading)?;
        let artefact = Artefact::from_bytes(&bytes).with_context(reading)?;
        Ok(Kept {
            path: path.into(),
            size: bytes.len() as u64,
            artefact,
        })
    }

    pub(crate) fn entry(&self) -> Result<Entry<'_>> {
        Ok(Entry {
            file: &self.path,
            digest: self.artefact.digest()?,
            bytes: self.size,
            weights: self.weights(),
            card: &self.artefact.card,
        })
    }

    /// Numbers that were learned: those that say how codes are scaled are none.
    pub(crate) fn weights(&self) -> usize {
        let scaling = ["multiplier", "shift", "weight_scale", "input_scale"];
        let learned = |name: &str| {
            let part = name.rsplit('.').next().unwrap_or(name);
            !scaling.contains(&part)
        };
        let tensors = self.artefact.tensors.iter();
        tensors
            .filter(|(name, _)| learned(name))
            .map(|(_, tensor)| tensor.data.len())
            .sum()
    }
}

impl Wanted {
    /// Finds and reads it.
    pub(crate) fn find(&self) -> Result<Kept> {
        if is_path(&self.model) {
            return self.checked(Kept::read(Path::new(&self.model))?);
        }
        let named = |precision| {
            let name = format!("{}.{precision}{ENDING}", self.model);
            self.dir.join(name)
        };
        let precisions = match self.precision {
            Some(precision) => vec![precision],
            None => Precision::ALL.to_vec(),
        };
        let found = precisions.into_iter().map(named).find(|path| path.exists());
        let path = found.ok_or_else(|| self.missing())?;
        self.checked(Kept::read(&path)?)
    }

    /// Refuses one of another precision than what was asked for.
    fn checked(&self, kept: Kept) -> Result<Kept> {
        let found = kept.artefact.card.precision;
        match self.precision {
            Some(wanted) if wanted != found => Err(fail(
                format!("{} is {found}, not {wanted}", kept.path.display()),
                format!("give the file that is {wanted}, or leave out --precision"),
            )),
            _ => Ok(kept),
        }
    }

    fn missing(&self) -> anyhow::Error {
        let dir = self.dir.display();
        let what = match self.precision {
            Some(precision) => format!("no {precision} model called {:?} in {dir}", self.model),
            None => format!("no model called {:?} in {dir}", self.model),
        };
        let mut names: Vec<String> = files(&self.dir)
            .unwrap_or_default()
            .iter()
            .filter_map(|path| {
                Some(
                    path.file_name()?
                        .to_str()?
                        .strip_suffix(ENDING)?
                        .to_string(),
                )
            })
            .collect();
        names.truncate(10);
        let hint = match names.is_empty() {
            true => "say with --dir where models are, or give a .safetensors file".into(),
            false => format!("there are {}", names.join(", ")),
        };
        fail(what, hint)
    }
}

/// Every model of a folder, by name and precision. What is none is told of and passed over.
pub(crate) fn all(dir: &Path) -> Result<Vec<Kept>> {
    let mut models = Vec::new();
    for path in files(dir)? {
        match Kept::read(&path) {
            Ok(kept) => models.push(kept),
            Err(error) => note(&format!("{error:#}")),
        }
    }
    models.sort_by(|a, b| {
        let key = |kept: &Kept| {
            (
                kept.artefact.card.name.clone(),
                kept.artefact.card.precision,
            )
        };
        key(a).cmp(&key(b)).then_with(|| a.path.cmp(&b.path))
    });
    Ok(models)
}

/// Files that look like models.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("cannot read {}", dir.display());
    let entries = fs::read_dir(dir).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => fail(
            format!("there is no folder {}", dir.display()),
            "say with --dir where models are",
        ),
        _ => anyhow::Error::from(error).context(reading()),
    })?;
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.with_context(reading)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(ENDING) && !name.starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a word is meant as a file and not as a name.
pub(crate) fn is_path(word: &str) -> bool {
    word.ends_with(ENDING) || word.contains(std::path::is_separator)
}

/// How much better than the classical upscaler, in dB, over all clips; and the clip that gained least.
pub(crate) fn gain(quality: &[Quality]) -> Option<(f64, f64)> {
    let clips: f64 = quality.iter().map(|set| f64::from(set.clips)).sum();
    let gain = |set: &Quality| (set.psnr_y - set.psnr_y_lanczos) * f64::from(set.clips);
    let worst = quality.iter().map(|set| set.worst_gain).reduce(f64::min);
    let mean = quality.iter().map(gain).sum::<f64>() / clips;
    worst.filter(|_| clips > 0.0).map(|worst| (mean, worst))
}

/// A size that is read at a glance.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Words from a file as a terminal may see them.
pub(crate) fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_count_by_clips() {
        let set = |clips, psnr_y, worst_gain| Quality {
            test_set: "drawn".into(),
            condition: "crf 30".into(),
            clips,
            psnr_y,
            ssim: 0.9,
            psnr_y_lanczos: 30.0,
            ssim_lanczos: 0.9,
            worst_gain,
        };
        assert_eq!(gain(&[]), None);
        assert_eq!(gain(&[set(0, 31.0, 0.5)]), None, "of no clips");
        let found = gain(&[set(3, 31.0, 0.5), set(1, 30.0, -0.25)]);
        assert_eq!(found, Some((0.75, -0.25)));
    }

    #[test]
    fn names_and_files_are_told_apart() {
        assert!(!is_path("residual-espcn-x2-s"));
        assert!(is_path("a.safetensors"));
        assert!(is_path("./a"));
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(53_400), "53 kB");
        assert_eq!(size(3_260_000), "3.3 MB");
    }
}
