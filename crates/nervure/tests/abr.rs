//! `nervure abr`, the real command.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn abr(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nervure"));
    command.arg("abr").args(arguments).current_dir(folder);
    command.output().unwrap()
}

#[test]
fn generated_traces_are_inspected_converted_and_played() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let out = abr(folder.path(), arguments);
        let told = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{arguments:?}: {told}");
        String::from_utf8(out.stdout).unwrap()
    };
    run(&[
        "traces",
        "generate",
        "--out",
        "net",
        "--count",
        "3",
        "--seconds",
        "120",
    ]);
    assert_eq!(fs::read_dir(folder.path().join("net")).unwrap().count(), 3);
    assert!(run(&["traces", "inspect", "net", "--json"]).contains("\"seconds\": 120.0"));
    run(&[
        "traces", "convert", "net", "--out", "mahi", "--to", "mahimahi",
    ]);
    assert!(folder.path().join("mahi/markov-00000.mahi").is_file());
    let bench = [
        "bench",
        "--traces",
        "net",
        "mahi",
        "--controllers",
        "bb,robustmpc",
        "--json",
    ];
    let text = run(&[&bench[..], &["--report", "report"]].concat());
    for key in [
        "\"set\": \"mahi\"",
        "\"controller\": \"bb\"",
        "\"sessions\": 3",
        "\"qoe_mean\"",
        "\"qoe_median\"",
        "\"quality\"",
        "\"rebuffer_s\"",
        "\"switches\"",
        "\"joules\"",
        "\"ci_low\"",
        "\"ci_high\"",
        "\"diff_robustmpc\": 0.0",
        "\"diff_low\"",
        "\"diff_high\"",
    ] {
        assert!(text.contains(key), "{key} in {text}");
    }
    assert_eq!(text, run(&bench), "the same again");
    let plain = run(&["bench", "--traces", "net", "--controllers", "bb"]);
    assert!(
        plain.contains("controller") && plain.contains("bb"),
        "{plain}"
    );
    assert!(run(&["traces", "inspect", "net"]).contains("markov-00000"));
    let page = fs::read_to_string(folder.path().join("report/report.md")).unwrap();
    assert!(
        page.contains("| net | bb | 3 |") && page.contains("(mahi.svg)"),
        "{page}"
    );
    assert!(folder.path().join("report/net.svg").is_file());
}

#[test]
fn what_cannot_be_is_said_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let told = |arguments: &[&str]| {
        let out = abr(folder.path(), arguments);
        assert_eq!(out.status.code(), Some(2));
        String::from_utf8(out.stderr).unwrap()
    };
    fs::create_dir(folder.path().join("net")).unwrap();
    let none = told(&["bench", "--traces", "net"]);
    assert!(
        none.contains("net holds no traces") && none.contains("hint: `nervure abr traces"),
        "{none}"
    );
    fs::write(folder.path().join("net/a.csv"), "seconds,mbps\n0,1\n1,-1\n").unwrap();
    let bad = told(&["bench", "--traces", "net"]);
    assert!(
        bad.contains("net/a.csv:3: the rate -1 Mbit/s is no rate"),
        "{bad}"
    );
    let name = told(&["bench", "--traces", "net", "--controllers", "magic"]);
    assert!(name.contains("there is no controller \"magic\""), "{name}");
}
