//! `nervure models show`: a model's card.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use nervure_record::{Card, Quality};
use serde_json::Value;

use super::shelf::{Kept, Wanted, plain, size};
use crate::table::table;

/// Show what a model says of itself: how it was made, from what, and how good it is.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure models show residual-espcn-x2-s
  nervure models show residual-espcn-x2-s --precision int8
  nervure models show trained/best.safetensors --json | jq .card.quality")]
pub(super) struct ShowArgs {
    #[command(flatten)]
    wanted: Wanted,

    /// Print the card, digest and size as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// The command.
pub(super) fn run(args: &ShowArgs) -> Result<()> {
    let kept = args.wanted.find()?;
    if args.json {
        return crate::print_json(&kept.entry()?);
    }
    crate::print_text(&page(&kept)?)
}

fn page(kept: &Kept) -> Result<String> {
    let card = &kept.artefact.card;
    let training = &card.training;
    let mut page = format!(
        "{}: {}, {}x, {}, {}\n\n",
        card.name, card.family, card.scale, card.planes, card.precision
    );
    let mut add = |what: &str, words: &str| {
        if !words.trim().is_empty() {
            // Writing to a string does not fail.
            let _ = writeln!(page, "{what:<10}  {}", plain(words.trim()));
        }
    };
    let numbers = kept.weights();
    let file = kept.path.display();
    add(
        "file",
        &format!("{file}, {}, {numbers} weights", size(kept.size)),
    );
    add("digest", &kept.artefact.digest()?);
    add("parent", card.parent.as_deref().unwrap_or(""));
    let parameters: Vec<String> = card
        .parameters
        .iter()
        .map(|(name, number)| format!("{name} {number}"))
        .collect();
    add("parameters", &parameters.join(", "));
    let steps = format!("{} steps, seed {}", training.steps, training.seed);
    add("training", &steps);
    for data in &training.data {
        add("data", &format!("{} ({})", data.name, data.sha256));
    }
    for source in &card.sources {
        add("source", source);
    }
    add("licence", &card.licence);
    for line in card.notes.lines() {
        add("note", line);
    }
    let quality = quality(card);
    if !quality.is_empty() {
        let _ = write!(page, "\nquality, and Lanczos in brackets\n{quality}");
    }
    if training.config != Value::Null {
        let config = serde_json::to_string_pretty(&training.config)?;
        let lines = config.lines().map(|line| format!("  {}\n", plain(line)));
        let _ = write!(page, "\nconfiguration\n{}", lines.collect::<String>());
    }
    Ok(page)
}

fn quality(card: &Card) -> String {
    let head = [
        "test set",
        "condition",
        "clips",
        "PSNR-Y",
        "SSIM",
        "worst gain",
    ];
    let row = |set: &Quality| {
        vec![
            plain(&set.test_set),
            plain(&set.condition),
            set.clips.to_string(),
            format!("{:.2} ({:.2})", set.psnr_y, set.psnr_y_lanczos),
            format!("{:.4} ({:.4})", set.ssim, set.ssim_lanczos),
            format!("{:+.2} dB", set.worst_gain),
        ]
    };
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(card.quality.iter().map(row));
    table(&rows, 2)
}
