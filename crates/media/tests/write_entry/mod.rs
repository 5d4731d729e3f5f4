//! What is tried with the bytes of a segment: by the fuzzer, and by the tests without one.
#![allow(clippy::unwrap_used)] // A failure is what is looked for.
#![allow(unreachable_pub)] // Part of a test in one place, of a program in another.

use std::io::Cursor;
use std::path::Path;

use nervure_media::{Error, SegmentReader};

/// The header of a segment on a clock of 1/90000.
pub const HEADER: [u8; 28] = [
    0x89, b'N', b'R', b'V', b'S', b'E', b'G', b'\n', 1, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0x90,
    0x5f, 1, 0, 0xbc, 0xf7, 0x43, 0xe4,
];

/// Reads `data` as a segment, whatever it is, and counts the packets.
pub fn segment(data: &[u8]) -> usize {
    let path = Path::new("fuzz.seg");
    let mut reader = match SegmentReader::new(Cursor::new(data), data.len() as u64, path) {
        Ok(reader) => reader,
        Err(error) => {
            check(&error);
            return 0;
        }
    };
    let (mut packets, mut bytes) = (0, HEADER.len());
    for packet in &mut reader {
        match packet {
            Ok(packet) => {
                assert_eq!(packet.time_base(), reader_base(data));
                packets += 1;
                bytes += packet.data().len();
                assert!(bytes <= data.len(), "more bytes than there were");
            }
            Err(error) => check(&error),
        }
    }
    assert!(reader.next().is_none(), "the end is the end");

    // A file that ends early is never taken for a whole one.
    let short = &data[..data.len() - 1];
    if let Ok(mut reader) = SegmentReader::new(Cursor::new(short), short.len() as u64, path) {
        assert!(reader.any(|packet| packet.is_err()));
    }
    packets
}

fn reader_base(data: &[u8]) -> nervure_frame::TimeBase {
    let number =
        |at: usize| u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
    nervure_frame::TimeBase::new(number(16), number(20))
}

fn check(error: &Error) {
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(error.to_string().lines().count(), 1);
}
