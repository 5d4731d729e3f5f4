//! Any text as a bandwidth trace, and as the other files of `abr`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/abr/tests/read_entry/mod.rs"]
mod entry;

fuzz_target!(|text: &str| {
    entry::traces(text);
    entry::others(text);
});
