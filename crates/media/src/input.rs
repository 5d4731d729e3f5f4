//! How a user names what is to be read.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where video comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file.
    Path(PathBuf),
    /// Something libav fetches: `https://…`, `rtsp://…`, `udp://…`.
    Url(String),
    /// Standard input.
    Stdin,
    /// A capture device or generator with a name of its own: `v4l2:/dev/video0`, `lavfi:testsrc2`.
    Format {
        /// libav's name of the input format.
        format: String,
        /// What that format opens.
        name: String,
    },
}

/// Input formats that are devices or generators: only these are taken from a `format:` prefix, so
/// that a file with a colon in its name stays a file.
const DEVICES: [&str; 16] = [
    "android_camera",
    "avfoundation",
    "bktr",
    "decklink",
    "dshow",
    "fbdev",
    "gdigrab",
    "iec61883",
    "kmsgrab",
    "lavfi",
    "libcdio",
    "libdc1394",
    "v4l2",
    "vfwcap",
    "video4linux2",
    "x11grab",
];

/// `-` is standard input, `lavfi:…` and the like name a device, `scheme://…` is a URL and everything
/// else a file; `./lavfi:x` names a file that looks like a device. Every string names something.
impl FromStr for Input {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if text == "-" {
            return Ok(Input::Stdin);
        }
        if let Some((format, name)) = text.split_once(':')
            && DEVICES.contains(&format)
        {
            return Ok(Input::Format {
                format: format.into(),
                name: name.into(),
            });
        }
        if let Some((scheme, _)) = text.split_once("://")
            && is_scheme(scheme)
        {
            return Ok(Input::Url(text.into()));
        }
        Ok(Input::Path(text.into()))
    }
}

/// RFC 3986, and libav's `scheme,option,value:` and `proto+proto:` forms of it.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_' | ',' | '='))
}

/// The name as the user would type it, for messages.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Path(path) => path.display().fmt(f),
            Input::Url(url) => f.write_str(url),
            Input::Stdin => f.write_str("standard input"),
            Input::Format { format, name } => write!(f, "{format}:{name}"),
        }
    }
}

impl From<PathBuf> for Input {
    fn from(path: PathBuf) -> Self {
        Input::Path(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Input {
        let Ok(input) = text.parse();
        input
    }

    #[test]
    fn names_say_what_they_are() {
        assert_eq!(parse("-"), Input::Stdin);
        assert_eq!(parse("clip.mp4"), Input::Path("clip.mp4".into()));
        assert_eq!(
            parse("https://host/a?b=c://d"),
            Input::Url("https://host/a?b=c://d".into())
        );
        assert_eq!(
            parse("lavfi:testsrc2=size=64x36,format=yuv420p"),
            Input::Format {
                format: "lavfi".into(),
                name: "testsrc2=size=64x36,format=yuv420p".into()
            }
        );
        assert_eq!(
            parse("v4l2:/dev/video0").to_string(),
            "v4l2:/dev/video0",
            "a name prints as it was typed"
        );
    }

    #[test]
    fn odd_file_names_stay_files() {
        for name in [
            "",
            "a:b.mp4",
            "C:\\clip.mp4",
            "./lavfi:x",
            "12:30://x",
            "://x",
        ] {
            assert_eq!(parse(name), Input::Path(name.into()), "{name}");
        }
    }
}
