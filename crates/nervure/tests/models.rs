//! `nervure models`, with the command itself.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::Place;
use nervure_record::{
    Artefact, Card, DataSource, Family, Planes, Precision, Quality, SCHEMA, Tensor, Training,
};

const CHANNELS: [(usize, usize); 2] = [(1, 8), (8, 4)];

fn artefact(name: &str, precision: Precision) -> Artefact {
    let mut tensors = BTreeMap::new();
    for (layer, (inputs, outputs)) in CHANNELS.into_iter().enumerate() {
        let mut put = |part: &str, tensor: nervure_record::Result<Tensor>| {
            tensors.insert(format!("convs.{layer}.{part}"), tensor.unwrap());
        };
        let (shape, count) = ([outputs, inputs, 3, 3], outputs * inputs * 9);
        if precision == Precision::Fp32 {
            put("weight", Tensor::f32(shape, vec![0.25; count]));
            put("bias", Tensor::f32([outputs], vec![0.5; outputs]));
            continue;
        }
        let (given, result) = [(1.0 / 255.0, 0.01), (0.01, 1.0 / 16320.0)][layer];
        let scale = result / given * 4096.0 / 32768.0 / 16.0;
        put("weight", Tensor::i8(shape, vec![3; count]));
        put("bias", Tensor::i32([outputs], vec![9; outputs]));
        put("multiplier", Tensor::i32([outputs], vec![4096; outputs]));
        put("shift", Tensor::i32([outputs], vec![4; outputs]));
        put("weight_scale", Tensor::f32([outputs], vec![scale; outputs]));
        put("input_scale", Tensor::f32([1], vec![given]));
    }
    let parameters = [("channels", 8), ("layers", 2), ("frames", 1)];
    Artefact {
        card: Card {
            schema: SCHEMA,
            name: name.into(),
            family: Family::ResidualEspcn,
            parameters: parameters
                .map(|(name, number)| (name.into(), number))
                .into(),
            scale: 2,
            planes: Planes::Luma,
            precision,
            training: Training {
                config: serde_json::json!({"rate": 0.001}),
                steps: 1000,
                seed: 7,
                data: vec![DataSource {
                    name: "drawn".into(),
                    sha256: "00ff".repeat(16),
                }],
            },
            parent: None,
            quality: vec![Quality {
                test_set: "drawn".into(),
                condition: "h264 at 250 kbit/s".into(),
                clips: 12,
                psnr_y: 31.7,
                ssim: 0.9021,
                psnr_y_lanczos: 31.25,
                ssim_lanczos: 0.8934,
                worst_gain: -0.08,
            }],
            sources: vec!["scenes drawn by nervure".into()],
            licence: "MIT OR Apache-2.0".into(),
            notes: "first\nsecond \u{1b}[31mred".into(),
        },
        tensors,
    }
}

/// A folder `models` with one model in both precisions and one in bytes only.
fn shelf() -> Place {
    let place = Place::bare();
    fs::create_dir(place.path("models")).unwrap();
    for (name, precision) in [
        ("b-small", Precision::Int8),
        ("b-small", Precision::Fp32),
        ("a-tiny", Precision::Int8),
    ] {
        let path = place.path(&format!("models/{name}.{precision}.safetensors"));
        fs::write(path, artefact(name, precision).to_bytes().unwrap()).unwrap();
    }
    place
}

fn printed(place: &Place, arguments: &str) -> String {
    String::from_utf8(place.run(arguments).stdout).unwrap()
}

#[test]
fn what_is_there_is_listed() {
    let place = shelf();
    fs::write(place.path("models/notes.txt"), b"x").unwrap();
    fs::write(place.path("models/.c.safetensors"), b"x").unwrap();
    let table = printed(&place, "models list");
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert_eq!(lines[0][..4], ["name", "family", "planes", "weights"]);
    assert_eq!(
        lines[1][..6],
        ["a-tiny", "residual-espcn", "luma", "372", "2x", "int8"]
    );
    assert_eq!(
        lines[2][..6],
        ["b-small", "residual-espcn", "luma", "372", "2x", "fp32"]
    );
    assert_eq!(lines[3][5], "int8");
    assert_eq!(lines[2][8..], ["+0.45", "-0.08"]);

    let json = place.json("models list");
    assert_eq!(json.as_array().unwrap().len(), 3);
    assert_eq!(json[1]["card"]["name"], "b-small");
    assert_eq!(json[1]["card"]["precision"], "fp32");
    assert_eq!(json[1]["file"], "models/b-small.fp32.safetensors");
    let digest = artefact("b-small", Precision::Fp32).digest().unwrap();
    assert_eq!(json[1]["digest"], digest.as_str());
    let length = fs::metadata(place.path("models/b-small.fp32.safetensors"))
        .unwrap()
        .len();
    assert_eq!(json[1]["bytes"], length);
}

#[test]
fn what_is_no_model_is_passed_over_with_a_word() {
    let place = shelf();
    fs::write(place.path("models/broken.safetensors"), b"not one").unwrap();
    let out = place.run("models list");
    assert_eq!(String::from_utf8(out.stdout).unwrap().lines().count(), 4);
    let told = String::from_utf8(out.stderr).unwrap();
    assert!(
        told.starts_with("note: cannot read models/broken.safetensors"),
        "{told}"
    );

    fs::create_dir(place.path("empty")).unwrap();
    let out = place.run("models list --dir empty");
    assert!(out.stdout.is_empty());
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(told, "note: there are no models in empty\n");
    assert_eq!(place.json("models list --dir empty"), serde_json::json!([]));
    let told = place.fails("models list --dir nowhere");
    assert!(told.contains("there is no folder nowhere"), "{told}");
    assert!(told.contains("hint: say with --dir"), "{told}");
}

#[test]
fn a_card_is_shown() {
    let place = shelf();
    let page = printed(&place, "models show b-small");
    assert!(
        page.starts_with("b-small: residual-espcn, 2x, luma, fp32\n"),
        "{page}"
    );
    for words in [
        "file        models/b-small.fp32.safetensors, ",
        "372 weights",
        &artefact("b-small", Precision::Fp32).digest().unwrap(),
        "parameters  channels 8, frames 1, layers 2",
        "training    1000 steps, seed 7",
        "data        drawn (00ff00ff",
        "31.70 (31.25)  0.9021 (0.8934)    -0.08 dB",
        "note        first\nnote        second",
        "\"rate\": 0.001",
    ] {
        assert!(page.contains(words), "{words:?} in {page}");
    }
    assert!(!page.contains('\u{1b}'), "what terminals obey is taken out");

    let page = printed(&place, "models show b-small --precision int8");
    assert!(
        page.starts_with("b-small: residual-espcn, 2x, luma, int8\n"),
        "{page}"
    );
    let page = printed(&place, "models show a-tiny");
    assert!(page.contains("luma, int8"), "the only one: {page}");
    let page = printed(&place, "models show models/a-tiny.int8.safetensors");
    assert!(page.starts_with("a-tiny"), "{page}");
    let json = place.json("models show b-small");
    assert_eq!(json["card"]["training"]["config"]["rate"], 0.001);
    assert_eq!(json["weights"], 372);
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let place = shelf();
    let told = place.fails("models show c-large");
    assert!(
        told.contains("no model called \"c-large\" in models"),
        "{told}"
    );
    assert!(
        told.contains("hint: there are a-tiny.int8, b-small.fp32, b-small.int8"),
        "{told}"
    );
    let told = place.fails("models show a-tiny --precision fp32");
    assert!(told.contains("no fp32 model called \"a-tiny\""), "{told}");
    let told = place.fails("models show c-large --dir nowhere");
    assert!(told.contains("hint: say with --dir"), "{told}");
    let told = place.fails("models show models/a-tiny.int8.safetensors --precision fp32");
    assert!(told.contains("is int8, not fp32"), "{told}");
    let told = place.fails("models show none.safetensors");
    assert!(told.contains("cannot read none.safetensors"), "{told}");
    fs::write(place.path("broken.safetensors"), b"not one").unwrap();
    let told = place.fails("models show broken.safetensors");
    assert!(told.contains("no sound artefact"), "{told}");
    assert!(told.contains("hint: get the file again"), "{told}");
    let told = place.fails("models show ./models");
    assert!(told.contains("cannot read ./models"), "{told}");
}

#[test]
fn models_are_exported() {
    let place = shelf();
    let out = place.run("models export b-small");
    assert!(out.stdout.is_empty());
    let told = String::from_utf8(out.stderr).unwrap();
    assert!(told.starts_with("b-small.fp32.onnx: "), "{told}");
    let fp32 = fs::read(place.path("b-small.fp32.onnx")).unwrap();
    let model = artefact("b-small", Precision::Fp32);
    assert_eq!(fp32, nervure_record::onnx::to_onnx(&model).unwrap());

    place.run("models export b-small --precision int8 -o small.onnx");
    let int8 = fs::read(place.path("small.onnx")).unwrap();
    let model = artefact("b-small", Precision::Int8);
    assert_eq!(int8, nervure_record::onnx::to_onnx(&model).unwrap());

    let piped = place.run("models export models/b-small.int8.safetensors --output -");
    assert_eq!(piped.stdout, int8);

    place.run("models export b-small -o copy.safetensors");
    let copy = fs::read(place.path("copy.safetensors")).unwrap();
    assert_eq!(
        copy,
        fs::read(place.path("models/b-small.fp32.safetensors")).unwrap()
    );
    place.run("models export b-small -o copy.bin --format safetensors");
    assert_eq!(copy, fs::read(place.path("copy.bin")).unwrap());
    let names = [
        "b-small.fp32.onnx",
        "copy.bin",
        "copy.safetensors",
        "models",
        "small.onnx",
    ];
    assert_eq!(place.names(), names, "nothing unfinished is left");
}

#[test]
fn nothing_is_lost_to_an_export() {
    let place = shelf();
    fs::write(place.path("kept.onnx"), b"precious").unwrap();
    let told = place.fails("models export b-small -o kept.onnx");
    assert!(told.contains("kept.onnx exists"), "{told}");
    assert!(told.contains("hint: replace it with --force"), "{told}");
    assert_eq!(fs::read(place.path("kept.onnx")).unwrap(), b"precious");

    let mut other = artefact("other", Precision::Fp32);
    other.card.family = Family::FrameRecovery;
    fs::write(place.path("other.safetensors"), other.to_bytes().unwrap()).unwrap();
    let told = place.fails("models export other.safetensors -o kept.onnx --force");
    assert!(
        told.contains("the card says nothing of \"references\""),
        "{told}"
    );
    assert_eq!(fs::read(place.path("kept.onnx")).unwrap(), b"precious");

    place.run("models export b-small -o kept.onnx --force");
    assert_ne!(fs::read(place.path("kept.onnx")).unwrap(), b"precious");
    let told = place.fails("models export b-small -o nowhere/a.onnx");
    assert!(told.contains("the folder nowhere does not exist"), "{told}");
    let told = place.fails("models export b-small -o models --force");
    assert!(told.contains("models is a folder"), "{told}");
    assert_eq!(place.names(), ["kept.onnx", "models", "other.safetensors"]);
}
