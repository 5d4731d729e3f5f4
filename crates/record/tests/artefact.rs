//! Files of every schema there was, and files that no program of good will wrote.
#![allow(clippy::unwrap_used)]

mod read_entry;

use std::collections::BTreeMap;

use nervure_record::{
    Artefact, Card, DataSource, Family, Planes, Precision, Quality, Tensor, Training,
};

/// Written by the first version of this crate, and never again.
const SCHEMA_1: &[u8] = include_bytes!("fixtures/schema-1.safetensors");

fn schema_1() -> Artefact {
    let tensors = [
        (
            "convs.0.weight",
            Tensor::i8([1, 1, 3, 3], (-4..5).collect()),
        ),
        ("convs.0.bias", Tensor::i32([1], vec![-70_000])),
        ("convs.0.input_scale", Tensor::f32([1], vec![1.0 / 255.0])),
    ];
    Artefact {
        card: Card {
            schema: 1,
            name: "residual-espcn-x2-xs".into(),
            family: Family::ResidualEspcn,
            parameters: BTreeMap::from([
                ("channels".into(), 8),
                ("layers".into(), 8),
                ("frames".into(), 1),
                // Of an early network, which nothing runs any more: its card can be read.
                ("fold".into(), 2),
            ]),
            scale: 2,
            planes: Planes::Luma,
            precision: Precision::Int8,
            training: Training {
                config: serde_json::json!({"rate": 0.0005, "losses": ["l1", "ssim"]}),
                steps: 120_000,
                seed: 7,
                data: vec![DataSource {
                    name: "drawn-scenes".into(),
                    sha256: "00ff".repeat(16),
                }],
            },
            parent: Some("0123456789abcdef".repeat(4)),
            quality: vec![Quality {
                test_set: "drawn-scenes".into(),
                condition: "h264, 250 kbit/s".into(),
                clips: 12,
                psnr_y: 31.72,
                ssim: 0.9021,
                psnr_y_lanczos: 31.15,
                ssim_lanczos: 0.8934,
                worst_gain: 0.08,
            }],
            sources: vec!["scenes drawn by nervure".into()],
            licence: "MIT OR Apache-2.0".into(),
            notes: "kept for tests".into(),
        },
        tensors: tensors
            .into_iter()
            .map(|(name, tensor)| (name.into(), tensor.unwrap()))
            .collect(),
    }
}

#[test]
fn the_first_schema_is_read_for_ever() {
    let artefact = Artefact::from_bytes(SCHEMA_1).unwrap();
    assert_eq!(artefact, schema_1());
}

/// As long as there is no other schema, what is written is what was.
#[test]
fn the_first_schema_is_written_as_it_was() {
    assert_eq!(schema_1().to_bytes().unwrap(), SCHEMA_1);
    assert_eq!(
        schema_1().digest().unwrap(),
        "c5eb08cfa707dfe58230216810f0fe4c5de82b5488dd14d38c352d19cfc8b9a4"
    );
}

/// The same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// One change of the kinds that a fuzzer makes.
fn mutate(data: &mut Vec<u8>, numbers: &mut Numbers) {
    const TOKENS: [&[u8]; 10] = [
        b"-1",
        b"1e999",
        b"null",
        b"18446744073709551615",
        b"\"",
        b"[",
        b"{",
        b"}",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
    ];
    let at = numbers.below(data.len());
    match numbers.below(4) {
        0 if !data.is_empty() => data[at] ^= 1 << numbers.below(8),
        1 => {
            let token = TOKENS[numbers.below(TOKENS.len())];
            let end = (at + token.len() * numbers.below(2)).min(data.len());
            data.splice(at..end, token.iter().copied());
        }
        2 if numbers.below(8) == 0 => data.truncate(at),
        2 => {
            let end = (at + numbers.below(9)).min(data.len());
            data.drain(at..end);
        }
        _ => {
            let end = (at + numbers.below(60)).min(data.len());
            let part = data[at..end].to_vec();
            data.splice(at..at, part);
        }
    }
}

/// Says again how long the head is, so that changes in it are looked at.
fn mend(data: &mut [u8], tensors: usize) {
    let length = (data.len().saturating_sub(8 + tensors) as u64).to_le_bytes();
    if let Some(first) = data.first_chunk_mut() {
        *first = length;
    }
}

#[test]
fn changed_files_do_no_harm() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let head = u64::from_le_bytes(*SCHEMA_1.first_chunk().unwrap()) as usize;
    let tensors = SCHEMA_1.len() - 8 - head;
    assert!(read_entry::artefact(SCHEMA_1));
    let mut understood = 0;
    for round in 0..20_000 {
        let mut data = SCHEMA_1.to_vec();
        for _ in 0..=numbers.below(2) {
            mutate(&mut data, &mut numbers);
        }
        if round % 2 == 0 {
            mend(&mut data, tensors);
        }
        understood += usize::from(read_entry::artefact(&data));
    }
    // Numbers and words may change to others that mean something.
    assert!((100..15_000).contains(&understood), "{understood}");
}
