//! After a seek every picture from the wanted moment on is there, and is what it always is.

mod read_common;

use nervure_frame::{Frame, TimeBase, Timestamp};
use nervure_media::Reader;
use read_common::{Clips, bytes, drain, open};

const SOURCE: &str = "-f lavfi -i testsrc2=size=64x48:rate=25:duration=6";

/// What the caller of a seek does: frames before the wanted moment are dropped.
fn from(reader: &mut Reader, to: Timestamp) -> Vec<Frame> {
    reader.seek(to).expect("a source that can seek");
    let mut frames = drain(reader);
    frames.retain(|frame| frame.pts >= to);
    frames
}

#[test]
fn frames_after_a_seek_are_those_of_the_whole() {
    let Some(clips) = Clips::new() else { return };
    let x264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p";
    for (name, codec) in [
        ("a.mp4", format!("{x264} -bf 3 -g 40")),
        (
            "open.mp4",
            format!("{x264} -bf 3 -x264-params keyint=30:open-gop=1:bframes=3:b-adapt=0"),
        ),
        (
            "open.mkv",
            format!("{x264} -bf 3 -x264-params keyint=30:open-gop=1:bframes=3:b-adapt=0"),
        ),
        (
            "refresh.mkv",
            format!("{x264} -x264-params keyint=30:intra-refresh=1:bframes=0"),
        ),
        (
            "late.mkv",
            format!("{x264} -bf 2 -g 40 -output_ts_offset 12.3"),
        ),
        ("b.ts", format!("{x264} -bf 3 -g 40")),
        (
            "c.webm",
            "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime -b:v 100k -g 40".into(),
        ),
        ("d.avi", "-c:v mpeg4 -bf 2 -g 40".into()),
        ("e.mpg", "-c:v mpeg2video -bf 2 -g 12".into()),
        ("f.y4m", "-pix_fmt yuv420p".into()),
        (
            "g.mkv",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=30:open-gop=1"
                .into(),
        ),
    ] {
        let path = clips.make(name, &format!("{SOURCE} {codec}"));
        let mut reader = open(&path);
        let whole = drain(&mut reader);
        let (first, last) = (whole[0].pts, whole[whole.len() - 1].pts);
        let base = first.base;
        let between = Timestamp::new(whole[70].pts.ticks + 1, base);
        let millis = TimeBase::new(1, 1000);
        let third = Timestamp::new(((first.seconds() + 2.0) * 1000.0) as i64, millis);
        for to in [whole[100].pts, first, between, third, whole[31].pts, last] {
            let frames = from(&mut reader, to);
            let expected: Vec<&Frame> = whole.iter().filter(|frame| frame.pts >= to).collect();
            assert_eq!(frames.len(), expected.len(), "{name} to {}", to.seconds());
            for (frame, expected) in frames.iter().zip(expected) {
                assert_eq!(frame.pts, expected.pts, "{name} to {}", to.seconds());
                assert!(
                    bytes(frame) == bytes(expected),
                    "{name} to {}: the picture at {}",
                    to.seconds(),
                    frame.pts.seconds()
                );
            }
        }
        let damage = reader.damage();
        assert_eq!(
            (damage.frames, damage.truncated),
            (0, false),
            "{name}: {damage:?}"
        );
    }
}

#[test]
fn a_pipe_cannot_seek_and_says_so() {
    let data = b"YUV4MPEG2 W2 H2 F25:1 Cmono\nFRAME\nabcdFRAME\nefgh".to_vec();
    let mut reader = Reader::from_reader(
        Box::new(std::io::Cursor::new(data)),
        "a pipe",
        &Default::default(),
    )
    .unwrap();
    assert!(!reader.info().seekable);
    let error = reader
        .seek(Timestamp::new(1, TimeBase::new(1, 25)))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a pipe can only be read from front to back"
    );
}
