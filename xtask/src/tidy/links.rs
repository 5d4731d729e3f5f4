//! Links from one page to another file of the project.

use std::path::{Path, PathBuf};

/// The links of a page at `path` that lead to no file. `exists` is asked with paths from the root.
pub(super) fn check(path: &str, page: &str, exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    let mut code = false;
    for (number, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code {
            continue;
        }
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !target.contains(':') && !exists(&tidied(&folder.join(file))) {
                findings.push(format!(
                    "{path}:{}: a link to {file}, which is not there",
                    number + 1
                ));
            }
        }
    }
    findings
}

/// What stands in `](…)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
}

/// The path without its `..`.
fn tidied(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere() {
        let page = "\
[one](there.md#part) and ![two](../pictures/two.png), [address](https://example.com), [part](#part)
[three](gone.md)
```
[code](nothing.md)
```
[four](../../LICENSE)";
        let there = ["docs/a/there.md", "docs/pictures/two.png", "LICENSE"];
        let exists = |path: &Path| there.iter().any(|known| Path::new(known) == path);
        assert_eq!(
            check("docs/a/page.md", page, &exists),
            ["docs/a/page.md:2: a link to gone.md, which is not there"]
        );
    }
}
