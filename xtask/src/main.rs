//! Chores of the workspace: `cargo xtask tidy`, `cargo xtask deny`, `cargo xtask header`, `cargo xtask
//! ci`, `cargo xtask cross`.
//!
//! Nothing here is part of the product, and nothing in the product depends on it. Findings go to
//! standard error, one a line; exit 1 when there are any, 2 when a chore could not run.
#![forbid(unsafe_code)]
#![allow(clippy::print_stderr)]

mod ci;
mod cross;
mod deny;
mod header;
mod metadata;
mod spdx;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A failure in words: there is nothing to do with it but to print it.
type Result<T, E = String> = std::result::Result<T, E>;

const USAGE: &str = "\
cargo xtask <chore>

  tidy            the arrows between rooms, and the rules that no compiler checks
  deny            licences, sources, bans, yanked versions and duplicates of what we depend on
  header          the header of the C interface, made again of the code
  ci              everything that must hold before a change goes in
  ci --no-tests   the same but the tests, for a caller that runs them itself
  cross           tests of the kernels for other processors: AArch64 under emulation, WebAssembly in Node
  cross --skip-missing
                  the same, and what lacks something that cannot be installed is no failure";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let outcome = match arguments[..] {
        ["tidy"] => tidy::run(&root),
        ["deny"] => deny::run(&root),
        ["header"] => header::run(&root),
        ["ci"] => ci::run(&root, true),
        ["ci", "--no-tests"] => ci::run(&root, false),
        ["cross"] => cross::run(&root, false),
        ["cross", "--skip-missing"] => cross::run(&root, true),
        ["help" | "--help" | "-h"] => {
            eprintln!("{USAGE}");
            Ok(true)
        }
        _ => Err(format!("unknown chore\n\n{USAGE}")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::from(2)
        }
    }
}

/// The workspace's folder. Cargo says where this package is when it runs us.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// Prints the findings of one chore and says whether there were none.
fn report(chore: &str, findings: &[String]) -> bool {
    for finding in findings {
        eprintln!("{chore}: {finding}");
    }
    match findings.len() {
        0 => eprintln!("{chore}: nothing to complain about"),
        1 => eprintln!("{chore}: 1 finding"),
        n => eprintln!("{chore}: {n} findings"),
    }
    findings.is_empty()
}
