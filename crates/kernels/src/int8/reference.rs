//! What a network makes of pictures, a sample at a time.

use nervure_frame::BitDepth;

use super::lanczos::{DOMAIN_BITS, lanczos14};
use super::{Layer, MAX_CODE, MAX_PICTURE_CODE, Network, requantise};

/// A picture of `width` by `height` samples, enlarged: rows of `width * scale` samples of the same
/// depth. It is the last of those that are given, which were shown one after the other.
///
/// # Panics
/// With a network that [`Network::check`] refuses, not as many pictures as it looks at, none of any size,
/// one of another size, or samples that the depth does not have.
pub fn reference(
    network: &Network,
    pictures: &[&[u16]],
    width: usize,
    height: usize,
    depth: BitDepth,
) -> Vec<u16> {
    let corrections = corrections(network, pictures, width, height, depth);
    let last = pictures[pictures.len() - 1];
    let base = lanczos14(last, width, height, depth, network.scale);
    let bits = DOMAIN_BITS - depth.bits();
    let sample = |(base, correction): (&i16, &i16)| {
        let sum = i32::from(*base) + i32::from(*correction) + (1 << (bits - 1));
        (sum >> bits).clamp(0, depth.max().into()) as u16
    };
    base.iter().zip(&corrections).map(sample).collect()
}

/// What the network adds to the classical upscaler, in 1/64 of an 8-bit code: as many as the enlarged
/// picture has samples.
///
/// # Panics
/// As [`reference()`].
pub fn corrections(
    network: &Network,
    pictures: &[&[u16]],
    width: usize,
    height: usize,
    depth: BitDepth,
) -> Vec<i16> {
    network.check().expect("a network that makes sense");
    assert!(width > 0 && height > 0, "a picture of {width}x{height}");
    assert_eq!(pictures.len(), network.frames, "pictures");
    for picture in pictures {
        assert_eq!(
            picture.len(),
            width * height,
            "a picture of {width}x{height}"
        );
        let deepest = picture.iter().max().copied().unwrap_or(0);
        assert!(
            deepest <= depth.max(),
            "a sample of {deepest} in {depth:?} bits"
        );
    }

    let mut codes = codes(pictures, (width, height), depth);
    let last = network.layers.len() - 1;
    for layer in &network.layers[..last] {
        codes = convolved(layer, &codes, |code| code.clamp(0, MAX_CODE) as i16);
    }
    // Words times a fraction of one: they still fit.
    let squares = convolved(&network.layers[last], &codes, |correction| {
        correction as i16
    });
    shuffled(&squares, (width, height), network.scale)
}

/// Channels with a frame of zeros, one after the other.
struct Planes {
    width: usize,
    height: usize,
    samples: Vec<i16>,
}

impl Planes {
    fn new(channels: usize, width: usize, height: usize) -> Self {
        Planes {
            width,
            height,
            samples: vec![0; channels * (width + 2) * (height + 2)],
        }
    }

    /// Where a row begins, its zero before it. Rows are counted from the one of zeros.
    fn row(&self, channel: usize, row: usize) -> usize {
        (channel * (self.height + 2) + row) * (self.width + 2)
    }
}

/// The codes of pictures, each a channel.
fn codes(pictures: &[&[u16]], (width, height): (usize, usize), depth: BitDepth) -> Planes {
    let mut planes = Planes::new(pictures.len(), width, height);
    for (channel, picture) in pictures.iter().enumerate() {
        for (row, samples) in picture.chunks_exact(width).enumerate() {
            let start = planes.row(channel, row + 1) + 1;
            for (to, sample) in planes.samples[start..].iter_mut().zip(samples) {
                *to = code(*sample, depth);
            }
        }
    }
    planes
}

/// A sample as an 8-bit code.
fn code(sample: u16, depth: BitDepth) -> i16 {
    let sample = i32::from(sample);
    let code = match depth {
        BitDepth::Eight => sample,
        BitDepth::Ten => (sample + 2) >> 2,
    };
    code.min(MAX_PICTURE_CODE) as i16
}

fn convolved(layer: &Layer, input: &Planes, finish: impl Fn(i32) -> i16) -> Planes {
    let (width, height) = (input.width, input.height);
    let mut output = Planes::new(layer.outputs, width, height);
    let mut sums = vec![0i32; width];
    for channel in 0..layer.outputs {
        let weights = &layer.weights[channel * layer.inputs * 9..][..layer.inputs * 9];
        for row in 0..height {
            sums.fill(layer.bias[channel]);
            for (tap, &weight) in weights.iter().enumerate() {
                let start = input.row(tap / 9, row + tap % 9 / 3) + tap % 3;
                let weight = i32::from(weight);
                for (sum, &sample) in sums.iter_mut().zip(&input.samples[start..][..width]) {
                    *sum += weight * i32::from(sample);
                }
            }
            let start = output.row(channel, row + 1) + 1;
            let (multiplier, shift) = (layer.multiplier[channel], layer.shift[channel]);
            for (to, &sum) in output.samples[start..][..width].iter_mut().zip(&sums) {
                *to = finish(requantise(sum, multiplier, shift));
            }
        }
    }
    output
}

/// Channels made squares.
fn shuffled(planes: &Planes, (width, height): (usize, usize), scale: usize) -> Vec<i16> {
    let (width, height) = (width * scale, height * scale);
    let mut out = Vec::with_capacity(width * height);
    for row in 0..height {
        for column in 0..width {
            let channel = row % scale * scale + column % scale;
            let start = planes.row(channel, row / scale + 1) + 1;
            out.push(planes.samples[start + column / scale]);
        }
    }
    out
}
