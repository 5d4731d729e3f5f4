//! Errors as C knows them: a number, and a message of the calling thread.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a call came to. Errors are negative, and `nervure_last_error` has words for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// There is no picture yet: push the next one.
    NeedMore = 1,
    /// There is no picture any more: all of them were pulled after `nervure_flush`.
    End = 2,
    /// An argument that cannot be: a null or misaligned pointer, a stride shorter than a row, a size or
    /// a depth that there is not. Nothing was done, and the context is as it was.
    Argument = -1,
    /// A call out of its turn: a push before the last picture was pulled, or after `nervure_flush`.
    /// Nothing was done, and the context is as it was.
    Order = -2,
    /// The file cannot be read.
    File = -3,
    /// No model, or none that runs in real time.
    Model = -4,
    /// The system gives no threads.
    Threads = -5,
    /// A bug of this library. The context gives this for every call from now on; free it.
    Bug = -6,
}

/// A status that is an error, with its message.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Failure {
        Failure {
            status,
            message: message.into(),
        }
    }
}

impl From<nervure_engine::Error> for Failure {
    fn from(error: nervure_engine::Error) -> Failure {
        let status = match error {
            nervure_engine::Error::Model { .. } => Status::Model,
            nervure_engine::Error::Threads(_) => Status::Threads,
            // Sizes and formats are ours to get right.
            _ => Status::Bug,
        };
        Failure::new(status, error.to_string())
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

fn remember(message: &str) {
    // Words of a file may have anything in them.
    let whole = message.split('\0').next().unwrap_or_default();
    let words = CString::new(whole).unwrap_or_default();
    // A thread that is at its end has no place for them any more.
    let _ = LAST.try_with(|last| last.replace(words));
}

/// The last message of this thread: it stays where it is until the next.
pub(crate) fn last() -> Option<*const c_char> {
    LAST.try_with(|last| last.borrow().as_ptr()).ok()
}

/// Runs what a call does. Nothing unwinds into C.
pub(crate) fn guarded(work: impl FnOnce() -> Result<Status, Failure>) -> Status {
    // What a panic leaves half done is a context, which then refuses to go on.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => {
            remember(&failure.message);
            failure.status
        }
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            remember(words.unwrap_or("a bug without words"));
            Status::Bug
        }
    }
}

/// The same of a question: what is answered when there is no answer.
pub(crate) fn answered<T>(otherwise: T, question: impl FnOnce() -> Option<T>) -> T {
    catch_unwind(AssertUnwindSafe(question))
        .ok()
        .flatten()
        .unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        let status = guarded(|| panic!("frames of {} sides", 3));
        assert_eq!(status, Status::Bug);
        LAST.with_borrow(|last| assert_eq!(last.to_str(), Ok("frames of 3 sides")));
        assert_eq!(answered(7, || panic!("no")), 7);
    }

    #[test]
    fn a_message_ends_at_a_zero() {
        guarded(|| Err(Failure::new(Status::Model, "one\0two")));
        LAST.with_borrow(|last| assert_eq!(last.to_str(), Ok("one")));
    }
}
