//! Whether a dataset is what its manifests say: every shard, every file, every sample.

mod clips;
mod shards;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, process, thread};

use serde::Serialize;

use crate::manifest::{Layout, Manifest};
use crate::store::Store;
use crate::{Error, Result};

/// The folders that a dataset has.
const FOLDERS: [&str; 3] = ["lr", "hr", "mask"];

/// How to look.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions {
    /// Clips that are looked at side by side.
    pub jobs: usize,
    /// Problems that are listed; all are counted.
    pub most_problems: usize,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        VerifyOptions {
            jobs: 1,
            most_problems: 100,
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A file, or what else is concerned.
    pub name: String,
    /// What is wrong with it.
    pub what: String,
}

impl Problem {
    fn new(name: impl Into<String>, what: impl Into<String>) -> Self {
        Problem {
            name: name.into(),
            what: what.into(),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Manifests that were read.
    pub manifests: usize,
    /// Clips they list.
    pub clips: usize,
    /// Pairs of frames they list.
    pub frames: u64,
    /// Files in the folders of the dataset.
    pub files: u64,
    /// Bytes in them, each name counted.
    pub bytes: u64,
    /// Sources, or parts of some, that gave no clips.
    pub skipped: usize,
    /// Everything that is wrong.
    pub problem_count: usize,
    /// The first of it.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problem_count == 0
    }
}

/// Every manifest of a dataset with its name, in the order of names. A manifest that cannot be
/// understood comes as its error; one of a newer version, or none at all, is a failure.
#[allow(clippy::type_complexity)] // Two levels of failure: of one manifest, and of reading at all.
pub fn read_manifests(store: &Store) -> Result<Vec<(String, Result<Manifest>)>> {
    let mut manifests = Vec::new();
    for (name, _) in store.list("")? {
        if !Manifest::is_name(&name) {
            continue;
        }
        let Some(bytes) = store.get_bytes(&name)? else {
            continue;
        };
        let path = Path::new(&name);
        let parsed = String::from_utf8(bytes)
            .map_err(|_| Error::corrupt(path, "it is not UTF-8"))
            .and_then(|text| Manifest::parse(&text, path));
        match parsed {
            Err(error @ Error::Newer { .. }) => return Err(error),
            parsed => manifests.push((name, parsed)),
        }
    }
    if manifests.is_empty() {
        return Err(Error::Unsupported {
            what: format!("{} holds no dataset: it has no manifest", store.name()),
            hint: Some("finish it with `nervure dataset make ... --resume`".into()),
        });
    }
    Ok(manifests)
}

/// Looks at everything, telling `progress` how many clips are done and how many there are.
///
/// What is wrong with the dataset is in the report. An error means that it could not be looked at.
pub fn verify(
    store: &Store,
    options: &VerifyOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Report> {
    let mut report = Report::default();
    let mut problems = Vec::new();
    let mut manifests = Vec::new();
    for (name, manifest) in read_manifests(store)? {
        match manifest {
            Ok(manifest) => manifests.push((name, manifest)),
            Err(Error::Corrupt { reason, .. }) => problems.push(Problem::new(name, reason)),
            Err(error) => return Err(error),
        }
    }
    shards::check(&manifests, &mut problems);

    let mut there: HashMap<String, u64> = HashMap::new();
    for folder in FOLDERS {
        there.extend(store.list(folder)?);
    }
    report.files = there.len() as u64;
    report.bytes = there.values().sum();
    // Clips look at what they name; what nobody looked at is a stray.
    let mut works = Vec::new();
    for (_, manifest) in &manifests {
        for clip in &manifest.clips {
            let scope = clips::Scope {
                clip,
                layout: manifest.header.layout,
                recipe: &manifest.header.recipe,
                masks: match manifest.header.layout {
                    Layout::Png => clips::masks_of(clip, &there),
                    Layout::Clips => Vec::new(),
                },
            };
            works.push(scope);
        }
        report.clips += manifest.clips.len();
        report.frames += manifest.clips.iter().map(|clip| clip.frames).sum::<u64>();
        report.skipped += manifest.skipped.len();
    }
    report.manifests = manifests.len();
    if report.clips == 0 && problems.is_empty() {
        // Every part of it is as it should be, but nobody can train on it.
        problems.push(Problem::new(store.name(), "no source gave any clip"));
    }

    let scratch = store.staging().join(format!("verify-{}", process::id()));
    let checker = clips::Checker::new(store, &there, &scratch);
    let found = side_by_side(&works, options.jobs, &checker, progress);
    // It is there only where clips were fetched from afar.
    let _ = fs::remove_dir_all(&scratch);
    problems.extend(found?);

    for scope in &works {
        for name in scope.names() {
            there.remove(&name);
        }
    }
    let mut strays: Vec<String> = there.into_keys().collect();
    strays.sort();
    let stray = |name| Problem::new(name, "no manifest tells of it");
    problems.extend(strays.into_iter().map(stray));

    report.problem_count = problems.len();
    problems.truncate(options.most_problems);
    report.problems = problems;
    Ok(report)
}

/// What is wrong with each clip, by its number.
type Found = Vec<(usize, Vec<Problem>)>;

/// What is wrong with the clips, in their order whoever came first.
fn side_by_side(
    works: &[clips::Scope<'_>],
    jobs: usize,
    checker: &clips::Checker<'_>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<Problem>> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    progress(0, works.len());
    let work = || {
        let mut found = Found::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(work) = works.get(index) else {
                return Ok(found);
            };
            match checker.check(work) {
                Ok(problems) => found.push((index, problems)),
                Err(error) => {
                    // Nobody begins another.
                    next.store(works.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, works.len());
        }
    };
    let outcomes: Vec<Result<Found>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.clamp(1, works.len().max(1)))
            .map(|_| scope.spawn(work))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut found = Found::new();
    for outcome in outcomes {
        found.extend(outcome?);
    }
    found.sort_by_key(|(index, _)| *index);
    Ok(found
        .into_iter()
        .flat_map(|(_, problems)| problems)
        .collect())
}

#[cfg(test)]
mod tests;
