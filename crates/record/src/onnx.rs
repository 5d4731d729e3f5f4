//! Artefacts as ONNX, for other engines.
//!
//! The graph takes `lr`, `[batch, frames, height, width]`, and gives `hr`,
//! `[batch, 1, height * scale, width * scale]`: luma as numbers from 0 for code 0 to 1 for the largest
//! code. Batch, height and width are free. What is given is not clamped; a little more than 1 and a
//! little less than 0 is what sharp edges give.
//!
//! What is quantised is written with `QuantizeLinear` and `DequantizeLinear` around its convolutions.
//! That says what the integers stand for, and leaves it to engines how they round: pictures are
//! therefore the same as the definition's within rounding, not to the bit.

mod graph;
mod proto;
mod residual_espcn;

use prost::Message;

use crate::{Artefact, Error, Family, Result};

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
        family => {
            return Err(Error::Unsupported {
                what: format!("{family} has no ONNX form yet"),
                hint: Some("export it as safetensors".into()),
            });
        }
    };
    let doc = format!(
        "{}: luma from 0 to 1 in, {} times as large out, {}.",
        card.name, card.scale, card.precision
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

#[cfg(test)]
mod tests;
