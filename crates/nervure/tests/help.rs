//! What the command says about itself: a change here is a change for users.
#![allow(clippy::unwrap_used)]

use std::process::Command;

fn help(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nervure"));
    let out = command
        .args(arguments)
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn the_command_names_its_commands() {
    insta::assert_snapshot!("nervure", help(&["-h"]));
}

#[test]
fn each_command_explains_itself() {
    for command in [
        "enhance", "score", "sample", "demo", "dataset", "models", "train", "evaluate",
    ] {
        insta::assert_snapshot!(command, help(&[command, "--help"]));
    }
    for verb in ["make", "inspect", "verify"] {
        let text = help(&["dataset", verb, "--help"]);
        insta::assert_snapshot!(format!("dataset_{verb}"), text);
    }
    insta::assert_snapshot!("bench_engine", help(&["bench", "engine", "--help"]));
    insta::assert_snapshot!("abr_train", help(&["abr", "train", "--help"]));
    insta::assert_snapshot!("abr_ladder", help(&["abr", "ladder", "--help"]));
    insta::assert_snapshot!("abr_bench", help(&["abr", "bench", "--help"]));
    for verb in ["inspect", "convert", "generate"] {
        let text = help(&["abr", "traces", verb, "--help"]);
        insta::assert_snapshot!(format!("abr_traces_{verb}"), text);
    }
    for verb in ["list", "show", "export"] {
        let text = help(&["models", verb, "--help"]);
        insta::assert_snapshot!(format!("models_{verb}"), text);
    }
}

#[test]
fn a_wrong_word_is_exit_status_two() {
    let wrong = Command::new(env!("CARGO_BIN_EXE_nervure"))
        .arg("enhanse")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let text = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        text.contains("a similar subcommand exists: 'enhance'"),
        "{text}"
    );
    let none = Command::new(env!("CARGO_BIN_EXE_nervure"))
        .output()
        .unwrap();
    assert_eq!(none.status.code(), Some(2));
}

#[test]
fn an_instruction_set_that_is_not_there_is_said() {
    let wrong = Command::new(env!("CARGO_BIN_EXE_nervure"))
        .args(["enhance", "lavfi:testsrc2=duration=0.1", "-o", "null:"])
        .env("NERVURE_ISA", "mmx")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let text = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        text.starts_with("error: NERVURE_ISA: mmx names no instruction set"),
        "{text}"
    );
}
