//! Where training stands, in a file: enough to go on as if nothing had happened.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::adam::Adam;
use crate::loader::State;
use crate::{Error, Result};

/// Version of the file.
const VERSION: u32 = 1;
const KEY: &str = "nervure-checkpoint";

/// Which part of a run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// With numbers of single precision.
    Fp32,
    /// With whole numbers, as engines will compute.
    Int8,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Phase::Fp32 => "fp32",
            Phase::Int8 => "int8",
        })
    }
}

/// What steps were like since it was last written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sums {
    /// Steps.
    pub count: u64,
    /// Their losses.
    pub loss: f64,
    /// How long their gradients were.
    pub gradient: f64,
}

/// Where training stands, but for its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Standing {
    /// Which part.
    pub phase: Phase,
    /// Steps of it that are done.
    pub step: u64,
    /// Batches that were used.
    pub loader: State,
    /// The best trial so far: at which step, and its mean gain.
    pub best: Option<(u64, f64)>,
    /// Trials since then.
    pub waiting: u64,
    /// Seconds that were spent, over all starts.
    pub seconds: f64,
    /// Since the last line of losses.
    pub sums: Sums,
}

/// Where training stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checkpoint {
    /// All but the weights.
    pub standing: Standing,
    /// Weights and how they move.
    pub adam: Adam,
    /// Weights of the best trial.
    pub best: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    standing: Standing,
    adam_steps: u64,
}

#[derive(Deserialize)]
struct AnyHead {
    version: u32,
}

impl Checkpoint {
    /// Puts it where the one before was, whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let head = Head {
            version: VERSION,
            standing: self.standing.clone(),
            adam_steps: self.adam.steps,
        };
        let head = serde_json::to_string(&head).map_err(|error| corrupt(path, &error))?;
        let rows = [
            ("weights", &self.adam.weights),
            ("mean", &self.adam.mean),
            ("first", &self.adam.first),
            ("second", &self.adam.second),
            ("best", &self.best),
        ];
        let bytes: Vec<(&str, Vec<u8>)> = rows
            .iter()
            .map(|(name, row)| (*name, row.iter().flat_map(|x| x.to_le_bytes()).collect()))
            .collect();
        let mut tensors = Vec::new();
        for (name, bytes) in &bytes {
            let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
            tensors.push((*name, view.map_err(|error| corrupt(path, &error))?));
        }
        let metadata = HashMap::from([(KEY.to_string(), head)]);
        let bytes = safetensors::serialize(tensors, Some(metadata))
            .map_err(|error| corrupt(path, &error))?;
        replace(path, &bytes)
    }

    /// The one that is there.
    pub(super) fn read(path: &Path) -> Result<Checkpoint> {
        let bytes = fs::read(path).map_err(|source| Error::Io {
            action: format!("read {}", path.display()),
            source,
        })?;
        let broken = |error: &dyn std::fmt::Display| corrupt(path, error);
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| broken(&error))?;
        let head = metadata.metadata().as_ref().and_then(|map| map.get(KEY));
        let head = head.ok_or_else(|| broken(&"it is no checkpoint"))?;
        let any: AnyHead = serde_json::from_str(head).map_err(|error| broken(&error))?;
        if any.version > VERSION {
            return Err(Error::refused(
                format!(
                    "{} is of version {}, and this nervure knows {VERSION}",
                    path.display(),
                    any.version
                ),
                "go on with the newer nervure that wrote it",
            ));
        }
        let head: Head = serde_json::from_str(head).map_err(|error| broken(&error))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| broken(&error))?;
        let row = |name: &str| -> Result<Vec<f32>> {
            let view = tensors.tensor(name).map_err(|error| broken(&error))?;
            if view.dtype() != Dtype::F32 {
                return Err(broken(&format!("{name} is of {:?}", view.dtype())));
            }
            let (chunks, _) = view.data().as_chunks::<4>();
            Ok(chunks.iter().map(|x| f32::from_le_bytes(*x)).collect())
        };
        let checkpoint = Checkpoint {
            standing: head.standing,
            adam: Adam {
                weights: row("weights")?,
                mean: row("mean")?,
                first: row("first")?,
                second: row("second")?,
                steps: head.adam_steps,
            },
            best: row("best")?,
        };
        let numbers = checkpoint.adam.weights.len();
        let rows = [
            &checkpoint.adam.mean,
            &checkpoint.adam.first,
            &checkpoint.adam.second,
            &checkpoint.best,
        ];
        match rows.iter().all(|row| row.len() == numbers) {
            true => Ok(checkpoint),
            false => Err(broken(&"its rows differ in length")),
        }
    }
}

fn corrupt(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::refused(
        format!("the checkpoint {} is damaged: {reason}", path.display()),
        "remove it to begin again",
    )
}

/// Puts bytes where others were: on the disk under another name first, so that a crash leaves one or
/// the other.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| Error::Io {
        action: format!("write {}", path.display()),
        source,
    };
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    let written = (|| {
        let mut file = File::create(part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(part, path)?;
        match path.parent() {
            // The rename itself is in the folder.
            Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => {
                File::open(folder)?.sync_all()
            }
            _ => Ok(()),
        }
    })();
    written.map_err(|source| {
        let _ = fs::remove_file(part);
        failed(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let mut adam = Adam::new(vec![0.1, -2.5, 3.25]);
        let pace = super::super::adam::Pace {
            rate: 0.1,
            clip: 0.0,
            ema: 0.5,
        };
        adam.step(&[1.0, 2.0, -3.0], pace);
        Checkpoint {
            standing: Standing {
                phase: Phase::Int8,
                step: 7,
                loader: State { batch: 9, mark: 3 },
                best: Some((5, 0.1 + 0.2)),
                waiting: 1,
                seconds: 1.5,
                sums: Sums {
                    count: 3,
                    loss: 0.3,
                    gradient: 1e-3,
                },
            },
            best: adam.mean.clone(),
            adam,
        }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.checkpoint");
        checkpoint().write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint());
        // Over the one before, and nothing else is left there.
        checkpoint().write(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn damage_is_found_and_newer_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.checkpoint");
        checkpoint().write(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in [0, 7, 8, 100, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            let told = Checkpoint::read(&path).unwrap_err().to_string();
            assert!(told.contains("damaged"), "{cut}: {told}");
        }
        let text = String::from_utf8_lossy(&whole);
        let at = text.find("version\\\":1").unwrap() + "version\\\":".len();
        let mut newer = whole.clone();
        newer[at] = b'2';
        fs::write(&path, &newer).unwrap();
        let told = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(told.contains("version 2"), "{told}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.checkpoint");
        checkpoint().write(&path).unwrap();
        // Something in the way of the other name.
        fs::create_dir(folder.path().join("a.checkpoint.part")).unwrap();
        assert!(checkpoint().write(&path).is_err());
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint());
    }
}
