//! What we depend on: licences, sources, bans, yanked versions, duplicates.
//!
//! The rules are those of `deny.toml`, so that `cargo deny` and this chore cannot disagree on them.
//! Security advisories live outside the crate registry: when `cargo deny` is installed it checks
//! them, otherwise this chore says that nobody did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::metadata::{Dependency, Metadata, Package};
use crate::{Result, report, spdx};

/// The part of `deny.toml` that is read here.
#[derive(Debug, Deserialize)]
struct Rules {
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Licences of a tool: what only tests use, and nothing that is built.
#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: BTreeSet<String>,
}

pub(crate) fn run(root: &Path) -> Result<bool> {
    let text = std::fs::read_to_string(root.join("deny.toml"))
        .map_err(|error| format!("cannot read deny.toml: {error}"))?;
    let rules: Rules =
        toml::from_str(&text).map_err(|error| format!("cannot read deny.toml: {error}"))?;
    // The default features, every target and every kind: what is built, and what builds it.
    let mut metadata = Metadata::read(root, &["--locked"])?;
    metadata.keep_built(root)?;

    let mut findings = check(&rules, &metadata);
    for note in duplicates(&metadata) {
        eprintln!("deny: note: {note}");
    }
    match index(&metadata) {
        Ok(lines) => findings.extend(yanked(&metadata, &lines)),
        Err(reason) => eprintln!("deny: note: yanked versions were not checked: {reason}"),
    }
    findings.extend(advisories(root)?);
    Ok(report("deny", &findings))
}

/// Licences, sources and bans.
fn check(rules: &Rules, metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let Package { name, version, .. } = package;
        let allowed = |licence: &str| {
            let mut exceptions = rules.licenses.exceptions.iter();
            let is_excepted = |it: &Exception| it.name == *name && it.allow.contains(licence);
            rules.licenses.allow.contains(licence) || exceptions.any(is_excepted)
        };
        match package.license.as_deref() {
            None => findings.push(format!("{name} {version} does not say its licence")),
            Some(expression) => match spdx::permits(expression, &allowed) {
                Ok(true) => {}
                Ok(false) => findings.push(format!(
                    "{name} {version} is licensed {expression}, which deny.toml does not allow"
                )),
                Err(reason) => findings.push(format!(
                    "{name} {version} has the licence {expression:?}, which cannot be read: {reason}"
                )),
            },
        }
    }
    for package in &metadata.packages {
        let built_in = |it: &&Dependency| it.kind.as_deref() != Some("dev") && !it.optional;
        for used in package.dependencies.iter().filter(built_in) {
            let mut exceptions = rules.licenses.exceptions.iter();
            if exceptions.any(|exception| exception.name == used.name) {
                findings.push(format!(
                    "{} uses {} in what it builds, whose licence is good for tests only",
                    package.name, used.name
                ));
            }
        }
    }
    for package in metadata.others() {
        let Package { name, version, .. } = package;
        let source = package.source.as_deref().unwrap_or("a folder");
        let registry = source.strip_prefix("registry+").unwrap_or_default();
        if !rules.sources.allow_registry.contains(registry) && !package.is_patch() {
            findings.push(format!("{name} {version} comes from {source}"));
        }
        if let Some(ban) = rules.bans.deny.iter().find(|ban| ban.name == *name) {
            findings.push(format!("{name} {version} is banned: {}", ban.reason));
        }
    }
    findings
}

/// Packages that are there in more than one version: more to build, but seldom in our hands.
fn duplicates(metadata: &Metadata) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata.others() {
        versions
            .entry(&package.name)
            .or_default()
            .insert(&package.version);
    }
    versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| {
            let versions: Vec<&str> = versions.into_iter().collect();
            format!(
                "{name} is there {} times: {}",
                versions.len(),
                versions.join(", ")
            )
        })
        .collect()
}

/// Where the registry's index keeps a package.
fn index_path(name: &str) -> String {
    let name = name.to_lowercase();
    match name.len() {
        1 => format!("1/{name}"),
        2 => format!("2/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

/// What the registry's index says of our packages: one line of JSON for each of their versions.
fn index(metadata: &Metadata) -> Result<String> {
    let names: BTreeSet<&str> = metadata
        .others()
        .map(|package| package.name.as_str())
        .collect();
    let mut requests = String::new();
    for name in names {
        // Writing to a String cannot fail.
        let _ = writeln!(
            requests,
            "url = \"https://index.crates.io/{}\"",
            index_path(name)
        );
    }
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--compressed"])
        .args(["--max-time", "60", "--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start curl: {error}"))?;
    // Curl reads all of its requests before it makes the first, so this cannot block.
    if let Some(mut input) = curl.stdin.take() {
        input
            .write_all(requests.as_bytes())
            .map_err(|error| format!("cannot write to curl: {error}"))?;
    }
    let output = curl
        .wait_with_output()
        .map_err(|error| format!("cannot read from curl: {error}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(words.lines().next().unwrap_or("curl failed").to_string());
    }
    String::from_utf8(output.stdout).map_err(|_| "the index is not UTF-8".into())
}

/// Which of our versions the index calls yanked, or does not know.
fn yanked(metadata: &Metadata, index: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Line {
        name: String,
        vers: String,
        yanked: bool,
    }
    let known: BTreeMap<(String, String), bool> = index
        .lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        .map(|line| ((line.name, line.vers), line.yanked))
        .collect();
    metadata
        .others()
        .filter_map(|package| {
            let Package { name, version, .. } = package;
            match known.get(&(name.clone(), version.clone())) {
                Some(false) => None,
                Some(true) => Some(format!("{name} {version} was yanked by its authors")),
                None => Some(format!(
                    "{name} {version} is unknown to the registry's index"
                )),
            }
        })
        .collect()
}

/// Asks `cargo deny`, which knows the advisories, where it is installed.
fn advisories(root: &Path) -> Result<Option<String>> {
    let installed = Command::new("cargo-deny")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!(
            "deny: note: security advisories were not checked; \
             cargo install cargo-deny, which fetches them"
        );
        return Ok(None);
    }
    let output = Command::new("cargo-deny")
        .args(["--locked", "--color", "never", "check"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot start cargo deny: {error}"))?;
    if output.status.success() {
        eprintln!("deny: cargo deny agrees, advisories included");
        return Ok(None);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    if unreachable_advisories(&words) {
        eprintln!("deny: note: security advisories were not checked: they could not be fetched");
        return Ok(None);
    }
    eprint!("{words}");
    Ok(Some("cargo deny has findings, above".into()))
}

/// Whether `cargo deny` failed only because the advisories are out of reach.
fn unreachable_advisories(words: &str) -> bool {
    words.contains("failed to fetch advisory database")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn rules() -> Rules {
        toml::from_str(
            r#"
            [licenses]
            allow = ["MIT", "Zlib"]
            exceptions = [{ crate = "tool", allow = ["MPL-2.0"] }]
            [bans]
            multiple-versions = "warn"
            deny = [{ crate = "heavy", reason = "too heavy" }]
            [sources]
            allow-registry = ["https://github.com/rust-lang/crates.io-index"]
            "#,
        )
        .unwrap()
    }

    /// One package of ours and these others: name, version, licence, source.
    fn workspace(others: &[(&str, &str, Option<&str>, &str)]) -> Metadata {
        let mut packages =
            vec![json!({ "id": "ours", "name": "ours", "version": "0.1.0", "license": "MIT" })];
        for (name, version, license, source) in others {
            packages.push(json!({ "id": format!("{name} {version}"), "name": name,
                "version": version, "license": license, "source": source }));
        }
        serde_json::from_value(json!({ "packages": packages, "workspace_members": ["ours"] }))
            .unwrap()
    }

    fn findings(other: (&str, &str, Option<&str>, &str)) -> Vec<String> {
        check(&rules(), &workspace(&[other]))
    }

    #[test]
    fn the_rules_of_the_project_can_be_read() {
        let rules: Rules = toml::from_str(include_str!("../../deny.toml")).unwrap();
        assert!(rules.licenses.allow.contains("MIT"));
        let copyleft = ["GPL", "MPL", "EPL", "CDDL", "EUPL", "OSL"];
        for licence in &rules.licenses.allow {
            assert!(
                !copyleft.iter().any(|word| licence.contains(word)),
                "{licence}"
            );
        }
    }

    #[test]
    fn licences_outside_the_list_are_found() {
        assert_eq!(
            findings(("a", "1.0.0", Some("Zlib OR GPL-2.0"), REGISTRY)),
            [""; 0]
        );
        assert_eq!(
            findings(("a", "1.0.0", Some("MIT AND GPL-2.0"), REGISTRY)),
            ["a 1.0.0 is licensed MIT AND GPL-2.0, which deny.toml does not allow"]
        );
        assert_eq!(
            findings(("a", "1.0.0", None, REGISTRY)),
            ["a 1.0.0 does not say its licence"]
        );
        assert!(findings(("a", "1.0.0", Some("MIT OR"), REGISTRY))[0].contains("cannot be read"));
    }

    #[test]
    fn an_exception_is_for_tests_of_one_tool() {
        let mpl = Some("MPL-2.0");
        assert_eq!(findings(("tool", "1.0.0", mpl, REGISTRY)), [""; 0]);
        assert_eq!(findings(("a", "1.0.0", mpl, REGISTRY)).len(), 1);
        let used = |kind: Option<&str>| {
            let mut metadata = workspace(&[("tool", "1.0.0", mpl, REGISTRY)]);
            metadata.packages[0].dependencies.push(Dependency {
                name: "tool".into(),
                kind: kind.map(Into::into),
                optional: false,
            });
            check(&rules(), &metadata)
        };
        assert_eq!(used(Some("dev")), [""; 0]);
        for kind in [None, Some("build")] {
            assert_eq!(
                used(kind),
                ["ours uses tool in what it builds, whose licence is good for tests only"]
            );
        }
    }

    #[test]
    fn other_sources_and_banned_packages_are_found() {
        assert_eq!(
            findings(("a", "1.0.0", Some("MIT"), "git+https://example.com/a")),
            ["a 1.0.0 comes from git+https://example.com/a"]
        );
        assert_eq!(
            findings(("heavy", "1.0.0", Some("MIT"), REGISTRY)),
            ["heavy 1.0.0 is banned: too heavy"]
        );
    }

    #[test]
    fn yanked_and_unknown_versions_are_found() {
        let metadata = workspace(&[
            ("a", "1.0.0", Some("MIT"), REGISTRY),
            ("a", "1.0.1", Some("MIT"), REGISTRY),
            ("b", "0.1.0", Some("MIT"), REGISTRY),
        ]);
        let index = r#"
            {"name":"a","vers":"1.0.0","deps":[],"yanked":true}
            {"name":"a","vers":"1.0.1","deps":[],"yanked":false}"#;
        assert_eq!(
            yanked(&metadata, index),
            [
                "a 1.0.0 was yanked by its authors",
                "b 0.1.0 is unknown to the registry's index"
            ]
        );
        assert_eq!(duplicates(&metadata), ["a is there 2 times: 1.0.0, 1.0.1"]);
    }

    #[test]
    fn the_index_has_its_own_order() {
        assert_eq!(index_path("a"), "1/a");
        assert_eq!(index_path("cc"), "2/cc");
        assert_eq!(index_path("png"), "3/p/png");
        assert_eq!(index_path("serde"), "se/rd/serde");
        assert_eq!(index_path("Inflector"), "in/fl/inflector");
    }
}
