//! VMAF and VMAF-NEG, computed by an ffmpeg that has libvmaf.
//!
//! libvmaf is not linked: the crate that carries it is under the GPL, and its ABI differs from
//! version to version. The pairs go through a pipe, one frame of each video by turns, so that what
//! is compared is what was paired, whatever the files' clocks say.

use std::ffi::OsString;
use std::io::Read;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, Sender, bounded};
use nervure_frame::{Colour, PictureFormat};
use nervure_media::{Y4mHeader, Y4mWriter};
use serde::Deserialize;

use super::measure::{Interrupted, Pair, spawn};
use crate::console::fail;
use crate::signals::Signals;

/// The environment variable that names the command.
const VARIABLE: &str = "NERVURE_FFMPEG";
/// Pairs that may wait for it.
const QUEUE: usize = 4;
/// Between two looks at whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// The two scores of a frame.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub(crate) struct VmafScore {
    pub(crate) vmaf: f64,
    pub(crate) vmaf_neg: f64,
}

/// An ffmpeg that can compute VMAF.
#[derive(Debug)]
pub(crate) struct Vmaf {
    ffmpeg: OsString,
}

impl Vmaf {
    /// The one that `NERVURE_FFMPEG` names, else the one on the path.
    pub(crate) fn find() -> Result<Vmaf> {
        let named = std::env::var_os(VARIABLE).filter(|name| !name.is_empty());
        let ffmpeg = named.clone().unwrap_or_else(|| "ffmpeg".into());
        let hint = format!("set {VARIABLE} to an ffmpeg that was built with libvmaf");
        let shown = ffmpeg.to_string_lossy();
        let filters = Command::new(&ffmpeg)
            .args(["-hide_banner", "-filters"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        match filters {
            Err(error) => Err(fail(format!("VMAF needs ffmpeg: {shown}: {error}"), hint)),
            Ok(out) if has_libvmaf(&String::from_utf8_lossy(&out.stdout)) => Ok(Vmaf { ffmpeg }),
            Ok(_) => Err(fail(
                format!("VMAF needs an ffmpeg with libvmaf, which {shown} has not"),
                hint,
            )),
        }
    }

    /// Begins to compute.
    pub(crate) fn start(
        self,
        format: PictureFormat,
        colour: Colour,
        threads: usize,
    ) -> Result<Scoring> {
        let mut child = Command::new(&self.ffmpeg)
            .args(["-nostdin", "-hide_banner", "-v", "error"])
            .args(["-f", "yuv4mpegpipe", "-i", "pipe:0", "-lavfi"])
            .arg(graph(threads))
            .args(["-map", "[out]", "-f", "null", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.ffmpeg.to_string_lossy()))?;
        let header = Y4mHeader {
            frame_rate: Some((25, 1)),
            colour,
            ..Y4mHeader::new(format)
        };
        let (pairs, waiting) = bounded(QUEUE);
        let stdin = child.stdin.take().context("a pipe to ffmpeg")?;
        let (log, complaints) = (child.stdout.take(), child.stderr.take());
        let mut scoring = Scoring {
            pairs: Some(pairs),
            child,
            log: None,
            complaints: None,
        };
        spawn("vmaf", move || feed(stdin, &header, &waiting))?;
        scoring.log = Some(drain(log)?);
        scoring.complaints = Some(drain(complaints)?);
        Ok(scoring)
    }
}

/// Whether a list of filters, as ffmpeg prints it, has the one that is needed.
fn has_libvmaf(filters: &str) -> bool {
    filters
        .lines()
        .any(|line| line.split_whitespace().nth(1) == Some("libvmaf"))
}

/// Frames by turns into two streams again, each numbered from zero on one clock: the filter pairs by
/// time. `settb` must come before `setpts`, else every score collapses.
fn graph(threads: usize) -> String {
    let stream = |wanted: &str| format!("select='{wanted}',settb=1/1000,setpts=N");
    let model = |version: &str, name: &str| format!("version={version}\\\\:name={name}");
    format!(
        "[0:v]split[a][b];[a]{}[reference];[b]{}[distorted];\
         [distorted][reference]libvmaf=model={}|{}:log_fmt=json:log_path=/dev/stdout:\
         n_threads={threads}[out]",
        stream("not(mod(n,2))"),
        stream("mod(n,2)"),
        model("vmaf_v0.6.1", "vmaf"),
        model("vmaf_v0.6.1neg", "vmaf_neg"),
    )
}

/// Writes pairs until there are no more, or until ffmpeg has gone: what it says then tells more than
/// a broken pipe does.
fn feed(stdin: ChildStdin, header: &Y4mHeader, pairs: &Receiver<Arc<Pair>>) {
    let write = || -> nervure_media::Result<()> {
        let mut writer = Y4mWriter::new(stdin, header)?;
        for pair in pairs {
            writer.write(&pair.reference)?;
            writer.write(&pair.distorted)?;
        }
        writer.finish().map(drop)
    };
    let _ = write();
}

/// Reads a pipe to its end on a thread of its own.
fn drain(pipe: Option<impl Read + Send + 'static>) -> Result<JoinHandle<Vec<u8>>> {
    let mut pipe = pipe.context("a pipe from ffmpeg")?;
    spawn("vmaf", move || {
        let mut bytes = Vec::new();
        // What came before a broken pipe is all there is.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

/// VMAF of pairs, as they come.
pub(crate) struct Scoring {
    pairs: Option<Sender<Arc<Pair>>>,
    child: Child,
    log: Option<JoinHandle<Vec<u8>>>,
    complaints: Option<JoinHandle<Vec<u8>>>,
}

impl Scoring {
    /// The next pair. False when ffmpeg takes no more, and [`Scoring::finish`] knows why.
    pub(crate) fn push(&self, pair: &Arc<Pair>) -> bool {
        self.pairs
            .as_ref()
            .is_some_and(|pairs| pairs.send(Arc::clone(pair)).is_ok())
    }

    /// The scores of all pairs, of which there were `count`.
    pub(crate) fn finish(mut self, count: u64, signals: &Signals) -> Result<Vec<VmafScore>> {
        self.pairs = None;
        let status = loop {
            if signals.stop() {
                return Err(Interrupted.into());
            }
            match self.child.try_wait().context("cannot wait for ffmpeg")? {
                Some(status) => break status,
                None => thread::sleep(POLL),
            }
        };
        let text = |thread: Option<JoinHandle<Vec<u8>>>| {
            let bytes = thread.and_then(|thread| thread.join().ok());
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        };
        let (log, complaints) = (text(self.log.take()), text(self.complaints.take()));
        match scores(&log) {
            Ok(scores) if status.success() && scores.len() as u64 == count => Ok(scores),
            _ => {
                let last = complaints.lines().rfind(|line| !line.trim().is_empty());
                let why = last.unwrap_or("it ended early and said nothing").trim();
                Err(fail(
                    format!("ffmpeg could not compute VMAF: {why}"),
                    format!("set {VARIABLE} to an ffmpeg with libvmaf 2 or later"),
                ))
            }
        }
    }
}

impl Drop for Scoring {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The scores in libvmaf's log.
fn scores(log: &str) -> serde_json::Result<Vec<VmafScore>> {
    #[derive(Deserialize)]
    struct Log {
        frames: Vec<LogFrame>,
    }
    #[derive(Deserialize)]
    struct LogFrame {
        metrics: VmafScore,
    }
    let log: Log = serde_json::from_str(log)?;
    Ok(log.frames.into_iter().map(|frame| frame.metrics).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_filter_itself_counts() {
        let list = "Filters:\n  T.. = Timeline\n ... vmafmotion  V->V  Calculate libvmaf\n";
        assert!(!has_libvmaf(list));
        assert!(has_libvmaf(&format!("{list} ... libvmaf  VV->V  VMAF\n")));
    }

    #[test]
    fn scores_are_taken_from_the_log() {
        let log = r#"{"version": "3.0.0", "frames": [
            {"frameNum": 0, "metrics": {"integer_motion2": 0.0, "vmaf": 80.5, "vmaf_neg": 79.25}}],
            "pooled_metrics": {}}"#;
        let expected = VmafScore {
            vmaf: 80.5,
            vmaf_neg: 79.25,
        };
        assert_eq!(scores(log).unwrap(), [expected]);
        assert!(scores("").is_err());
    }
}
