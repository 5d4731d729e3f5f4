//! Material for the tests of writing: pictures and files made up here, nothing from outside.
#![allow(dead_code)] // Each test crate uses its own part.

use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, Planes, TimeBase, Timestamp};
use nervure_media::{EncodeSettings, Encoder, Packet, PictureSpec, VideoTrack};

/// A picture that moves with `number`: a gradient with a drifting pattern, different in all planes.
pub fn frame(format: PictureFormat, number: i64, pts: Timestamp) -> Frame {
    let mut frame = Frame::new(format, pts);
    for plane in 0..3 {
        let (width, height) = format.plane_size(plane);
        for y in 0..height {
            let value = |x: usize| {
                let moved = x as i64 + number * (3 + plane as i64);
                let wave = (moved * 5 ^ (y as i64 * 3)) & 63;
                16 + (x * 90 / width + y * 60 / height) as i64 + wave
            };
            match &mut frame.planes {
                Planes::Eight(planes) => {
                    for (x, sample) in planes[plane].row_mut(y).iter_mut().enumerate() {
                        *sample = value(x) as u8;
                    }
                }
                Planes::Ten(planes) => {
                    for (x, sample) in planes[plane].row_mut(y).iter_mut().enumerate() {
                        *sample = (value(x) * 4 + (x as i64 & 3)) as u16;
                    }
                }
            }
        }
    }
    frame
}

/// 4:2:0, 8 bits.
pub fn plain(width: usize, height: usize) -> PictureFormat {
    PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight)
}

/// Encodes frames at these times.
pub fn encode(
    settings: &EncodeSettings,
    spec: &PictureSpec,
    pts: &[i64],
) -> (VideoTrack, Vec<Packet>) {
    let mut encoder = Encoder::open(settings, spec).unwrap();
    let mut packets = Vec::new();
    for (number, ticks) in pts.iter().enumerate() {
        let pts = Timestamp::new(*ticks, spec.time_base);
        encoder
            .push(frame(spec.format, number as i64, pts))
            .unwrap();
        while let Some(packet) = encoder.pull().unwrap() {
            packets.push(packet);
        }
    }
    encoder.flush().unwrap();
    while let Some(packet) = encoder.pull().unwrap() {
        packets.push(packet);
    }
    (encoder.track(), packets)
}

/// A clock of thousandths.
pub const MILLIS: TimeBase = TimeBase { num: 1, den: 1000 };
