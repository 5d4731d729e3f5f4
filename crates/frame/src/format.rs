//! What a picture is made of: size, chroma subsampling, bit depth.

use std::fmt;

/// How many chroma samples there are for the luma samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chroma {
    /// Half as wide and half as high.
    C420,
    /// Half as wide.
    C422,
    /// As many as luma.
    C444,
}

impl Chroma {
    /// How far a luma coordinate shifts right to become a chroma coordinate: (horizontal, vertical).
    pub fn shift(self) -> (u32, u32) {
        match self {
            Chroma::C420 => (1, 1),
            Chroma::C422 => (1, 0),
            Chroma::C444 => (0, 0),
        }
    }
}

/// Bits that carry the value of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitDepth {
    /// 0..=255 in a byte.
    Eight,
    /// 0..=1023 in the low bits of a `u16`.
    Ten,
}

impl BitDepth {
    /// 8 or 10.
    pub fn bits(self) -> u32 {
        match self {
            BitDepth::Eight => 8,
            BitDepth::Ten => 10,
        }
    }

    /// The largest sample value.
    pub fn max(self) -> u16 {
        (1 << self.bits()) - 1
    }
}

/// The shape of a picture. Two frames of one format have planes of the same sizes and types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureFormat {
    /// Luma samples in a row. Positive; may be odd.
    pub width: usize,
    /// Luma rows. Positive; may be odd.
    pub height: usize,
    /// Chroma subsampling.
    pub chroma: Chroma,
    /// Bits in a sample.
    pub depth: BitDepth,
}

impl PictureFormat {
    /// A format of these parts.
    pub fn new(width: usize, height: usize, chroma: Chroma, depth: BitDepth) -> Self {
        PictureFormat {
            width,
            height,
            chroma,
            depth,
        }
    }

    /// The same with another size.
    pub fn with_size(self, width: usize, height: usize) -> Self {
        PictureFormat {
            width,
            height,
            ..self
        }
    }

    /// Width and height of plane 0 (luma), 1 or 2 (chroma). Odd sizes round up, as codecs do.
    pub fn plane_size(&self, plane: usize) -> (usize, usize) {
        if plane == 0 {
            return (self.width, self.height);
        }
        let (h, v) = self.chroma.shift();
        (self.width.div_ceil(1 << h), self.height.div_ceil(1 << v))
    }

    /// Samples in all three planes.
    pub fn samples(&self) -> usize {
        (0..3)
            .map(|plane| self.plane_size(plane))
            .map(|(w, h)| w * h)
            .sum()
    }
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chroma = match self.chroma {
            Chroma::C420 => "4:2:0",
            Chroma::C422 => "4:2:2",
            Chroma::C444 => "4:4:4",
        };
        write!(
            f,
            "{}x{} {chroma} {}-bit",
            self.width,
            self.height,
            self.depth.bits()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_pictures_keep_their_last_chroma_sample() {
        let format = PictureFormat::new(5, 3, Chroma::C420, BitDepth::Eight);
        assert_eq!(format.plane_size(0), (5, 3));
        assert_eq!(format.plane_size(2), (3, 2));
        assert_eq!(format.samples(), 15 + 6 + 6);
        assert_eq!(
            PictureFormat {
                chroma: Chroma::C422,
                ..format
            }
            .plane_size(1),
            (3, 3)
        );
    }
}
