//! Frames into Y4M or raw planes.

use std::io::{self, BufWriter, Write};

use nervure_frame::{Frame, PictureFormat, Plane, Planes};

use super::{BUFFER, Y4mHeader};
use crate::{Error, Result};

/// Writes frames as Y4M.
///
/// Y4M has no timestamps: frames follow one another at the header's rate.
#[derive(Debug)]
pub struct Y4mWriter<W: Write> {
    raw: RawWriter<W>,
    mono: bool,
}

impl<W: Write> Y4mWriter<W> {
    /// Writes the header.
    pub fn new(writer: W, header: &Y4mHeader) -> Result<Self> {
        let mut raw = RawWriter::new(writer, header.format);
        raw.writer
            .write_all(header.line().as_bytes())
            .map_err(broken)?;
        Ok(Y4mWriter {
            raw,
            mono: header.mono,
        })
    }

    /// Writes one frame, which must have the header's format.
    pub fn write(&mut self, frame: &Frame) -> Result<()> {
        self.raw.check(frame)?;
        self.raw.writer.write_all(b"FRAME\n").map_err(broken)?;
        self.raw.planes(frame, if self.mono { 1 } else { 3 })?;
        self.raw.pass_on()
    }

    /// Writes what is left and gives the writer back.
    pub fn finish(self) -> Result<W> {
        self.raw.finish()
    }
}

/// Writes the planes of frames one after the other, without padding; ten-bit samples take two bytes,
/// low one first.
#[derive(Debug)]
pub struct RawWriter<W: Write> {
    writer: BufWriter<W>,
    format: PictureFormat,
    row: Vec<u8>,
}

impl<W: Write> RawWriter<W> {
    /// A writer for frames of `format`.
    pub fn new(writer: W, format: PictureFormat) -> Self {
        RawWriter {
            writer: BufWriter::with_capacity(BUFFER, writer),
            format,
            row: Vec::new(),
        }
    }

    /// Writes one frame.
    pub fn write(&mut self, frame: &Frame) -> Result<()> {
        self.check(frame)?;
        self.planes(frame, 3)?;
        self.pass_on()
    }

    /// Whoever reads the pipe gets each frame when it is made, small ones too.
    fn pass_on(&mut self) -> Result<()> {
        self.writer.flush().map_err(broken)
    }

    /// Writes what is left and gives the writer back.
    pub fn finish(self) -> Result<W> {
        let inner = self.writer.into_inner();
        let mut writer = inner.map_err(|error| broken(error.into_error()))?;
        writer.flush().map_err(broken)?;
        Ok(writer)
    }

    fn check(&self, frame: &Frame) -> Result<()> {
        let format = frame.format();
        if format == self.format {
            return Ok(());
        }
        Err(Error::FormatChange {
            from: self.format.to_string(),
            to: format.to_string(),
            seconds: frame.pts.seconds(),
        })
    }

    fn planes(&mut self, frame: &Frame, count: usize) -> Result<()> {
        match &frame.planes {
            Planes::Eight(planes) => planes[..count]
                .iter()
                .try_for_each(|plane| self.eight(plane)),
            Planes::Ten(planes) => planes[..count].iter().try_for_each(|plane| self.ten(plane)),
        }
    }

    fn eight(&mut self, plane: &Plane<u8>) -> Result<()> {
        if plane.stride() == plane.width() {
            return self.writer.write_all(plane.data()).map_err(broken);
        }
        plane
            .rows()
            .try_for_each(|row| self.writer.write_all(row))
            .map_err(broken)
    }

    fn ten(&mut self, plane: &Plane<u16>) -> Result<()> {
        self.row.resize(plane.width() * 2, 0);
        for row in plane.rows() {
            for (pair, sample) in self.row.chunks_exact_mut(2).zip(row) {
                pair.copy_from_slice(&sample.to_le_bytes());
            }
            self.writer.write_all(&self.row).map_err(broken)?;
        }
        Ok(())
    }
}

fn broken(source: io::Error) -> Error {
    Error::Io {
        action: "write the pictures".into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Y4mReader;
    use nervure_frame::{BitDepth, Chroma, TimeBase, Timestamp};

    /// A frame whose samples all differ from their neighbours.
    fn pattern(format: PictureFormat, seed: usize) -> Frame {
        let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::MICROS));
        let value =
            |plane: usize, x: usize, y: usize| (seed * 37 + plane * 91 + x * 7 + y * 13) % 1024;
        for plane in 0..3 {
            match &mut frame.planes {
                Planes::Eight(planes) => {
                    for (y, row) in planes[plane].rows_mut().enumerate() {
                        for (x, sample) in row.iter_mut().enumerate() {
                            *sample = value(plane, x, y) as u8;
                        }
                    }
                }
                Planes::Ten(planes) => {
                    for (y, row) in planes[plane].rows_mut().enumerate() {
                        for (x, sample) in row.iter_mut().enumerate() {
                            *sample = value(plane, x, y) as u16;
                        }
                    }
                }
            }
        }
        frame
    }

    #[test]
    fn what_is_written_reads_back() {
        for chroma in [Chroma::C420, Chroma::C422, Chroma::C444] {
            for depth in [BitDepth::Eight, BitDepth::Ten] {
                for (width, height) in [(1, 1), (64, 2), (65, 33)] {
                    let format = PictureFormat::new(width, height, chroma, depth);
                    let mut writer = Y4mWriter::new(Vec::new(), &Y4mHeader::new(format)).unwrap();
                    let frames = [pattern(format, 1), pattern(format, 2)];
                    for frame in &frames {
                        writer.write(frame).unwrap();
                    }
                    let stream = writer.finish().unwrap();
                    let mut reader = Y4mReader::new(&stream[..]).unwrap();
                    for frame in &frames {
                        let read = reader.next().unwrap().unwrap();
                        assert_eq!(read.planes, frame.planes, "{format}");
                    }
                    assert!(reader.next().unwrap().is_none() && !reader.is_truncated());
                }
            }
        }
    }

    #[test]
    fn raw_planes_have_no_padding() {
        let format = PictureFormat::new(3, 2, Chroma::C444, BitDepth::Ten);
        let frame = pattern(format, 0);
        let mut writer = RawWriter::new(Vec::new(), format);
        writer.write(&frame).unwrap();
        let raw = writer.finish().unwrap();
        assert_eq!(raw.len(), 3 * 2 * 3 * 2);
        assert_eq!(raw[..6], [0, 0, 7, 0, 14, 0]);
        assert_eq!(raw[12..14], [91, 0]);
    }

    #[test]
    fn another_format_is_refused() {
        let format = PictureFormat::new(4, 4, Chroma::C420, BitDepth::Eight);
        let mut writer = RawWriter::new(Vec::new(), format);
        let error = writer
            .write(&pattern(format.with_size(4, 6), 0))
            .unwrap_err();
        assert!(matches!(error, Error::FormatChange { .. }), "{error}");
    }
}
