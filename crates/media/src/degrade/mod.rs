//! Degradations: what cameras and encoders do to pictures, one cause at a time.
//!
//! A codec in the loop shows a model the whole of a low rate at once. These show it the parts, at a
//! strength of choice: blocks, ringing, lost detail, noise, and frames that never came
//! ([`FrameDrops`]). Each is a pure function of the frame, the strength, the seed and, for noise,
//! the frame's index; nothing depends on threads, and all arithmetic is exact or in operations that
//! IEEE 754 defines, so that every machine gives the same bytes.
//!
//! Strengths go from 0, which changes nothing, to 1, which nobody would watch. Samples that lie in
//! the nominal range of the frame's colour stay there.
//!
//! ```
//! use nervure_frame::{BitDepth, Chroma, PictureFormat};
//! use nervure_media::degrade::{Augmentation, Augmenter};
//! use nervure_media::scenes::{Renderer, Scene, SceneSpec};
//!
//! let scene = Renderer::new(SceneSpec {
//!     scene: Scene::Screen,
//!     seed: 1,
//!     format: PictureFormat::new(64, 36, Chroma::C420, BitDepth::Eight),
//!     frame_rate: (25, 1),
//!     frames: 2,
//! })?;
//! let list: Vec<Augmentation> = vec!["blocking=0.5".parse()?, "noise".parse()?];
//! let mut augmenter = Augmenter::new(&list, 7);
//! for (index, mut frame) in scene.frames().enumerate() {
//!     let before = frame.clone();
//!     augmenter.apply(&mut frame, index as u64);
//!     assert_ne!(frame.planes, before.planes);
//! }
//! # Ok::<(), nervure_media::Error>(())
//! ```

mod blocking;
mod blur;
mod drops;
mod noise;
mod ringing;
mod sheet;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use nervure_frame::{BitDepth, Colour, Frame, Plane, Planes, Range, Sample};

use crate::scenes::noise::Dice;
use crate::{Error, Result};

pub use drops::{Drops, FrameDrops};
pub use noise::noise_sigma;

/// One way in which pictures get worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Degradation {
    /// Transform blocks quantised too coarsely: their borders show, and what is in them goes.
    Blocking,
    /// Ripples beside edges, where high frequencies were cut off sharply.
    Ringing,
    /// Faint detail smoothed away, strong edges kept: what low rates and deblocking do.
    Blur,
    /// Grain of a sensor or film, strongest in the darker middle tones, new in each frame.
    Noise,
}

impl Degradation {
    /// Every degradation, in the order of this page.
    pub fn all() -> &'static [Degradation] {
        &[
            Degradation::Blocking,
            Degradation::Ringing,
            Degradation::Blur,
            Degradation::Noise,
        ]
    }

    /// The word that names it in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Degradation::Blocking => "blocking",
            Degradation::Ringing => "ringing",
            Degradation::Blur => "blur",
            Degradation::Noise => "noise",
        }
    }
}

impl fmt::Display for Degradation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Degradation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Degradation> {
        let known = Degradation::all().iter().find(|kind| kind.name() == name);
        known.copied().ok_or_else(|| Error::Unsupported {
            what: format!("there is no degradation called {name:?}"),
            hint: Some(format!(
                "the degradations are {}",
                Degradation::all()
                    .iter()
                    .map(|kind| kind.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        })
    }
}

/// A degradation and how strong it is, written `blocking=0.6`, or `blocking` for
/// [`Augmentation::DEFAULT_STRENGTH`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    kind: Degradation,
    strength: f32,
}

impl Augmentation {
    /// Plainly visible, and still what people watch on a bad line.
    pub const DEFAULT_STRENGTH: f32 = 0.4;

    /// A degradation at a strength of 0 to 1.
    ///
    /// # Errors
    /// When the strength is outside.
    pub fn new(kind: Degradation, strength: f32) -> Result<Augmentation> {
        if !(0.0..=1.0).contains(&strength) {
            return Err(Error::Unsupported {
                what: format!("{kind} of strength {strength}"),
                hint: Some("a strength is 0 to 1".into()),
            });
        }
        Ok(Augmentation { kind, strength })
    }

    /// What it does.
    pub fn kind(self) -> Degradation {
        self.kind
    }

    /// How much of it.
    pub fn strength(self) -> f32 {
        self.strength
    }

    /// The same at a strength drawn evenly from 0 to this one's: so that the clips of a dataset,
    /// each with its seed, show all strengths. Two augmentations of one clip draw apart.
    #[must_use]
    pub fn drawn(self, seed: u64) -> Augmentation {
        let share = Dice::new(seed, self.kind.name()).unit();
        Augmentation {
            strength: self.strength * share,
            ..self
        }
    }
}

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind, self.strength)
    }
}

impl FromStr for Augmentation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Augmentation> {
        let Some((kind, strength)) = text.split_once('=') else {
            return Augmentation::new(text.parse()?, Augmentation::DEFAULT_STRENGTH);
        };
        let number = strength.parse().map_err(|_| Error::Unsupported {
            what: format!("{strength:?} is no strength of {kind}"),
            hint: Some("a strength is a number from 0 to 1, as in blocking=0.4".into()),
        })?;
        Augmentation::new(kind.parse()?, number)
    }
}

/// Applies augmentations to the frames of one clip, in the order in which they are listed.
///
/// It keeps its working memory, so that frames of one size are worked on without allocating.
#[derive(Debug)]
pub struct Augmenter {
    effects: Vec<Effect>,
}

#[derive(Debug)]
enum Effect {
    Blocking(Box<blocking::Blocking>),
    Ringing(ringing::Ringing),
    Blur(blur::Blur),
    Noise(Box<noise::Noise>),
}

impl Augmenter {
    /// What `seed` leaves open (where the block grid lies, how far ripples are apart, which grain)
    /// is settled here, for the whole clip.
    pub fn new(list: &[Augmentation], seed: u64) -> Augmenter {
        let effects = list
            .iter()
            .filter(|augmentation| augmentation.strength > 0.0)
            .map(|augmentation| {
                let strength = augmentation.strength;
                let mut dice = Dice::new(seed, augmentation.kind.name());
                match augmentation.kind {
                    Degradation::Blocking => {
                        Effect::Blocking(Box::new(blocking::Blocking::new(strength, &mut dice)))
                    }
                    Degradation::Ringing => {
                        Effect::Ringing(ringing::Ringing::new(strength, &mut dice))
                    }
                    Degradation::Blur => Effect::Blur(blur::Blur::new(strength)),
                    Degradation::Noise => {
                        Effect::Noise(Box::new(noise::Noise::new(strength, &mut dice)))
                    }
                }
            })
            .collect();
        Augmenter { effects }
    }

    /// Changes the picture in place. `index` is the frame's number in the clip; frames can come in
    /// any order.
    pub fn apply(&mut self, frame: &mut Frame, index: u64) {
        let (colour, chroma) = (frame.colour, frame.chroma.shift());
        for effect in &mut self.effects {
            match &mut frame.planes {
                Planes::Eight(planes) => effect.apply(planes, colour, chroma, index),
                Planes::Ten(planes) => effect.apply(planes, colour, chroma, index),
            }
        }
    }
}

impl Effect {
    fn apply<T: Level>(
        &mut self,
        planes: &mut [Plane<T>; 3],
        colour: Colour,
        chroma: (u32, u32),
        index: u64,
    ) {
        if let Effect::Noise(noise) = self {
            noise.apply(planes, colour, chroma, index);
            return;
        }
        for (number, plane) in planes.iter_mut().enumerate() {
            let nominal = Nominal::of(colour, T::DEPTH, number);
            let shift = if number == 0 { (0, 0) } else { chroma };
            match self {
                Effect::Blocking(blocking) => blocking.apply(plane, number == 0, shift, nominal),
                Effect::Ringing(ringing) => ringing.apply(plane, nominal),
                Effect::Blur(blur) => blur.apply(plane, nominal),
                Effect::Noise(_) => {}
            }
        }
    }
}

/// A sample that can be made of a value that its depth holds.
trait Level: Sample {
    /// How many of its steps are one step of 8 bits, as a power of two.
    const EXTRA_BITS: u32;

    fn level(value: i32) -> Self;

    /// The value, at most the largest of the depth: a 16-bit word can hold more.
    #[inline(always)]
    fn value(self) -> i32 {
        let value: i32 = self.into();
        value.min(i32::from(Self::DEPTH.max()))
    }
}

impl Level for u8 {
    const EXTRA_BITS: u32 = 0;

    #[inline(always)]
    fn level(value: i32) -> u8 {
        value as u8
    }
}

impl Level for u16 {
    const EXTRA_BITS: u32 = 2;

    #[inline(always)]
    fn level(value: i32) -> u16 {
        value as u16
    }
}

/// The values that samples of a plane are meant to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Nominal {
    low: i32,
    high: i32,
}

impl Nominal {
    fn of(colour: Colour, depth: BitDepth, plane: usize) -> Nominal {
        let scale = 1 << (depth.bits() - 8);
        // With matrix 0 all three planes are green, blue and red.
        let difference = plane > 0 && colour.matrix != 0;
        match colour.range {
            Range::Full => Nominal {
                low: 0,
                high: i32::from(depth.max()),
            },
            Range::Limited | Range::Unspecified => Nominal {
                low: 16 * scale,
                high: scale * if difference { 240 } else { 235 },
            },
        }
    }

    /// `value` held to the range, or to where the sample `was` if that lay outside already: sources
    /// do overshoot, and what an effect leaves alone must stay as it is.
    #[inline(always)]
    fn hold(self, value: i32, was: i32) -> i32 {
        value.max(self.low.min(was)).min(self.high.max(was))
    }
}
