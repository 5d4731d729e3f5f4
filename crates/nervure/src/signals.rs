//! Ctrl-C and termination, as flags that a job looks at between frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Exit status of a job that Ctrl-C ended, as shells count it.
pub(crate) const INTERRUPTED: u8 = 130;
/// Exit status of a job that was told to terminate.
pub(crate) const TERMINATED: u8 = 143;

/// What the process has been asked to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
}

impl Signals {
    /// Listens from now on. The first signal of a kind sets a flag; the second ends the process at
    /// once, for the user who will not wait.
    pub(crate) fn listen() -> Result<Self> {
        let signals = Signals::default();
        for (signal, seen, status) in [
            (SIGINT, &signals.interrupt, INTERRUPTED),
            (SIGTERM, &signals.terminate, TERMINATED),
        ] {
            flag::register_conditional_shutdown(signal, i32::from(status), Arc::clone(seen))
                .and_then(|_| flag::register(signal, Arc::clone(seen)))
                .context("cannot listen for signals")?;
        }
        Ok(signals)
    }

    /// Ctrl-C: finish what there is.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// The system wants the process gone: keep the work, stop now.
    pub(crate) fn terminated(&self) -> bool {
        self.terminate.load(Ordering::Relaxed)
    }

    /// Either.
    pub(crate) fn stop(&self) -> bool {
        self.interrupted() || self.terminated()
    }
}
