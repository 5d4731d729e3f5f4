//! `nervure score`, on files of every kind of trouble.

mod common;

use std::fs::{self, File};
use std::process::{Command, Stdio};

use common::Place;
use serde_json::Value;

/// Two seconds that move, coded without loss.
const SCENE: &str = "-f lavfi -i testsrc2=size=192x180:rate=25:duration=2 -c:v ffv1";

fn number(report: &Value, key: &str) -> f64 {
    report[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {report}"))
}

#[test]
fn a_video_equals_itself() {
    let Some(place) = Place::new() else { return };
    place.make("a.mkv", SCENE);
    let report = place.json("score a.mkv a.mkv");
    assert_eq!(report["frames"], 50);
    assert_eq!(report["identical"], true);
    for key in ["psnr", "psnr_y", "psnr_u", "psnr_v", "vmaf", "vmaf_neg"] {
        assert_eq!(report[key], Value::Null, "{key}");
    }
    for key in ["ssim", "ssim_y"] {
        assert_eq!(number(&report, key), 1.0);
    }
    assert!((number(&report, "ms_ssim") - 1.0).abs() < 1e-6);
    let table = String::from_utf8(place.run("score a.mkv a.mkv").stdout).unwrap();
    assert!(table.contains("PSNR") && table.contains("equal"), "{table}");
}

#[test]
fn scores_are_those_of_ffmpeg() {
    let Some(place) = Place::new() else { return };
    place.make("a.mkv", SCENE);
    place.make("b.mp4", "-i a.mkv -c:v libx264 -crf 38 -preset veryfast");
    let out = Command::new("ffmpeg")
        .args(["-nostdin", "-i"])
        .arg(place.path("b.mp4"))
        .arg("-i")
        .arg(place.path("a.mkv"))
        .args([
            "-lavfi",
            "[0:v]split[a][b];[1:v]split[c][d];[a][c]psnr[p];[b][d]ssim[s]",
        ])
        .args([
            "-map", "[p]", "-f", "null", "-", "-map", "[s]", "-f", "null", "-",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    let theirs = |line: &str, key: &str| -> f64 {
        let line = text.lines().find(|text| text.contains(line)).unwrap();
        let value = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix(key));
        value.unwrap().parse().unwrap()
    };
    let report = place.json("score a.mkv b.mp4 --threads 2");
    for (key, name) in [
        ("psnr_y", "y:"),
        ("psnr_u", "u:"),
        ("psnr_v", "v:"),
        ("psnr", "average:"),
    ] {
        let difference = number(&report, key) - theirs("PSNR y:", name);
        assert!(difference.abs() <= 0.01, "{key}: {difference}");
    }
    for (key, name) in [("ssim_y", "Y:"), ("ssim", "All:")] {
        let difference = number(&report, key) - theirs("SSIM Y:", name);
        assert!(difference.abs() <= 0.0005, "{key}: {difference}");
    }
    let ms_ssim = number(&report, "ms_ssim");
    assert!(0.5 < ms_ssim && ms_ssim < 1.0, "{ms_ssim}");
}

#[test]
fn frames_pair_by_time() {
    let Some(place) = Place::new() else { return };
    place.make("a.mkv", SCENE);
    // A video with holes: what is left must meet its own frame, not the next one.
    place.make(
        "holes.mkv",
        "-i a.mkv -vf select='not(eq(n,3)+eq(n,20)+eq(n,21))' -fps_mode vfr -c:v ffv1",
    );
    let report = place.json("score a.mkv holes.mkv");
    assert_eq!(
        (&report["frames"], &report["identical"]),
        (&Value::from(47), &Value::from(true))
    );
    assert_eq!(report["unpaired_reference"], 3);
    assert_eq!(report["unpaired_distorted"], 0);
    let table = String::from_utf8(place.run("score holes.mkv a.mkv").stdout).unwrap();
    assert!(
        table.contains("3 frames of the distorted without a partner"),
        "{table}"
    );

    // The same frames later: from the first on they are the same, by the clock they are not.
    place.make("late.mkv", "-i a.mkv -c:v copy -output_ts_offset 0.2");
    let report = place.json("score a.mkv late.mkv");
    assert_eq!(
        (&report["frames"], &report["identical"]),
        (&Value::from(50), &Value::from(true))
    );
    let out = place.run("score a.mkv late.mkv --absolute --json");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["unpaired_reference"], 5);
    assert_eq!(report["identical"], false);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let Some(place) = Place::new() else { return };
    place.make("a.mkv", SCENE);
    place.make(
        "large.mkv",
        "-i a.mkv -frames:v 3 -vf scale=384:360 -c:v ffv1",
    );
    place.make(
        "full.mkv",
        "-i a.mkv -frames:v 3 -pix_fmt yuv444p -c:v ffv1",
    );
    place.make(
        "deep.mkv",
        "-i a.mkv -frames:v 3 -pix_fmt yuv420p10le -c:v ffv1",
    );
    place.make("far.mkv", "-i a.mkv -c:v copy -output_ts_offset 100");
    fs::write(place.path("none.mp4"), b"").unwrap();
    let cases = [
        (
            "a.mkv large.mkv",
            "size: a.mkv is 192x180 4:2:0 8-bit, large.mkv is 384x360",
            "scale",
        ),
        ("a.mkv full.mkv", "chroma subsampling", "pix_fmt"),
        ("a.mkv deep.mkv", "bit depth", "pix_fmt"),
        ("a.mkv far.mkv --absolute", "no frame", "--absolute"),
        ("a.mkv none.mp4", "is empty", ""),
        ("a.mkv missing.mkv", "missing.mkv", ""),
        ("- -", "cannot be both", "file"),
        (
            "a.mkv deep.mkv --csv a.mkv",
            "a.mkv would be written over",
            "another name",
        ),
    ];
    for (arguments, message, hint) in cases {
        let text = place.fails(&format!("score {arguments} --quiet"));
        assert!(text.contains(message), "{arguments}: {text}");
        if !hint.is_empty() {
            let told = text.lines().find(|line| line.starts_with("hint: "));
            assert!(
                told.is_some_and(|line| line.contains(hint)),
                "{arguments}: {text}"
            );
        }
    }
}

#[test]
fn tables_and_charts_hold_every_frame() {
    let Some(place) = Place::new() else { return };
    place.make("a.mkv", SCENE);
    place.make(
        "b.mkv",
        "-i a.mkv -vf gblur=sigma=1:enable='gte(n,1)' -c:v ffv1",
    );
    place.run("score a.mkv b.mkv --quiet --csv f.csv --plot f.svg");
    let table = fs::read_to_string(place.path("f.csv")).unwrap();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!(lines.len(), 51);
    assert!(lines.iter().all(|line| line.len() == 13));
    assert_eq!(&lines[0][..3], ["frame", "time", "psnr_y"]);
    assert_eq!(&lines[1][..4], ["0", "0.000000", "inf", "inf"]);
    assert_eq!(&lines[50][..2], ["49", "1.960000"]);
    assert_eq!(&lines[50][11..], ["", ""]);
    let report = place.json("score a.mkv b.mkv");
    let ssim = lines[1..]
        .iter()
        .map(|line| line[9].parse::<f64>().unwrap());
    assert!((ssim.sum::<f64>() / 50.0 - number(&report, "ssim")).abs() < 1e-9);
    let chart = fs::read_to_string(place.path("f.svg")).unwrap();
    assert!(chart.starts_with("<svg ") && chart.contains("PSNR"));
    place.run("score a.mkv b.mkv --quiet --metrics ms-ssim --plot f.png --csv f.csv");
    assert!(
        fs::read(place.path("f.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
    let table = fs::read_to_string(place.path("f.csv")).unwrap();
    assert!(
        table
            .lines()
            .nth(2)
            .unwrap()
            .starts_with("1,0.040000,,,,,,,,,0.")
    );
    assert_eq!(place.names(), ["a.mkv", "b.mkv", "f.csv", "f.png", "f.svg"]);
}

#[test]
fn a_pipe_and_y4m_will_do() {
    let Some(place) = Place::new() else { return };
    place.make("a.mkv", SCENE);
    place.make("a.y4m", "-i a.mkv");
    let piped = File::open(place.path("a.y4m")).unwrap();
    let out = place
        .nervure("score a.mkv - --json --metrics psnr")
        .stdin(Stdio::from(piped))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&report["frames"], &report["identical"]),
        (&Value::from(50), &Value::from(true))
    );
    assert_eq!(
        (&report["ssim"], &report["ms_ssim"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn a_turned_video_meets_its_upright_twin() {
    let Some(place) = Place::new() else { return };
    place.make(
        "a.mp4",
        "-f lavfi -i testsrc2=size=128x64:rate=10:duration=1 -c:v libx264 -qp 0",
    );
    place.make(
        "turned.mp4",
        "-i a.mp4 -vf transpose=cclock -c:v libx264 -qp 0",
    );
    // FFmpeg 6 and later have an option for it, earlier ones a tag.
    let marked = place.make(
        "marked.mp4",
        "-i turned.mp4 -c copy -metadata:s:v:0 rotate=270",
    );
    let marks = "-show_entries stream_side_data=rotation -of csv=p=0";
    if !common::probe(&marked, marks).contains("90") {
        place.make("marked.mp4", "-display_rotation 90 -i turned.mp4 -c copy");
    }
    let report = place.json("score a.mp4 marked.mp4 --metrics psnr");
    assert_eq!(report["identical"], true);
}

#[test]
fn damage_is_told_and_what_decodes_is_scored() {
    let Some(place) = Place::new() else { return };
    place.make("a.mkv", SCENE);
    place.make("whole.mkv", "-i a.mkv -c:v libx264 -g 10 -preset veryfast");
    let mut bytes = fs::read(place.path("whole.mkv")).unwrap();
    let middle = bytes.len() * 2 / 5;
    bytes[middle..middle + 300].fill(0);
    fs::write(place.path("broken.mkv"), &bytes).unwrap();
    let out = place.run("score whole.mkv broken.mkv --json");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(number(&report, "frames") >= 25.0, "{report}");
    assert_eq!(report["identical"], false);
    let paired = number(&report, "frames") + number(&report, "unpaired_reference");
    assert_eq!(paired, 50.0, "{report}");

    place.make("a.y4m", "-i a.mkv");
    let bytes = fs::read(place.path("a.y4m")).unwrap();
    fs::write(place.path("cut.y4m"), &bytes[..bytes.len() / 2]).unwrap();
    let out = place.run("score a.mkv cut.y4m --json");
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        told.contains("note: cut.y4m breaks off before its end"),
        "{told}"
    );
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&report["frames"], &report["identical"]),
        (&Value::from(24), &Value::from(true))
    );
    assert_eq!(report["unpaired_reference"], 26);
}

#[test]
fn without_libvmaf_it_says_so() {
    let Some(place) = Place::new() else { return };
    place.make("a.mkv", SCENE);
    for command in ["no-such-ffmpeg", "true"] {
        let out = place
            .nervure("score a.mkv a.mkv --vmaf")
            .env("NERVURE_FFMPEG", command)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{text}");
        assert!(
            text.contains(command) && text.contains("hint: set NERVURE_FFMPEG"),
            "{text}"
        );
    }
}

#[test]
fn vmaf_comes_from_an_ffmpeg_that_has_it() {
    let Some(place) = Place::new() else { return };
    let ffmpeg = std::env::var("NERVURE_FFMPEG").unwrap_or_else(|_| "ffmpeg".into());
    let filters = Command::new(&ffmpeg)
        .args(["-hide_banner", "-filters"])
        .output();
    if !filters.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(" libvmaf ")) {
        println!("skipped: no ffmpeg with libvmaf (NERVURE_FFMPEG)");
        return;
    }
    place.make("a.mkv", SCENE);
    place.make("b.mp4", "-i a.mkv -c:v libx264 -crf 40 -preset veryfast");
    place.make(
        "holes.mkv",
        "-i a.mkv -vf select='not(eq(n,3)+eq(n,20))' -fps_mode vfr -c:v ffv1",
    );
    let same = place.json("score a.mkv holes.mkv --vmaf --metrics psnr");
    assert!(number(&same, "vmaf") > 95.0, "{same}");
    assert_eq!(same["frames"], 48);
    let worse = place.json("score a.mkv b.mp4 --vmaf --csv f.csv --plot f.svg");
    assert!(number(&worse, "vmaf") < number(&same, "vmaf"));
    assert!(number(&worse, "vmaf_neg") <= number(&worse, "vmaf") + 0.01);
    let table = fs::read_to_string(place.path("f.csv")).unwrap();
    let last: f64 = table
        .lines()
        .last()
        .unwrap()
        .split(',')
        .next_back()
        .unwrap()
        .parse()
        .unwrap();
    assert!((0.0..=100.0).contains(&last));
    assert!(
        fs::read_to_string(place.path("f.svg"))
            .unwrap()
            .contains("VMAF-NEG")
    );
}
