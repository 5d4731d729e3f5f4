//! Material for the tests of reading: made by the `ffmpeg` command, which is also the oracle. Tests
//! pass with a word where there is none.
#![allow(clippy::unwrap_used)] // As in tests.
#![allow(dead_code, unreachable_pub)] // Each test file uses its part.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nervure_frame::{Frame, Planes};
use nervure_media::{Input, OpenOptions, Reader};

/// A folder of clips that goes when the test ends.
pub struct Clips(tempfile::TempDir);

impl Clips {
    /// `None`, said aloud, where there is no `ffmpeg` command.
    #[allow(clippy::print_stderr)] // How a test says that it was skipped.
    pub fn new() -> Option<Self> {
        let found = Command::new("ffmpeg")
            .arg("-version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if found.is_ok_and(|status| status.success()) {
            return Some(Clips(tempfile::tempdir().unwrap()));
        }
        eprintln!("skipped: there is no ffmpeg command to make clips with");
        None
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A clip that ffmpeg makes from `arguments`, split at spaces.
    pub fn make(&self, name: &str, arguments: &str) -> PathBuf {
        let path = self.path(name);
        let done = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y"])
            .args(arguments.split_whitespace())
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "ffmpeg {arguments}: {said}");
        path
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// What a command prints.
fn output(program: &str, arguments: &[&str], path: &Path) -> Vec<u8> {
    let split = arguments.iter().position(|argument| *argument == "IN");
    let (before, after) = arguments.split_at(split.unwrap_or(arguments.len()));
    let done = Command::new(program)
        .args(before)
        .arg(path)
        .args(after.iter().skip(1))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {arguments:?}: {said}");
    done.stdout
}

/// The samples that the ffmpeg command decodes, in a pixel format.
pub fn raw_by_ffmpeg(path: &Path, pixels: &str) -> Vec<u8> {
    let arguments = [
        "-nostdin",
        "-v",
        "error",
        "-i",
        "IN",
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
        "-pix_fmt",
        pixels,
        "-f",
        "rawvideo",
        "-",
    ];
    output("ffmpeg", &arguments, path)
}

/// One value of each frame of the video, as ffprobe prints it: the first of those named in `entry`
/// that this ffprobe knows.
pub fn probe_frames(path: &Path, entry: &str) -> Vec<String> {
    let entries = format!("frame={entry}");
    let arguments = [
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        &entries,
        "-of",
        "csv=p=0",
        "IN",
    ];
    let text = String::from_utf8(output("ffprobe", &arguments, path)).unwrap();
    let lines = text.lines().filter_map(|line| line.split(',').next());
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

pub fn input(path: &Path) -> Input {
    Input::Path(path.into())
}

/// Opens a clip with one decoder thread: tests run side by side as it is.
pub fn open(path: &Path) -> Reader {
    let options = OpenOptions {
        threads: 1,
        ..OpenOptions::default()
    };
    Reader::open(&input(path), &options).unwrap()
}

/// The error of a clip that must not open.
pub fn refusal(path: &Path) -> nervure_media::Error {
    match Reader::open(&input(path), &OpenOptions::default()) {
        Ok(reader) => panic!("opened {:?}", reader.info()),
        Err(error) => error,
    }
}

/// All frames that are left.
pub fn drain(reader: &mut Reader) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(frame) = reader.next().unwrap() {
        frames.push(frame);
    }
    frames
}

/// The samples of a frame, plane after plane, as raw video stores them.
pub fn bytes(frame: &Frame) -> Vec<u8> {
    match &frame.planes {
        Planes::Eight(planes) => {
            let rows = planes.iter().flat_map(|plane| plane.rows());
            rows.flatten().copied().collect()
        }
        Planes::Ten(planes) => {
            let rows = planes.iter().flat_map(|plane| plane.rows());
            rows.flatten()
                .flat_map(|sample| sample.to_le_bytes())
                .collect()
        }
    }
}

/// Whether two runs of samples agree, without printing megabytes when they do not.
pub fn assert_same(one: &[u8], other: &[u8], what: &str) {
    assert_eq!(one.len(), other.len(), "{what}: length");
    let first = one.iter().zip(other).position(|(one, other)| one != other);
    assert_eq!(first, None, "{what}: first difference");
}

/// One value of each frame of the video as a number.
pub fn probe_numbers(path: &Path, entry: &str) -> Vec<i64> {
    let lines = probe_frames(path, entry);
    lines.iter().map(|line| line.parse().unwrap()).collect()
}

/// Packets of the video stream, shown or not.
pub fn count_packets(path: &Path) -> usize {
    count_stream_packets(path, 0)
}

/// Packets of a stream.
pub fn count_stream_packets(path: &Path, stream: usize) -> usize {
    let stream = stream.to_string();
    let arguments = [
        "-v",
        "error",
        "-select_streams",
        &stream,
        "-show_entries",
        "packet=size",
        "-of",
        "csv=p=0",
        "IN",
    ];
    let text = String::from_utf8(output("ffprobe", &arguments, path)).unwrap();
    text.lines().filter(|line| !line.is_empty()).count()
}
