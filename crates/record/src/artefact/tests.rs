use super::*;
use crate::card::tests::card;

fn artefact() -> Artefact {
    let tensors = [
        ("b.weight", Tensor::f32([2, 1], vec![0.1, -0.0])),
        ("a.weight", Tensor::i8([3], vec![-128, 0, 127])),
        ("c.bias", Tensor::i32([1], vec![i32::MIN])),
        ("nothing", Tensor::f32([0], Vec::new())),
        ("single", Tensor::f32([], vec![f32::MIN_POSITIVE / 2.0])),
    ];
    let tensors = tensors
        .into_iter()
        .map(|(name, tensor)| (name.to_string(), tensor.expect("it fits")))
        .collect();
    Artefact {
        card: card(),
        tensors,
    }
}

/// A file with this head, or what is said in its place.
fn file(head: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
    bytes.extend(head.as_bytes());
    bytes.extend(data);
    bytes
}

/// The words of a file with a good card.
fn words() -> String {
    let card = serde_json::to_string(&card()).expect("a good card");
    let words = serde_json::json!({ CARD: card });
    format!("\"{METADATA}\":{words}")
}

fn refused(bytes: &[u8], because: &str) {
    let error = Artefact::from_bytes(bytes).expect_err(because);
    assert!(error.to_string().contains(because), "{error} / {because}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[test]
fn it_comes_back_as_it_was() {
    let artefact = artefact();
    let bytes = artefact.to_bytes().expect("a good artefact");
    let again = Artefact::from_bytes(&bytes).expect("what was written");
    assert_eq!(again, artefact);
    assert_eq!(again.to_bytes().expect("still good"), bytes);
    let zero = again.tensor("b.weight").and_then(Tensor::as_f32);
    assert!(zero.expect("it is there")[1].is_sign_negative());
    let error = again.tensor("d").expect_err("it is not there");
    assert_eq!(error.to_string(), "there is no tensor \"d\"");
    assert!(again.shaped("b.weight", &[2, 1]).is_ok());
    assert!(again.shaped("b.weight", &[1, 2]).is_err());
}

#[test]
fn other_readers_know_it() {
    let bytes = artefact().to_bytes().expect("a good artefact");
    let read = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    assert_eq!(read.len(), 5);
    assert_eq!(read.tensor("c.bias").expect("there").data(), [0, 0, 0, 128]);
}

#[test]
fn its_name_is_that_of_its_content() {
    let (one, mut two) = (artefact(), artefact());
    // Said in another order, a configuration is the same.
    two.card.training.config = serde_json::json!({"crops": {"a": [2, 3], "z": 1}, "rate": 0.1});
    assert_eq!(one.digest().ok(), two.digest().ok());
    two.card.notes.push('.');
    assert_ne!(one.digest().ok(), two.digest().ok());
    let mut three = artefact();
    three
        .tensors
        .insert("c.bias".into(), Tensor::i32([1], vec![0]).expect("it fits"));
    assert_ne!(one.digest().ok(), three.digest().ok());
}

#[test]
fn every_float_survives() {
    let mut artefact = artefact();
    let mut state = 1u64;
    for _ in 0..2000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        artefact.card.quality[0].psnr_y = (state >> 11) as f64 / 1e14;
        let text = serde_json::to_string(&artefact.card).expect("a good card");
        assert_eq!(read_card(&text).expect("a good card"), artefact.card);
    }
}

#[test]
fn what_cannot_be_is_not_written() {
    type Change = fn(&mut Artefact);
    let changes: [Change; 6] = [
        |artefact| artefact.card.schema = 2,
        |artefact| {
            let tensor = Tensor::f32([1], vec![f32::NAN]).expect("it fits");
            artefact.tensors.insert("x".into(), tensor);
        },
        |artefact| {
            let tensor = Tensor::f32([1], vec![f32::NEG_INFINITY]).expect("it fits");
            artefact.tensors.insert("x".into(), tensor);
        },
        |artefact| {
            let (shape, data) = (vec![2], Data::I8(vec![1]));
            artefact.tensors.insert("x".into(), Tensor { shape, data });
        },
        |artefact| {
            let tensor = Tensor::i8([1], vec![1]).expect("it fits");
            artefact.tensors.insert(METADATA.into(), tensor);
        },
        |artefact| artefact.card.notes = "x".repeat(MAX_HEADER),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut artefact = artefact();
        change(&mut artefact);
        assert!(artefact.to_bytes().is_err(), "change {number}");
        assert!(artefact.digest().is_err(), "change {number}");
    }
}

#[test]
fn damage_is_refused() {
    let words = words();
    let good = file(
        &format!(r#"{{{words},"a":{{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}}}"#),
        &[1, 2],
    );
    Artefact::from_bytes(&good).expect("a good file");
    for length in 0..good.len() {
        assert!(Artefact::from_bytes(&good[..length]).is_err(), "{length}");
    }
    refused(&[], "not even a head");
    refused(&[good.clone(), vec![0]].concat(), "should have 2");
    refused(&[0xff; 40], "more than");
    refused(&file("", b""), "head is not");
    refused(&file("[]", b""), "a map of tensors");
    refused(&file("{} x", b""), "head is not");
    refused(&file("{}", b""), "no card of nervure");
    refused(
        &file(r#"{"__metadata__":{"nervure":1}}"#, b""),
        "head is not",
    );
    refused(
        &file(r#"{"__metadata__":{"nervure":"{"}}"#, b""),
        "card is not",
    );
    let of = |tensors: &str, data: &[u8]| file(&format!("{{{words},{tensors}}}"), data);
    let tensor = |name: &str, dtype: &str, shape: &str, offsets: &str| {
        format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
    };
    let bytes = tensor("a", "I8", "[2]", "[0,2]");
    refused(&of(&format!("{bytes},{bytes}"), &[1, 2]), "twice");
    refused(&of(&words, &[]), "twice");
    let twice = r#""__metadata__":{"nervure":"{}","nervure":"{}"}"#;
    refused(&file(&format!("{{{twice}}}"), b""), "twice");
    refused(&of(&tensor("a", "U8", "[2]", "[0,2]"), &[1, 2]), "holds U8");
    refused(
        &of(&tensor("a", "I7", "[2]", "[0,2]"), &[1, 2]),
        "unknown variant",
    );
    refused(
        &of(&tensor("a", "I8", "[3]", "[0,2]"), &[1, 2]),
        "invalid shape",
    );
    refused(
        &of(&tensor("a", "I8", "[-2]", "[0,2]"), &[1, 2]),
        "head is not",
    );
    refused(
        &of(&tensor("a", "I8", "[2]", "[1,3]"), &[1, 2, 3]),
        "offset",
    );
    refused(&of(&tensor("a", "I8", "[2]", "[2,0]"), &[]), "offset");
    let gap = tensor("b", "I8", "[1]", "[3,4]");
    refused(&of(&format!("{bytes},{gap}"), &[0; 4]), "offset");
    let over = tensor("b", "I8", "[2]", "[1,3]");
    refused(&of(&format!("{bytes},{over}"), &[0; 3]), "offset");
    // What is repeated of a file may hold what moves a cursor, or never end.
    let kind = format!("I\\n\\u001b{}", "x".repeat(5000));
    let wild = of(&tensor("a", &kind, "[2]", "[0,2]"), &[1, 2]);
    refused(&wild, "unknown variant `I  xxx");
    let error = Artefact::from_bytes(&wild)
        .expect_err("too long")
        .to_string();
    assert!(error.len() < 400, "{error}");
    let huge = "[4294967296,4294967296]";
    refused(&of(&tensor("a", "I8", huge, "[0,0]"), &[]), "overflow");
    refused(
        &of(&tensor("a", "F32", "[1]", "[0,4]"), &[0, 0, 0xc0, 0x7f]),
        "NaN",
    );
}

/// Lengths that together wrap around what a machine can count to.
#[test]
fn lengths_that_wrap_are_refused() {
    let part = 1u64 << 60;
    let mut tensors = Vec::new();
    for index in 0..16u64 {
        let (start, end) = (index * part, (index + 1).wrapping_mul(part).wrapping_sub(1));
        tensors.push(format!(
            r#""t{index}":{{"dtype":"I8","shape":[{}],"data_offsets":[{start},{end}]}}"#,
            end.wrapping_sub(start),
        ));
    }
    let head = format!("{{{},{}}}", words(), tensors.join(","));
    refused(&file(&head, &[]), "should have");
}

#[test]
fn a_newer_schema_is_refused_with_a_hint() {
    // Newer cards hold what we do not know, and mean otherwise what we do.
    let card = r#"{\"schema\":2,\"name\":[],\"hue\":1}"#;
    let bytes = file(
        &format!(r#"{{"__metadata__":{{"nervure":"{card}"}}}}"#),
        b"",
    );
    let error = Artefact::from_bytes(&bytes).expect_err("newer");
    assert!(
        matches!(error, Error::Newer { found: 2, known: 1 }),
        "{error}"
    );
    assert_eq!(error.hint().as_deref(), Some("update nervure"));
}

#[test]
fn what_this_schema_does_not_know_is_refused() {
    let mut value = serde_json::to_value(card()).expect("a good card");
    value["hue"] = 1.into();
    let words = serde_json::json!({ METADATA: { CARD: value.to_string() } });
    refused(&file(&words.to_string(), b""), "unknown field `hue`");
    value.as_object_mut().expect("a map").remove("hue");
    value.as_object_mut().expect("a map").remove("licence");
    let words = serde_json::json!({ METADATA: { CARD: value.to_string() } });
    refused(&file(&words.to_string(), b""), "missing field `licence`");
}
