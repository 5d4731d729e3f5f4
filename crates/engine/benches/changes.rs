//! What it saves not to compute again what did not change: a clip's frames, each by a stage that remembers
//! the one before and by one that does not, in turns.
//!
//! `cargo bench -p nervure-engine --bench changes -- MODEL THREADS WIDTH HEIGHT FILE`, where the file holds
//! raw frames, 4:2:0 of 8 bits. Prints a line of JSON for each frame: milliseconds of either, and the part
//! of luma that was computed.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::time::Instant;

use nervure_engine::{Model, Pull, Stage, Upscale};
use nervure_frame::{BitDepth, Chroma, Frame, FramePool, PictureFormat, TimeBase, Timestamp};

/// Frames before the first that counts: nothing is remembered yet, or kept.
const WARM: usize = 2;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| it != "--bench")
        .collect();
    let [model, threads, width, height, file] = &arguments[..] else {
        eprintln!("MODEL THREADS WIDTH HEIGHT FILE are wanted: nothing is measured");
        return;
    };
    let model = Model::from_bytes(&fs::read(model).unwrap()).unwrap();
    let (width, height) = (width.parse().unwrap(), height.parse().unwrap());
    let format = PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight);
    let size = (width * model.scale(), height * model.scale());
    let stage = || Upscale::new(format, size, model.clone(), threads.parse().unwrap()).unwrap();
    let (mut remembers, mut whole) = (stage(), stage().without_memory());

    let pool = FramePool::new();
    let mut source = BufReader::new(File::open(file).unwrap());
    let mut number = 0;
    while let Some(frame) = read(
        &mut source,
        pool.frame(format, Timestamp::new(number, TimeBase::MICROS)),
    ) {
        let mut copy = pool.frame(format, frame.pts);
        let planes = copy.planes.eight_mut().unwrap().iter_mut();
        for (to, from) in planes.zip(frame.planes.eight().unwrap()) {
            to.copy_from(from);
        }
        // Either is the first of the two every second time: caches are as the other left them.
        let (some, all) = match number % 2 {
            0 => {
                let some = timed(&mut remembers, frame);
                (some, timed(&mut whole, copy))
            }
            _ => {
                let all = timed(&mut whole, copy);
                (timed(&mut remembers, frame), all)
            }
        };
        assert_eq!(some.1.planes, all.1.planes, "frame {number}");
        if number >= WARM as i64 {
            println!(
                "{{\"ms\": {:.4}, \"ms_whole\": {:.4}, \"computed\": {:.5}}}",
                some.0,
                all.0,
                remembers.computed()
            );
        }
        number += 1;
    }
}

fn timed(stage: &mut Upscale, frame: Frame) -> (f64, Frame) {
    let start = Instant::now();
    stage.push(frame).unwrap();
    let Pull::Frame(large) = stage.pull().unwrap() else {
        panic!("a frame for each");
    };
    (start.elapsed().as_secs_f64() * 1e3, large)
}

/// The next frame, if the file holds another whole one.
fn read(source: &mut impl Read, mut frame: Frame) -> Option<Frame> {
    for row in frame
        .planes
        .eight_mut()?
        .iter_mut()
        .flat_map(|it| it.rows_mut())
    {
        source.read_exact(row).ok()?;
    }
    Some(frame)
}
