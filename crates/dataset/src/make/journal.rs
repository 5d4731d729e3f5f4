//! What of a shard is finished, so that it can be gone on with.
//!
//! In the store, under `.nervure/shard-I-of-N/`: `job.json` says what was asked for, and `done/` has a
//! file for each finished stretch with the lines it adds to the manifest. A stretch counts once its
//! file is there, and that is written when the stretch's pairs are in their places and on the disk.

use std::collections::HashMap;
use std::fs;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Begun, Claim, Maker};
use crate::manifest::{ClipRecord, Manifest, Skipped};
use crate::store::Store;
use crate::{Error, Result};

/// A finished stretch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Done {
    /// Its pairs.
    pub(super) clips: Vec<ClipRecord>,
    /// Why there are none, or not all.
    pub(super) skipped: Vec<Skipped>,
    /// Pictures that were kept of it, for each variant.
    pub(super) pairs: u64,
    /// The source's next stretch that holds anything; none when it gives nothing more.
    pub(super) next: Option<u32>,
    /// The source's stamp.
    #[serde(default)]
    pub(super) stamp: Option<String>,
}

/// The journal of one shard.
pub(super) struct Journal {
    store: Store,
    folder: String,
    done: HashMap<String, Done>,
    /// What each source was when the first of it was finished.
    digests: HashMap<String, String>,
}

/// Version of the files.
const VERSION: u64 = 1;

impl Journal {
    /// Opens the journal for what the maker is to do, or gives the manifest of what was done before.
    pub(super) fn open(maker: &Maker, claim: &Claim) -> Result<Result<Self, Manifest>> {
        let (store, begun) = (&maker.store, claim.begun);
        let folder = folder(maker.shard);
        let job = json!({
            "version": VERSION,
            "header": maker.header(),
            "sources": maker.sources.iter().map(|source| &source.name).collect::<Vec<_>>(),
        });
        let name = Manifest::name(maker.shard);
        let finished = store.get_bytes(&name)?;
        let was = store.get_bytes(&format!("{folder}/job.json"))?;
        let place = store.name().to_owned();
        if let Some(text) = finished
            && begun == Begun::Resume
        {
            let manifest = Manifest::parse(&String::from_utf8_lossy(&text), name.as_ref())?;
            agree(&json!(manifest.header), &json!(maker.header()), &place)?;
            return Ok(Err(manifest));
        }
        if begun == Begun::Discard {
            discard(store, maker.shard, &folder)?;
        }
        others_agree(maker, &name)?;
        let mut journal = Journal {
            store: store.clone(),
            folder,
            done: HashMap::new(),
            digests: HashMap::new(),
        };
        match was {
            Some(text) if begun == Begun::Resume => {
                let was: Value = serde_json::from_slice(&text).unwrap_or_default();
                agree(&was, &job, &place)?;
                journal.read()?;
            }
            _ => {
                let text = serde_json::to_vec_pretty(&job).unwrap_or_default();
                store.put_bytes(&format!("{}/job.json", journal.folder), &text)?;
            }
        }
        Ok(Ok(journal))
    }

    fn read(&mut self) -> Result<()> {
        let folder = format!("{}/done", self.folder);
        for (name, _) in self.store.list(&folder)? {
            let id = name
                .rsplit('/')
                .next()
                .and_then(|id| id.strip_suffix(".json"));
            let Some((id, text)) = id.zip(self.store.get_bytes(&name)?) else {
                continue;
            };
            // One that makes no sense is as good as none: its stretch is done again.
            if let Ok(done) = serde_json::from_slice::<Done>(&text) {
                for clip in &done.clips {
                    let source = &clip.source;
                    self.digests
                        .entry(source.name.clone())
                        .or_insert_with(|| source.sha256.clone());
                }
                self.done.insert(id.into(), done);
            }
        }
        Ok(())
    }

    /// What is known of a stretch that an earlier run finished.
    pub(super) fn finished(&self, id: &str) -> Option<&Done> {
        self.done.get(id)
    }

    /// The digest of a source of which an earlier run finished something.
    pub(super) fn digest(&self, source: &str) -> Option<&str> {
        self.digests.get(source).map(String::as_str)
    }

    /// Notes that a stretch is finished. Its pairs must be in their places.
    pub(super) fn note(&self, id: &str, done: &Done) -> Result<()> {
        self.store.sync()?;
        let text = serde_json::to_vec(done).unwrap_or_default();
        self.store
            .put_bytes(&format!("{}/done/{id}.json", self.folder), &text)
    }

    /// Forgets everything, when the manifest has it all.
    pub(super) fn remove(&self) -> Result<()> {
        remove_all(&self.store, &format!("{}/done", self.folder))?;
        // What says what was asked for goes last: without it the rest is nothing.
        self.store.remove(&format!("{}/job.json", self.folder))?;
        if let Some(root) = self.store.folder() {
            // Empty now; if not, what is in them is not ours.
            let folder = root.join(&self.folder);
            let _ = fs::remove_dir(folder.join("done"));
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

/// Where the journal of a shard stands.
fn folder((index, of): (u32, u32)) -> String {
    format!(".nervure/shard-{index:05}-of-{of:05}")
}

/// Refuses what was begun before, where there should be nothing; else says whether it is finished.
pub(super) fn may_begin(store: &Store, shard: (u32, u32), begun: Begun) -> Result<bool> {
    let finished = store.exists(&Manifest::name(shard))?;
    if begun == Begun::Refuse {
        let place = store.name();
        if finished {
            return Err(refuse(
                format!("{place} already holds a dataset"),
                "choose another --out, or replace it with --force",
            ));
        }
        if store.exists(&format!("{}/job.json", folder(shard)))? {
            return Err(refuse(
                format!("{place} holds an unfinished dataset"),
                "go on with it with --resume, or begin anew with --force",
            ));
        }
    }
    Ok(finished)
}

fn remove_all(store: &Store, folder: &str) -> Result<()> {
    for (name, _) in store.list(folder)? {
        store.remove(&name)?;
    }
    Ok(())
}

/// Removes what an earlier run made, and nothing where there was none: such folders are somebody
/// else's. Of a dataset in parts only the part that is made anew: the others may be at work.
fn discard(store: &Store, shard: (u32, u32), journal: &str) -> Result<()> {
    let job = format!("{journal}/job.json");
    let mut manifests = store.list("")?;
    manifests.retain(|(name, _)| Manifest::is_name(name));
    if manifests.is_empty() && !store.exists(&job)? {
        return Ok(());
    }
    // Until everything is gone, this says that something was here.
    store.put_bytes(&job, b"{}")?;
    store.remove(&Manifest::name(shard))?;
    remove_all(store, &format!("{journal}/done"))?;
    if shard.1 <= 1 {
        for (name, _) in manifests {
            store.remove(&name)?;
        }
        for folder in ["lr", "hr", "mask"] {
            remove_all(store, folder)?;
        }
    }
    Ok(())
}

fn refuse(what: String, hint: &str) -> Error {
    Error::Unsupported {
        what,
        hint: Some(hint.into()),
    }
}

/// Another shard's manifest in the same place must be of the same recipe.
fn others_agree(maker: &Maker, own: &str) -> Result<()> {
    for (name, _) in maker.store.list("")? {
        if name == own || !Manifest::is_name(&name) {
            continue;
        }
        let Some(text) = maker.store.get_bytes(&name)? else {
            continue;
        };
        let other = Manifest::parse(&String::from_utf8_lossy(&text), name.as_ref())?.header;
        let mine = maker.header();
        if (other.shard.1, &other.recipe, other.layout) != (mine.shard.1, &mine.recipe, mine.layout)
        {
            return Err(refuse(
                format!(
                    "{} holds part of another dataset: {name}",
                    maker.store.name()
                ),
                "give every shard the same options, or choose another --out",
            ));
        }
    }
    Ok(())
}

/// Names the first thing in which what was begun differs from what is asked for.
fn agree(was: &Value, now: &Value, place: &str) -> Result<()> {
    match difference(was, now, "") {
        None => Ok(()),
        Some(difference) => Err(refuse(
            format!("the dataset in {place} was begun otherwise: {difference}"),
            "give the same sources and options to go on with it, or --force to begin anew",
        )),
    }
}

fn difference(was: &Value, now: &Value, key: &str) -> Option<String> {
    if was == now {
        return None;
    }
    if let (Some(one), Some(two)) = (was.as_object(), now.as_object()) {
        let keys = one.keys().chain(two.keys());
        let null = Value::Null;
        return keys
            .map(|key| {
                (
                    one.get(key).unwrap_or(&null),
                    two.get(key).unwrap_or(&null),
                    key,
                )
            })
            .find_map(|(one, two, key)| difference(one, two, key));
    }
    if was.is_array() && key == "sources" {
        return Some("the sources are not the same".into());
    }
    Some(format!("{key} was {was} and is {now}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named() {
        let was = json!({"header": {"recipe": {"seed": 1, "scale": 2}}, "sources": ["a"]});
        let now = json!({"header": {"recipe": {"seed": 2, "scale": 2}}, "sources": ["a"]});
        assert_eq!(difference(&was, &now, "").unwrap(), "seed was 1 and is 2");
        let now = json!({"header": {"recipe": {"seed": 1, "scale": 2}}, "sources": ["a", "b"]});
        assert!(difference(&was, &now, "").unwrap().contains("sources"));
        assert_eq!(difference(&was, &was, ""), None);
    }
}
