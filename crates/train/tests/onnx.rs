//! ONNX files as another engine runs them, against what they are exported from.
//!
//! Wants the environment variable `NERVURE_PYTHON` to name a Python with `onnx` and `onnxruntime`.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use burn::tensor::{Device, TensorData};
use nervure_frame::BitDepth;
use nervure_kernels::conv::{self, Shape};
use nervure_kernels::int8::{self, Layer, Network};
use nervure_record::onnx::to_onnx;
use nervure_record::{Artefact, Card, Family, Planes, Precision, SCHEMA, Tensor, Training};
use nervure_train::layers::{lanczos as lanczos_of, pixel_shuffle};
use nervure_train::nets::Network as _;
use nervure_train::training::artefacts::net_of;

#[path = "../../engine/tests/common/random.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "it makes pictures too, and for tests elsewhere"
)]
mod random;

/// The same numbers on every run.
struct Numbers(u64);

impl Numbers {
    /// From -1 to 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn many<T>(&mut self, count: usize, of: impl Fn(f64) -> T) -> Vec<T> {
        (0..count).map(|_| of(self.next())).collect()
    }
}

/// A network's sizes.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    scale: usize,
    frames: usize,
    channels: usize,
    layers: usize,
}

impl Sizes {
    /// Channels into and out of each layer.
    fn layers(self) -> impl Iterator<Item = (usize, usize)> {
        let (first, last) = (self.frames, self.scale * self.scale);
        (0..self.layers).map(move |layer| {
            let inputs = if layer == 0 { first } else { self.channels };
            let ends = layer + 1 == self.layers;
            (inputs, if ends { last } else { self.channels })
        })
    }

    fn artefact(self, precision: Precision, tensors: Vec<(String, Tensor)>) -> Artefact {
        let parameters = [
            ("channels", self.channels),
            ("layers", self.layers),
            ("frames", self.frames),
        ];
        let parameters = parameters.map(|(name, number)| (name.to_string(), number as u64));
        Artefact {
            card: Card {
                schema: SCHEMA,
                name: "random".into(),
                family: Family::ResidualEspcn,
                parameters: BTreeMap::from(parameters),
                scale: self.scale as u32,
                planes: Planes::Luma,
                precision,
                training: Training::default(),
                parent: None,
                quality: Vec::new(),
                sources: Vec::new(),
                licence: "MIT OR Apache-2.0".into(),
                notes: String::new(),
            },
            tensors: tensors.into_iter().collect(),
        }
    }
}

/// A case for the other engine.
struct Case {
    name: String,
    artefact: Artefact,
    shape: [usize; 4],
    input: Vec<f32>,
}

/// What the other engine makes of each case, with and without its own changes to graphs; none when
/// there is no such engine.
fn run(cases: &[Case]) -> Option<Vec<[Vec<f32>; 2]>> {
    let Some(python) = std::env::var_os("NERVURE_PYTHON").filter(|name| !name.is_empty()) else {
        eprintln!("skipped: NERVURE_PYTHON names no Python with onnxruntime");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, ending: &str| folder.path().join(format!("{name}.{ending}"));
    for case in cases {
        fs::write(file(&case.name, "onnx"), to_onnx(&case.artefact).unwrap()).unwrap();
        let shape = case.shape.map(|axis| axis.to_string()).join(" ");
        fs::write(file(&case.name, "shape"), shape).unwrap();
        let bytes: Vec<u8> = case.input.iter().flat_map(|x| x.to_le_bytes()).collect();
        fs::write(file(&case.name, "input"), bytes).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx_check.py");
    let done = Command::new(python)
        .arg(script)
        .arg(folder.path())
        .args(cases.iter().map(|case| &case.name))
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let read = |name: &str, ending: &str| {
        let bytes = fs::read(file(name, ending)).unwrap();
        let (numbers, rest) = bytes.as_chunks::<4>();
        assert!(rest.is_empty());
        numbers.iter().map(|&x| f32::from_le_bytes(x)).collect()
    };
    let outputs = |case: &Case| [read(&case.name, "output"), read(&case.name, "plain")];
    Some(cases.iter().map(outputs).collect())
}

/// Channels made squares.
fn shuffled(squares: &[f32], (height, width): (usize, usize), square: usize) -> Vec<f32> {
    let (rows, columns) = (height * square, width * square);
    (0..rows * columns)
        .map(|at| {
            let (y, x) = (at / columns, at % columns);
            let channel = y % square * square + x % square;
            squares[(channel * height + y / square) * width + x / square]
        })
        .collect()
}

/// Lanczos as books have it, its edges repeated.
fn lanczos(picture: &[f32], (height, width): (usize, usize), scale: usize) -> Vec<f64> {
    let kernel = |x: f64| match x.abs() {
        0.0 => 1.0,
        3.0.. => 0.0,
        _ => {
            let x = x * std::f64::consts::PI;
            3.0 * x.sin() * (x / 3.0).sin() / (x * x)
        }
    };
    let taps = |at: usize, count: usize| -> Vec<(usize, f64)> {
        let middle = (at as f64 + 0.5) / scale as f64 - 0.5;
        let nearest = (at / scale) as i64;
        let taps: Vec<(i64, f64)> = (nearest - 3..=nearest + 3)
            .map(|tap| (tap, kernel(tap as f64 - middle)))
            .collect();
        let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
        let inside = |tap: i64| tap.clamp(0, count as i64 - 1) as usize;
        taps.iter()
            .map(|&(tap, weight)| (inside(tap), weight / sum))
            .collect()
    };
    let mut out = Vec::new();
    for y in 0..height * scale {
        for x in 0..width * scale {
            let across = taps(x, width);
            let row = |row: usize| -> f64 {
                let row = &picture[row * width..][..width];
                across
                    .iter()
                    .map(|&(at, weight)| weight * f64::from(row[at]))
                    .sum()
            };
            out.push(
                taps(y, height)
                    .iter()
                    .map(|&(at, weight)| weight * row(at))
                    .sum(),
            );
        }
    }
    out
}

fn single_precision(sizes: Sizes, numbers: &mut Numbers) -> Case {
    let mut tensors = Vec::new();
    for (layer, (inputs, outputs)) in sizes.layers().enumerate() {
        let spread = (6.0 / (9 * inputs) as f64).sqrt();
        let gain = if layer + 1 == sizes.layers { 0.1 } else { 1.0 };
        let weights = numbers.many(outputs * inputs * 9, |x| (x * spread * gain) as f32);
        let bias = numbers.many(outputs, |x| (x * 0.05) as f32);
        let weights = Tensor::f32([outputs, inputs, 3, 3], weights).unwrap();
        tensors.push((format!("convs.{layer}.weight"), weights));
        let bias = Tensor::f32([outputs], bias).unwrap();
        tensors.push((format!("convs.{layer}.bias"), bias));
    }
    let shape = [2, sizes.frames, 14, 22];
    Case {
        name: format!("fp32-x{}-{}", sizes.scale, sizes.frames),
        artefact: sizes.artefact(Precision::Fp32, tensors),
        shape,
        input: numbers.many(shape.iter().product(), |x| (x * 0.5 + 0.5) as f32),
    }
}

/// What a case's network gives, worked out with plain loops.
fn plain(case: &Case, sizes: Sizes) -> Vec<f64> {
    let [_, frames, height, width] = case.shape;
    let mut out = Vec::new();
    for input in case.input.chunks_exact(frames * height * width) {
        let mut value = input.to_vec();
        for (layer, (inputs, outputs)) in sizes.layers().enumerate() {
            let shape = Shape {
                inputs,
                outputs,
                groups: 1,
                size: (height, width),
                kernel: (3, 3),
                stride: (1, 1),
                padding: (1, 1),
            };
            let tensor = |part: &str| {
                let tensor = case.artefact.tensor(&format!("convs.{layer}.{part}"));
                tensor.unwrap().as_f32().unwrap()
            };
            let relu = layer + 1 < sizes.layers;
            let (weights, bias) = (tensor("weight"), tensor("bias"));
            value = conv::reference::forward(&shape, &value, weights, Some(bias), relu);
        }
        let corrections = shuffled(&value, (height, width), sizes.scale);
        let last = &input[(frames - 1) * height * width..];
        let base = lanczos(last, (height, width), sizes.scale);
        out.extend(base.iter().zip(corrections).map(|(a, b)| a + f64::from(b)));
    }
    out
}

#[test]
fn single_precision_gives_the_same_numbers() {
    let mut numbers = Numbers(1);
    let sizes = |scale, frames| Sizes {
        scale,
        frames,
        channels: 8,
        layers: 4,
    };
    let all = [
        sizes(1, 1),
        sizes(2, 1),
        sizes(3, 1),
        sizes(4, 1),
        sizes(2, 3),
        sizes(3, 2),
    ];
    let cases = all.map(|sizes| single_precision(sizes, &mut numbers));
    let Some(found) = run(&cases) else { return };
    for ((case, sizes), found) in cases.iter().zip(all).zip(found) {
        let wanted = plain(case, sizes);
        for found in found {
            assert_eq!(found.len(), wanted.len(), "{}", case.name);
            let off = found
                .iter()
                .zip(&wanted)
                .map(|(a, b)| (f64::from(*a) - b).abs());
            let off = off.fold(0.0, f64::max);
            assert!(off < 1e-5, "{} is off by {off}", case.name);
        }
    }
}

/// Layers that keep their codes busy, with the scales that they stand for, and a picture.
fn quantised(sizes: Sizes, numbers: &mut Numbers) -> (Case, Network, Vec<Vec<u16>>) {
    let (mut tensors, mut layers) = (Vec::new(), Vec::new());
    let mut given = 1.0 / 255.0;
    for (layer, (inputs, outputs)) in sizes.layers().enumerate() {
        let last = layer + 1 == sizes.layers;
        let result = if last {
            1.0 / (64.0 * 255.0)
        } else {
            0.01 + 0.005 * numbers.next()
        };
        // How far sums are spread, and how far results are to be.
        let sums = ((9 * inputs) as f64).sqrt() * 73.0 * if layer == 0 { 128.0 } else { 45.0 };
        let wanted = if last { 500.0 } else { 50.0 };
        let multiplier: Vec<i32> = numbers.many(outputs, |x| (2500.0 + 700.0 * x) as i32);
        let multiplier: Vec<i32> = multiplier
            .iter()
            .map(|x| if last { x * 8 } else { *x })
            .collect();
        let shift = |x: &i32| {
            (f64::from(*x) * sums / wanted / 32768.0)
                .log2()
                .round()
                .max(0.0)
        };
        let shift: Vec<i32> = multiplier.iter().map(|x| shift(x) as i32).collect();
        let scales = multiplier.iter().zip(&shift).map(|(&multiplier, &shift)| {
            let one = result / given / f64::from(15 + shift).exp2();
            // As rounding the multiplier leaves it.
            ((f64::from(multiplier) + 0.49 * numbers.next()) * one) as f32
        });
        let scales: Vec<f32> = scales.collect();
        let weights = numbers.many(outputs * inputs * 9, |x| (x * 127.0).round() as i8);
        let bias = numbers.many(outputs, |x| (x * 0.5 * sums) as i32);
        layers.push(Layer {
            inputs,
            outputs,
            weights: weights.clone(),
            bias: bias.clone(),
            multiplier: multiplier.iter().map(|&x| x as i16).collect(),
            shift: shift.iter().map(|&x| x as u8).collect(),
        });
        let parts = [
            ("weight", Tensor::i8([outputs, inputs, 3, 3], weights)),
            ("bias", Tensor::i32([outputs], bias)),
            ("multiplier", Tensor::i32([outputs], multiplier)),
            ("shift", Tensor::i32([outputs], shift)),
            ("weight_scale", Tensor::f32([outputs], scales)),
            ("input_scale", Tensor::f32([1], vec![given as f32])),
        ];
        for (part, tensor) in parts {
            tensors.push((format!("convs.{layer}.{part}"), tensor.unwrap()));
        }
        given = f64::from(result as f32);
    }
    let network = Network {
        scale: sizes.scale,
        frames: sizes.frames,
        layers,
    };
    let shape = [1, sizes.frames, 34, 46];
    let mut picture = || numbers.many(34 * 46, |x| (x * 127.5 + 127.5).round() as u16);
    let pictures: Vec<Vec<u16>> = (0..sizes.frames).map(|_| picture()).collect();
    let case = Case {
        name: format!("int8-x{}-{}", sizes.scale, sizes.frames),
        artefact: sizes.artefact(Precision::Int8, tensors),
        shape,
        input: pictures
            .iter()
            .flatten()
            .map(|&x| f32::from(x) / 255.0)
            .collect(),
    };
    (case, network, pictures)
}

#[test]
fn quantised_gives_the_same_picture_but_for_rounding() {
    let mut numbers = Numbers(2);
    let sizes = |scale, frames| Sizes {
        scale,
        frames,
        channels: 16,
        layers: 5,
    };
    let all = [
        sizes(1, 1),
        sizes(2, 1),
        sizes(3, 1),
        sizes(4, 1),
        sizes(2, 3),
        sizes(3, 2),
    ];
    let made = all.map(|sizes| quantised(sizes, &mut numbers));
    let (mut cases, mut wanted) = (Vec::new(), Vec::new());
    for (case, network, pictures) in made {
        network.check().unwrap();
        let pictures: Vec<&[u16]> = pictures.iter().map(|it| &it[..]).collect();
        let [_, _, height, width] = case.shape;
        wanted.push(int8::reference(
            &network,
            &pictures,
            width,
            height,
            BitDepth::Eight,
        ));
        let corrections = int8::corrections(&network, &pictures, width, height, BitDepth::Eight);
        let busy = corrections.iter().filter(|x| x.abs() > 64).count();
        assert!(
            busy > corrections.len() / 4,
            "there is something to compare: {busy}"
        );
        cases.push(case);
    }
    let Some(found) = run(&cases) else { return };
    for ((case, wanted), found) in cases.iter().zip(wanted).zip(found) {
        for found in found {
            assert_eq!(found.len(), wanted.len(), "{}", case.name);
            let code = |x: f32| (x * 255.0).round().clamp(0.0, 255.0) as i32;
            let off = found
                .iter()
                .zip(&wanted)
                .map(|(&a, &b)| (code(a) - i32::from(b)).abs());
            let off: Vec<i32> = off.collect();
            let far = off.iter().filter(|off| **off > 1).count();
            let most = off.iter().max().unwrap();
            let some = off.iter().filter(|off| **off > 0).count();
            assert!(
                *most <= 2 && far * 1000 <= off.len() && some * 10 <= off.len(),
                "{}: of {} samples {some} differ, {far} by more than a code, and up to {most}",
                case.name,
                off.len()
            );
        }
    }
}

/// A family's network, and what burn makes of random pictures.
fn of_family(family: Family, scale: usize, sizes: &[(&str, u64)]) -> (Case, Vec<f32>) {
    let artefact = random::artefact(family, scale as u32, sizes);
    let size = |name: &str| artefact.card.parameter(name).unwrap();
    let mends = family == Family::FrameRecovery;
    let channels = match mends {
        true => size("references") + 2,
        false => size("window"),
    };
    let shape = [2, channels, 14, 22];
    let mut numbers = Numbers(7);
    let mut input = numbers.many(shape.iter().product(), |x| (x * 0.5 + 0.5) as f32);
    if mends {
        for picture in input.chunks_exact_mut(channels * 14 * 22) {
            let lost = &mut picture[(channels - 1) * 14 * 22..];
            for (at, lost) in lost.iter_mut().enumerate() {
                *lost = f32::from(u8::from(at % 22 < 9));
            }
        }
    }
    let device = Device::flex();
    let (net, _) = net_of(&artefact, "random", &device).unwrap();
    let given =
        burn::tensor::Tensor::<4>::from_data(TensorData::new(input.clone(), shape), &device);
    let base = match mends {
        true => {
            let part = |at: usize| given.clone().narrow(1, at, 1);
            let change = part(channels - 2) - part(0);
            part(0) + change * part(channels - 1)
        }
        false => lanczos_of(given.clone().narrow(1, channels / 2, 1), scale),
    };
    let wanted = pixel_shuffle(base + net.corrections(given), scale);
    let wanted = wanted.into_data().try_to_vec::<f32>().unwrap();
    let name = format!("{family}-x{scale}");
    (
        Case {
            name,
            artefact,
            shape,
            input,
        },
        wanted,
    )
}

#[test]
fn every_family_gives_the_same_numbers() {
    let light = [("window", 3), ("channels", 64), ("blocks", 8)];
    let quality = [("window", 3), ("features", 12), ("blocks", 2)];
    let mends = [("references", 3), ("features", 12), ("blocks", 2)];
    let all = [
        of_family(Family::LightweightSuperResolution, 2, &light),
        of_family(Family::LightweightSuperResolution, 3, &light),
        of_family(Family::SuperResolution, 2, &quality),
        of_family(Family::SuperResolution, 4, &quality),
        of_family(Family::FrameRecovery, 1, &mends),
    ];
    let (cases, wanted): (Vec<Case>, Vec<Vec<f32>>) = all.into_iter().unzip();
    let Some(found) = run(&cases) else { return };
    for ((case, wanted), found) in cases.iter().zip(wanted).zip(found) {
        let base = wanted.iter().sum::<f32>() / wanted.len() as f32;
        assert!(
            wanted.iter().any(|x| (x - base).abs() > 0.1),
            "{}",
            case.name
        );
        for found in found {
            assert_eq!(found.len(), wanted.len(), "{}", case.name);
            let off = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs());
            let off = off.fold(0.0, f32::max);
            // Places where pixels are fetched are counted in other units, which rounds them.
            assert!(off < 1e-4, "{} is off by {off}", case.name);
        }
    }
}
