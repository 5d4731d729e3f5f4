//! Any text as the name of an input.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/media/tests/read_entry/mod.rs"]
mod entry;

fuzz_target!(|text: &str| entry::input_name(text));
