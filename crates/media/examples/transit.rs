//! Sends a clip over a network and says what became of it: measured rate, losses, time, memory.
//!
//! ```sh
//! cargo run --release -p nervure-media --example transit -- CLIP codec=av1 bitrate=200000 loss=0.02
//! ```
//!
//! Words after the clip: `codec=h264`, `bitrate=`, `crf=`, `preset=`, `loss=`, `level=slice`,
//! `seed=`, `lean`, `least`, `score` (PSNR too, which takes memory), and `option:NAME=VALUE` for an option of
//! libav's encoder. `codec=none` only reads: what the memory of the others is compared with.
#![allow(clippy::print_stdout)] // It is a program.

use std::collections::VecDeque;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use nervure_frame::{Frame, Planes, metrics};
use nervure_media::{Memory, OpenOptions, PictureSpec, Reader, Transit, TransitSettings};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let clip = PathBuf::from(words.next().ok_or("which clip?")?);
    let mut settings = TransitSettings::default();
    let (mut read_only, mut score) = (false, false);
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((&word, ""));
        match name {
            "codec" if value == "none" => read_only = true,
            "codec" => settings.encode.codec = value.parse()?,
            "bitrate" => settings.encode.bitrate = Some(value.parse()?),
            "crf" => settings.encode.crf = Some(value.parse()?),
            "preset" => settings.encode.preset = Some(value.into()),
            "loss" => settings.loss = value.parse()?,
            "level" => settings.level = value.parse()?,
            "seed" => settings.seed = value.parse()?,
            "lean" => settings.encode.memory = Memory::Lean,
            "least" => settings.encode.memory = Memory::Least,
            "score" => score = true,
            _ => match name.strip_prefix("option:") {
                Some(option) => settings.encode.options.push((option.into(), value.into())),
                None => return Err(format!("what is {word:?}?").into()),
            },
        }
    }
    let options = OpenOptions {
        threads: 1,
        ..OpenOptions::default()
    };
    let mut reader = Reader::open(&clip.into(), &options)?;
    let video = &reader.info().video;
    let spec = PictureSpec {
        colour: video.colour,
        frame_rate: video.frame_rate,
        ..PictureSpec::new(video.format, video.time_base)
    };
    let begin = Instant::now();
    if read_only {
        while reader.next()?.is_some() {}
        println!(
            "read in {:.1} s, peak {} MB",
            begin.elapsed().as_secs_f64(),
            peak()
        );
        return Ok(());
    }
    let mut transit = Transit::open(&settings, &spec)?;
    let mut scored = Scored::default();
    loop {
        let frame = reader.next()?;
        let ended = frame.is_none();
        match frame {
            Some(frame) => {
                if score {
                    scored.sent.push_back(frame.clone());
                }
                transit.push(frame)?;
            }
            None => transit.flush()?,
        }
        while let Some(frame) = transit.pull()? {
            scored.add(&frame);
        }
        if ended {
            break;
        }
    }
    let stats = transit.stats();
    println!(
        "{} {:.0} kbit/s, {:.1} frames/s, peak {} MB",
        transit.encoder(),
        stats.bitrate as f64 / 1000.0,
        stats.frames as f64 / begin.elapsed().as_secs_f64(),
        peak()
    );
    if score {
        println!(
            "PSNR-Y {:.2} dB",
            metrics::psnr(scored.error / scored.samples, spec.format.depth.max())
        );
    }
    println!("{stats:?}");
    Ok(())
}

#[derive(Default)]
struct Scored {
    sent: VecDeque<Frame>,
    error: f64,
    samples: f64,
}

impl Scored {
    fn add(&mut self, arrived: &Frame) {
        let Some(sent) = self.sent.pop_front() else {
            return;
        };
        let (width, height) = sent.planes.size(0);
        self.samples += (width * height) as f64;
        self.error += match (&sent.planes, &arrived.planes) {
            (Planes::Eight(one), Planes::Eight(two)) => metrics::squared_error(&one[0], &two[0]),
            (Planes::Ten(one), Planes::Ten(two)) => metrics::squared_error(&one[0], &two[0]),
            _ => 0,
        } as f64;
    }
}

/// Most memory that this process has had, in megabytes; zero where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
