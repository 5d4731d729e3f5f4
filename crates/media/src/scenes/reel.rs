//! Scenes one after the other, with a cut between.

use nervure_frame::{Frame, Timestamp};

use super::{Renderer, Scene, SceneSpec};
use crate::{Error, Result};

/// Several scenes as one video, each with an equal share of the frames.
#[derive(Debug)]
pub struct Reel {
    parts: Vec<Renderer>,
    frames: u64,
}

impl Reel {
    /// The given scenes in their order; `spec` says everything else, and `spec.frames` is shared
    /// out.
    ///
    /// # Errors
    /// When there is no scene, or as for [`Renderer::new`].
    pub fn new(scenes: &[Scene], spec: SceneSpec) -> Result<Reel> {
        if scenes.is_empty() {
            return Err(Error::Unsupported {
                what: "a reel without scenes".into(),
                hint: None,
            });
        }
        let parts = scenes
            .iter()
            .map(|scene| {
                Renderer::new(SceneSpec {
                    scene: *scene,
                    ..spec
                })
            })
            .collect::<Result<_>>()?;
        Ok(Reel {
            parts,
            frames: spec.frames,
        })
    }

    /// How many frames there are.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The first frame of each scene.
    pub fn cuts(&self) -> impl Iterator<Item = (Scene, u64)> + '_ {
        let count = self.parts.len() as u128;
        let first = move |part: usize| (u128::from(self.frames) * part as u128).div_ceil(count);
        self.parts
            .iter()
            .enumerate()
            .map(move |(part, renderer)| (renderer.spec().scene, first(part) as u64))
    }

    /// Frame `index` of the whole; beyond the end the last scene goes on.
    pub fn frame(&self, index: u64) -> Frame {
        let firsts: Vec<u64> = self.cuts().map(|(_, first)| first).collect();
        let part = firsts
            .iter()
            .rposition(|first| *first <= index)
            .unwrap_or_default();
        let mut frame = self.parts[part].frame(index - firsts[part]);
        let ticks = i64::try_from(index).unwrap_or(i64::MAX);
        frame.pts = Timestamp::new(ticks, frame.pts.base);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::{BitDepth, Chroma, PictureFormat};

    fn spec(frames: u64) -> SceneSpec {
        SceneSpec {
            scene: Scene::Screen,
            seed: 4,
            format: PictureFormat::new(32, 18, Chroma::C420, BitDepth::Eight),
            frame_rate: (25, 1),
            frames,
        }
    }

    #[test]
    fn scenes_share_the_frames_and_begin_at_their_own_beginning() {
        let scenes = [Scene::Animation, Scene::Screen, Scene::Sports];
        let reel = Reel::new(&scenes, spec(10)).unwrap();
        let cuts: Vec<(Scene, u64)> = reel.cuts().collect();
        assert_eq!(
            cuts,
            [
                (Scene::Animation, 0),
                (Scene::Screen, 4),
                (Scene::Sports, 7)
            ]
        );
        let alone = Renderer::new(spec(10)).unwrap();
        assert_eq!(reel.frame(5).planes, alone.frame(1).planes);
        assert_eq!(reel.frame(5).pts.ticks, 5);
        assert_eq!(reel.frame(99).pts.ticks, 99);
    }

    #[test]
    fn fewer_frames_than_scenes_and_none_at_all() {
        let reel = Reel::new(&[Scene::Animation, Scene::Screen], spec(1)).unwrap();
        assert_eq!(reel.frame(0).pts.ticks, 0);
        assert!(Reel::new(&[], spec(1)).is_err());
    }
}
