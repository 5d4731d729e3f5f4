//! The `nervure` command: arguments, wiring, progress, reports.
#![forbid(unsafe_code)]

fn main() {}
