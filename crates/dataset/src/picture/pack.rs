//! Folders of PNG files into clips, which can be read at random.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use nervure_frame::{BitDepth, Chroma, Colour, Frame, PictureFormat, Range, TimeBase, Timestamp};
use sha2::{Digest, Sha256};

use super::yuv::ToYuv;
use super::{Picture, PngReader, matrix_of_size};
use crate::{ClipWriter, Error, Result};

/// What the planes of a packed clip are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Luma and chroma in 4:4:4, by the matrix that the pictures say they were made from.
    Yuv,
    /// The very same green, blue and red.
    Rgb,
}

/// What is packed: a run of pictures of a dataset.
#[derive(Clone, Copy, Debug)]
pub struct Pictures<'a> {
    /// The folder of the dataset.
    pub dataset: &'a Path,
    /// `lr` or `hr`.
    pub side: &'a str,
    /// What the files are called, before their number.
    pub stem: &'a str,
    /// How many there are.
    pub frames: u64,
    /// Their size.
    pub size: (usize, usize),
    /// SHA-256 of the files in order.
    pub sha256: &'a str,
    /// What one picture lasts, in seconds as a fraction, roughly.
    pub tick: TimeBase,
    /// The matrix of pictures that do not say theirs.
    pub matrix: u8,
}

/// Writes `out`, a clip, from pictures and, with `masks`, from the masks that lie beside them. The
/// pictures must be those that the digest was made of.
pub fn pack(pictures: &Pictures<'_>, packing: Packing, masks: bool, out: &Path) -> Result<()> {
    let mut packer = Packer {
        reader: PngReader::new(),
        picture: Picture::default(),
        hash: Sha256::new(),
    };
    let (width, height) = pictures.size;
    let format = PictureFormat::new(width, height, Chroma::C444, BitDepth::Eight);
    let mut writer = None;
    for index in 0..pictures.frames {
        let file = format!("{}-{index:05}.png", pictures.stem);
        let path = pictures.dataset.join(pictures.side).join(&file);
        packer.load(&path, pictures.size)?;
        let mut frame = Frame::new(format, Timestamp::new(index as i64, pictures.tick));
        frame.duration = Some(1);
        packer.planes(packing, pictures.matrix, &path, &mut frame)?;
        if masks {
            let path = pictures.dataset.join("mask").join(&file);
            match packer.reader.mask(&path, width, height) {
                Ok(mask) => frame.damage = Some(mask),
                Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if writer.is_none() {
            writer = Some(ClipWriter::create(
                out,
                format,
                frame.colour,
                pictures.tick,
            )?);
        }
        if let Some(writer) = &mut writer {
            writer.write(&frame)?;
        }
    }
    let digest = packer.hash.finalize();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = pictures.dataset.join(pictures.side);
    if digest != pictures.sha256 {
        return Err(Error::corrupt(
            &folder,
            format!(
                "the pictures of {} have changed since the manifest was written",
                pictures.stem
            ),
        ));
    }
    match writer {
        Some(writer) => writer.finish(),
        None => Err(Error::corrupt(
            &folder,
            format!("{} has no pictures", pictures.stem),
        )),
    }
}

struct Packer {
    reader: PngReader,
    picture: Picture,
    hash: Sha256,
}

impl Packer {
    fn load(&mut self, path: &Path, (width, height): (usize, usize)) -> Result<()> {
        let bytes = fs::read(path).map_err(Error::io(format!("read {}", path.display())))?;
        self.hash.update(&bytes);
        self.reader.picture_of(&bytes, path, &mut self.picture)?;
        if (self.picture.width, self.picture.height) != (width, height) {
            return Err(Error::corrupt(
                path,
                format!(
                    "it has {}x{} pixels, and the manifest says {width}x{height}",
                    self.picture.width, self.picture.height
                ),
            ));
        }
        Ok(())
    }

    fn planes(&self, packing: Packing, matrix: u8, path: &Path, frame: &mut Frame) -> Result<()> {
        let (matrix, range) = self.picture.made_from.unwrap_or((matrix, Range::Limited));
        // A matrix that has no luma in the usual sense: what it was made from cannot be had back.
        let (matrix, range, yuv) = match ToYuv::new(matrix, range) {
            Some(yuv) => (matrix, range, Some(yuv)),
            None => {
                let (width, height) = frame.planes.size(0);
                let matrix = matrix_of_size(width, height);
                (matrix, Range::Limited, ToYuv::new(matrix, Range::Limited))
            }
        };
        let yuv = match packing {
            Packing::Yuv => yuv,
            Packing::Rgb => None,
        };
        frame.colour = match packing {
            Packing::Yuv => Colour {
                range,
                matrix,
                ..Colour::UNSPECIFIED
            },
            Packing::Rgb => Colour {
                range: Range::Full,
                matrix: 0,
                ..Colour::UNSPECIFIED
            },
        };
        let width = self.picture.width;
        let planes = frame
            .planes
            .eight_mut()
            .ok_or_else(|| Error::corrupt(path, "it is not packed in 8 bits"))?;
        for (plane, target) in planes.iter_mut().enumerate() {
            let sources = self.picture.rgb.chunks_exact(3 * width);
            for (row, source) in target.rows_mut().zip(sources) {
                let pixels = row.iter_mut().zip(source.chunks_exact(3));
                match &yuv {
                    Some(yuv) => pixels.for_each(|(code, rgb)| *code = yuv.code(plane, rgb)),
                    // Planes are green, blue, red.
                    None => pixels.for_each(|(code, rgb)| *code = rgb[(plane + 1) % 3]),
                }
            }
        }
        Ok(())
    }
}
