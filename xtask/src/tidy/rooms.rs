//! The rooms of ARCHITECTURE.md, and whether the workspace keeps to them.
//!
//! The page is the only place where the arrows are written: a table whose first column is headed
//! `room` for what exists, and one headed `planned room` for what does not yet. The last column
//! names, in backticks, the rooms that a room may use, or says `all`.

use std::collections::{BTreeMap, BTreeSet};

use crate::Result;
use crate::metadata::Metadata;

/// One row of the table.
#[derive(Debug, PartialEq)]
pub(super) struct Room {
    planned: bool,
    uses: Uses,
}

#[derive(Debug, PartialEq)]
enum Uses {
    All,
    Only(BTreeSet<String>),
}

impl Room {
    fn may_use(&self, other: &str) -> bool {
        match &self.uses {
            Uses::All => true,
            Uses::Only(names) => names.contains(other),
        }
    }
}

/// Reads the tables of the page.
pub(super) fn parse(page: &str) -> Result<BTreeMap<String, Room>> {
    let mut rooms = BTreeMap::new();
    let mut planned = None; // inside a table of rooms, and of which kind
    for line in page.lines() {
        let Some(row) = line.trim().strip_prefix('|') else {
            planned = None;
            continue;
        };
        let cells: Vec<&str> = row
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        match (planned, cells[0]) {
            (_, "room") => planned = Some(false),
            (_, "planned room") => planned = Some(true),
            (Some(planned), name) if !name.starts_with('-') => {
                let name = name.trim_matches('`').to_string();
                let uses = match *cells.last().unwrap_or(&"") {
                    "all" => Uses::All,
                    cell => Uses::Only(quoted(cell)),
                };
                let room = Room { planned, uses };
                if rooms.insert(name.clone(), room).is_some() {
                    return Err(format!("ARCHITECTURE.md names the room {name} twice"));
                }
            }
            _ => {}
        }
    }
    if rooms.is_empty() {
        return Err("ARCHITECTURE.md has no table of rooms".into());
    }
    Ok(rooms)
}

/// The words in backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_string)
        .collect()
}

/// The room that a package is.
fn room_of(package: &str) -> Option<&str> {
    match package {
        "nervure" => Some(package),
        _ => package.strip_prefix("nervure-"),
    }
}

/// What in the workspace differs from the page.
pub(super) fn check(rooms: &BTreeMap<String, Room>, metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for package in metadata.members() {
        let Some(name) = room_of(&package.name) else {
            if package.name != "xtask" {
                findings.push(format!("{} is no room and no tool", package.name));
            }
            for used in package
                .dependencies
                .iter()
                .filter(|d| room_of(&d.name).is_some())
            {
                findings.push(format!(
                    "{} uses {}, but tools stand apart",
                    package.name, used.name
                ));
            }
            continue;
        };
        seen.insert(name);
        let Some(room) = rooms.get(name) else {
            findings.push(format!("{name} is not in the table of ARCHITECTURE.md"));
            continue;
        };
        if room.planned {
            findings.push(format!(
                "{name} exists, but ARCHITECTURE.md calls it planned"
            ));
        }
        // Tests and build scripts too: an arrow that only they take is still an arrow.
        let used: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter_map(|dependency| room_of(&dependency.name))
            .collect();
        for used in used {
            if !room.may_use(used) {
                findings.push(format!(
                    "{name} uses {used}, which ARCHITECTURE.md does not allow"
                ));
            }
        }
    }
    for (name, room) in rooms {
        if !room.planned && !seen.contains(name.as_str()) {
            findings.push(format!(
                "ARCHITECTURE.md has a room {name}, the workspace has none"
            ));
        }
        if let Uses::Only(names) = &room.uses {
            for unknown in names.iter().filter(|used| !rooms.contains_key(*used)) {
                findings.push(format!(
                    "ARCHITECTURE.md lets {name} use {unknown}, which it does not describe"
                ));
            }
        }
    }
    findings.extend(cycle(rooms));
    findings
}

/// Arrows go one way: taking away rooms that use nothing that is left must take away all.
fn cycle(rooms: &BTreeMap<String, Room>) -> Option<String> {
    let mut left: BTreeSet<&String> = rooms.keys().collect();
    loop {
        let before = left.len();
        let uses_another = |name: &&String| {
            left.iter()
                .any(|other| other != name && rooms[*name].may_use(other))
        };
        let still: BTreeSet<&String> = left.iter().copied().filter(uses_another).collect();
        if still.is_empty() {
            return None;
        }
        if still.len() == before {
            let names: Vec<&str> = still.into_iter().map(String::as_str).collect();
            return Some(format!(
                "the arrows of ARCHITECTURE.md run in a circle through {}",
                names.join(", ")
            ));
        }
        left = still;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PAGE: &str = "\
# Some page

| other | table |
|---|---|
| `frame` | `media` |

| room | holds | may use |
|---|---|---|
| `frame` | pictures | – |
| `media` | files | `frame`, `record` (a feature) |
| `nervure` | the command | all |

Words.

| planned room | will hold | may use |
|---|---|---|
| `record` | what outlives a process | – |
";

    /// A workspace of these packages with these dependencies.
    fn workspace(packages: &[(&str, &[&str])]) -> Metadata {
        let packages: Vec<_> = packages
            .iter()
            .map(|(name, uses)| {
                let uses: Vec<_> = uses.iter().map(|name| json!({ "name": name })).collect();
                json!({ "id": name, "name": name, "version": "0.1.0", "dependencies": uses })
            })
            .collect();
        let members: Vec<_> = packages
            .iter()
            .map(|package| package["id"].clone())
            .collect();
        serde_json::from_value(json!({ "packages": packages, "workspace_members": members }))
            .unwrap()
    }

    fn findings(packages: &[(&str, &[&str])]) -> Vec<String> {
        check(&parse(PAGE).unwrap(), &workspace(packages))
    }

    #[test]
    fn the_tables_are_read() {
        let rooms = parse(PAGE).unwrap();
        let names: Vec<&String> = rooms.keys().collect();
        assert_eq!(names, ["frame", "media", "nervure", "record"]);
        assert!(rooms["media"].may_use("record"));
        assert!(!rooms["media"].may_use("nervure"));
        assert!(rooms["nervure"].may_use("media"));
        assert!(rooms["record"].planned && !rooms["frame"].planned);
        assert!(parse("no table").is_err());
        assert!(parse(&PAGE.replace("`record` | what", "`frame` | what")).is_err());
    }

    #[test]
    fn a_workspace_that_keeps_to_the_page_is_tidy() {
        let all: &[(&str, &[&str])] = &[
            ("nervure-frame", &["serde"]),
            ("nervure-media", &["nervure-frame", "thiserror"]),
            ("nervure", &["nervure-frame", "nervure-media", "anyhow"]),
            ("xtask", &["toml"]),
        ];
        assert_eq!(findings(all), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_the_wrong_way_is_found() {
        let found = findings(&[
            ("nervure-frame", &["nervure-media"]),
            ("nervure-media", &[]),
            ("nervure", &[]),
        ]);
        assert_eq!(
            found,
            ["frame uses media, which ARCHITECTURE.md does not allow"]
        );
    }

    #[test]
    fn rooms_and_rows_must_agree() {
        let found = findings(&[
            ("nervure-media", &[]),
            ("nervure-record", &[]),
            ("nervure-attic", &[]),
            ("nervure", &[]),
            ("helper", &["nervure-media"]),
        ]);
        assert_eq!(
            found,
            [
                "record exists, but ARCHITECTURE.md calls it planned",
                "attic is not in the table of ARCHITECTURE.md",
                "helper is no room and no tool",
                "helper uses nervure-media, but tools stand apart",
                "ARCHITECTURE.md has a room frame, the workspace has none",
            ]
        );
    }

    #[test]
    fn the_page_itself_is_checked() {
        let rooms =
            parse(&PAGE.replace("| pictures | – |", "| pictures | `media`, `moon` |")).unwrap();
        let found = check(
            &rooms,
            &workspace(&[
                ("nervure-frame", &[]),
                ("nervure-media", &[]),
                ("nervure", &[]),
            ]),
        );
        assert_eq!(
            found,
            [
                "ARCHITECTURE.md lets frame use moon, which it does not describe",
                "the arrows of ARCHITECTURE.md run in a circle through frame, media, nervure",
            ]
        );
    }
}
