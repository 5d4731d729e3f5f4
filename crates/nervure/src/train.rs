//! `nervure train`: from a configuration and datasets to models.

mod curves;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use std::{fs, io};

use anyhow::{Context, Result};
use clap::Args;
use nervure_train::training::{Begin, Event, Go, Outcome, Scores, TrainConfig, train};
use serde::Serialize;

use crate::console::{Meter, fail, note, say};
use crate::sheet;
use crate::signals::{INTERRUPTED, Signals, TERMINATED};
use crate::table::table;

/// Train a model as a configuration says
///
/// The run's folder gets the configuration with everything resolved, `metrics.jsonl`, the models
/// (`NAME.fp32.safetensors`, and `NAME.int8.safetensors` where the configuration quantises),
/// `curves.svg` and `samples.png`. Stopped at any moment, a run goes on with --resume and gives the
/// same models as one that never stopped.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure dataset make films/ --out pairs --layout clips
  nervure train configs/residual-espcn-x2-s.toml --set data.train='[\"pairs\"]'
  nervure train my.toml --out runs/wide --set model.channels=32 --set training.steps=50000
  nervure train my.toml --out runs/wide --resume")]
pub(crate) struct TrainArgs {
    /// What to train, and how: docs/training.md lists every key
    #[arg(value_name = "CONFIG.toml")]
    config: PathBuf,

    /// The run's folder [default: runs/NAME]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Change a key of the configuration; may be given often
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Go on with an unfinished run; where there is none, begin
    #[arg(long)]
    resume: bool,

    /// Begin again where a run is already
    #[arg(long, conflicts_with = "resume")]
    force: bool,

    /// Print the outcome as JSON on standard output
    #[arg(long)]
    json: bool,

    /// No progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

/// What a run gave, for machines.
#[derive(Serialize)]
struct Report<'a> {
    finished: bool,
    folder: &'a Path,
    seconds: f64,
    models: &'a [nervure_train::training::Trained],
}

/// The command.
pub(crate) fn run(args: &TrainArgs) -> Result<ExitCode> {
    let text = fs::read_to_string(&args.config).map_err(|error| {
        let what = format!("cannot read {}: {error}", args.config.display());
        match error.kind() {
            io::ErrorKind::NotFound => fail(what, "configs/ has some to begin with"),
            _ => anyhow::Error::msg(what),
        }
    })?;
    let config = TrainConfig::parse(&text, &args.set)
        .with_context(|| format!("cannot use {}", args.config.display()))?;
    let folder = match &args.out {
        Some(folder) => folder.clone(),
        None => Path::new("runs").join(&config.name),
    };
    let begin = match (args.resume, args.force) {
        (true, _) => Begin::Resume,
        (_, true) => Begin::Replace,
        _ => Begin::Fresh,
    };
    let signals = Signals::listen()?;
    let mut view = View::new(args.quiet);
    let outcome = train(&config, &folder, begin, &mut |event| {
        view.show(&event);
        match signals.stop() {
            true => Go::Stop,
            false => Go::On,
        }
    });
    view.finish();
    let outcome = outcome?;
    let curves = curves::write(&config.name, &folder);
    if outcome.finished {
        sheet::write(&folder.join("samples.png"), &outcome.samples)?;
    }
    curves?;
    if args.json {
        crate::print_json(&Report {
            finished: outcome.finished,
            folder: &folder,
            seconds: outcome.seconds,
            models: &outcome.models,
        })?;
    } else if outcome.finished {
        print(&outcome);
    }
    if outcome.finished {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.quiet {
        note(&format!(
            "stopped; it goes on with `nervure train {} --out {} --resume`",
            args.config.display(),
            folder.display()
        ));
    }
    Ok(ExitCode::from(match signals.terminated() {
        true => TERMINATED,
        false => INTERRUPTED,
    }))
}

/// What came of it, for people.
fn print(outcome: &Outcome) {
    for model in &outcome.models {
        say(&format!(
            "{} (step {}, {})",
            model.path.display(),
            model.step,
            &model.digest[..12]
        ));
        say(scores_table(&model.scores).trim_end());
    }
    say(&format!("trained for {:.0} s", outcome.seconds));
}

/// Quality by compression, against the classical upscaler.
fn scores_table(scores: &Scores) -> String {
    let words = [
        "condition",
        "clips",
        "PSNR-Y",
        "gain",
        "SSIM",
        "gain",
        "worst clip",
    ];
    let mut rows = vec![words.map(String::from).to_vec()];
    for (condition, it) in scores.by_condition() {
        rows.push(vec![
            condition,
            it.clips.to_string(),
            format!("{:.2}", it.model.psnr),
            format!("{:+.2}", it.gain),
            format!("{:.4}", it.model.ssim),
            format!("{:+.4}", it.ssim_gain),
            format!("{:+.2}", it.worst.1),
        ]);
    }
    table(&rows, 1)
}

/// What a person sees of a run on its way.
struct View {
    quiet: bool,
    meter: Option<Meter>,
    /// Since when, and at which step.
    since: (Instant, u64),
    steps: u64,
    loss: f64,
    gain: Option<f64>,
}

/// How much of the mean loss that is shown is of the last step.
const NEW: f64 = 0.02;

impl View {
    fn new(quiet: bool) -> View {
        View {
            quiet,
            meter: None,
            since: (Instant::now(), 0),
            steps: 0,
            loss: f64::NAN,
            gain: None,
        }
    }

    fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Opened {
                parameters,
                macs,
                clips,
                valid,
            } => self.say(&format!(
                "{parameters} parameters, {:.1} thousand multiplications a pixel; {clips} clips to learn \
                 from, {valid} to be tried on",
                macs / 1000.0
            )),
            Event::Part { phase, done, steps } => {
                self.finish();
                self.meter = Some(Meter::new(&format!("train {phase}"), *steps, self.quiet));
                self.since = (Instant::now(), *done);
                self.steps = *steps;
                self.loss = f64::NAN;
                self.gain = None;
            }
            Event::Step { step, loss, .. } => {
                self.loss = match self.loss.is_nan() {
                    true => *loss,
                    false => self.loss + NEW * (loss - self.loss),
                };
                if let Some(meter) = &self.meter {
                    meter.set(*step, || self.words(*step));
                }
            }
            Event::Tried {
                step, scores, best, ..
            } => {
                self.gain = Some(scores.gain());
                let parts: Vec<String> = scores
                    .by_condition()
                    .into_iter()
                    .map(|(condition, it)| format!("{condition} {:+.2}", it.gain))
                    .collect();
                let best = if *best { "  best so far" } else { "" };
                self.say(&format!(
                    "step {step:>7}  dB over the classical upscaler: {}{best}",
                    parts.join(", ")
                ));
            }
        }
    }

    fn words(&self, step: u64) -> String {
        let (since, first) = self.since;
        let rate = (step - first) as f64 / since.elapsed().as_secs_f64().max(1e-3);
        let gain = match self.gain {
            Some(gain) => format!(", {gain:+.2} dB"),
            None => String::new(),
        };
        format!(
            "{step} of {} steps, {rate:.1} a second, loss {:.5}{gain}",
            self.steps, self.loss
        )
    }

    fn say(&self, text: &str) {
        if self.quiet {
            return;
        }
        match &self.meter {
            Some(meter) => meter.aside(|| say(text)),
            None => say(text),
        }
    }

    fn finish(&mut self) {
        if let Some(meter) = self.meter.take() {
            meter.finish();
        }
    }
}
