//! The chain of convolutions that corrects the classical upscaler.

use super::graph::{Axis, Builder, Constant, Told};
use super::proto::Graph;
use super::{INPUT, OUTPUT};
use crate::{Artefact, Error, Planes, Precision, Result};

/// Samples on either side that the classical upscaler looks at.
const REACH: usize = 3;

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
        if card.planes != Planes::Luma {
            return Err(Error::Card {
                reason: format!("{} works on luma, not on {}", card.family, card.planes),
            });
        }
        // Far more than any has, and few enough that no product of them overflows.
        let bounded = |name: &str, least: usize, most: usize| {
            let number = card.parameter(name)?;
            match (least..=most).contains(&number) {
                true => Ok(number),
                false => Err(Error::Card {
                    reason: format!("{name} of {number}, not {least} to {most}"),
                }),
            }
        };
        Ok(Sizes {
            scale: card.scale as usize,
            channels: bounded("channels", 1, 4096)?,
            layers: bounded("layers", 2, 256)?,
            frames: bounded("frames", 1, 16)?,
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
    let mut builder = Builder::new(&artefact.card.name);
    let free = |name| Axis::Free(name);
    let given = [
        free("batch"),
        Axis::Known(sizes.frames),
        free("height"),
        free("width"),
    ];
    builder.input(INPUT, &given);
    let (tall, wide) = match sizes.scale {
        1 => ("height".into(), "width".into()),
        scale => (format!("height*{scale}"), format!("width*{scale}")),
    };
    let result = [free("batch"), Axis::Known(1), free(&tall), free(&wide)];
    builder.output(OUTPUT, &result);

    let base = classical(&mut builder, &sizes);
    let corrections = match artefact.card.precision {
        Precision::Fp32 => chain(&mut builder, artefact, &sizes)?,
        Precision::Int8 => quantised_chain(&mut builder, artefact, &sizes)?,
    };
    let corrections = shuffled(&mut builder, "corrections", corrections, sizes.scale);
    builder.node("Add", OUTPUT, &[&base, &corrections], &[]);
    Ok(builder.finish())
}

/// The picture to enlarge, by Lanczos' weights in one convolution.
fn classical(builder: &mut Builder, sizes: &Sizes) -> String {
    let (scale, size) = (sizes.scale, 2 * REACH + 1);
    let mut picture = INPUT.to_string();
    if sizes.frames > 1 {
        let last = sizes.frames as i64 - 1;
        let start = builder.constant("base.start", &[1], Constant::I64(&[last]));
        let end = builder.constant("base.end", &[1], Constant::I64(&[last + 1]));
        let axis = builder.constant("base.axis", &[1], Constant::I64(&[1]));
        picture = builder.node("Slice", "base.frame", &[INPUT, &start, &end, &axis], &[]);
    }
    let reach = REACH as i64;
    let around = [0, 0, reach, reach, 0, 0, reach, reach];
    let around = builder.constant("base.around", &[8], Constant::I64(&around));
    let padded = builder.node(
        "Pad",
        "base.padded",
        &[&picture, &around],
        &[("mode", Told::Word("edge"))],
    );
    let lobes: Vec<[f32; 2 * REACH + 1]> = (0..scale).map(|phase| lobes(phase, scale)).collect();
    let mut weights = Vec::with_capacity((scale * size).pow(2));
    for down in &lobes {
        for across in &lobes {
            for vertical in down {
                weights.extend(across.iter().map(|horizontal| vertical * horizontal));
            }
        }
    }
    let shape = [scale * scale, 1, size, size];
    let weights = builder.constant("base.weight", &shape, Constant::F32(&weights));
    let size = [size as i64; 2];
    let told = [("kernel_shape", Told::Ints(&size))];
    let squares = builder.node("Conv", "base.squares", &[&padded, &weights], &told);
    shuffled(builder, "base", squares, scale)
}

/// Channels made squares.
fn shuffled(builder: &mut Builder, name: &str, squares: String, factor: usize) -> String {
    if factor == 1 {
        return squares;
    }
    let told = [
        ("blocksize", Told::Int(factor as i64)),
        ("mode", Told::Word("CRD")),
    ];
    builder.node("DepthToSpace", name, &[&squares], &told)
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

/// Weights of the samples around one of them, for the output number `phase` of the `scale` in it: those
/// that networks are trained on.
fn lobes(phase: usize, scale: usize) -> [f32; 2 * REACH + 1] {
    // Where the output's middle is, counted from the input's.
    let middle = (phase as f64 + 0.5) / scale as f64 - 0.5;
    let lobes: [f64; 2 * REACH + 1] =
        std::array::from_fn(|tap| kernel(tap as f64 - REACH as f64 - middle));
    let sum: f64 = lobes.iter().sum();
    lobes.map(|lobe| (lobe / sum) as f32)
}

fn kernel(x: f64) -> f64 {
    let sinc = |x: f64| match std::f64::consts::PI * x {
        0.0 => 1.0,
        x => x.sin() / x,
    };
    match x.abs() < REACH as f64 {
        true => sinc(x) * sinc(x / REACH as f64),
        false => 0.0,
    }
}
