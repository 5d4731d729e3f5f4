//! Which upscaler a job gets, and from where.

use std::fmt;

use anyhow::Result;
use nervure_engine::{Luma, Model};
use nervure_kernels::Isa;
use nervure_kernels::resample::Filter;

use super::arguments::{EnhanceArgs, Upscaler};
use crate::console::fail;
use crate::models::{find_real_time, shipped_tiers};

/// What makes the picture larger.
#[derive(Clone, Debug)]
pub(crate) enum Chosen {
    Filter(Filter),
    Model {
        model: Model,
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
        let artefact = match (&args.model, args.realtime) {
            (Some(wanted), _) => find_real_time(wanted, scale)?,
            (None, None) => find_real_time(USUAL_TIER, scale)?,
            (None, Some(_)) => match shipped_tiers(scale)?.pop() {
                Some(largest) => largest,
                None => find_real_time(USUAL_TIER, scale)?,
            },
        };
        let model = Model::new(&artefact, Isa::detect())?;
        if model.scale() != scale {
            return Err(fail(
                format!(
                    "{} makes pictures {} times larger, and {scale} is asked for",
                    model.card().name,
                    model.scale()
                ),
                format!("ask for --scale {}", model.scale()),
            ));
        }
        let digest = artefact.digest()?;
        Ok((Chosen::Model { model, digest }, None))
    }

    /// For the stage that does it.
    pub(crate) fn luma(&self) -> Luma {
        match self {
            Chosen::Filter(filter) => Luma::Filter(*filter),
            Chosen::Model { model, .. } => Luma::Model(model.clone()),
        }
    }

    /// What decides the picture that comes out.
    pub(crate) fn identity(&self) -> String {
        match self {
            Chosen::Filter(_) => self.to_string(),
            Chosen::Model { digest, .. } => digest.clone(),
        }
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chosen::Filter(Filter::Lanczos) => f.write_str("lanczos"),
            Chosen::Filter(Filter::Bicubic) => f.write_str("bicubic"),
            Chosen::Model { model, .. } => f.write_str(&model.card().name),
        }
    }
}
