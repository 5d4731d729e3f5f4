//! Batches made ready for networks, ahead of need.

use std::ops::Range;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::task::{Prepared, Preparer, Task};
use crate::loader::{Batch, Loader, State};
use crate::{Error, Result};

/// One batch as each of several networks takes it.
pub(super) type Fed = Vec<Prepared>;

/// A thread that takes batches from a loader and makes them ready.
#[derive(Debug)]
pub(super) struct Feed {
    made: Receiver<Result<Fed>>,
    used: Sender<Fed>,
    state: State,
}

/// Batches that wait.
const AHEAD: usize = 2;

impl Feed {
    /// From where the loader stands.
    pub(super) fn start(mut loader: Loader, tasks: &[Task], targets: Range<usize>) -> Result<Feed> {
        let state = loader.state();
        let (sender, made) = bounded(AHEAD);
        let (used, receiver) = unbounded::<Fed>();
        let mut preparers: Vec<Preparer> = tasks.iter().map(Task::preparer).collect();
        thread::Builder::new()
            .name("feed".into())
            .spawn(move || {
                let mut batch = Batch::default();
                loop {
                    let fed = loader.next(&mut batch).map(|()| {
                        let mut fed = receiver.try_recv().unwrap_or_default();
                        fed.resize_with(preparers.len(), Prepared::default);
                        for (preparer, prepared) in preparers.iter_mut().zip(&mut fed) {
                            preparer.prepare(&batch, targets.clone(), prepared);
                        }
                        fed
                    });
                    // Nobody trains any more.
                    if sender.send(fed).is_err() {
                        break;
                    }
                }
            })
            .map_err(|source| Error::Io {
                action: "start a thread".into(),
                source,
            })?;
        Ok(Feed { made, used, state })
    }

    /// The next batch.
    pub(super) fn next(&mut self) -> Result<Fed> {
        self.state.batch += 1;
        self.made.recv().unwrap_or_else(|_| {
            Err(Error::refused(
                "the thread that makes batches ready has died",
                "this is a fault of nervure: please report it",
            ))
        })
    }

    /// Memory that can be used again.
    pub(super) fn give_back(&self, fed: Fed) {
        let _ = self.used.send(fed);
    }

    /// Where the loader would stand if it were not ahead.
    pub(super) fn state(&self) -> State {
        self.state
    }
}
