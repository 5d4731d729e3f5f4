//! Any bytes as a model.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/record/tests/read_entry/mod.rs"]
mod entry;

fuzz_target!(|data: &[u8]| {
    entry::artefact(data);
});
