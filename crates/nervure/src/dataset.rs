//! `nervure dataset`: pairs of damaged and whole video to train on.

mod inspect;
mod make;
mod place;
mod progress;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Make, look at and check datasets to train on.
#[derive(Args, Debug)]
pub(crate) struct DatasetArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Make(Box<make::MakeArgs>),
    Inspect(inspect::InspectArgs),
    Verify(verify::VerifyArgs),
    /// What `make` starts for itself: carry out the order on standard input
    #[command(name = make::HELPER, hide = true)]
    Helper,
}

/// The command.
pub(crate) fn run(args: &DatasetArgs) -> Result<ExitCode> {
    match &args.command {
        Command::Make(args) => make::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Helper => {
            nervure_dataset::make::help()?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
