//! Where datasets are kept: a folder, or a bucket of S3-compatible storage.
//!
//! A name is a path within the dataset with `/` between its parts, as in `lr/a-00000.png`. What
//! stands under a name is whole: it is moved or uploaded there when it is finished, never written in
//! place. Unfinished work is kept in [`Store::staging`], which is always a folder of this machine.

mod folder;
#[cfg(feature = "s3")]
mod s3;

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Error, Result};

/// Where unfinished work stands in a dataset that is a folder.
const WORK: &str = ".nervure";

/// How to reach a store.
#[derive(Clone, Default)]
pub struct StoreOptions {
    /// Folder of this machine for unfinished work, for datasets that are kept elsewhere
    /// [default: one under the system's folder for temporary files, named after the dataset].
    pub staging: Option<PathBuf>,
    /// Settings for S3 as they are named in the environment: `AWS_ACCESS_KEY_ID`,
    /// `AWS_ENDPOINT_URL`, ... Others are passed over, so that a whole environment can be given.
    pub settings: Vec<(String, String)>,
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Settings hold secrets, which do not belong into logs.
        let names: Vec<&str> = self.settings.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("StoreOptions")
            .field("staging", &self.staging)
            .field("settings", &names)
            .finish()
    }
}

/// What each kind of store does in its own way. Names are checked before they come here.
trait Place: fmt::Debug + Send + Sync {
    fn put_file(&self, name: &str, file: &Path) -> Result<()>;
    fn put_bytes(&self, name: &str, bytes: &[u8]) -> Result<()>;
    fn link(&self, existing: &str, name: &str) -> Result<()>;
    fn get_bytes(&self, name: &str) -> Result<Option<Vec<u8>>>;
    fn size(&self, name: &str) -> Result<Option<u64>>;
    fn list(&self, folder: &str) -> Result<Vec<(String, u64)>>;
    fn remove(&self, name: &str) -> Result<()>;
    fn fetch(&self, name: &str, scratch: &Path) -> Result<PathBuf>;
    fn sync(&self) -> Result<()>;
    fn folder(&self) -> Option<&Path>;
}

/// A dataset's files. Cheap to clone, and used from several threads at once.
#[derive(Clone, Debug)]
pub struct Store {
    name: Arc<str>,
    staging: Arc<Path>,
    /// Where locks stand: beside the staging folder.
    locks: Arc<Path>,
    place: Arc<dyn Place>,
}

impl Store {
    /// Reaches a folder, or `s3://BUCKET/PREFIX`. Nothing is made; a bucket must be there.
    pub fn open(place: &str, options: &StoreOptions) -> Result<Self> {
        if let Some(rest) = place.strip_prefix("s3://") {
            return Store::open_bucket(place, rest, options);
        }
        let path = Path::new(place.strip_prefix("file://").unwrap_or(place));
        if fs::metadata(path).is_ok_and(|meta| !meta.is_dir()) {
            return Err(Error::Unsupported {
                what: format!("{} is not a folder", path.display()),
                hint: Some("a dataset is a folder, or s3://BUCKET/PREFIX".into()),
            });
        }
        // Moving a finished file into place must not copy it, so work stands on the same disk.
        let work = path.join(WORK);
        Ok(Store {
            name: path.display().to_string().into(),
            staging: work.join("staging").into(),
            locks: work.into(),
            place: Arc::new(folder::Folder::new(path)),
        })
    }

    #[cfg(feature = "s3")]
    fn open_bucket(place: &str, rest: &str, options: &StoreOptions) -> Result<Self> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        if !prefix.is_empty() {
            check(prefix)?;
        }
        let staging = match &options.staging {
            Some(folder) => folder.clone(),
            None => default_staging(place.trim_end_matches('/'), options),
        };
        Ok(Store {
            name: place.trim_end_matches('/').into(),
            locks: staging.as_path().into(),
            staging: staging.into(),
            place: Arc::new(s3::Bucket::open(bucket, prefix, &options.settings)?),
        })
    }

    #[cfg(not(feature = "s3"))]
    fn open_bucket(place: &str, _: &str, _: &StoreOptions) -> Result<Self> {
        Err(Error::Unsupported {
            what: format!("{place} is out of reach: this nervure was built without S3"),
            hint: Some("build it with the feature `s3`".into()),
        })
    }

    /// Moves a finished local file into place. The caller has made sure that its bytes are on the
    /// disk; that it has its name is certain after [`Store::sync`]. What stood there is replaced.
    pub fn put_file(&self, name: &str, file: &Path) -> Result<()> {
        check(name)?;
        self.place.put_file(name, file)
    }

    /// Writes a small file, whole or not at all.
    pub fn put_bytes(&self, name: &str, bytes: &[u8]) -> Result<()> {
        check(name)?;
        self.place.put_bytes(name, bytes)
    }

    /// Gives what stands under a name a second one, at no cost where the store can.
    pub fn link(&self, existing: &str, name: &str) -> Result<()> {
        check(existing)?;
        check(name)?;
        self.place.link(existing, name)
    }

    /// The bytes of a file, if it is there.
    pub fn get_bytes(&self, name: &str) -> Result<Option<Vec<u8>>> {
        check(name)?;
        self.place.get_bytes(name)
    }

    /// How long a file is, if it is there.
    pub fn size(&self, name: &str) -> Result<Option<u64>> {
        check(name)?;
        self.place.size(name)
    }

    /// Whether a file is there.
    pub fn exists(&self, name: &str) -> Result<bool> {
        Ok(self.size(name)?.is_some())
    }

    /// Names and lengths of the files in a folder of the dataset (the top: `""`) but not of those in
    /// folders below it, in the order of their names. Hidden files are passed over, and a folder that
    /// is not there is empty.
    pub fn list(&self, folder: &str) -> Result<Vec<(String, u64)>> {
        let folder = folder.trim_end_matches('/');
        if !folder.is_empty() {
            check(folder)?;
        }
        let mut files = self.place.list(folder)?;
        files.retain(|(name, _)| !name.rsplit('/').next().is_some_and(|n| n.starts_with('.')));
        files.sort();
        Ok(files)
    }

    /// Removes a file; it need not be there.
    pub fn remove(&self, name: &str) -> Result<()> {
        check(name)?;
        self.place.remove(name)
    }

    /// A local file with these bytes: the file itself, or a copy in `scratch`, which the caller
    /// removes.
    pub fn fetch(&self, name: &str, scratch: &Path) -> Result<PathBuf> {
        check(name)?;
        self.place.fetch(name, scratch)
    }

    /// Makes sure that everything so far survives a power loss.
    pub fn sync(&self) -> Result<()> {
        self.place.sync()
    }

    /// The folder for unfinished work. [`Store::lock`] makes it.
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// The dataset's folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        self.place.folder()
    }

    /// What users call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes one shard of the dataset for this process, until the guard is dropped or the process
    /// ends, however it ends.
    pub fn lock(&self, (index, of): (u32, u32)) -> Result<Guard> {
        let staging = &self.staging;
        fs::create_dir_all(staging).map_err(Error::io(format!("create {}", staging.display())))?;
        let path = self
            .locks
            .join(format!("lock-{index:05}-of-{:05}", of.max(1)));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::io(format!("create {}", path.display())))?;
        match file.try_lock() {
            // Some network file systems have no locks: working without beats not working.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Guard {
                _file: file,
                path,
                folders: [Arc::clone(&self.staging), Arc::clone(&self.locks)],
            }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy {
                what: match of {
                    0 | 1 => self.name.to_string(),
                    _ => format!("shard {index}/{of} of {}", self.name),
                },
            }),
        }
    }
}

/// Keeps other processes of this machine away from a shard.
#[derive(Debug)]
pub struct Guard {
    /// The operating system lets go of the lock when the file is closed.
    _file: File,
    path: PathBuf,
    folders: [Arc<Path>; 2],
}

impl Drop for Guard {
    /// Leaves no trace: the folders for work are removed too unless there is something in them.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        for folder in &self.folders {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// A folder that the same dataset finds again after a crash, and no other dataset does.
#[cfg(feature = "s3")]
fn default_staging(place: &str, options: &StoreOptions) -> PathBuf {
    let endpoint = options
        .settings
        .iter()
        .filter(|(name, _)| name.starts_with("AWS_ENDPOINT"))
        .map(|(_, value)| value.as_str());
    let mut hash = crc32fast::Hasher::new();
    endpoint
        .chain([place])
        .for_each(|part| hash.update(part.as_bytes()));
    let readable = place.trim_start_matches("s3://");
    let readable: String = readable
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(64)
        .collect();
    std::env::temp_dir().join(format!("nervure-{readable}-{:08x}", hash.finalize()))
}

/// Refuses names that lead out of the dataset, or that stores understand differently.
fn check(name: &str) -> Result<()> {
    let sound = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.contains(|c: char| c.is_control() || matches!(c, '\\' | '%' | '?' | '#'))
    };
    if name.split('/').all(sound) {
        Ok(())
    } else {
        Err(Error::Unsupported {
            what: format!("{name:?} is no name for a file of a dataset"),
            hint: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_dataset() {
        for name in ["a", "lr/a.png", ".nervure/journal", "lr/é+_-.clip"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in [
            "", "/", "/a", "a/", "a//b", "../a", "a/../b", "a\\b", "a\n", "a%20b",
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_shard_has_one_maker() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("data");
        let open = || Store::open(place.to_str().unwrap(), &StoreOptions::default()).unwrap();
        let store = open();
        assert!(!place.exists(), "opening makes nothing");
        let guard = store.lock((0, 1)).unwrap();
        assert!(store.staging().is_dir());
        let refused = open().lock((0, 1)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("another nervure is working on {}", place.display())
        );
        let other = open().lock((1, 2)).unwrap();
        assert!(open().lock((0, 2)).is_ok());
        assert!(
            open()
                .lock((1, 2))
                .unwrap_err()
                .to_string()
                .contains("shard 1/2")
        );
        drop((guard, other));
        assert!(open().lock((0, 1)).is_ok() && open().lock((1, 2)).is_ok());
    }

    #[test]
    fn secrets_are_not_shown() {
        let options = StoreOptions {
            settings: vec![("AWS_SECRET_ACCESS_KEY".into(), "hunter2".into())],
            ..StoreOptions::default()
        };
        let shown = format!("{options:?}");
        assert!(shown.contains("AWS_SECRET_ACCESS_KEY") && !shown.contains("hunter2"));
    }

    #[test]
    fn a_file_is_no_dataset() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = Store::open(file.path().to_str().unwrap(), &StoreOptions::default());
        assert!(refused.unwrap_err().to_string().contains("not a folder"));
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn without_s3_a_bucket_is_refused() {
        let refused = Store::open("s3://bucket/data", &StoreOptions::default()).unwrap_err();
        assert!(refused.to_string().contains("built without S3"));
        assert!(refused.hint().is_some());
    }
}
