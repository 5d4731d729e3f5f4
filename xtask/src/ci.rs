//! Everything that must hold before a change goes in.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::metadata::Metadata;
use crate::{Result, deny, tidy};

/// Optional features that need a library of the system, which not every machine has.
const NEED_A_LIBRARY: [&str; 2] = ["gpu", "vmaf"];

/// Every step runs even when an earlier one fails: one visit shows all there is to mend.
pub(crate) fn run(root: &Path, tests: bool) -> Result<bool> {
    let mut steps = Steps::new(root);

    steps.cargo("rustfmt", &["fmt", "--all", "--check"], &[]);
    steps.step("tidy", || tidy::run(root));
    steps.step("deny", || deny::run(root));
    steps.cargo(
        "clippy",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    );
    steps.cargo(
        "docs",
        &["doc", "--workspace", "--no-deps"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    );
    // The default is what every other step builds.
    for selection in feature_selections(&Metadata::read(root, &["--no-deps", "--offline"])?) {
        let mut arguments = vec!["clippy"];
        arguments.extend(selection.iter().map(String::as_str));
        arguments.extend(["--", "-D", "warnings"]);
        steps.cargo(
            &format!("features: {}", selection.join(" ")),
            &arguments,
            &[],
        );
    }
    if tests {
        steps.cargo("tests", &["test", "--workspace"], &[]);
    }
    Ok(steps.summary())
}

/// Cargo's flags for each feature by itself and for none, of each package that has any.
fn feature_selections(metadata: &Metadata) -> Vec<Vec<String>> {
    let mut selections = Vec::new();
    for package in metadata.members() {
        let flags = |rest: &[&str]| -> Vec<String> {
            ["--package", &package.name]
                .iter()
                .chain(rest)
                .map(ToString::to_string)
                .collect()
        };
        if package.features.contains_key("default") {
            selections.push(flags(&["--no-default-features"]));
        }
        for feature in package.features.keys() {
            if feature != "default" && !NEED_A_LIBRARY.contains(&feature.as_str()) {
                selections.push(flags(&["--no-default-features", "--features", feature]));
            }
        }
    }
    selections
}

/// What was run, and how it went.
pub(crate) struct Steps<'a> {
    root: &'a Path,
    done: Vec<(String, bool, Duration)>,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(root: &'a Path) -> Self {
        Steps {
            root,
            done: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<bool>) {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let passed = work().unwrap_or_else(|message| {
            eprintln!("{message}");
            false
        });
        let time = start.elapsed();
        eprintln!("{}", line(name, passed, time));
        self.done.push((name.to_string(), passed, time));
    }

    pub(crate) fn cargo(&mut self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // What cargo told this chore of itself would count for build scripts as a change: they would run
        // again, and what depends on them be compiled again, each time that a chore and a shell take turns.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|start| name.starts_with(start))
            {
                command.env_remove(&*name);
            }
        }
        command
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(self.root);
        self.step(name, || {
            let status = command
                .status()
                .map_err(|error| format!("cannot start cargo: {error}"))?;
            Ok(status.success())
        });
    }

    pub(crate) fn summary(&self) -> bool {
        eprintln!("\n== summary");
        for (name, passed, time) in &self.done {
            eprintln!("{}", line(name, *passed, *time));
        }
        self.done.iter().all(|(_, passed, _)| *passed)
    }
}

fn line(name: &str, passed: bool, time: Duration) -> String {
    let verdict = if passed { "passed" } else { "FAILED" };
    format!("{verdict} in {:6.1} s: {name}", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn features_are_tried_one_by_one() {
        let metadata: Metadata = serde_json::from_value(json!({
            "packages": [
                { "id": "a", "name": "a", "version": "0.1.0" },
                { "id": "b", "name": "b", "version": "0.1.0",
                  "features": { "default": ["fast"], "fast": [], "learning": ["dep:burn"],
                                "vmaf": [] } },
            ],
            "workspace_members": ["a", "b"],
        }))
        .unwrap();
        let selections: Vec<String> = feature_selections(&metadata)
            .iter()
            .map(|flags| flags.join(" "))
            .collect();
        assert_eq!(
            selections,
            [
                "--package b --no-default-features",
                "--package b --no-default-features --features fast",
                "--package b --no-default-features --features learning",
            ]
        );
    }

    #[test]
    fn steps_that_fail_do_not_stop_the_others() {
        let mut steps = Steps::new(Path::new("."));
        steps.step("one", || Ok(false));
        steps.step("two", || Err("broken".into()));
        steps.step("three", || Ok(true));
        let verdicts: Vec<bool> = steps.done.iter().map(|(_, passed, _)| *passed).collect();
        assert_eq!(verdicts, [false, false, true]);
        assert!(!steps.summary());
    }
}
