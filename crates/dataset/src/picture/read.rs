//! PNG into pictures and masks.

use std::io::Cursor;
use std::path::Path;

use nervure_frame::{LossMask, Range};
use png::{ColorType, Decoder, Limits, Transformations};

use super::KEYWORD;
use crate::{Error, Result};

/// No file of `n` bytes holds more than so many times `n` of samples: deflate spends at least one bit
/// on 258 bytes, twice over. What a damaged header may ask us to allocate is bounded by this.
const MOST_GROWTH: usize = 1100;

/// A picture of 8-bit red, green, blue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes for each pixel, rows without gaps.
    pub rgb: Vec<u8>,
    /// The matrix (H.273) and range of the frame it was made from, where the file says.
    pub made_from: Option<(u8, Range)>,
}

/// Reads PNG files in memory that is used again.
#[derive(Debug, Default)]
pub struct PngReader {
    file: Vec<u8>,
    samples: Vec<u8>,
}

impl PngReader {
    /// Nothing allocated yet.
    pub fn new() -> Self {
        PngReader::default()
    }

    /// Reads a picture. Grey becomes RGB and 16 bits become 8; a picture with transparency is
    /// refused, since what lies behind it is not known.
    pub fn picture(&mut self, path: &Path, picture: &mut Picture) -> Result<()> {
        self.load(path)?;
        self.decode_picture(path, picture)
    }

    /// As [`PngReader::picture`], of a file that was read already; `path` is for messages.
    pub fn picture_of(&mut self, bytes: &[u8], path: &Path, picture: &mut Picture) -> Result<()> {
        self.file.clear();
        self.file.extend_from_slice(bytes);
        self.decode_picture(path, picture)
    }

    fn decode_picture(&mut self, path: &Path, picture: &mut Picture) -> Result<()> {
        let header = self.decode(path)?;
        (picture.width, picture.height) = (header.width, header.height);
        picture.made_from = header.made_from;
        match header.colour {
            ColorType::Rgb => std::mem::swap(&mut picture.rgb, &mut self.samples),
            ColorType::Grayscale => {
                picture.rgb.clear();
                let triples = self.samples.iter().map(|grey| [*grey; 3]);
                picture.rgb.extend(triples.flatten());
            }
            _ => return Err(Error::corrupt(path, "it has transparency")),
        }
        Ok(())
    }

    /// Reads the mask of a picture of this size.
    pub fn mask(&mut self, path: &Path, width: usize, height: usize) -> Result<LossMask> {
        self.load(path)?;
        self.decode_mask(path, width, height)
    }

    /// As [`PngReader::mask`], of a file that was read already; `path` is for messages.
    pub fn mask_of(
        &mut self,
        bytes: &[u8],
        path: &Path,
        width: usize,
        height: usize,
    ) -> Result<LossMask> {
        self.file.clear();
        self.file.extend_from_slice(bytes);
        self.decode_mask(path, width, height)
    }

    fn decode_mask(&mut self, path: &Path, width: usize, height: usize) -> Result<LossMask> {
        let header = self.decode(path)?;
        let mut mask = LossMask::whole(width, height);
        let (found, wanted) = ((header.width, header.height), (mask.columns(), mask.rows()));
        if found != wanted {
            return Err(Error::corrupt(
                path,
                format!(
                    "{}x{} macroblocks do not fit a picture of {width}x{height}",
                    found.0, found.1
                ),
            ));
        }
        if header.colour != ColorType::Grayscale {
            return Err(Error::corrupt(path, "a mask is grey"));
        }
        for (index, code) in self.samples.iter().enumerate() {
            let lost = match code {
                0 => false,
                255 => true,
                _ => return Err(Error::corrupt(path, format!("{code} is neither 0 nor 255"))),
            };
            mask.set(index % found.0, index / found.0, lost);
        }
        Ok(mask)
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        use std::io::Read;
        self.file.clear();
        std::fs::File::open(path)
            .and_then(|mut file| file.read_to_end(&mut self.file))
            .map(|_| ())
            .map_err(Error::io(format!("read {}", path.display())))
    }

    fn decode(&mut self, path: &Path) -> Result<Header> {
        let damaged = |error: png::DecodingError| Error::corrupt(path, error.to_string());
        let most = self.file.len().saturating_mul(MOST_GROWTH);
        let mut decoder = Decoder::new_with_limits(
            Cursor::new(&self.file),
            Limits {
                // Rows, and chunks that are not pixels.
                bytes: most.min(1 << 26),
            },
        );
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(damaged)?;
        let bytes = reader
            .output_buffer_size()
            .filter(|bytes| *bytes <= most)
            .ok_or_else(|| Error::corrupt(path, "it is too short for its size"))?;
        self.samples.clear();
        self.samples.resize(bytes, 0);
        let frame = reader.next_frame(&mut self.samples).map_err(damaged)?;
        // Reads on, so that what follows the pixels is checked too.
        reader.finish().map_err(damaged)?;
        let info = reader.info();
        Ok(Header {
            width: frame.width as usize,
            height: frame.height as usize,
            colour: frame.color_type,
            made_from: info
                .uncompressed_latin1_text
                .iter()
                .filter(|text| text.keyword == KEYWORD)
                .find_map(|text| made_from(&text.text)),
        })
    }
}

struct Header {
    width: usize,
    height: usize,
    colour: ColorType,
    made_from: Option<(u8, Range)>,
}

/// What our text chunk says.
fn made_from(text: &str) -> Option<(u8, Range)> {
    let (matrix, range) = text.strip_prefix("matrix ")?.split_once(' ')?;
    let range = match range {
        "limited" => Range::Limited,
        "full" => Range::Full,
        _ => return None,
    };
    Some((matrix.parse().ok()?, range))
}
