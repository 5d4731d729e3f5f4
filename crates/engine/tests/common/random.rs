//! Networks of every family with weights at random, as artefacts.

use std::collections::BTreeMap;

use nervure_frame::{Plane, Sample};
use nervure_record::{Artefact, Card, Family, Planes, Precision, SCHEMA, Tensor, Training};

/// Numbers from a seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }

    fn around_zero(&mut self, most: f32) -> f32 {
        (2.0 * self.share() - 1.0) * most
    }
}

/// A picture of waves and noise, all codes up to the largest.
pub fn plane<T: Sample>(
    width: usize,
    height: usize,
    seed: u64,
    code: impl Fn(f32) -> T,
) -> Plane<T> {
    let mut dice = Dice::new(seed);
    let shift = seed as f32;
    let mut plane = Plane::new(width, height);
    for (y, row) in plane.rows_mut().enumerate() {
        for (x, sample) in row.iter_mut().enumerate() {
            let wave = ((x as f32 + shift) / 5.0).sin() * ((y as f32 - shift) / 7.0).cos();
            *sample = code(0.4 + 0.4 * wave + 0.2 * dice.share());
        }
    }
    plane
}

/// A family's network of the given sizes.
pub fn artefact(family: Family, scale: u32, sizes: &[(&str, u64)]) -> Artefact {
    let parameters: BTreeMap<String, u64> = sizes
        .iter()
        .map(|(name, size)| (name.to_string(), *size))
        .collect();
    let size = |name: &str| parameters[name] as usize;
    let squares = (scale * scale) as usize;
    let mut convs = Convs {
        dice: Dice::new(11 + u64::from(scale)),
        tensors: BTreeMap::new(),
    };
    match family {
        Family::ResidualEspcn => {
            let (layers, channels) = (size("layers"), size("channels"));
            for layer in 0..layers {
                let inputs = if layer == 0 { size("frames") } else { channels };
                let last = layer + 1 == layers;
                let outputs = if last { squares } else { channels };
                let gain = if last { 0.2 } else { 1.0 };
                convs.add(&format!("convs.{layer}"), [outputs, inputs, 3, 3], gain);
            }
        }
        Family::LightweightSuperResolution => {
            let channels = size("channels");
            convs.add("first", [channels, size("window"), 3, 3], 1.0);
            for block in 0..size("blocks") {
                convs.add(
                    &format!("blocks.{block}.depthwise"),
                    [channels, 1, 3, 3],
                    1.0,
                );
                let pointwise = [channels, channels, 1, 1];
                convs.add(&format!("blocks.{block}.pointwise"), pointwise, 1.0);
            }
            convs.add("last", [squares, channels, 3, 3], 0.2);
        }
        Family::SuperResolution => {
            let (window, features) = (size("window"), size("features"));
            let half = (features / 2).max(1);
            convs.add("extract", [features, 1, 3, 3], 1.0);
            convs.add("motion.first", [features, 2 * features, 3, 3], 1.0);
            convs.add("motion.second", [half, features, 3, 3], 1.0);
            // Some pixels move by many.
            convs.add("motion.last", [2, half, 3, 3], 10.0);
            convs.add("aggregate", [features, window * features, 3, 3], 1.0);
            for block in 0..size("blocks") {
                convs.residual(&format!("blocks.{block}"), features);
            }
            convs.add("last", [squares, features, 3, 3], 0.2);
        }
        Family::FrameRecovery => {
            let features = size("features");
            let half = 2 * features;
            convs.add("enter", [features, 3, 3, 3], 1.0);
            for block in 0..2 {
                convs.residual(&format!("at_full.{block}"), features);
            }
            convs.add("down", [half, features, 3, 3], 1.0);
            for block in 0..size("blocks") {
                convs.residual(&format!("spatial.{block}"), half);
                convs.residual(&format!("refine.{block}"), half);
            }
            let few = features / 2;
            convs.add("temporal.0.conv", [few, 3, 3, 3], 1.0);
            convs.add("temporal.1.conv", [features, 3 * few, 3, 3], 1.0);
            convs.add("temporal.2.conv", [features, 3 * features, 3, 3], 1.0);
            convs.add("fuse", [half, half + features, 3, 3], 1.0);
            convs.add("up", [4 * few, half, 3, 3], 1.0);
            convs.add("last", [2, few, 3, 3], 0.2);
        }
    }
    let card = Card {
        schema: SCHEMA,
        name: format!("random-{family}"),
        family,
        parameters,
        scale,
        planes: Planes::Luma,
        precision: Precision::Fp32,
        training: Training::default(),
        parent: None,
        quality: Vec::new(),
        sources: Vec::new(),
        licence: "CC0-1.0".into(),
        notes: String::new(),
    };
    Artefact {
        card,
        tensors: convs.tensors,
    }
}

struct Convs {
    dice: Dice,
    tensors: BTreeMap<String, Tensor>,
}

impl Convs {
    /// Weights that keep the size of numbers from layer to layer, times the gain.
    fn add(&mut self, name: &str, shape: [usize; 4], gain: f32) {
        let [outputs, inputs, rows, columns] = shape;
        let fan = inputs * rows * columns;
        let most = gain * (6.0 / fan as f32).sqrt();
        let weights = (0..outputs * fan).map(|_| self.dice.around_zero(most));
        let weights = Tensor::f32(shape, weights.collect()).unwrap();
        let bias = (0..outputs).map(|_| self.dice.around_zero(0.1 * gain));
        let bias = Tensor::f32([outputs], bias.collect()).unwrap();
        self.tensors.insert(format!("{name}.weight"), weights);
        self.tensors.insert(format!("{name}.bias"), bias);
    }

    fn residual(&mut self, name: &str, channels: usize) {
        let shape = [channels, channels, 3, 3];
        self.add(&format!("{name}.first"), shape, 1.0);
        self.add(&format!("{name}.second"), shape, 0.3);
    }
}
