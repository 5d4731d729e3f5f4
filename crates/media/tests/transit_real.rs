//! Real footage through lossy networks, where there is some.
#![allow(clippy::unwrap_used, clippy::print_stderr)] // Tests, helpers included.

mod transit_common;

use std::path::PathBuf;

use nervure_frame::{TimeBase, Timestamp};
use nervure_media::{Codec, LossLevel, OpenOptions, Reader};
use transit_common::{LOSSY, lossy, pass, spec};

#[test]
fn real_clips_pass_with_every_codec() {
    let Some(data) = std::env::var_os("NERVURE_DATA").map(PathBuf::from) else {
        eprintln!("skipped: NERVURE_DATA names no folder");
        return;
    };
    for clip in [
        "valid/talking-head/retalk_face4_480sq30.mp4",
        "train/action/davis_drift_480p24.mp4",
    ] {
        let path = data.join("video").join(clip);
        let mut reader = Reader::open(&path.into(), &OpenOptions::default()).unwrap();
        let mut sent = Vec::new();
        while sent.len() < 30 {
            let mut frame = reader.next().unwrap().unwrap();
            frame.pts = Timestamp::new(sent.len() as i64, TimeBase::new(1, 25));
            frame.duration = None;
            sent.push(frame);
        }
        let spec = spec(sent[0].format());
        for codec in LOSSY {
            let level = LossLevel::finest(codec);
            let mut settings = lossy(codec, "0.05", level, 3);
            settings.encode.bitrate = Some(300_000);
            let (_, stats) = pass(&settings, &spec, &sent);
            assert!(stats.lost_packets > 0, "{codec} {stats:?}");
            assert!(
                stats.damaged_frames >= stats.held_frames,
                "{codec} {stats:?}"
            );
            assert!(
                (100_000..900_000).contains(&stats.bitrate),
                "{codec} {stats:?}"
            );
            if codec == Codec::H264 {
                assert_eq!(stats.held_frames, 0, "the decoder conceals: {stats:?}");
                assert_eq!(stats.flagged_frames, stats.damaged_frames, "{stats:?}");
            }
        }
    }
}
