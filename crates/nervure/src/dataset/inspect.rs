//! `nervure dataset inspect`: what a dataset holds, in numbers, charts and pictures.

mod charts;
mod sheet;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use nervure_dataset::inspect::{Overview, manifests};

use super::place;
use crate::console::{note, say};

/// Look at a dataset: tables, histograms, and a sheet of its pictures.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure dataset inspect pairs
  nervure dataset inspect pairs --contact-sheet sheet.png --rows 8
  nervure dataset inspect s3://bucket/pairs --charts charts --json > overview.json")]
pub(super) struct InspectArgs {
    /// The dataset: a folder, or s3://BUCKET/PREFIX with the usual AWS_ variables
    #[arg(value_name = "DIR")]
    place: String,

    /// Draw pairs of pictures here, with what was lost in red
    #[arg(long, value_name = "OUT.png", value_parser = png)]
    contact_sheet: Option<PathBuf>,

    /// Pairs on the sheet
    #[arg(long, value_name = "N", default_value_t = 10, requires = "contact_sheet",
          value_parser = clap::value_parser!(u16).range(1..=100))]
    rows: u16,

    /// Draw charts into this folder
    #[arg(long, value_name = "OUT_DIR")]
    charts: Option<PathBuf>,

    /// Folder of this machine for files that are fetched, when DIR is not one
    #[arg(long, value_name = "DIR")]
    staging: Option<PathBuf>,

    /// Print everything as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// A name that a picture can be written to.
fn png(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    if ending.is_some_and(|ending| ending == "png") {
        Ok(path)
    } else {
        Err("a sheet's name ends in .png".into())
    }
}

/// The command.
pub(super) fn run(args: &InspectArgs) -> Result<ExitCode> {
    let store = place::open(&args.place, args.staging.clone())?;
    let manifests = manifests(&store)?;
    let overview = Overview::of(&manifests).context("no manifest could be read")?;
    let (found, of) = overview.shards;
    if found < of as usize {
        note(&format!("{found} of {of} shards are finished"));
    }
    if args.json {
        crate::print_json(&overview)?;
    } else {
        text::print(store.name(), &overview)?;
    }
    if let Some(folder) = &args.charts {
        let written = charts::write(&overview, folder)?;
        say(&format!("{written} charts are in {}", folder.display()));
    }
    if let Some(path) = &args.contact_sheet {
        sheet::write(&store, &manifests, usize::from(args.rows), path)?;
        say(&format!("the sheet is {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
