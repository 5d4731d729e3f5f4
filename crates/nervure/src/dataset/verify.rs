//! `nervure dataset verify`: whether every file is what the manifests say.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use nervure_dataset::verify::{Report, VerifyOptions, verify};

use super::place;
use crate::console::{Meter, say};

/// Check that a dataset is whole: every shard, every file, every sample.
///
/// Exits with 0 when it is, with 1 when something is wrong, and with 2 when it could not be read.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure dataset verify pairs
  nervure dataset verify s3://bucket/pairs --jobs 8
  nervure dataset verify pairs --json | jq .problems")]
pub(super) struct VerifyArgs {
    /// The dataset: a folder, or s3://BUCKET/PREFIX with the usual AWS_ variables
    #[arg(value_name = "DIR")]
    place: String,

    /// Clips to look at side by side [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    /// List so many problems; all are counted
    #[arg(long, value_name = "N", default_value_t = 100)]
    most: usize,

    /// Folder of this machine for files that are fetched, when DIR is not one
    #[arg(long, value_name = "DIR")]
    staging: Option<PathBuf>,

    /// Print what was found as JSON on standard output
    #[arg(long)]
    json: bool,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// The command.
pub(super) fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let store = place::open(&args.place, args.staging.clone())?;
    let options = VerifyOptions {
        jobs: args.jobs.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        ),
        most_problems: args.most,
    };
    let meter = std::sync::OnceLock::new();
    let report = verify(&store, &options, &|done, of| {
        meter
            .get_or_init(|| Meter::new("verify", of as u64, args.quiet))
            .set(done as u64, || format!("{done} of {of} clips"));
    });
    if let Some(meter) = meter.get() {
        meter.finish();
    }
    let report = report?;
    if args.json {
        crate::print_json(&report)?;
    } else {
        print(&report)?;
    }
    if !args.quiet {
        say(&verdict(store.name(), &report));
    }
    Ok(if report.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// A line for each problem.
fn print(report: &Report) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut write = || {
        for problem in &report.problems {
            writeln!(out, "{}: {}", problem.name, problem.what)?;
        }
        let more = report.problem_count - report.problems.len();
        if more > 0 {
            writeln!(out, "... and {more} more")?;
        }
        io::Result::Ok(())
    };
    write().context("cannot write standard output")
}

fn verdict(name: &str, report: &Report) -> String {
    let held = format!(
        "{} clips, {} pairs in {} files, {:.1} MB",
        report.clips,
        report.frames,
        report.files,
        report.bytes as f64 / 1e6
    );
    let held = match report.skipped {
        0 => held,
        skipped => format!("{held}; {skipped} sources or parts of some were skipped"),
    };
    match report.problem_count {
        0 => format!("{name} is whole: {held}"),
        1 => format!("{name} has a problem: {held}"),
        count => format!("{name} has {count} problems: {held}"),
    }
}
