//! `nervure abr train`: a policy from a configuration and traces.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use nervure_abr::training::{Config, Go, Trained, Trial, train};
use serde::Serialize;

use crate::chart::Chart;
use crate::console::{fail, note, say};
use crate::signals::{INTERRUPTED, Signals, TERMINATED};

/// Train a policy that chooses bitrates
///
/// It imitates a controller at first and then learns by proximal policy optimisation on the training
/// traces; trials on the validation traces say which policy is kept, and when to stop. The run's folder
/// gets policy.json, trials.json, curves.svg and a checkpoint.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure abr train configs/abr-p1.toml --out runs/abr-p1
  nervure abr train configs/abr-p1.toml --out runs/abr-p1 --resume
  nervure abr bench --traces traces/valid/* --controllers robustmpc,runs/abr-p1/policy.json")]
pub(crate) struct TrainArgs {
    /// What to train, on what, and how
    #[arg(value_name = "CONFIG.toml")]
    config: PathBuf,

    /// The run's folder [default: runs/NAME]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The seed, if it is not to be the configuration's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Go on with an unfinished run; where there is none, begin
    #[arg(long)]
    resume: bool,

    /// Begin again where a run is already
    #[arg(long, conflicts_with = "resume")]
    force: bool,

    /// Print the trials as JSON on standard output
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
    trials: &'a [Trial],
}

/// The command.
pub(crate) fn run(args: &TrainArgs) -> Result<ExitCode> {
    let text = fs::read_to_string(&args.config).map_err(|error| {
        fail(
            format!("cannot read {}: {error}", args.config.display()),
            "configs/abr-p1.toml is one to begin with",
        )
    })?;
    let mut config = Config::parse(&args.config.display().to_string(), &text)?;
    config.seed = args.seed.unwrap_or(config.seed);
    let default = Path::new("runs").join(&config.name);
    let folder = args.out.as_deref().unwrap_or(&default);
    if folder.join("checkpoint.json").exists() && !args.resume && !args.force {
        return Err(fail(
            format!("{} holds a run already", folder.display()),
            "go on with --resume, or begin again with --force",
        ));
    }
    let signals = Signals::listen()?;
    let start = Instant::now();
    let trained = train(&config, folder, args.resume, &mut |trial| {
        if !args.quiet {
            say(&line(config.baseline(), trial));
        }
        match signals.stop() {
            true => Go::Stop,
            false => Go::On,
        }
    })?;
    draw(&config, folder, &trained)?;
    if args.json {
        crate::print_json(&Report {
            finished: trained.finished,
            folder,
            seconds: start.elapsed().as_secs_f64(),
            trials: &trained.trials,
        })?;
    }
    if trained.finished {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.quiet {
        note("stopped; it goes on with --resume");
    }
    Ok(ExitCode::from(match signals.terminated() {
        true => TERMINATED,
        false => INTERRUPTED,
    }))
}

fn line(baseline: &str, trial: &Trial) -> String {
    let gains = trial.by_set().into_iter();
    let gains: Vec<String> = gains
        .map(|(set, gain)| format!("{set} {gain:+.3}"))
        .collect();
    let names = trial.scores.iter().map(|(name, _)| name);
    let least = names.zip(&trial.gains).min_by(|a, b| a.1.total_cmp(b.1));
    let least = match least.filter(|_| trial.gains.len() > gains.len()) {
        Some((name, gain)) => format!(", least {gain:+.3} at {name}"),
        None => String::new(),
    };
    let best = if trial.best { "  best so far" } else { "" };
    let (steps, gains) = (trial.steps, gains.join(", "));
    format!("step {steps:>8}  over {baseline}: {gains}{least}{best}")
}

/// The gains of each set over the steps.
fn draw(config: &Config, folder: &Path, trained: &Trained) -> Result<()> {
    let (name, baseline) = (&config.name, config.baseline());
    let mut chart = Chart::lines(format!("{name}: over {baseline}"))
        .subtitle(match config.quality {
            Some(_) => {
                "mean difference of QoE less energy on the validation traces, over its weights"
            }
            None => "mean difference of QoE on the validation traces",
        })
        .labels("step", "QoE")
        .mark(0.0, baseline);
    let trials = trained.trials.iter();
    let by_set: Vec<(u64, Vec<(&str, f64)>)> =
        trials.map(|trial| (trial.steps, trial.by_set())).collect();
    let sets = by_set.first().map_or(0, |(_, sets)| sets.len());
    for at in 0..sets {
        let point = |(steps, sets): &(u64, Vec<(&str, f64)>)| (*steps as f64, sets[at].1);
        chart = chart.line(by_set[0].1[at].0, by_set.iter().map(point));
    }
    chart.write(&folder.join("curves.svg"))
}
