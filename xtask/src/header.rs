//! The header of the C interface, `crates/c/include/nervure.h`.
//!
//! What makes it is the test that compares it, so that whoever writes and whoever checks cannot disagree,
//! and this tool stays small.

use std::path::Path;
use std::process::Command;

use crate::Result;

pub(crate) fn run(root: &Path) -> Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "test",
            "--quiet",
            "--package",
            "nervure-c",
            "--test",
            "header",
        ])
        .env("NERVURE_WRITE_HEADER", "1")
        .current_dir(root)
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    Ok(status.success())
}
