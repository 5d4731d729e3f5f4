//! Single pairs of pictures, for people to look at.

use std::path::Path;

use nervure_frame::{Frame, FramePool, LossMask, Planes};

use crate::clip::ClipReader;
use crate::manifest::{ClipRecord, Layout};
use crate::picture::{Picture, PngReader, ToRgb, View, matrix_of_size};
use crate::store::Store;
use crate::{Error, Result};

/// The matrix of pictures that do not say (H.273).
const UNSPECIFIED: u8 = 2;

/// A pair of pictures.
#[derive(Clone, Debug)]
pub struct Shown {
    /// As the decoder gave it.
    pub low: Picture,
    /// As it should be.
    pub high: Picture,
    /// Where the low-resolution picture is damaged.
    pub damage: Option<LossMask>,
}

/// Frames of a clip that have a mask. `masks` are the names in the dataset's folder `mask`, which
/// only the layout of pictures has.
pub fn damaged_frames(
    store: &Store,
    layout: Layout,
    clip: &ClipRecord,
    masks: &[(String, u64)],
    scratch: &Path,
) -> Result<Vec<u64>> {
    match layout {
        Layout::Clips => {
            let path = store.fetch(&format!("lr/{}.clip", clip.stem), scratch)?;
            let reader = ClipReader::open(&path)?;
            let damaged = (0..reader.frames()).filter(|index| reader.damage(*index).is_some());
            Ok(damaged.map(|index| index as u64).collect())
        }
        Layout::Png => {
            let named = |index: &u64| {
                let name = format!("mask/{}-{index:05}.png", clip.stem);
                masks.binary_search_by(|(mask, _)| mask.cmp(&name)).is_ok()
            };
            Ok((0..clip.frames).filter(named).collect())
        }
    }
}

/// One pair of a clip. What has to be fetched is left in `scratch`.
pub fn show(
    store: &Store,
    layout: Layout,
    clip: &ClipRecord,
    index: u64,
    scratch: &Path,
) -> Result<Shown> {
    match layout {
        Layout::Clips => {
            let open = |folder: &str| -> Result<Frame> {
                let path = store.fetch(&format!("{folder}/{}.clip", clip.stem), scratch)?;
                let reader = ClipReader::open(&path)?;
                if index >= reader.frames() as u64 {
                    return Err(Error::corrupt(&path, format!("it has no frame {index}")));
                }
                reader.frame(index as usize, &FramePool::new())
            };
            let (mut low, high) = (open("lr")?, open("hr")?);
            if low.colour.matrix == UNSPECIFIED {
                // Players guess by size, and guess the small picture wrong.
                let format = high.format();
                low.colour.matrix = matrix_of_size(format.width, format.height);
            }
            Ok(Shown {
                low: picture_of(&low),
                high: picture_of(&high),
                damage: low.damage,
            })
        }
        Layout::Png => {
            let mut reader = PngReader::new();
            let name = |folder: &str| format!("{folder}/{}-{index:05}.png", clip.stem);
            let mut read = |folder: &str| -> Result<Picture> {
                let name = name(folder);
                let bytes = store
                    .get_bytes(&name)?
                    .ok_or_else(|| Error::corrupt(Path::new(&name), "it is missing"))?;
                let mut picture = Picture::default();
                reader.picture_of(&bytes, Path::new(&name), &mut picture)?;
                Ok(picture)
            };
            let (low, high) = (read("lr")?, read("hr")?);
            let name = name("mask");
            let damage = match store.get_bytes(&name)? {
                Some(bytes) => {
                    let (width, height) = (low.width, low.height);
                    Some(reader.mask_of(&bytes, Path::new(&name), width, height)?)
                }
                None => None,
            };
            Ok(Shown { low, high, damage })
        }
    }
}

/// A frame's colours.
fn picture_of(frame: &Frame) -> Picture {
    let format = frame.format();
    let mut rgb = Vec::with_capacity(3 * format.width * format.height);
    let mut convert = ToRgb::new();
    match &frame.planes {
        Planes::Eight(planes) => {
            let views = planes.each_ref().map(View::of);
            convert.picture(views, format.chroma, frame.colour, &mut rgb);
        }
        Planes::Ten(planes) => {
            let views = planes.each_ref().map(View::of);
            convert.picture(views, format.chroma, frame.colour, &mut rgb);
        }
    }
    Picture {
        width: format.width,
        height: format.height,
        rgb,
        made_from: None,
    }
}
