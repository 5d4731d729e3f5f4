//! The tiers that are measured, and how each makes a rung as large as the video.

use anyhow::{Context, Result};
use nervure_abr::quality::NONE;
use nervure_engine::{Model, Pull, Stage, Upscale};
use nervure_frame::{Frame, PictureFormat};
use nervure_kernels::Isa;
use nervure_kernels::resample::Filter;
use nervure_record::{Artefact, Precision};

use crate::console::fail;
use crate::models::{find_model, shelf};

/// A tier by name, and what makes pictures larger in it.
pub(crate) struct Tier {
    pub(crate) name: String,
    /// The same model for other factors, as far as there are any. Empty without a model.
    models: Vec<Model>,
}

/// The tiers of these names. The first must be the one without a model.
pub(super) fn find(names: &[String]) -> Result<Vec<Tier>> {
    const HINT: &str = "give --models like none,xs,m: none first, and each once";
    if names.first().is_none_or(|name| name != NONE) {
        return Err(fail(
            format!("the first of --models must be {NONE}: all others are compared with it"),
            HINT,
        ));
    }
    let mut tiers: Vec<Tier> = Vec::new();
    for wanted in names {
        let name = match shelf::is_path(wanted) {
            true => std::path::Path::new(wanted).file_stem().map_or_else(
                || wanted.clone(),
                |stem| stem.to_string_lossy().into_owned(),
            ),
            false => wanted.to_ascii_lowercase(),
        };
        if tiers.iter().any(|tier| tier.name == name) {
            return Err(fail(format!("--models names {name} twice"), HINT));
        }
        let models = match name == NONE {
            true => Vec::new(),
            false => models(wanted)?,
        };
        tiers.push(Tier { name, models });
    }
    Ok(tiers)
}

/// A model that makes pictures twice as large, and its like for other factors.
fn models(wanted: &str) -> Result<Vec<Model>> {
    let mut models = vec![model(&find_model(wanted, 2)?)?];
    for scale in [3, 4] {
        // A size that exists for this factor is none that exists for all.
        if let Ok(artefact) = find_model(wanted, scale) {
            let other = model(&artefact)?;
            if models.iter().all(|it| it.scale() != other.scale()) {
                models.push(other);
            }
        }
    }
    Ok(models)
}

fn model(artefact: &Artefact) -> Result<Model> {
    let name = &artefact.card.name;
    if artefact.card.precision != Precision::Int8 {
        return Err(fail(
            format!("{name} is in single precision, and tiers are for real time"),
            "give a model in whole numbers: `nervure models list` says which there are",
        ));
    }
    Ok(Model::new(artefact, Isa::detect())?)
}

impl Tier {
    /// What makes pictures of a rung as large as the video, step by step.
    pub(super) fn path(
        &self,
        rung: PictureFormat,
        video: PictureFormat,
        threads: usize,
    ) -> Result<Path> {
        let size = (video.width, video.height);
        let fits = |model: &&Model| {
            let scale = model.scale();
            (rung.width * scale, rung.height * scale) == size
        };
        let mut steps: Vec<Box<dyn Stage>> = Vec::new();
        let mut now = rung;
        if let Some(model) = self.models.iter().find(fits).or(self.models.first()) {
            let scale = model.scale();
            let larger = (rung.width * scale, rung.height * scale);
            let stage = Upscale::new(rung, larger, model.clone(), threads)?;
            // Speeds are those of whole pictures, whatever stands still in them.
            steps.push(Box::new(stage.without_memory()));
            now = rung.with_size(larger.0, larger.1);
        }
        if (now.width, now.height) != size {
            steps.push(Box::new(Upscale::new(now, size, Filter::Lanczos, threads)?));
        }
        Ok(Path(steps))
    }
}

/// The steps from a size to another.
pub(super) struct Path(Vec<Box<dyn Stage>>);

impl Path {
    pub(super) fn run(&mut self, mut frame: Frame) -> Result<Frame> {
        for step in &mut self.0 {
            frame = through(step.as_mut(), frame)?;
        }
        Ok(frame)
    }
}

/// One picture through a stage that holds none back.
pub(super) fn through(stage: &mut dyn Stage, frame: Frame) -> Result<Frame> {
    stage.push(frame)?;
    match stage.pull()? {
        Pull::Frame(frame) => Ok(frame),
        Pull::NeedMore | Pull::End => None.context("a stage held a picture back"),
    }
}
