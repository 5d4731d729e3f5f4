//! How good a network is, on clips that it has not seen.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use nervure_frame::{LossMask, Plane, metrics};
use nervure_kernels::metrics::Scorer;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::classical::Classical;
use super::task::{Task, Work};
use crate::loader::{Clip, Loader, LoaderConfig};
use crate::{Error, Result};

/// Quality of one picture, or of several in the mean: of luma.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// In dB.
    pub psnr: f64,
    /// From 0 to 1.
    pub ssim: f64,
    /// Mean of the squared error, in squares of codes.
    pub mse: f64,
    /// Mean of the absolute error, in codes.
    pub mae: f64,
}

impl Quality {
    fn add(&mut self, more: Quality) {
        self.psnr += more.psnr;
        self.ssim += more.ssim;
        self.mse += more.mse;
        self.mae += more.mae;
    }

    fn over(self, count: f64) -> Quality {
        Quality {
            psnr: self.psnr / count,
            ssim: self.ssim / count,
            mse: self.mse / count,
            mae: self.mae / count,
        }
    }
}

/// How a clip fared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipScore {
    /// Its stem.
    pub clip: String,
    /// What it shows.
    pub content_type: String,
    /// How it was compressed, such as `h264 crf 23`.
    pub condition: String,
    /// Pictures that were looked at.
    pub frames: u64,
    /// By the network.
    pub model: Quality,
    /// By what it adds to: Lanczos; or the picture as the decoder concealed it.
    pub classical: Quality,
}

impl ClipScore {
    /// What the network adds, in dB.
    pub fn gain(&self) -> f64 {
        self.model.psnr - self.classical.psnr
    }
}

/// How all of them fared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Each clip, in the order of the datasets.
    pub clips: Vec<ClipScore>,
}

/// Clips taken together, each counting the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many.
    pub clips: usize,
    /// By the network.
    pub model: Quality,
    /// By what it adds to.
    pub classical: Quality,
    /// What the network adds in the mean, in dB.
    pub gain: f64,
    /// What it adds to SSIM.
    pub ssim_gain: f64,
    /// The clip that gains least, and how much.
    pub worst: (String, f64),
}

impl Summary {
    fn of<'a>(clips: impl Iterator<Item = &'a ClipScore>) -> Option<Summary> {
        let (mut count, mut model, mut classical) = (0, Quality::default(), Quality::default());
        let mut worst: Option<&ClipScore> = None;
        for clip in clips {
            count += 1;
            model.add(clip.model);
            classical.add(clip.classical);
            if worst.is_none_or(|worst| clip.gain() < worst.gain()) {
                worst = Some(clip);
            }
        }
        let worst = worst?;
        let (model, classical) = (model.over(count.into()), classical.over(count.into()));
        Some(Summary {
            clips: count as usize,
            gain: model.psnr - classical.psnr,
            ssim_gain: model.ssim - classical.ssim,
            model,
            classical,
            worst: (worst.clip.clone(), worst.gain()),
        })
    }
}

impl Scores {
    /// All clips.
    pub fn all(&self) -> Option<Summary> {
        Summary::of(self.clips.iter())
    }

    /// By how they were compressed.
    pub fn by_condition(&self) -> BTreeMap<String, Summary> {
        self.by(|clip| clip.condition.clone())
    }

    /// By what they show.
    pub fn by_content(&self) -> BTreeMap<String, Summary> {
        self.by(|clip| clip.content_type.clone())
    }

    /// By both, compression first.
    pub fn by_both(&self) -> BTreeMap<(String, String), Summary> {
        self.by(|clip| (clip.condition.clone(), clip.content_type.clone()))
    }

    fn by<K: Ord>(&self, key: impl Fn(&ClipScore) -> K) -> BTreeMap<K, Summary> {
        let mut groups: BTreeMap<K, Vec<&ClipScore>> = BTreeMap::new();
        for clip in &self.clips {
            groups.entry(key(clip)).or_default().push(clip);
        }
        let summary =
            |(key, clips): (K, Vec<&ClipScore>)| Some((key, Summary::of(clips.into_iter())?));
        groups.into_iter().filter_map(summary).collect()
    }

    /// The mean gain in dB: the number that training makes large.
    pub fn gain(&self) -> f64 {
        self.all().map_or(0.0, |all| all.gain)
    }
}

/// What makes pictures larger, or mends them.
pub trait Model: Sync {
    /// The large picture of the one at its place in a window of luma.
    fn picture(&self, window: &[Plane<u8>], lost: Option<&LossMask>) -> Result<Plane<u8>>;
}

/// Clips to be tried on, and how the classical upscaler fares on them.
#[derive(Debug)]
pub struct Validator {
    loader: Loader,
    task: Task,
    places: Vec<Place>,
    classical: Vec<Quality>,
}

/// One picture to look at.
#[derive(Clone, Copy, Debug)]
struct Place {
    clip: usize,
    frame: usize,
}

/// One picture as models are given it, and what is right.
#[derive(Clone, Debug)]
pub struct View {
    /// Pictures around it, itself included.
    pub window: Vec<Plane<u8>>,
    /// What of it is lost.
    pub lost: Option<LossMask>,
    /// As it was before it was made small.
    pub truth: Plane<u8>,
}

/// Which pictures of a clip are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// So many from its beginning to its end.
    Over(usize),
    /// So many in a row, from its middle: for what judges motion.
    Together(usize),
    /// All.
    All,
}

/// One picture on its way, before and after.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Which clip.
    pub clip: String,
    /// How it was compressed.
    pub condition: String,
    /// By what the network adds to.
    pub classical: Plane<u8>,
    /// By the network.
    pub model: Plane<u8>,
    /// As it was before it was made small.
    pub truth: Plane<u8>,
}

impl Validator {
    /// Opens datasets, and takes some pictures of each clip: for a network that mends, only damaged
    /// ones.
    pub fn open<P: AsRef<std::path::Path>>(
        datasets: &[P],
        task: Task,
        frames: Spread,
    ) -> Result<Validator> {
        let config = LoaderConfig {
            patch: 8,
            frames: task.window,
            workers: 0,
            ..LoaderConfig::default()
        };
        let loader = Loader::open(datasets, &config)?;
        for clip in loader.clips() {
            let (lr, hr, scale) = (clip.record.lr, clip.record.hr, task.scale());
            if (lr.width * scale, lr.height * scale) != (hr.width, hr.height) {
                return Err(Error::refused(
                    format!(
                        "{} is not {scale} times as large as it was",
                        clip.record.stem
                    ),
                    "give datasets of the model's scale",
                ));
            }
        }
        let mut places = Vec::new();
        for clip in 0..loader.clips().len() {
            let pairs = loader.pairs(clip)?;
            let usable: Vec<usize> = (0..pairs.frames())
                .filter(|frame| task.work != Work::Recover || pairs.is_damaged(*frame))
                .collect();
            let there = usable.len();
            let which: Vec<usize> = match frames {
                Spread::Over(count) => {
                    let count = count.min(there);
                    let at = |at| (2 * at + 1) * there / (2 * count);
                    (0..count).map(at).collect()
                }
                Spread::Together(count) => {
                    let first = (there - count.min(there)) / 2;
                    (first..there.min(first + count)).collect()
                }
                Spread::All => (0..there).collect(),
            };
            let place = |at| Place {
                clip,
                frame: usable[at],
            };
            places.extend(which.into_iter().map(place));
        }
        if places.is_empty() {
            return Err(Error::refused(
                "the validation data has no pictures that this model works on",
                "a model that mends needs datasets made with --loss",
            ));
        }
        let mut validator = Validator {
            loader,
            task,
            places,
            classical: Vec::new(),
        };
        validator.classical = validator
            .places
            .par_iter()
            .map(|place| {
                let view = validator.read(*place)?;
                Ok(quality(&view.truth, &validator.classical_of(&view)))
            })
            .collect::<Result<_>>()?;
        Ok(validator)
    }

    /// The clips.
    pub fn clips(&self) -> &[Clip] {
        self.loader.clips()
    }

    /// How many pictures are looked at.
    pub fn pictures(&self) -> usize {
        self.places.len()
    }

    /// Tries a model on all of them.
    pub fn run(&self, model: &dyn Model) -> Result<Scores> {
        self.run_with(model, &|_| {})
    }

    /// The same, telling `progress` how many pictures are done.
    pub fn run_with(&self, model: &dyn Model, progress: &(dyn Fn(usize) + Sync)) -> Result<Scores> {
        let done = AtomicUsize::new(0);
        let found: Vec<Quality> = self
            .places
            .par_iter()
            .map(|place| {
                let view = self.read(*place)?;
                let large = model.picture(&view.window, view.lost.as_ref())?;
                progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                Ok(quality(&view.truth, &large))
            })
            .collect::<Result<_>>()?;
        let mut scores = Scores::default();
        let mut before = None;
        for ((place, model), classical) in self.places.iter().zip(found).zip(&self.classical) {
            if before != Some(place.clip) {
                let record = &self.loader.clips()[place.clip].record;
                scores.clips.push(ClipScore {
                    clip: record.stem.clone(),
                    content_type: record.content_type.clone(),
                    condition: condition(record),
                    frames: 0,
                    model: Quality::default(),
                    classical: Quality::default(),
                });
                before = Some(place.clip);
            }
            if let Some(clip) = scores.clips.last_mut() {
                clip.frames += 1;
                clip.model.add(model);
                clip.classical.add(*classical);
            }
        }
        for clip in &mut scores.clips {
            clip.model = clip.model.over(clip.frames as f64);
            clip.classical = clip.classical.over(clip.frames as f64);
        }
        Ok(scores)
    }

    /// The pictures of one clip that are looked at, in order.
    pub fn views(&self, clip: usize) -> impl Iterator<Item = Result<View>> + '_ {
        let places = self.places.iter().filter(move |place| place.clip == clip);
        places.map(|place| self.read(*place))
    }

    /// One picture of each of some clips, spread over all, for people to look at.
    pub fn samples(&self, model: &dyn Model, count: usize) -> Result<Vec<Sample>> {
        let count = count.min(self.places.len());
        (0..count)
            .map(|at| {
                let place = self.places[(2 * at + 1) * self.places.len() / (2 * count)];
                let view = self.read(place)?;
                let record = &self.loader.clips()[place.clip].record;
                Ok(Sample {
                    clip: record.stem.clone(),
                    condition: condition(record),
                    classical: self.classical_of(&view),
                    model: model.picture(&view.window, view.lost.as_ref())?,
                    truth: view.truth,
                })
            })
            .collect()
    }

    /// The window around a picture, what of it is lost, and what is right.
    fn read(&self, place: Place) -> Result<View> {
        let pairs = self.loader.pairs(place.clip)?;
        let last = pairs.frames() as isize - 1;
        let first = place.frame as isize - self.task.target as isize;
        let window = (first..first + self.task.window as isize)
            // Before the first and after the last it is as if they had stood still.
            .map(|at| Ok(pairs.low(at.clamp(0, last) as usize)?.0))
            .collect::<Result<_>>()?;
        Ok(View {
            window,
            lost: pairs.low(place.frame)?.1.cloned(),
            truth: pairs.high(place.frame)?,
        })
    }

    fn classical_of(&self, view: &View) -> Plane<u8> {
        let picture = &view.window[self.task.target];
        match self.task.work {
            Work::Enlarge { scale } => {
                let mut large = Vec::new();
                Classical::new(scale).enlarge(&plain(picture), picture.width(), &mut large);
                plane(&large, picture.width() * scale)
            }
            Work::Recover => picture.clone(),
        }
    }
}

fn condition(record: &nervure_dataset::manifest::ClipRecord) -> String {
    let codec = &record.codec;
    let mut text = match (record.crf, record.requested_kbps) {
        (Some(crf), _) => format!("{codec} crf {crf}"),
        (None, Some(kbps)) => format!("{codec} {kbps} kbit/s"),
        (None, None) => codec.clone(),
    };
    if let Some(loss) = &record.loss {
        text = format!("{text}, loss {}", loss.model);
    }
    text
}

/// More dB than anybody can tell from none lost.
const PERFECT: f64 = 100.0;

fn quality(truth: &Plane<u8>, found: &Plane<u8>) -> Quality {
    let (ssim, error) = Scorer::new().ssim(truth, found);
    let samples = (truth.width() * truth.height()) as f64;
    let mse = error as f64 / samples;
    let pairs = truth.rows().flatten().zip(found.rows().flatten());
    let off: u64 = pairs.map(|(one, two)| u64::from(one.abs_diff(*two))).sum();
    Quality {
        psnr: metrics::psnr(mse, 255).min(PERFECT),
        ssim: ssim.mean(),
        mse,
        mae: off as f64 / samples,
    }
}

/// Samples as numbers from 0 to 1.
pub(crate) fn plain(plane: &Plane<u8>) -> Vec<f32> {
    let rows = plane.rows().flatten();
    rows.map(|code| f32::from(*code) / 255.0).collect()
}

/// Numbers as samples: the nearest there are.
pub(crate) fn plane(numbers: &[f32], width: usize) -> Plane<u8> {
    let codes: Vec<u8> = numbers
        .iter()
        .map(|x| (x * 255.0 + 0.5).clamp(0.0, 255.0) as u8)
        .collect();
    Plane::from_samples(width, codes.len() / width, &codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_as_they_are() {
        let truth = Plane::from_samples(16, 16, &[100; 256]);
        let mut codes = [100; 256];
        codes[0] = 116;
        codes[1] = 92;
        let found = quality(&truth, &Plane::from_samples(16, 16, &codes));
        assert_eq!(found.mse, (256.0 + 64.0) / 256.0);
        assert_eq!(found.mae, 24.0 / 256.0);
        assert!((found.psnr - 10.0 * (255.0_f64 * 255.0 / 1.25).log10()).abs() < 1e-9);
        assert!(found.ssim < 1.0);
        assert_eq!(quality(&truth, &truth).psnr, PERFECT);
    }

    #[test]
    fn clips_count_the_same_and_the_worst_is_named() {
        let clip = |name: &str, condition: &str, gain: f64| ClipScore {
            clip: name.into(),
            content_type: "sports".into(),
            condition: condition.into(),
            frames: 1,
            model: Quality {
                psnr: 30.0 + gain,
                ..Quality::default()
            },
            classical: Quality {
                psnr: 30.0,
                ..Quality::default()
            },
        };
        let scores = Scores {
            clips: vec![
                clip("a", "h264 crf 23", 2.0),
                clip("b", "h264 crf 23", -0.5),
                clip("a", "h264 crf 35", 0.25),
            ],
        };
        assert!((scores.gain() - 1.75 / 3.0).abs() < 1e-12);
        let by = scores.by_condition();
        assert_eq!(by["h264 crf 23"].worst, ("b".into(), -0.5));
        assert_eq!((by["h264 crf 23"].gain, by["h264 crf 35"].clips), (0.75, 1));
        assert_eq!(scores.by_content()["sports"].clips, 3);
        assert!(Scores::default().all().is_none());
    }
}
