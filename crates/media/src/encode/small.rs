//! What x265 must be told about small pictures.
//!
//! Version 3.5 reads memory that it never wrote when a picture is a single row or column of coding
//! units, and writes past the end of a block when it looks ahead at a narrow one. What it makes then
//! depends on what the process did before, and now and then it does not live to make it.
//! docs/decisions/0020-hevc.md has the figures.

use nervure_frame::PictureFormat;

/// The larger coding unit that x265 takes unless it is told otherwise.
const UNIT: usize = 64;

/// Settings that keep x265 within its memory.
pub(super) fn for_x265(format: PictureFormat) -> impl Iterator<Item = &'static str> {
    let least = format.width.min(format.height);
    // The largest unit of which more than one go along each side.
    let unit = match least {
        0..=32 => Some("ctu=16"),
        33..=UNIT => Some("ctu=32"),
        _ => None,
    };
    let narrow = (format.width < UNIT).then_some("cutree=0");
    unit.into_iter().chain(narrow)
}

#[cfg(test)]
mod tests {
    use nervure_frame::{BitDepth, Chroma};

    use super::*;

    fn told(width: usize, height: usize) -> Vec<&'static str> {
        for_x265(PictureFormat::new(
            width,
            height,
            Chroma::C420,
            BitDepth::Eight,
        ))
        .collect()
    }

    #[test]
    fn small_pictures_get_units_that_fit_twice() {
        assert!(told(66, 66).is_empty() && told(1920, 1080).is_empty());
        assert_eq!(told(1920, 64), ["ctu=32"]);
        assert_eq!(told(64, 128), ["ctu=32"]);
        assert_eq!(told(62, 128), ["ctu=32", "cutree=0"]);
        assert_eq!(told(128, 32), ["ctu=16"]);
        assert_eq!(told(18, 18), ["ctu=16", "cutree=0"]);
    }
}
