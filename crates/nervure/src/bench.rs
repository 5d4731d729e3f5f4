//! `nervure bench`: how fast this machine is.

mod engine;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Measure how fast this machine is
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Engine(engine::EngineArgs),
}

/// The command.
pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode> {
    match &args.command {
        Command::Engine(args) => engine::run(args),
    }
}
