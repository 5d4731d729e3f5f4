//! What mends damaged pictures, where that is asked for.

use std::fmt;

use anyhow::Result;
use nervure_engine::{FloatModel, Recover, mend_by_motion};
use nervure_frame::PictureFormat;
use nervure_kernels::Isa;
use nervure_media::Mender;
use nervure_record::Precision;

use super::arguments::EnhanceArgs;
use crate::console::fail;
use crate::models::find_model;

/// What is lost is guessed from motion.
#[derive(Clone, Debug)]
pub(crate) enum Mending {
    /// And that is all.
    Motion,
    /// A network goes on from there.
    Network {
        model: FloatModel,
        /// Its true name.
        digest: String,
    },
}

/// The word for no network.
const MOTION: &str = "motion";

impl Mending {
    /// As the arguments say; none where nobody asked.
    pub(crate) fn new(args: &EnhanceArgs) -> Result<Option<Mending>> {
        let Some(wanted) = &args.recover else {
            return Ok(None);
        };
        if wanted == MOTION {
            return Ok(Some(Mending::Motion));
        }
        let artefact = find_model(wanted, 1)?;
        let name = &artefact.card.name;
        let mends = match artefact.card.precision {
            Precision::Int8 => None,
            Precision::Fp32 => Some(FloatModel::new(&artefact, Isa::detect())?),
        };
        let Some(model) = mends.filter(FloatModel::mends) else {
            return Err(fail(
                format!("{name} makes pictures larger and does not mend them"),
                "give it to --model; --recover alone mends by motion",
            ));
        };
        if args.realtime.is_some() {
            return Err(fail(
                format!("{name} is in single precision and cannot keep up with video"),
                "--recover alone mends by motion, and does",
            ));
        }
        let digest = artefact.digest()?;
        Ok(Some(Mending::Network { model, digest }))
    }

    /// What does it inside of the decoder, so that what it makes of mended pictures is mended too. Networks
    /// would have to be waited for there: they go on behind it.
    pub(crate) fn mender(args: &EnhanceArgs) -> Option<Mender> {
        args.recover.as_ref().map(|_| {
            Mender::new(|around, frame, lost| {
                mend_by_motion(around.before, around.after, frame, lost);
            })
        })
    }

    /// The stage that does it, where one does.
    pub(crate) fn stage(&self, source: PictureFormat, threads: usize) -> Result<Option<Recover>> {
        Ok(match self {
            Mending::Motion => None,
            Mending::Network { model, .. } => Some(Recover::new(source, model, threads)?),
        })
    }

    /// What decides the picture that comes out.
    pub(crate) fn identity(&self) -> String {
        match self {
            Mending::Motion => self.to_string(),
            Mending::Network { digest, .. } => digest.clone(),
        }
    }
}

impl fmt::Display for Mending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mending::Motion => f.write_str(MOTION),
            Mending::Network { model, .. } => f.write_str(&model.card().name),
        }
    }
}
