//! Interlaced pictures come out whole, in the same number, at the same times.

mod read_common;

use std::fs;

use nervure_frame::Frame;
use nervure_media::{Error, OpenOptions, Reader};
use read_common::{Clips, bytes, drain, input, open, probe_frames, raw_by_ffmpeg};

/// Fast sideways movement, two moments in each picture.
const COMBED: &str = "-f lavfi -i testsrc2=size=128x96:rate=50:duration=1.2 \
                      -vf scroll=horizontal=0.03,tinterlace=interleave_top,setfield=tff";
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -flags +ilme+ildct";

/// How much rows differ from what their neighbours lead one to expect.
fn combing(luma: &[u8], width: usize) -> u64 {
    let rows: Vec<&[u8]> = luma.chunks_exact(width).collect();
    let mut sum = 0;
    for rows in rows.windows(3) {
        for ((above, here), below) in rows[0].iter().zip(rows[1]).zip(rows[2]) {
            let expected = (i64::from(*above) + i64::from(*below)) / 2;
            sum += (i64::from(*here) - expected).unsigned_abs();
        }
    }
    sum
}

fn ticks(frames: &[Frame]) -> Vec<String> {
    frames
        .iter()
        .map(|frame| frame.pts.ticks.to_string())
        .collect()
}

#[test]
fn combed_pictures_become_whole_and_keep_their_timestamps() {
    let Some(clips) = Clips::new() else { return };
    for (name, codec) in [
        (
            "a.mpg",
            "-c:v mpeg2video -flags +ilme+ildct -b:v 4M -bf 2 -pix_fmt yuv420p",
        ),
        ("b.mkv", H264),
        (
            "c.mov",
            "-c:v prores -flags +ilme+ildct -pix_fmt yuv422p10le",
        ),
    ] {
        let path = clips.make(name, &format!("{COMBED} {codec}"));
        let mut reader = open(&path);
        assert!(reader.info().video.interlaced, "{name}");
        let frames = drain(&mut reader);
        assert_eq!(
            ticks(&frames),
            probe_frames(&path, "best_effort_timestamp"),
            "{name}"
        );
        assert_eq!(reader.damage().deinterlaced, 30, "{name}");
        assert!(
            frames.iter().all(|frame| frame.duration.is_some()),
            "{name}"
        );
        if name == "c.mov" {
            continue;
        }
        let stored = raw_by_ffmpeg(&path, "yuv420p");
        let (picture, luma) = (128 * 96 * 3 / 2, 128 * 96);
        let before = combing(&stored[10 * picture..][..luma], 128);
        let after = combing(&bytes(&frames[10])[..luma], 128);
        assert!(after * 2 < before, "{name}: {before} before, {after} after");
    }
}

#[test]
fn interlacing_that_begins_late_leaves_what_comes_before() {
    let Some(clips) = Clips::new() else { return };
    let whole = clips.make(
        "whole.ts",
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=1.6 -c:v libx264 -preset ultrafast \
         -pix_fmt yuv420p",
    );
    let combed = clips.make("combed.ts", &format!("{COMBED} {H264}"));
    let joined = [fs::read(&whole).unwrap(), fs::read(&combed).unwrap()].concat();
    let mut reader = open(&clips.write("joined.ts", &joined));
    assert!(!reader.info().video.interlaced);
    let frames = drain(&mut reader);
    assert_eq!(frames.len(), 70);
    assert!(frames.windows(2).all(|pair| pair[0].pts < pair[1].pts));
    assert_eq!(reader.damage().deinterlaced, 30);
    let untouched: Vec<u8> = frames[..40].iter().flat_map(bytes).collect();
    read_common::assert_same(&untouched, &raw_by_ffmpeg(&whole, "yuv420p"), "progressive");
}

#[test]
fn one_interlaced_picture_is_one_picture() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make("one.mkv", &format!("{COMBED} -frames:v 1 {H264}"));
    let mut reader = open(&path);
    assert_eq!(drain(&mut reader).len(), 1);
    assert_eq!(reader.damage().deinterlaced, 1);
}

#[test]
fn who_does_not_want_it_is_told() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make("b.mkv", &format!("{COMBED} {H264}"));
    let options = OpenOptions {
        deinterlace: false,
        ..OpenOptions::default()
    };
    match Reader::open(&input(&path), &options) {
        Ok(_) => panic!("a combed picture came out"),
        Err(error) => {
            assert!(matches!(error, Error::Unsupported { .. }), "{error}");
            assert!(error.to_string().contains("is interlaced"), "{error}");
            assert!(error.hint().is_some());
        }
    }
}

#[test]
fn interlaced_y4m_is_deinterlaced_too() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make("a.y4m", &format!("{COMBED} -pix_fmt yuv420p"));
    assert!(
        fs::read(&path).unwrap()[..60]
            .windows(3)
            .any(|field| field == b" It")
    );
    let mut reader = open(&path);
    assert_eq!(drain(&mut reader).len(), 30);
    assert_eq!(reader.damage().deinterlaced, 30);
}
