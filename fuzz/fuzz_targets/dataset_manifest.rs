//! Any text as the manifest of a dataset.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/dataset/tests/read_entry/mod.rs"]
mod entry;

fuzz_target!(|text: &str| {
    entry::manifest(text);
});
