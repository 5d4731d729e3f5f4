//! The `ffmpeg` command as an oracle, and the raw pictures it speaks in.
#![allow(unreachable_pub, reason = "shared by several test programs")]

use std::io::Write;
use std::process::{Command, Stdio};

use nervure_frame::{BitDepth, Chroma, PictureFormat, Plane, Sample};

/// What the command writes when given `input`; none when there is no such command.
pub fn ffmpeg(arguments: &[&str], input: Vec<u8>) -> Option<Vec<u8>> {
    let mut child = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("ffmpeg runs");
    writer.join().expect("a writer").expect("ffmpeg reads");
    assert!(output.status.success(), "ffmpeg {arguments:?}");
    Some(output.stdout)
}

/// What ffmpeg calls a format.
pub fn pixels(format: PictureFormat) -> &'static str {
    match (format.chroma, format.depth) {
        (Chroma::C420, BitDepth::Eight) => "yuv420p",
        (Chroma::C444, BitDepth::Eight) => "yuv444p",
        (Chroma::C422, BitDepth::Eight) => "yuv422p",
        (Chroma::C420, BitDepth::Ten) => "yuv420p10le",
        (Chroma::C422, BitDepth::Ten) => "yuv422p10le",
        (Chroma::C444, BitDepth::Ten) => "yuv444p10le",
    }
}

/// A sample of a raw picture.
pub trait Raw: Sample {
    /// The sample in these bytes.
    fn read(bytes: &[u8]) -> Self;
}

impl Raw for u8 {
    fn read(bytes: &[u8]) -> u8 {
        bytes[0]
    }
}

impl Raw for u16 {
    fn read(bytes: &[u8]) -> u16 {
        u16::from_le_bytes([bytes[0], bytes[1]])
    }
}

/// The planes of a raw picture.
pub fn planes<T: Raw>(format: PictureFormat, raw: &[u8]) -> Vec<Plane<T>> {
    let samples: Vec<T> = raw.chunks_exact(size_of::<T>()).map(T::read).collect();
    let mut rest = &samples[..];
    let planes = (0..3).map(|plane| {
        let (width, height) = format.plane_size(plane);
        let (these, others) = rest.split_at(width * height);
        rest = others;
        Plane::from_samples(width, height, these)
    });
    planes.collect()
}
