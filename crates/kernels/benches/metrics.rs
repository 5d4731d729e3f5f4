//! Milliseconds per 1080p frame of the metrics, on one thread, for every instruction set.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nervure_frame::metrics::Metrics;
use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, Plane, Planes, TimeBase, Timestamp};
use nervure_kernels::Isa;
use nervure_kernels::metrics::Scorer;

/// A frame of noise in the lower half of the range, from a fixed seed.
fn frame(format: PictureFormat, mut seed: u32) -> Frame {
    let mut noise = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 25
    };
    let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::MICROS));
    fn samples<T: nervure_frame::Sample>(plane: &mut Plane<T>) -> impl Iterator<Item = &mut T> {
        plane.rows_mut().flatten()
    }
    match &mut frame.planes {
        Planes::Eight(planes) => planes
            .iter_mut()
            .flat_map(samples)
            .for_each(|sample| *sample = noise() as u8),
        Planes::Ten(planes) => planes
            .iter_mut()
            .flat_map(samples)
            .for_each(|sample| *sample = 4 * noise() as u16),
    }
    frame
}

fn benches(criterion: &mut Criterion) {
    let only = |psnr, ssim, ms_ssim| Metrics {
        psnr,
        ssim,
        ms_ssim,
    };
    let cases = [
        ("psnr", only(true, false, false)),
        ("psnr and ssim", only(true, true, false)),
        ("ms-ssim", only(false, false, true)),
    ];
    for depth in [BitDepth::Eight, BitDepth::Ten] {
        let format = PictureFormat::new(1920, 1080, Chroma::C420, depth);
        let (reference, distorted) = (frame(format, 7), frame(format, 9));
        for (name, metrics) in cases {
            let mut group = criterion.benchmark_group(format!("{name} {}-bit", depth.bits()));
            group.sample_size(20);
            // The definitions are no contender, and slow.
            for isa in Isa::available()
                .into_iter()
                .filter(|isa| *isa != Isa::Scalar)
            {
                let mut scorer = Scorer::with_isa(isa);
                group.bench_function(BenchmarkId::from_parameter(isa), |bencher| {
                    bencher.iter(|| scorer.score(&reference, &distorted, metrics));
                });
            }
        }
    }
}

criterion_group!(metrics, benches);
criterion_main!(metrics);
