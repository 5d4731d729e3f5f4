//! Artefacts as ONNX, for other engines.
//!
//! The graph takes `lr`, `[batch, frames, height, width]`, and gives `hr`,
//! `[batch, 1, height * scale, width * scale]`: luma as numbers from 0 for code 0 to 1 for the largest
//! code. Batch, height and width are free. What is given is not clamped; a little more than 1 and a
//! little less than 0 is what sharp edges give.
//!
//! A network that mends takes the damaged picture, guesses at it made from those before it, the best last,
//! and 1 where the picture is lost and 0 elsewhere. Height and width must be even.
//!
//! What is quantised is written with `QuantizeLinear` and `DequantizeLinear` around its convolutions.
//! That says what the integers stand for, and leaves it to engines how they round: pictures are
//! therefore the same as the definition's within rounding, not to the bit.

mod classical;
mod graph;
mod larger;
mod proto;
mod residual_espcn;

use prost::Message;

use crate::{Artefact, Card, Error, Family, Planes, Result};
use graph::{Axis, Builder};

/// The operators that we write, as ONNX numbers them.
const OPSET: i64 = 18;

/// The file format that those came with.
const IR_VERSION: i64 = 9;

/// The name of what goes in.
pub const INPUT: &str = "lr";

/// The name of what comes out.
pub const OUTPUT: &str = "hr";

/// The bytes of an ONNX file. The same artefact is always the same bytes.
pub fn to_onnx(artefact: &Artefact) -> Result<Vec<u8>> {
    let digest = artefact.digest()?;
    let card = &artefact.card;
    let graph = match card.family {
        Family::ResidualEspcn => residual_espcn::graph(artefact)?,
        Family::LightweightSuperResolution => larger::lightweight(artefact)?,
        Family::SuperResolution => larger::super_resolution(artefact)?,
        Family::FrameRecovery => larger::frame_recovery(artefact)?,
    };
    let out = match card.family {
        Family::FrameRecovery => "mended".into(),
        _ => format!("{} times as large", card.scale),
    };
    let doc = format!(
        "{}: luma from 0 to 1 in, {out} out, {}.",
        card.name, card.precision
    );
    let property = |key: &str, value: String| proto::StringStringEntry {
        key: key.into(),
        value,
    };
    let model = proto::Model {
        ir_version: IR_VERSION,
        producer_name: "nervure".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: doc,
        graph: Some(graph),
        opset_import: vec![proto::OperatorSetId {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: vec![
            property("name", card.name.clone()),
            property("digest", digest),
            property("card", card.to_json()?),
        ],
    };
    Ok(model.encode_to_vec())
}

/// A graph with what goes in, of so many channels, and what comes out.
fn begin(card: &Card, channels: usize) -> Builder {
    let mut builder = Builder::new(&card.name);
    let free = Axis::Free;
    let given = [
        free("batch"),
        Axis::Known(channels),
        free("height"),
        free("width"),
    ];
    builder.input(INPUT, &given);
    let (tall, wide) = match card.scale {
        1 => ("height".into(), "width".into()),
        scale => (format!("height*{scale}"), format!("width*{scale}")),
    };
    let result = [free("batch"), Axis::Known(1), free(&tall), free(&wide)];
    builder.output(OUTPUT, &result);
    builder
}

fn luma_only(card: &Card) -> Result<()> {
    match card.planes {
        Planes::Luma => Ok(()),
        planes => Err(Error::Card {
            reason: format!("{} works on luma, not on {planes}", card.family),
        }),
    }
}

/// A size from a card. Bounds are far more than any has, and so low that no product of them overflows.
fn bounded(card: &Card, name: &str, least: usize, most: usize) -> Result<usize> {
    let number = card.parameter(name)?;
    match (least..=most).contains(&number) {
        true => Ok(number),
        false => Err(Error::Card {
            reason: format!("{name} of {number}, not {least} to {most}"),
        }),
    }
}

#[cfg(test)]
mod tests;
