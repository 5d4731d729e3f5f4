//! Synthetic scenes: test material that looks like something.
//!
//! Each [`Scene`] imitates one kind of video that people stream, with the traits that make it hard
//! or easy for codecs and upscalers: fine texture under a pan, flat areas with hard outlines, skin,
//! motion blur and smoke, one-pixel edges, grain. A [`Renderer`] draws any frame of any length at
//! any size; the same [`SceneSpec`] gives the same samples on every machine.
//!
//! ```
//! use nervure_frame::{BitDepth, Chroma, PictureFormat};
//! use nervure_media::scenes::{Renderer, Scene, SceneSpec};
//!
//! let renderer = Renderer::new(SceneSpec {
//!     scene: "sports".parse()?,
//!     seed: 1,
//!     format: PictureFormat::new(64, 36, Chroma::C420, BitDepth::Eight),
//!     frame_rate: (30_000, 1001),
//!     frames: 60,
//! })?;
//! assert_eq!(renderer.frame(30).pts.seconds(), 1.001);
//! # Ok::<(), nervure_media::Error>(())
//! ```

mod action;
mod animation;
mod grain;
pub(crate) mod noise;
mod perspective;
mod reel;
mod screen;
mod soften;
mod sports;
mod talking_head;

use std::fmt;
use std::str::FromStr;

use nervure_frame::{Frame, FramePool, PictureFormat, TimeBase, Timestamp};

use crate::draw::{Canvas, Light, render_frame};
use crate::{Error, Result};
pub use reel::Reel;

/// A kind of video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scene {
    /// A football match: a panning camera, grass, a crowd, players, motion blur.
    Sports,
    /// A drawn film: flat colours, outlines, parallax.
    Animation,
    /// Somebody speaking to the camera: skin, hair, soft focus.
    TalkingHead,
    /// A chase with explosions: a fast camera, smoke, sparks, strong blur.
    Action,
    /// A computer's screen: text, windows, edges a pixel wide.
    Screen,
    /// A city street on a wet night: little light, lamps out of focus, film grain.
    Grain,
}

impl Scene {
    /// Every scene, in the order in which they are shown.
    pub fn all() -> &'static [Scene] {
        &[
            Scene::Sports,
            Scene::Animation,
            Scene::TalkingHead,
            Scene::Action,
            Scene::Screen,
            Scene::Grain,
        ]
    }

    /// The word that names the scene in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Scene::Sports => "sports",
            Scene::Animation => "animation",
            Scene::TalkingHead => "talking-head",
            Scene::Action => "action",
            Scene::Screen => "screen",
            Scene::Grain => "grain",
        }
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scene {
    type Err = Error;

    fn from_str(name: &str) -> Result<Scene> {
        let known = Scene::all().iter().find(|scene| scene.name() == name);
        known.copied().ok_or_else(|| Error::Unsupported {
            what: format!("there is no scene called {name:?}"),
            hint: Some(format!(
                "the scenes are {}",
                Scene::all()
                    .iter()
                    .map(|scene| scene.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        })
    }
}

/// What to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SceneSpec {
    /// Which scene.
    pub scene: Scene,
    /// Which of the many versions of it: other teams, other skies, other motion.
    pub seed: u64,
    /// Size, chroma subsampling and bit depth.
    pub format: PictureFormat,
    /// Frames in a second, as a fraction.
    pub frame_rate: (u32, u32),
    /// How many frames there are. Frames do not depend on it.
    pub frames: u64,
}

/// When a picture is taken.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// Seconds since the scene began, in the middle of the exposure.
    time: f64,
    /// How long the shutter is open, in seconds: half of the time between frames.
    shutter: f64,
    /// Which frame it is.
    index: u64,
}

impl Moment {
    /// Points of time spread evenly over the exposure.
    fn within(&self, part: usize, parts: usize) -> f64 {
        self.time + self.shutter * ((part as f64 + 0.5) / parts as f64 - 0.5)
    }
}

/// A scene ready to be drawn at one size.
trait Painter: Send + Sync {
    /// What the numbers of its canvas mean.
    fn light(&self) -> Light;

    /// Works out one picture; what comes back draws it, once for every band.
    fn picture<'a>(&'a self, moment: Moment) -> Box<dyn Fn(&mut Canvas) + Sync + 'a>;
}

/// Draws the frames of one scene.
pub struct Renderer {
    spec: SceneSpec,
    base: TimeBase,
    shutter: f64,
    pool: FramePool,
    painter: Box<dyn Painter>,
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

impl Renderer {
    /// Prepares a scene: textures, places, colours.
    ///
    /// # Errors
    /// When the size or the frame rate is zero or beyond what a video can have.
    pub fn new(spec: SceneSpec) -> Result<Renderer> {
        const SIDE: usize = 8192;
        let PictureFormat { width, height, .. } = spec.format;
        let (num, den) = spec.frame_rate;
        if width == 0 || height == 0 || width > SIDE || height > SIDE {
            return Err(Error::Unsupported {
                what: format!("a scene of {width}x{height} cannot be drawn"),
                hint: Some(format!("each side can be 1 to {SIDE} pixels")),
            });
        }
        if num == 0 || den == 0 {
            return Err(Error::Unsupported {
                what: format!("{num}/{den} frames a second is no frame rate"),
                hint: None,
            });
        }
        let size = (width as f32, height as f32);
        let base = TimeBase::new(den, num);
        // A film camera's shutter at high rates; never so long that a slow rate smears.
        let shutter = (0.5 * base.seconds()).min(0.025);
        let painter: Box<dyn Painter> = match spec.scene {
            Scene::Sports => Box::new(sports::Sports::new(spec.seed, size)),
            Scene::Animation => Box::new(animation::Animation::new(spec.seed, size)),
            Scene::Grain => Box::new(grain::Grain::new(spec.seed, size)),
            Scene::Screen => Box::new(screen::Screen::new(spec.seed, size)),
            Scene::Action => Box::new(action::Action::new(spec.seed, size, shutter)),
            Scene::TalkingHead => Box::new(talking_head::TalkingHead::new(spec.seed, size)),
        };
        Ok(Renderer {
            spec,
            base,
            shutter,
            pool: FramePool::new(),
            painter,
        })
    }

    /// What is rendered.
    pub fn spec(&self) -> &SceneSpec {
        &self.spec
    }

    /// Frame `index`, shown `index` ticks of one frame's length after zero. Any index can be asked
    /// for at any time, also beyond the last frame.
    pub fn frame(&self, index: u64) -> Frame {
        let ticks = i64::try_from(index).unwrap_or(i64::MAX);
        let pts = Timestamp::new(ticks, self.base);
        let moment = Moment {
            time: index as f64 * self.base.seconds(),
            shutter: self.shutter,
            index,
        };
        let draw = self.painter.picture(moment);
        let mut frame = self.pool.frame(self.spec.format, pts);
        render_frame(&mut frame, self.painter.light(), draw);
        frame.duration = Some(1);
        frame
    }

    /// All frames in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame> + '_ {
        (0..self.spec.frames).map(|index| self.frame(index))
    }
}

/// The sine of `cycles` full circles, for phases that grow with time: exact also after hours.
pub(crate) fn wave(cycles: f64) -> f32 {
    crate::draw::math::sin_turns((cycles - cycles.floor()) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::{BitDepth, Chroma, Colour, Planes, Sample};

    fn spec(scene: Scene, seed: u64, width: usize, height: usize) -> SceneSpec {
        SceneSpec {
            scene,
            seed,
            format: PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight),
            frame_rate: (30, 1),
            frames: 90,
        }
    }

    fn checksum(frame: &Frame) -> u32 {
        fn add<T: Sample>(hasher: &mut crc32fast::Hasher, planes: &[nervure_frame::Plane<T>; 3]) {
            for row in planes.iter().flat_map(|plane| plane.rows()) {
                for sample in row {
                    let value: i32 = (*sample).into();
                    hasher.update(&(value as u16).to_le_bytes());
                }
            }
        }
        let mut hasher = crc32fast::Hasher::new();
        match &frame.planes {
            Planes::Eight(planes) => add(&mut hasher, planes),
            Planes::Ten(planes) => add(&mut hasher, planes),
        }
        hasher.finalize()
    }

    fn frame(spec: SceneSpec, index: u64) -> Frame {
        Renderer::new(spec).unwrap().frame(index)
    }

    #[test]
    fn every_scene_gives_its_recorded_picture_on_every_machine() {
        // A changed picture is no fault in itself, but it must be meant: look at it first.
        let golden = [
            (Scene::Sports, 0x7f52_06f4),
            (Scene::Animation, 0x0a15_1953),
            (Scene::TalkingHead, 0xcfe1_4af2),
            (Scene::Action, 0xe8cc_463b),
            (Scene::Screen, 0x6318_1824),
            (Scene::Grain, 0x1c99_884b),
        ];
        assert_eq!(golden.len(), Scene::all().len());
        let got = golden.map(|(scene, _)| (scene, checksum(&frame(spec(scene, 1, 128, 72), 40))));
        assert_eq!(got, golden);
        let ten = SceneSpec {
            format: PictureFormat::new(64, 36, Chroma::C444, BitDepth::Ten),
            ..spec(Scene::Grain, 7, 64, 36)
        };
        assert_eq!(checksum(&frame(ten, 3)), 0xda72_c9b4);
    }

    #[test]
    fn a_seed_is_one_version_and_other_seeds_are_others() {
        for &scene in Scene::all() {
            let renderer = Renderer::new(spec(scene, 5, 64, 36)).unwrap();
            let late = checksum(&renderer.frame(21));
            let early = checksum(&renderer.frame(0));
            assert_eq!(
                late,
                checksum(&frame(spec(scene, 5, 64, 36), 21)),
                "{scene}"
            );
            assert_ne!(late, early, "{scene} moves");
            let others =
                (6..10).filter(|seed| checksum(&frame(spec(scene, *seed, 64, 36), 21)) != late);
            assert_eq!(others.count(), 4, "{scene}");
        }
    }

    #[test]
    fn threads_do_not_change_a_picture() {
        let single = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        for &scene in Scene::all() {
            let spec = spec(scene, 2, 80, 100);
            let alone = single.install(|| checksum(&frame(spec, 9)));
            assert_eq!(alone, checksum(&frame(spec, 9)), "{scene}");
        }
    }

    #[test]
    fn every_size_and_any_time_can_be_drawn() {
        for &scene in Scene::all() {
            for (width, height) in [(1, 1), (2, 31), (33, 2), (17, 9), (3, 64), (150, 4)] {
                let renderer = Renderer::new(spec(scene, 3, width, height)).unwrap();
                for index in [0, 7, 40_000_000] {
                    assert_eq!(renderer.frame(index).format().width, width, "{scene}");
                }
            }
        }
    }

    #[test]
    fn frames_carry_their_time_and_colour() {
        let renderer = Renderer::new(SceneSpec {
            frame_rate: (24_000, 1001),
            frames: 3,
            ..spec(Scene::Animation, 1, 16, 9)
        })
        .unwrap();
        let frames: Vec<Frame> = renderer.frames().collect();
        assert_eq!(frames.len(), 3);
        assert_eq!(
            frames[2].pts,
            Timestamp::new(2002, TimeBase::new(1, 24_000))
        );
        assert_eq!(
            (frames[2].colour, frames[2].duration),
            (Colour::BT709, Some(1))
        );
    }

    #[test]
    fn impossible_wishes_are_refused() {
        let bad = |change: fn(&mut SceneSpec)| {
            let mut spec = spec(Scene::Screen, 1, 16, 9);
            change(&mut spec);
            Renderer::new(spec).unwrap_err().to_string()
        };
        assert!(bad(|spec| spec.format.width = 0).contains("0x9"));
        assert!(bad(|spec| spec.format.height = 1 << 20).contains("16x1048576"));
        assert!(bad(|spec| spec.frame_rate = (0, 1)).contains("0/1"));
        let error = "opera".parse::<Scene>().unwrap_err();
        assert!(error.to_string().contains("opera"));
        assert!(error.hint().unwrap().contains("talking-head"));
        for scene in Scene::all() {
            assert_eq!(scene.name().parse::<Scene>().unwrap(), *scene);
        }
    }
}
