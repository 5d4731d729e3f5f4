//! Camera motion over still pictures: photographs become clips.
//!
//! A [`CameraMove`] pans, zooms and turns over an image as a hand-held camera on a slow tripod head
//! would, from a seed, and never looks past its border. Between pixels it samples with a cubic
//! filter as wide as the zoom asks for, so that nothing flickers and nothing is softer than it need
//! be.
//!
//! ```
//! use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, TimeBase, Timestamp};
//! use nervure_media::camera::{CameraMove, CameraSpec};
//!
//! let format = PictureFormat::new(160, 90, Chroma::C444, BitDepth::Eight);
//! let image = Frame::new(format, Timestamp::new(0, TimeBase::MICROS));
//! let spec = CameraSpec::for_image(format, 25, (25, 1), 7)?;
//! assert_eq!((spec.width, spec.height), (128, 72));
//! let clip = CameraMove::new(&image, spec)?;
//! assert_eq!(clip.frames().count(), 25);
//! # Ok::<(), nervure_media::Error>(())
//! ```

mod file;
mod path;
mod picture;
mod shrink;

use nervure_frame::{BitDepth, Chroma, Frame, FramePool, PictureFormat, TimeBase, Timestamp};

use crate::draw::{Light, render_frame};
use crate::{Error, Result};
use path::CameraPath;
use picture::Picture;

pub use file::{is_image, read_image};

/// The largest clip that is made unasked: more would only cost time.
const LARGEST: (usize, usize) = (1920, 1080);

/// How much smaller than its image a clip is made unasked, so that the camera has room to move at
/// the image's own sharpness.
const ROOM: f64 = 1.25;

/// What is filmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameraSpec {
    /// Even, and at most the image's.
    pub width: usize,
    /// Even, and at most the image's.
    pub height: usize,
    /// How many frames there are. Frames do not depend on it.
    pub frames: u64,
    /// Frames in a second, as a fraction.
    pub frame_rate: (u32, u32),
    /// Which of the many ways to move.
    pub seed: u64,
}

impl CameraSpec {
    /// The size that suits an image: its shape, four fifths of its sides, at most full HD.
    ///
    /// # Errors
    /// When the image is smaller than 2x2.
    pub fn for_image(
        image: PictureFormat,
        frames: u64,
        frame_rate: (u32, u32),
        seed: u64,
    ) -> Result<CameraSpec> {
        let PictureFormat { width, height, .. } = image;
        if width < 2 || height < 2 {
            return Err(Error::Unsupported {
                what: format!("a camera cannot move over an image of {width}x{height}"),
                hint: None,
            });
        }
        let (long, short) = (width.max(height) as f64, width.min(height) as f64);
        let shrink = ROOM
            .max(long / LARGEST.0 as f64)
            .max(short / LARGEST.1 as f64);
        let side = |length: usize| ((length as f64 / shrink) as usize / 2 * 2).max(2);
        Ok(CameraSpec {
            width: side(width),
            height: side(height),
            frames,
            frame_rate,
            seed,
        })
    }
}

/// Films one image.
#[derive(Debug)]
pub struct CameraMove {
    spec: CameraSpec,
    base: TimeBase,
    pool: FramePool,
    path: CameraPath,
    picture: Picture,
}

impl CameraMove {
    /// Prepares to film `image`. What a large image has beyond the sharpness of the clip is filtered
    /// away here, once.
    ///
    /// # Errors
    /// When the size is zero, odd or larger than the image, or the frame rate is none.
    pub fn new(image: &Frame, spec: CameraSpec) -> Result<CameraMove> {
        let from = image.format();
        let (width, height) = (spec.width, spec.height);
        let refused = |why: String, hint: &str| Error::Unsupported {
            what: format!("a clip of {width}x{height} {why}"),
            hint: Some(hint.into()),
        };
        if width == 0 || height == 0 || width % 2 != 0 || height % 2 != 0 {
            return Err(refused(
                "cannot be filmed".into(),
                "both sides must be even",
            ));
        }
        if width > from.width || height > from.height {
            return Err(refused(
                format!("is larger than its image of {}x{}", from.width, from.height),
                "film it no larger than it is: more would only be blur",
            ));
        }
        let (num, den) = spec.frame_rate;
        if num == 0 || den == 0 {
            return Err(Error::Unsupported {
                what: format!("{num}/{den} frames a second is no frame rate"),
                hint: None,
            });
        }
        let wanted = CameraPath::new(spec.seed, (width, height), (from.width, from.height));
        // At the closest the camera gets, one pixel of the clip then has one of the picture.
        let excess = wanted.closest().max(1.0);
        let side =
            |length: usize, least: usize| ((length as f64 / excess).ceil() as usize).max(least);
        let size = (side(from.width, width), side(from.height, height));
        let picture = if size == (from.width, from.height) {
            Picture::of(image)
        } else {
            Picture::of(&shrink::shrunk(image, size.0, size.1))
        };
        Ok(CameraMove {
            spec,
            base: TimeBase::new(den, num),
            pool: FramePool::new(),
            path: CameraPath::new(spec.seed, (width, height), size),
            picture,
        })
    }

    /// What is filmed.
    pub fn spec(&self) -> &CameraSpec {
        &self.spec
    }

    /// The format of the frames: 8-bit 4:2:0, in the colours of BT.709.
    pub fn format(&self) -> PictureFormat {
        let CameraSpec { width, height, .. } = self.spec;
        PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight)
    }

    /// Frame `index`, shown `index` ticks of one frame's length after zero. Any index can be asked
    /// for at any time, also beyond the last frame.
    pub fn frame(&self, index: u64) -> Frame {
        let ticks = i64::try_from(index).unwrap_or(i64::MAX);
        let view = self.path.view(index as f64 * self.base.seconds());
        let lens = self.picture.lens(view.scale);
        let mut frame = self
            .pool
            .frame(self.format(), Timestamp::new(ticks, self.base));
        render_frame(&mut frame, Light::Coded, |canvas| {
            for row in canvas.rows_mut() {
                let (start, step) = view.line(row.y, (self.spec.width, self.spec.height));
                self.picture
                    .sample(&lens, start, step, [row.r, row.g, row.b]);
            }
        });
        frame.duration = Some(1);
        frame
    }

    /// All frames in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame> + '_ {
        (0..self.spec.frames).map(|index| self.frame(index))
    }
}

#[cfg(test)]
mod tests;
