//! What kind of video a clip is, guessed from cheap features.
//!
//! Models do better when they know their material, and a dataset wants to say of what it consists.
//! An [`Observer`] looks at consecutive frames of a clip, at reduced size and on a few rows at full
//! size, and says what it saw as [`Features`]; [`classify`] makes a guess of them with a small
//! linear model. It is right in most cases, not in all: `docs/degradations.md` has the figures. Who
//! knows better should say so and not ask.
//!
//! ```
//! use nervure_dataset::content::{ContentType, Observer, classify};
//! use nervure_frame::{BitDepth, Chroma, PictureFormat};
//! use nervure_media::scenes::{Renderer, Scene, SceneSpec};
//!
//! let scene = Renderer::new(SceneSpec {
//!     scene: Scene::Screen,
//!     seed: 5,
//!     format: PictureFormat::new(640, 360, Chroma::C420, BitDepth::Eight),
//!     frame_rate: (25, 1),
//!     frames: 6,
//! })?;
//! let mut observer = Observer::new();
//! for frame in scene.frames() {
//!     observer.observe(&frame);
//! }
//! let (content, confidence) = classify(&observer.features());
//! assert_eq!(content, ContentType::Screen);
//! assert!(confidence > 0.5);
//! # Ok::<(), nervure_media::Error>(())
//! ```

mod detail;
mod features;
mod model;
mod motion;
mod observer;
mod palette;
#[cfg(test)]
mod tests;
mod weights;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use nervure_media::draw::math::exp;

use crate::Error;

pub use features::Features;
pub use observer::Observer;

/// A kind of video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContentType {
    /// Athletes, balls, boards: people at speed, often a camera that follows.
    Sports,
    /// Drawn or computed film.
    Animation,
    /// Somebody who speaks to the camera.
    TalkingHead,
    /// Vehicles, chases, dance: fast and not a sport.
    Action,
    /// Landscapes, animals, and whatever is none of the others.
    NatureOrOther,
    /// Streets, towers and rooms with little light.
    NightCity,
    /// What a computer shows: pages, text, windows.
    Screen,
}

impl ContentType {
    /// Every kind, in the order of the model.
    pub fn all() -> &'static [ContentType] {
        &[
            ContentType::Sports,
            ContentType::Animation,
            ContentType::TalkingHead,
            ContentType::Action,
            ContentType::NatureOrOther,
            ContentType::NightCity,
            ContentType::Screen,
        ]
    }

    /// The word that names it in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            ContentType::Sports => "sports",
            ContentType::Animation => "animation",
            ContentType::TalkingHead => "talking-head",
            ContentType::Action => "action",
            ContentType::NatureOrOther => "nature-or-other",
            ContentType::NightCity => "night-city",
            ContentType::Screen => "screen",
        }
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ContentType {
    type Err = Error;

    fn from_str(name: &str) -> Result<ContentType, Error> {
        let known = ContentType::all().iter().find(|kind| kind.name() == name);
        known.copied().ok_or_else(|| Error::Unsupported {
            what: format!("there is no content type called {name:?}"),
            hint: Some(format!(
                "the content types are {}",
                ContentType::all()
                    .iter()
                    .map(|kind| kind.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        })
    }
}

/// How a clip comes by its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labelling {
    /// By a guess from its pictures.
    #[default]
    Auto,
    /// By the innermost folder of its path that bears the name of a kind; by a guess where none does.
    Folder,
    /// All are of one kind.
    As(ContentType),
}

impl Labelling {
    /// The kind of a source by its path, unless it is to be guessed.
    pub fn of(self, source: &Path) -> Option<ContentType> {
        match self {
            Labelling::Auto => None,
            Labelling::Folder => source
                .ancestors()
                .skip(1)
                .find_map(|folder| folder.file_name()?.to_str()?.parse().ok()),
            Labelling::As(content) => Some(content),
        }
    }
}

impl fmt::Display for Labelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Labelling::Auto => f.write_str("auto"),
            Labelling::Folder => f.write_str("folder"),
            Labelling::As(content) => content.fmt(f),
        }
    }
}

impl FromStr for Labelling {
    type Err = Error;

    fn from_str(text: &str) -> Result<Labelling, Error> {
        Ok(match text {
            "auto" => Labelling::Auto,
            "folder" => Labelling::Folder,
            name => Labelling::As(name.parse()?),
        })
    }
}

/// The likeliest kind, and how likely the model takes it to be, 0 to 1.
pub fn classify(features: &Features) -> (ContentType, f32) {
    let scores = model::scores(features);
    let best = (1..scores.len()).fold(0, |best, kind| {
        if scores[kind] > scores[best] {
            kind
        } else {
            best
        }
    });
    let total: f32 = scores.iter().map(|score| exp(score - scores[best])).sum();
    (ContentType::all()[best], 1.0 / total)
}
