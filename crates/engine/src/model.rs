//! Models, ready to run.

use std::sync::Arc;

use nervure_kernels::Isa;
use nervure_kernels::int8::{Layer, Network, Program};
use nervure_record::{Artefact, Card, Family, Precision};

use crate::Error;

/// A real-time model: what its card says, and the program that the processor runs. Copies share it.
#[derive(Clone, Debug)]
pub struct Model {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    card: Card,
    program: Program,
}

impl Model {
    /// Of a file's bytes, for the best instructions that the processor has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, Error> {
        let artefact = Artefact::from_bytes(bytes).map_err(|error| Error::Model {
            name: "given".into(),
            reason: error.to_string(),
        })?;
        Model::new(&artefact, Isa::detect())
    }

    /// Of an artefact, for an instruction set that the processor has.
    pub fn new(artefact: &Artefact, isa: Isa) -> Result<Model, Error> {
        let network = whole_numbers(artefact)?;
        let card = artefact.card.clone();
        let program = Program::new(&network, isa).map_err(|error| refused(&card, &error))?;
        let shared = Arc::new(Shared { card, program });
        Ok(Model { shared })
    }

    /// What it says of itself.
    pub fn card(&self) -> &Card {
        &self.shared.card
    }

    /// How many times as large a picture becomes.
    pub fn scale(&self) -> usize {
        self.shared.program.scale()
    }

    /// Pictures that it looks at: the one that becomes larger, and those before it.
    pub fn frames(&self) -> usize {
        self.shared.program.frames()
    }

    /// Multiplications for each pixel of the picture, the classical upscaler's not counted.
    pub fn macs(&self) -> usize {
        self.shared.program.macs()
    }

    /// What runs.
    pub fn program(&self) -> &Program {
        &self.shared.program
    }
}

fn refused(card: &Card, reason: &dyn std::fmt::Display) -> Error {
    Error::Model {
        name: card.name.clone(),
        reason: reason.to_string(),
    }
}

/// The network in whole numbers that an artefact holds.
pub fn whole_numbers(artefact: &Artefact) -> Result<Network, Error> {
    let card = &artefact.card;
    let refuse = |reason: String| refused(card, &reason);
    if (card.family, card.precision) != (Family::ResidualEspcn, Precision::Int8) {
        return Err(refuse(format!(
            "it is a {} in {}, and only residual-espcn in int8 runs in real time",
            card.family, card.precision
        )));
    }
    let size = |name: &str| {
        card.parameter(name)
            .map_err(|error| refuse(error.to_string()))
    };
    let mut layers = Vec::new();
    for number in 0..size("layers")? {
        let layer = layer(artefact, number);
        layers.push(layer.map_err(|reason| refuse(format!("layer {number}: {reason}")))?);
    }
    let network = Network {
        scale: card.scale as usize,
        frames: size("frames")?,
        layers,
    };
    network.check().map_err(|error| refuse(error.to_string()))?;
    Ok(network)
}

fn layer(artefact: &Artefact, number: usize) -> Result<Layer, String> {
    let tensor = |name: &str| {
        let tensor = artefact.tensor(&format!("convs.{number}.{name}"));
        tensor.map_err(|error| error.to_string())
    };
    let whole = |name: &str| -> Result<Vec<i32>, String> {
        let numbers = tensor(name)?.as_i32();
        Ok(numbers.map_err(|error| error.to_string())?.to_vec())
    };
    let weight = tensor("weight")?;
    let [outputs, inputs, 3, 3] = weight.shape[..] else {
        return Err(format!("weights are {:?}", weight.shape));
    };
    let narrow = |name: &str| format!("its {name} is out of range");
    let multiplier: Result<Vec<i16>, _> = whole("multiplier")?
        .into_iter()
        .map(i16::try_from)
        .collect();
    let shift: Result<Vec<u8>, _> = whole("shift")?.into_iter().map(u8::try_from).collect();
    Ok(Layer {
        inputs,
        outputs,
        weights: weight.as_i8().map_err(|error| error.to_string())?.to_vec(),
        bias: whole("bias")?,
        multiplier: multiplier.map_err(|_| narrow("multiplier"))?,
        shift: shift.map_err(|_| narrow("shift"))?,
    })
}
