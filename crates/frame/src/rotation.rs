//! How a player turns a picture before it shows it.

/// Whole quarter turns, after a mirror if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Rotation {
    /// Quarter turns clockwise, 0 to 3.
    pub quarters: u8,
    /// Left and right change places before the picture is turned.
    pub mirrored: bool,
}

impl Rotation {
    /// The picture is shown as it is stored.
    pub const NONE: Rotation = Rotation {
        quarters: 0,
        mirrored: false,
    };

    /// Whether the picture is shown as it is stored.
    pub fn is_none(self) -> bool {
        self == Rotation::NONE
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        self.quarters % 2 == 1
    }
}
