//! Threads that stages keep from frame to frame.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;

/// What workers do.
pub(crate) trait Job: Send + 'static {
    /// Does it, on all workers: within, [`rayon::join`] and parallel iterators spread over them.
    fn run(&mut self);
}

/// Threads that do one job at a time, together.
///
/// Jobs are moved to a thread that waits for them within the pool, and back. A job that comes from
/// without would be put into a queue that allocates now and then, and a frame should cost no memory.
pub(crate) struct Workers<T> {
    jobs: Sender<T>,
    done: Receiver<thread::Result<T>>,
    /// Held from a job's leaving to its return, so that nobody gets another's.
    turn: Mutex<()>,
    /// Its threads end when it is dropped and the first of them finds no more jobs.
    _pool: ThreadPool,
}

impl<T: Job> Workers<T> {
    /// Starts so many threads, which are told apart by `name`.
    pub(crate) fn new(name: &'static str, threads: usize) -> Result<Workers<T>, Error> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(move |index| format!("{name}-{index}"))
            .build()
            .map_err(|error| Error::Threads(error.to_string()))?;
        let (jobs, waiting) = bounded::<T>(1);
        let (finished, done) = bounded(1);
        pool.spawn(move || {
            for mut job in waiting {
                let work = AssertUnwindSafe(|| {
                    job.run();
                    job
                });
                if finished.send(panic::catch_unwind(work)).is_err() {
                    break;
                }
            }
        });
        Ok(Workers {
            jobs,
            done,
            turn: Mutex::new(()),
            _pool: pool,
        })
    }

    /// Has a job done, and gives it back. A panic in it is the caller's.
    pub(crate) fn run(&self, job: T) -> Result<T, Error> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.begin(job)?;
        self.end()
    }

    /// Has a job begun, by the only one who gives any. Waits if the one before was not taken back.
    pub(crate) fn begin(&self, job: T) -> Result<(), Error> {
        self.jobs.send(job).map_err(|_| gone())
    }

    /// Waits for the job that was begun. A panic in it is the caller's.
    pub(crate) fn end(&self) -> Result<T, Error> {
        let done = self.done.recv().map_err(|_| gone())?;
        done.or_else(|panicked| panic::resume_unwind(panicked))
    }
}

fn gone() -> Error {
    Error::Threads("the workers have ended".into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    struct Sum(Vec<u64>, u64);

    impl Job for Sum {
        fn run(&mut self) {
            let (left, right) = self.0.split_at(self.0.len() / 2);
            let (a, b) = rayon::join(|| left.iter().sum::<u64>(), || right.iter().sum::<u64>());
            assert!(a + b > 0, "nothing to add");
            self.1 = a + b;
        }
    }

    #[test]
    fn everybody_gets_their_own_job_back() {
        let workers = Arc::new(Workers::new("test", 3).unwrap());
        thread::scope(|scope| {
            for base in 1..=4_u64 {
                let workers = Arc::clone(&workers);
                scope.spawn(move || {
                    for count in 1..=50 {
                        let job = workers.run(Sum(vec![base; count], 0)).unwrap();
                        assert_eq!(job.1, base * count as u64);
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_workers_go_on() {
        let workers = Workers::new("test", 2).unwrap();
        let caught = panic::catch_unwind(AssertUnwindSafe(|| workers.run(Sum(vec![0], 0)).is_ok()));
        assert!(caught.is_err());
        assert_eq!(workers.run(Sum(vec![2, 3], 0)).unwrap().1, 5);
    }
}
