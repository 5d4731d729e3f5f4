//! Frames a second out of 540p H.264: our reader beside the bare `ffmpeg -i X -f null -`, on one
//! thread and on two.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nervure_media::{Input, OpenOptions, Reader};

const FRAMES: u64 = 300;

/// Detailed, moving, noisy and compressed as a stream would be.
fn clip(folder: &Path) -> Option<PathBuf> {
    let path = folder.join("clip.mp4");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
        .arg("testsrc2=size=960x540:rate=30,noise=alls=12:allf=t")
        .args(["-frames:v", &FRAMES.to_string(), "-pix_fmt", "yuv420p"])
        .args(["-c:v", "libx264", "-preset", "medium", "-b:v", "2M"])
        .arg(&path)
        .status();
    made.is_ok_and(|status| status.success()).then_some(path)
}

fn read(path: &Path, threads: usize) -> u64 {
    let options = OpenOptions {
        threads,
        ..OpenOptions::default()
    };
    let mut reader = Reader::open(&Input::Path(path.into()), &options).expect("a clip of ours");
    let mut frames = 0;
    while reader.next().expect("a whole clip").is_some() {
        frames += 1;
    }
    frames
}

fn run_ffmpeg(path: &Path, threads: usize) -> bool {
    Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-threads", &threads.to_string()])
        .arg("-i")
        .arg(path)
        .args(["-f", "null", "-"])
        .status()
        .is_ok_and(|status| status.success())
}

fn decode(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the clip");
    let Some(clip) = clip(folder.path()) else {
        return;
    };
    let mut group = criterion.benchmark_group("decode");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10))
        .throughput(Throughput::Elements(FRAMES));
    for threads in [1, 2] {
        group.bench_function(format!("reader/{threads}"), |bencher| {
            bencher.iter(|| assert_eq!(read(&clip, threads), FRAMES));
        });
        group.bench_function(format!("ffmpeg/{threads}"), |bencher| {
            bencher.iter(|| assert!(run_ffmpeg(&clip, threads)));
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
