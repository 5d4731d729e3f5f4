//! Losses that were measured.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::refused;
use crate::{Error, Result};

/// Larger files are no lists of packets: this is a day of video.
const MOST_BYTES: u64 = 64 << 20;

/// What became of each packet of a recording, in order.
///
/// A trace is a text with a `1` or the word `lost` for each packet that was lost, and a `0` or
/// `received` for each that arrived. Words are set apart by spaces, commas or line ends, digits may
/// stand together, and the rest of a line after `#` is a remark:
///
/// ```text
/// # a call over mobile data
/// 0000000011000
/// received, lost, received
/// ```
#[derive(Clone, Debug)]
pub struct LossTrace {
    /// Where it was read; empty when it came from no file.
    path: PathBuf,
    lost: Arc<[bool]>,
}

impl LossTrace {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |source| Error::Io {
            action: format!("read {}", path.display()),
            source,
        };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
        if read.map_err(failed)? as u64 > MOST_BYTES {
            return Err(Error::Corrupt {
                path: path.to_owned(),
                reason: format!("a list of packets has at most {} MiB", MOST_BYTES >> 20),
            });
        }
        let lost = parse(&bytes).map_err(|reason| Error::Corrupt {
            path: path.to_owned(),
            reason,
        })?;
        Ok(LossTrace {
            path: path.to_owned(),
            lost,
        })
    }

    /// Where it was read, if from a file.
    pub fn path(&self) -> Option<&Path> {
        (!self.path.as_os_str().is_empty()).then_some(&self.path)
    }

    /// How many packets it lists; never zero.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.lost.len()
    }

    /// Share of its packets that were lost.
    pub fn rate(&self) -> f64 {
        let lost = self.lost.iter().filter(|lost| **lost).count();
        lost as f64 / self.lost.len() as f64
    }

    /// A number that two traces share only when they list the same: a file may change under its
    /// name.
    pub fn fingerprint(&self) -> u32 {
        let mut hash = crc32fast::Hasher::new();
        for lost in &*self.lost {
            hash.update(&[u8::from(*lost)]);
        }
        hash.finalize()
    }

    pub(super) fn is_lost(&self, packet: usize) -> bool {
        self.lost[packet % self.lost.len()]
    }
}

/// Two traces are one when they list the same.
impl PartialEq for LossTrace {
    fn eq(&self, other: &Self) -> bool {
        self.lost == other.lost
    }
}

/// From the text itself.
impl FromStr for LossTrace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lost = parse(text.as_bytes()).map_err(|reason| {
            refused(
                format!("not a loss trace: {reason}"),
                "write 0 for each packet that arrives, 1 for each that is lost",
            )
        })?;
        Ok(LossTrace {
            path: PathBuf::new(),
            lost,
        })
    }
}

fn parse(text: &[u8]) -> Result<Arc<[bool]>, String> {
    let mut lost = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let said = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let words = said.split(|byte| byte.is_ascii_whitespace() || *byte == b',');
        for word in words.filter(|word| !word.is_empty()) {
            if word.eq_ignore_ascii_case(b"lost") {
                lost.push(true);
            } else if word.eq_ignore_ascii_case(b"received") {
                lost.push(false);
            } else if word.iter().all(|byte| matches!(byte, b'0' | b'1')) {
                lost.extend(word.iter().map(|byte| *byte == b'1'));
            } else {
                let start = &word[..word.len().min(20)];
                return Err(format!(
                    "line {} says {:?}, which is neither 0, 1, received nor lost",
                    number + 1,
                    String::from_utf8_lossy(start)
                ));
            }
        }
    }
    if lost.is_empty() {
        return Err("it lists no packet".into());
    }
    Ok(lost.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Vec<bool> {
        text.parse::<LossTrace>().unwrap().lost.to_vec()
    }

    #[test]
    fn digits_and_words_say_the_same() {
        let digits = listed("0011\r\n0");
        assert_eq!(digits, [false, false, true, true, false]);
        assert_eq!(listed("0 0,1\t1 # 111\n# 1\n0\n"), digits);
        assert_eq!(listed("received Received lost,LOST\nreceived"), digits);
    }

    #[test]
    fn what_is_no_trace_is_refused_with_its_line() {
        for (text, wanted) in [
            ("", "lists no packet"),
            (" \n# 1\n,,", "lists no packet"),
            ("0\n012", "line 2 says \"012\""),
            ("0.02", "line 1 says \"0.02\""),
            ("0;1", "neither 0, 1, received nor lost"),
            ("-1", "line 1"),
            ("0\0", "line 1"),
            ("lostlost", "line 1"),
            ("\u{feff}0", "line 1"),
            ("１", "line 1"),
        ] {
            let error = text.parse::<LossTrace>().unwrap_err();
            let message = error.to_string();
            assert!(message.contains(wanted), "{text:?}: {message}");
            assert_eq!(message.lines().count(), 1);
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_file_says_what_it_is_and_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.txt");
        std::fs::write(&path, "0001").unwrap();
        let trace = LossTrace::read(&path).unwrap();
        assert_eq!(
            (trace.path(), trace.len(), trace.rate()),
            (Some(&*path), 4, 0.25)
        );
        assert_eq!(trace, "0 0 0 1".parse().unwrap());
        std::fs::write(&path, "0011").unwrap();
        let other = LossTrace::read(&path).unwrap();
        assert_ne!(trace.fingerprint(), other.fingerprint());
        std::fs::write(&path, b"01\xff").unwrap();
        let error = LossTrace::read(&path).unwrap_err().to_string();
        assert!(error.contains("call.txt is damaged: line 1"), "{error}");
        assert!(LossTrace::read(folder.path()).is_err());
        assert!(LossTrace::read(&folder.path().join("none")).is_err());
    }
}
