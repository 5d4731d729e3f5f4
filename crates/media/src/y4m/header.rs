//! The line that says what the pictures of a stream are.

use std::fmt::Write as _;
use std::str::FromStr;

use nervure_frame::{BitDepth, Chroma, ChromaLocation, Colour, PictureFormat, Range};

use super::MAGIC;
use crate::describe::{MAX_SAMPLES, MAX_SIDE};
use crate::{Error, Result};

/// Whether the rows of a picture belong to one moment or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Interlacing {
    /// Nobody says; nearly always one.
    #[default]
    Unknown,
    /// One moment.
    Progressive,
    /// Two, the upper row first.
    TopFirst,
    /// Two, the lower row first.
    BottomFirst,
    /// Every picture says for itself.
    Mixed,
}

/// What the pictures of a Y4M stream are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Y4mHeader {
    /// Size, subsampling and depth of the frames.
    pub format: PictureFormat,
    /// Only luma is stored; frames get neutral 4:2:0 chroma.
    pub mono: bool,
    /// Frames in a second, where known.
    pub frame_rate: Option<(u32, u32)>,
    /// Width to height of one sample; 1:1 when unknown.
    pub sample_aspect: (u32, u32),
    /// Whether the rows of a picture belong together.
    pub interlacing: Interlacing,
    /// Y4M knows the range and where chroma sits, nothing else about colour.
    pub colour: Colour,
}

impl Y4mHeader {
    /// A header for progressive pictures.
    pub fn new(format: PictureFormat) -> Self {
        Y4mHeader {
            format,
            mono: false,
            frame_rate: None,
            sample_aspect: (1, 1),
            interlacing: Interlacing::Progressive,
            colour: Colour::UNSPECIFIED,
        }
    }

    /// Reads a header line, without its line feed.
    pub fn parse(line: &[u8]) -> Result<Self> {
        let text =
            std::str::from_utf8(line).map_err(|_| Error::Y4m("its header is not text".into()))?;
        let mut fields = text.split(' ').filter(|field| !field.is_empty());
        if fields.next().map(str::as_bytes) != Some(MAGIC) {
            return Err(Error::Y4m("it does not begin with YUV4MPEG2".into()));
        }
        let (mut width, mut height) = (None, None);
        let (mut space, mut old_space) = (None, None);
        let mut header = Y4mHeader {
            interlacing: Interlacing::Unknown,
            ..Y4mHeader::new(PictureFormat::new(1, 1, Chroma::C420, BitDepth::Eight))
        };
        for field in fields {
            let mut characters = field.chars();
            let tag = characters.next();
            let value = characters.as_str();
            match tag {
                Some('W') => width = Some(side("width", value)?),
                Some('H') => height = Some(side("height", value)?),
                Some('F') => header.frame_rate = ratio("frame rate", value)?,
                Some('A') => header.sample_aspect = ratio("aspect ratio", value)?.unwrap_or((1, 1)),
                Some('I') => header.interlacing = interlacing(value)?,
                Some('C') => space = Some(Space::parse(value)?),
                Some('X') => {
                    if let Some(value) = value.strip_prefix("YSCSS=") {
                        // What programs wrote before there was a `C`; the `C` counts.
                        old_space = Space::parse(&value.to_ascii_lowercase()).ok();
                    } else if value == "COLORRANGE=FULL" {
                        header.colour.range = Range::Full;
                    } else if value == "COLORRANGE=LIMITED" {
                        header.colour.range = Range::Limited;
                    }
                }
                // The format asks readers to pass over what they do not know.
                _ => {}
            }
        }
        let (Some(width), Some(height)) = (width, height) else {
            return Err(Error::Y4m("its header has no size".into()));
        };
        if width * height > MAX_SAMPLES {
            return Err(Error::Y4m(format!(
                "its pictures are {width}x{height}, which is too large"
            )));
        }
        let space = space.or(old_space).unwrap_or(Space::JPEG);
        header.format = PictureFormat::new(width, height, space.chroma, space.depth);
        header.mono = space.mono;
        header.colour.location = space.location;
        Ok(header)
    }

    /// The header line, with its line feed.
    pub fn line(&self) -> String {
        let PictureFormat {
            width,
            height,
            chroma,
            depth,
        } = self.format;
        let mut line = format!("YUV4MPEG2 W{width} H{height}");
        // Writing into a string cannot fail.
        if let Some((num, den)) = self.frame_rate {
            let _ = write!(line, " F{num}:{den}");
        }
        line.push_str(match self.interlacing {
            Interlacing::Unknown => " I?",
            Interlacing::Progressive => " Ip",
            Interlacing::TopFirst => " It",
            Interlacing::BottomFirst => " Ib",
            Interlacing::Mixed => " Im",
        });
        let _ = write!(line, " A{}:{}", self.sample_aspect.0, self.sample_aspect.1);
        line.push_str(match (self.mono, chroma, depth) {
            (true, _, BitDepth::Eight) => " Cmono",
            (true, _, BitDepth::Ten) => " Cmono10",
            (_, Chroma::C420, BitDepth::Eight) => match self.colour.location {
                ChromaLocation::Centre => " C420jpeg",
                ChromaLocation::TopLeft => " C420paldv",
                _ => " C420mpeg2",
            },
            (_, Chroma::C422, BitDepth::Eight) => " C422",
            (_, Chroma::C444, BitDepth::Eight) => " C444",
            // Programs that do not know `C420p10` read the older tag.
            (_, Chroma::C420, BitDepth::Ten) => " C420p10 XYSCSS=420P10",
            (_, Chroma::C422, BitDepth::Ten) => " C422p10 XYSCSS=422P10",
            (_, Chroma::C444, BitDepth::Ten) => " C444p10 XYSCSS=444P10",
        });
        line.push_str(match self.colour.range {
            Range::Unspecified => "",
            Range::Limited => " XCOLORRANGE=LIMITED",
            Range::Full => " XCOLORRANGE=FULL",
        });
        line.push('\n');
        line
    }

    /// libav's name of what is stored.
    pub(crate) fn pixels(&self) -> &'static str {
        match (self.mono, self.format.chroma, self.format.depth) {
            (true, _, BitDepth::Eight) => "gray",
            (true, _, BitDepth::Ten) => "gray10le",
            (_, Chroma::C420, BitDepth::Eight) => "yuv420p",
            (_, Chroma::C422, BitDepth::Eight) => "yuv422p",
            (_, Chroma::C444, BitDepth::Eight) => "yuv444p",
            (_, Chroma::C420, BitDepth::Ten) => "yuv420p10le",
            (_, Chroma::C422, BitDepth::Ten) => "yuv422p10le",
            (_, Chroma::C444, BitDepth::Ten) => "yuv444p10le",
        }
    }

    /// Planes that are stored.
    pub(super) fn planes(&self) -> usize {
        if self.mono { 1 } else { 3 }
    }

    /// Bytes of one picture.
    pub(crate) fn frame_bytes(&self) -> u64 {
        let samples: u64 = (0..self.planes())
            .map(|plane| self.format.plane_size(plane))
            .map(|(width, height)| width as u64 * height as u64)
            .sum();
        samples * self.format.depth.bits().div_ceil(8) as u64
    }
}

/// What a `C` field says.
#[derive(Clone, Copy)]
struct Space {
    chroma: Chroma,
    depth: BitDepth,
    mono: bool,
    location: ChromaLocation,
}

impl Space {
    /// What a stream without a `C` field holds.
    const JPEG: Space = Space {
        chroma: Chroma::C420,
        depth: BitDepth::Eight,
        mono: false,
        location: ChromaLocation::Centre,
    };

    fn parse(text: &str) -> Result<Self> {
        use BitDepth::{Eight, Ten};
        let (chroma, depth, mono, location) = match text {
            "420jpeg" | "420" => (Chroma::C420, Eight, false, ChromaLocation::Centre),
            "420mpeg2" => (Chroma::C420, Eight, false, ChromaLocation::Left),
            "420paldv" => (Chroma::C420, Eight, false, ChromaLocation::TopLeft),
            "422" => (Chroma::C422, Eight, false, ChromaLocation::Unspecified),
            "444" => (Chroma::C444, Eight, false, ChromaLocation::Unspecified),
            "420p10" => (Chroma::C420, Ten, false, ChromaLocation::Unspecified),
            "422p10" => (Chroma::C422, Ten, false, ChromaLocation::Unspecified),
            "444p10" => (Chroma::C444, Ten, false, ChromaLocation::Unspecified),
            "mono" => (Chroma::C420, Eight, true, ChromaLocation::Unspecified),
            "mono10" => (Chroma::C420, Ten, true, ChromaLocation::Unspecified),
            _ => {
                return Err(Error::Unsupported {
                    what: format!("Y4M pictures of kind {} are not supported", quoted(text)),
                    hint: Some("use 4:2:0, 4:2:2 or 4:4:4 with 8 or 10 bits".into()),
                });
            }
        };
        Ok(Space {
            chroma,
            depth,
            mono,
            location,
        })
    }
}

/// Digits and nothing else: Rust's own parser allows a plus.
fn number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn side(what: &str, text: &str) -> Result<usize> {
    match number(text) {
        Some(0) => Err(Error::Y4m(format!("its pictures have no {what}"))),
        Some(side) if side <= MAX_SIDE => Ok(side),
        Some(side) => Err(Error::Y4m(format!("its {what} of {side} is too large"))),
        None => Err(Error::Y4m(format!(
            "its {what} is {}, which is not a number",
            quoted(text)
        ))),
    }
}

/// `num:den`; none when either is zero, which says "unknown".
fn ratio(what: &str, text: &str) -> Result<Option<(u32, u32)>> {
    let parts = text.split_once(':');
    let numbers = parts.and_then(|(num, den)| Some((number(num)?, number(den)?)));
    match numbers {
        Some((0, _) | (_, 0)) => Ok(None),
        Some(numbers) => Ok(Some(numbers)),
        None => Err(Error::Y4m(format!(
            "its {what} is {}, which is not a ratio",
            quoted(text)
        ))),
    }
}

fn interlacing(text: &str) -> Result<Interlacing> {
    match text {
        "?" => Ok(Interlacing::Unknown),
        "p" => Ok(Interlacing::Progressive),
        "t" => Ok(Interlacing::TopFirst),
        "b" => Ok(Interlacing::BottomFirst),
        "m" => Ok(Interlacing::Mixed),
        _ => Err(Error::Y4m(format!(
            "its interlacing is {}, which means nothing",
            quoted(text)
        ))),
    }
}

/// Text from outside, short and printable.
fn quoted(text: &str) -> String {
    let short: String = text.escape_debug().take(40).collect();
    format!("\"{short}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_it_says() {
        let header = Y4mHeader::parse(
            b"YUV4MPEG2 W719 H481 F30000:1001 Ip A8:9 C420p10 XYSCSS=420P10 XCOLORRANGE=FULL Xfoo Zbar",
        )
        .unwrap();
        assert_eq!(
            header.format,
            PictureFormat::new(719, 481, Chroma::C420, BitDepth::Ten)
        );
        assert_eq!(header.frame_rate, Some((30_000, 1001)));
        assert_eq!(header.sample_aspect, (8, 9));
        assert_eq!(header.interlacing, Interlacing::Progressive);
        assert_eq!(header.colour.range, Range::Full);
        assert_eq!(header.frame_bytes(), (719 * 481 + 2 * 360 * 241) * 2);
    }

    #[test]
    fn what_is_not_said_is_the_usual() {
        let header = Y4mHeader::parse(b"YUV4MPEG2 W4 H2").unwrap();
        assert_eq!(
            header.format,
            PictureFormat::new(4, 2, Chroma::C420, BitDepth::Eight)
        );
        assert_eq!(header.colour.location, ChromaLocation::Centre);
        assert_eq!(header.frame_rate, None);
        assert_eq!(header.sample_aspect, (1, 1));
        let unknown = Y4mHeader::parse(b"YUV4MPEG2 W4 H2 F0:0 A0:0 I? Cmono").unwrap();
        assert_eq!((unknown.frame_rate, unknown.sample_aspect), (None, (1, 1)));
        assert!(unknown.mono);
        let old = Y4mHeader::parse(b"YUV4MPEG2 W4 H2 XYSCSS=444").unwrap();
        assert_eq!(old.format.chroma, Chroma::C444);
    }

    #[test]
    fn a_written_header_reads_back() {
        for chroma in [Chroma::C420, Chroma::C422, Chroma::C444] {
            for depth in [BitDepth::Eight, BitDepth::Ten] {
                let mut header = Y4mHeader::new(PictureFormat::new(33, 17, chroma, depth));
                header.frame_rate = Some((24_000, 1001));
                header.sample_aspect = (4, 3);
                header.colour.range = Range::Limited;
                if (chroma, depth) == (Chroma::C420, BitDepth::Eight) {
                    header.colour.location = ChromaLocation::TopLeft;
                }
                let line = header.line();
                let parsed = Y4mHeader::parse(line.trim_end().as_bytes()).unwrap();
                assert_eq!(parsed, header, "{line}");
            }
        }
    }

    #[test]
    fn malformed_headers_are_refused_in_one_line() {
        for line in [
            "",
            "YUV4MPEG",
            "YUV4MPEG2",
            "YUV4MPEG2 W4",
            "YUV4MPEG2 H4",
            "YUV4MPEG2 W0 H4",
            "YUV4MPEG2 W4 H0",
            "YUV4MPEG2 W-4 H4",
            "YUV4MPEG2 W4 H99999999999999999999999",
            "YUV4MPEG2 W16385 H16",
            "YUV4MPEG2 W4 H4 F25",
            "YUV4MPEG2 W4 H4 F25:x",
            "YUV4MPEG2 W4 H4 A1:-1",
            "YUV4MPEG2 W4 H4 Ix",
            "YUV4MPEG2 W4 H4 I",
            "YUV4MPEG2 W4 H4 C420p12",
            "YUV4MPEG2 W4 H4 C\u{1b}[31m",
        ] {
            let message = Y4mHeader::parse(line.as_bytes()).unwrap_err().to_string();
            assert!(
                !message.chars().any(char::is_control),
                "{line:?}: {message:?}"
            );
        }
        assert!(Y4mHeader::parse(b"YUV4MPEG2 W4 H4 \xff").is_err());
    }
}
