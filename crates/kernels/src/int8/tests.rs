//! The reference against a definition that is plainer still, and against what can be said by hand.

use nervure_frame::BitDepth;

use super::lanczos::lobes;
use super::*;

/// The same numbers on every run.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    /// From `low` to `high`, both in it.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + (self.0 % (high - low + 1) as u64) as i64
    }
}

/// Layers with these channels between them.
pub(super) fn network(
    scale: usize,
    frames: usize,
    between: &[usize],
    numbers: &mut Numbers,
) -> Network {
    let channels = [&[frames], between, &[scale * scale]].concat();
    let layers = channels.windows(2).map(|pair| {
        let [inputs, outputs] = [pair[0], pair[1]];
        let mut of = |count: usize, low, high| -> Vec<i64> {
            (0..count).map(|_| numbers.between(low, high)).collect()
        };
        Layer {
            inputs,
            outputs,
            weights: of(outputs * inputs * 9, -127, 127)
                .iter()
                .map(|&x| x as i8)
                .collect(),
            bias: of(outputs, -20_000, 20_000)
                .iter()
                .map(|&x| x as i32)
                .collect(),
            multiplier: of(outputs, 0, 32767).iter().map(|&x| x as i16).collect(),
            shift: of(outputs, 0, 9).iter().map(|&x| x as u8).collect(),
        }
    });
    Network {
        scale,
        frames,
        layers: layers.collect(),
    }
}

/// As many pictures as a network looks at.
pub(super) fn pictures(
    count: usize,
    (width, height): (usize, usize),
    depth: BitDepth,
    numbers: &mut Numbers,
) -> Vec<Vec<u16>> {
    (0..count)
        .map(|_| picture(width, height, depth, numbers))
        .collect()
}

pub(super) fn picture(
    width: usize,
    height: usize,
    depth: BitDepth,
    numbers: &mut Numbers,
) -> Vec<u16> {
    let most = i64::from(depth.max());
    (0..width * height)
        .map(|_| match numbers.between(0, 5) {
            // Extremes are where things saturate.
            0 => 0,
            1 => depth.max(),
            _ => numbers.between(0, most) as u16,
        })
        .collect()
}

/// The page's words with no thought of speed, in 64 bits.
fn naive(
    network: &Network,
    pictures: &[Vec<u16>],
    (width, height): (usize, usize),
    depth: BitDepth,
) -> Vec<u16> {
    let scale = network.scale;
    let bits = i64::from(depth.bits());
    let edge = |x: i64, y: i64| {
        let x = x.clamp(0, width as i64 - 1) as usize;
        let y = y.clamp(0, height as i64 - 1) as usize;
        i64::from(pictures[pictures.len() - 1][y * width + x])
    };
    let code = |sample: &u16| match bits {
        8 => i64::from(*sample),
        _ => ((i64::from(*sample) + 2) >> 2).min(255),
    };
    let mut codes: Vec<Vec<i64>> = pictures
        .iter()
        .map(|picture| picture.iter().map(code).collect())
        .collect();
    for (number, layer) in network.layers.iter().enumerate() {
        let next = |output: usize, x: i64, y: i64| {
            let mut sum = i64::from(layer.bias[output]);
            for (input, codes) in codes.iter().enumerate() {
                for (tap, (dy, dx)) in (-1..=1)
                    .flat_map(|dy| (-1..=1).map(move |dx| (dy, dx)))
                    .enumerate()
                {
                    let (x, y) = (x + dx, y + dy);
                    if (0..width as i64).contains(&x) && (0..height as i64).contains(&y) {
                        let weight = layer.weights[(output * layer.inputs + input) * 9 + tap];
                        sum += i64::from(weight) * codes[y as usize * width + x as usize];
                    }
                }
            }
            let shift = layer.shift[output];
            let half = (1i64 << shift) / 2;
            let word = ((sum + half) >> shift).clamp(-32768, 32767);
            let code = (word * i64::from(layer.multiplier[output]) + 16384) >> 15;
            match number + 1 == network.layers.len() {
                true => code.clamp(-32768, 32767),
                false => code.clamp(0, 127),
            }
        };
        codes = (0..layer.outputs)
            .map(|output| {
                (0..width * height)
                    .map(|at| next(output, (at % width) as i64, (at / width) as i64))
                    .collect()
            })
            .collect();
    }
    let weights = lanczos_weights(scale);
    let across = |x: usize, y: i64| {
        let sum: i64 = (0..7)
            .map(|tap| {
                let at = (x / scale) as i64 + tap - 3;
                i64::from(weights[x % scale][tap as usize]) * (edge(at, y) << (14 - bits))
            })
            .sum();
        ((sum + 8192) >> 14).clamp(-32768, 32767)
    };
    let mut out = Vec::new();
    for y in 0..height * scale {
        for x in 0..width * scale {
            let down: i64 = (0..7)
                .map(|tap| {
                    let at = ((y / scale) as i64 + tap - 3).clamp(0, height as i64 - 1);
                    i64::from(weights[y % scale][tap as usize]) * across(x, at)
                })
                .sum();
            let base = (down + 8192) >> 14;
            let correction = codes[y % scale * scale + x % scale][y / scale * width + x / scale];
            let sample = (base + correction + (1 << (13 - bits))) >> (14 - bits);
            out.push(sample.clamp(0, (1 << bits) - 1) as u16);
        }
    }
    out
}

#[test]
fn it_is_what_the_page_says() {
    let mut numbers = Numbers(7);
    let sizes = [(1, 1), (1, 9), (9, 1), (2, 2), (5, 4), (13, 7), (16, 11)];
    for scale in 1..=5 {
        for frames in [1, 2, 4] {
            for depth in [BitDepth::Eight, BitDepth::Ten] {
                for (index, &(width, height)) in sizes.iter().enumerate() {
                    let between = &[4, 3, 5][..index % 4];
                    let network = network(scale, frames, between, &mut numbers);
                    network.check().expect("a good network");
                    let pictures = pictures(frames, (width, height), depth, &mut numbers);
                    let given: Vec<&[u16]> = pictures.iter().map(|it| &it[..]).collect();
                    let found = reference(&network, &given, width, height, depth);
                    let wanted = naive(&network, &pictures, (width, height), depth);
                    assert!(
                        found == wanted,
                        "{frames} of {width}x{height} times {scale}, {depth:?}"
                    );
                }
            }
        }
    }
}

/// A network of nothing but zeros.
fn nothing(scale: usize) -> Network {
    let outputs = scale * scale;
    let layer = |inputs: usize, outputs: usize| Layer {
        inputs,
        outputs,
        weights: vec![0; inputs * outputs * 9],
        bias: vec![0; outputs],
        multiplier: vec![32767; outputs],
        shift: vec![0; outputs],
    };
    Network {
        scale,
        frames: 1,
        layers: vec![layer(1, 8), layer(8, outputs)],
    }
}

#[test]
fn without_weights_it_is_the_classical_upscaler() {
    let mut numbers = Numbers(3);
    for scale in 1..=4 {
        for depth in [BitDepth::Eight, BitDepth::Ten] {
            let picture = picture(9, 5, depth, &mut numbers);
            let found = reference(&nothing(scale), &[&picture], 9, 5, depth);
            if scale == 1 {
                assert_eq!(found, picture);
            }
            let base = lanczos14(&picture, 9, 5, depth, scale);
            let worth = f64::from(1u32 << (14 - depth.bits()));
            for (found, base) in found.iter().zip(base) {
                let wanted = (f64::from(base) / worth).clamp(0.0, depth.max().into());
                assert!(
                    (f64::from(*found) - wanted).abs() <= 0.5,
                    "{found} {wanted}"
                );
            }
        }
    }
}

#[test]
fn a_flat_picture_stays_flat() {
    for scale in 1..=MAX_SCALE {
        for (depth, value) in [
            (BitDepth::Eight, 255),
            (BitDepth::Ten, 1023),
            (BitDepth::Ten, 1),
        ] {
            let found = reference(&nothing(scale), &[&[value; 35]], 7, 5, depth);
            assert_eq!(found, vec![value; 35 * scale * scale]);
        }
    }
}

/// Of a single layer whose middle tap of the last picture is its only one.
fn brighter(frames: usize, weight: i8, bias: i32, multiplier: i16, shift: u8) -> Network {
    let mut weights = vec![0; frames * 9];
    weights[(frames - 1) * 9 + 4] = weight;
    let layer = Layer {
        inputs: frames,
        outputs: 1,
        weights,
        bias: vec![bias],
        multiplier: vec![multiplier],
        shift: vec![shift],
    };
    Network {
        scale: 1,
        frames,
        layers: vec![layer],
    }
}

#[test]
fn a_single_tap_is_where_it_should_be() {
    let picture: Vec<u16> = (0..15).map(|x| x * 8).collect();
    // 64 in 1/64, halved: each sample half as bright again. 0.5 is rounded up, as 32 of 64.
    let network = brighter(1, 64, 0, 16384, 0);
    let found = reference(&network, &[&picture], 5, 3, BitDepth::Eight);
    let wanted: Vec<u16> = picture.iter().map(|x| x + x / 2).collect();
    assert_eq!(found, wanted);
}

#[test]
fn pictures_come_in_the_order_they_were_shown() {
    let mut network = brighter(3, 0, 0, 32767, 0);
    // What was brighter in the picture before is added; the one before that is not looked at.
    network.layers[0].weights[9 + 4] = 64;
    let given: [&[u16]; 3] = [&[200, 200], &[10, 0], &[50, 60]];
    let found = reference(&network, &given, 2, 1, BitDepth::Eight);
    assert_eq!(found, [60, 60]);
}

#[test]
fn taps_lie_as_rows_and_columns() {
    // The sample above and to the right, doubled: beyond the picture there is nothing.
    let mut network = brighter(1, 0, 0, 32767, 0);
    network.layers[0].weights[2] = 64;
    let picture = [10, 20, 30, 40, 50, 60];
    let found = reference(&network, &[&picture], 3, 2, BitDepth::Eight);
    assert_eq!(found, [10, 20, 30, 40 + 20, 50 + 30, 60]);
}

#[test]
fn bright_and_dark_are_where_it_ends() {
    for (bias, wanted) in [(1 << 20, 255), (-(1 << 20), 0)] {
        let network = brighter(1, 0, bias, 32767, 0);
        assert_eq!(
            corrections(&network, &[&[100]], 1, 1, BitDepth::Eight).len(),
            1
        );
        let found = reference(&network, &[&[100; 4]], 2, 2, BitDepth::Eight);
        assert_eq!(found, [wanted; 4]);
    }
}

#[test]
fn ten_bits_are_seen_as_eight() {
    // Each 8-bit code adds one 8-bit code, which is four of ten bits.
    let network = brighter(1, 64, 0, 32767, 0);
    for (sample, added) in [(0, 0), (1, 0), (2, 4), (5, 4), (6, 8), (500, 500)] {
        let found = reference(&network, &[&[sample]], 1, 1, BitDepth::Ten);
        assert_eq!(found, [sample + added], "{sample}");
    }
    let dark = brighter(1, -64, 0, 32767, 0);
    // 1022 and 1023 round to 256, which there is not: 255 are taken off.
    assert_eq!(
        reference(&dark, &[&[1023]], 1, 1, BitDepth::Ten),
        [1023 - 1020]
    );
}

#[test]
fn sums_become_codes_as_processors_do_it() {
    assert_eq!(requantise(100, 16384, 0), 50);
    assert_eq!(requantise(101, 16384, 0), 51, "halves go up");
    assert_eq!(requantise(-101, 16384, 0), -50, "below zero too");
    assert_eq!(requantise(3, 32767, 1), 2, "3 / 2 is rounded first");
    assert_eq!(requantise(-3, 32767, 1), -1);
    assert_eq!(requantise(1 << 20, 32767, 0), 32766, "saturated at 16 bits");
    assert_eq!(requantise(-(1 << 20), 32767, 0), -32767);
    assert_eq!(requantise(i32::MAX - (1 << 29), 32767, 30), 1);
    assert_eq!(requantise(i32::MAX - (1 << 30), 32767, 31), 0);
    assert_eq!(requantise(i32::MIN, 32767, 31), -1);
    assert_eq!(requantise(12345, 0, 3), 0);
    assert_eq!(requantise(1, 1, 0), 0);
}

/// Words that processors multiply: the formula of `pmulhrsw` as its maker writes it.
#[test]
fn the_multiplication_is_pmulhrsw() {
    let mut numbers = Numbers(11);
    for _ in 0..10_000 {
        let word = numbers.between(-32768, 32767) as i32;
        let multiplier = numbers.between(0, 32767) as i16;
        let wanted = (((word * i32::from(multiplier)) >> 14) + 1) >> 1;
        assert_eq!(requantise(word, multiplier, 0), wanted);
    }
}

#[test]
fn weights_are_these() {
    assert_eq!(lanczos_weights(1), [[0, 0, 0, 16384, 0, 0, 0]]);
    for scale in 1..=MAX_SCALE {
        let weights = lanczos_weights(scale);
        for (phase, weights) in weights.iter().enumerate() {
            assert_eq!(weights.iter().map(|&x| i32::from(x)).sum::<i32>(), 16384);
            let mut mirrored = lanczos_weights(scale)[scale - 1 - phase];
            mirrored.reverse();
            assert_eq!(*weights, mirrored);
            // Across and down, the brightest among the darkest and the other way round: 14-bit
            // samples stay within 16 bits, so that saturating is all the same.
            let positive: i64 = weights.iter().map(|&x| i64::from(x).max(0)).sum();
            let negative = positive - 16384;
            assert!((positive.pow(2) + negative.pow(2)) * 16383 / (1 << 28) < 32767);
            // Rounding is never decided by the last bits of a sine.
            for lobe in lobes(phase, scale) {
                let off = (lobe * 16384.0 - (lobe * 16384.0).floor() - 0.5).abs();
                assert!(off > 1e-6, "{lobe} at {phase} of {scale}");
            }
        }
    }
    assert_eq!(lanczos_weights(2), WEIGHTS_2);
    assert_eq!(lanczos_weights(3), WEIGHTS_3);
    assert_eq!(lanczos_weights(4), WEIGHTS_4);
}

/// Worked out by another program.
const WEIGHTS_2: [[i16; 7]; 2] = [
    [121, -1114, 4440, 14628, -2184, 493, 0],
    [0, 493, -2184, 14628, 4440, -1114, 121],
];
const WEIGHTS_3: [[i16; 7]; 3] = [
    [208, -1536, 6265, 13336, -2400, 511, 0],
    [0, 0, 0, 16384, 0, 0, 0],
    [0, 511, -2400, 13336, 6265, -1536, 208],
];
const WEIGHTS_4: [[i16; 7]; 4] = [
    [257, -1736, 7206, 12583, -2425, 499, 0],
    [30, -501, 1977, 15936, -1393, 335, 0],
    [0, 335, -1393, 15936, 1977, -501, 30],
    [0, 499, -2425, 12583, 7206, -1736, 257],
];

#[test]
fn networks_that_make_no_sense_are_refused() {
    let good = network(2, 2, &[3], &mut Numbers(5));
    good.check().expect("a good network");
    type Change = (&'static str, fn(&mut Network));
    let changes: [Change; 16] = [
        ("enlarges by 0", |network| network.scale = 0),
        ("enlarges by 9", |network| network.scale = 9),
        ("looks at 9 pictures", |network| network.frames = 9),
        ("looks at 0 pictures", |network| network.frames = 0),
        ("is given 1", |network| network.frames = 1),
        ("9 are wanted", |network| network.scale = 3),
        ("0 layers", |network| network.layers.clear()),
        ("is given 2", |network| drop(network.layers.remove(0))),
        ("weights for", |network| {
            network.layers[0].weights.truncate(7);
        }),
        ("weights for", |network| network.layers[0].outputs = 0),
        ("weights for", |network| {
            network.layers[0].outputs = usize::MAX;
        }),
        ("shifts of [4, 3, 3]", |network| {
            network.layers[0].bias.push(0);
        }),
        ("a multiplier of -1", |network| {
            network.layers[1].multiplier[2] = -1;
        }),
        ("a shift of 32", |network| network.layers[1].shift[2] = 32),
        ("more than 32 bits", |network| {
            network.layers[0].bias[1] = i32::MAX;
        }),
        ("more than 32 bits", |network| {
            network.layers[0].bias[1] = i32::MIN;
        }),
    ];
    for (because, change) in changes {
        let mut network = good.clone();
        change(&mut network);
        let error = network.check().expect_err(because).to_string();
        assert!(error.contains(because), "{error} / {because}");
    }
}

/// The largest bias that goes, and one more.
#[test]
fn sums_are_bounded_by_the_worst_picture() {
    let mut network = brighter(1, 100, 0, 32767, 30);
    let most = i32::MAX - 255 * 100 - (1 << 29);
    network.layers[0].bias = vec![most];
    network.check().expect("it just fits");
    assert_eq!(corrections(&network, &[&[255]], 1, 1, BitDepth::Eight), [1]);
    network.layers[0].bias = vec![most + 1];
    assert!(network.check().is_err());
}
