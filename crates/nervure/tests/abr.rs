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

/// What a run that succeeds prints.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let out = abr(folder, arguments);
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{arguments:?}: {told}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn generated_traces_are_inspected_converted_and_played() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| printed(folder.path(), arguments);
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

/// The error and its hint, which are one line each.
fn refused(folder: &Path, arguments: &[&str]) -> (String, String) {
    let out = abr(folder, arguments);
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{arguments:?}: {told}");
    assert!(out.stdout.is_empty(), "{arguments:?}");
    let lines: Vec<&str> = told.lines().collect();
    match lines[..] {
        [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: ") => {
            (error.into(), hint.into())
        }
        _ => panic!("{arguments:?}: {told}"),
    }
}

fn draw(folder: &Path) {
    let out = Command::new(env!("CARGO_BIN_EXE_nervure"))
        .args(["sample", "--scene", "sports", "--size", "192x108"])
        .args(["--seconds", "0.6", "-q", "-o", "clip.mkv"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(out.status.success());
}

#[test]
fn a_measured_ladder_is_what_bench_counts_by() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| printed(folder.path(), arguments);
    draw(folder.path());
    let ladder = [
        "ladder",
        "clip.mkv",
        "--metric",
        "psnr",
        "--rungs",
        "40@96x54,120@96x54,300@192x108",
        "--models",
        "none,xs",
        "--out",
        "mine.toml",
        "--json",
    ];
    let report: serde_json::Value = serde_json::from_str(&run(&ladder)).unwrap();
    let rungs = report["table"]["rungs"].as_array().unwrap();
    let quality = |rung: usize, tier: usize| rungs[rung]["quality"][tier].as_f64().unwrap();
    assert!(quality(0, 0) > 15.0 && quality(0, 0) + 0.5 < quality(1, 0));
    assert!(quality(1, 0) + 0.5 < quality(2, 0), "{rungs:?}");
    for rung in [0, 1] {
        // The model was made to be closer to the original than Lanczos.
        assert!(quality(rung, 1) > quality(rung, 0), "{rungs:?}");
        assert_eq!(rungs[rung]["frames_per_s"].as_array().unwrap().len(), 2);
        let (wanted, weighs) = (&rungs[rung]["kbps"], &rungs[rung]["measured_kbps"]);
        let share = weighs.as_f64().unwrap() / wanted.as_f64().unwrap();
        assert!((0.8..1.25).contains(&share), "{wanted} weighs {weighs}");
    }
    assert_eq!(quality(2, 0), quality(2, 1), "nothing to make larger");
    assert!(report["saved"][0][1].as_f64().unwrap() > 0.0, "{report}");
    let first = fs::read(folder.path().join("mine.toml")).unwrap();
    let (error, _) = refused(folder.path(), &ladder);
    assert!(error.contains("mine.toml exists"), "{error}");
    assert_eq!(fs::read(folder.path().join("mine.toml")).unwrap(), first);

    run(&[
        "traces",
        "generate",
        "--out",
        "net",
        "--count",
        "3",
        "--seconds",
        "120",
        "--low",
        "0.03",
        "--high",
        "0.4",
    ]);
    let device = include_str!("../../abr/data/phone-lte-nervure.toml");
    fs::write(folder.path().join("device.toml"), device).unwrap();
    let bench = |video: &'static str| {
        let words = "bench --traces net --quality mine.toml --device device.toml --json --quiet";
        let more = ["--controllers", "bb,bb+xs,bb+greedy,robustmpc-enhanced"];
        let mut arguments: Vec<&str> = words.split(' ').collect();
        arguments.extend(more);
        arguments.extend(["--video", video]);
        arguments
    };
    let text = run(&bench("constant:40,120,300"));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["quality"], "mine");
    let of = |row: usize, key: &str| report["rows"][row][key].as_f64().unwrap();
    assert!(of(1, "quality") > of(0, "quality"), "{text}");
    assert_eq!(
        of(1, "quality"),
        of(2, "quality"),
        "xs is the best there is"
    );
    assert_eq!(of(0, "megabits"), of(1, "megabits"));
    assert!(
        of(1, "joules") > of(2, "joules"),
        "greedy leaves out what gains nothing"
    );
    assert!(of(2, "joules") > of(0, "joules"));
    let (error, hint) = refused(folder.path(), &bench("envivio"));
    assert!(
        error.contains("mine is of 40/120/300") && error.contains("envivio has 300/750"),
        "{error}"
    );
    assert!(hint.contains("constant:40,120,300"), "{hint}");
    let mut other = bench("constant:40,120,300");
    let device = other
        .iter()
        .position(|word| *word == "device.toml")
        .unwrap();
    other[device] = "phone-lte";
    let (error, _) = refused(folder.path(), &other);
    assert!(
        error.contains("phone-lte enhances with low, medium"),
        "{error}"
    );
}

#[test]
fn a_ladder_that_cannot_be_measured_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path());
    fs::write(
        folder.path().join("words.mp4"),
        "these are words, and no video\n",
    )
    .unwrap();
    let ladder = |video: &str, more: &[&str]| {
        let base = ["ladder", video, "--metric", "psnr", "--out", "t.toml"];
        let told = refused(folder.path(), &[&base[..], more].concat());
        assert!(!folder.path().join("t.toml").exists());
        told.0
    };
    assert!(ladder("none.mp4", &[]).contains("cannot open none.mp4"));
    assert!(ladder("words.mp4", &[]).contains("words.mp4"));
    let fall = ladder("clip.mkv", &["--rungs", "120@96x54,40@96x54"]);
    assert!(fall.contains("do not rise"), "{fall}");
    let large = ladder("clip.mkv", &["--rungs", "120@960x540"]);
    assert!(large.contains("is larger than the video"), "{large}");
    let model = ladder("clip.mkv", &["--models", "none,huge"]);
    assert!(
        model.contains("there is no model called \"huge\""),
        "{model}"
    );
    assert!(ladder("clip.mkv", &["--models", "xs"]).contains("must be none"));
    assert!(ladder("clip.mkv", &["--start", "9"]).contains("has no frame"));
    assert!(ladder("-", &[]).contains("only comes once"));
}

#[test]
fn what_is_missing_is_said_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let told = |arguments: &[&str]| refused(folder.path(), arguments);
    assert!(
        told(&["bench", "--traces", "net"])
            .0
            .contains("cannot read net")
    );
    let (error, hint) = told(&["train", "none.toml"]);
    assert!(error.contains("cannot read none.toml") && hint.contains("configs/abr-p1.toml"));
    let (error, _) = told(&["bench", "--traces", "net", "--quality", "none.toml"]);
    assert!(error.contains("bones-generic"), "{error}");
    fs::write(folder.path().join("bad.toml"), "schema = 7\n").unwrap();
    let (error, hint) = told(&["bench", "--traces", "net", "--quality", "bad.toml"]);
    assert!(
        error.contains("bad.toml: schema 7") && hint.contains("abr ladder"),
        "{error}"
    );
    let (error, hint) = told(&["bench", "--traces", "net", "--controllers", "bb+xs"]);
    assert!(
        error.contains("no tier xs") && hint.contains("--quality"),
        "{error}"
    );
}

/// From a configuration with a table of quality to a front and its picture.
#[test]
fn a_policy_is_trained_on_tiers_and_its_front_is_put_beside_rules() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| printed(folder.path(), arguments);
    for (name, count, seed) in [("train", "6", "0"), ("valid", "6", "50")] {
        let words = ["--count", count, "--seed", seed, "--seconds", "200"];
        run(&[&["traces", "generate", "--out", name][..], &words].concat());
    }
    let config = "name = 'tiny'\nprotocol = 'P1'\ntrain = ['train']\nvalid = ['valid']\npart = '1/2'\n\
                  quality = 'nervure'\ndevice = 'phone-lte-nervure'\npreferences = [0.0, 1.0]\n\
                  teacher = 'robustmpc-priced'\nlessons = 20\nsteps = 1500\nrounds = 1\n\
                  [ppo]\nactors = 4\nhorizon = 128\nwidth = 32\nbatch = 128\n";
    fs::write(folder.path().join("tiny.toml"), config).unwrap();
    let out = abr(folder.path(), &["train", "tiny.toml", "--out", "run"]);
    let told = String::from_utf8(out.stderr).unwrap();
    assert!(out.status.success(), "{told}");
    assert!(
        told.contains("over the best rule: valid ") && told.contains(" at valid@"),
        "{told}"
    );
    let curves = fs::read_to_string(folder.path().join("run/curves.svg")).unwrap();
    assert!(curves.contains("tiny: over the best rule"));

    let words =
        "bench --traces valid --part 2/2 --quality nervure --device phone-lte-nervure --quiet";
    let controllers = [
        "--controllers",
        "robustmpc,robustmpc+xs,run/policy.json,run/policy.json@0.5",
    ];
    let mut bench: Vec<&str> = words.split(' ').collect();
    bench.extend(controllers);
    let more = ["--preferences", "1,0", "--report", "report"];
    let text = run(&[&bench[..], &more, &["--json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["part"], "2/2");
    let names: Vec<&str> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["controller"].as_str().unwrap())
        .collect();
    let policy = |weight: &str| format!("run/policy.json@{weight}");
    assert_eq!(
        names,
        [
            "robustmpc",
            "robustmpc+xs",
            &policy("0"),
            &policy("1"),
            &policy("0.5")
        ]
    );
    assert_eq!(report["rows"][0]["sessions"], 3);
    let joules = |row: usize| report["rows"][row]["joules"].as_f64().unwrap();
    assert!(joules(3) < joules(4) && joules(4) < joules(2), "{text}");
    let fronts = report["fronts"].as_array().unwrap();
    let beside: Vec<&str> = fronts
        .iter()
        .map(|it| it["controller"].as_str().unwrap())
        .collect();
    assert_eq!(beside, ["robustmpc", "robustmpc+xs", &policy("0.5")]);
    for key in [
        "dominated",
        "qoe",
        "joules",
        "joules_share",
        "megabits_share",
    ] {
        assert!(fronts[0].get(key).is_some(), "{key} in {text}");
    }
    let page = fs::read_to_string(folder.path().join("report/report.md")).unwrap();
    assert!(
        page.contains("| valid | run/policy.json | robustmpc+xs | "),
        "{page}"
    );
    assert!(page.contains("(valid-front.svg)") && page.contains("part 2/2 of each set"));
    let chart = fs::read_to_string(folder.path().join("report/valid-front.svg")).unwrap();
    assert_eq!(chart.matches("<polyline").count(), 1, "a line, and dots");
    let plain = run(&[&bench[..], &["--preferences", "0,1"]].concat());
    assert!(plain.contains("J at as much QoE"), "{plain}");

    let told = |more: &[&str]| {
        refused(
            folder.path(),
            &[&["bench", "--traces", "valid"][..], more].concat(),
        )
    };
    let (error, hint) = told(&["--controllers", "bb", "--preferences", "0,1"]);
    assert!(error.contains("heeds how much energy counts") && hint.contains("robustmpc-priced"));
    let (error, _) = told(&["--controllers", "robustmpc-priced", "--preferences", "2"]);
    assert!(error.contains("2 is no weight of energy"), "{error}");
    let (error, _) = told(&["--part", "9/9"]);
    assert!(error.contains("valid holds no traces"), "{error}");
}
