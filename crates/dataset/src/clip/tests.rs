use std::fs;
use std::path::PathBuf;

use nervure_frame::{
    BitDepth, Chroma, Colour, Frame, FramePool, LossMask, PictureFormat, Planes, TimeBase,
    Timestamp,
};

use super::*;
use crate::Error;

fn frame(format: PictureFormat, index: usize) -> Frame {
    let mut frame = Frame::new(
        format,
        Timestamp::new(40 * index as i64 - 3, TimeBase::new(1, 1000)),
    );
    frame.duration = (index != 1).then_some(40);
    let value =
        |x: usize, y: usize, plane: usize| (7 * x + 13 * y + 31 * plane + 101 * index) as u16;
    for plane in 0..3 {
        match &mut frame.planes {
            Planes::Eight(planes) => {
                for (y, row) in planes[plane].rows_mut().enumerate() {
                    for (x, sample) in row.iter_mut().enumerate() {
                        *sample = value(x, y, plane) as u8;
                    }
                }
            }
            Planes::Ten(planes) => {
                for (y, row) in planes[plane].rows_mut().enumerate() {
                    for (x, sample) in row.iter_mut().enumerate() {
                        *sample = value(x, y, plane) & 0x3ff;
                    }
                }
            }
        }
    }
    if index == 2 {
        let mut mask = LossMask::whole(format.width, format.height);
        mask.set(mask.columns() - 1, mask.rows() - 1, true);
        frame.damage = Some(mask);
    }
    frame
}

fn written(format: PictureFormat) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.clip");
    let base = TimeBase::new(1, 1000);
    let mut writer = ClipWriter::create(&path, format, Colour::UNSPECIFIED, base).unwrap();
    for index in 0..4 {
        writer.write(&frame(format, index)).unwrap();
    }
    assert!(!path.exists());
    writer.finish().unwrap();
    (place, path)
}

#[test]
fn frames_come_back_as_they_went_in() {
    for (chroma, depth) in [
        (Chroma::C420, BitDepth::Eight),
        (Chroma::C422, BitDepth::Ten),
        (Chroma::C444, BitDepth::Eight),
    ] {
        let format = PictureFormat::new(35, 19, chroma, depth);
        let (_place, path) = written(format);
        let reader = ClipReader::open(&path).unwrap();
        assert_eq!((reader.format(), reader.frames()), (format, 4));
        let pool = FramePool::new();
        for index in [3, 0, 2, 1] {
            let (got, wanted) = (reader.frame(index, &pool).unwrap(), frame(format, index));
            assert_eq!((got.pts, got.duration), (wanted.pts, wanted.duration));
            assert_eq!(got.damage, wanted.damage);
            for plane in 0..3 {
                match (&got.planes, &wanted.planes) {
                    (Planes::Eight(got), Planes::Eight(wanted)) => {
                        assert!(got[plane].rows().eq(wanted[plane].rows()));
                    }
                    (Planes::Ten(got), Planes::Ten(wanted)) => {
                        assert!(got[plane].rows().eq(wanted[plane].rows()));
                    }
                    _ => panic!("another depth"),
                }
            }
        }
    }
}

#[test]
fn a_band_is_what_the_frame_has_there() {
    let format = PictureFormat::new(35, 19, Chroma::C420, BitDepth::Eight);
    let (_place, path) = written(format);
    let reader = ClipReader::open(&path).unwrap();
    let mut bytes = Vec::new();
    reader.band(3, 2, 4..7, &mut bytes).unwrap();
    let frame = frame(format, 3);
    let plane = &frame.planes.eight().unwrap()[2];
    let wanted: Vec<u8> = (4..7).flat_map(|y| plane.row(y).to_vec()).collect();
    assert_eq!(bytes, wanted);
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let format = PictureFormat::new(8, 8, Chroma::C420, BitDepth::Eight);
    let path = place.path().join("a.clip");
    let base = TimeBase::new(1, 1000);
    let mut writer = ClipWriter::create(&path, format, Colour::UNSPECIFIED, base).unwrap();
    writer.write(&frame(format, 0)).unwrap();
    let other = PictureFormat::new(8, 10, Chroma::C420, BitDepth::Eight);
    assert!(writer.write(&frame(other, 0)).is_err());
    drop(writer);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn damage_is_told_wherever_it_is() {
    let format = PictureFormat::new(35, 19, Chroma::C420, BitDepth::Eight);
    let (_place, path) = written(format);
    let whole = fs::read(&path).unwrap();
    let pool = FramePool::new();
    let read_all = || -> crate::Result<()> {
        let reader = ClipReader::open(&path)?;
        for index in 0..reader.frames() {
            reader.frame(index, &pool)?;
        }
        Ok(())
    };
    read_all().unwrap();
    for at in (0..whole.len())
        .step_by(37)
        .chain(whole.len() - 40..whole.len())
    {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        assert!(read_all().is_err(), "byte {at}");
    }
    for length in [0, 7, 4095, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(read_all().is_err(), "{length} bytes");
    }
    let mut longer = whole.clone();
    longer.push(0);
    fs::write(&path, &longer).unwrap();
    assert!(read_all().is_err());
}

#[test]
fn a_newer_clip_is_refused_by_its_version() {
    let format = PictureFormat::new(8, 8, Chroma::C420, BitDepth::Eight);
    let (_place, path) = written(format);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    fs::write(&path, &bytes).unwrap();
    let error = ClipReader::open(&path).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Newer {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
}
