//! `nervure models`: what was trained, and what it is worth.

mod export;
mod list;
pub(crate) mod shelf;
pub(crate) mod shipped;
mod show;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use nervure_record::{Artefact, Precision};

use self::shelf::Kept;
use crate::console::fail;

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

/// Names of sizes, as people give them.
const TIERS: [&str; 5] = ["xs", "s", "m", "l", "xl"];

/// The real-time models that the command carries with it, the smallest first.
pub(crate) fn shipped_tiers(scale: usize) -> Result<Vec<Artefact>> {
    let named = |tier| format!("residual-espcn-x{scale}-{tier}");
    let found = TIERS.map(named).into_iter().filter_map(|name| {
        let bytes = shipped::find(&name)?;
        Some(Artefact::from_bytes(bytes).with_context(|| format!("cannot read {name}")))
    });
    found.collect()
}

/// A model by size, name or file: one that the command carries with it, or one in `models/`. Where there
/// are two of a name, the one in whole numbers, which is for real time.
pub(crate) fn find_model(wanted: &str, scale: usize) -> Result<Artefact> {
    if shelf::is_path(wanted) {
        return Ok(Kept::read(Path::new(wanted))?.artefact);
    }
    let tier = wanted.to_ascii_lowercase();
    let is_tier = TIERS.contains(&tier.as_str());
    let name = match is_tier {
        true => format!("residual-espcn-x{scale}-{tier}"),
        false => wanted.to_string(),
    };
    if let Some(bytes) = shipped::find(&name) {
        return Artefact::from_bytes(bytes).with_context(|| format!("cannot read {name}"));
    }
    let kept = [Precision::Int8, Precision::Fp32]
        .map(|precision| Path::new("models").join(format!("{name}.{precision}.safetensors")))
        .into_iter()
        .find(|path| path.exists());
    let Some(kept) = kept else {
        let what = match is_tier {
            true => format!("of size {tier} that makes pictures {scale} times larger"),
            false => format!("called {name:?}"),
        };
        return Err(fail(
            format!("there is no model {what}"),
            format!(
                "there are {}; or give a .safetensors file",
                shipped::names().join(", ")
            ),
        ));
    };
    Ok(Kept::read(&kept)?.artefact)
}
