//! Milliseconds per plane of the resamplers, on one thread, for every instruction set.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nervure_frame::Plane;
use nervure_kernels::Isa;
use nervure_kernels::resample::{Filter, Resampler, Scratch};

/// Smooth waves and some noise from a fixed seed.
fn picture(width: usize, height: usize, max: f64) -> Vec<u16> {
    let mut seed = 7u32;
    let noise = std::iter::from_fn(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(f64::from(seed >> 24) / 2560.0)
    });
    noise
        .take(width * height)
        .enumerate()
        .map(|(at, noise)| {
            let (x, y) = ((at % width) as f64, (at / width) as f64);
            let wave = 0.4 + 0.3 * (x / 9.0).sin() * (y / 13.0).cos();
            ((wave + noise) * max).clamp(0.0, max) as u16
        })
        .collect()
}

fn benches(criterion: &mut Criterion) {
    let cases = [
        ("2x", (960, 540), (1920, 1080)),
        ("3x", (640, 360), (1920, 1080)),
        ("4x", (480, 270), (1920, 1080)),
        ("3:2", (1280, 720), (1920, 1080)),
        ("1:2", (1920, 1080), (960, 540)),
        ("1:5", (1920, 1080), (384, 216)),
    ];
    let mut scratch = Scratch::new();
    for (name, from, to) in cases {
        let mut group = criterion.benchmark_group(format!("resample {name}"));
        group.sample_size(20);
        let bytes: Vec<u8> = picture(from.0, from.1, 255.0)
            .iter()
            .map(|&v| v as u8)
            .collect();
        let eight = Plane::from_samples(from.0, from.1, &bytes);
        let ten = Plane::from_samples(from.0, from.1, &picture(from.0, from.1, 1023.0));
        let mut eight_out = Plane::<u8>::new(to.0, to.1);
        let mut ten_out = Plane::<u16>::new(to.0, to.1);
        for isa in Isa::available() {
            for filter in [Filter::Lanczos, Filter::Bicubic] {
                let plan = Resampler::with_isa(isa, from, to, filter, (0.0, 0.0));
                let id = BenchmarkId::new(format!("{isa} 8-bit"), format!("{filter:?}"));
                group.bench_function(id, |bencher| {
                    let stride = eight_out.stride();
                    bencher.iter(|| {
                        plan.run(&eight, 0..to.1, eight_out.data_mut(), stride, &mut scratch);
                    });
                });
                let id = BenchmarkId::new(format!("{isa} 10-bit"), format!("{filter:?}"));
                group.bench_function(id, |bencher| {
                    let stride = ten_out.stride();
                    bencher.iter(|| {
                        plan.run(&ten, 0..to.1, ten_out.data_mut(), stride, &mut scratch);
                    });
                });
            }
        }
    }
}

criterion_group!(resample, benches);
criterion_main!(resample);
