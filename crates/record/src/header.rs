//! The head of a safetensors file, read with suspicion.
//!
//! The `safetensors` crate takes the last of two tensors with one name, and adds up lengths that a
//! file says without looking whether they fit. So the head is read here, and given to that crate when
//! nothing in it can surprise.

use std::collections::{HashMap, HashSet};
use std::fmt;

use safetensors::tensor::{Metadata, TensorInfo};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use crate::{Error, Result};

/// The key that stands for what is no tensor.
pub(crate) const METADATA: &str = "__metadata__";

/// The most that a head may take: a million weights need one of a few kilobytes.
pub(crate) const MAX_HEADER: usize = 4 << 20;

/// What a file holds.
pub(crate) struct Header<'a> {
    /// Words by key.
    pub(crate) words: HashMap<String, String>,
    /// Tensors and where their bytes are, one after the other without gaps.
    pub(crate) tensors: Vec<(String, TensorInfo)>,
    /// The bytes of all tensors.
    pub(crate) data: &'a [u8],
}

/// Takes a file apart.
pub(crate) fn read(bytes: &[u8]) -> Result<Header<'_>> {
    let (length, rest) = bytes
        .split_first_chunk::<8>()
        .ok_or_else(|| Error::corrupt(format!("{} bytes are not even a head", bytes.len())))?;
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER as u64 {
        return Err(Error::corrupt(format!(
            "a head of {length} bytes, more than {MAX_HEADER}"
        )));
    }
    let (head, data) = rest.split_at_checked(length as usize).ok_or_else(|| {
        Error::corrupt(format!(
            "it ends within its head, after {} bytes",
            bytes.len()
        ))
    })?;
    let Head { words, mut tensors } = serde_json::from_slice(head)
        .map_err(|error| Error::corrupt(format!("its head is not what it should be: {error}")))?;
    let end = tensors.iter().map(|(_, info)| info.data_offsets.1).max();
    if end.unwrap_or(0) != data.len() {
        return Err(Error::corrupt(format!(
            "it has {} bytes of tensors, and should have {}",
            data.len(),
            end.unwrap_or(0)
        )));
    }
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    // Shapes and lengths agree, and nothing lies twice or between.
    Metadata::new(None, tensors.clone()).map_err(|error| Error::corrupt(error.to_string()))?;
    Ok(Header {
        words,
        tensors,
        data,
    })
}

struct Head {
    words: HashMap<String, String>,
    tensors: Vec<(String, TensorInfo)>,
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Heads;
        impl<'de> Visitor<'de> for Heads {
            type Value = Head;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
                let mut head = Head {
                    words: HashMap::new(),
                    tensors: Vec::new(),
                };
                let mut seen = HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format!("{name:?} stands there twice")));
                    }
                    if name == METADATA {
                        head.words = map.next_value::<Words>()?.0;
                    } else {
                        head.tensors.push((name, map.next_value()?));
                    }
                }
                Ok(head)
            }
        }
        deserializer.deserialize_map(Heads)
    }
}

struct Words(HashMap<String, String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of words")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
                let mut words = HashMap::new();
                while let Some((key, word)) = map.next_entry::<String, String>()? {
                    if words.contains_key(&key) {
                        return Err(A::Error::custom(format!("{key:?} stands there twice")));
                    }
                    words.insert(key, word);
                }
                Ok(Words(words))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
