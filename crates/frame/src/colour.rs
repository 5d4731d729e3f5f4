//! What sample values mean, in the code points of ITU-T H.273.

/// Which sample values are black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Range {
    /// The source does not say; players take it as limited.
    #[default]
    Unspecified,
    /// 16..=235 for luma (times four at 10 bits).
    Limited,
    /// The whole range.
    Full,
}

/// Where a subsampled chroma sample sits among its luma samples.
///
/// It matters when a picture is resized: planes scaled as if their samples were centred, when they
/// are not, shift the colours by a quarter of a chroma sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ChromaLocation {
    /// The source does not say; taken as [`ChromaLocation::Left`], the default of H.264 and HEVC.
    #[default]
    Unspecified,
    /// On the left luma column, between two rows (MPEG-2, H.264, HEVC).
    Left,
    /// In the middle of its luma samples (JPEG, MPEG-1).
    Centre,
    /// On the top left luma sample (BT.2020, UHD Blu-ray).
    TopLeft,
    /// On the top row, between two columns.
    Top,
    /// On the bottom left luma sample.
    BottomLeft,
    /// On the bottom row, between two columns.
    Bottom,
}

impl ChromaLocation {
    /// Distance of the chroma sample from the middle of its luma samples, in luma samples, when
    /// chroma is halved in that direction: negative is left or up.
    pub fn offset(self) -> (f64, f64) {
        match self {
            ChromaLocation::Unspecified | ChromaLocation::Left => (-0.5, 0.0),
            ChromaLocation::Centre => (0.0, 0.0),
            ChromaLocation::TopLeft => (-0.5, -0.5),
            ChromaLocation::Top => (0.0, -0.5),
            ChromaLocation::BottomLeft => (-0.5, 0.5),
            ChromaLocation::Bottom => (0.0, 0.5),
        }
    }
}

/// What sample values mean. Code point 2 is "unspecified" in all three tables of H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Black and white levels.
    pub range: Range,
    /// Colour primaries, H.273 table 2 (1 is BT.709, 9 is BT.2020).
    pub primaries: u8,
    /// Transfer characteristics, H.273 table 3 (1 is BT.709, 16 is PQ, 18 is HLG).
    pub transfer: u8,
    /// Matrix coefficients, H.273 table 4 (1 is BT.709, 6 is BT.601, 0 is RGB).
    pub matrix: u8,
    /// Where chroma samples sit.
    pub location: ChromaLocation,
}

impl Colour {
    /// Nothing is known.
    pub const UNSPECIFIED: Colour = Colour {
        range: Range::Unspecified,
        primaries: 2,
        transfer: 2,
        matrix: 2,
        location: ChromaLocation::Unspecified,
    };
    /// High definition television.
    pub const BT709: Colour = Colour {
        range: Range::Limited,
        primaries: 1,
        transfer: 1,
        matrix: 1,
        location: ChromaLocation::Left,
    };
}

impl Default for Colour {
    fn default() -> Self {
        Colour::UNSPECIFIED
    }
}
