//! Frames and masks into PNG.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use nervure_frame::{Frame, LossMask, Planes, Range};

use super::KEYWORD;
use super::rgb::{Rows, ToRgb, View};
use crate::{Error, Result};

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// PNG's numbers of its colour types and of the filter that we use.
const GREY: u8 = 0;
const RGB: u8 = 2;
const PAETH: u8 = 4;
/// H.273's "unspecified".
const UNSPECIFIED: u8 = 2;

/// Makes PNG files, a row at a time, in memory that is used again.
///
/// Written here and not by the `png` crate, because that one takes whole pictures, allocates one or
/// two of their size each time, and these are written by the million. Rows are filtered by Paeth's
/// predictor, which gave the smallest files of all fixed choices, and coded by `fdeflate`, whose
/// fixed code is made for such rows.
#[derive(Debug, Default)]
pub struct PngWriter {
    unnamed: Option<u8>,
    colours: ToRgb,
    row: Vec<u8>,
    above: Vec<u8>,
    filtered: Vec<u8>,
    file: Vec<u8>,
}

impl PngWriter {
    /// Nothing allocated yet.
    pub fn new() -> Self {
        PngWriter::default()
    }

    /// The same for frames that, where they name no matrix, have this one. Both pictures of a pair
    /// need the same: by their sizes they would often get two, and their colours would differ.
    pub fn with_matrix(matrix: u8) -> Self {
        PngWriter {
            unnamed: Some(matrix),
            ..PngWriter::default()
        }
    }

    /// The bytes of a frame's file.
    pub fn frame(&mut self, frame: &Frame) -> Result<&[u8]> {
        match &frame.planes {
            Planes::Eight(planes) => self.rows(frame, planes.each_ref().map(View::of)),
            Planes::Ten(planes) => self.rows(frame, planes.each_ref().map(View::of)),
        }
    }

    fn rows<T: nervure_frame::Sample>(
        &mut self,
        frame: &Frame,
        planes: [View<'_, T>; 3],
    ) -> Result<&[u8]> {
        let mut colour = frame.colour;
        if let Some(matrix) = self.unnamed
            && colour.matrix == UNSPECIFIED
        {
            colour.matrix = matrix;
        }
        let rows = Rows::new(planes, frame.chroma, colour);
        let range = match frame.colour.range {
            Range::Full => "full",
            Range::Limited | Range::Unspecified => "limited",
        };
        let note = format!("matrix {} {range}", rows.matrix());
        let PngWriter {
            colours,
            row,
            above,
            filtered,
            file,
            ..
        } = self;
        let (width, height) = frame.planes.size(0);
        begin(file, width, height, RGB);
        chunk(file, b"tEXt", |file| {
            file.extend([KEYWORD.as_bytes(), &[0], note.as_bytes()].concat());
        });
        row.clear();
        row.resize(3 * width, 0);
        above.clear();
        above.resize(3 * width, 0);
        filtered.resize(3 * width + 1, 0);
        pixels(file, |coder| {
            for y in 0..height {
                colours.row(&rows, y, row);
                filtered[0] = PAETH;
                paeth(row, above, &mut filtered[1..]);
                coder.write_data(filtered)?;
                std::mem::swap(row, above);
            }
            Ok(())
        })?;
        chunk(file, b"IEND", |_| ());
        Ok(file)
    }

    /// The bytes of a mask's file.
    pub fn mask(&mut self, mask: &LossMask) -> Result<&[u8]> {
        let file = &mut self.file;
        begin(file, mask.columns(), mask.rows(), GREY);
        pixels(file, |coder| {
            let mut row = vec![0; mask.columns() + 1];
            for y in 0..mask.rows() {
                for (x, code) in row[1..].iter_mut().enumerate() {
                    *code = if mask.is_lost(x, y) { 255 } else { 0 };
                }
                coder.write_data(&row)?;
            }
            Ok(())
        })?;
        chunk(file, b"IEND", |_| ());
        Ok(file)
    }

    /// Writes a frame's file; not atomically, and without waiting for the disk.
    pub fn write_frame(&mut self, frame: &Frame, path: &Path) -> Result<()> {
        store(self.frame(frame)?, path)
    }

    /// Writes a mask's file, in the same way.
    pub fn write_mask(&mut self, mask: &LossMask, path: &Path) -> Result<()> {
        store(self.mask(mask)?, path)
    }
}

fn store(bytes: &[u8], path: &Path) -> Result<()> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(Error::io(format!("write {}", path.display())))
}

/// Signature and header. No plane of ours has a side that four bytes do not hold.
fn begin(file: &mut Vec<u8>, width: usize, height: usize, colour: u8) {
    file.clear();
    file.extend(SIGNATURE);
    chunk(file, b"IHDR", |file| {
        file.extend((width as u32).to_be_bytes());
        file.extend((height as u32).to_be_bytes());
        // Eight bits; the only compression and the only set of filters there are; not interlaced.
        file.extend([8, colour, 0, 0, 0]);
    });
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], content: impl FnOnce(&mut Vec<u8>)) {
    let start = open_chunk(file, kind);
    content(file);
    close_chunk(file, start);
}

fn open_chunk(file: &mut Vec<u8>, kind: &[u8; 4]) -> usize {
    let start = file.len();
    file.extend([0; 4]);
    file.extend(kind);
    start
}

/// Puts the length before, and the checksum of kind and content after.
fn close_chunk(file: &mut Vec<u8>, start: usize) {
    let length = (file.len() - start - 8) as u32;
    file[start..start + 4].copy_from_slice(&length.to_be_bytes());
    let sum = crc32fast::hash(&file[start + 4..]);
    file.extend(sum.to_be_bytes());
}

type Coder<'a> = fdeflate::Compressor<&'a mut Vec<u8>>;

/// The compressed rows, in one chunk.
fn pixels(
    file: &mut Vec<u8>,
    rows: impl FnOnce(&mut Coder<'_>) -> std::io::Result<()>,
) -> Result<()> {
    let start = open_chunk(file, b"IDAT");
    let code = || {
        let mut coder = Coder::new(file)?;
        rows(&mut coder)?;
        coder.finish().map(|_| ())
    };
    // Into memory, so this cannot fail; the coder does not know.
    code().map_err(Error::io("code a picture"))?;
    if file.len() - start > i32::MAX as usize {
        return Err(Error::Unsupported {
            what: "the picture is too large for PNG".into(),
            hint: None,
        });
    }
    close_chunk(file, start);
    Ok(())
}

/// What is left of a row of RGB when each byte is predicted from the left, from above, or from
/// between, whichever is nearest to left + above - between.
fn paeth(row: &[u8], above: &[u8], left_over: &mut [u8]) {
    const PIXEL: usize = 3;
    for (left_over, (at, up)) in left_over.iter_mut().zip(row.iter().zip(above)).take(PIXEL) {
        *left_over = at.wrapping_sub(*up);
    }
    // The row's own bytes are all known, so unlike a decoder this needs none of its results.
    let known = row.iter().zip(&above[PIXEL.min(above.len())..]).zip(above);
    let targets = left_over.iter_mut().zip(row).skip(PIXEL);
    for ((left_over, at), ((left, up), corner)) in targets.zip(known) {
        let (a, b, c) = (i16::from(*left), i16::from(*up), i16::from(*corner));
        let (from_left, from_up) = ((b - c).abs(), (a - c).abs());
        let from_corner = (a + b - 2 * c).abs();
        let nearest = if from_left <= from_up && from_left <= from_corner {
            a
        } else if from_up <= from_corner {
            b
        } else {
            c
        };
        *left_over = at.wrapping_sub(nearest as u8);
    }
}
