//! The classical upscaler that networks add to, and the squares of samples that they give.

use super::graph::{Builder, Constant, Told};

/// Samples on either side that it looks at.
const REACH: usize = 3;

/// So many channels of a value, from one on.
pub(super) fn channels(
    builder: &mut Builder,
    name: &str,
    of: &str,
    from: usize,
    count: usize,
) -> String {
    let (from, to) = (from as i64, (from + count) as i64);
    let mut bound = |which: &str, at: i64| {
        builder.constant(&format!("{name}.{which}"), &[1], Constant::I64(&[at]))
    };
    let (start, end, axis) = (bound("start", from), bound("end", to), bound("axis", 1));
    builder.node("Slice", name, &[of, &start, &end, &axis], &[])
}

/// A picture enlarged by Lanczos' weights in one convolution.
pub(super) fn enlarged(builder: &mut Builder, picture: &str, scale: usize) -> String {
    let size = 2 * REACH + 1;
    let reach = REACH as i64;
    let around = [0, 0, reach, reach, 0, 0, reach, reach];
    let around = builder.constant("base.around", &[8], Constant::I64(&around));
    let padded = builder.node(
        "Pad",
        "base.padded",
        &[picture, &around],
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
pub(super) fn shuffled(
    builder: &mut Builder,
    name: &str,
    squares: String,
    factor: usize,
) -> String {
    if factor == 1 {
        return squares;
    }
    let told = [
        ("blocksize", Told::Int(factor as i64)),
        ("mode", Told::Word("CRD")),
    ];
    builder.node("DepthToSpace", name, &[&squares], &told)
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
