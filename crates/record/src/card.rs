//! What an artefact says of itself.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

/// Version of the card and of what the tensors mean.
pub const SCHEMA: u32 = 1;

/// No model enlarges more than so many times.
pub const MAX_SCALE: u32 = 8;

/// Folders within folders of a training configuration. JSON's readers have a limit of their own, and
/// nothing may be written that they refuse.
const MAX_DEPTH: usize = 64;

/// What an artefact says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What people call it, such as `residual-espcn-x2-s`: letters, digits and `.-_`. Its digest is
    /// its true name.
    pub name: String,
    /// What kind of network it is.
    pub family: Family,
    /// Its size, in the numbers that the family needs: channels, layers, frames and the like.
    pub parameters: BTreeMap<String, u64>,
    /// How many times as large pictures become.
    pub scale: u32,
    /// What of a picture it works on.
    pub planes: Planes,
    /// What its weights are.
    pub precision: Precision,
    /// How it came to be.
    pub training: Training,
    /// Digest of the artefact that it was made from.
    pub parent: Option<String>,
    /// How good it was found to be.
    pub quality: Vec<Quality>,
    /// What its training footage is, for people: titles, authors, licences.
    pub sources: Vec<String>,
    /// What may be done with it, as an SPDX expression.
    pub licence: String,
    /// Anything else.
    pub notes: String,
}

impl Card {
    /// A number that the family needs.
    pub fn parameter(&self, name: &str) -> Result<usize> {
        self.parameters
            .get(name)
            .and_then(|&number| usize::try_from(number).ok())
            .ok_or_else(|| Error::NoParameter { name: name.into() })
    }

    /// Whether it says what a card may say: names that can be names of files, digests that are some,
    /// numbers that are finite.
    pub fn check(&self) -> Result<()> {
        let refuse = |reason: String| Err(Error::Card { reason });
        match self.schema {
            SCHEMA => {}
            0 => return refuse("there is no schema 0".into()),
            found => {
                return Err(Error::Newer {
                    found: found.into(),
                    known: SCHEMA,
                });
            }
        }
        if !is_name(&self.name) {
            return refuse(format!(
                "{:?} is no name: letters, digits, dots, hyphens and underscores, at most 100",
                self.name
            ));
        }
        if !(1..=MAX_SCALE).contains(&self.scale) {
            return refuse(format!("a scale of {}, not 1 to {MAX_SCALE}", self.scale));
        }
        let data = self.training.data.iter().map(|source| &source.sha256);
        if let Some(wrong) = self.parent.iter().chain(data).find(|text| !is_digest(text)) {
            return refuse(format!("{wrong:?} is no SHA-256"));
        }
        if depth(&self.training.config) > MAX_DEPTH {
            return refuse(format!(
                "a training configuration deeper than {MAX_DEPTH} levels"
            ));
        }
        for quality in &self.quality {
            let numbers = [
                quality.psnr_y,
                quality.ssim,
                quality.psnr_y_lanczos,
                quality.ssim_lanczos,
                quality.worst_gain,
            ];
            if let Some(wrong) = numbers.into_iter().find(|number| !number.is_finite()) {
                return refuse(format!("a quality of {wrong} on {:?}", quality.test_set));
            }
        }
        Ok(())
    }

    /// Its words, with every map in the order of its keys: `serde_json` keeps the order of insertion
    /// when any other crate of the build wants it to, and the same card must be the same bytes.
    pub fn to_json(&self) -> Result<String> {
        let mut card = self.clone();
        card.training.config = sorted(card.training.config);
        serde_json::to_string(&card).map_err(|error| Error::Card {
            reason: error.to_string(),
        })
    }
}

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// A plain chain of 3x3 convolutions on luma, added to the classical upscaler.
    ResidualEspcn,
    /// Single pictures, with few weights.
    LightweightSuperResolution,
    /// Several pictures, aligned by their motion.
    SuperResolution,
    /// Whole pictures from damaged ones.
    FrameRecovery,
}

impl Family {
    /// All there are.
    pub const ALL: [Family; 4] = [
        Family::ResidualEspcn,
        Family::LightweightSuperResolution,
        Family::SuperResolution,
        Family::FrameRecovery,
    ];
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Family::ResidualEspcn => "residual-espcn",
            Family::LightweightSuperResolution => "lightweight-super-resolution",
            Family::SuperResolution => "super-resolution",
            Family::FrameRecovery => "frame-recovery",
        })
    }
}

impl FromStr for Family {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        one_of("family", &Family::ALL, text)
    }
}

/// What of a picture a network works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Planes {
    /// Brightness; colour is left to a classical upscaler.
    Luma,
    /// Brightness and colour, of the same size.
    Yuv,
    /// Red, green and blue.
    Rgb,
}

impl Planes {
    /// All there are.
    pub const ALL: [Planes; 3] = [Planes::Luma, Planes::Yuv, Planes::Rgb];
}

impl fmt::Display for Planes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Planes::Luma => "luma",
            Planes::Yuv => "yuv",
            Planes::Rgb => "rgb",
        })
    }
}

impl FromStr for Planes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        one_of("choice of planes", &Planes::ALL, text)
    }
}

/// What weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single-precision numbers.
    Fp32,
    /// Bytes, with integers that say how results are brought back to bytes.
    Int8,
}

impl Precision {
    /// All there are.
    pub const ALL: [Precision; 2] = [Precision::Fp32, Precision::Int8];
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Precision::Fp32 => "fp32",
            Precision::Int8 => "int8",
        })
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        one_of("precision", &Precision::ALL, text)
    }
}

/// How an artefact came to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// What was asked for, as resolved.
    pub config: Value,
    /// Steps taken.
    pub steps: u64,
    /// Seed of everything random.
    pub seed: u64,
    /// What was learned from.
    pub data: Vec<DataSource>,
}

/// A dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// What people call it.
    pub name: String,
    /// SHA-256 of its manifest or of itself.
    pub sha256: String,
}

/// What was measured on a set of clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Which clips.
    pub test_set: String,
    /// What was done to them.
    pub condition: String,
    /// How many there were.
    pub clips: u32,
    /// Of luma, in dB.
    pub psnr_y: f64,
    /// Of luma.
    pub ssim: f64,
    /// What the classical upscaler gives, in dB: the bar.
    pub psnr_y_lanczos: f64,
    /// The same of SSIM.
    pub ssim_lanczos: f64,
    /// PSNR over the classical upscaler of the clip that gained least, in dB.
    pub worst_gain: f64,
}

fn one_of<T: Copy + fmt::Display>(what: &str, all: &[T], text: &str) -> Result<T> {
    let found = all.iter().find(|known| known.to_string() == text);
    found.copied().ok_or_else(|| {
        let names: Vec<String> = all.iter().map(T::to_string).collect();
        Error::Unsupported {
            what: format!("no {what} is called {text:?}"),
            hint: Some(format!("choose one of {}", names.join(", "))),
        }
    })
}

/// Whether it can be the name of a file anywhere.
fn is_name(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=100).contains(&text.len()) && !text.starts_with(['.', '-']) && text.bytes().all(good)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(values) => 1 + values.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        Value::Object(values) => {
            let values: BTreeMap<String, Value> = values
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            Value::Object(values.into_iter().collect())
        }
        single => single,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One with everything in it.
    pub(crate) fn card() -> Card {
        Card {
            schema: SCHEMA,
            name: "residual-espcn-x2-s".into(),
            family: Family::ResidualEspcn,
            parameters: BTreeMap::from([("channels".into(), 16), ("frames".into(), 1)]),
            scale: 2,
            planes: Planes::Luma,
            precision: Precision::Fp32,
            training: Training {
                config: serde_json::json!({"rate": 0.1, "crops": {"z": 1, "a": [2, 3]}}),
                steps: 1000,
                seed: u64::MAX,
                data: vec![DataSource {
                    name: "synthetic".into(),
                    sha256: "0123456789abcdef".repeat(4),
                }],
            },
            parent: Some("f".repeat(64)),
            quality: vec![Quality {
                test_set: "drawn".into(),
                condition: "h264 at 250 kbit/s".into(),
                clips: 3,
                psnr_y: 31.234_567_890_123_4,
                ssim: 0.901,
                psnr_y_lanczos: 30.1,
                ssim_lanczos: 0.9,
                worst_gain: -0.012,
            }],
            sources: vec!["scenes drawn by nervure".into()],
            licence: "MIT OR Apache-2.0".into(),
            notes: "ünïcode \"and\" more\n".into(),
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for family in Family::ALL {
            assert_eq!(family.to_string().parse::<Family>().ok(), Some(family));
            let json = serde_json::to_string(&family).expect("it is a name");
            assert_eq!(json, format!("\"{family}\""));
        }
        for planes in Planes::ALL {
            let json = serde_json::to_string(&planes).expect("it is a name");
            assert_eq!(json, format!("\"{planes}\""));
            assert_eq!(planes.to_string().parse::<Planes>().ok(), Some(planes));
        }
        for precision in Precision::ALL {
            let json = serde_json::to_string(&precision).expect("it is a name");
            assert_eq!(json, format!("\"{precision}\""));
            let parsed = precision.to_string().parse::<Precision>();
            assert_eq!(parsed.ok(), Some(precision));
        }
        let error = "fp16".parse::<Precision>().expect_err("no such thing");
        assert_eq!(
            error.hint().as_deref(),
            Some("choose one of fp32, int8"),
            "{error}"
        );
    }

    #[test]
    fn a_card_that_cannot_be_is_refused() {
        card().check().expect("a good card");
        type Change = fn(&mut Card);
        let changes: [Change; 14] = [
            |card| card.schema = 0,
            |card| card.schema = SCHEMA + 1,
            |card| card.name = String::new(),
            |card| card.name = "../up".into(),
            |card| card.name = ".hidden".into(),
            |card| card.name = "--json".into(),
            |card| card.name = "a\u{1b}[31m".into(),
            |card| card.name = "x".repeat(101),
            |card| card.scale = 0,
            |card| card.scale = 9,
            |card| card.parent = Some("F".repeat(64)),
            |card| card.training.data[0].sha256 = "ab".into(),
            |card| card.quality[0].psnr_y = f64::INFINITY,
            |card| {
                card.training.config =
                    (0..70).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
            },
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut card = card();
            change(&mut card);
            assert!(card.check().is_err(), "change {number}");
        }
    }

    #[test]
    fn parameters_are_asked_for_by_name() {
        assert_eq!(card().parameter("channels").ok(), Some(16));
        let error = card().parameter("blocks").expect_err("none are said");
        assert_eq!(error.to_string(), "the card says nothing of \"blocks\"");
    }
}
