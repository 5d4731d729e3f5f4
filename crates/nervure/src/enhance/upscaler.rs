//! Which upscaler a job gets, and from where.

use std::fmt;

use anyhow::Result;
use nervure_engine::{FloatModel, FloatUpscale, Luma, Model, Stage, Upscale};
use nervure_frame::PictureFormat;
use nervure_kernels::Isa;
use nervure_kernels::resample::Filter;
use nervure_record::Precision;

use super::arguments::{EnhanceArgs, Upscaler};
use crate::console::fail;
use crate::models::{find_model, shipped_tiers};

/// What makes the picture larger.
#[derive(Clone, Debug)]
pub(crate) enum Chosen {
    Filter(Filter),
    Model {
        model: Model,
        /// Its true name.
        digest: String,
    },
    /// In single precision: far from real time.
    Float {
        model: FloatModel,
        /// Its true name.
        digest: String,
    },
}

/// The size that a job gets when it asks for none.
const USUAL_TIER: &str = "m";

impl Chosen {
    /// For pictures of one size and results of another; with something that the user should know.
    pub(crate) fn new(
        args: &EnhanceArgs,
        from: (usize, usize),
        to: (usize, usize),
    ) -> Result<(Chosen, Option<String>)> {
        let filter = match args.upscaler {
            Some(Upscaler::Lanczos) => Some(Filter::Lanczos),
            Some(Upscaler::Bicubic) => Some(Filter::Bicubic),
            Some(Upscaler::Neural) | None => None,
        };
        if let Some(filter) = filter {
            return match &args.model {
                Some(_) => Err(fail(
                    "--model says which model, and --upscaler that there is to be none",
                    "leave one of them out",
                )),
                None => Ok((Chosen::Filter(filter), None)),
            };
        }
        let scale = (2..=4).find(|scale| to == (from.0 * scale, from.1 * scale));
        let Some(scale) = scale else {
            let what = format!("no model makes {}x{} of {}x{}", to.0, to.1, from.0, from.1);
            if args.model.is_some() || args.upscaler.is_some() {
                return Err(fail(
                    what,
                    "they make pictures 2, 3 or 4 times larger: see --scale",
                ));
            }
            let note = (to > from).then(|| format!("{what}: Lanczos does it"));
            return Ok((Chosen::Filter(Filter::Lanczos), note));
        };
        let largest = match (&args.model, args.realtime) {
            (None, Some(_)) => shipped_tiers(scale)?.pop(),
            _ => None,
        };
        let artefact = match largest {
            Some(largest) => largest,
            None => find_model(args.model.as_deref().unwrap_or(USUAL_TIER), scale)?,
        };
        let (name, digest) = (&artefact.card.name, artefact.digest()?);
        let can_go_on = |looked_at: usize| match args.resume && looked_at > 1 {
            true => Err(fail(
                format!("{name} looks at several pictures: its jobs cannot be continued"),
                "start afresh with --force",
            )),
            false => Ok(()),
        };
        let (chosen, made, note) = match artefact.card.precision {
            Precision::Int8 => {
                let model = Model::new(&artefact, Isa::detect())?;
                can_go_on(model.frames())?;
                let made = model.scale();
                (Chosen::Model { model, digest }, made, None)
            }
            Precision::Fp32 => {
                let model = FloatModel::new(&artefact, Isa::detect())?;
                if model.mends() {
                    return Err(fail(
                        format!("{name} mends pictures and does not make them larger"),
                        "give a model that does: see nervure models list",
                    ));
                }
                if args.realtime.is_some() {
                    return Err(fail(
                        format!("{name} is in single precision and cannot keep up with video"),
                        "give a model in whole numbers, or leave out --realtime",
                    ));
                }
                can_go_on(model.window())?;
                let billions = model.macs() * (from.0 * from.1) as f64 / 1e9;
                let note = format!(
                    "{name} is in single precision and far from real time: {billions:.0} billion \
                     multiplications a frame"
                );
                let made = model.scale();
                (Chosen::Float { model, digest }, made, Some(note))
            }
        };
        match made == scale {
            true => Ok((chosen, note)),
            false => Err(fail(
                format!("{name} makes pictures {made} times larger, and {scale} is asked for"),
                format!("ask for --scale {made}"),
            )),
        }
    }

    /// The stage that does it.
    pub(crate) fn stage(
        &self,
        source: PictureFormat,
        size: (usize, usize),
        threads: usize,
    ) -> Result<Box<dyn Stage>> {
        let luma = match self {
            Chosen::Filter(filter) => Luma::Filter(*filter),
            Chosen::Model { model, .. } => Luma::Model(model.clone()),
            Chosen::Float { model, .. } => {
                return Ok(Box::new(FloatUpscale::new(source, model, threads)?));
            }
        };
        Ok(Box::new(
            Upscale::new(source, size, luma, threads)?.abreast()?,
        ))
    }

    /// What decides the picture that comes out.
    pub(crate) fn identity(&self) -> String {
        match self {
            Chosen::Filter(_) => self.to_string(),
            Chosen::Model { digest, .. } | Chosen::Float { digest, .. } => digest.clone(),
        }
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chosen::Filter(Filter::Lanczos) => f.write_str("lanczos"),
            Chosen::Filter(Filter::Bicubic) => f.write_str("bicubic"),
            Chosen::Model { model, .. } => f.write_str(&model.card().name),
            Chosen::Float { model, .. } => f.write_str(&model.card().name),
        }
    }
}
