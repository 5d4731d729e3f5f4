//! What can be said of a file without another engine. That other engines get the same pictures from it
//! is tested where there are networks to compare with.

use super::*;
use crate::card::tests::card;
use crate::{Precision, Tensor};

const LAYERS: [(usize, usize); 3] = [(2, 3), (3, 3), (3, 4)];

/// One that looks at two pictures and enlarges by 2.
fn artefact(precision: Precision) -> Artefact {
    let mut card = card();
    card.precision = precision;
    for (name, number) in [("channels", 3), ("layers", 3), ("frames", 2)] {
        card.parameters.insert(name.into(), number);
    }
    let mut artefact = Artefact {
        card,
        tensors: std::collections::BTreeMap::new(),
    };
    for (layer, (inputs, outputs)) in LAYERS.into_iter().enumerate() {
        let mut insert = |part: &str, tensor: Result<Tensor>| {
            let name = format!("convs.{layer}.{part}");
            artefact.tensors.insert(name, tensor.expect("it fits"));
        };
        let (shape, count) = ([outputs, inputs, 3, 3], outputs * inputs * 9);
        if precision == Precision::Fp32 {
            let weights = (0..count).map(|x| x as f32).collect();
            insert("weight", Tensor::f32(shape, weights));
            insert("bias", Tensor::f32([outputs], vec![0.5; outputs]));
            continue;
        }
        let given = if layer == 0 { 1.0 / 255.0 } else { 0.01 };
        let result = if layer == 2 { 1.0 / 16320.0 } else { 0.01 };
        let scale = result / given * 4096.0 / 32768.0 / 16.0;
        insert("weight", Tensor::i8(shape, vec![1; count]));
        insert("bias", Tensor::i32([outputs], vec![9; outputs]));
        insert("multiplier", Tensor::i32([outputs], vec![4096; outputs]));
        insert("shift", Tensor::i32([outputs], vec![4; outputs]));
        insert("weight_scale", Tensor::f32([outputs], vec![scale; outputs]));
        insert("input_scale", Tensor::f32([1], vec![given]));
    }
    artefact
}

fn model(artefact: &Artefact) -> proto::Model {
    let bytes = to_onnx(artefact).expect("a good artefact");
    assert_eq!(bytes, to_onnx(artefact).expect("the same again"));
    proto::Model::decode(&bytes[..]).expect("what was written")
}

#[test]
fn a_file_says_what_it_is() {
    let artefact = artefact(Precision::Fp32);
    let model = model(&artefact);
    assert_eq!(model.producer_name, "nervure");
    assert_eq!(model.opset_import[0].version, 18);
    assert!(
        model.doc_string.contains("2 times as large"),
        "{}",
        model.doc_string
    );
    let digest = &model.metadata_props[1];
    assert_eq!(digest.key, "digest");
    assert_eq!(Some(&digest.value), artefact.digest().ok().as_ref());
    let graph = model.graph.expect("there is one");
    assert_eq!(graph.input[0].name, INPUT);
    assert_eq!(graph.output[0].name, OUTPUT);
    // Every value is made before it is used.
    let mut known: Vec<&str> = graph.initializer.iter().map(|x| &x.name[..]).collect();
    known.push(INPUT);
    for node in &graph.node {
        for input in &node.input {
            assert!(known.contains(&&input[..]), "{input} is not there yet");
        }
        assert!(
            !known.contains(&&node.output[0][..]),
            "{} is twice there",
            node.name
        );
        known.push(&node.output[0]);
    }
    assert!(known.contains(&OUTPUT));
}

#[test]
fn operators_are_those_of_the_network() {
    let operators = |precision| {
        let graph = model(&artefact(precision)).graph.expect("there is one");
        let names: Vec<String> = graph.node.into_iter().map(|node| node.op_type).collect();
        names.join(" ")
    };
    assert_eq!(
        operators(Precision::Fp32),
        "Slice Pad Conv DepthToSpace Conv Relu Conv Relu Conv DepthToSpace Add"
    );
    let layer = "DequantizeLinear DequantizeLinear DequantizeLinear Conv";
    assert_eq!(
        operators(Precision::Int8),
        format!(
            "Slice Pad Conv DepthToSpace QuantizeLinear {layer} Clip QuantizeLinear {layer} \
             QuantizeLinear Clip {layer} DepthToSpace Add"
        )
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    type Change = (&'static str, Precision, fn(&mut Artefact));
    fn set(artefact: &mut Artefact, name: &str, number: u64) {
        artefact.card.parameters.insert(name.into(), number);
    }
    fn put(artefact: &mut Artefact, name: &str, tensor: Result<Tensor>) {
        let tensor = tensor.expect("it fits");
        artefact.tensors.insert(name.into(), tensor);
    }
    let changes: [Change; 17] = [
        ("no ONNX form in int8", Precision::Int8, |a| {
            a.card.family = Family::FrameRecovery;
            set(a, "references", 3);
        }),
        ("window of 2 has no middle", Precision::Fp32, |a| {
            a.card.family = Family::SuperResolution;
            set(a, "window", 2);
        }),
        ("no tensor \"first.weight\"", Precision::Fp32, |a| {
            a.card.family = Family::LightweightSuperResolution;
            for name in ["window", "channels", "blocks"] {
                set(a, name, 1);
            }
        }),
        ("scale 2", Precision::Fp32, |a| {
            a.card.family = Family::FrameRecovery;
            for name in ["references", "features", "blocks"] {
                set(a, name, 2);
            }
        }),
        ("not on rgb", Precision::Fp32, |a| {
            a.card.planes = Planes::Rgb;
        }),
        ("nothing of \"frames\"", Precision::Fp32, |a| {
            a.card.parameters.remove("frames");
        }),
        ("layers of 1,", Precision::Fp32, |a| set(a, "layers", 1)),
        ("channels of 18446744073709551615", Precision::Fp32, |a| {
            set(a, "channels", u64::MAX);
        }),
        ("no tensor \"convs.1.bias\"", Precision::Fp32, |a| {
            a.tensors.remove("convs.1.bias");
        }),
        ("not [3, 4, 3, 3]", Precision::Fp32, |a| {
            set(a, "frames", 4);
        }),
        ("not [9, 3, 3, 3]", Precision::Fp32, |a| a.card.scale = 3),
        ("a tensor of f32", Precision::Int8, |a| {
            let numbers = vec![0.0; 3 * 2 * 9];
            put(a, "convs.0.weight", Tensor::f32([3, 2, 3, 3], numbers));
        }),
        ("no tensor \"convs.0.shift\"", Precision::Int8, |a| {
            a.tensors.remove("convs.0.shift");
        }),
        ("a multiplier of -1", Precision::Int8, |a| {
            put(a, "convs.1.multiplier", Tensor::i32([3], vec![-1; 3]));
        }),
        ("a shift of 32", Precision::Int8, |a| {
            put(a, "convs.1.shift", Tensor::i32([3], vec![32; 3]));
        }),
        ("ask for 4096", Precision::Int8, |a| {
            put(a, "convs.1.multiplier", Tensor::i32([3], vec![8192; 3]));
        }),
        ("input_scale is 0", Precision::Int8, |a| {
            put(a, "convs.1.input_scale", Tensor::f32([1], vec![0.0]));
        }),
    ];
    for (because, precision, change) in changes {
        let mut artefact = artefact(precision);
        change(&mut artefact);
        let error = to_onnx(&artefact).expect_err(because).to_string();
        assert!(error.contains(because), "{error} / {because}");
    }
}
