//! `nervure models`: what was trained, and what it is worth.

mod export;
mod list;
pub(crate) mod shelf;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// List models, look at their cards, and export them for other engines.
#[derive(Args, Debug)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Export(export::ExportArgs),
}

/// The command.
pub(crate) fn run(args: &ModelsArgs) -> Result<ExitCode> {
    match &args.command {
        Command::List(args) => list::run(args)?,
        Command::Show(args) => show::run(args)?,
        Command::Export(args) => export::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}
