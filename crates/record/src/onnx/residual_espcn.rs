//! The chain of convolutions that corrects the classical upscaler.

use super::classical::{channels, enlarged, shuffled};
use super::graph::{Builder, Constant, Told};
use super::proto::Graph;
use super::{INPUT, OUTPUT, begin, bounded, luma_only};
use crate::{Artefact, Error, Precision, Result};

/// The largest code between layers that are quantised.
const MAX_CODE: u8 = 127;

/// What the last quantised layer's results count: so many to one of the 255 codes of a picture.
const CORRECTIONS: f64 = 64.0 * 255.0;

/// Sizes from a card.
struct Sizes {
    scale: usize,
    channels: usize,
    layers: usize,
    frames: usize,
}

impl Sizes {
    fn of(artefact: &Artefact) -> Result<Self> {
        let card = &artefact.card;
        luma_only(card)?;
        Ok(Sizes {
            scale: card.scale as usize,
            channels: bounded(card, "channels", 1, 4096)?,
            layers: bounded(card, "layers", 2, 256)?,
            frames: bounded(card, "frames", 1, 16)?,
        })
    }

    /// Channels into and out of a layer.
    fn channels(&self, layer: usize) -> (usize, usize) {
        let inputs = match layer {
            0 => self.frames,
            _ => self.channels,
        };
        let outputs = match layer + 1 == self.layers {
            true => self.scale * self.scale,
            false => self.channels,
        };
        (inputs, outputs)
    }
}

/// The graph.
pub(super) fn graph(artefact: &Artefact) -> Result<Graph> {
    let sizes = Sizes::of(artefact)?;
    let mut builder = begin(&artefact.card, sizes.frames);
    let picture = match sizes.frames {
        1 => INPUT.into(),
        frames => channels(&mut builder, "base.frame", INPUT, frames - 1, 1),
    };
    let base = enlarged(&mut builder, &picture, sizes.scale);
    let corrections = match artefact.card.precision {
        Precision::Fp32 => chain(&mut builder, artefact, &sizes)?,
        Precision::Int8 => quantised_chain(&mut builder, artefact, &sizes)?,
    };
    let corrections = shuffled(&mut builder, "corrections", corrections, sizes.scale);
    builder.node("Add", OUTPUT, &[&base, &corrections], &[]);
    Ok(builder.finish())
}

/// Convolutions and ReLU.
fn chain(builder: &mut Builder, artefact: &Artefact, sizes: &Sizes) -> Result<String> {
    let mut value = INPUT.to_string();
    for layer in 0..sizes.layers {
        let (inputs, outputs) = sizes.channels(layer);
        let name = |part: &str| format!("convs.{layer}.{part}");
        let shape = [outputs, inputs, 3, 3];
        let weights = artefact.shaped(&name("weight"), &shape)?.as_f32()?;
        let bias = artefact.shaped(&name("bias"), &[outputs])?.as_f32()?;
        let weights = builder.constant(&name("weight"), &shape, Constant::F32(weights));
        let bias = builder.constant(&name("bias"), &[outputs], Constant::F32(bias));
        value = conv(builder, &name("conv"), &[&value, &weights, &bias]);
        if layer + 1 < sizes.layers {
            value = builder.node("Relu", &name("relu"), &[&value], &[]);
        }
    }
    Ok(value)
}

fn conv(builder: &mut Builder, name: &str, inputs: &[&str]) -> String {
    let told = [
        ("kernel_shape", Told::Ints(&[3, 3])),
        ("pads", Told::Ints(&[1, 1, 1, 1])),
    ];
    builder.node("Conv", name, inputs, &told)
}

/// The same in integers, said as the numbers that they stand for.
///
/// Codes are clamped to 0 to 127 twice over: bytes without a sign begin at 0, and a clamp ends them.
/// Where it stands is for onnxruntime, which does a layer in integers only when nothing is between the
/// convolution and its quantisation. After the first layer it stands before that: a picture's codes
/// reach 255, and some processors saturate sums of two products of those.
fn quantised_chain(builder: &mut Builder, artefact: &Artefact, sizes: &Sizes) -> Result<String> {
    let zero = builder.constant("zero", &[], Constant::U8(&[0]));
    let largest = builder.constant("largest", &[], Constant::U8(&[MAX_CODE]));
    let nothing = builder.constant("nothing", &[], Constant::F32(&[0.0]));
    let mut value = INPUT.to_string();
    for layer in 0..sizes.layers {
        let (inputs, outputs) = sizes.channels(layer);
        let name = |part: &str| format!("convs.{layer}.{part}");
        let given = input_scale(artefact, layer)?;
        let scales = weight_scales(artefact, sizes, layer, given)?;

        let scale = builder.constant(&name("input_scale"), &[], Constant::F32(&[given]));
        if layer == 1 {
            let most = f32::from(MAX_CODE) * given;
            let most = builder.constant(&name("most"), &[], Constant::F32(&[most]));
            let operands: [&str; 3] = [&value, &nothing, &most];
            value = builder.node("Clip", &name("clamped"), &operands, &[]);
        }
        let operands: [&str; 3] = [&value, &scale, &zero];
        let mut codes = builder.node("QuantizeLinear", &name("codes"), &operands, &[]);
        if layer > 1 {
            let operands: [&str; 3] = [&codes, &zero, &largest];
            codes = builder.node("Clip", &name("clamped"), &operands, &[]);
        }
        let operands: [&str; 3] = [&codes, &scale, &zero];
        let input = builder.node("DequantizeLinear", &name("input"), &operands, &[]);

        let shape = [outputs, inputs, 3, 3];
        let weights = artefact.shaped(&name("weight"), &shape)?.as_i8()?;
        let weights = builder.constant(&name("weight"), &shape, Constant::I8(weights));
        let weights = per_output(builder, &weights, &scales, Constant::I8(&vec![0; outputs]));
        let bias = artefact.shaped(&name("bias"), &[outputs])?.as_i32()?;
        let bias = builder.constant(&name("bias"), &[outputs], Constant::I32(bias));
        let sums: Vec<f32> = scales.iter().map(|scale| scale * given).collect();
        let bias = per_output(builder, &bias, &sums, Constant::I32(&vec![0; outputs]));

        value = conv(builder, &name("conv"), &[&input, &weights, &bias]);
    }
    Ok(value)
}

/// What constant integers stand for, with a scale for each output.
fn per_output(builder: &mut Builder, of: &str, scales: &[f32], zeros: Constant<'_>) -> String {
    let outputs = [scales.len()];
    let scales = builder.constant(&format!("{of}_scale"), &outputs, Constant::F32(scales));
    let zeros = builder.constant(&format!("{of}_zero"), &outputs, zeros);
    let told = [("axis", Told::Int(0))];
    let name = format!("{of}_number");
    builder.node("DequantizeLinear", &name, &[of, &scales, &zeros], &told)
}

/// What a code of a layer's input stands for.
fn input_scale(artefact: &Artefact, layer: usize) -> Result<f32> {
    let name = format!("convs.{layer}.input_scale");
    let scale = artefact.shaped(&name, &[1])?.as_f32()?[0];
    match scale > 0.0 {
        true => Ok(scale),
        false => Err(Error::corrupt(format!("{name} is {scale}"))),
    }
}

/// What a weight of each output stands for: as the multipliers and shifts have it, which define what is
/// computed. The scales that training noted must say the same, but for the rounding of multipliers.
fn weight_scales(artefact: &Artefact, sizes: &Sizes, layer: usize, given: f32) -> Result<Vec<f32>> {
    let name = |part: &str| format!("convs.{layer}.{part}");
    let (_, outputs) = sizes.channels(layer);
    let noted = artefact
        .shaped(&name("weight_scale"), &[outputs])?
        .as_f32()?;
    let multipliers = artefact.shaped(&name("multiplier"), &[outputs])?.as_i32()?;
    let shifts = artefact.shaped(&name("shift"), &[outputs])?.as_i32()?;
    let result = match layer + 1 == sizes.layers {
        true => 1.0 / CORRECTIONS,
        false => f64::from(input_scale(artefact, layer + 1)?),
    };
    let mut scales = Vec::with_capacity(outputs);
    for ((&multiplier, &shift), &noted) in multipliers.iter().zip(shifts).zip(noted) {
        if !(0..=i32::from(i16::MAX)).contains(&multiplier) || !(0..=31).contains(&shift) {
            return Err(Error::corrupt(format!(
                "a multiplier of {multiplier} and a shift of {shift} in layer {layer}"
            )));
        }
        // What one of the multiplier is worth.
        let unit = result / f64::from(given) / f64::from(15 + shift).exp2();
        let wanted = f64::from(noted) / unit;
        let off = (f64::from(multiplier) - wanted).abs();
        if off > 1.0 + 0.01 * wanted {
            return Err(Error::corrupt(format!(
                "a multiplier of {multiplier} in layer {layer}, and the scales ask for {wanted:.1}"
            )));
        }
        scales.push((unit * f64::from(multiplier)) as f32);
    }
    Ok(scales)
}
