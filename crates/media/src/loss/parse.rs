//! Loss models as users type them.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::{LossModel, LossTrace, refused, share};
use crate::{Error, Result};

/// Packets in a burst where the user does not say: about what a drop-tail queue that overflows
/// takes.
const USUAL_LENGTH: f64 = 4.0;

const FORMS: &str =
    "write a share as in 0.02, burst:0.02, burst:rate=0.02,length=4, trace:FILE or none";

impl fmt::Display for LossModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LossModel::None => f.write_str("none"),
            LossModel::Independent { rate } => write!(f, "{rate}"),
            LossModel::Bursty { p, r, good, bad } => {
                write!(f, "burst:p={p},r={r},good={good},bad={bad}")
            }
            LossModel::Trace(trace) => match trace.path() {
                Some(path) => write!(f, "trace:{}", path.display()),
                None => f.write_str("trace"),
            },
        }
    }
}

/// A trace's file is read at once.
impl FromStr for LossModel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let model = match text.split_once(':') {
            Some(("trace", file)) if !file.is_empty() => {
                LossModel::Trace(LossTrace::read(Path::new(file))?)
            }
            Some(("burst", numbers)) => burst(numbers)?,
            None if text == "none" => LossModel::None,
            None => match number("rate", text)? {
                0.0 => LossModel::None,
                rate => LossModel::Independent { rate },
            },
            Some(_) => return Err(refused(format!("no loss is called {text:?}"), FORMS)),
        };
        model.check()?;
        Ok(model)
    }
}

fn burst(text: &str) -> Result<LossModel> {
    if !text.contains('=') {
        return LossModel::bursts(number("rate", text)?, USUAL_LENGTH);
    }
    let mut given: Vec<(&str, f64)> = Vec::new();
    for part in text.split(',') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = name.trim();
        if !["rate", "length", "p", "r", "good", "bad"].contains(&name) {
            return Err(refused(format!("bursts have no {name:?}"), FORMS));
        }
        if given.iter().any(|(other, _)| *other == name) {
            return Err(refused(format!("{name} is given twice"), FORMS));
        }
        given.push((name, number(name, value)?));
    }
    let find = |name: &str| {
        given
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| *value)
    };
    match (find("rate"), find("p"), find("r")) {
        (Some(rate), None, None) if find("good").or(find("bad")).is_none() => {
            LossModel::bursts(rate, find("length").unwrap_or(USUAL_LENGTH))
        }
        (None, Some(p), Some(r)) if find("length").is_none() => Ok(LossModel::Bursty {
            p,
            r,
            good: find("good").unwrap_or(0.0),
            bad: find("bad").unwrap_or(1.0),
        }),
        _ => Err(refused(
            format!("bursts need rate and length, or p and r, not {text:?}"),
            FORMS,
        )),
    }
}

/// A number; a share also as a percentage.
fn number(name: &str, text: &str) -> Result<f64> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix('%') {
        Some(digits) if name != "length" => (digits, 100.0),
        _ => (text, 1.0),
    };
    let value: f64 = digits
        .trim()
        .parse()
        .map_err(|_| refused(format!("{text:?} is no loss {name}"), FORMS))?;
    let value = value / unit;
    if name != "length" {
        share(name, value)?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_read_as_they_are_typed() {
        for (text, model) in [
            ("none", LossModel::None),
            ("0", LossModel::None),
            ("0.02", LossModel::Independent { rate: 0.02 }),
            (" 2 % ", LossModel::Independent { rate: 0.02 }),
            ("burst:0.02", LossModel::bursts(0.02, 4.0).unwrap()),
            (
                "burst:rate=5%,length=2.5",
                LossModel::bursts(0.05, 2.5).unwrap(),
            ),
            (
                "burst:length=3, rate=0.1",
                LossModel::bursts(0.1, 3.0).unwrap(),
            ),
            (
                "burst:p=0.01,r=0.5,bad=0.8",
                LossModel::Bursty {
                    p: 0.01,
                    r: 0.5,
                    good: 0.0,
                    bad: 0.8,
                },
            ),
        ] {
            let read: LossModel = text.parse().unwrap();
            assert_eq!(read, model, "{text}");
            assert_eq!(
                read.to_string().parse::<LossModel>().unwrap(),
                model,
                "{text}"
            );
        }
    }

    #[test]
    fn a_trace_is_named_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a call: one.txt");
        std::fs::write(&path, "00010").unwrap();
        let text = format!("trace:{}", path.display());
        let model: LossModel = text.parse().unwrap();
        assert_eq!(model.rate(), 0.2);
        assert_eq!(model.to_string(), text);
    }

    #[test]
    fn what_is_no_model_is_refused_in_one_line() {
        for text in [
            "",
            "2",
            "-0.1",
            "nan",
            "inf",
            "101%",
            "two",
            "0.02,0.03",
            "burst",
            "burst:",
            "burst:2",
            "burst:rate=0.02,length=0",
            "burst:rate=0.02,length=400%",
            "burst:rate=0.02,rate=0.02",
            "burst:rate=0.02,p=0.1,r=0.1",
            "burst:p=0.1",
            "burst:p=0.1,r=0.2,length=4",
            "burst:p=0,r=0",
            "burst:rate=",
            "burst:rate=0.02,",
            "burst:depth=2",
            "burst:rate=0.95,length=2",
            "trace",
            "trace:",
            "trace:/no/such/file",
            "gilbert:0.1",
            "trace:/",
        ] {
            let error = text.parse::<LossModel>().unwrap_err();
            assert_eq!(error.to_string().lines().count(), 1, "{text}");
            let io = matches!(error, Error::Io { .. } | Error::Corrupt { .. });
            assert!(io || error.hint().is_some(), "{text}: {error}");
        }
    }
}
