//! Every timestamp is the one that is stored, or mended where that cannot be.

mod read_common;

use std::fs;

use nervure_frame::TimeBase;
use read_common::{Clips, drain, open, probe_numbers};

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

#[test]
fn reordered_pictures_at_uneven_times_keep_their_timestamps() {
    let Some(clips) = Clips::new() else { return };
    // Gaps of one, two and five frames, and a clock that does not divide them.
    let source = "-f lavfi -i testsrc2=size=64x36:rate=24000/1001:duration=6 \
                  -vf select='not(eq(mod(n,7),2))*not(between(n,40,44))' -fps_mode vfr";
    for (name, codec) in [
        ("a.mp4", format!("{X264} -bf 3 -b_strategy 0 -g 20")),
        ("b.mkv", format!("{X264} -bf 3 -b_strategy 0 -g 20")),
        (
            "c.mov",
            format!("{X264} -bf 2 -b_strategy 0 -video_track_timescale 90000"),
        ),
        ("d.ts", format!("{X264} -bf 3 -b_strategy 0 -g 20")),
        (
            "e.webm",
            "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime -b:v 100k".into(),
        ),
    ] {
        let path = clips.make(name, &format!("{source} {codec}"));
        let mut reader = open(&path);
        let base = reader.info().video.time_base;
        let frames = drain(&mut reader);
        let ours: Vec<i64> = frames.iter().map(|frame| frame.pts.ticks).collect();
        assert_eq!(
            ours,
            probe_numbers(&path, "best_effort_timestamp"),
            "{name}"
        );
        assert!(ours.len() > 100 && frames.iter().all(|frame| frame.pts.base == base));
        assert!(reader.damage().is_none(), "{name}: {:?}", reader.damage());
        let expected = probe_numbers(&path, "pkt_duration,duration");
        let durations: Vec<i64> = frames.iter().map(|frame| frame.duration.unwrap()).collect();
        assert_eq!(durations, expected, "{name}");
    }
}

#[test]
fn streams_that_begin_late_stay_where_they_are() {
    let Some(clips) = Clips::new() else { return };
    let source = "-f lavfi -i testsrc2=size=64x36:rate=25:duration=1";
    let late = clips.make(
        "late.mkv",
        &format!("{source} {X264} -bf 2 -output_ts_offset 3.4"),
    );
    let mut reader = open(&late);
    assert_eq!(reader.info().video.start, Some(3400));
    assert_eq!(reader.next().unwrap().unwrap().pts.ticks, 3400);
    let ts = clips.make("late.ts", &format!("{source} {X264} -bf 2"));
    let mut reader = open(&ts);
    assert_eq!(reader.info().video.time_base, TimeBase::new(1, 90_000));
    let first = reader.next().unwrap().unwrap().pts;
    assert_eq!(first.ticks, probe_numbers(&ts, "best_effort_timestamp")[0]);
    assert!(first.seconds() > 1.0);
}

#[test]
fn what_an_edit_list_hides_is_not_shown() {
    let Some(clips) = Clips::new() else { return };
    let whole = clips.make(
        "whole.mp4",
        &format!("-f lavfi -i testsrc2=size=64x36:rate=25:duration=4 {X264} -bf 2 -g 25"),
    );
    // Cut between keyframes: the file holds pictures before the cut that its edit list hides.
    let cut = clips.make(
        "cut.mp4",
        &format!("-ss 1.52 -i {} -c copy", whole.display()),
    );
    let mut reader = open(&cut);
    let frames = drain(&mut reader);
    let ours: Vec<i64> = frames.iter().map(|frame| frame.pts.ticks).collect();
    assert_eq!(ours, probe_numbers(&cut, "best_effort_timestamp"));
    let stored = read_common::count_packets(&cut);
    assert!(frames.len() < stored, "{} frames of {stored}", frames.len());
    assert!(reader.damage().is_none());
}

#[test]
fn a_stream_without_timestamps_gets_even_ones() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make(
        "bare.h264",
        &format!("-f lavfi -i testsrc2=size=64x36:rate=25:duration=2 {X264} -bf 0 -f h264"),
    );
    let frames = drain(&mut open(&path));
    assert_eq!(frames.len(), 50);
    let steps: Vec<i64> = frames
        .windows(2)
        .map(|pair| pair[1].pts.ticks - pair[0].pts.ticks)
        .collect();
    assert!(steps.iter().all(|step| *step == steps[0]), "{steps:?}");
    assert_eq!(steps[0] as f64 * frames[0].pts.base.seconds(), 0.04);
}

#[test]
fn repeated_timestamps_move_on_and_are_counted() {
    let Some(clips) = Clips::new() else { return };
    // Three frames at each moment.
    let path = clips.make(
        "same.mkv",
        "-f lavfi -i testsrc2=size=64x36:rate=25:duration=1 -c:v ffv1 -pix_fmt yuv420p \
         -bsf:v setts=ts=floor(N/3)*120",
    );
    let mut reader = open(&path);
    let frames = drain(&mut reader);
    assert!(frames.windows(2).all(|pair| pair[0].pts < pair[1].pts));
    let stored = probe_numbers(&path, "best_effort_timestamp");
    assert_eq!(frames.len(), stored.len());
    let bad = stored.windows(2).filter(|pair| pair[0] >= pair[1]).count();
    assert_eq!(bad, 16, "{stored:?}");
    assert_eq!(reader.damage().timestamps, 16);
    let ours: Vec<i64> = frames.iter().map(|frame| frame.pts.ticks).collect();
    for (index, (ours, stored)) in ours.iter().zip(&stored).enumerate() {
        assert_eq!(*ours, stored + index as i64 % 3, "frame {index}");
    }
}

#[test]
fn transport_streams_put_together_go_on() {
    let Some(clips) = Clips::new() else { return };
    let part = clips.make(
        "part.ts",
        &format!(
            "-f lavfi -i testsrc2=size=64x36:rate=25:duration=2 -f lavfi -i sine=duration=2 \
             {X264} -bf 2 -g 10 -c:a mp2"
        ),
    );
    let once = fs::read(&part).unwrap();
    let path = clips.write("joined.ts", &[&once[..], &once[..], &once[..]].concat());
    let mut reader = open(&path);
    reader.keep_others(true);
    let frames = drain(&mut reader);
    let others = reader.take_others();
    assert_eq!(frames.len(), 150);
    let (first, last) = (frames[0].pts.seconds(), frames[149].pts.seconds());
    assert!(frames.windows(2).all(|pair| pair[0].pts < pair[1].pts));
    assert!((last - first - 5.96).abs() < 0.2, "{first} to {last}");
    // Sound goes on with the picture.
    let audio: Vec<i64> = others.iter().filter_map(|packet| packet.pts()).collect();
    assert!(audio.windows(2).all(|pair| pair[0] < pair[1]));
    let audio_end = *audio.last().unwrap() as f64 * others[0].time_base().seconds();
    assert!(
        (audio_end - last).abs() < 0.2,
        "sound {audio_end}, picture {last}"
    );
    assert!((1..=6).contains(&reader.damage().timestamps));
}
