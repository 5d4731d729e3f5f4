//! `nervure models export`: a model for another engine.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use nervure_record::onnx::to_onnx;

use super::shelf::{Wanted, size};
use crate::console::say;
use crate::output::{Pending, may_write};

/// Write a model as ONNX, or as the safetensors file that nervure itself reads.
///
/// The ONNX graph takes `lr`, luma from 0 to 1 as [batch, frames, height, width], and gives `hr`, the
/// same enlarged. Batch, height and width are free. int8 is written with QuantizeLinear and
/// DequantizeLinear.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure models export residual-espcn-x2-s                     as residual-espcn-x2-s.fp32.onnx
  nervure models export residual-espcn-x2-s --precision int8 -o small.onnx
  nervure models export trained/best.safetensors --format safetensors -o models/mine.safetensors")]
pub(super) struct ExportArgs {
    #[command(flatten)]
    wanted: Wanted,

    /// The format [default: by the ending of OUT, or onnx]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// The result, or `-` for standard output [default: NAME.PRECISION.FORMAT]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Onnx,
    Safetensors,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Onnx => "onnx",
            Format::Safetensors => "safetensors",
        })
    }
}

impl Format {
    /// The one that a name asks for.
    fn of(path: &Path) -> Option<Format> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        let all = [Format::Onnx, Format::Safetensors];
        all.into_iter().find(|format| format.to_string() == ending)
    }
}

/// The command.
pub(super) fn run(args: &ExportArgs) -> Result<()> {
    let kept = args.wanted.find()?;
    let card = &kept.artefact.card;
    let named = args.output.as_deref().and_then(Format::of);
    let format = args.format.or(named).unwrap_or(Format::Onnx);
    let path = args.output.clone().unwrap_or_else(|| {
        let name = format!("{}.{}.{format}", card.name, card.precision);
        PathBuf::from(name)
    });
    let piped = path == Path::new("-");
    if !piped {
        may_write(&path, args.force, &format!("{}.{format}", card.name))?;
    }
    let bytes = match format {
        Format::Onnx => to_onnx(&kept.artefact),
        Format::Safetensors => kept.artefact.to_bytes(),
    };
    let bytes = bytes.with_context(|| format!("cannot export {}", kept.path.display()))?;
    if piped {
        return io::stdout()
            .write_all(&bytes)
            .context("cannot write standard output");
    }
    let pending = Pending::new(&path);
    fs::write(pending.part(), &bytes)
        .with_context(|| format!("cannot write {}", path.display()))?;
    pending.finish()?;
    say(&format!("{}: {}", path.display(), size(bytes.len() as u64)));
    Ok(())
}
