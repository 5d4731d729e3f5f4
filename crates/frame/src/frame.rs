//! One picture.

use crate::{BitDepth, Chroma, Colour, LossMask, PictureFormat, Plane, Timestamp};

/// Luma and two chroma planes of one sample type.
#[derive(Clone, Debug, PartialEq)]
pub enum Planes {
    /// 8-bit samples.
    Eight([Plane<u8>; 3]),
    /// 10-bit samples in the low bits of a `u16`.
    Ten([Plane<u16>; 3]),
}

impl Planes {
    /// The bit depth.
    pub fn depth(&self) -> BitDepth {
        match self {
            Planes::Eight(_) => BitDepth::Eight,
            Planes::Ten(_) => BitDepth::Ten,
        }
    }

    /// Width and height of one plane.
    pub fn size(&self, plane: usize) -> (usize, usize) {
        match self {
            Planes::Eight(planes) => (planes[plane].width(), planes[plane].height()),
            Planes::Ten(planes) => (planes[plane].width(), planes[plane].height()),
        }
    }

    /// The planes, if they are 8-bit.
    pub fn eight(&self) -> Option<&[Plane<u8>; 3]> {
        match self {
            Planes::Eight(planes) => Some(planes),
            Planes::Ten(_) => None,
        }
    }

    /// The planes to write, if they are 8-bit.
    pub fn eight_mut(&mut self) -> Option<&mut [Plane<u8>; 3]> {
        match self {
            Planes::Eight(planes) => Some(planes),
            Planes::Ten(_) => None,
        }
    }

    /// The planes, if they are 10-bit.
    pub fn ten(&self) -> Option<&[Plane<u16>; 3]> {
        match self {
            Planes::Ten(planes) => Some(planes),
            Planes::Eight(_) => None,
        }
    }

    /// The planes to write, if they are 10-bit.
    pub fn ten_mut(&mut self) -> Option<&mut [Plane<u16>; 3]> {
        match self {
            Planes::Ten(planes) => Some(planes),
            Planes::Eight(_) => None,
        }
    }
}

/// One picture in display order.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The samples.
    pub planes: Planes,
    /// How chroma is subsampled; the plane sizes agree with it.
    pub chroma: Chroma,
    /// What the samples mean.
    pub colour: Colour,
    /// When the picture is shown.
    pub pts: Timestamp,
    /// For how many ticks of `pts.base`, where the source says.
    pub duration: Option<i64>,
    /// Where the network damaged it; none for a picture that arrived whole.
    pub damage: Option<LossMask>,
    /// How coarsely luma is coded, where the source says: the mean step of quantisers, in 8-bit codes.
    pub step: Option<f32>,
}

impl Frame {
    /// A frame of zeros.
    pub fn new(format: PictureFormat, pts: Timestamp) -> Self {
        crate::FramePool::new().frame(format, pts)
    }

    /// A frame of these planes, with unspecified colour and no damage.
    ///
    /// # Panics
    /// When the plane sizes do not fit `chroma`.
    pub fn from_planes(chroma: Chroma, planes: Planes, pts: Timestamp) -> Self {
        let frame = Frame {
            planes,
            chroma,
            colour: Colour::UNSPECIFIED,
            pts,
            duration: None,
            damage: None,
            step: None,
        };
        for plane in 1..3 {
            assert_eq!(
                frame.planes.size(plane),
                frame.format().plane_size(plane),
                "size of chroma plane {plane}"
            );
        }
        frame
    }

    /// The picture's shape.
    pub fn format(&self) -> PictureFormat {
        let (width, height) = self.planes.size(0);
        PictureFormat {
            width,
            height,
            chroma: self.chroma,
            depth: self.planes.depth(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TimeBase;

    #[test]
    fn a_frame_knows_its_format() {
        let format = PictureFormat::new(31, 17, Chroma::C422, BitDepth::Ten);
        assert_eq!(
            Frame::new(format, Timestamp::new(3, TimeBase::MICROS)).format(),
            format
        );
    }

    #[test]
    #[should_panic(expected = "size of chroma plane 1")]
    fn planes_must_fit_their_subsampling() {
        let planes = Planes::Eight(std::array::from_fn(|_| Plane::new(8, 8)));
        Frame::from_planes(Chroma::C420, planes, Timestamp::new(0, TimeBase::MICROS));
    }
}
