//! Whether manifests are of one dataset, all there, and tell of everything once.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use crate::manifest::Manifest;

/// Compares manifests with one another. Those that could not be read are missing here.
pub(super) fn check(manifests: &[(String, Manifest)], problems: &mut Vec<Problem>) {
    let Some((first_name, first)) = manifests.first() else {
        return;
    };
    let mut complain = |name: &str, what: String| problems.push(Problem::new(name, what));
    let of = first.header.shard.1.max(1);
    let mut seen = BTreeSet::new();
    for (name, manifest) in manifests {
        let header = &manifest.header;
        let (index, parts) = header.shard;
        if *name != Manifest::name(header.shard) {
            complain(name, format!("it says that it is shard {index}/{parts}"));
        }
        if parts.max(1) != of {
            complain(
                name,
                format!("it is one of {parts} shards, and {first_name} one of {of}"),
            );
        }
        seen.insert(index);
        let differs = [
            ("recipe", header.recipe != first.header.recipe),
            ("layout", header.layout != first.header.layout),
            ("maker", header.made_by != first.header.made_by),
        ];
        for (what, _) in differs.iter().filter(|(_, differs)| *differs) {
            complain(name, format!("its {what} is not that of {first_name}"));
        }
    }
    for index in (0..of).filter(|index| !seen.contains(index)) {
        complain(
            &Manifest::name((index, of)),
            "it is missing: its shard was never finished".into(),
        );
    }
    disjoint(manifests, problems);
    // What a missing shard would have held is not missing twice.
    if (0..of).all(|index| seen.contains(&index)) {
        complete(manifests, problems);
    }
}

/// No clip is told of twice.
fn disjoint(manifests: &[(String, Manifest)], problems: &mut Vec<Problem>) {
    let mut stems: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, manifest) in manifests {
        for clip in &manifest.clips {
            if let Some(other) = stems.insert(&clip.stem, name) {
                let what = match other == name {
                    true => format!("{name} tells of it twice"),
                    false => format!("{other} and {name} both tell of it"),
                };
                problems.push(Problem::new(&clip.stem, what));
            }
        }
    }
}

/// Every source has all its stretches, and every stretch all its variants, unless one was skipped.
fn complete(manifests: &[(String, Manifest)], problems: &mut Vec<Problem>) {
    let clips = || manifests.iter().flat_map(|(_, manifest)| &manifest.clips);
    let skipped: BTreeSet<&str> = manifests
        .iter()
        .flat_map(|(_, manifest)| &manifest.skipped)
        .map(|skipped| skipped.source.as_str())
        .collect();
    let mut sources: BTreeMap<(&str, &str), BTreeMap<u32, usize>> = BTreeMap::new();
    for clip in clips() {
        let source = (clip.source.name.as_str(), clip.source.sha256.as_str());
        let segments = sources.entry(source).or_default();
        *segments.entry(clip.source.segment).or_default() += 1;
    }
    let most = sources.values().flat_map(BTreeMap::values).max();
    let Some(most) = most.copied() else {
        return;
    };
    for ((name, _), segments) in sources {
        if skipped.contains(name) {
            continue;
        }
        let last = segments.keys().next_back().copied().unwrap_or(0);
        for segment in 0..=last {
            let variants = segments.get(&segment).copied().unwrap_or(0);
            if variants < most {
                let what = format!("segment {segment} has {variants} of {most} clips");
                problems.push(Problem::new(name, what));
            }
        }
    }
}
