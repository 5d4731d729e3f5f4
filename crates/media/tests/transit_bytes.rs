//! The bytes that encoders give depend on the frames alone.
//!
//! An encoder that reads memory which it never wrote gives other bytes when that memory held
//! something else. So the same frames are encoded in processes whose allocator fills memory with
//! different patterns (glibc's can; elsewhere this proves less).
#![allow(clippy::unwrap_used, clippy::print_stdout)] // Tests, helpers included.

mod transit_common;

use std::process::Command;

use nervure_media::{Codec, Encoder};
use transit_common::{LOSSY, frames, plain, quick, spec};

/// A checksum of what the encoder gives for a picture whose width is no multiple of the rows that
/// vector code works in.
fn checksum(codec: Codec) -> u32 {
    let format = plain(328, 120);
    let mut settings = quick(codec).encode;
    settings.threads = 1;
    let mut encoder = Encoder::open(&settings, &spec(format)).unwrap();
    let mut hash = crc32fast::Hasher::new();
    for frame in frames(format, 24) {
        encoder.push(frame).unwrap();
        while let Some(packet) = encoder.pull().unwrap() {
            hash.update(packet.data());
        }
    }
    encoder.flush().unwrap();
    while let Some(packet) = encoder.pull().unwrap() {
        hash.update(packet.data());
    }
    hash.finalize()
}

/// Run by the other test, in processes of its own.
#[test]
#[ignore = "only prints checksums"]
fn checksums() {
    for codec in LOSSY {
        println!("checksum {codec} {:08x}", checksum(codec));
    }
}

#[test]
fn what_memory_held_does_not_show() {
    let with = |pattern: &str| {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "checksums", "--nocapture"])
            .env("MALLOC_PERTURB_", pattern)
            .output()
            .unwrap();
        let said = String::from_utf8(run.stdout).unwrap();
        let lines = said.lines().filter(|line| line.starts_with("checksum"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let plain = with("0");
    assert_eq!(plain.len(), LOSSY.len());
    for pattern in ["85", "170"] {
        assert_eq!(with(pattern), plain);
    }
}
