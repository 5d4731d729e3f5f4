//! `nervure abr`: bitrate controllers and the traces they are measured on.

mod bench;
mod ladder;
mod traces;
mod train;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Compare and train bitrate controllers, measure ladders, and handle bandwidth traces
#[derive(Args, Debug)]
pub(crate) struct AbrArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Bench(bench::BenchArgs),
    Ladder(ladder::LadderArgs),
    Train(train::TrainArgs),
    Traces(traces::TracesArgs),
}

/// The command.
pub(crate) fn run(args: &AbrArgs) -> Result<ExitCode> {
    match &args.command {
        Command::Bench(args) => bench::run(args),
        Command::Ladder(args) => ladder::run(args),
        Command::Train(args) => train::run(args),
        Command::Traces(args) => traces::run(args),
    }
}
