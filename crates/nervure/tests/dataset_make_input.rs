//! Everything that `nervure dataset make` takes: folders, patterns, images, generators, pipes,
//! devices, and pictures of every kind.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;
mod dataset_make_common;

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Output, Stdio};

use common::{Place, signal_when};
use dataset_make_common::{
    assert_same, assert_sound, count, decoded, filtered, frames, manifest, samples,
};

/// A second of a test picture.
const PICTURES: &str = "-f lavfi -i testsrc2=size=192x128:rate=10:duration=1";

const MAKE: &str = "dataset make --crf 30 --layout clips --quiet --out";

fn sources(place: &Place, dataset: &str) -> Vec<String> {
    let manifest = manifest(place, dataset);
    assert!(manifest.skipped.is_empty(), "{:?}", manifest.skipped);
    let clips = manifest.clips.into_iter();
    clips.map(|clip| clip.source.name).collect()
}

/// High-resolution pictures of the only clip.
fn high(place: &Place, dataset: &str) -> Vec<Vec<u8>> {
    assert_sound(place, dataset);
    let manifest = manifest(place, dataset);
    assert!(manifest.skipped.is_empty(), "{:?}", manifest.skipped);
    assert_eq!(manifest.clips.len(), 1);
    let frames = frames(place, dataset, "hr", &manifest.clips[0]);
    frames.iter().map(samples).collect()
}

#[test]
fn folders_patterns_and_images_are_taken() {
    let Some(place) = Place::new() else { return };
    fs::create_dir_all(place.path("in/deep/.hidden")).unwrap();
    place.make("in/b.mp4", PICTURES);
    place.make("in/deep/a.webm", &format!("{PICTURES} -c:v libvpx"));
    place.make("in/deep/.hidden/x.mp4", PICTURES);
    let image = format!("{PICTURES} -frames:v 1 -update 1");
    place.make("in/deep/c.png", &image);
    fs::write(place.path("in/deep/notes.txt"), "no video").unwrap();
    place.run(&format!("{MAKE} tree in"));
    assert_sound(&place, "tree");
    let all = ["b.mp4", "deep/a.webm", "deep/c.png"];
    assert_eq!(sources(&place, "tree"), all);
    // The shell passes on patterns that are quoted.
    place.run(&format!("{MAKE} pattern in/*.mp4 in/*/?.webm"));
    assert_eq!(sources(&place, "pattern"), ["a.webm", "b.mp4"]);
    // The camera moves over still images for as long as it is told to.
    let image = manifest(&place, "tree").clips.remove(2);
    assert_eq!((image.frames, image.frame_rate), (24, Some((25, 1))));
    let moved = frames(&place, "tree", "hr", &image);
    assert!(samples(&moved[0]) != samples(&moved[23]));
    place.run(&format!("{MAKE} short in/deep/c.png --image-frames 5"));
    assert_eq!(manifest(&place, "short").clips[0].frames, 5);
}

#[test]
fn generators_are_taken_each_once() {
    let Some(place) = Place::new() else { return };
    let one = "lavfi:testsrc2=size=128x96:rate=10:duration=1";
    let two = "lavfi:testsrc=size=128x96:rate=10:duration=1";
    place.run(&format!("{MAKE} pairs {one} {two} {one}"));
    assert_eq!(sources(&place, "pairs"), [one, two]);
    // One that does not end is taken as far as is asked for.
    let endless = "lavfi:testsrc2=size=128x96:rate=10";
    place.run(&format!("{MAKE} few {endless} --max-frames 25 --segment 1"));
    assert_sound(&place, "few");
    let frames: Vec<u64> = manifest(&place, "few")
        .clips
        .iter()
        .map(|clip| clip.frames)
        .collect();
    assert_eq!(frames, [10, 10, 5]);
}

/// Runs the command with a file on its standard input.
fn piped(place: &Place, name: &str, arguments: &str) -> Output {
    let file = File::open(place.path(name)).unwrap();
    place.nervure(arguments).stdin(file).output().unwrap()
}

#[test]
fn a_pipe_gives_what_its_file_gives() {
    let Some(place) = Place::new() else { return };
    for (name, how) in [
        ("a.mp4", "-c:v libx264 -bf 2"),
        ("a.y4m", "-pix_fmt yuv420p"),
    ] {
        place.make(name, &format!("{PICTURES} {how}"));
        let (file, pipe) = (format!("{name}-file"), format!("{name}-pipe"));
        let out = piped(&place, name, &format!("{MAKE} {pipe} -"));
        assert!(out.status.success(), "{out:?}");
        assert!(!place.path(&pipe).join(".nervure").exists());
        assert_eq!(sources(&place, &pipe), ["stdin"]);
        place.run(&format!("{MAKE} {file} {name}"));
        assert!(high(&place, &file) == high(&place, &pipe));
        let digest = |out| manifest(&place, out).clips[0].source.sha256.clone();
        assert_eq!(digest(&file), digest(&pipe));
    }
    let error = place.fails(&format!("{MAKE} both - a.mp4"));
    assert!(error.contains("stands alone"), "{error}");
}

#[test]
fn a_pipe_whose_work_was_killed_is_not_read_again() {
    let Some(place) = Place::new() else { return };
    let long = PICTURES.replace("duration=1", "duration=20");
    place.make("a.mp4", &format!("{long} -c:v libx264 -g 10"));
    place.make("other.mp4", &PICTURES.replace("testsrc2", "testsrc"));
    let make = |out: &str| format!("{MAKE} {out} - --segment 1 --jobs 1");
    assert!(piped(&place, "a.mp4", &make("unbroken")).status.success());

    let mut child = place
        .nervure(&make("pairs"))
        .stdin(File::open(place.path("a.mp4")).unwrap())
        .spawn()
        .unwrap();
    let done = place.path("pairs/.nervure/shard-00000-of-00001/done");
    while count(&done) < 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What the work needs is not replaced by what comes to be refused.
    let refused = piped(&place, "other.mp4", &make("pairs"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--resume"));
    let resumed = piped(&place, "other.mp4", &format!("{} --resume", make("pairs")));
    assert!(resumed.status.success(), "{resumed:?}");
    assert_same(&place, "unbroken", "pairs");
    // A finished one wants nothing of its input.
    let again = piped(&place, "a.mp4", &format!("{} --resume", make("pairs")));
    assert!(again.status.success(), "{again:?}");
    assert_same(&place, "unbroken", "pairs");
}

#[test]
fn half_a_pipe_is_not_taken_for_all_of_it() {
    let Some(place) = Place::new() else { return };
    place.make("a.mp4", PICTURES);
    let make = format!("{MAKE} pairs - --resume");
    let mut child = place.nervure(&make).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let bytes = fs::read(place.path("a.mp4")).unwrap();
    pipe.write_all(&bytes[..bytes.len() / 2]).unwrap();
    let spool = place.path("pairs/.nervure/staging/spool-00000-of-00001");
    while count(&spool) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it waits for more");
    }
    // Ctrl-C ends both sides of a pipe.
    let kill = format!("kill -INT {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
    std::thread::sleep(std::time::Duration::from_millis(200));
    drop(pipe);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(count(&place.path("pairs")), 0, "nothing is left");
    assert!(piped(&place, "a.mp4", &make).status.success());
    assert_eq!(high(&place, "pairs").len(), 10);
}

#[test]
fn a_device_is_recorded_first() {
    let Some(place) = Place::new() else { return };
    let device = "--device lavfi:testsrc2=size=320x240:rate=25";
    place.run(&format!("{MAKE} pairs {device} --capture 1"));
    let clip = manifest(&place, "pairs").clips.remove(0);
    assert_eq!((clip.frames, clip.hr.width, clip.hr.height), (25, 320, 240));
    place.make(
        "same.mkv",
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=1 -c:v ffv1",
    );
    let recorded = high(&place, "pairs");
    for (index, (one, two)) in recorded
        .iter()
        .zip(decoded(&place, "same.mkv", (320, 240)))
        .enumerate()
    {
        assert!(*one == two, "frame {index} is recorded without loss");
    }
    assert!(!place.path("pairs/.nervure").exists());
    // Killed while at work, it goes on with what was recorded.
    let long = format!("{MAKE} broken {device} --capture 4 --segment 1 --resume --jobs 1");
    let done = place.path("broken/.nervure/shard-00000-of-00001/done");
    signal_when(&place, &long, "-KILL", || count(&done) > 0);
    place.run(&long);
    assert_eq!(manifest(&place, "broken").clips.len(), 4);
    assert_sound(&place, "broken");
    let error = place.fails(&format!("{MAKE} none --device webcam:0"));
    assert!(error.contains("webcam:0"), "{error}");
}

#[test]
fn pictures_come_upright_and_cut_to_size() {
    let Some(place) = Place::new() else { return };
    place.make("flat.mp4", &format!("{PICTURES} -pix_fmt yuv420p"));
    // Builds of ffmpeg differ in how they are told.
    place.make(
        "turned.mp4",
        "-i flat.mp4 -c copy -metadata:s:v:0 rotate=270",
    );
    if common::probe(
        &place.path("turned.mp4"),
        "-show_entries stream_side_data=rotation -of csv=p=0",
    )
    .trim()
    .is_empty()
    {
        place.make("turned.mp4", "-display_rotation 90 -i flat.mp4 -c copy");
    }
    place.run(&format!("{MAKE} turned turned.mp4"));
    let clip = manifest(&place, "turned").clips.remove(0);
    assert_eq!((clip.hr.width, clip.hr.height), (128, 192));
    assert!(high(&place, "turned") == decoded(&place, "turned.mp4", (128, 192)));

    place.make(
        "odd.mkv",
        &format!("{PICTURES} -vf crop=191:127 -c:v ffv1").replace("size=192x128", "size=200x140"),
    );
    place.run(&format!("{MAKE} odd odd.mkv"));
    assert!(high(&place, "odd") == decoded(&place, "odd.mkv", (188, 124)));
    place.run(&format!("{MAKE} odder odd.mkv --scale 3"));
    assert!(high(&place, "odder") == decoded(&place, "odd.mkv", (186, 126)));
}

#[test]
fn other_samples_become_eight_bits_of_4_2_0() {
    let Some(place) = Place::new() else { return };
    for format in ["yuv420p10le", "yuv444p", "yuv422p10le", "yuv444p10le"] {
        let name = format!("{format}.mkv");
        place.make(
            &name,
            &format!("{PICTURES} -vf format=yuv444p,gblur=sigma=4 -pix_fmt {format} -c:v ffv1"),
        );
        place.run(&format!("{MAKE} {format} {name}"));
        // ffmpeg takes chroma for centred where nobody says so, the standards for left.
        let left = "scale=in_h_chr_pos=0:out_h_chr_pos=0:out_v_chr_pos=128,format=yuv420p";
        let wanted = filtered(&place, &name, left, (192, 128));
        let found = high(&place, format);
        assert_eq!(found.len(), wanted.len());
        let luma = 192 * 128;
        for (one, two) in found.iter().zip(&wanted) {
            let differences = || one.iter().zip(two).map(|(a, b)| a.abs_diff(*b));
            assert!(
                differences().take(luma).all(|difference| difference <= 1),
                "{format}: luma"
            );
            let chroma: u64 = differences().skip(luma).map(u64::from).sum();
            assert!(chroma < luma as u64 / 2, "{format}: chroma {chroma}");
        }
    }
}
