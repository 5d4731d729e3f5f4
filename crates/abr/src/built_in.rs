//! What comes with the crate by name, and files that stand in its place.

use std::path::Path;

use crate::Error;

/// Names, each with the text that comes with the crate.
pub(crate) type Texts = [(&'static str, &'static str)];

/// What the file of this name holds, where there is one.
pub(crate) fn file(name: &str) -> Result<Option<String>, Error> {
    let path = Path::new(name);
    if !path.is_file() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).map_err(|source| Error::read(path, source))?;
    Ok(Some(text))
}

/// The text of this name.
pub(crate) fn text(
    kind: &'static str,
    name: &str,
    texts: &'static Texts,
) -> Result<&'static str, Error> {
    let found = texts.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text).ok_or_else(|| {
        let names: Vec<&str> = texts.iter().map(|(known, _)| *known).collect();
        Error::Unknown {
            kind,
            name: name.into(),
            known: format!("{} and files", names.join(", ")),
        }
    })
}
