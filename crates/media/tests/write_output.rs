//! Where a file goes: full disks, pipes, unwritable places, other containers.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod write_common;

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::Command;

use nervure_frame::{TimeBase, Timestamp};
use nervure_media::{
    Codec, EncodeSettings, Error, MuxOptions, Muxer, OpenOptions, Output, PictureSpec, Reader,
    SegmentWriter,
};
use write_common::{MILLIS, encode, ffprobe, frames, packets, plain, write};

fn settings(codec: Codec) -> EncodeSettings {
    EncodeSettings {
        codec,
        preset: (codec != Codec::Ffv1).then(|| "ultrafast".into()),
        threads: 1,
        ..EncodeSettings::default()
    }
}

fn kind(error: &Error) -> Option<ErrorKind> {
    match error {
        Error::Io { source, .. } => Some(source.kind()),
        _ => None,
    }
}

/// Writes a clip to `output`; gives how many packets were taken before the error, if there is one.
fn attempt(output: &Path, container: &str, codec: Codec, count: i64) -> Result<u64, (u64, Error)> {
    let spec = PictureSpec::new(plain(64, 48), TimeBase::new(1, 25));
    let pts: Vec<i64> = (0..count).collect();
    let (track, packets) = encode(&settings(codec), &spec, &pts);
    let options = MuxOptions {
        container: Some(container.into()),
        ..MuxOptions::default()
    };
    let mut muxer = Muxer::create(output, &track, None, &options).map_err(|error| (0, error))?;
    let mut taken = 0;
    for packet in packets {
        muxer.write_video(packet).map_err(|error| (taken, error))?;
        taken += 1;
    }
    muxer.finish().map_err(|error| (taken, error))?;
    Ok(taken)
}

#[test]
fn a_full_disk_is_reported_at_once_and_at_the_latest_at_the_end() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("skipped: no /dev/full");
        return;
    }
    for (container, codec) in [
        ("mp4", Codec::H264),
        ("mkv", Codec::H264),
        ("webm", Codec::Vp9),
        ("mkv", Codec::Ffv1),
    ] {
        // So little that it is all in a buffer until the end.
        let (_, error) = attempt(full, container, codec, 1).unwrap_err();
        assert_eq!(
            kind(&error),
            Some(ErrorKind::StorageFull),
            "{container}: {error}"
        );
        assert_eq!(error.hint().unwrap(), "free some space and run again");
        let (taken, error) = attempt(full, container, codec, 400).unwrap_err();
        assert_eq!(
            kind(&error),
            Some(ErrorKind::StorageFull),
            "{container}: {error}"
        );
        if codec == Codec::Ffv1 {
            assert!(taken < 400, "noticed while writing");
        }
    }
    let spec = PictureSpec::new(plain(64, 48), MILLIS);
    let (track, _) = encode(&settings(Codec::Ffv1), &spec, &[0]);
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(full, folder.path().join("full.seg.part")).unwrap();
    let segment = SegmentWriter::create(&folder.path().join("full.seg"), &track).unwrap();
    let error = segment.finish().unwrap_err();
    assert_eq!(kind(&error), Some(ErrorKind::StorageFull));
}

#[test]
fn places_that_cannot_be_written_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("none/clip.mp4");
    let (_, error) = attempt(&nowhere, "mp4", Codec::H264, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot open {}: no such file or directory",
            nowhere.display()
        )
    );
    let (_, error) = attempt(folder.path(), "mp4", Codec::H264, 1).unwrap_err();
    assert!(error.to_string().ends_with("is a directory"), "{error}");
    let (_, error) = attempt(&nowhere, "mp5", Codec::H264, 1).unwrap_err();
    assert_eq!(error.to_string(), "no container is called \"mp5\"");
    let (_, error) = attempt(&nowhere, "mp4", Codec::Ffv1, 1).unwrap_err();
    assert_eq!(error.to_string(), "mp4 cannot hold FFV1 video");
}

#[test]
fn a_pipe_gets_what_can_be_read_from_front_to_back() {
    let folder = tempfile::tempdir().unwrap();
    for container in ["mp4", "mkv", "nut"] {
        let pipe = folder.path().join(format!("{container}.pipe"));
        if !Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .is_ok_and(|status| status.success())
        {
            eprintln!("skipped: no mkfifo");
            return;
        }
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                std::fs::File::open(pipe)
                    .unwrap()
                    .read_to_end(&mut bytes)
                    .unwrap();
                bytes
            })
        };
        attempt(&pipe, container, Codec::H264, 60).unwrap();
        let file = folder.path().join(format!("copy.{container}"));
        std::fs::write(&file, reader.join().unwrap()).unwrap();
        let times: Vec<_> = frames(&file).iter().map(|frame| frame.pts).collect();
        let wanted: Vec<_> = (0..60)
            .map(|n| Timestamp::new(n, TimeBase::new(1, 25)))
            .collect();
        assert_eq!(times, wanted, "{container}");
    }
}

#[test]
fn other_containers_get_the_headers_they_need() {
    let folder = tempfile::tempdir().unwrap();
    for (ending, codec) in [
        ("ts", Codec::H264),
        ("ts", Codec::Hevc),
        ("avi", Codec::H264),
        ("h264", Codec::H264),
        ("ivf", Codec::Vp9),
        ("ivf", Codec::Av1),
    ] {
        let file = folder.path().join(format!("clip.{ending}"));
        attempt(&file, ending, codec, 30).unwrap();
        // Bare streams have no times, so that the reader finds them mended.
        assert_eq!(count(&file), 30, "{codec} in {ending}");
    }
}

fn count(file: &Path) -> usize {
    let input = file.to_owned().into();
    let mut reader = Reader::open(&input, &OpenOptions::default()).unwrap();
    std::iter::from_fn(|| reader.next().unwrap()).count()
}

#[test]
fn pictures_before_zero_are_shown_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let base = TimeBase::new(1, 90_000);
    let spec = PictureSpec::new(plain(64, 48), base);
    let pts: Vec<i64> = (0..20).map(|n| n * 3003 - 6007).collect();
    let mut settings = settings(Codec::H264);
    settings.preset = Some("veryfast".into());
    let (track, coded) = encode(&settings, &spec, &pts);
    let file = folder.path().join("early.mp4");
    let report = write(&file, &track, coded.clone());
    assert_eq!(report.shift, 6007.0 / 90_000.0);
    let times: Vec<_> = frames(&file).iter().map(|frame| frame.pts.ticks).collect();
    assert!(
        times.iter().copied().eq((0..20).map(|n| n * 3003)),
        "{times:?}"
    );
    let file = folder.path().join("early.mkv");
    let report = write(&file, &track, coded);
    assert_eq!(report.shift, 0.067);
    let times: Vec<_> = frames(&file).iter().map(|frame| frame.pts.ticks).collect();
    assert_eq!((times.len(), times[0], times[1]), (20, 0, 34));
}

#[test]
fn mp4_has_its_index_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let spec = PictureSpec::new(plain(64, 48), MILLIS);
    let (track, coded) = encode(&settings(Codec::H264), &spec, &[0, 33, 66]);
    for faststart in [true, false] {
        let file = folder.path().join("clip.mp4");
        let options = MuxOptions {
            faststart,
            options: vec![("movflags".into(), "+write_colr".into())],
            ..MuxOptions::default()
        };
        let mut muxer = Muxer::create(Output::Path(file.clone()), &track, None, &options).unwrap();
        for packet in coded.iter().cloned() {
            muxer.write_video(packet).unwrap();
        }
        let report = muxer.finish().unwrap();
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(report.bytes, Some(bytes.len() as u64));
        let place = |name: &[u8]| bytes.windows(4).position(|four| four == name).unwrap();
        assert_eq!(place(b"moov") < place(b"mdat"), faststart);
        assert!(
            bytes.windows(4).any(|four| four == b"colr"),
            "the user's flag"
        );
        assert_eq!(packets(&file)[0].len(), 3);
    }
    let file = folder.path().join("clip.mp4");
    let options = MuxOptions {
        options: vec![("nonsense".into(), "1".into())],
        ..MuxOptions::default()
    };
    let muxer = Muxer::create(file, &track, None, &options).unwrap();
    let error = muxer.finish().unwrap_err();
    assert_eq!(error.to_string(), "mp4 has no option \"nonsense\"");
}

#[test]
fn the_same_packets_give_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let spec = PictureSpec::new(plain(64, 48), MILLIS);
    let (track, coded) = encode(&settings(Codec::H264), &spec, &[0, 33, 66]);
    for ending in ["mp4", "mkv", "mov"] {
        let file = folder.path().join(format!("clip.{ending}"));
        write(&file, &track, coded.clone());
        let first = std::fs::read(&file).unwrap();
        write(&file, &track, coded.clone());
        assert!(std::fs::read(&file).unwrap() == first, "{ending}");
        assert_eq!(
            ffprobe(&file, "-show_entries stream=codec_name -of csv=p=0").trim(),
            "h264"
        );
    }
}
