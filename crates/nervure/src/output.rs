//! Files that appear under their name only when they are whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::console::fail;
use crate::enhance::work::sync_folder;

/// A file in the making. It stands under a hidden name beside its final one, and vanishes if it is
/// dropped before it is finished. Devices and named pipes are written where they are.
#[derive(Debug)]
pub(crate) struct Pending {
    part: PathBuf,
    path: PathBuf,
    finished: bool,
}

/// Whether there is something at `path` that is neither a file nor a folder, such as `/dev/null`.
pub(crate) fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// Refuses what cannot be written before any work is done; `example` is a file that could.
pub(crate) fn may_write(path: &Path, force: bool, example: &str) -> Result<()> {
    if path.is_dir() {
        return Err(fail(
            format!("{} is a folder", path.display()),
            format!("name a file in it, as in {}", path.join(example).display()),
        ));
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(fail(
            format!("the folder {} does not exist", folder.display()),
            "create it first",
        ));
    }
    if path.exists() && !force && !is_special(path) {
        return Err(fail(
            format!("{} exists", path.display()),
            "replace it with --force, or give another name",
        ));
    }
    Ok(())
}

impl Pending {
    /// A file that will be `path`. Nothing is created yet.
    pub(crate) fn new(path: &Path) -> Self {
        if is_special(path) {
            return Pending {
                part: path.into(),
                path: path.into(),
                finished: true,
            };
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Pending {
            part: path.with_file_name(format!(".{name}.part")),
            path: path.into(),
            finished: false,
        }
    }

    /// Where to write.
    pub(crate) fn part(&self) -> &Path {
        &self.part
    }

    /// Makes sure that every byte is on the disk, then gives the file its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        if self.finished {
            return Ok(());
        }
        let sync = || File::open(&self.part)?.sync_all();
        sync().with_context(|| format!("cannot write {}", self.path.display()))?;
        place(&self.part, &self.path)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.finished {
            // It may never have been created.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Gives a finished file its name, so that it survives a power loss.
pub(crate) fn place(part: &Path, path: &Path) -> Result<()> {
    fs::rename(part, path)
        .and_then(|()| path.parent().map_or(Ok(()), sync_folder))
        .with_context(|| format!("cannot create {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        let pending = Pending::new(&path);
        fs::write(pending.part(), b"half").unwrap();
        drop(pending);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let pending = Pending::new(&path);
        fs::write(pending.part(), b"whole").unwrap();
        assert!(!path.exists());
        pending.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_device_stays_a_device() {
        let null = Path::new("/dev/null");
        let pending = Pending::new(null);
        assert_eq!(pending.part(), null);
        pending.finish().unwrap();
        assert!(is_special(null));
    }
}
