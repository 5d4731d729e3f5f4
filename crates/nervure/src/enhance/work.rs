//! The folder in which a long job keeps what it has finished, so that it can be continued.
//!
//! Beside the output `OUT.mp4` stands `.OUT.mp4.nervure/` until the job is done: `job.json` says
//! what was asked of which source, `journal.jsonl` has a line for each finished segment, and the
//! segments themselves are files. A segment counts only once its file and then its line have
//! reached the disk, so whatever moment the power fails at, the journal names whole segments.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::console::fail;

/// Version of the files in the folder; a folder of another version is not continued.
const VERSION: u32 = 1;

/// What was asked of which source. A job is continued only when all of it agrees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    version: u32,
    /// Version of nervure and of the encoder's library: other versions may code differently.
    pub(crate) made_by: String,
    /// The source.
    pub(crate) source: SourceIdentity,
    /// The resolved settings that decide what the output is.
    pub(crate) settings: serde_json::Value,
}

impl Job {
    /// A job of this version of the format.
    pub(crate) fn new(
        made_by: String,
        source: SourceIdentity,
        settings: serde_json::Value,
    ) -> Self {
        Job {
            version: VERSION,
            made_by,
            source,
            settings,
        }
    }
}

/// Enough of a file to tell it from another or from a changed one, without reading all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceIdentity {
    bytes: u64,
    head_crc: u32,
    tail_crc: u32,
}

/// How much of each end of the source is looked at.
const IDENTITY_BYTES: u64 = 1 << 20;

impl SourceIdentity {
    /// The identity of the file at `path`.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let head_crc = crc_of(&mut file)?;
        file.seek(SeekFrom::Start(bytes.saturating_sub(IDENTITY_BYTES)))?;
        Ok(SourceIdentity {
            bytes,
            head_crc,
            tail_crc: crc_of(&mut file)?,
        })
    }
}

fn crc_of(file: &mut File) -> io::Result<u32> {
    let mut block = Vec::new();
    file.take(IDENTITY_BYTES).read_to_end(&mut block)?;
    Ok(crc32fast::hash(&block))
}

/// A finished segment, one line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Counted from zero; also names the file.
    pub(crate) index: usize,
    /// Frames in it.
    pub(crate) frames: u64,
    /// Ticks of the last source frame it covers.
    pub(crate) last_pts: i64,
    /// Digest of that source frame: proof, after a seek, that decoding arrived at the same picture.
    pub(crate) source_crc: u32,
    /// Length of the segment's file.
    pub(crate) bytes: u64,
    /// Frames that were damaged, up to and including this segment.
    pub(crate) damaged: u64,
    /// Whether the source ended with it.
    pub(crate) last: bool,
}

/// A line as it stands in the file: the entry and a checksum, so that a torn line is known as one.
#[derive(Serialize, Deserialize)]
struct Line {
    entry: Entry,
    crc: u32,
}

/// The folder of one job, held by this process alone.
#[derive(Debug)]
pub(crate) struct Work {
    folder: PathBuf,
    /// The operating system drops the lock when the process ends, however it ends.
    _lock: File,
    entries: Vec<Entry>,
}

impl Work {
    /// Where the work folder for `output` is.
    pub(crate) fn folder_for(output: &Path) -> PathBuf {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        output.with_file_name(format!(".{name}.nervure"))
    }

    /// Whether a job for `output` was begun and not finished.
    pub(crate) fn exists(output: &Path) -> bool {
        Work::folder_for(output).join("job.json").exists()
    }

    /// A fresh folder for `job`, whatever was there before.
    pub(crate) fn begin(output: &Path, job: &Job) -> Result<Work> {
        let (folder, lock) = Work::hold(output)?;
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            if path.file_name() != Some("lock".as_ref()) {
                fs::remove_file(&path)
                    .with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        let text = serde_json::to_vec_pretty(job)?;
        write_whole(&folder.join("job.json"), &text)
            .with_context(|| format!("cannot write {}", folder.join("job.json").display()))?;
        Ok(Work {
            folder,
            _lock: lock,
            entries: Vec::new(),
        })
    }

    /// Removes what an earlier run left for `output`, if it left anything.
    pub(crate) fn forget(output: &Path) -> Result<()> {
        if !Work::exists(output) {
            return Ok(());
        }
        let (folder, lock) = Work::hold(output)?;
        let left = Work {
            folder,
            _lock: lock,
            entries: Vec::new(),
        };
        left.remove()
    }

    /// The folder that an earlier run of the same `job` left, up to its last whole segment.
    pub(crate) fn resume(output: &Path, job: &Job) -> Result<Work> {
        let (folder, lock) = Work::hold(output)?;
        let text = fs::read(folder.join("job.json"))
            .with_context(|| format!("cannot read {}", folder.join("job.json").display()))?;
        let was: Job = serde_json::from_slice(&text).map_err(|error| {
            fail(
                format!(
                    "{} is not of this version of nervure: {error}",
                    folder.join("job.json").display()
                ),
                "start the job afresh with --force",
            )
        })?;
        if let Some(difference) = difference(&was, job) {
            return Err(fail(
                format!("the unfinished job differs: {difference}"),
                "give the same source and options to continue it, or --force to start afresh",
            ));
        }
        let mut work = Work {
            folder,
            _lock: lock,
            entries: Vec::new(),
        };
        work.entries = work.read_journal()?;
        work.write_journal()?;
        Ok(work)
    }

    /// Makes the folder and takes its lock.
    fn hold(output: &Path) -> Result<(PathBuf, File)> {
        let folder = Work::folder_for(output);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok((folder, lock)),
            Err(TryLockError::WouldBlock) => {
                bail!("another nervure is working on {}", output.display())
            }
            // Some network file systems have no locks: working without beats not working.
            Err(TryLockError::Error(_)) => Ok((folder, lock)),
        }
    }

    /// The segments finished so far.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where segment `index` is.
    pub(crate) fn segment(&self, index: usize) -> PathBuf {
        self.folder.join(format!("{index:06}.seg"))
    }

    /// Where the output grows before it gets its name.
    pub(crate) fn output(&self) -> PathBuf {
        self.folder.join("output.part")
    }

    /// Records that a segment is finished. Its file must have reached the disk.
    pub(crate) fn record(&mut self, entry: Entry) -> Result<()> {
        let path = self.folder.join("journal.jsonl");
        let append = || -> io::Result<()> {
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(&line(&entry)?)?;
            file.sync_all()?;
            sync_folder(&self.folder)
        };
        append().with_context(|| format!("cannot write {}", path.display()))?;
        self.entries.push(entry);
        Ok(())
    }

    /// Forgets segment `index` and all after it.
    pub(crate) fn truncate(&mut self, index: usize) -> Result<()> {
        self.entries.truncate(index);
        self.write_journal()
    }

    /// Removes the folder: the job is done, or cannot be continued.
    pub(crate) fn remove(self) -> Result<()> {
        // The lock's file goes last, so that no other process finds half a folder unguarded.
        let Work { folder, _lock, .. } = self;
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
    }

    /// The journal's entries up to the first line that is torn, out of order or whose segment is
    /// not there in full.
    fn read_journal(&self) -> Result<Vec<Entry>> {
        let path = self.folder.join("journal.jsonl");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let mut entries = Vec::new();
        for text in BufReader::new(file).lines() {
            let Some(entry) = text.ok().and_then(|text| parse(&text)) else {
                break;
            };
            let whole =
                fs::metadata(self.segment(entry.index)).is_ok_and(|meta| meta.len() == entry.bytes);
            if entry.index != entries.len() || !whole {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn write_journal(&self) -> Result<()> {
        let path = self.folder.join("journal.jsonl");
        let lines: io::Result<Vec<_>> = self.entries.iter().map(line).collect();
        lines
            .and_then(|lines| write_whole(&path, &lines.concat()))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let crc = crc32fast::hash(&serde_json::to_vec(entry)?);
    let mut text = serde_json::to_vec(&Line {
        entry: entry.clone(),
        crc,
    })?;
    text.push(b'\n');
    Ok(text)
}

fn parse(text: &str) -> Option<Entry> {
    let line: Line = serde_json::from_str(text).ok()?;
    let crc = crc32fast::hash(&serde_json::to_vec(&line.entry).ok()?);
    (crc == line.crc).then_some(line.entry)
}

/// Names the first thing in which two jobs differ.
fn difference(was: &Job, now: &Job) -> Option<String> {
    if was.version != now.version {
        return Some(format!(
            "its files are of version {}, not {}",
            was.version, now.version
        ));
    }
    if was.made_by != now.made_by {
        return Some(format!(
            "it was begun by {}, this is {}",
            was.made_by, now.made_by
        ));
    }
    if was.source != now.source {
        return Some("the source has changed".into());
    }
    let empty = serde_json::Map::new();
    let (a, b) = (
        was.settings.as_object().unwrap_or(&empty),
        now.settings.as_object().unwrap_or(&empty),
    );
    let key = a
        .keys()
        .chain(b.keys())
        .find(|key| a.get(*key) != b.get(*key))?;
    let show = |map: &serde_json::Map<_, serde_json::Value>| {
        map.get(key).map_or("nothing".into(), |v| v.to_string())
    };
    Some(format!("{key} was {}, now {}", show(a), show(b)))
}

/// Replaces a file so that after a power loss either the old or the new one is there in full.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes a rename or a new file in `folder` survive a power loss, where the system can.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn job(settings: serde_json::Value) -> Job {
        Job::new(
            "test 1".into(),
            SourceIdentity {
                bytes: 9,
                head_crc: 1,
                tail_crc: 2,
            },
            settings,
        )
    }

    fn entry(work: &Work, index: usize) -> Entry {
        fs::write(work.segment(index), vec![7; 10 + index]).unwrap();
        Entry {
            index,
            frames: 240,
            last_pts: 1000 * index as i64,
            source_crc: 5,
            bytes: 10 + index as u64,
            damaged: 0,
            last: false,
        }
    }

    fn three(output: &Path) -> Work {
        let mut work = Work::begin(output, &job(serde_json::json!({"scale": 2}))).unwrap();
        for index in 0..3 {
            let entry = entry(&work, index);
            work.record(entry).unwrap();
        }
        work
    }

    fn resume(output: &Path) -> Work {
        Work::resume(output, &job(serde_json::json!({"scale": 2}))).unwrap()
    }

    #[test]
    fn what_was_recorded_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.mp4");
        assert!(!Work::exists(&output));
        let written = three(&output).entries().to_vec();
        assert!(Work::exists(&output));
        let work = resume(&output);
        assert_eq!(work.entries(), written);
        work.remove().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_torn_or_altered_line_ends_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.mp4");
        let work = three(&output);
        let path = work.folder.join("journal.jsonl");
        drop(work);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 9]).unwrap();
        assert_eq!(resume(&output).entries().len(), 2);
        fs::write(&path, text.replacen("240", "241", 1)).unwrap();
        assert_eq!(resume(&output).entries().len(), 0);
    }

    #[test]
    fn a_segment_that_is_short_or_gone_ends_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.mp4");
        let work = three(&output);
        fs::write(work.segment(1), b"short").unwrap();
        drop(work);
        let mut work = resume(&output);
        assert_eq!(work.entries().len(), 1);
        let again = entry(&work, 1);
        work.record(again).unwrap();
        drop(work);
        assert_eq!(
            resume(&output).entries().len(),
            2,
            "the old lines behind the gap are forgotten"
        );
    }

    #[test]
    fn another_job_is_not_continued() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.mp4");
        drop(three(&output));
        let error = Work::resume(&output, &job(serde_json::json!({"scale": 3}))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the unfinished job differs: scale was 2, now 3"
        );
        let mut other = job(serde_json::json!({"scale": 2}));
        other.source.bytes += 1;
        assert!(
            Work::resume(&output, &other)
                .unwrap_err()
                .to_string()
                .contains("source has changed")
        );
    }

    #[test]
    fn two_processes_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.mp4");
        let first = three(&output);
        let error = Work::resume(&output, &job(serde_json::json!({"scale": 2}))).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("another nervure is working on"),
            "{error}"
        );
        drop(first);
        assert_eq!(resume(&output).entries().len(), 3);
    }

    #[test]
    fn beginning_anew_forgets_the_old_job() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.mp4");
        drop(three(&output));
        let work = Work::begin(&output, &job(serde_json::json!({"scale": 4}))).unwrap();
        assert!(work.entries().is_empty() && !work.segment(0).exists());
    }
}
