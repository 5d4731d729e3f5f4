//! SVT-AV1 works alone.
//!
//! Version 1.4 keeps tables for the whole process. Encoders that work at the same time crash or wait
//! for ever, even when they are opened and closed one by one; and one with preset 6 or 7 waits for ever
//! once another had a preset below 6, even when that is gone. docs/decisions/0008-av1.md has the figures.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::{Error, Result};

/// The right to be the only encoder of SVT-AV1 in the process; given back when dropped.
pub(super) struct Alone(());

#[derive(Default)]
struct Process {
    taken: bool,
    /// The lowest preset so far, if it is one that spoils others.
    low: Option<i64>,
}

static PROCESS: Mutex<Process> = Mutex::new(Process {
    taken: false,
    low: None,
});
static FREE: Condvar = Condvar::new();

impl Alone {
    /// Waits until no other encoder is at work.
    pub(super) fn with_preset(preset: i64) -> Result<Self> {
        let mut process = lock();
        while process.taken {
            process = FREE.wait(process).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(before) = refused(process.low, preset) {
            return Err(Error::Unsupported {
                what: format!(
                    "SVT-AV1 with preset {preset} may wait for ever after preset {before} in one process"
                ),
                hint: Some(
                    "encode in another process, or choose a preset other than 6 and 7".into(),
                ),
            });
        }
        process.taken = true;
        if SPOILING.contains(&preset) {
            process.low = Some(process.low.map_or(preset, |low| low.min(preset)));
        }
        Ok(Alone(()))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        lock().taken = false;
        FREE.notify_one();
    }
}

fn lock() -> MutexGuard<'static, Process> {
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

const SPOILING: std::ops::Range<i64> = i64::MIN..6;
const SPOILT: std::ops::RangeInclusive<i64> = 6..=7;

/// The earlier preset after which this one cannot be trusted.
fn refused(low: Option<i64>, preset: i64) -> Option<i64> {
    low.filter(|_| SPOILT.contains(&preset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_presets_seen_to_hang_are_refused() {
        for preset in -1..14 {
            assert_eq!(refused(None, preset), None);
            let spoilt = (6..=7).contains(&preset);
            assert_eq!(refused(Some(4), preset), spoilt.then_some(4), "{preset}");
        }
    }
}
