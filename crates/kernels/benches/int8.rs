//! Quantised networks of the usual sizes on 960x540, on one thread, for every instruction set: as a share
//! of what the processor can multiply at most, measured in turns with it.
//!
//! `cargo bench -p nervure-kernels --bench int8 [-- ISA [NETWORK]]`
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::Instant;

use nervure_frame::Plane;
use nervure_kernels::Isa;
use nervure_kernels::int8::{Layer, Network, Program, Scratch, products};

/// Channels between layers, and how many layers.
const NETWORKS: [(&str, usize, usize, usize); 7] = [
    ("xs", 2, 8, 5),
    ("s", 2, 16, 4),
    ("m", 2, 16, 9),
    ("l", 2, 24, 9),
    ("xl", 2, 32, 9),
    ("m-x3", 3, 24, 8),
    ("m-x4", 4, 24, 8),
];
const SIZE: (usize, usize) = (960, 540);
const RUNS: usize = 15;

/// With weights that twins can be made with, as training gives them, or not.
fn network(scale: usize, channels: usize, layers: usize, twins: bool) -> Network {
    let mut seed = 9_u32;
    let mut next = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as i8 / 4
    };
    let mut weights = move |count: usize| -> Vec<i8> {
        let mut weights: Vec<i8> = (0..count).map(|_| next()).collect();
        for row in weights.as_chunks_mut::<3>().0 {
            row[1] += (row.iter().sum::<i8>() + i8::from(!twins)) % 2;
        }
        weights
    };
    let mut inputs = 1;
    let layers = (0..layers).map(|layer| {
        let outputs = match layer + 1 == layers {
            true => scale * scale,
            false => channels,
        };
        let layer = Layer {
            inputs,
            outputs,
            weights: weights(outputs * inputs * 9),
            bias: vec![100; outputs],
            multiplier: vec![12_000; outputs],
            shift: vec![8; outputs],
        };
        inputs = outputs;
        layer
    });
    Network {
        scale,
        frames: 1,
        layers: layers.collect(),
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let mut wishes = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'));
    let (isa_wish, net_wish) = (wishes.next(), wishes.next());
    let samples: Vec<u8> = (0..SIZE.0 * SIZE.1)
        .map(|at| (at * 7 % 251) as u8)
        .collect();
    let picture = Plane::from_samples(SIZE.0, SIZE.1, &samples);
    for isa in Isa::available() {
        if isa_wish.as_ref().is_some_and(|wish| wish != isa.name()) {
            continue;
        }
        for (name, scale, channels, layers) in NETWORKS {
            if net_wish.as_ref().is_some_and(|wish| wish != name) {
                continue;
            }
            for twins in [false, true] {
                let program = Program::new(&network(scale, channels, layers, twins), isa).unwrap();
                let mut out = Plane::<u8>::new(SIZE.0 * scale, SIZE.1 * scale);
                let stride = out.stride();
                let mut scratch = Scratch::default();
                let (mut times, mut peaks) = (Vec::new(), Vec::new());
                for _ in 0..RUNS {
                    let begin = Instant::now();
                    program.run(&[&picture], 0..SIZE.1, out.data_mut(), stride, &mut scratch);
                    times.push(begin.elapsed().as_secs_f64());
                    let begin = Instant::now();
                    let products = products(isa, 200_000);
                    peaks.push(products as f64 / begin.elapsed().as_secs_f64() / 1e9);
                }
                let (time, peak) = (median(times), median(peaks));
                let rate = program.macs() as f64 * (SIZE.0 * SIZE.1) as f64 / time / 1e9;
                println!(
                    "{isa:>8} {name:>5}{}: {:7.2} ms, {rate:6.1} of {peak:6.1} GMAC/s, {:5.1}%",
                    if twins { " as twins" } else { "" },
                    time * 1e3,
                    rate / peak * 100.0
                );
            }
        }
    }
}
