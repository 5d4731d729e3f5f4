//! How fast batches come out of datasets: what `bench/loader` runs.
//!
//! `load DATASET... [--patch 48] [--frames 1] [--batch 16] [--workers 1] [--batches 500]
//! [--planes luma|yuv|rgb]` prints one JSON document.
#![allow(clippy::print_stdout)] // A command.

use std::error::Error;
use std::fs;
use std::time::Instant;

use nervure_train::loader::PlaneSet;
use nervure_train::{Batch, Loader, LoaderConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let mut config = LoaderConfig::default();
    let (mut datasets, mut batches) = (Vec::new(), 500u32);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("a value is missing");
        match argument.as_str() {
            "--patch" => config.patch = value()?.parse()?,
            "--frames" => config.frames = value()?.parse()?,
            "--batch" => config.batch = value()?.parse()?,
            "--workers" => config.workers = value()?.parse()?,
            "--batches" => batches = value()?.parse()?,
            "--planes" => {
                config.planes = match value()?.as_str() {
                    "luma" => PlaneSet::Luma,
                    "yuv" => PlaneSet::Yuv,
                    "rgb" => PlaneSet::Rgb,
                    other => return Err(format!("no planes are called {other}").into()),
                }
            }
            _ => datasets.push(argument),
        }
    }
    let opening = Instant::now();
    let mut loader = Loader::open(&datasets, &config)?;
    let open_seconds = opening.elapsed().as_secs_f64();
    let (mut batch, mut lr, mut hr) = (Batch::default(), Vec::new(), Vec::new());
    // The first batches open files and find memory.
    let first = 20;
    for _ in 0..first {
        loader.next(&mut batch)?;
    }
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut sum = 0u64;
    for _ in 0..batches {
        loader.next(&mut batch)?;
        batch.lr.to_f32(&mut lr);
        batch.hr.to_f32(&mut hr);
        sum += lr.len() as u64 + hr.len() as u64;
    }
    let seconds = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds().zip(cpu).map(|(end, start)| end - start);
    let document = serde_json::json!({
        "clips": loader.clips().len(),
        "open_seconds": open_seconds,
        "batches": batches,
        "patch_sequences": batches as usize * config.batch,
        "samples": sum,
        "seconds": seconds,
        "cpu_seconds": cpu,
    });
    println!("{document}");
    Ok(())
}

/// What all threads have used so far, where the system says so.
fn cpu_seconds() -> Option<f64> {
    let mut sum = 0.0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        sum += text.split(' ').next()?.parse::<f64>().ok()? / 1e9;
    }
    Some(sum)
}
