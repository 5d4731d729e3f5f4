//! What a person sees: errors with hints, notes, and a progress bar on terminals.
//!
//! Data goes to stdout by whoever has it; everything here goes to stderr.
#![allow(clippy::print_stderr)]

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// A failure with advice.
#[derive(Debug)]
struct Hinted {
    message: String,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// An error that says what went wrong and what to do about it.
pub(crate) fn fail(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    Hinted {
        message: message.into(),
        hint: hint.into(),
    }
    .into()
}

/// Prints an error on one line and, where something can be done about it, a hint on the next.
pub(crate) fn report_error(error: &anyhow::Error) {
    let hint = error.chain().find_map(|cause| {
        let own = cause
            .downcast_ref::<Hinted>()
            .map(|hinted| hinted.hint.clone());
        own.or_else(|| {
            cause
                .downcast_ref::<nervure_media::Error>()
                .and_then(nervure_media::Error::hint)
        })
        .or_else(|| {
            cause
                .downcast_ref::<nervure_dataset::Error>()
                .and_then(nervure_dataset::Error::hint)
        })
        .or_else(|| {
            cause
                .downcast_ref::<nervure_record::Error>()
                .and_then(nervure_record::Error::hint)
        })
        .or_else(|| {
            cause
                .downcast_ref::<nervure_abr::Error>()
                .and_then(nervure_abr::Error::hint)
        })
        .or_else(|| {
            cause
                .downcast_ref::<nervure_train::Error>()
                .and_then(nervure_train::Error::hint)
        })
    });
    // A closed stderr leaves nobody to tell.
    let mut err = io::stderr().lock();
    let _ = writeln!(
        err,
        "{} {}",
        paint("error:", "1;31"),
        one_line(&told(error))
    );
    if let Some(hint) = hint {
        let _ = writeln!(err, "{} {}", paint("hint:", "1;36"), one_line(&hint));
    }
}

/// An error with its causes, each said once: some say their cause in their own words already.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Tells something worth knowing that is not an error.
pub(crate) fn note(message: &str) {
    let _ = writeln!(
        io::stderr(),
        "{} {}",
        paint("note:", "1;33"),
        one_line(message)
    );
}

/// Prints a line of a report for people.
pub(crate) fn say(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn paint(text: &str, code: &str) -> String {
    if io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_string()
    }
}

/// A bar on a terminal, hidden elsewhere.
fn bar(length: Option<u64>, template: &str, quiet: bool) -> ProgressBar {
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::no_length(),
    };
    bar.set_draw_target(if quiet || !io::stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(8)
    });
    if let Ok(style) = ProgressStyle::with_template(template) {
        let eta = |state: &ProgressState, out: &mut dyn fmt::Write| {
            let _ = write!(out, "{}", HumanDuration(state.eta()));
        };
        bar.set_style(style.progress_chars("━╸─").with_key("eta", eta));
    }
    bar
}

/// Progress of a job in parts that people do not count: a bar with words behind it.
///
/// A bar on a terminal; elsewhere a plain line now and then.
pub(crate) struct Meter {
    bar: ProgressBar,
    verb: String,
    plain: Option<Mutex<Instant>>,
}

impl Meter {
    /// Progress towards `length` parts.
    pub(crate) fn new(verb: &str, length: u64, quiet: bool) -> Self {
        let template = "{prefix} {bar:20.cyan/dim} {percent:>3}%  {msg}  ETA {eta}";
        let bar = bar(Some(length), template, quiet);
        bar.set_prefix(verb.to_string());
        Meter {
            bar,
            verb: verb.into(),
            plain: (!quiet && !io::stderr().is_terminal()).then(|| Mutex::new(Instant::now())),
        }
    }

    /// So many parts are done, and this is to be said of it.
    pub(crate) fn set(&self, done: u64, message: impl Fn() -> String) {
        let length = self.bar.length().unwrap_or(done);
        let done = done.min(length);
        // Words cost more than a step of the bar.
        if !self.bar.is_hidden() && done != self.bar.position() {
            self.bar.set_message(message());
        }
        self.bar.set_position(done);
        if let Some(last) = &self.plain
            && let Ok(mut last) = last.lock()
            && last.elapsed() > PLAIN_EVERY
        {
            let percent = 100.0 * done as f64 / length.max(1) as f64;
            say(&format!("{}: {percent:.0}%, {}", self.verb, message()));
            *last = Instant::now();
        }
    }

    /// Says something while the bar is out of the way.
    pub(crate) fn aside(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Progress of a job that turns out frames: how far, how fast, how long still.
///
/// A bar on a terminal; elsewhere a plain line now and then, so that a log of an hour-long job
/// stays readable.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    first: u64,
    /// Seconds of video per frame, for the speed against real time.
    frame_seconds: Option<f64>,
    plain: Option<(String, Instant)>,
}

/// Between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(30);

impl Progress {
    /// Progress towards `total` frames (if known), with `done` of them finished by an earlier run.
    pub(crate) fn new(
        verb: &str,
        total: Option<u64>,
        done: u64,
        frame_seconds: Option<f64>,
        quiet: bool,
    ) -> Self {
        let terminal = io::stderr().is_terminal();
        let template = match total {
            Some(_) => "{prefix} {wide_bar:.cyan/dim} {pos}/{len}  {msg}  ETA {eta}",
            None => "{prefix} {spinner} {pos} frames  {msg}",
        };
        let bar = bar(total.map(|total| total.max(done)), template, quiet);
        bar.set_prefix(verb.to_string());
        bar.set_position(done);
        bar.reset_eta();
        let plain = (!quiet && !terminal).then(|| (verb.to_string(), Instant::now()));
        Progress {
            bar,
            started: Instant::now(),
            first: done,
            frame_seconds,
            plain,
        }
    }

    /// One more frame is done.
    pub(crate) fn advance(&mut self) {
        self.bar.inc(1);
        if self.bar.position().is_multiple_of(8) {
            self.bar.set_message(self.pace());
        }
        let pace = self
            .plain
            .as_ref()
            .is_some_and(|(_, last)| last.elapsed() > PLAIN_EVERY)
            .then(|| self.pace());
        if let (Some(pace), Some((verb, last))) = (pace, &mut self.plain) {
            let of = self
                .bar
                .length()
                .map(|total| format!(" of {total}"))
                .unwrap_or_default();
            say(&format!(
                "{verb}: {}{of} frames, {pace}",
                self.bar.position()
            ));
            *last = Instant::now();
        }
    }

    /// Frames done, those of an earlier run included.
    pub(crate) fn position(&self) -> u64 {
        self.bar.position()
    }

    /// Frames a second since the start of this run.
    pub(crate) fn frames_per_second(&self) -> f64 {
        (self.bar.position() - self.first) as f64 / self.started.elapsed().as_secs_f64().max(1e-9)
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn pace(&self) -> String {
        let rate = self.frames_per_second();
        match self.frame_seconds {
            Some(seconds) => format!("{rate:.1} fps ({:.2}x)", rate * seconds),
            None => format!("{rate:.1} fps"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let wraps = nervure_media::Error::Io {
            action: "write a.mp4".into(),
            source: full(),
        };
        assert_eq!(
            told(&wraps.into()),
            format!("cannot write a.mp4: {}", full())
        );
        let context = anyhow::Error::from(full()).context("cannot create b");
        assert_eq!(told(&context), format!("cannot create b: {}", full()));
    }
}
