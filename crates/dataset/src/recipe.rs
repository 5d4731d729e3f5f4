//! What is asked for.

use std::fmt;
use std::str::FromStr;

use nervure_media::degrade::Augmentation;
use nervure_media::{Codec, LossLevel, LossModel};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::content::Labelling;
use crate::manifest::Layout;
use crate::{Error, Result};

/// How a dataset is made: everything that decides what its pairs are.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// How pairs are kept.
    pub layout: Layout,
    /// Codecs, each with every rate.
    pub codecs: Vec<Codec>,
    /// What each codec is asked for.
    pub rates: Vec<Rate>,
    /// Speed preset of the encoders, by their own names.
    pub preset: Option<String>,
    /// High resolution is this many times low resolution.
    pub scale: usize,
    /// What is done to the pictures before they are encoded.
    pub augment: Vec<Augmentation>,
    /// What the network loses.
    pub loss: LossModel,
    /// What it loses: slices where the codec has them, or whole frames.
    pub loss_level: LossLevel,
    /// Share of frames that are never sent, 0 to 1.
    pub frame_drops: f64,
    /// Pairs taken of each source at most, from its beginning.
    pub max_frames: Option<u64>,
    /// Of the coded frames, each of this many is kept as a pair.
    pub every: u64,
    /// How it becomes known what the pictures show.
    pub content: Labelling,
    /// Sources are cut into stretches of this many seconds.
    pub segment_seconds: f64,
    /// Frames of the camera's motion over each still image.
    pub image_frames: u64,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            layout: Layout::default(),
            codecs: vec![Codec::H264],
            rates: vec![Rate::Crf(23.0), Rate::Crf(29.0), Rate::Crf(35.0)],
            preset: None,
            scale: 2,
            augment: Vec::new(),
            loss: LossModel::None,
            loss_level: LossLevel::Slice,
            frame_drops: 0.0,
            max_frames: None,
            every: 1,
            content: Labelling::Auto,
            segment_seconds: 10.0,
            image_frames: 24,
            seed: 0,
        }
    }
}

/// What an encoder is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Kilobits in a second on average.
    Kbps(f64),
    /// Constant quality, by the codec's own numbers.
    Crf(f64),
}

/// As in the names of files.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rate::Kbps(kbps) => write!(f, "{kbps}k"),
            Rate::Crf(crf) => write!(f, "crf{crf}"),
        }
    }
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| digits.parse().ok();
        let rate = match (text.strip_prefix("crf"), text.strip_suffix('k')) {
            (Some(crf), _) => number(crf).map(Rate::Crf),
            (None, Some(kbps)) => number(kbps).map(Rate::Kbps),
            (None, None) => None,
        };
        rate.ok_or_else(|| Error::Unsupported {
            what: format!("{text:?} is no rate"),
            hint: Some("write 200k or crf29".into()),
        })
    }
}

/// One way to code a stretch of video.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variant {
    /// The codec.
    pub codec: Codec,
    /// What it is asked for.
    pub rate: Rate,
}

/// As in the names of files: `h264-200k`.
impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.codec.name(), self.rate)
    }
}

/// Factors for which upscalers are trained.
const SCALES: std::ops::RangeInclusive<usize> = 1..=4;

impl Recipe {
    /// Whether it can be followed at all.
    pub fn check(&self) -> Result<()> {
        let refuse = |what: String, hint: &str| {
            Err(Error::Unsupported {
                what,
                hint: Some(hint.into()),
            })
        };
        if self.codecs.is_empty() || self.rates.is_empty() {
            return refuse(
                "a dataset wants at least one codec and one rate".into(),
                "give --codec and --bitrates or --crf",
            );
        }
        if let Some(codec) = self.codecs.iter().find(|codec| **codec == Codec::Ffv1) {
            return refuse(
                format!("{codec} is lossless and has no rate"),
                "choose from h264, hevc, vp8, vp9 and av1",
            );
        }
        for rate in &self.rates {
            let (Rate::Kbps(number) | Rate::Crf(number)) = *rate;
            if !number.is_finite() || number < 0.0 || *rate == Rate::Kbps(0.0) {
                return refuse(format!("no encoder gives {rate}"), "give a positive number");
            }
        }
        if !SCALES.contains(&self.scale) {
            return refuse(
                format!(
                    "a scale of {} is not among those that models have",
                    self.scale
                ),
                "choose 1, 2, 3 or 4",
            );
        }
        if !(0.0..1.0).contains(&self.frame_drops) {
            return refuse(
                format!("{} of the frames cannot be dropped", self.frame_drops),
                "give a share from 0 to under 1",
            );
        }
        if self.every == 0 || self.image_frames == 0 || self.max_frames == Some(0) {
            return refuse(
                "a dataset of no frames is none".into(),
                "give numbers from 1",
            );
        }
        if !(0.1..=3600.0).contains(&self.segment_seconds) {
            return refuse(
                format!("stretches of {} s are not sensible", self.segment_seconds),
                "give from 0.1 to 3600 seconds",
            );
        }
        let mut names: Vec<String> = self.variants().map(|variant| variant.to_string()).collect();
        names.sort();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => refuse(format!("{} is asked for twice", pair[0]), "name each once"),
            None => Ok(()),
        }
    }

    /// Every codec with every rate, in the order they were given.
    pub fn variants(&self) -> impl Iterator<Item = Variant> {
        self.codecs.iter().flat_map(|codec| {
            self.rates.iter().map(|rate| Variant {
                codec: *codec,
                rate: *rate,
            })
        })
    }

    /// As the manifest has it.
    pub fn to_json(&self) -> Value {
        let texts = |rates: &[Rate]| rates.iter().map(Rate::to_string).collect::<Vec<_>>();
        json!({
            "layout": self.layout,
            "codecs": self.codecs.iter().map(|codec| codec.name()).collect::<Vec<_>>(),
            "rates": texts(&self.rates),
            "preset": self.preset,
            "scale": self.scale,
            "augment": self.augment.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "loss": self.loss.to_string(),
            "loss_level": self.loss_level.to_string(),
            "frame_drops": self.frame_drops,
            "max_frames": self.max_frames,
            "every": self.every,
            "content_type": self.content.to_string(),
            "segment_seconds": self.segment_seconds,
            "image_frames": self.image_frames,
            "seed": self.seed,
        })
    }

    /// From what a manifest has.
    pub fn from_json(json: &Value) -> Result<Self> {
        Ok(Recipe {
            layout: entry(json, "layout")?,
            codecs: words(json, "codecs")?,
            rates: words(json, "rates")?,
            preset: entry(json, "preset")?,
            scale: entry(json, "scale")?,
            augment: words(json, "augment")?,
            loss: entry::<String>(json, "loss")?.parse()?,
            loss_level: entry::<String>(json, "loss_level")?.parse()?,
            frame_drops: entry(json, "frame_drops")?,
            max_frames: entry(json, "max_frames")?,
            every: entry(json, "every")?,
            content: entry::<String>(json, "content_type")?.parse()?,
            segment_seconds: entry(json, "segment_seconds")?,
            image_frames: entry(json, "image_frames")?,
            seed: entry(json, "seed")?,
        })
    }
}

fn entry<T: DeserializeOwned>(json: &Value, key: &str) -> Result<T> {
    T::deserialize(&json[key]).map_err(|error| Error::Unsupported {
        what: format!("a recipe whose {key:?} makes no sense: {error}"),
        hint: None,
    })
}

fn words<T: FromStr<Err: Into<Error>>>(json: &Value, key: &str) -> Result<Vec<T>> {
    let words: Vec<String> = entry(json, key)?;
    let parsed = words.iter().map(|word| word.parse());
    parsed.collect::<Result<_, T::Err>>().map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_recipe_can_be_followed() {
        Recipe::default().check().unwrap();
        let names: Vec<String> = Recipe::default()
            .variants()
            .map(|variant| variant.to_string())
            .collect();
        assert_eq!(names, ["h264-crf23", "h264-crf29", "h264-crf35"]);
    }

    #[test]
    fn it_comes_back_from_its_json() {
        let recipe = Recipe {
            layout: Layout::Clips,
            codecs: vec![Codec::Av1, Codec::Vp8],
            rates: vec![Rate::Kbps(62.5), Rate::Crf(33.0)],
            preset: Some("fast".into()),
            augment: vec!["noise=0.15".parse().unwrap()],
            loss: "burst:rate=0.02,length=4".parse().unwrap(),
            loss_level: LossLevel::Frame,
            frame_drops: 0.01,
            max_frames: Some(7),
            content: "screen".parse().unwrap(),
            seed: u64::MAX,
            ..Recipe::default()
        };
        for recipe in [recipe, Recipe::default()] {
            let json = recipe.to_json();
            let again = Recipe::from_json(&json).unwrap();
            assert_eq!(format!("{again:?}"), format!("{recipe:?}"));
            for key in json.as_object().unwrap().keys() {
                let mut broken = json.clone();
                broken[key] = json!([{}]);
                let error = Recipe::from_json(&broken).unwrap_err();
                assert!(error.to_string().contains(key.as_str()), "{error}");
            }
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused_with_a_hint() {
        let usual = Recipe::default;
        for (recipe, word) in [
            (
                Recipe {
                    codecs: vec![],
                    ..usual()
                },
                "at least one codec",
            ),
            (
                Recipe {
                    codecs: vec![Codec::Ffv1],
                    ..usual()
                },
                "lossless",
            ),
            (
                Recipe {
                    rates: vec![Rate::Kbps(0.0)],
                    ..usual()
                },
                "0k",
            ),
            (
                Recipe {
                    rates: vec![Rate::Crf(f64::NAN)],
                    ..usual()
                },
                "NaN",
            ),
            (
                Recipe {
                    scale: 5,
                    ..usual()
                },
                "5",
            ),
            (
                Recipe {
                    frame_drops: 1.0,
                    ..usual()
                },
                "dropped",
            ),
            (
                Recipe {
                    every: 0,
                    ..usual()
                },
                "no frames",
            ),
            (
                Recipe {
                    segment_seconds: 0.0,
                    ..usual()
                },
                "0 s",
            ),
            (
                Recipe {
                    codecs: vec![Codec::Av1, Codec::Av1],
                    ..usual()
                },
                "twice",
            ),
        ] {
            let error = recipe.check().unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
