//! What a run of training is told.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use burn::tensor::Device;
use nervure_kernels::int8::MAX_FRAMES;
use serde::{Deserialize, Serialize};

use super::loss::LossConfig;
use super::net::Net;
use super::task::{Task, Work};
use crate::loader::{Filter, LoaderConfig, PlaneSet};
use crate::nets::{
    FrameRecoveryConfig, LightweightConfig, ResidualEspcnConfig, SuperResolutionConfig, Tier,
};
use crate::{Error, Result};

/// A run of training, as its file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// What the model will be called.
    pub name: String,
    /// Of first weights, and of what is drawn from the data.
    #[serde(default)]
    pub seed: u64,
    /// A model to begin with, instead of weights at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<PathBuf>,
    /// The network.
    pub model: ModelConfig,
    /// What it sees.
    pub data: DataConfig,
    /// How it is judged.
    #[serde(default)]
    pub loss: LossConfig,
    /// How it moves.
    #[serde(default)]
    pub training: StepsConfig,
    /// How it is tried.
    #[serde(default)]
    pub validation: ValidationConfig,
    /// Training that goes on with whole numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantise: Option<QuantiseConfig>,
    /// A larger model to learn from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<TeacherConfig>,
    /// For the model's card.
    #[serde(default)]
    pub card: CardConfig,
}

/// A family and its sizes; what is left out is the family's usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ModelConfig {
    /// See [`ResidualEspcnConfig`].
    ResidualEspcn {
        /// How many times as large pictures become.
        scale: usize,
        /// A usual size: what is said besides overrules it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tier: Option<Tier>,
        /// Channels between layers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channels: Option<usize>,
        /// Convolutions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        layers: Option<usize>,
        /// Pictures it is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        frames: Option<usize>,
    },
    /// See [`LightweightConfig`].
    LightweightSuperResolution {
        /// How many times as large pictures become.
        scale: usize,
        /// Pictures it is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<usize>,
    },
    /// See [`SuperResolutionConfig`].
    SuperResolution {
        /// How many times as large pictures become.
        scale: usize,
        /// Pictures it is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<usize>,
        /// Channels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        features: Option<usize>,
        /// Residual blocks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocks: Option<usize>,
    },
    /// See [`FrameRecoveryConfig`].
    FrameRecovery {
        /// Pictures before the damaged one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        references: Option<usize>,
        /// Channels at full size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        features: Option<usize>,
        /// Residual blocks of each part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocks: Option<usize>,
    },
}

impl ModelConfig {
    /// Sizes of a chain, resolved.
    pub(crate) fn espcn(&self) -> Option<ResidualEspcnConfig> {
        let ModelConfig::ResidualEspcn {
            scale,
            tier,
            channels,
            layers,
            frames,
        } = *self
        else {
            return None;
        };
        let usual = ResidualEspcnConfig::tier(tier.unwrap_or(Tier::S), scale);
        Some(ResidualEspcnConfig {
            scale,
            channels: channels.unwrap_or(usual.channels),
            layers: layers.unwrap_or(usual.layers),
            frames: frames.unwrap_or(usual.frames),
        })
    }

    fn lightweight(&self) -> Option<LightweightConfig> {
        let ModelConfig::LightweightSuperResolution { scale, window } = *self else {
            return None;
        };
        let usual = LightweightConfig::new(scale);
        Some(LightweightConfig {
            // As all of them: trained on luma.
            planes: 1,
            window: window.unwrap_or(usual.window),
            ..usual
        })
    }

    fn super_resolution(&self) -> Option<SuperResolutionConfig> {
        let ModelConfig::SuperResolution {
            scale,
            window,
            features,
            blocks,
        } = *self
        else {
            return None;
        };
        let usual = SuperResolutionConfig::new(scale);
        Some(SuperResolutionConfig {
            window: window.unwrap_or(usual.window),
            features: features.unwrap_or(usual.features),
            blocks: blocks.unwrap_or(usual.blocks),
            ..usual
        })
    }

    fn frame_recovery(&self) -> Option<FrameRecoveryConfig> {
        let ModelConfig::FrameRecovery {
            references,
            features,
            blocks,
        } = *self
        else {
            return None;
        };
        let usual = FrameRecoveryConfig::default();
        Some(FrameRecoveryConfig {
            references: references.unwrap_or(usual.references),
            features: features.unwrap_or(usual.features),
            blocks: blocks.unwrap_or(usual.blocks),
            ..usual
        })
    }

    /// The network, with weights at random.
    pub fn init(&self, device: &Device) -> Net {
        if let Some(config) = self.espcn() {
            Net::Espcn(config.init(device))
        } else if let Some(config) = self.lightweight() {
            Net::Lightweight(config.init(device))
        } else if let Some(config) = self.super_resolution() {
            Net::SuperResolution(config.init(device))
        } else {
            let config = self.frame_recovery().unwrap_or_default();
            Net::Recovery(config.init(device))
        }
    }

    /// What it does with pictures.
    pub fn task(&self) -> Task {
        let enlarge = |scale| Work::Enlarge { scale };
        let (work, window, target) = if let Some(config) = self.espcn() {
            let last = config.frames - 1;
            (enlarge(config.scale), config.frames, last)
        } else if let Some(config) = self.lightweight() {
            (enlarge(config.scale), config.window, config.window / 2)
        } else if let Some(config) = self.super_resolution() {
            (enlarge(config.scale), config.window, config.window / 2)
        } else {
            let references = self.frame_recovery().unwrap_or_default().references;
            (Work::Recover, references + 1, references)
        };
        Task {
            work,
            planes: PlaneSet::Luma,
            window,
            target,
        }
    }

    /// Its family's name and its sizes, for a card.
    pub fn parameters(&self) -> BTreeMap<String, u64> {
        let sizes = if let Some(config) = self.espcn() {
            vec![
                ("channels", config.channels),
                ("layers", config.layers),
                ("frames", config.frames),
            ]
        } else if let Some(config) = self.lightweight() {
            vec![
                ("window", config.window),
                ("channels", config.channels),
                ("blocks", config.blocks),
            ]
        } else if let Some(config) = self.super_resolution() {
            vec![
                ("window", config.window),
                ("features", config.features),
                ("blocks", config.blocks),
            ]
        } else {
            let config = self.frame_recovery().unwrap_or_default();
            vec![
                ("references", config.references),
                ("features", config.features),
                ("blocks", config.blocks),
            ]
        };
        let named = |(name, size): (&str, usize)| (name.to_string(), size as u64);
        sizes.into_iter().map(named).collect()
    }

    fn check(&self) -> Result<()> {
        let scale = self.task().scale();
        if !(1..=4).contains(&scale) || (scale == 1 && self.frame_recovery().is_none()) {
            return Err(Error::refused(
                format!("model.scale is {scale}"),
                "choose 2, 3 or 4",
            ));
        }
        for (name, size) in self.parameters() {
            let least = if name == "layers" { 2 } else { 1 };
            if !(least..=1024).contains(&size) {
                return Err(Error::refused(
                    format!("model.{name} is {size}"),
                    format!("choose a number from {least} to 1024"),
                ));
            }
            if name == "window" && size % 2 == 0 {
                return Err(Error::refused(
                    format!("model.window is {size}, which has no middle"),
                    "choose an odd number",
                ));
            }
        }
        Ok(())
    }
}

/// What a network sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Datasets to learn from.
    pub train: Vec<PathBuf>,
    /// Datasets to be tried on: of other sources.
    #[serde(default)]
    pub valid: Vec<PathBuf>,
    /// Side of a small patch.
    #[serde(default = "patch")]
    pub patch: usize,
    /// Sequences in a step.
    #[serde(default = "batch")]
    pub batch: usize,
    /// How many of the patches without detail are passed over, 0 to 1.
    #[serde(default = "skip_flat")]
    pub skip_flat: f64,
    /// For a network that mends: how many of the patches that lost nothing are passed over, 0 to 1.
    #[serde(default = "skip_whole")]
    pub skip_whole: f64,
    /// Turned and mirrored in all eight ways.
    #[serde(default = "yes")]
    pub augment: bool,
    /// Codecs to learn from; all where none is named.
    #[serde(default)]
    pub codecs: Vec<String>,
    /// Content types to learn from; all where none is named.
    #[serde(default)]
    pub content_types: Vec<String>,
    /// How often content types are drawn, relative to the others.
    #[serde(default)]
    pub weights: BTreeMap<String, f64>,
}

fn patch() -> usize {
    48
}

fn batch() -> usize {
    16
}

fn skip_flat() -> f64 {
    0.5
}

fn skip_whole() -> f64 {
    0.75
}

fn yes() -> bool {
    true
}

/// How weights move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepsConfig {
    /// How often.
    pub steps: u64,
    /// How far at most: Adam's rate.
    pub rate: f64,
    /// Steps until it goes so far.
    pub warm_up: u64,
    /// Share of the rate that is left at the end.
    pub last_rate: f64,
    /// Gradients are no longer than this; zero lets them be.
    pub clip: f64,
    /// Share of the running mean of weights that stays in each step.
    pub ema: f64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
}

impl Default for StepsConfig {
    fn default() -> Self {
        StepsConfig {
            steps: 20_000,
            rate: 1e-3,
            warm_up: 200,
            last_rate: 0.0,
            clip: 1.0,
            ema: 0.999,
            checkpoint_every: 1000,
        }
    }
}

/// How a network is tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// Steps between trials.
    pub every: u64,
    /// Frames of each clip, spread over it.
    pub frames: usize,
    /// Ends training when so many trials in a row brought nothing better; zero never does.
    pub patience: u64,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        ValidationConfig {
            every: 2000,
            frames: 2,
            patience: 0,
        }
    }
}

/// Training that goes on with whole numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuantiseConfig {
    /// Steps.
    pub steps: u64,
    /// Adam's rate at first, which falls along a cosine.
    pub rate: f64,
    /// Batches that the first limits of activations are taken from.
    pub batches: u64,
    /// Share of activations, 0 to 1, that these limits let pass.
    pub percentile: f64,
}

impl Default for QuantiseConfig {
    fn default() -> Self {
        QuantiseConfig {
            steps: 2000,
            rate: 1e-4,
            batches: 16,
            percentile: 0.9999,
        }
    }
}

/// A larger model to learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeacherConfig {
    /// Its file.
    pub model: PathBuf,
    /// Weight of the distance from what it gives, beside the loss of what is right.
    #[serde(default = "teaching")]
    pub output: f64,
    /// Weight of the distance of features from its features, through a layer that is learnt as well.
    #[serde(default)]
    pub features: f64,
}

fn teaching() -> f64 {
    0.5
}

/// What a card says that training cannot know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CardConfig {
    /// Where the data came from.
    pub sources: Vec<String>,
    /// Terms of use.
    pub licence: String,
    /// Whatever else there is to say.
    pub notes: String,
}

impl TrainConfig {
    /// From a file's text, changed by `key=value` words such as `training.steps=500`.
    pub fn parse<S: AsRef<str>>(text: &str, changes: &[S]) -> Result<Self> {
        let broken = |error: toml::de::Error| {
            let text = error.to_string();
            Error::refused(
                format!("the configuration is not right: {}", text.trim_end()),
                "docs/training.md lists every key",
            )
        };
        let config: TrainConfig = match changes {
            [] => toml::from_str(text).map_err(broken)?,
            changes => {
                // First as it is: an error in the file has a line.
                let mut table: toml::Table = toml::from_str(text).map_err(broken)?;
                for change in changes {
                    set(&mut table, change.as_ref())?;
                }
                table.try_into().map_err(broken)?
            }
        };
        config.check()?;
        Ok(config)
    }

    /// As a file has it, with everything said.
    pub fn to_text(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| {
            Error::refused(
                format!("the configuration cannot be written down: {error}"),
                "give whole numbers below 2^63",
            )
        })
    }

    fn check(&self) -> Result<()> {
        let plain = |name: char| name.is_ascii_alphanumeric() || "-_.".contains(name);
        if self.name.is_empty() || !self.name.chars().all(plain) || self.name.starts_with('.') {
            return Err(Error::refused(
                format!("the name {:?} cannot name files", self.name),
                "use letters, digits, hyphens and dots",
            ));
        }
        self.model.check()?;
        self.loss.check()?;
        if self.loss.temporal > 0.0 && self.model.task().work == Work::Recover {
            return Err(Error::refused(
                "loss.temporal is not for frame-recovery, which is given each picture by itself",
                "leave it out",
            ));
        }
        if self.data.train.is_empty() {
            return Err(Error::refused(
                "data.train names no dataset",
                "make one with `nervure dataset make`",
            ));
        }
        let steps = &self.training;
        let quantise = self.quantise.clone().unwrap_or_default();
        for (name, value, most) in [
            ("training.rate", steps.rate, 1e3),
            ("training.last_rate", steps.last_rate, 1.0),
            ("training.clip", steps.clip, 1e9),
            ("training.ema", steps.ema, 0.999_999),
            ("quantise.rate", quantise.rate, 1.0),
            ("quantise.percentile", quantise.percentile, 1.0),
        ] {
            if !(0.0..=most).contains(&value) {
                return Err(Error::refused(
                    format!("{name} is {value}"),
                    format!("choose a number from 0 to {most}"),
                ));
            }
        }
        for (name, value) in [
            ("validation.every", self.validation.every),
            ("validation.frames", self.validation.frames as u64),
            ("training.checkpoint_every", steps.checkpoint_every),
            ("quantise.batches", quantise.batches),
        ] {
            if value == 0 {
                return Err(Error::refused(
                    format!("{name} is 0"),
                    "choose a number from 1",
                ));
            }
        }
        let espcn = self.model.espcn();
        if self.quantise.is_some() && espcn.is_none_or(|config| config.frames > MAX_FRAMES) {
            return Err(Error::refused(
                format!("only a residual-espcn of at most {MAX_FRAMES} frames is quantised"),
                "leave [quantise] out",
            ));
        }
        Ok(())
    }

    /// Pictures in a sequence for the network and, where there is one, its teacher; and which of them
    /// are worked on.
    pub fn sequence(&self, teacher: Option<&Task>) -> (usize, Range<usize>) {
        let own = self.model.task();
        let tasks = [&own].into_iter().chain(teacher);
        let (mut before, mut after) = (0, 0);
        for task in tasks {
            before = before.max(task.target);
            after = after.max(task.window - 1 - task.target);
        }
        // Flicker is between two.
        let targets = 1 + usize::from(self.loss.temporal > 0.0);
        (before + targets + after, before..before + targets)
    }

    /// What the loader of batches is told, for sequences of so many pictures.
    pub fn loader(&self, frames: usize) -> LoaderConfig {
        let task = self.model.task();
        LoaderConfig {
            patch: self.data.patch,
            frames,
            batch: self.data.batch,
            seed: self.seed,
            planes: task.planes,
            augment: self.data.augment,
            skip_flat: self.data.skip_flat,
            skip_whole: match task.work {
                Work::Recover => self.data.skip_whole,
                Work::Enlarge { .. } => 0.0,
            },
            guessed: task.work == Work::Recover,
            filter: Filter {
                codecs: self.data.codecs.clone(),
                content_types: self.data.content_types.clone(),
                damaged: (task.work == Work::Recover).then_some(true),
            },
            weights: self.data.weights.clone(),
            ..LoaderConfig::default()
        }
    }
}

/// Changes a table as `key=value` says. The value is TOML; what is not, is a text.
fn set(table: &mut toml::Table, change: &str) -> Result<()> {
    let Some((path, value)) = change.split_once('=') else {
        return Err(Error::refused(
            format!("{change:?} sets nothing"),
            "write key=value, as in training.steps=500",
        ));
    };
    let value = toml::from_str::<toml::Table>(&format!("x = {value}"))
        .ok()
        .and_then(|mut table| table.remove("x"))
        .unwrap_or_else(|| toml::Value::String(value.into()));
    let mut keys: Vec<&str> = path.trim().split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut inner = table;
    for key in keys {
        let entry = inner
            .entry(key)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        inner = entry.as_table_mut().ok_or_else(|| {
            Error::refused(
                format!("{path} cannot be set: {key} is no table"),
                "docs/training.md lists every key",
            )
        })?;
    }
    inner.insert(last.into(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        name = "small"
        [model]
        family = "residual-espcn"
        tier = "s"
        scale = 2
        [data]
        train = ["pairs"]
    "#;

    fn what(text: &str, changes: &[&str]) -> String {
        TrainConfig::parse(text, changes).unwrap_err().to_string()
    }

    #[test]
    fn little_need_be_said_and_all_of_it_is_written_down() {
        let config = TrainConfig::parse::<&str>(TEXT, &[]).unwrap();
        assert_eq!(config.training.steps, 20_000);
        assert_eq!(config.model.espcn().unwrap().channels, 16);
        let text = config.to_text().unwrap();
        assert!(text.contains("warm_up = 200"), "{text}");
        assert_eq!(TrainConfig::parse::<&str>(&text, &[]).unwrap(), config);
    }

    #[test]
    fn words_change_it() {
        let changes = [
            "training.steps=5",
            "name=other",
            "model.frames=2",
            "model.channels=32",
            "data.valid=[\"held-out\"]",
            "quantise.rate=2e-4",
            "data.weights.screen=2.5",
        ];
        let config = TrainConfig::parse(TEXT, &changes).unwrap();
        assert_eq!(config.training.steps, 5);
        assert_eq!(config.name, "other");
        assert_eq!(config.model.task().window, 2);
        assert_eq!(config.data.valid, [PathBuf::from("held-out")]);
        assert_eq!(config.quantise.unwrap().rate, 2e-4);
        assert_eq!(config.data.weights["screen"], 2.5);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let text = what(&format!("{TEXT}\npatches = 3"), &[]);
        assert!(
            text.contains("patches") && text.contains("line 10"),
            "{text}"
        );
        for (change, told) in [
            ("model.chanels=3", "chanels"),
            ("training.speed=3", "speed"),
            ("model.family=\"gan\"", "gan"),
            ("model.scale=7", "model.scale is 7"),
            ("model.layers=1", "model.layers is 1"),
            ("training.rate=-1", "training.rate is -1"),
            ("training.ema=1", "training.ema is 1"),
            ("loss.temporal=-1", "loss.temporal"),
            ("validation.every=0", "validation.every is 0"),
            ("name=../x", "cannot name files"),
            ("name.x=3", "name is no table"),
            ("data.train=[]", "names no dataset"),
            ("steps", "sets nothing"),
        ] {
            let text = what(TEXT, &[change]);
            assert!(text.contains(told), "{change}: {text}");
        }
        let windows = what(
            TEXT,
            &["model={family=\"super-resolution\",scale=2,window=2}"],
        );
        assert!(windows.contains("no middle"), "{windows}");
        let frames = what(TEXT, &["model.frames=9", "quantise.steps=3"]);
        assert!(frames.contains("at most 8 frames"), "{frames}");
    }

    #[test]
    fn the_loader_gives_what_the_network_needs() {
        let frames = |changes: &[&str]| {
            let config = TrainConfig::parse(TEXT, changes).unwrap();
            config.loader(config.sequence(None).0).frames
        };
        assert_eq!(frames(&[]), 1);
        assert_eq!(frames(&["loss.temporal=0.1"]), 2);
        assert_eq!(frames(&["model={family=\"super-resolution\",scale=2}"]), 3);
        let recovery = ["model={family=\"frame-recovery\"}"];
        assert_eq!(frames(&recovery), 4);
        let config = TrainConfig::parse(TEXT, &recovery).unwrap();
        let loader = config.loader(4);
        assert_eq!(loader.filter.damaged, Some(true));
        assert!(loader.guessed);
        let flicker = what(TEXT, &[recovery[0], "loss.temporal=0.1"]);
        assert!(flicker.contains("not for frame-recovery"), "{flicker}");
    }
}
