//! What kinds of file there are, and what sets each apart.

use std::path::Path;

use crate::av::format_out::Format;
use crate::{Error, Result};

/// A container that libav writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Container {
    pub(crate) format: Format,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// MP4 and all that grew from QuickTime's files.
    Mov,
    Matroska,
    /// Matroska with few codecs.
    WebM,
    Other,
}

impl Container {
    /// By the ending of its files or by libav's name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        crate::av::init();
        // Endings come first: "m4v" is also libav's name for a stream without container.
        Format::by_extension(name)
            .or_else(|| Format::by_name(name))
            .filter(|format| !format.is_fileless())
            .map(Container::new)
            .ok_or_else(|| Error::Unsupported {
                what: format!("no container is called {name:?}"),
                hint: Some("name the output .mp4, .mkv, .webm or .mov".into()),
            })
    }

    /// By the ending of a file's name.
    pub(crate) fn of_path(path: &Path) -> Result<Self> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some(ending) => Container::named(ending),
            None => Err(Error::Unsupported {
                what: format!(
                    "{} does not say which container it shall be",
                    path.display()
                ),
                hint: Some("name the output .mp4, .mkv, .webm or .mov".into()),
            }),
        }
    }

    fn new(format: Format) -> Self {
        let family = match format.name().as_str() {
            "mov" | "mp4" | "ipod" | "3gp" | "3g2" | "psp" | "ismv" | "f4v" | "avif" => Family::Mov,
            "matroska" => Family::Matroska,
            "webm" => Family::WebM,
            _ => Family::Other,
        };
        Container { format, family }
    }

    pub(crate) fn name(self) -> String {
        self.format.name()
    }

    pub(crate) fn is_mov(self) -> bool {
        self.family == Family::Mov
    }

    pub(crate) fn is_matroska(self) -> bool {
        matches!(self.family, Family::Matroska | Family::WebM)
    }

    pub(crate) fn is_webm(self) -> bool {
        self.family == Family::WebM
    }

    /// It can carry files: fonts, and cover art as files.
    pub(crate) fn holds_attachments(self) -> bool {
        self.family == Family::Matroska
    }

    /// It can carry cover art as a stream of one picture.
    pub(crate) fn holds_picture_streams(self) -> bool {
        // Of the family only these two have a place for it.
        matches!(self.name().as_str(), "mp4" | "ipod")
    }

    /// Subtitles that are text but none of its own kinds become this.
    pub(crate) fn text_subtitles(self) -> Option<&'static str> {
        match self.family {
            Family::Mov => Some("mov_text"),
            Family::Matroska => Some("srt"),
            Family::WebM => Some("webvtt"),
            Family::Other => None,
        }
    }

    /// Times before zero are kept.
    pub(crate) fn holds_negative_times(self) -> bool {
        !self.is_matroska()
    }

    /// Whether times reach the file as they are; elsewhere libav moves them as it sees fit.
    pub(crate) fn keeps_times(self) -> bool {
        self.family != Family::Other
    }
}

/// Whether a container (by ending or libav's name) tells players to turn the picture. Where it does
/// not, the picture itself must be turned.
pub fn container_keeps_rotation(container: &str) -> bool {
    Container::named(container).is_ok_and(Container::is_mov)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_known_by_ending_and_by_name() {
        assert!(Container::named("matroska").unwrap().is_matroska());
        assert!(
            Container::of_path(Path::new("a/b.MKV"))
                .unwrap()
                .is_matroska()
        );
        assert!(Container::named("m4v").unwrap().is_mov());
        assert!(Container::named("webm").unwrap().is_webm());
        assert!(container_keeps_rotation("mov"));
        assert!(!container_keeps_rotation("mkv"));
        for name in ["nothing", "", "sdl", "caca"] {
            assert!(Container::named(name).is_err(), "{name}");
        }
        let error = Container::of_path(Path::new("clip")).unwrap_err();
        assert!(error.hint().unwrap().contains(".mkv"));
    }
}
