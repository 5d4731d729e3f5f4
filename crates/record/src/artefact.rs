//! A model and its card, as the bytes of one safetensors file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use safetensors::tensor::{Dtype, View};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::header::{self, MAX_HEADER, METADATA};
use crate::{Card, Data, Error, Result, SCHEMA, Tensor};

/// Where the card is kept among the words of the file.
const CARD: &str = "nervure";

/// A model and its card.
#[derive(Clone, Debug, PartialEq)]
pub struct Artefact {
    /// What it says of itself.
    pub card: Card,
    /// Its numbers by name.
    pub tensors: BTreeMap<String, Tensor>,
}

impl Artefact {
    /// The file: the same artefact is always the same bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        let words = [(CARD.to_string(), self.card.to_json()?)];
        let words = words.into_iter().collect();
        let bytes = safetensors::serialize(&self.tensors, Some(words))
            .map_err(|error| Error::corrupt(error.to_string()))?;
        let length = bytes
            .first_chunk::<8>()
            .map(|length| u64::from_le_bytes(*length));
        match length {
            Some(length) if length <= MAX_HEADER as u64 => Ok(bytes),
            _ => Err(Error::Card {
                reason: format!("it and the names of tensors take more than {MAX_HEADER} bytes"),
            }),
        }
    }

    /// Reads a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let header = header::read(bytes)?;
        let card = header.words.get(CARD);
        let card = card.ok_or_else(|| Error::corrupt("there is no card of nervure in it"))?;
        let card = read_card(card)?;
        let mut tensors = BTreeMap::new();
        for (name, info) in header.tensors {
            let (start, end) = info.data_offsets;
            let bytes = header.data.get(start..end).unwrap_or_default();
            let data = match info.dtype {
                Dtype::F32 => Data::F32(numbers(bytes, f32::from_le_bytes)),
                Dtype::I8 => Data::I8(numbers(bytes, i8::from_le_bytes)),
                Dtype::I32 => Data::I32(numbers(bytes, i32::from_le_bytes)),
                other => {
                    return Err(Error::corrupt(format!(
                        "the tensor {name:?} holds {other}, not F32, I8 or I32"
                    )));
                }
            };
            let shape = info.shape;
            tensors.insert(name, Tensor { shape, data });
        }
        let artefact = Artefact { card, tensors };
        artefact.check()?;
        Ok(artefact)
    }

    /// SHA-256 of the file in hexadecimal: its true name.
    pub fn digest(&self) -> Result<String> {
        let hash = Sha256::digest(self.to_bytes()?);
        Ok(hash.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// One of its tensors.
    pub fn tensor(&self, name: &str) -> Result<&Tensor> {
        self.tensors
            .get(name)
            .ok_or_else(|| Error::NoTensor { name: name.into() })
    }

    /// One of its tensors, which must have this shape.
    pub fn shaped(&self, name: &str, shape: &[usize]) -> Result<&Tensor> {
        let tensor = self.tensor(name)?;
        match tensor.shape == shape {
            true => Ok(tensor),
            false => Err(Error::Shape {
                name: name.into(),
                found: tensor.shape.clone(),
                wanted: shape.into(),
            }),
        }
    }

    fn check(&self) -> Result<()> {
        self.card.check()?;
        for (name, tensor) in &self.tensors {
            if name.is_empty() || name == METADATA {
                return Err(Error::corrupt(format!("no tensor may be called {name:?}")));
            }
            tensor.check()?;
            if let Data::F32(numbers) = &tensor.data
                && let Some(&value) = numbers.iter().find(|number| !number.is_finite())
            {
                let name = name.clone();
                return Err(Error::NotFinite { name, value });
            }
        }
        Ok(())
    }
}

/// The schema first: the rest of a newer card may not be what we expect.
fn read_card(text: &str) -> Result<Card> {
    let broken = |error| Error::corrupt(format!("its card is not what it should be: {error}"));
    let schema = serde_json::from_str::<Value>(text).map_err(broken)?["schema"].as_u64();
    match schema {
        Some(found) if found > SCHEMA.into() => Err(Error::Newer {
            found,
            known: SCHEMA,
        }),
        _ => serde_json::from_str(text).map_err(broken),
    }
}

fn numbers<T, const N: usize>(bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
    let (numbers, _) = bytes.as_chunks::<N>();
    numbers.iter().map(|&bytes| number(bytes)).collect()
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        match self.data {
            Data::F32(_) => Dtype::F32,
            Data::I8(_) => Dtype::I8,
            Data::I32(_) => Dtype::I32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(match &self.data {
            Data::F32(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::I8(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::I32(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        match &self.data {
            Data::I8(numbers) => numbers.len(),
            Data::F32(_) | Data::I32(_) => 4 * self.data.len(),
        }
    }
}

#[cfg(test)]
mod tests;
