//! Threads that make batches ahead of need.

use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::catalogue::Catalogue;
use super::patch::Maker;
use super::{Batch, LoaderConfig};
use crate::{Error, Result};

/// Batches that each thread makes before one is taken.
const AHEAD: usize = 2;

/// The threads. Thread `i` of `n` makes batches `i`, `i + n`, ..., so whoever takes them in order
/// knows whom to ask, and nobody has to sort.
#[derive(Debug)]
pub(super) struct Workers {
    threads: Vec<Worker>,
    first: u64,
}

#[derive(Debug)]
struct Worker {
    made: Receiver<(Batch, Result<()>)>,
    /// Batches whose memory can be used again.
    used: Sender<Batch>,
}

impl Workers {
    pub(super) fn start(
        catalogue: &Arc<Catalogue>,
        config: &Arc<LoaderConfig>,
        count: usize,
        first: u64,
    ) -> Result<Self> {
        let threads = (0..count)
            .map(|index| {
                let (sender, made) = bounded(AHEAD);
                let (used, receiver) = unbounded();
                let mut maker = Maker::new(Arc::clone(catalogue), Arc::clone(config));
                let numbers = (first + index as u64..).step_by(count);
                thread::Builder::new()
                    .name(format!("loader-{index}"))
                    .spawn(move || {
                        for number in numbers {
                            let mut batch = receiver.try_recv().unwrap_or_default();
                            let result = maker.make(number, &mut batch);
                            // Nobody takes them any more: the loader is gone or went elsewhere.
                            if sender.send((batch, result)).is_err() {
                                break;
                            }
                        }
                    })
                    .map_err(|source| Error::Io {
                        action: "start a thread".into(),
                        source,
                    })?;
                Ok(Worker { made, used })
            })
            .collect::<Result<_>>()?;
        Ok(Workers { threads, first })
    }

    /// Batch `number`, which must be the one after the last that was taken.
    pub(super) fn take(&self, number: u64, batch: &mut Batch) -> Result<()> {
        let worker = &self.threads[((number - self.first) % self.threads.len() as u64) as usize];
        match worker.made.recv() {
            Ok((mut made, result)) => {
                std::mem::swap(&mut made, batch);
                // If the thread has ended, so has the need for memory.
                let _ = worker.used.send(made);
                result
            }
            // A thread ends early only by a panic, which is a bug of ours.
            Err(_) => panic!("a thread that makes batches has panicked"),
        }
    }
}
