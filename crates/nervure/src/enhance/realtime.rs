//! In real time: the tiers that a job may use, how long frames may take, and what came of it.
//!
//! Here, and nowhere else, the clock decides about pictures.

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::Result;
use nervure_engine::{Budget, Clock, Model, Paced, Tally};
use nervure_frame::PictureFormat;
use nervure_kernels::Isa;
use serde::Serialize;

use super::arguments::EnhanceArgs;
use super::upscaler::Chosen;
use crate::console::fail;
use crate::models::shipped_tiers;

/// How many frames a second are wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    /// As many as the source has.
    Source,
    /// So many, whatever the source has.
    Fixed(f64),
}

/// Faster and slower than these is likelier a slip.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=1000.0;

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "source" {
            return Ok(Rate::Source);
        }
        let parts = text.split_once('/').unwrap_or((text, "1"));
        match (parts.0.parse::<f64>(), parts.1.parse::<f64>()) {
            (Ok(num), Ok(den)) if RATES.contains(&(num / den)) => Ok(Rate::Fixed(num / den)),
            _ => Err(format!(
                "{text:?} is no frame rate from {} to {}; if it is the video, name it before --realtime",
                RATES.start(),
                RATES.end()
            )),
        }
    }
}

/// What a job in real time needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Realtime {
    rate: Rate,
    /// All that may be used, besides Lanczos.
    models: Vec<Model>,
    /// Frames a second, as the source's header has it: until timestamps tell.
    hint: f64,
    /// Of the time of a frame, what is the upscaler's.
    share: f64,
}

/// Where frames are thrown away or passed on as they are, a decoder has the rest.
const PLAIN: f64 = 0.85;
/// Where they are coded, on the same cores.
const CODED: f64 = 0.6;

impl Realtime {
    /// The chosen upscaler and all that are smaller. None where nobody asked.
    pub(crate) fn new(
        args: &EnhanceArgs,
        chosen: &Chosen,
        frame_rate: Option<(u32, u32)>,
        coded: bool,
    ) -> Result<Option<Realtime>> {
        let Some(rate) = args.realtime else {
            return Ok(None);
        };
        let mut models = Vec::new();
        if let Chosen::Model { model, .. } = chosen {
            models.push(model.clone());
            for artefact in shipped_tiers(model.scale())? {
                let smaller = Model::new(&artefact, Isa::detect())?;
                if smaller.macs() < model.macs() {
                    models.push(smaller);
                }
            }
        }
        let hint = frame_rate.map_or(25.0, |(num, den)| f64::from(num) / f64::from(den));
        Ok(Some(Realtime {
            rate,
            models,
            hint,
            share: if coded { CODED } else { PLAIN },
        }))
    }

    /// Refuses what does not go together with it.
    pub(crate) fn check(args: &EnhanceArgs) -> Result<()> {
        if args.realtime.is_none() {
            return Ok(());
        }
        if args.resume {
            return Err(fail(
                "a job in real time cannot be continued: its pictures depend on how fast they were made",
                "leave out --resume or --realtime",
            ));
        }
        if let Some(upscaler @ (super::Upscaler::Lanczos | super::Upscaler::Bicubic)) =
            args.upscaler
        {
            let name = format!("{upscaler:?}").to_lowercase();
            return Err(fail(
                format!("--realtime chooses among models, and --upscaler {name} uses none"),
                "leave one of them out",
            ));
        }
        Ok(())
    }

    /// The stage that does it. Takes some tenths of a second to find out what this machine can do.
    pub(crate) fn stage(
        &self,
        source: PictureFormat,
        size: (usize, usize),
        threads: usize,
    ) -> Result<Paced> {
        let rate = match self.rate {
            Rate::Source => self.hint.clamp(*RATES.start(), *RATES.end()),
            Rate::Fixed(rate) => rate,
        };
        let budget = Budget {
            interval: Duration::from_secs_f64(1.0 / rate),
            fixed: self.rate != Rate::Source,
            share: self.share,
        };
        let origin = Instant::now();
        let clock: Clock = Box::new(move || origin.elapsed());
        let models = self.models.clone();
        Ok(Paced::new(source, size, models, threads, budget, clock)?)
    }

    /// What came of it.
    pub(crate) fn summary(&self, tally: &Tally) -> RealtimeSummary {
        let tiers = tally.tiers().zip(tally.costs());
        RealtimeSummary {
            rate: match self.rate {
                Rate::Source => None,
                Rate::Fixed(rate) => Some(rate),
            },
            tiers: tiers
                .map(|((name, frames), seconds)| Tier {
                    name: name.into(),
                    frames,
                    ms: seconds * 1e3,
                })
                .collect(),
            missed: tally.missed(),
        }
    }
}

/// How many frames each tier made.
#[derive(Debug, Serialize)]
pub(crate) struct RealtimeSummary {
    /// Frames a second that were asked for; null where timestamps told.
    rate: Option<f64>,
    /// The best first; the last is Lanczos.
    tiers: Vec<Tier>,
    /// Frames that were late.
    missed: u64,
}

/// One of them.
#[derive(Debug, Serialize)]
struct Tier {
    name: String,
    frames: u64,
    /// Of a frame, as measured or estimated before the first.
    ms: f64,
}

impl RealtimeSummary {
    /// In a line.
    pub(crate) fn words(&self) -> String {
        let used = self.tiers.iter().filter(|tier| tier.frames > 0);
        let used: Vec<_> = used
            .map(|tier| format!("{} {}", tier.frames, tier.name))
            .collect();
        format!("{}; {} late", used.join(", "), self.missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_numbers_or_the_sources() {
        assert_eq!("source".parse(), Ok(Rate::Source));
        assert_eq!("60".parse(), Ok(Rate::Fixed(60.0)));
        assert_eq!("30000/1001".parse(), Ok(Rate::Fixed(30000.0 / 1001.0)));
        for text in ["", "0", "-5", "nan", "inf", "1/0", "5000", "in.mp4"] {
            let told = text.parse::<Rate>().unwrap_err();
            assert!(told.contains("before --realtime"), "{told}");
        }
    }
}
