//! Damaged, interlaced and unusable sources.

mod read_common;

use std::fs;

use nervure_media::{Error, Input, OpenOptions, Reader};
use read_common::{Clips, assert_same, bytes, drain, input, open, raw_by_ffmpeg, refusal};

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
const SOURCE: &str = "-f lavfi -i testsrc2=size=160x96:rate=25:duration=4";

/// A small generator for places to damage; the same on every run.
fn noise(seed: &mut u64) -> u64 {
    *seed = seed
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    *seed >> 33
}

#[test]
fn a_file_that_breaks_off_gives_what_it_has() {
    let Some(clips) = Clips::new() else { return };
    for (name, options) in [
        ("a.mp4", "-movflags +faststart"),
        ("b.mkv", ""),
        ("c.ts", ""),
        ("d.mp4", "-movflags +frag_keyframe+empty_moov"),
        ("e.avi", ""),
        ("f.flv", ""),
    ] {
        let whole = clips.make(name, &format!("{SOURCE} {X264} -bf 2 -g 25 {options}"));
        let data = fs::read(&whole).unwrap();
        let path = clips.write(&format!("cut.{name}"), &data[..data.len() * 6 / 10]);
        let all = drain(&mut open(&whole));
        let mut reader = open(&path);
        let frames = drain(&mut reader);
        assert!(
            (30..90).contains(&frames.len()),
            "{name}: {} frames",
            frames.len()
        );
        // Whole pictures are those of the whole file.
        for (one, other) in frames.iter().zip(&all).take(25) {
            assert_eq!(one.pts, other.pts, "{name}");
            assert_same(&bytes(one), &bytes(other), name);
        }
    }
}

#[test]
fn a_container_that_knows_better_says_that_the_end_is_missing() {
    let Some(clips) = Clips::new() else { return };
    let whole = clips.make("a.mp4", &format!("{SOURCE} {X264} -movflags +faststart"));
    let data = fs::read(&whole).unwrap();
    let path = clips.write("cut.mp4", &data[..data.len() / 2]);
    let mut reader = open(&path);
    drain(&mut reader);
    let damage = reader.damage();
    assert!(damage.truncated && !damage.is_none(), "{damage:?}");
    let mut reader = open(&whole);
    drain(&mut reader);
    assert!(reader.damage().is_none());
}

#[test]
fn flipped_bits_cost_pictures_and_nothing_else() {
    let Some(clips) = Clips::new() else { return };
    let mut seed = 7;
    for (name, codec) in [
        ("a.mkv", format!("{X264} -bf 2 -g 25")),
        ("b.ts", format!("{X264} -bf 2 -g 25")),
        ("c.avi", "-c:v mpeg4 -g 25".to_owned()),
        (
            "d.webm",
            "-c:v libvpx -cpu-used 8 -deadline realtime -b:v 300k".to_owned(),
        ),
    ] {
        let whole = clips.make(name, &format!("{SOURCE} {codec}"));
        let data = fs::read(&whole).unwrap();
        for round in 0..3 {
            let mut bad = data.clone();
            // Headers at both ends stay: damage on the way.
            let (start, end) = (bad.len() / 5, bad.len() * 9 / 10);
            for _ in 0..40 {
                let place = start + noise(&mut seed) as usize % (end - start);
                bad[place] ^= 1 << (noise(&mut seed) % 8);
            }
            let path = clips.write(&format!("{round}.{name}"), &bad);
            let mut reader = open(&path);
            let mut frames = 0;
            let mut last = None;
            let ended = loop {
                match reader.next() {
                    Ok(Some(frame)) => {
                        assert!(last.is_none_or(|last| last < frame.pts), "{name}");
                        last = Some(frame.pts);
                        frames += 1;
                    }
                    Ok(None) => break true,
                    // A flipped size in a header is a change like any other.
                    Err(Error::FormatChange { .. }) => break false,
                    Err(error) => panic!("{name}: {error}"),
                }
            };
            if ended {
                let oracle = raw_by_ffmpeg(&path, "yuv420p").len() / (160 * 96 * 3 / 2);
                assert_eq!(frames, oracle, "{name} {round}");
            }
            if name != "d.webm" {
                assert!(!reader.damage().is_none(), "{name}: nothing was noticed");
            }
        }
    }
}

#[test]
fn pictures_that_change_end_the_frames_before_them() {
    let Some(clips) = Clips::new() else { return };
    for (name, first, second) in [
        (
            "size.ts",
            "size=160x96:rate=25,format=yuv420p",
            "size=128x96:rate=25,format=yuv420p",
        ),
        (
            "chroma.ts",
            "size=160x96:rate=25,format=yuv420p",
            "size=160x96:rate=25,format=yuv444p",
        ),
    ] {
        let part = |name: &str, what: &str| {
            let path = clips.make(
                name,
                &format!("-f lavfi -i testsrc2={what} -t 1 -c:v libx264 -preset ultrafast -bf 2"),
            );
            fs::read(path).unwrap()
        };
        let joined = [part("one.ts", first), part("two.ts", second)].concat();
        let path = clips.write(name, &joined);
        let mut reader = open(&path);
        for _ in 0..25 {
            assert!(reader.next().unwrap().is_some(), "{name}");
        }
        for _ in 0..2 {
            let error = reader.next().unwrap_err();
            assert!(
                matches!(error, Error::FormatChange { .. }),
                "{name}: {error}"
            );
            assert!(
                error.to_string().contains("160x96 4:2:0 8-bit to"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_change_of_colour_tags_is_no_change_of_format() {
    let Some(clips) = Clips::new() else { return };
    let part = |name: &str, matrix: &str| {
        let tags = format!("-color_primaries {matrix} -color_trc {matrix} -colorspace {matrix}");
        fs::read(clips.make(name, &format!("{SOURCE} -t 1 {X264} {tags}"))).unwrap()
    };
    let joined = [part("one.ts", "bt709"), part("two.ts", "smpte170m")].concat();
    let frames = drain(&mut open(&clips.write("tags.ts", &joined)));
    assert_eq!(frames.len(), 50);
    assert_eq!((frames[0].colour.matrix, frames[49].colour.matrix), (1, 6));
}

#[test]
fn bad_inputs_are_refused_in_one_line() {
    let Some(clips) = Clips::new() else { return };
    let sound = clips.make("sound.m4a", "-f lavfi -i sine=duration=0.2 -c:a aac");
    let picture = clips.make("cover.png", "-f lavfi -i color=red:size=16x16 -frames:v 1");
    let covered = clips.make(
        "covered.mp3",
        &format!(
            "-f lavfi -i sine=duration=0.2 -i {} -map 0 -map 1 -c:v png -disposition:v attached_pic",
            picture.display()
        ),
    );
    let moovless = {
        let whole = clips.make("whole.mp4", &format!("{SOURCE} {X264}"));
        let data = fs::read(whole).unwrap();
        clips.write("moovless.mp4", &data[..data.len() / 2])
    };
    let locked = clips.make(
        "locked.mp4",
        &format!(
            "{SOURCE} -t 0.4 {X264} -encryption_scheme cenc-aes-ctr \
             -encryption_key 00112233445566778899aabbccddeeff \
             -encryption_kid 0123456789abcdef0123456789abcdef"
        ),
    );
    let unknown = {
        let mut data = fs::read(clips.path("whole.mp4")).unwrap();
        let tag = data.windows(4).rposition(|bytes| bytes == b"avc1").unwrap();
        data[tag..tag + 4].copy_from_slice(b"zzzz");
        clips.write("unknown.mp4", &data)
    };
    let subtitles = "1\n00:00:00,000 --> 00:00:01,000\nhello\n";
    let noise_bytes: Vec<u8> = {
        let mut seed = 3;
        (0..50_000).map(|_| noise(&mut seed) as u8).collect()
    };
    for (path, expected) in [
        (clips.path("missing.mp4"), "there is no such file"),
        (clips.path("."), "is a directory"),
        (clips.write("empty.mp4", b""), "is empty"),
        (
            clips.write("notes.txt", b"Dear diary,\nnothing moved today.\n"),
            "",
        ),
        (
            clips.write("notes.nfo", b"Dear diary,\nnothing moved today.\n"),
            "it is text",
        ),
        (
            clips.write("page.html", b"<!doctype html><p>no film</p>"),
            "",
        ),
        (clips.write("noise.bin", &noise_bytes), ""),
        (
            clips.write("a.srt", subtitles.as_bytes()),
            "no video stream",
        ),
        (sound, "no video stream"),
        (covered, "no video stream"),
        (moovless, "moov atom not found"),
        (unknown, "no decoder"),
        (locked, "is encrypted"),
        (
            clips.write("a.y4m", b"YUV4MPEG2 W0 H16 F25:1\nFRAME\n"),
            "have no width",
        ),
        (
            clips.write("b.y4m", b"YUV4MPEG2 W99999 H16 F25:1\nFRAME\n"),
            "too large",
        ),
        (
            clips.write("c.y4m", b"YUV4MPEG2 W16 H16 F25:1\nFRAME\nabc"),
            "not one whole",
        ),
    ] {
        let error = refusal(&path);
        let message = error.to_string();
        assert!(message.contains(expected), "{}: {message}", path.display());
        let name = path.file_name().map(|name| name.to_string_lossy());
        assert!(
            name.is_none_or(|name| message.contains(&*name)),
            "{message}"
        );
        assert!(!message.contains('\n') && message.len() < 300, "{message}");
        let advised = ["missing.mp4", "moovless.mp4", "noise.bin"].map(|name| clips.path(name));
        if advised.contains(&path) {
            let hint = error.hint().unwrap();
            let cut_off = path.ends_with("moovless.mp4");
            assert_eq!(hint.contains("was it cut off?"), cut_off, "{hint}");
        }
    }
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_spent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros");
    fs::write(&path, [0; 64]).unwrap();
    for (size, expected) in [
        ("20000x16", "is 20000x16, which is too large"),
        ("16x16385", "is 16x16385, which is too large"),
        ("0x16", ""),
    ] {
        let options = OpenOptions {
            format: Some("rawvideo".into()),
            options: vec![("video_size".into(), size.into())],
            ..OpenOptions::default()
        };
        match Reader::open(&input(&path), &options) {
            Ok(reader) => panic!("opened {:?}", reader.info()),
            Err(error) => assert!(error.to_string().contains(expected), "{error}"),
        }
    }
}

#[test]
fn unknown_formats_and_options_are_named() {
    let open = |input: &Input, options: &OpenOptions| match Reader::open(input, options) {
        Ok(reader) => panic!("opened {:?}", reader.info()),
        Err(error) => error,
    };
    let lavfi = Input::Format {
        format: "lavfi".into(),
        name: "testsrc2=size=16x16".into(),
    };
    let options = OpenOptions {
        options: vec![("no_such_option".into(), "1".into())],
        ..OpenOptions::default()
    };
    let error = open(&lavfi, &options);
    assert_eq!(error.to_string(), "lavfi has no option no_such_option");
    assert!(error.hint().is_some());
    let nowhere = Input::Format {
        format: "no_such_format".into(),
        name: "x".into(),
    };
    let error = open(&nowhere, &OpenOptions::default());
    assert_eq!(
        error.to_string(),
        "this FFmpeg has no input format no_such_format"
    );
}

#[test]
fn a_flipped_bit_in_a_time_does_not_move_the_rest() {
    let Some(clips) = Clips::new() else { return };
    let whole = clips.make("whole.ts", &format!("{SOURCE} {X264} -bf 2 -g 25"));
    let mut data = fs::read(&whole).unwrap();
    // The times in the header of each packet of pictures: a bit of hours.
    let headers: Vec<usize> = data
        .windows(4)
        .enumerate()
        .filter(|(_, bytes)| *bytes == [0, 0, 1, 0xe0])
        .map(|(place, _)| place)
        .collect();
    assert_eq!(headers.len(), 100);
    for frame in [40, 60] {
        let header = headers[frame];
        data[header + 9] ^= 4;
        if data[header + 7] & 0x40 != 0 {
            data[header + 14] ^= 4;
        }
    }
    // A time of showing alone.
    data[headers[80] + 9] ^= 4;
    let expected: Vec<i64> = drain(&mut open(&whole))
        .iter()
        .map(|frame| frame.pts.ticks)
        .collect();
    let mut reader = open(&clips.write("flipped.ts", &data));
    let frames = drain(&mut reader);
    assert_eq!(frames.len(), 100);
    let mut off = 0;
    for (frame, expected) in frames.iter().zip(&expected) {
        let error = (frame.pts.ticks - expected) as f64 / 90_000.0;
        assert!(error.abs() < 0.13, "{error} s at {}", frame.pts.seconds());
        off += usize::from(error != 0.0);
    }
    assert!(off <= 6, "{off} timestamps moved");
    assert!(reader.damage().timestamps >= 3);
}

#[test]
fn a_few_odd_pictures_are_damage() {
    let Some(clips) = Clips::new() else { return };
    let part = |name: &str, size: &str, frames: u32| {
        let source = format!("-f lavfi -i testsrc2=size={size}:rate=25 -frames:v {frames}");
        fs::read(clips.make(name, &format!("{source} {X264}"))).unwrap()
    };
    let joined = [
        part("one.ts", "160x96", 25),
        part("odd.ts", "144x96", 5),
        part("two.ts", "160x96", 25),
    ]
    .concat();
    let mut reader = open(&clips.write("joined.ts", &joined));
    assert_eq!(drain(&mut reader).len(), 50);
    let lost = reader.damage().packets;
    assert!((5..10).contains(&lost), "{lost} lost");
}
