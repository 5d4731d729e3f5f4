//! `nervure models list`: what there is.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::shelf::{self, Entry, Kept};
use crate::console::note;
use crate::table::table;

/// List the models in a folder.
///
/// `gain` is PSNR of luma over Lanczos on the clips that a model was measured on, and `worst` that of
/// the clip which gained least; both in dB.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure models list
  nervure models list --dir trained --json | jq '.[].card.name'")]
pub(super) struct ListArgs {
    /// The folder that holds models
    #[arg(long, value_name = "DIR", default_value = "models")]
    dir: PathBuf,

    /// Print cards, digests and sizes as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// The command.
pub(super) fn run(args: &ListArgs) -> Result<()> {
    let models = shelf::all(&args.dir)?;
    if args.json {
        let entries: Vec<Entry<'_>> = models.iter().map(Kept::entry).collect::<Result<_>>()?;
        return crate::print_json(&entries);
    }
    if models.is_empty() {
        note(&format!("there are no models in {}", args.dir.display()));
    }
    let head = [
        "name", "family", "planes", "weights", "scale", "in", "size", "gain", "worst",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(models.iter().map(row));
    crate::print_text(&table(&rows, 3))
}

fn row(kept: &Kept) -> Vec<String> {
    let card = &kept.artefact.card;
    let (gain, worst) = match shelf::gain(&card.quality) {
        Some((gain, worst)) => (format!("{gain:+.2}"), format!("{worst:+.2}")),
        None => ("-".into(), "-".into()),
    };
    vec![
        card.name.clone(),
        card.family.to_string(),
        card.planes.to_string(),
        kept.weights().to_string(),
        format!("{}x", card.scale),
        card.precision.to_string(),
        shelf::size(kept.size),
        gain,
        worst,
    ]
}
