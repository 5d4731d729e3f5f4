//! The `nervure` command: arguments, wiring, progress, reports.
#![forbid(unsafe_code)]

mod abr;
mod bench;
mod chart;
mod console;
mod dataset;
mod demo;
mod enhance;
mod evaluate;
mod models;
mod output;
mod sample;
mod score;
mod sheet;
mod signals;
mod table;
mod train;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Frame-sized buffers come and go all the time: the system's allocator would hand each back to
/// the kernel and fault it in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Make video look better on the hardware you have.
#[derive(Parser, Debug)]
#[command(
    name = "nervure",
    version,
    propagate_version = true,
    subcommand_required = true
)]
struct Arguments {
    /// Tell more of what happens; twice for still more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Enhance(enhance::EnhanceArgs),
    Score(score::ScoreArgs),
    Sample(sample::SampleArgs),
    Dataset(dataset::DatasetArgs),
    Models(models::ModelsArgs),
    Train(train::TrainArgs),
    Evaluate(evaluate::EvaluateArgs),
    Abr(abr::AbrArgs),
    Bench(bench::BenchArgs),
    Demo(demo::DemoArgs),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr(arguments.verbose);
    run(&arguments.command).unwrap_or_else(|error| {
        console::report_error(&error);
        ExitCode::from(2)
    })
}

fn run(command: &Command) -> Result<ExitCode> {
    // Whoever asks for an instruction set by name wants that one or an error.
    nervure_kernels::Isa::from_env().context("NERVURE_ISA")?;
    match command {
        Command::Enhance(args) => enhance::run(args),
        Command::Score(args) => score::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Dataset(args) => dataset::run(args),
        Command::Models(args) => models::run(args),
        Command::Train(args) => train::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Abr(args) => abr::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Demo(args) => demo::run(args),
    }
}

/// Logs on stderr: errors of the libraries by default, more with `-v` or `NERVURE_LOG`.
fn log_to_stderr(verbose: u8) {
    let level = ["off", "info", "debug", "trace"][usize::from(verbose.min(3))];
    let filter = EnvFilter::try_from_env("NERVURE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
}

/// Prints one JSON document on standard output.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    print_text(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Prints what people asked for on standard output.
fn print_text(text: &str) -> Result<()> {
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write standard output")
}
