//! What the tests of this crate share: a model and a picture that are made up.
#![allow(dead_code)] // Each test binary uses a part of it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use nervure_frame::{Frame, PictureFormat, Planes, TimeBase, Timestamp};
use nervure_record::{
    Artefact, Card, Family, Planes as Colours, Precision, SCHEMA, Tensor, Training,
};

const CHANNELS: usize = 8;
const LAYERS: usize = 4;

/// The same numbers each time, each within two bounds.
pub(crate) fn numbers() -> impl FnMut(i32, i32) -> i32 {
    let mut seed = 5_u32;
    move |low, high| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        low + ((seed >> 8) % (high - low + 1) as u32) as i32
    }
}

/// A network of random numbers.
pub(crate) fn artefact(scale: u32) -> Artefact {
    artefact_of(scale, 1)
}

/// The same, that looks at so many pictures.
pub(crate) fn artefact_of(scale: u32, frames: usize) -> Artefact {
    let mut next = numbers();
    let mut tensors = BTreeMap::new();
    let mut inputs = frames;
    for layer in 0..LAYERS {
        let outputs = match layer + 1 == LAYERS {
            true => (scale * scale) as usize,
            false => CHANNELS,
        };
        let mut add = |name: &str, tensor| {
            tensors.insert(format!("convs.{layer}.{name}"), tensor);
        };
        let mut of =
            |count: usize, low, high| -> Vec<i32> { (0..count).map(|_| next(low, high)).collect() };
        let weights = of(outputs * inputs * 9, -60, 60);
        let weights = weights.into_iter().map(|weight| weight as i8).collect();
        add(
            "weight",
            Tensor::i8(vec![outputs, inputs, 3, 3], weights).unwrap(),
        );
        add(
            "bias",
            Tensor::i32(vec![outputs], of(outputs, -900, 900)).unwrap(),
        );
        add(
            "multiplier",
            Tensor::i32(vec![outputs], of(outputs, 9000, 32767)).unwrap(),
        );
        add(
            "shift",
            Tensor::i32(vec![outputs], of(outputs, 5, 7)).unwrap(),
        );
        inputs = outputs;
    }
    let sizes = [
        ("channels", CHANNELS),
        ("layers", LAYERS),
        ("frames", frames),
    ];
    let card = Card {
        schema: SCHEMA,
        name: "random".into(),
        family: Family::ResidualEspcn,
        parameters: BTreeMap::from(sizes.map(|(name, size)| (name.into(), size as u64))),
        scale,
        planes: Colours::Luma,
        precision: Precision::Int8,
        training: Training::default(),
        parent: None,
        quality: Vec::new(),
        sources: Vec::new(),
        licence: "CC0-1.0".into(),
        notes: String::new(),
    };
    Artefact { card, tensors }
}

/// Noise.
pub(crate) fn picture(format: PictureFormat) -> Frame {
    let mut frame = Frame::new(format, Timestamp::new(3, TimeBase::new(1, 25)));
    let mut next = numbers();
    match &mut frame.planes {
        Planes::Eight(planes) => {
            let samples = planes
                .iter_mut()
                .flat_map(|plane| plane.rows_mut().flatten());
            samples.for_each(|sample| *sample = next(0, 255) as u8);
        }
        Planes::Ten(planes) => {
            let samples = planes
                .iter_mut()
                .flat_map(|plane| plane.rows_mut().flatten());
            samples.for_each(|sample| *sample = next(0, 1023) as u16);
        }
    }
    frame
}
