//! What smoothing takes from flicker and from a picture's likeness, and how long it takes.
//!
//! `cargo bench -p nervure-engine --bench smooth -- WIDTH HEIGHT ORIGINAL PLAIN SMOOTHED`, where the
//! files hold raw frames, 4:2:0 of 8 bits: what was coded, what became of it, and what became of it
//! smoothed. Prints a JSON document.
//!
//! An area is still where a block of eight by eight samples of the original's luma is, to the bit,
//! what it was in the picture before. Flicker is how far the residual (a picture less its original)
//! differs there from that of the picture before, as the mean of magnitudes in codes. Where the
//! original does not change, that is how far the picture itself does. Areas are nearly still where
//! no sample of the block changes by more than a code; what the original changes there stays in the
//! flicker, however calm the picture is.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

use std::fs::File;
use std::io::{BufReader, Read};
use std::time::Instant;

use nervure_engine::{Pull, Smooth, Stage};
use nervure_frame::{
    BitDepth, Chroma, Frame, FramePool, PictureFormat, Plane, TimeBase, Timestamp,
};

/// Side of a block.
const BLOCK: usize = 8;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| it != "--bench")
        .collect();
    let [width, height, original, plain, smoothed] = &arguments[..] else {
        eprintln!("WIDTH HEIGHT ORIGINAL PLAIN SMOOTHED are wanted: nothing is measured");
        return;
    };
    let (width, height) = (width.parse().unwrap(), height.parse().unwrap());
    let format = PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight);
    let pool = FramePool::new();
    let mut files = [original, plain, smoothed].map(|it| BufReader::new(File::open(it).unwrap()));
    let mut smooth = Smooth::new(format, 0.7, 1).unwrap();
    let mut last: Option<[Frame; 3]> = None;
    let (mut plain, mut smoothed) = (Side::default(), Side::default());
    let (mut still, mut nearly) = (0, 0);
    let mut milliseconds = Vec::new();
    let mut count = 0;
    while let Some(frames) = next(&mut files, &pool, format) {
        let luma = |frame: &Frame| frame.planes.eight().unwrap()[0].clone();
        plain.compare(&frames[0], &frames[1]);
        smoothed.compare(&frames[0], &frames[2]);
        if let Some(last) = &last {
            let before = last.each_ref().map(luma);
            let now = frames.each_ref().map(luma);
            for y in (0..height - height % BLOCK).step_by(BLOCK) {
                for x in (0..width - width % BLOCK).step_by(BLOCK) {
                    let most = changes(&before[0], &now[0], None, (x, y)).1;
                    if most > 1 {
                        continue;
                    }
                    let original = Some((&before[0], &now[0]));
                    let flickers =
                        [1, 2].map(|it| changes(&before[it], &now[it], original, (x, y)).0);
                    nearly += 1;
                    still += usize::from(most == 0);
                    for (side, flicker) in [&mut plain, &mut smoothed].into_iter().zip(flickers) {
                        side.nearly += flicker;
                        side.still += if most == 0 { flicker } else { 0 };
                    }
                }
            }
        }
        let copy = frames[1].clone();
        let start = Instant::now();
        smooth.push(copy).unwrap();
        assert!(matches!(smooth.pull(), Ok(Pull::Frame(_))), "a frame each");
        milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        last = Some(frames);
        count += 1;
    }
    milliseconds.sort_by(f64::total_cmp);
    let blocks = (width / BLOCK * (height / BLOCK)) as f64 * f64::from((count - 1).max(1));
    println!(
        "{{\"frames\": {count}, \"still\": {:.5}, \"nearly\": {:.5}, \"ms\": {:.4}, \
         \"plain\": {}, \"smoothed\": {}}}",
        still as f64 / blocks,
        nearly as f64 / blocks,
        milliseconds[milliseconds.len() / 2],
        plain.told(still, nearly),
        smoothed.told(still, nearly),
    );
}

/// What was found of one of the two.
#[derive(Default)]
struct Side {
    /// How far residuals differed, over all still and nearly still areas.
    still: u64,
    nearly: u64,
    /// Squared error of each plane, and samples of it.
    errors: [(u64, u64); 3],
    /// PSNR of luma of each frame.
    frames: Vec<f64>,
}

impl Side {
    fn compare(&mut self, original: &Frame, picture: &Frame) {
        let planes = original.planes.eight().unwrap().iter();
        let planes = planes.zip(picture.planes.eight().unwrap());
        for (plane, ((one, two), (error, samples))) in planes.zip(&mut self.errors).enumerate() {
            let rows = one.rows().zip(two.rows());
            let squared = |(one, two): (&[u8], &[u8])| -> u64 {
                let each = one.iter().zip(two);
                each.map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum()
            };
            let of_frame: u64 = rows.map(squared).sum();
            let count = (one.width() * one.height()) as u64;
            *error += of_frame;
            *samples += count;
            if plane == 0 {
                self.frames.push(psnr(of_frame, count));
            }
        }
    }

    fn told(&self, still: usize, nearly: usize) -> String {
        let mean = |sum: u64, blocks: usize| sum as f64 / (blocks * BLOCK * BLOCK).max(1) as f64;
        let planes = self.errors.map(|(error, samples)| psnr(error, samples));
        format!(
            "{{\"flicker\": {:.5}, \"flicker_nearly\": {:.5}, \"psnr\": {planes:?}, \
             \"psnr_frames\": {:.3?}}}",
            mean(self.still, still),
            mean(self.nearly, nearly),
            self.frames
        )
    }
}

/// At most 100 dB.
fn psnr(error: u64, samples: u64) -> f64 {
    let mean = (error as f64 / samples as f64).max(255.0 * 255.0 * 1e-10);
    10.0 * (255.0 * 255.0 / mean).log10()
}

/// How far a block changes from picture to picture, the change of another one taken off: the sum
/// of magnitudes, and the largest.
fn changes(
    before: &Plane<u8>,
    now: &Plane<u8>,
    less: Option<(&Plane<u8>, &Plane<u8>)>,
    (x, y): (usize, usize),
) -> (u64, u64) {
    let (mut sum, mut most) = (0, 0);
    for y in y..y + BLOCK {
        let change = |before: &Plane<u8>, now: &Plane<u8>, at: usize| {
            i64::from(now.row(y)[at]) - i64::from(before.row(y)[at])
        };
        for at in x..x + BLOCK {
            let taken = less.map_or(0, |(before, now)| change(before, now, at));
            let magnitude = (change(before, now, at) - taken).unsigned_abs();
            sum += magnitude;
            most = most.max(magnitude);
        }
    }
    (sum, most)
}

/// The next frame of each file, if all hold another whole one.
fn next(
    files: &mut [BufReader<File>; 3],
    pool: &FramePool,
    format: PictureFormat,
) -> Option<[Frame; 3]> {
    let mut frames = files
        .each_ref()
        .map(|_| pool.frame(format, Timestamp::new(0, TimeBase::MICROS)));
    for (frame, file) in frames.iter_mut().zip(files) {
        let planes = frame.planes.eight_mut()?.iter_mut();
        for row in planes.flat_map(|plane| plane.rows_mut()) {
            file.read_exact(row).ok()?;
        }
    }
    Some(frames)
}
