//! What the tests of the command share: the binary, and ffmpeg and ffprobe as makers of material
//! and as judges.
#![allow(dead_code)] // Each test binary uses a part of it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own for one test.
pub(crate) struct Place(TempDir);

impl Place {
    /// An empty folder; none, with a word why, where there is no ffmpeg to make material with.
    pub(crate) fn new() -> Option<Place> {
        let found = |tool| {
            Command::new(tool)
                .arg("-version")
                .output()
                .is_ok_and(|out| out.status.success())
        };
        if !found("ffmpeg") || !found("ffprobe") {
            println!("skipped: no ffmpeg and ffprobe command to test with");
            return None;
        }
        Some(Place::bare())
    }

    /// An empty folder, for tests that make nothing with ffmpeg.
    pub(crate) fn bare() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The names in it, hidden ones too.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Makes a file with ffmpeg.
    pub(crate) fn make(&self, name: &str, arguments: &str) -> PathBuf {
        let path = self.path(name);
        let mut command = Command::new("ffmpeg");
        command
            .current_dir(self.0.path())
            .args(["-v", "error", "-y"])
            .args(words(arguments))
            .arg(&path);
        let out = command.output().unwrap();
        assert!(
            out.status.success(),
            "ffmpeg {arguments}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        path
    }

    /// `nervure` in this folder.
    pub(crate) fn nervure(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nervure"));
        command
            .current_dir(self.0.path())
            .args(words(arguments))
            .env_remove("NERVURE_LOG");
        command
    }

    /// Runs `nervure` and expects it to succeed.
    pub(crate) fn run(&self, arguments: &str) -> Output {
        let out = self.nervure(arguments).output().unwrap();
        assert!(
            out.status.success(),
            "nervure {arguments}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        out
    }

    /// Runs `nervure … --json` and gives its document.
    pub(crate) fn json(&self, arguments: &str) -> Value {
        serde_json::from_slice(&self.run(&format!("{arguments} --json")).stdout).unwrap()
    }

    /// Runs `nervure`, expects exit status 2 with one error line, and gives stderr.
    pub(crate) fn fails(&self, arguments: &str) -> String {
        let out = self.nervure(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "nervure {arguments}: {text}");
        let (errors, rest): (Vec<_>, Vec<_>) =
            text.lines().partition(|line| line.starts_with("error: "));
        assert_eq!(errors.len(), 1, "one error line: {text}");
        for line in rest {
            assert!(
                line.starts_with("hint: ") || line.starts_with("note: "),
                "stray line {line:?} in {text}"
            );
        }
        assert!(!text.contains("panicked"), "{text}");
        text
    }
}

/// Splits as a shell would, with double quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            letter => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// What ffprobe says, as text.
pub(crate) fn probe(path: &Path, arguments: &str) -> String {
    let mut command = Command::new("ffprobe");
    command
        .args(["-v", "error"])
        .args(words(arguments))
        .arg(path);
    let out = command.output().unwrap();
    assert!(
        out.status.success(),
        "ffprobe {}: {}",
        path.display(),
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

/// Seconds at which frames of the video are shown, as ffprobe prints them.
pub(crate) fn frame_times(path: &Path) -> Vec<String> {
    let text = probe(
        path,
        "-select_streams v:0 -show_entries frame=best_effort_timestamp_time -of csv=p=0",
    );
    text.lines()
        .map(|line| line.trim_end_matches(',').to_string())
        .filter(|line| !line.is_empty())
        .collect()
}

/// Ticks at which frames of the video are shown, with the length of a tick.
pub(crate) fn frame_ticks(path: &Path) -> (String, Vec<i64>) {
    let base = probe(
        path,
        "-select_streams v:0 -show_entries stream=time_base -of csv=p=0",
    );
    let text = probe(
        path,
        "-select_streams v:0 -show_entries frame=best_effort_timestamp -of csv=p=0",
    );
    let ticks = text
        .lines()
        .filter_map(|line| line.trim_end_matches(',').parse().ok())
        .collect();
    (base.trim().to_string(), ticks)
}

/// Time, size and digest of every packet of a stream such as `a:0`.
pub(crate) fn packets(path: &Path, stream: &str) -> Vec<String> {
    let arguments = format!(
        "-select_streams {stream} -show_packets -show_data_hash MD5 -show_entries packet=pts_time,data_hash,size -of csv=p=0"
    );
    probe(path, &arguments)
        .lines()
        .map(str::to_string)
        .collect()
}

/// A digest of the decoded video, frame by frame.
pub(crate) fn picture_digests(path: &Path) -> String {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args([
            "-map",
            "0:v:0",
            "-fps_mode",
            "passthrough",
            "-copyts",
            "-f",
            "framemd5",
            "-",
        ])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Starts a job and signals it once `ready` says so; its exit status, none when it was killed.
pub(crate) fn signal_when(
    place: &Place,
    arguments: &str,
    signal: &str,
    ready: impl Fn() -> bool,
) -> Option<i32> {
    let mut child = place
        .nervure(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !ready() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the job ended before it could be signalled"
        );
        assert!(Instant::now() < deadline, "the job never came so far");
        sleep(Duration::from_millis(1));
    }
    // The shell's own kill: small systems have no other.
    let kill = format!("kill {signal} {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
    child.wait().unwrap().code()
}

/// Segments that an unfinished `enhance` job for a file has in its journal.
pub(crate) fn segments_of(place: &Place, output: &str) -> usize {
    let journal = place.path(&format!(".{output}.nervure/journal.jsonl"));
    fs::read_to_string(journal).map_or(0, |text| text.lines().count())
}
