//! VMAF-NEG of a model and of Lanczos: the variant that does not reward sharpening.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use nervure_frame::{
    BitDepth, Chroma, Colour, Frame, PictureFormat, Plane, Planes, TimeBase, Timestamp,
};
use nervure_kernels::resample::Filter;
use nervure_train::training::{Model, Resampled, Spread, Task, Validator};
use serde::Serialize;

use super::EvaluateArgs;
use crate::console::Meter;
use crate::score::{Pair, Vmaf};
use crate::signals::Signals;

/// Means over clips.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Neg {
    pub(super) clips: usize,
    pub(super) model: f64,
    pub(super) lanczos: f64,
}

/// By condition, by content type, and by `condition, content`.
pub(super) fn measure(
    args: &EvaluateArgs,
    task: Task,
    model: &dyn Model,
    count: u32,
) -> Result<BTreeMap<String, Neg>> {
    let validator = Validator::open(&args.data, task, Spread::Together(count as usize))?;
    let scores = validator.run(&lanczos(task))?;
    let signals = Signals::listen()?;
    let clips = validator.clips().len();
    let meter = Meter::new("VMAF-NEG", clips as u64, args.quiet);
    let mut means: BTreeMap<String, Neg> = BTreeMap::new();
    for (clip, score) in scores.clips.iter().enumerate() {
        let model = mean(&validator, clip, model, &signals)?;
        let lanczos = mean(&validator, clip, &lanczos(task), &signals)?;
        let (condition, content) = (&score.condition, &score.content_type);
        let both = format!("{condition}, {content}");
        for key in [condition, content, &both] {
            let sum = means.entry(key.clone()).or_default();
            sum.clips += 1;
            sum.model += model;
            sum.lanczos += lanczos;
        }
        meter.set(clip as u64 + 1, || format!("{} of {clips} clips", clip + 1));
    }
    meter.finish();
    for mean in means.values_mut() {
        mean.model /= mean.clips as f64;
        mean.lanczos /= mean.clips as f64;
    }
    Ok(means)
}

fn lanczos(task: Task) -> Resampled {
    Resampled {
        filter: Filter::Lanczos,
        scale: task.scale(),
        target: task.target,
    }
}

/// Of one clip, over its pictures.
fn mean(validator: &Validator, clip: usize, model: &dyn Model, signals: &Signals) -> Result<f64> {
    let mut scoring = None;
    let mut count = 0;
    for view in validator.views(clip) {
        let view = view?;
        let distorted = grey(model.picture(&view.window, view.lost.as_ref())?, count);
        let reference = grey(view.truth, count);
        let scoring = match &scoring {
            Some(scoring) => scoring,
            None => {
                let format = reference.format();
                scoring.insert(Vmaf::find()?.start(format, Colour::default(), 2)?)
            }
        };
        if !scoring.push(&Arc::new(Pair::new(count, reference, distorted))) {
            break;
        }
        count += 1;
    }
    let scoring = scoring.context("a clip without pictures")?;
    let scores = scoring.finish(count, signals)?;
    Ok(scores.iter().map(|score| score.vmaf_neg).sum::<f64>() / count as f64)
}

/// A frame without colour: VMAF looks at luma only.
fn grey(luma: Plane<u8>, index: u64) -> Frame {
    let format = PictureFormat::new(luma.width(), luma.height(), Chroma::C420, BitDepth::Eight);
    let (width, height) = format.plane_size(1);
    let mut chroma = Plane::new(width, height);
    chroma.fill(128);
    let planes = Planes::Eight([luma, chroma.clone(), chroma]);
    Frame::from_planes(
        Chroma::C420,
        planes,
        Timestamp::new(index as i64, TimeBase::MICROS),
    )
}
