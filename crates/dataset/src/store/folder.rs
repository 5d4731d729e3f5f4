//! Datasets in a folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Place;
use crate::{Error, Result};

/// A folder of this machine, or one that is shared with others.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Folders whose entries have changed since they were last made certain.
    changed: Mutex<BTreeSet<PathBuf>>,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Folder {
            root: root.into(),
            changed: Mutex::default(),
        }
    }

    /// Makes the folder that `name` will stand in, and gives the path of `name`.
    fn prepare(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.root.join(name);
        let folder = path.parent().unwrap_or(&self.root);
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            // The folder is itself an entry of the one above.
            if let Some(above) = folder.parent() {
                self.change(above);
            }
        }
        self.change(folder);
        Ok(path)
    }

    fn change(&self, folder: &Path) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if !changed.contains(folder) {
            changed.insert(folder.into());
        }
    }

    /// Writes a file beside its place and moves it there.
    fn whole(
        &self,
        path: &Path,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let part = path.with_file_name(format!(".{name}.part"));
        let put = || {
            let mut file = File::create(&part)?;
            write(&mut file)?;
            file.sync_all()?;
            fs::rename(&part, path)
        };
        put().inspect_err(|_| {
            // It may never have been created.
            let _ = fs::remove_file(&part);
        })
    }

    fn writing(&self, name: &str) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::io(format!("write {}", self.root.join(name).display()))
    }

    fn reading(&self, name: &str) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::io(format!("read {}", self.root.join(name).display()))
    }
}

/// `None` for what is not there.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Place for Folder {
    fn put_file(&self, name: &str, file: &Path) -> Result<()> {
        let put = || {
            let path = self.prepare(name)?;
            match fs::rename(file, &path) {
                // Staging was put on another disk.
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    self.whole(&path, |part| {
                        io::copy(&mut File::open(file)?, part).map(drop)
                    })?;
                    fs::remove_file(file)
                }
                moved => moved,
            }
        };
        put().map_err(self.writing(name))
    }

    fn put_bytes(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.prepare(name)
            .and_then(|path| self.whole(&path, |part| part.write_all(bytes)))
            .map_err(self.writing(name))
    }

    fn link(&self, existing: &str, name: &str) -> Result<()> {
        let from = self.root.join(existing);
        let link = || {
            let path = self.prepare(name)?;
            // What an earlier run linked.
            found(fs::remove_file(&path))?;
            match fs::hard_link(&from, &path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    // Not every file system has links, and those that do bound their number.
                    self.whole(&path, |part| {
                        io::copy(&mut File::open(&from)?, part).map(drop)
                    })
                }
                linked => linked,
            }
        };
        if existing == name {
            return Ok(());
        }
        link().map_err(self.writing(name))
    }

    fn get_bytes(&self, name: &str) -> Result<Option<Vec<u8>>> {
        found(fs::read(self.root.join(name))).map_err(self.reading(name))
    }

    fn size(&self, name: &str) -> Result<Option<u64>> {
        let meta = found(fs::metadata(self.root.join(name))).map_err(self.reading(name))?;
        Ok(meta.filter(fs::Metadata::is_file).map(|meta| meta.len()))
    }

    fn list(&self, folder: &str) -> Result<Vec<(String, u64)>> {
        let list = || {
            let Some(entries) = found(fs::read_dir(self.root.join(folder)))? else {
                return Ok(Vec::new());
            };
            let mut files = Vec::new();
            for entry in entries {
                let entry = entry?;
                // A file may vanish while others work on the dataset.
                let Some(meta) = found(entry.metadata())?.filter(fs::Metadata::is_file) else {
                    continue;
                };
                let name = entry.file_name();
                let name = name.to_string_lossy();
                let name = match folder {
                    "" => name.into_owned(),
                    _ => format!("{folder}/{name}"),
                };
                files.push((name, meta.len()));
            }
            Ok(files)
        };
        list().map_err(self.reading(folder))
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.root.join(name);
        if let Some(folder) = path.parent() {
            self.change(folder);
        }
        found(fs::remove_file(&path))
            .map(drop)
            .map_err(Error::io(format!("remove {}", path.display())))
    }

    fn fetch(&self, name: &str, _scratch: &Path) -> Result<PathBuf> {
        let path = self.root.join(name);
        fs::metadata(&path).map_err(self.reading(name))?;
        Ok(path)
    }

    fn sync(&self) -> Result<()> {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in changed.iter() {
            // A folder that is gone has nothing to keep.
            found(sync_folder(folder)).map_err(Error::io(format!("write {}", folder.display())))?;
        }
        changed.clear();
        Ok(())
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.root)
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
