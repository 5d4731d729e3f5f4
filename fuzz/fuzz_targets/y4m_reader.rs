//! Any bytes as Y4M: no panic, no hang, no memory on the word of a header.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/media/tests/read_entry/mod.rs"]
mod entry;

fuzz_target!(|data: &[u8]| {
    entry::y4m(data);
});
