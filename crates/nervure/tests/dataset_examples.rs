//! The examples for schedulers do what docs/datasets-at-scale.md says, with this very command.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_nervure");

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/examples")
        .join(name)
}

/// Runs a shell with the command on its path, and nothing of this machine's storage.
fn shell(arguments: &[&str], variables: &[(&str, &str)], folder: &Path) -> Output {
    let bin = Path::new(BINARY).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("sh")
        .args(arguments)
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_MAX_ATTEMPTS", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_slurm_script_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let script = example("dataset-slurm.sh");
    let out = shell(
        &[script.to_str().unwrap()],
        &[
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_CPUS_PER_TASK", "2"),
            ("SOURCES", "no-such-film.mp4"),
            ("OUT", "pairs"),
        ],
        folder.path(),
    );
    // All that is wrong is what we made so.
    assert_eq!(out.status.code(), Some(2), "{}", stderr(&out));
    assert!(
        stderr(&out).contains("no-such-film.mp4"),
        "{}",
        stderr(&out)
    );
    assert!(!stderr(&out).contains("Usage"), "{}", stderr(&out));
    // A task beyond the array's end is refused, not taken for another.
    let beyond = shell(
        &[script.to_str().unwrap()],
        &[
            ("SLURM_ARRAY_TASK_ID", "16"),
            ("SOURCES", "x"),
            ("OUT", "y"),
        ],
        folder.path(),
    );
    assert_eq!(beyond.status.code(), Some(2));
    assert!(stderr(&beyond).contains("16/16"), "{}", stderr(&beyond));
}

#[test]
fn the_job_is_understood() {
    let text = fs::read_to_string(example("dataset-kubernetes.yaml")).unwrap();
    let mut lines = text.lines().skip_while(|line| !line.ends_with("- >-"));
    let indent = |line: &str| line.len() - line.trim_start().len();
    let depth = indent(lines.next().unwrap());
    let command: Vec<&str> = lines
        .take_while(|line| indent(line) > depth)
        .map(str::trim)
        .collect();
    let command = command.join(" ");
    assert!(command.contains("--resume"), "{command}");
    let folder = tempfile::tempdir().unwrap();
    let out = shell(
        &["-c", &command.replace("/work", "work")],
        &[("JOB_COMPLETION_INDEX", "3")],
        folder.path(),
    );
    // The storage of the example is out of reach here, and that is all.
    assert_eq!(out.status.code(), Some(2), "{}", stderr(&out));
    assert!(
        stderr(&out).contains("cannot open s3://datasets"),
        "{}",
        stderr(&out)
    );
    // As many parts as indexes.
    assert!(text.contains("completions: 16") && command.contains("INDEX/16\""));
}

#[test]
fn one_machine_makes_and_checks_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let script = example("dataset-machine.sh");
    let run = || {
        shell(
            &[script.to_str().unwrap()],
            &[
                ("SOURCES", "lavfi:testsrc2=size=96x64:rate=10:duration=1"),
                ("OUT", "pairs"),
                ("SHARDS", "2"),
            ],
            folder.path(),
        )
    };
    let out = run();
    assert!(out.status.success(), "{}", stderr(&out));
    assert!(
        stderr(&out).contains("is whole: 6 clips"),
        "{}",
        stderr(&out)
    );
    assert!(
        folder
            .path()
            .join("pairs/manifest-00001-of-00002.jsonl")
            .exists()
    );
    // Again: everything is there, and stays.
    let again = run();
    assert!(again.status.success(), "{}", stderr(&again));
}
