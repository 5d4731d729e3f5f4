//! Rules about single files.

/// Where `unsafe` may stand.
const UNSAFE_ROOMS: [&str; 3] = [
    "crates/kernels/",
    "crates/media/src/av/",
    "crates/c/src/border.rs",
];

/// Past this there is a seam to be found.
const LONGEST: usize = 800;

/// Larger files belong elsewhere than in everybody's clone.
const LARGEST: usize = 3_000_000;

/// Models are what people clone for: the largest family has ten million bytes of weights.
const LARGEST_MODEL: usize = 12_000_000;

/// Folders where a path belongs to one machine only.
const MACHINE_FOLDERS: [&str; 4] = ["home", "root", "Users", "work"];

/// Marks of unfinished work. (In two parts, or this file would carry them.)
const UNFINISHED: [&str; 4] = [
    concat!("todo", "!"),
    concat!("unimplemented", "!"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
];

/// What is wrong with one file: each finding as `: words` or `:line: words`, to follow the path.
pub(super) fn check(path: &str, content: &[u8]) -> Vec<String> {
    let mut findings = Vec::new();
    let largest = match path.starts_with("models/") {
        true => LARGEST_MODEL,
        false => LARGEST,
    };
    if content.len() > largest {
        findings.push(format!(
            ": {:.1} MB, more than {} MB",
            content.len() as f64 / 1e6,
            largest / 1_000_000
        ));
    }
    let Ok(text) = std::str::from_utf8(content) else {
        return findings; // a picture or a clip
    };

    let is_code = [".rs", ".py", ".sh", ".ts", ".js"]
        .iter()
        .any(|ending| path.ends_with(ending))
        || text.starts_with("#!");
    let lines = text.lines().count();
    if is_code && lines > LONGEST {
        findings.push(format!(
            ": {lines} lines, more than {LONGEST}: look for a seam"
        ));
    }
    for (number, line) in text.lines().enumerate() {
        if let Some(folder) = machine_path(line) {
            findings.push(format!(":{}: a path of one machine ({folder})", number + 1));
        }
        if let Some(mark) = UNFINISHED
            .iter()
            .find(|mark| is_code && has_word(line, mark))
        {
            findings.push(format!(":{}: unfinished work ({mark})", number + 1));
        }
    }
    if path.ends_with(".rs") && !UNSAFE_ROOMS.iter().any(|room| path.starts_with(room)) {
        for (number, line) in code_only(text).lines().enumerate() {
            let allows = has_word(line, "unsafe_code")
                && (has_word(line, "allow") || has_word(line, "expect"));
            if has_word(line, "unsafe") || allows {
                findings.push(format!(
                    ":{}: unsafe outside {}",
                    number + 1,
                    UNSAFE_ROOMS.join(", ")
                ));
            }
        }
    }
    if path.ends_with("Cargo.toml") && !inherits_lints(text) {
        findings.push(": the package does not say [lints] workspace = true".into());
    }
    findings
}

/// Whether `word` stands in `line` by itself. A word that ends in a sign ends there.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let goes_on = word.ends_with(part_of_word) && after.is_some_and(part_of_word);
        !before.is_some_and(part_of_word) && !goes_on
    })
}

/// The folder of an absolute path into somebody's home or workplace.
fn machine_path(line: &str) -> Option<&'static str> {
    // Inside a longer path or an address, such a name is an ordinary folder.
    let starts = |c: char| c.is_whitespace() || "\"'`=(:,<[{".contains(c);
    MACHINE_FOLDERS.into_iter().find(|folder| {
        line.match_indices(&format!("/{folder}/"))
            .any(|(at, found)| {
                let before = line[..at].chars().next_back();
                let after = line[at + found.len()..].chars().next();
                before.is_none_or(starts) && after.is_some_and(|c| c.is_alphanumeric() || c == '.')
            })
    })
}

/// A manifest without a package, such as the workspace's, has nothing to inherit. One outside the
/// workspace (fuzz targets) has nobody to inherit from.
fn inherits_lints(manifest: &str) -> bool {
    let Ok(table) = manifest.parse::<toml::Table>() else {
        return false;
    };
    if !table.contains_key("package") || table.contains_key("workspace") {
        return true;
    }
    let inherits = table.get("lints").and_then(|lints| lints.get("workspace"));
    inherits.and_then(toml::Value::as_bool) == Some(true)
}

/// The same text, line by line, with comments and literals blanked.
fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        // Something in its place, so that the words around it stay apart.
        out.extend(
            chars[at..end]
                .iter()
                .map(|c| if *c == '\n' { '\n' } else { ' ' }),
        );
        at = end;
    }
    out
}

/// Where the comment or literal that starts here ends; `at` when none does.
fn literal_end(chars: &[char], at: usize) -> usize {
    let peek = |offset: usize| chars.get(at + offset).copied();
    let until = |from: usize, stop: &dyn Fn(usize) -> bool| {
        (from..chars.len())
            .find(|&i| stop(i))
            .unwrap_or(chars.len())
    };
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match (chars[at], peek(1)) {
        ('/', Some('/')) => until(at, &|i| chars[i] == '\n'),
        ('/', Some('*')) => {
            let mut depth = 0;
            let mut i = at;
            while i < chars.len() {
                match (chars[i], chars.get(i + 1)) {
                    ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
                    ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 {
                    break;
                }
            }
            i
        }
        ('"', _) => quoted_end(chars, at, '"'),
        // A character; otherwise a lifetime, which is code.
        ('\'', Some('\\')) => quoted_end(chars, at, '\''),
        ('\'', Some(_)) if peek(2) == Some('\'') => at + 3,
        // A raw string: r"…", br#"…"#. The prefix of any other string is left as a word of code.
        ('r', Some('"' | '#')) if !in_word || at > 0 && "bc".contains(chars[at - 1]) => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            if peek(1 + hashes) != Some('"') {
                return at; // a raw identifier: r#type
            }
            let closes = |i: usize| {
                chars[i] == '"'
                    && i + hashes < chars.len()
                    && chars[i + 1..=i + hashes].iter().all(|c| *c == '#')
            };
            (until(at + 2 + hashes, &closes) + 1 + hashes).min(chars.len())
        }
        _ => at,
    }
}

fn quoted_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut i = at + 1;
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(path: &str, text: &str) {
        assert_eq!(check(path, text.as_bytes()), Vec::<String>::new(), "{text}");
    }

    fn one(path: &str, text: &str, finding: &str) {
        let found = check(path, text.as_bytes());
        assert_eq!(found.len(), 1, "{found:?} in {text}");
        assert!(found[0].contains(finding), "{found:?}");
    }

    #[test]
    fn unsafe_stays_in_its_rooms() {
        let code = "fn f() {\n    unsafe { g() }\n}\n";
        one("crates/engine/src/a.rs", code, ":2: unsafe outside");
        one("crates/media/src/encode.rs", code, "unsafe outside");
        one(
            "crates/engine/src/a.rs",
            "#![allow(unsafe_code)]",
            "unsafe outside",
        );
        none("crates/kernels/src/a.rs", code);
        none("crates/media/src/av/frame.rs", code);
        none("crates/c/src/border.rs", code);
        one("crates/c/src/context.rs", code, "unsafe outside");
        one("crates/c/tests/programs.rs", code, "unsafe outside");
    }

    #[test]
    fn talking_of_unsafe_is_safe() {
        none(
            "crates/engine/src/a.rs",
            "#![forbid(unsafe_code)]\n//! contains no `unsafe`",
        );
        none(
            "crates/engine/src/a.rs",
            "/* unsafe /* nested */ unsafe */ fn f<'a>() {}",
        );
        none(
            "crates/engine/src/a.rs",
            "const A: &str = \"unsafe \\\" unsafe\"; let c = '\"';",
        );
        none(
            "crates/engine/src/a.rs",
            "let a = br#\"unsafe \" unsafe\"#; let unsafely = 1;",
        );
        one(
            "crates/engine/src/a.rs",
            "let c = '\\''; let s = \"\"; unsafe {}",
            "unsafe outside",
        );
        one(
            "crates/engine/src/a.rs",
            "fn f<'a>(r#type: &'a u8) { unsafe {} }",
            "unsafe outside",
        );
    }

    #[test]
    fn blanking_keeps_the_lines() {
        let text = "a /* x\ny */ b\n\"c\nd\" e // f\n'g' h";
        let kept = code_only(text);
        assert_eq!(kept.lines().count(), text.lines().count());
        assert_eq!(
            kept.split_whitespace().collect::<Vec<_>>(),
            ["a", "b", "e", "h"]
        );
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in MACHINE_FOLDERS {
            one(
                "a.md",
                &format!("see `/{folder}/me/clip.mp4`"),
                "a path of one machine",
            );
            none(
                "a.md",
                &format!("see https://example.com/{folder}/page and net/{folder}/x"),
            );
        }
        none("a.md", "the folder /home/ as such");
    }

    #[test]
    fn unfinished_work_is_found() {
        for mark in UNFINISHED {
            one("a.rs", &format!("// {mark}: later"), "unfinished work");
            none("a.md", &format!("the word {mark} in prose"));
        }
        none("a.rs", "fn todo() {} // the mastodon");
    }

    #[test]
    fn long_code_and_large_files_are_found() {
        let long = "x\n".repeat(LONGEST + 1);
        one("a.rs", &long, "look for a seam");
        one("tool", &format!("#!/bin/sh\n{long}"), "look for a seam");
        none("a.csv", &long);
        none("a.rs", &"x\n".repeat(LONGEST));
        assert_eq!(check("a.png", &vec![0xff; LARGEST + 1]).len(), 1);
        let weights = vec![0xff; LARGEST_MODEL + 1];
        assert_eq!(check("models/a.safetensors", &weights[1..]).len(), 0);
        assert_eq!(check("models/a.safetensors", &weights).len(), 1);
    }

    #[test]
    fn packages_take_the_lints_of_the_workspace() {
        none(
            "a/Cargo.toml",
            "[package]\nname = 'a'\n[lints]\nworkspace = true\n",
        );
        none("Cargo.toml", "[workspace]\nmembers = ['a']\n");
        one("a/Cargo.toml", "[package]\nname = 'a'\n", "[lints]");
        one(
            "a/Cargo.toml",
            "[package]\nname = 'a'\n[lints]\nworkspace = false\n",
            "[lints]",
        );
    }
}
