//! What pairs are made from: files, folders of them, patterns, images, streams.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use nervure_media::Input;
use nervure_media::camera::is_image;
use sha2::{Digest, Sha256};

use crate::digest::{hex, sha256_of};
use crate::{Error, Result};

/// One thing that frames come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As the manifest names it: relative to the folder that was asked for.
    pub name: String,
    /// What it is called in the names of files: short, unlike any other, and the same on every
    /// machine.
    pub slug: String,
    /// What it is.
    pub kind: Kind,
}

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file of video, which can be read from anywhere.
    Video(PathBuf),
    /// A still picture, over which a camera will move.
    Image(PathBuf),
    /// Something that is read from front to back: a generator, an address.
    Stream(Input),
}

impl Source {
    /// The same video under another path, as after standard input was put in a file.
    pub fn video(name: impl Into<String>, path: PathBuf) -> Self {
        Source::new(name.into(), Kind::Video(path))
    }

    fn new(name: String, kind: Kind) -> Self {
        Source {
            slug: slug(&name),
            name,
            kind,
        }
    }

    /// Where it is, or what it is called where it is no file.
    pub fn path(&self) -> &Path {
        match &self.kind {
            Kind::Video(path) | Kind::Image(path) => path,
            Kind::Stream(_) => Path::new(&self.name),
        }
    }

    /// What the file system says of the file: another stamp may be another file, the same is the same
    /// file as far as anyone can tell without reading it.
    pub fn stamp(&self) -> Option<String> {
        let (Kind::Video(path) | Kind::Image(path)) = &self.kind else {
            return None;
        };
        let facts = fs::metadata(path).ok()?;
        let changed = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(format!("{} bytes of {}", facts.len(), changed.as_nanos()))
    }

    /// SHA-256 of the file, or of the name of what is no file.
    pub fn digest(&self) -> Result<String> {
        match &self.kind {
            Kind::Video(path) | Kind::Image(path) => sha256_of(path),
            Kind::Stream(_) => Ok(hex(&Sha256::digest(&self.name))),
        }
    }
}

/// Every source that the words name, in a fixed order, each once.
///
/// A word is a file, a folder (searched with all its folders for video and images), a pattern with
/// `*`, `?` or `[…]`, or anything else that [`Input`] reads. A word that names nothing is an error;
/// standard input and devices are not taken here.
pub fn find(words: &[String]) -> Result<Vec<Source>> {
    let mut found: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut streams = Vec::new();
    for word in words {
        let input: Input = match word.parse() {
            Ok(input) => input,
            Err(never) => match never {},
        };
        match input {
            Input::Path(path) => {
                let before = found.len();
                let matches = matching(word, path)?;
                for path in &matches {
                    add(path, &mut found)?;
                }
                if found.len() == before && matches.iter().all(|path| path.is_dir()) {
                    return Err(Error::Unsupported {
                        what: format!("{word} holds no video and no images"),
                        hint: Some("name files, folders or patterns that do".into()),
                    });
                }
            }
            Input::Stdin => {
                return Err(Error::Unsupported {
                    what: "standard input is one source, and stands alone".into(),
                    hint: Some("give `-` as the only input".into()),
                });
            }
            input => {
                if !streams.contains(&input) {
                    streams.push(input);
                }
            }
        }
    }
    let mut sources: Vec<Source> = found
        .into_iter()
        .map(|(path, name)| {
            let kind = if is_image(&path) {
                Kind::Image
            } else {
                Kind::Video
            };
            Source::new(name, kind(path))
        })
        .collect();
    sources.extend(
        streams
            .into_iter()
            .map(|input| Source::new(input.to_string(), Kind::Stream(input))),
    );
    // By name, which is the same wherever the files are mounted: shards must agree on the order.
    sources.sort_by(|one, two| one.name.cmp(&two.name));
    distinct(&mut sources)?;
    Ok(sources)
}

/// The files and folders a word names.
fn matching(word: &str, path: PathBuf) -> Result<Vec<PathBuf>> {
    // A file whose name holds a star is still a file.
    if path.exists() {
        return Ok(vec![path]);
    }
    if !word.contains(['*', '?', '[']) {
        return Err(Error::Unsupported {
            what: format!("cannot open {word}: there is no such file or folder"),
            hint: None,
        });
    }
    let pattern = glob::glob(word).map_err(|error| Error::Unsupported {
        what: format!("{word} is no pattern: {error}"),
        hint: None,
    })?;
    let mut paths = Vec::new();
    for entry in pattern {
        paths.push(entry.map_err(|error| {
            let action = format!("read {}", error.path().display());
            Error::io(action)(error.into())
        })?);
    }
    if paths.is_empty() {
        return Err(Error::Unsupported {
            what: format!("nothing matches {word}"),
            hint: None,
        });
    }
    paths.sort();
    Ok(paths)
}

/// Adds a file, or every video and image in a folder and those inside it.
fn add(path: &Path, found: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    if !path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        found
            .entry(path.into())
            .or_insert_with(|| name.into_owned());
        return Ok(());
    }
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let reading = || Error::io(format!("read {}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(reading())? {
            let inside = entry.map_err(reading())?.path();
            let hidden = inside
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if hidden {
                continue;
            }
            // Links to folders are not followed: they may lead in circles.
            if inside.is_dir() {
                if !inside.is_symlink() {
                    folders.push(inside);
                }
            } else if is_video(&inside) || is_image(&inside) {
                let name = inside.strip_prefix(path).unwrap_or(&inside);
                let name = name.to_string_lossy().into_owned();
                found.entry(inside.clone()).or_insert(name);
            }
        }
    }
    Ok(())
}

/// Endings of files that hold video. Others are taken when they are named one by one.
const VIDEO_ENDINGS: [&str; 27] = [
    "mp4", "m4v", "mkv", "webm", "mov", "avi", "ts", "mts", "m2ts", "mpg", "mpeg", "vob", "flv",
    "ogv", "ogg", "wmv", "asf", "3gp", "3g2", "mxf", "y4m", "ivf", "h264", "264", "hevc", "265",
    "obu",
];

fn is_video(path: &Path) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| VIDEO_ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// Letters of the name that are kept.
const SLUG_LENGTH: usize = 40;

/// The last part of the name in plain letters, and a checksum of all of it, so that two files of the
/// same name in two folders stay apart.
fn slug(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let last = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let mut plain = String::new();
    for letter in last.chars().take(SLUG_LENGTH) {
        match letter {
            letter if letter.is_ascii_alphanumeric() => plain.push(letter),
            _ if plain.ends_with('-') || plain.is_empty() => {}
            _ => plain.push('-'),
        }
    }
    let plain = plain.trim_end_matches('-');
    let plain = if plain.is_empty() { "source" } else { plain };
    format!("{plain}-{:08x}", crc32fast::hash(name.as_bytes()))
}

/// Two sources of one name could not be told apart in the dataset.
fn distinct(sources: &mut [Source]) -> Result<()> {
    let twice = sources
        .windows(2)
        .find(|pair| pair[0].slug == pair[1].slug)
        .map(|pair| pair[0].name.clone());
    match twice {
        Some(name) => Err(Error::Unsupported {
            what: format!("two sources are called {name}"),
            hint: Some("name the folder above both, so that their names tell them apart".into()),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: PathBuf) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    }

    fn names(words: &[String]) -> Vec<String> {
        let sources = find(words).unwrap();
        sources.into_iter().map(|source| source.name).collect()
    }

    #[test]
    fn folders_are_searched_and_sorted_and_other_files_passed_over() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        for name in [
            "b.mp4",
            "a/c.MKV",
            "a/d.png",
            "a/notes.txt",
            ".hidden/e.mp4",
            "a/.f.mp4",
        ] {
            touch(root.join(name));
        }
        let word = root.display().to_string();
        assert_eq!(
            names(std::slice::from_ref(&word)),
            ["a/c.MKV", "a/d.png", "b.mp4"]
        );
        let pattern = format!("{word}/*.mp4");
        assert_eq!(names(&[pattern]), ["b.mp4"]);
        let odd = root.join("a/notes.txt").display().to_string();
        assert_eq!(
            names(&[odd, "lavfi:testsrc2".into()]),
            ["lavfi:testsrc2", "notes.txt"]
        );
    }

    #[test]
    fn what_names_nothing_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let word = place.path().display().to_string();
        for (words, expected) in [
            (vec![word.clone()], "no video"),
            (vec![format!("{word}/*.mp4")], "nothing matches"),
            (vec![format!("{word}/a.mp4")], "no such file"),
            (vec!["-".to_string()], "standard input"),
        ] {
            let error = find(&words).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn files_of_one_name_are_told_apart_or_refused() {
        let place = tempfile::tempdir().unwrap();
        touch(place.path().join("a/x.mp4"));
        touch(place.path().join("b/x.mp4"));
        let sources = find(&[place.path().display().to_string()]).unwrap();
        assert_ne!(sources[0].slug, sources[1].slug);
        let each = ["a", "b"].map(|folder| {
            place
                .path()
                .join(folder)
                .join("x.mp4")
                .display()
                .to_string()
        });
        let error = find(&each).unwrap_err();
        assert!(error.to_string().contains("x.mp4"), "{error}");
    }

    #[test]
    fn slugs_are_plain_and_short() {
        assert_eq!(
            slug("a/My film (2019)!.mkv"),
            format!(
                "My-film-2019-{:08x}",
                crc32fast::hash(b"a/My film (2019)!.mkv")
            )
        );
        assert!(slug("…").starts_with("source-"));
        assert!(slug(&"x".repeat(500)).len() < 64);
    }

    #[test]
    fn a_digest_is_that_of_the_bytes() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.mp4");
        fs::write(&path, b"abc").unwrap();
        assert_eq!(
            Source::video("a", path).digest().unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
