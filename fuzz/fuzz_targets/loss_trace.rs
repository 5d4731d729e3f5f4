//! Any text as a loss trace, and as a loss model.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/media/tests/transit_entry/mod.rs"]
mod entry;

fuzz_target!(|text: &str| {
    entry::trace(text);
    entry::model(text);
});
