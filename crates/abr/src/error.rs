//! What can go wrong with traces, videos, players and policies.

use std::path::{Path, PathBuf};

/// Every failure of this crate. Messages are one line; `hint` says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read or written.
    #[error("cannot {verb} {path}: {source}", path = path.display())]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A trace that no link can have.
    #[error("{file}:{line}: {reason}")]
    Trace {
        /// The file, or the name of the trace.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A folder without traces.
    #[error("{path} holds no traces", path = path.display())]
    NoTraces {
        /// Which.
        path: PathBuf,
    },
    /// A table of chunk sizes, or a ladder, that no video can have.
    #[error("{file}:{line}: {reason}")]
    Video {
        /// The file, or the name of the video.
        file: String,
        /// The line, from 1; 1 too where no single line is at fault.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A setting that cannot be.
    #[error("{name}: {reason}")]
    Setting {
        /// Which: the file or the key.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that stands for nothing here.
    #[error("there is no {kind} {name:?}; there are {known}")]
    Unknown {
        /// What kind of thing.
        kind: &'static str,
        /// The name.
        name: String,
        /// Names that stand for something.
        known: String,
    },
    /// A quality table that cannot be.
    #[error("{file}: {reason}")]
    Quality {
        /// The file, or the name of the table.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A quality table of another ladder than the video's.
    #[error("the quality table {table} is of {rungs} kbit/s, and {video} has {found}")]
    OtherRungs {
        /// The table.
        table: String,
        /// Its ladder in kbit/s.
        rungs: String,
        /// Which video.
        video: String,
        /// Its ladder in kbit/s.
        found: String,
    },
    /// A device that lacks tiers which are asked for.
    #[error("the device {device} enhances with {has}, and the quality table is of {wants}")]
    OtherTiers {
        /// The device.
        device: String,
        /// Its tiers.
        has: String,
        /// Those of the table.
        wants: String,
    },
    /// A tier that is not there.
    #[error("{controller}: there is no tier {tier}; there are {known}")]
    NoTier {
        /// Who asks for it.
        controller: String,
        /// Which.
        tier: String,
        /// Those that are there.
        known: String,
    },
    /// A file that is no sound policy.
    #[error("{file}: {reason}")]
    Policy {
        /// Which.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A policy made for another ladder.
    #[error("{file}: the policy is for the ladder {policy}, and {video} has {found}")]
    OtherLadder {
        /// The policy's file.
        file: String,
        /// The policy's ladder in kbit/s.
        policy: String,
        /// Which video.
        video: String,
        /// Its ladder in kbit/s.
        found: String,
    },
}

impl Error {
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Error {
        Error::File {
            verb: "read",
            path: path.into(),
            source,
        }
    }

    pub(crate) fn setting(name: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Setting {
            name: name.into(),
            reason: one_line(&reason.into()),
        }
    }

    pub(crate) fn policy(file: &str, reason: impl Into<String>) -> Error {
        Error::Policy {
            file: file.into(),
            reason: one_line(&reason.into()),
        }
    }

    pub(crate) fn quality(file: &str, reason: impl Into<String>) -> Error {
        Error::Quality {
            file: file.into(),
            reason: one_line(&reason.into()),
        }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Trace { .. } => Some(
                "`nervure abr traces inspect FILE` says what it is read as; --format names the format"
                    .into(),
            ),
            Error::NoTraces { .. } => {
                Some("`nervure abr traces generate` makes some from a seed".into())
            }
            Error::Video { .. } => Some(
                "a video is JSON with segment_duration_ms, bitrates_kbps and segment_sizes_bits".into(),
            ),
            Error::OtherLadder { .. } => {
                Some("train a policy for this ladder with `nervure abr train`".into())
            }
            Error::File { verb: "read", source, .. }
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Some("is the path right? It counts from the folder that the command runs in".into())
            }
            Error::Setting { name, .. } if name.ends_with(".toml") => Some(
                "docs/abr.md says what such files hold".into(),
            ),
            Error::Policy { .. } => Some(
                "policies are what `nervure abr train` writes: is this one, and all of it?".into(),
            ),
            Error::Unknown {
                kind: "quality table" | "device" | "video" | "protocol",
                ..
            } => Some("if it is a file, is the path right?".into()),
            Error::Quality { .. } => {
                Some("`nervure abr ladder VIDEO --out FILE` measures a table".into())
            }
            Error::OtherRungs { rungs, .. } => Some(format!(
                "measure this ladder with `nervure abr ladder --rungs`, or name another video: \
                 --video constant:{}",
                rungs.replace('/', ",")
            )),
            Error::OtherTiers { .. } => {
                Some("name a device that has them with --device: a TOML file, with [[tiers]]".into())
            }
            Error::NoTier { .. } => {
                Some("tiers come with a table of their quality: --quality".into())
            }
            _ => None,
        }
    }
}

/// Text of parsers as one short line without anything that a terminal would obey.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
