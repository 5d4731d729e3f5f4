//! The part of `cargo metadata` that the chores read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::Result;

/// Packages and which of them are ours.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_members: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// None for a package of the workspace.
    #[serde(default)]
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) license: Option<String>,
    #[serde(default)]
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default)]
    pub(crate) features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(crate) manifest_path: PathBuf,
}

impl Package {
    /// One of ours that stands in for another's.
    pub(crate) fn is_patch(&self) -> bool {
        let folder = self.manifest_path.parent().and_then(Path::parent);
        self.source.is_none() && folder.is_some_and(|folder| folder.ends_with("patches"))
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None for one that is built into its user; `dev` for tests, `build` for build scripts.
    #[serde(default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) optional: bool,
}

impl Metadata {
    /// Asks cargo about the workspace at `root`; `flags` as for `cargo metadata`.
    pub(crate) fn read(root: &Path, flags: &[&str]) -> Result<Self> {
        let words = [&["metadata", "--format-version", "1"], flags].concat();
        serde_json::from_slice(&cargo(root, &words)?)
            .map_err(|error| format!("cannot read what cargo metadata says: {error}"))
    }

    /// Leaves the packages that are built, for any target. `cargo metadata` also names those that a
    /// feature would want if another one were on.
    pub(crate) fn keep_built(&mut self, root: &Path) -> Result<()> {
        const TREE: &[&str] = &[
            "tree",
            "--locked",
            "--workspace",
            "--target",
            "all",
            "--edges",
            "all",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ];
        let tree = String::from_utf8_lossy(&cargo(root, TREE)?).into_owned();
        let built: BTreeSet<(&str, &str)> = tree.lines().filter_map(built).collect();
        self.packages
            .retain(|package| built.contains(&(&*package.name, &*package.version)));
        Ok(())
    }

    /// The packages of the workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The packages that come from elsewhere.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| !self.workspace_members.contains(&package.id))
    }
}

/// Name and version in a line of `cargo tree`.
fn built(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    words.next().zip(words.next()?.strip_prefix('v'))
}

fn cargo(root: &Path, words: &[&str]) -> Result<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(words)
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo {} failed: {}", words[0], said.trim()));
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_tree_name_packages() {
        assert_eq!(built("serde v1.0.229"), Some(("serde", "1.0.229")));
        assert_eq!(built("a v0.1.0 (/x y/a) (*)"), Some(("a", "0.1.0")));
        assert_eq!(built(""), None);
        assert_eq!(built("serde feature"), None);
    }

    #[test]
    fn only_ours_in_its_folder_is_a_patch() {
        let package = |source: Option<&str>, path: &str| Package {
            id: String::new(),
            name: String::new(),
            version: String::new(),
            source: source.map(Into::into),
            license: None,
            dependencies: Vec::new(),
            features: BTreeMap::new(),
            manifest_path: path.into(),
        };
        assert!(package(None, "/r/patches/a/Cargo.toml").is_patch());
        assert!(!package(None, "/r/elsewhere/a/Cargo.toml").is_patch());
        assert!(!package(Some("registry+x"), "/r/patches/a/Cargo.toml").is_patch());
    }
}
