//! Sound and picture stay in step, and nothing that was in the source is lost.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Place, frame_ticks, frame_times, packets, picture_digests, probe};

/// Half a minute of B-frames at a rate that changes, with sound.
const VARIABLE: &str = "-f lavfi -i testsrc2=size=160x90:rate=30:duration=30 \
    -f lavfi -i sine=frequency=440:duration=30 \
    -vf \"select='not(mod(n,3))+lt(mod(n,100),40)',setpts='PTS+if(gt(N,300),7/TB/1000,0)'\" -fps_mode vfr \
    -c:v libx264 -bf 3 -preset veryfast -c:a aac -b:a 96k";

#[test]
fn thirty_seconds_of_variable_rate_keep_every_tick_and_every_packet_of_sound() {
    let Some(place) = Place::new() else { return };
    let source = place.make("in.mp4", VARIABLE);
    let has_b = probe(
        &source,
        "-select_streams v:0 -show_entries frame=pict_type -of csv=p=0",
    );
    assert!(has_b.contains('B'), "the material has B-frames");
    let summary = place.json("enhance in.mp4 -o out.mp4 --preset ultrafast");
    let result = place.path("out.mp4");
    let (before, after) = (frame_ticks(&source), frame_ticks(&result));
    assert!(before.1.len() > 400, "{} frames", before.1.len());
    let gaps: std::collections::BTreeSet<_> =
        before.1.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() > 2, "the material's rate varies: {gaps:?}");
    assert_eq!(after, before);
    assert_eq!(summary["frames"], before.1.len());
    assert_eq!(packets(&result, "a:0"), packets(&source, "a:0"));
    let size = probe(
        &result,
        "-select_streams v:0 -show_entries stream=width,height -of csv=p=0",
    );
    assert_eq!(size.trim(), "320x180".replace('x', ","));
}

#[test]
fn streams_that_begin_at_different_times_stay_apart() {
    let Some(place) = Place::new() else { return };
    for name in ["in.mp4", "in.mkv"] {
        let source = place.make(
            name,
            "-itsoffset 1.5 -f lavfi -i testsrc2=size=96x64:rate=24000/1001:duration=2 \
             -f lavfi -i sine=duration=4 -map 0 -map 1 -c:v libx264 -preset veryfast -c:a aac",
        );
        place.run(&format!("enhance {name} -o out-{name} --preset ultrafast"));
        let result = place.path(&format!("out-{name}"));
        assert_eq!(frame_times(&result), frame_times(&source), "{name}");
        assert_eq!(packets(&result, "a:0"), packets(&source, "a:0"), "{name}");
    }
}

#[test]
fn a_broadcast_begins_at_zero_with_its_streams_in_step() {
    let Some(place) = Place::new() else { return };
    let source = place.make(
        "in.ts",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -f lavfi -i sine=duration=2 \
         -c:v libx264 -preset veryfast -c:a aac -output_ts_offset 3600",
    );
    place.run("enhance in.ts -o out.mkv --preset ultrafast");
    let shift = |times: Vec<f64>| {
        let first = times[0];
        times
            .into_iter()
            .map(|time| ((time - first) * 1000.0).round() as i64)
            .collect::<Vec<_>>()
    };
    let seconds = |path: &std::path::Path| {
        frame_times(path)
            .iter()
            .map(|text| text.parse().unwrap())
            .collect::<Vec<f64>>()
    };
    let sound = |path: &std::path::Path| -> f64 {
        let text = packets(path, "a:0");
        text[0]
            .split(',')
            .find_map(|part| part.parse().ok())
            .unwrap()
    };
    let result = place.path("out.mkv");
    let (before, after) = (seconds(&source), seconds(&result));
    assert!(
        before[0] > 3600.0 && after[0] < 1.0,
        "{} then {}",
        before[0],
        after[0]
    );
    let lag = (sound(&source) - before[0]) - (sound(&result) - after[0]);
    assert!(
        lag.abs() < 0.002,
        "sound moved by {lag} s against the picture"
    );
    assert_eq!(shift(before), shift(after));
}

#[test]
fn subtitles_chapters_fonts_and_tags_are_kept() {
    let Some(place) = Place::new() else { return };
    std::fs::write(
        place.path("a.srt"),
        "1\n00:00:00,200 --> 00:00:01,000\nHello, reader.\n\n",
    )
    .unwrap();
    std::fs::write(place.path("a.ttf"), [0, 1, 0, 0, 9, 9, 9, 9]).unwrap();
    std::fs::write(
        place.path("meta.txt"),
        ";FFMETADATA1\ntitle=A title\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n",
    )
    .unwrap();
    let source = place.make(
        "in.mkv",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -f lavfi -i sine=duration=2 -i a.srt -i meta.txt \
         -map 0 -map 1 -map 2 -map_metadata 3 -attach a.ttf -metadata:s:t mimetype=font/ttf \
         -c:v libx264 -preset veryfast -c:a flac -c:s srt -metadata:s:a:0 language=nld",
    );
    place.run("enhance in.mkv --preset ultrafast");
    let result = place.path("in-2x.mkv");
    let told = |path: &std::path::Path| {
        (
            probe(path, "-show_chapters -of csv=p=0"),
            probe(path, "-show_entries format_tags=title -of csv=p=0"),
            probe(
                path,
                "-show_entries stream=index,codec_name:stream_tags=language,filename -of csv=p=0",
            )
            .lines()
            .filter(|line| !line.contains("h264"))
            .collect::<Vec<_>>()
            .join("\n"),
        )
    };
    assert_eq!(told(&result), told(&source));
    assert!(told(&source).0.contains("Two"));
    for stream in ["a:0", "s:0"] {
        assert_eq!(
            packets(&result, stream),
            packets(&source, stream),
            "{stream}"
        );
    }
}

#[test]
fn a_part_is_cut_out_with_its_sound() {
    let Some(place) = Place::new() else { return };
    let source = place.make(
        "in.mp4",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=6 -f lavfi -i sine=duration=6 \
         -c:v libx264 -g 100 -preset veryfast -c:a aac",
    );
    let summary = place
        .json("enhance in.mp4 -o part.mp4 --start 0:03.0 --duration 2 --codec ffv1 --format mkv");
    assert_eq!(summary["frames"], 50);
    let result = place.path("part.mp4");
    let times = frame_times(&result);
    assert_eq!(
        (times[0].as_str(), times[49].as_str()),
        ("0.000000", "1.960000")
    );
    // The same pictures as the whole result has there.
    place.run("enhance in.mp4 -o whole.mkv --codec ffv1");
    let digest = |line: &str| line.rsplit(',').next().unwrap().trim().to_string();
    let whole: Vec<_> = picture_digests(&place.path("whole.mkv"))
        .lines()
        .map(digest)
        .collect();
    let part: Vec<_> = picture_digests(&result).lines().map(digest).collect();
    assert_eq!(part, whole[75..125]);
    let sound = packets(&result, "a:0").len() as f64 * 1024.0 / 44100.0;
    assert!((sound - 2.0).abs() < 0.1, "{sound} s of sound");
    drop(source);
}

#[test]
fn a_cut_counts_from_where_the_source_begins() {
    let Some(place) = Place::new() else { return };
    place.make(
        "in.mp4",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=3 -c:v libx264 -preset veryfast -output_ts_offset 1.8",
    );
    place.run("enhance in.mp4 -o first.mp4 --duration 1 --preset ultrafast");
    let times = frame_times(&place.path("first.mp4"));
    assert_eq!((times.len(), times[0].as_str()), (25, "1.800000"));
    place.run("enhance in.mp4 -o later.mp4 --start 2 --preset ultrafast");
    let times = frame_times(&place.path("later.mp4"));
    assert_eq!((times.len(), times[0].as_str()), (25, "0.000000"));
}

#[test]
fn a_turned_picture_is_shown_the_same_way() {
    let Some(place) = Place::new() else { return };
    place.make(
        "flat.mp4",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=0.4 -c:v libx264 -preset veryfast",
    );
    // FFmpeg 6 and later have an option for it, earlier ones a tag.
    let tagged = place.make("in.mp4", "-i flat.mp4 -c copy -metadata:s:v:0 rotate=270");
    if !probe(
        &tagged,
        "-show_entries stream_side_data=rotation -of csv=p=0",
    )
    .contains("90")
    {
        place.make("in.mp4", "-display_rotation 90 -i flat.mp4 -c copy");
    }
    place.run("enhance in.mp4 -o out.mp4 --preset ultrafast");
    place.run("enhance in.mp4 -o out.mkv --preset ultrafast");
    let rotation = |name: &str| {
        probe(
            &place.path(name),
            "-select_streams v:0 -show_entries stream_side_data=rotation -of csv=p=0",
        )
    };
    let size = |name: &str| {
        probe(
            &place.path(name),
            "-select_streams v:0 -show_entries stream=width,height -of csv=p=0",
        )
    };
    assert_eq!(
        rotation("out.mp4").trim(),
        rotation("in.mp4").trim(),
        "mp4 says how to turn it"
    );
    assert_eq!(
        size("out.mp4")
            .lines()
            .next()
            .map(|line| line.trim_end_matches(',')),
        Some("192,128")
    );
    assert_eq!(
        rotation("out.mkv").trim(),
        "",
        "elsewhere the pixels are turned"
    );
    assert_eq!(
        size("out.mkv")
            .lines()
            .next()
            .map(|line| line.trim_end_matches(',')),
        Some("128,192")
    );
}
