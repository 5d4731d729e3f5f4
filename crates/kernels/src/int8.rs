//! Quantised networks: what they compute, to the bit.
//!
//! A network is a chain of 3x3 convolutions on luma in bytes, of one picture or of some that follow on each
//! other, whose last layer corrects the classical upscaler. [`reference()`] is its definition; whatever is faster must give the same picture on every
//! machine, so nothing here is a floating-point number.
//!
//! **Codes.** The first layer is given the picture's 8-bit codes, 0 to 255 (those of a 10-bit picture
//! are rounded to 8 bits). Between layers there are codes of 0 to 127: two products of such a code and
//! a weight fit in 16 bits, and a signed instruction may take them for signed. Outside of the picture
//! everything is zero.
//!
//! **Layers.** Each output is a sum in 32 bits that [`Network::check`] has shown to fit, brought back to
//! codes by [`requantise`]: a rounding shift, which saturates at 16 bits, and a rounding multiplication
//! by a fraction of 32768. Those are what processors have instructions for. Codes are then clamped to
//! 0 to 127, which is ReLU; what the last layer gives is not clamped, and counts in 1/64 of an 8-bit
//! code.
//!
//! **Upscaling.** Beneath it all is [`lanczos14`] of the last picture, first across and then down, in 14 bits: those of a
//! 10-bit picture and four more, of which rounding keeps its errors.

mod fused;
mod lanczos;
mod reference;
mod twins;

#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub(crate) use fused::products_are_right;
pub use fused::{Code, Program, Scratch, products};
pub use lanczos::{lanczos_weights, lanczos14, lobes as lanczos_lobes};
pub use reference::{corrections, reference};
pub use twins::{TWIN_PAIR, twin_weights};

use crate::Error;

/// The largest code between layers.
pub const MAX_CODE: i32 = 127;

/// The largest code of a picture.
pub const MAX_PICTURE_CODE: i32 = 255;

/// The most that a network enlarges.
pub const MAX_SCALE: usize = 8;

/// The most pictures that a network is given.
pub const MAX_FRAMES: usize = 8;

/// A 3x3 convolution in bytes, and how its sums become codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// By output, input, row and column.
    pub weights: Vec<i8>,
    /// By output, in the unit of the sums.
    pub bias: Vec<i32>,
    /// By output: a fraction of 32768, not negative.
    pub multiplier: Vec<i16>,
    /// By output: bits that sums lose before they are multiplied, 0 to 31.
    pub shift: Vec<u8>,
}

/// A chain of layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// How many times as large the picture becomes.
    pub scale: usize,
    /// Pictures that it is given: the one that becomes larger last, before it those that were shown
    /// before.
    pub frames: usize,
    /// From the picture to the corrections.
    pub layers: Vec<Layer>,
}

impl Network {
    /// Whether it makes sense: layers follow on each other, and no sum can overflow whatever the
    /// picture.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Network { reason });
        if !(1..=MAX_SCALE).contains(&self.scale) || !(1..=MAX_FRAMES).contains(&self.frames) {
            return refuse(format!(
                "it enlarges by {} and looks at {} pictures, not 1 to {MAX_SCALE} and 1 to {MAX_FRAMES}",
                self.scale, self.frames
            ));
        }
        let mut inputs = self.frames;
        for (number, layer) in self.layers.iter().enumerate() {
            if layer.inputs != inputs {
                return refuse(format!(
                    "layer {number} takes {} channels, and is given {inputs}",
                    layer.inputs
                ));
            }
            let largest = match number {
                0 => MAX_PICTURE_CODE,
                _ => MAX_CODE,
            };
            if let Err(reason) = layer.check(largest) {
                return refuse(format!("layer {number}: {reason}"));
            }
            inputs = layer.outputs;
        }
        let outputs = self.scale * self.scale;
        match self.layers.is_empty() || inputs != outputs {
            true => refuse(format!(
                "{} layers give {inputs} channels, and {outputs} are wanted",
                self.layers.len()
            )),
            false => Ok(()),
        }
    }
}

impl Layer {
    /// What is wrong with it, given codes of 0 to `largest`.
    fn check(&self, largest: i32) -> Result<(), String> {
        let Layer {
            inputs, outputs, ..
        } = *self;
        let weights = outputs
            .checked_mul(inputs)
            .and_then(|maps| maps.checked_mul(9));
        if inputs == 0 || outputs == 0 || weights != Some(self.weights.len()) {
            return Err(format!(
                "{} weights for {inputs} inputs and {outputs} outputs",
                self.weights.len()
            ));
        }
        let counts = [self.bias.len(), self.multiplier.len(), self.shift.len()];
        if counts != [outputs; 3] {
            return Err(format!(
                "biases, multipliers and shifts of {counts:?} outputs, and there are {outputs}"
            ));
        }
        if let Some(wrong) = self.multiplier.iter().find(|multiplier| **multiplier < 0) {
            return Err(format!("a multiplier of {wrong}"));
        }
        if let Some(wrong) = self.shift.iter().find(|shift| **shift > 31) {
            return Err(format!("a shift of {wrong} bits"));
        }
        for (output, weights) in self.weights.chunks_exact(inputs * 9).enumerate() {
            let sum = |weights: &mut dyn Iterator<Item = i64>| {
                weights.sum::<i64>() * i64::from(largest) + i64::from(self.bias[output])
            };
            let weights = || weights.iter().map(|&weight| i64::from(weight));
            let most = sum(&mut weights().filter(|weight| *weight > 0));
            let least = sum(&mut weights().filter(|weight| *weight < 0));
            // As SIMD does it, a sum of only some of the products may be in a register, begun with the
            // bias and what rounds.
            let rounding = i64::from(rounding(self.shift[output]));
            if i32::try_from(most + rounding).is_err() || i32::try_from(least).is_err() {
                return Err(format!(
                    "sums of output {output} are {least} to {most}, more than 32 bits hold"
                ));
            }
        }
        Ok(())
    }
}

/// Half of what the last bit is worth after a shift.
fn rounding(shift: u8) -> i32 {
    match shift {
        0 => 0,
        shift => 1 << (shift - 1),
    }
}

/// A sum as a code, not yet clamped: what a shift that rounds, a pack that saturates and `pmulhrsw` do.
///
/// # Panics
/// When the sum and half of the last bit's worth are more than 32 bits hold, or a shift is of more than
/// 31 bits.
pub fn requantise(sum: i32, multiplier: i16, shift: u8) -> i32 {
    assert!(shift <= 31, "a shift of {shift} bits");
    let rounded = sum.checked_add(rounding(shift)).expect("a checked network") >> shift;
    let word = rounded.clamp(i16::MIN.into(), i16::MAX.into());
    (word * i32::from(multiplier) + 0x4000) >> 15
}

#[cfg(test)]
mod tests;
