//! The rules of the house that no compiler checks.

mod files;
mod links;
mod rooms;

use std::path::Path;
use std::process::Command;

use crate::metadata::Metadata;
use crate::{Result, report};

pub(crate) fn run(root: &Path) -> Result<bool> {
    let mut findings = Vec::new();

    let page = root.join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(&page)
        .map_err(|error| format!("cannot read {}: {error}", page.display()))?;
    let metadata = Metadata::read(root, &["--no-deps", "--offline"])?;
    findings.extend(rooms::check(&rooms::parse(&text)?, &metadata));
    findings.extend(no_anyhow(&metadata));

    for path in tracked(root)? {
        // A file that was deleted but not yet committed is still listed.
        if let Ok(content) = std::fs::read(root.join(&path)) {
            let complaints = files::check(&path, &content);
            findings.extend(complaints.into_iter().map(|words| format!("{path}{words}")));
            if path.ends_with(".md") {
                let page = String::from_utf8_lossy(&content);
                findings.extend(links::check(&path, &page, &|target| {
                    root.join(target).exists()
                }));
            }
        }
    }
    Ok(report("tidy", &findings))
}

/// Libraries have an error type of their own, so that callers can tell failures apart.
fn no_anyhow(metadata: &Metadata) -> Vec<String> {
    let uses = |package: &&crate::metadata::Package| {
        package.name != "nervure"
            && package
                .dependencies
                .iter()
                .any(|dependency| dependency.name == "anyhow")
    };
    metadata
        .members()
        .filter(uses)
        .map(|package| {
            format!(
                "{} depends on anyhow, which is for the command only",
                package.name
            )
        })
        .collect()
}

/// Every file that is or would be committed, so that a finding comes before the commit.
fn tracked(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot start git: {error}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git ls-files failed: {}", words.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .split_terminator('\0')
        .map(str::to_string)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_may_use_anyhow() {
        let metadata = |name: &str| -> Metadata {
            serde_json::from_value(serde_json::json!({
                "packages": [{ "id": "one", "name": name, "version": "0.1.0",
                               "dependencies": [{ "name": "anyhow" }] }],
                "workspace_members": ["one"],
            }))
            .unwrap()
        };
        assert_eq!(no_anyhow(&metadata("nervure")), Vec::<String>::new());
        assert_eq!(no_anyhow(&metadata("nervure-media")).len(), 1);
    }
}
