//! What a run keeps in its folder beside its models.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::artefacts;
use super::checkpoint::{Checkpoint, Phase, Standing, replace};
use super::config::TrainConfig;
use super::run::Begin;
use super::validation::Scores;
use crate::{Error, Result};

/// Files of a run.
const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.jsonl";
pub(super) const CHECKPOINT: &str = "run.checkpoint";

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Of which part.
    pub phase: Phase,
    /// After how many steps.
    pub step: u64,
    /// Seconds spent so far.
    pub seconds: f64,
    /// Mean loss since the line before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// How far steps go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How long the gradient was, in the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient: Option<f64>,
    /// How the network fared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
}

/// Whether the folder is this run's, or may become it. Gives where the run stands, if it has begun.
pub(super) fn look(
    config: &TrainConfig,
    folder: &Path,
    begin: Begin,
) -> Result<Option<Checkpoint>> {
    if begin == Begin::Replace {
        return Ok(None);
    }
    let told = folder.join(CONFIG);
    match fs::read_to_string(&told) {
        Ok(_) if begin == Begin::Fresh => {
            return Err(Error::refused(
                format!("{} holds a run already", folder.display()),
                "go on with it by --resume, begin again with --force, or name another folder",
            ));
        }
        Ok(before) if before != config.to_text()? => {
            return Err(Error::refused(
                format!("{} is of another configuration", told.display()),
                "go on with that one, begin again with --force, or name another folder",
            ));
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(io("read the configuration in", folder, error));
        }
        _ => {}
    }
    let path = folder.join(CHECKPOINT);
    match path.exists() {
        true => Checkpoint::read(&path).map(Some),
        false => Ok(None),
    }
}

/// Makes the folder this run's.
pub(super) fn take(config: &TrainConfig, folder: &Path, begin: Begin) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| io("create", folder, error))?;
    if begin == Begin::Replace {
        let files = [CONFIG, METRICS, CHECKPOINT].map(String::from);
        let models = [Phase::Fp32, Phase::Int8].map(|phase| artefacts::file_name(config, phase));
        for name in files.into_iter().chain(models) {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io("clear", folder, error));
                }
                _ => {}
            }
        }
    }
    let told = folder.join(CONFIG);
    match told.exists() {
        true => Ok(()),
        false => replace(&told, config.to_text()?.as_bytes()),
    }
}

fn io(action: &str, path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        action: format!("{action} {}", path.display()),
        source,
    }
}

/// Adds a line.
pub(super) fn log(folder: &Path, metric: &Metric) -> Result<()> {
    let path = folder.join(METRICS);
    let written = (|| {
        let mut line = serde_json::to_vec(metric)?;
        line.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(&line)
    })();
    written.map_err(|source| Error::Io {
        action: format!("write {}", path.display()),
        source,
    })
}

/// Takes lines away that are of steps which will be taken again, and what a crash left half
/// written.
pub(super) fn forget_after(folder: &Path, standing: &Standing) -> Result<()> {
    let path = folder.join(METRICS);
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(());
    };
    let mut kept = String::new();
    for metric in metrics(&text) {
        if (metric.phase, metric.step) <= (standing.phase, standing.step) {
            kept += &serde_json::to_string(&metric).unwrap_or_default();
            kept.push('\n');
        }
    }
    replace(&path, kept.as_bytes())
}
/// The lines of a `metrics.jsonl` that are whole.
pub(super) fn metrics(text: &str) -> Vec<Metric> {
    let lines = text.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The lines that a run has written so far.
pub fn read_metrics(folder: &Path) -> Vec<Metric> {
    let mut text = String::new();
    let read = File::open(folder.join(METRICS))
        .and_then(|mut file| std::io::Read::read_to_string(&mut file, &mut text));
    match read {
        Ok(_) => metrics(&text),
        Err(_) => Vec::new(),
    }
}
