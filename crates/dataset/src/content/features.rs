//! What is seen, as numbers.

/// What an [`Observer`](super::Observer) saw, averaged over its frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features([f32; Features::COUNT]);

impl Features {
    /// How many there are.
    pub const COUNT: usize = Features::NAMES.len();

    /// What each of the [`Features::values`] is. Shares are 0 to 1; motion is in hundredths of the
    /// picture's width in 40 ms.
    pub const NAMES: [&'static str; 25] = [
        // Motion.
        "global motion",
        "local motion",
        "moving share",
        "change left after motion",
        "centre of motion",
        "still share",
        "noise in still flats",
        // Detail at full size.
        "flat share",
        "texture share",
        "edge density",
        "edge hardness",
        "text density",
        // Light.
        "brightness",
        "contrast",
        "dark share",
        "lights in the dark",
        "white share",
        // Colour.
        "saturation",
        "grey share",
        "skin share",
        "face-like skin",
        "green share",
        "blue share",
        "few colours",
        // Both at once, which a linear model cannot see.
        "face-like and still",
    ];

    pub(super) fn new(values: [f32; Features::COUNT]) -> Features {
        Features(values)
    }

    /// The numbers, in the order of [`Features::NAMES`].
    pub fn values(&self) -> &[f32; Features::COUNT] {
        &self.0
    }
}
