//! Any bytes as a clip: no panic, no memory on the word of a header.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/dataset/tests/read_entry/mod.rs"]
mod entry;

fuzz_target!(|data: &[u8]| {
    entry::clip(data);
});
