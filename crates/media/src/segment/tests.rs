use std::io::Cursor;

use nervure_frame::{BitDepth, Chroma, PictureFormat};

use super::*;
use crate::{EncodeSettings, Encoder, PictureSpec};

fn track() -> VideoTrack {
    let format = PictureFormat::new(16, 16, Chroma::C420, BitDepth::Eight);
    let spec = PictureSpec::new(format, TimeBase::new(1, 90_000));
    let settings = EncodeSettings {
        codec: crate::Codec::Ffv1,
        ..EncodeSettings::default()
    };
    Encoder::open(&settings, &spec).unwrap().track()
}

fn packets() -> Vec<Packet> {
    let packet = |pts: i64, data: &[u8]| {
        let mut packet = Packet::copy(data, TimeBase::new(1, 90_000)).unwrap();
        packet.set_pts(Some(pts));
        packet.set_dts(Some(pts - 3600));
        packet.set_duration(Some(3600));
        packet
    };
    let mut first = packet(-7, b"key picture");
    first.set_key(true);
    assert!(first.add_side_block(1, b"another header"));
    assert!(first.add_side_block(QUALITY_STATS, b"left out"));
    let mut timeless = packet(0, b"");
    timeless.set_dts(None);
    timeless.set_duration(None);
    vec![first, packet(7200, &[9; 3000]), timeless]
}

/// A whole segment.
fn bytes() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0001.seg");
    let mut writer = SegmentWriter::create(&path, &track()).unwrap();
    for packet in packets() {
        writer.push(&packet).unwrap();
    }
    assert!(!path.exists(), "it has its name only when whole");
    writer.finish().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let info = SegmentReader::verify(&path).unwrap();
    assert_eq!(info.packets, 3);
    assert_eq!(info.fingerprint, track().fingerprint());
    assert_eq!((info.first, info.end), (Some(-7), Some(10_800)));
    fs::read(&path).unwrap()
}

fn read(bytes: &[u8]) -> Result<Vec<Packet>> {
    let path = Path::new("test.seg");
    SegmentReader::new(Cursor::new(bytes), bytes.len() as u64, path)?.collect()
}

fn reason(bytes: &[u8]) -> String {
    match read(bytes) {
        Err(Error::Corrupt { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn packets_come_back_as_they_were() {
    let read = read(&bytes()).unwrap();
    assert_eq!(read.len(), 3);
    for (read, written) in read.iter().zip(packets()) {
        assert_eq!(read.data(), written.data());
        assert_eq!(
            (read.pts(), read.dts(), read.duration(), read.is_key()),
            (
                written.pts(),
                written.dts(),
                written.duration(),
                written.is_key()
            )
        );
        assert_eq!(read.time_base(), written.time_base());
    }
    let blocks: Vec<_> = read[0].side_blocks().collect();
    assert_eq!(blocks, [(1, &b"another header"[..])]);
}

#[test]
fn every_flipped_bit_is_found() {
    let whole = bytes();
    for place in 0..whole.len() {
        for bit in [0, 7] {
            let mut broken = whole.clone();
            broken[place] ^= 1 << bit;
            assert!(
                matches!(read(&broken), Err(Error::Corrupt { .. })),
                "bit {bit} of byte {place}"
            );
        }
    }
}

#[test]
fn every_missing_byte_is_found() {
    let whole = bytes();
    for length in 0..whole.len() {
        // A length that leads past the end is noticed before the end is.
        let reason = reason(&whole[..length]);
        assert!(
            reason == "it breaks off" || reason.contains("longer than"),
            "{length} bytes: {reason}"
        );
    }
    let longer = [&whole[..], b"x"].concat();
    assert_eq!(reason(&longer), "something follows its end");
}

#[test]
fn malformed_files_say_what_is_wrong() {
    let whole = bytes();
    assert_eq!(
        reason(b"RIFF....AVI LIST, and so on, longer"),
        "it is no segment of nervure's"
    );
    let mut newer = whole.clone();
    newer[8] = 2;
    assert_eq!(reason(&newer), "it is of version 2, not 1");
    // A packet that claims four gigabytes asks for none of them.
    let mut absurd = whole.clone();
    absurd[HEADER + 28..HEADER + 32].fill(0xff);
    assert_eq!(
        reason(&absurd),
        "a packet is longer than what is left of it"
    );
    // A packet taken out whole: every packet is sound, the file is not.
    let second = HEADER + FIXED + 8 + b"another header".len() + b"key picture".len() + 4;
    let length = FIXED + 3000 + 4;
    let shorter = [&whole[..second], &whole[second + length..]].concat();
    assert_eq!(reason(&shorter), "its trailer does not belong to it");
}

#[test]
fn an_unfinished_segment_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0001.seg");
    let mut writer = SegmentWriter::create(&path, &track()).unwrap();
    writer.push(&packets()[0]).unwrap();
    let other = Packet::copy(b"x", TimeBase::MICROS).unwrap();
    assert!(matches!(
        writer.push(&other),
        Err(Error::Unsupported { .. })
    ));
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
