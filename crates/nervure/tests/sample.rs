//! `nervure sample`: the command as a user meets it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn nervure(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nervure"))
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .env_remove("NERVURE_LOG")
        .output()
        .unwrap()
}

fn works(folder: &Path, arguments: &str) -> Output {
    let out = nervure(folder, arguments);
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "nervure {arguments}: {error}");
    out
}

/// What it says when it fails: one line of error, perhaps one of advice.
fn fails(folder: &Path, arguments: &str) -> String {
    let out = nervure(folder, arguments);
    assert_eq!(out.status.code(), Some(2), "nervure {arguments}");
    assert!(out.stdout.is_empty(), "nervure {arguments}");
    String::from_utf8(out.stderr).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_same_words_give_the_same_video_and_other_seeds_another() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let stream = |seed: u32| {
        let words = format!("sample --size 48x27 --seconds 0.5 --fps 24 --seed {seed} -q -o -");
        works(folder, &words).stdout
    };
    let first = stream(1);
    assert!(first.starts_with(b"YUV4MPEG2 W48 H27 F24:1 "));
    let frame = 48 * 27 + 2 * 24 * 14 + "FRAME\n".len();
    let header = first.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert_eq!(first.len(), header + 12 * frame);
    assert_eq!(first, stream(1));
    assert_ne!(first, stream(2));
    assert!(names(folder).is_empty());
}

#[test]
fn a_file_holds_what_the_summary_says() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let words = "sample --scene screen --size 64x36 --seconds 1 --fps 29.97 --depth 10 --chroma 444 \
                 -o a.mkv --json";
    let out = works(folder, words);
    let summary: Value = serde_json::from_slice(&out.stdout).unwrap();
    for (key, want) in [
        ("frames", Value::from(30)),
        ("codec", "ffv1".into()),
        ("format", "64x36 4:4:4 10-bit".into()),
        ("frame_rate", "30000/1001".into()),
        ("output", "a.mkv".into()),
        ("interrupted", false.into()),
    ] {
        assert_eq!(summary[key], want, "{key}");
    }
    let bytes = fs::metadata(folder.join("a.mkv")).unwrap().len();
    assert_eq!(summary["bytes"], bytes);
    // The command itself can read it.
    let read = works(folder, "enhance a.mkv -o null: --json -q").stdout;
    let read: Value = serde_json::from_slice(&read).unwrap();
    assert_eq!(read["frames"], 30);
    assert_eq!(read["source"]["format"], "64x36 4:4:4 10-bit");
    assert_eq!(names(folder), ["a.mkv"]);
}

#[test]
fn sound_goes_along_where_there_is_a_place_for_it() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    works(
        folder,
        "sample --scene animation --size 64x36 --seconds 1 --sound -q -o a.mkv",
    );
    let out = works(folder, "enhance a.mkv -o b.mkv --codec ffv1 --json -q").stdout;
    let summary: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(summary["streams"][0]["kind"], "audio");
    assert_eq!(summary["streams"][0]["action"], "copied");
    let error = fails(
        folder,
        "sample --size 64x36 --seconds 1 --sound -q -o a.mp4",
    );
    assert!(error.contains(".mkv"), "{error}");
    assert_eq!(names(folder), ["a.mkv", "b.mkv"]);
}

#[test]
fn a_contact_sheet_is_a_picture_of_all_scenes() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    works(folder, "sample --size 320x180 --contact-sheet sheet.png -q");
    let file = fs::File::open(folder.join("sheet.png")).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert_eq!(reader.info().width, 1280);
    // Three by two pictures on a dark sheet: most of it is lit.
    let lit = pixels.chunks_exact(3).filter(|pixel| pixel[1] > 48).count();
    assert!(lit * 2 > pixels.len() / 3, "{lit} of {}", pixels.len() / 3);
    assert_eq!(names(folder), ["sheet.png"]);
}

#[test]
fn what_cannot_be_done_is_said_before_any_work() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(folder.join("there.mkv"), b"precious").unwrap();
    fs::create_dir(folder.join("folder.mkv")).unwrap();
    let before = names(folder);
    for (words, word) in [
        ("-o there.mkv", "--force"),
        ("-o folder.mkv", "is a folder"),
        ("-o none/a.mkv", "does not exist"),
        ("-o a", "no ending"),
        ("-o a.docx", "docx"),
        ("-o a.y4m --crf 20", "--crf"),
        ("-o - --codec h264", "--codec"),
        ("-o - --json", "standard output"),
        ("-o a.mp4 --size 65x37", "even"),
        ("-o a.mkv --size 0x9", "0x9"),
        ("-o a.mkv --size 99999x9", "99999x9"),
        ("-o a.mkv --scene opera", "talking-head"),
        ("-o a.mkv --seconds -1", "-1"),
        ("-o a.mkv --fps 0", "frame rate"),
        ("--contact-sheet sheet.jpg", ".png"),
        ("", "--output"),
    ] {
        let error = fails(folder, &format!("sample --seconds 1 {words}"));
        assert!(error.contains(word), "{words}: {error}");
        assert_eq!(names(folder), before, "{words}");
    }
    assert_eq!(fs::read(folder.join("there.mkv")).unwrap(), b"precious");
    works(
        folder,
        "sample --size 16x16 --seconds 0.1 -q --force -o there.mkv",
    );
    assert_ne!(fs::read(folder.join("there.mkv")).unwrap(), b"precious");
}
