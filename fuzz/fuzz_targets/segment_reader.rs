//! Any bytes as a segment of a resumable job: no panic, no memory on the word of a length.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/media/tests/write_entry/mod.rs"]
mod entry;

fuzz_target!(|data: &[u8]| {
    entry::segment(data);
    // Behind a sound header, where more of the reader is reached.
    entry::segment(&[&entry::HEADER[..], data].concat());
});
