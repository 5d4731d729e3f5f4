//! Which codecs can be written, and by what.

use std::fmt;
use std::str::FromStr;

use nervure_frame::{BitDepth, Chroma, PictureFormat};

use crate::av::ffi;
use crate::{Error, Result};

/// A video codec that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Codec {
    /// H.264, by libx264: plays everywhere.
    #[default]
    H264,
    /// H.265, by libx265.
    Hevc,
    /// VP8, by libvpx: 4:2:0 in 8 bits only.
    Vp8,
    /// VP9, by libvpx.
    Vp9,
    /// AV1, by SVT-AV1, else by libaom.
    Av1,
    /// FFV1, lossless, every picture by itself.
    Ffv1,
}

impl Codec {
    /// All of them.
    pub const ALL: [Codec; 6] = [
        Codec::H264,
        Codec::Hevc,
        Codec::Vp8,
        Codec::Vp9,
        Codec::Av1,
        Codec::Ffv1,
    ];

    /// libav's name of it, which is also what users type.
    pub fn name(self) -> &'static str {
        match self {
            Codec::H264 => "h264",
            Codec::Hevc => "hevc",
            Codec::Vp8 => "vp8",
            Codec::Vp9 => "vp9",
            Codec::Av1 => "av1",
            Codec::Ffv1 => "ffv1",
        }
    }

    /// libav's number of it.
    pub(crate) fn id(self) -> ffi::AVCodecID {
        match self {
            Codec::H264 => ffi::AVCodecID::H264,
            Codec::Hevc => ffi::AVCodecID::HEVC,
            Codec::Vp8 => ffi::AVCodecID::VP8,
            Codec::Vp9 => ffi::AVCodecID::VP9,
            Codec::Av1 => ffi::AVCodecID::AV1,
            Codec::Ffv1 => ffi::AVCodecID::FFV1,
        }
    }

    /// Width and height must be multiples of these. H.264 and HEVC count whole chroma samples; the
    /// others round up by themselves.
    pub fn size_step(self, chroma: Chroma) -> (usize, usize) {
        match self {
            Codec::H264 | Codec::Hevc => {
                let (horizontal, vertical) = chroma.shift();
                (1 << horizontal, 1 << vertical)
            }
            Codec::Vp8 | Codec::Vp9 | Codec::Av1 | Codec::Ffv1 => (1, 1),
        }
    }

    /// Whether it holds pictures of this subsampling and depth, in whatever size.
    pub fn holds(self, chroma: Chroma, depth: BitDepth) -> bool {
        self != Codec::Vp8 || (chroma == Chroma::C420 && depth == BitDepth::Eight)
    }

    /// The encoder in the linked libav that writes pictures of this format, or what is missing.
    pub(super) fn encoder(
        self,
        format: PictureFormat,
        available: impl Fn(&str) -> bool,
    ) -> Result<&'static str> {
        if !self.holds(format.chroma, format.depth) {
            return Err(Error::Unsupported {
                what: format!("{self} cannot hold {format}: it knows only 4:2:0 in 8 bits"),
                hint: Some("choose another --codec".into()),
            });
        }
        let (across, down) = self.size_step(format.chroma);
        if !format.width.is_multiple_of(across) || !format.height.is_multiple_of(down) {
            return Err(Error::Unsupported {
                what: format!(
                    "{self} cannot hold {format}: {}",
                    if down > 1 {
                        "width and height must be even"
                    } else {
                        "width must be even"
                    }
                ),
                hint: Some("choose another size, or --codec vp9, av1 or ffv1".into()),
            });
        }
        if self == Codec::Hevc && format.width.min(format.height) < HEVC_SMALLEST {
            return Err(Error::Unsupported {
                what: format!("{self} cannot hold {format}: no side may be under {HEVC_SMALLEST}"),
                hint: Some("choose another --codec".into()),
            });
        }
        let able = self.encoders().iter().filter(|name| takes(name, format));
        let (mut found, mut missing) = (None, Vec::new());
        for name in able {
            match available(name) {
                true => found = found.or(Some(*name)),
                false => missing.push(*name),
            }
        }
        found.ok_or_else(|| Error::Unsupported {
            what: format!(
                "this FFmpeg has no encoder for {self} {format} ({} missing)",
                missing.join(" and ")
            ),
            hint: Some(format!(
                "install an FFmpeg built with {}, or choose another --codec",
                missing.first().copied().unwrap_or_default()
            )),
        })
    }

    /// In order of preference.
    fn encoders(self) -> &'static [&'static str] {
        match self {
            Codec::H264 => &["libx264"],
            Codec::Hevc => &["libx265"],
            Codec::Vp8 => &["libvpx"],
            Codec::Vp9 => &["libvpx-vp9"],
            Codec::Av1 => &["libsvtav1", "libaom-av1"],
            Codec::Ffv1 => &["ffv1"],
        }
    }
}

/// libx265 takes 16, but then its smallest coding unit is a whole side: see [`super::small`].
const HEVC_SMALLEST: usize = 17;

/// SVT-AV1 takes only 4:2:0 of even sizes from 64x64; every other encoder takes every format that
/// frames have and its codec holds.
fn takes(encoder: &str, format: PictureFormat) -> bool {
    encoder != "libsvtav1"
        || (format.chroma == Chroma::C420
            && format.width.min(format.height) >= 64
            && format.width.is_multiple_of(2)
            && format.height.is_multiple_of(2)
            && matches!(format.depth, BitDepth::Eight | BitDepth::Ten))
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Codec::H264 => "H.264",
            Codec::Hevc => "HEVC",
            Codec::Vp8 => "VP8",
            Codec::Vp9 => "VP9",
            Codec::Av1 => "AV1",
            Codec::Ffv1 => "FFV1",
        })
    }
}

/// By its name, a common other name, or that of its encoder.
impl FromStr for Codec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "h264" | "h.264" | "avc" | "x264" | "libx264" => Ok(Codec::H264),
            "hevc" | "h265" | "h.265" | "x265" | "libx265" => Ok(Codec::Hevc),
            "vp8" | "libvpx" => Ok(Codec::Vp8),
            "vp9" | "libvpx-vp9" => Ok(Codec::Vp9),
            "av1" | "libsvtav1" | "libaom-av1" => Ok(Codec::Av1),
            "ffv1" => Ok(Codec::Ffv1),
            _ => Err(Error::Unsupported {
                what: format!("no codec is called {text:?}"),
                hint: Some("choose h264, hevc, vp8, vp9, av1 or ffv1".into()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: usize, height: usize, chroma: Chroma) -> PictureFormat {
        PictureFormat::new(width, height, chroma, BitDepth::Eight)
    }

    #[test]
    fn names_are_read_back() {
        for codec in Codec::ALL {
            assert_eq!(codec.name().parse::<Codec>().unwrap(), codec);
            assert_eq!(codec.to_string().parse::<Codec>().unwrap(), codec);
        }
        let error = "mpeg2".parse::<Codec>().unwrap_err();
        assert!(error.to_string().contains("mpeg2"), "{error}");
    }

    #[test]
    fn odd_sizes_go_only_where_they_fit() {
        let all = |_: &str| true;
        let odd = format(101, 77, Chroma::C420);
        assert_eq!(Codec::Vp9.encoder(odd, all).unwrap(), "libvpx-vp9");
        assert_eq!(Codec::Av1.encoder(odd, all).unwrap(), "libaom-av1");
        let error = Codec::H264.encoder(odd, all).unwrap_err();
        assert_eq!(
            error.to_string(),
            "H.264 cannot hold 101x77 4:2:0 8-bit: width and height must be even"
        );
        assert!(error.hint().unwrap().contains("vp9"));
        let tall = format(102, 77, Chroma::C422);
        assert_eq!(Codec::Hevc.encoder(tall, all).unwrap(), "libx265");
        let full = format(101, 77, Chroma::C444);
        assert_eq!(Codec::H264.encoder(full, all).unwrap(), "libx264");
    }

    #[test]
    fn formats_beyond_a_codec_are_refused() {
        let all = |_: &str| true;
        let odd = format(101, 77, Chroma::C420);
        assert_eq!(Codec::Vp8.encoder(odd, all).unwrap(), "libvpx");
        let deep = PictureFormat::new(64, 64, Chroma::C420, BitDepth::Ten);
        for refused in [format(64, 64, Chroma::C422), deep] {
            let error = Codec::Vp8.encoder(refused, all).unwrap_err();
            assert!(error.to_string().contains("only 4:2:0 in 8 bits"));
            for codec in Codec::ALL.into_iter().filter(|codec| *codec != Codec::Vp8) {
                assert!(codec.encoder(refused, all).is_ok(), "{codec} {refused}");
            }
        }
    }

    #[test]
    fn tiny_pictures_are_refused_where_they_do_not_fit() {
        let error = Codec::Hevc.encoder(format(400, 8, Chroma::C420), |_| true);
        assert_eq!(
            error.unwrap_err().to_string(),
            "HEVC cannot hold 400x8 4:2:0 8-bit: no side may be under 17"
        );
        let one = format(1, 1, Chroma::C420);
        assert_eq!(Codec::Av1.encoder(one, |_| true).unwrap(), "libaom-av1");
    }

    #[test]
    fn a_missing_encoder_is_named() {
        let plain = format(640, 360, Chroma::C420);
        let no_svt = |name: &str| name != "libsvtav1";
        assert_eq!(Codec::Av1.encoder(plain, no_svt).unwrap(), "libaom-av1");
        let none = |_: &str| false;
        let error = Codec::Av1.encoder(plain, none).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("libsvtav1 and libaom-av1 missing"),
            "{error}"
        );
        let error = Codec::Av1.encoder(format(640, 360, Chroma::C444), none);
        assert!(error.unwrap_err().hint().unwrap().contains("libaom-av1"));
    }
}
