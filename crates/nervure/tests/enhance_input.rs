//! What goes in: pipes, devices, every format we promise, and everything that is broken.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::{Place, frame_times, picture_digests, probe};

const SMALL: &str =
    "-f lavfi -i testsrc2=size=96x64:rate=25:duration=1 -c:v libx264 -preset veryfast -bf 2";

#[test]
fn what_cannot_be_read_is_one_line_and_leaves_nothing() {
    let Some(place) = Place::new() else { return };
    fs::create_dir(place.path("folder")).unwrap();
    fs::write(place.path("empty.mp4"), b"").unwrap();
    fs::write(place.path("text.mp4"), b"not a video at all\n".repeat(40)).unwrap();
    place.make("sound.mp4", "-f lavfi -i sine=duration=0.2 -c:a aac");
    let before = place.names();
    for (name, word) in [
        ("missing.mp4", "missing.mp4"),
        ("folder", "folder"),
        ("empty.mp4", "empty.mp4"),
        ("text.mp4", "text.mp4"),
        ("sound.mp4", "no video"),
        ("lavfi:nosuchfilter", "nosuchfilter"),
    ] {
        let error = place.fails(&format!("enhance {name} -o out.mkv"));
        assert!(error.contains(word), "{name}: {error}");
        assert_eq!(place.names(), before, "{name}");
    }
}

#[test]
fn what_cannot_be_done_is_said_before_any_work() {
    let Some(place) = Place::new() else { return };
    place.make("in.mp4", SMALL);
    fs::write(place.path("taken.mp4"), b"precious").unwrap();
    fs::create_dir(place.path("folder")).unwrap();
    let before = place.names();
    for (arguments, word, hint) in [
        ("in.mp4 -o in.mp4 --force", "the output is the input", "-o"),
        (
            "in.mp4 -o ./folder/../in.mp4 --force",
            "the output is the input",
            "-o",
        ),
        ("in.mp4 -o taken.mp4", "exists", "--force"),
        ("in.mp4 -o folder", "is a folder", "-o"),
        ("in.mp4 -o nowhere/out.mp4", "does not exist", "create"),
        ("in.mp4 -o out", "no extension", "--format"),
        ("in.mp4 -o out.nonsense", "nonsense", ".mkv"),
        (
            "in.mp4 -o out.webm --codec h264",
            "webm cannot hold",
            ".mkv",
        ),
        ("in.mp4 -o out.gif", "GIF", ""),
        ("in.mp4 -o out.mp4 --start 99", "behind the end", "earlier"),
        ("in.mp4 -o out.mp4 --crf 99", "quality of 99", ""),
        ("in.mp4 -o out.mp4 --preset nonsense", "preset", ""),
        ("in.mp4 -o - --json", "standard output", "-o"),
        ("lavfi:testsrc2=duration=0.1", "no output", "-o"),
        (
            "lavfi:testsrc2=duration=0.1 -o out.mkv --resume",
            "continued",
            "--resume",
        ),
    ] {
        let error = place.fails(&format!("enhance {arguments}"));
        let (first, rest) = error.split_once('\n').unwrap();
        assert!(first.contains(word), "{arguments}: {error}");
        assert!(rest.contains(hint), "{arguments}: {error}");
        assert_eq!(place.names(), before, "{arguments}");
    }
    assert_eq!(fs::read(place.path("taken.mp4")).unwrap(), b"precious");
    let wrong = place.nervure("enhance in.mp4 --scale 0").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn broken_files_are_enhanced_as_far_as_they_decode() {
    let Some(place) = Place::new() else { return };
    let source = place.make(
        "in.ts",
        "-f lavfi -i testsrc2=size=320x192:rate=25:duration=4 -c:v libx264 -preset veryfast -g 25 -bf 2",
    );
    let whole = fs::read(&source).unwrap();
    fs::write(place.path("short.ts"), &whole[..whole.len() * 6 / 10]).unwrap();
    let mut flipped = whole.clone();
    for index in (whole.len() / 4..whole.len() / 2).step_by(997) {
        flipped[index] ^= 0x10;
    }
    fs::write(place.path("flipped.ts"), flipped).unwrap();
    let summary = place.json("enhance short.ts -o short.mkv --preset ultrafast");
    let frames = summary["frames"].as_u64().unwrap();
    assert!((30..100).contains(&frames), "{summary}");
    assert_eq!(frame_times(&place.path("short.mkv")).len() as u64, frames);
    let summary = place.json("enhance flipped.ts -o flipped.mkv --preset ultrafast --threads 1");
    let damaged =
        summary["damaged_frames"].as_u64().unwrap() + summary["lost_packets"].as_u64().unwrap();
    assert!(damaged > 0, "{summary}");
    assert!(summary["frames"].as_u64().unwrap() > 50, "{summary}");
    let out = place.run("enhance flipped.ts -o again.mkv --preset ultrafast --threads 1");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        said.contains("damaged") || said.contains("could not be decoded"),
        "{said}"
    );
}

#[test]
fn a_stream_that_changes_size_is_refused_where_it_does() {
    let Some(place) = Place::new() else { return };
    let one = place.make(
        "a.ts",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=1 -c:v libx264 -g 5",
    );
    let two = place.make(
        "b.ts",
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=1 -c:v libx264 -g 5",
    );
    fs::write(
        place.path("in.ts"),
        [fs::read(one).unwrap(), fs::read(two).unwrap()].concat(),
    )
    .unwrap();
    let before = place.names();
    let error = place.fails("enhance in.ts -o out.mp4 --preset ultrafast");
    assert!(
        error.contains("96x64") && error.contains("128x96"),
        "{error}"
    );
    assert_eq!(place.names(), before);
}

#[test]
fn tiny_odd_and_deep_pictures_pass_through_every_codec() {
    let Some(place) = Place::new() else { return };
    for (name, pixels, size) in [
        ("one.mkv", "yuv420p", "1x1"),
        ("odd.mkv", "yuv420p", "67x41"),
        ("deep.mkv", "yuv420p10le", "66x50"),
        ("wide.mkv", "yuv422p", "66x51"),
        ("full.mkv", "yuv444p10le", "65x51"),
    ] {
        place.make(
            name,
            &format!(
                "-f lavfi -i testsrc2=size=80x60:rate=25:duration=0.2 -vf scale={size} -pix_fmt {pixels} -c:v ffv1"
            ),
        );
        place.run(&format!("enhance {name} -o 2-{name} --codec ffv1"));
        let told = probe(
            &place.path(&format!("2-{name}")),
            "-show_entries stream=width,height,pix_fmt -of csv=p=0",
        );
        let (width, height) = size.split_once('x').unwrap();
        let (width, height): (u32, u32) = (width.parse().unwrap(), height.parse().unwrap());
        assert_eq!(
            told.trim(),
            format!("{},{},{pixels}", width * 2, height * 2)
        );
    }
    for (codec, container, name) in [
        ("h264", "mp4", "odd"),
        ("hevc", "mp4", "deep"),
        ("vp9", "webm", "odd"),
        ("av1", "mkv", "deep"),
        ("h264", "mkv", "wide"),
    ] {
        let out = format!("{codec}-{name}.{container}");
        place.run(&format!(
            "enhance {name}.mkv -o {out} --codec {codec} --scale 3"
        ));
        assert_eq!(frame_times(&place.path(&out)).len(), 5, "{out}");
        assert_eq!(
            probe(
                &place.path(&out),
                "-show_entries stream=codec_name -of csv=p=0"
            )
            .trim(),
            codec
        );
    }
}

#[test]
fn colour_and_sample_shape_are_carried_through() {
    let Some(place) = Place::new() else { return };
    place.make(
        "in.mp4",
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=0.4 -vf setsar=4/3,setparams=range=tv:color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc -pix_fmt yuv420p10le -c:v libx265 \
         -x265-params log-level=none -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -color_range tv",
    );
    place.run("enhance in.mp4 -o out.mp4");
    let told = |name: &str| {
        probe(
            &place.path(name),
            "-show_entries stream=codec_name,pix_fmt,sample_aspect_ratio,color_range,color_space,color_transfer,color_primaries -of csv=p=0",
        )
    };
    assert_eq!(told("out.mp4"), told("in.mp4"));
    assert!(told("in.mp4").contains("smpte2084"));
}

#[test]
fn interlaced_pictures_are_deinterlaced_or_refused() {
    let Some(place) = Place::new() else { return };
    place.make(
        "in.mkv",
        "-f lavfi -i testsrc2=size=96x64:rate=50:duration=1 -vf interlace -c:v libx264 -flags +ildct+ilme -preset veryfast",
    );
    let summary = place.json("enhance in.mkv -o out.mkv --codec ffv1");
    assert_eq!(
        (&summary["frames"], &summary["deinterlaced_frames"]),
        (&25.into(), &25.into())
    );
    let fields = probe(
        &place.path("out.mkv"),
        "-show_entries frame=interlaced_frame -of csv=p=0",
    );
    assert!(!fields.contains('1'), "{fields}");
    let error = place.fails("enhance in.mkv -o no.mkv --no-deinterlace");
    assert!(
        error.contains("interlaced") && error.contains("hint:"),
        "{error}"
    );
}

#[test]
fn nervure_stands_in_a_pipe() {
    let Some(place) = Place::new() else { return };
    place.make("in.mp4", SMALL);
    place.run("enhance in.mp4 -o whole.mkv --codec ffv1");
    let digest = |name: &str| {
        let text = picture_digests(&place.path(name));
        text.lines()
            .map(|line| line.rsplit(',').next().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    let binary = env!("CARGO_BIN_EXE_nervure");
    for (make, take) in [
        (
            "ffmpeg -v error -i in.mp4 -f yuv4mpegpipe -",
            "enhance - -o -",
        ),
        (
            "ffmpeg -v error -i in.mp4 -c copy -f matroska -",
            "enhance - -o - --format y4m",
        ),
        (
            "ffmpeg -v error -i in.mp4 -f rawvideo -pix_fmt yuv420p -",
            "enhance - -o - --input-format rawvideo --input-option video_size=96x64 --input-option framerate=25",
        ),
    ] {
        let script = format!("{make} | {binary} {take} > out.y4m");
        let out = Command::new("sh")
            .args(["-c", &script])
            .current_dir(place.path("."))
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{take}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        assert_eq!(digest("out.y4m"), digest("whole.mkv"), "{take}");
    }
    let raw = place.run("enhance in.mp4 -o - --format raw").stdout;
    assert_eq!(raw.len(), 25 * 192 * 128 * 3 / 2);
    let coded = place
        .run("enhance in.mp4 -o - --format mkv --preset ultrafast")
        .stdout;
    fs::write(place.path("piped.mkv"), coded).unwrap();
    assert_eq!(frame_times(&place.path("piped.mkv")).len(), 25);
}

#[test]
fn a_reader_that_goes_away_ends_the_job() {
    let Some(place) = Place::new() else { return };
    let mut child = place
        .nervure("enhance lavfi:testsrc2=size=320x180:rate=25 -o - --quiet")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn generators_and_the_null_sink_work_without_files() {
    let Some(place) = Place::new() else { return };
    let summary =
        place.json("enhance lavfi:testsrc2=size=64x48:rate=30:duration=1 -o null: --scale 1.5");
    assert_eq!(summary["frames"], 30);
    assert_eq!(
        (&summary["result"]["width"], &summary["result"]["height"]),
        (&96.into(), &72.into())
    );
    assert!(summary["output"].is_null());
    assert!(place.names().is_empty());
}
