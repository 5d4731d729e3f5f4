//! Frames out of a Y4M stream.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use nervure_frame::{Frame, FramePool, Plane, Planes, TimeBase, Timestamp};

use super::{BUFFER, MAX_HEADER, Y4mHeader};
use crate::{Error, Result};

const FRAME: &[u8] = b"FRAME";

/// Gives the frames of a Y4M stream. Timestamps count frames.
///
/// Memory is spent as samples arrive, never on the word of a header.
///
/// ```
/// use nervure_media::Y4mReader;
///
/// let stream = b"YUV4MPEG2 W2 H2 F25:1 C420\nFRAME\nabcdUV";
/// let mut reader = Y4mReader::new(&stream[..])?;
/// let frame = reader.next()?.expect("one frame");
/// assert_eq!(frame.planes.eight().expect("8 bits")[0].row(1), b"cd");
/// assert!(reader.next()?.is_none());
/// # Ok::<(), nervure_media::Error>(())
/// ```
#[derive(Debug)]
pub struct Y4mReader<R> {
    reader: BufReader<R>,
    header: Y4mHeader,
    /// Where the first frame begins.
    start: u64,
    base: TimeBase,
    pool: FramePool,
    /// The number of the next frame.
    index: u64,
    /// A whole frame has been read: the header does not boast.
    proven: bool,
    row: Vec<u8>,
    ended: bool,
    truncated: bool,
}

impl<R: Read> Y4mReader<R> {
    /// Reads the header.
    pub fn new(reader: R) -> Result<Self> {
        let mut reader = BufReader::with_capacity(BUFFER, reader);
        let line = read_line(&mut reader)?;
        let header = Y4mHeader::parse(&line)?;
        let start = line.len() as u64 + 1;
        Ok(Y4mReader::with_header(reader, header, start))
    }

    /// Goes on after a header of `start` bytes that was read already.
    pub(crate) fn with_header(reader: BufReader<R>, header: Y4mHeader, start: u64) -> Self {
        let (num, den) = header.frame_rate.unwrap_or((25, 1));
        Y4mReader {
            reader,
            header,
            start,
            base: TimeBase::new(den, num),
            pool: FramePool::new(),
            index: 0,
            proven: false,
            row: Vec::new(),
            ended: false,
            truncated: false,
        }
    }

    /// What the header says.
    pub fn header(&self) -> &Y4mHeader {
        &self.header
    }

    /// The clock of the frames: one tick is one frame, at 25 frames a second if the header does not
    /// say.
    pub fn time_base(&self) -> TimeBase {
        self.base
    }

    /// The stream broke off within a frame.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The next frame, or `None` after the last whole one.
    #[allow(clippy::should_implement_trait)] // It can fail, and an iterator of results reads worse.
    pub fn next(&mut self) -> Result<Option<Frame>> {
        if self.ended {
            return Ok(None);
        }
        // Until it succeeds nothing more can be read: after an error the place in the stream is lost.
        self.ended = true;
        if !self.frame_header()? {
            return Ok(None);
        }
        let Some(mut frame) = self.samples()? else {
            self.truncated = true;
            return Ok(None);
        };
        frame.colour = self.header.colour;
        frame.duration = Some(1);
        self.index += 1;
        self.ended = false;
        Ok(Some(frame))
    }

    fn pts(&self) -> Timestamp {
        Timestamp::new(i64::try_from(self.index).unwrap_or(i64::MAX), self.base)
    }

    /// Reads the line before a frame; false at the end.
    fn frame_header(&mut self) -> Result<bool> {
        let mut line = Vec::new();
        (&mut self.reader)
            .take(MAX_HEADER as u64)
            .read_until(b'\n', &mut line)
            .map_err(broken)?;
        if line.is_empty() {
            return Ok(false);
        }
        if line.last() != Some(&b'\n') && line.len() < MAX_HEADER {
            self.truncated = true;
            return Ok(false);
        }
        line.pop();
        match line.strip_prefix(FRAME) {
            // Parameters of a frame say at most how it is interlaced.
            Some(rest) if rest.is_empty() || rest[0] == b' ' => Ok(true),
            _ => Err(Error::Y4m(format!(
                "frame {} does not begin with FRAME",
                self.index
            ))),
        }
    }

    /// Reads the samples of a frame; none if the stream breaks off.
    fn samples(&mut self) -> Result<Option<Frame>> {
        let (format, planes) = (self.header.format, self.header.planes());
        if self.proven {
            let mut frame = self.pool.frame(format, self.pts());
            let whole = fill(&mut self.reader, &mut frame, planes, &mut self.row)?;
            return Ok(whole.then_some(frame));
        }
        // The first frame is collected before memory is set aside for it: a header of thirty bytes
        // can claim a gigabyte.
        let bytes = self.header.frame_bytes();
        let mut data = Vec::new();
        (&mut self.reader)
            .take(bytes)
            .read_to_end(&mut data)
            .map_err(broken)?;
        if (data.len() as u64) < bytes {
            return Ok(None);
        }
        self.proven = true;
        let mut frame = self.pool.frame(format, self.pts());
        let whole = fill(&mut &data[..], &mut frame, planes, &mut self.row)?;
        Ok(whole.then_some(frame))
    }
}

impl<R: Read + Seek> Y4mReader<R> {
    /// Goes to the frame of that number; one past the last is the end.
    pub fn seek(&mut self, index: u64) -> Result<()> {
        self.ended = false;
        self.truncated = false;
        // Where it must be if no frame header has parameters, which is usual.
        let step = FRAME.len() as u64 + 1 + self.header.frame_bytes();
        if let Some(place) = index
            .checked_mul(step)
            .and_then(|at| at.checked_add(self.start))
        {
            self.reader.seek(SeekFrom::Start(place)).map_err(broken)?;
            let mut found = [0; FRAME.len() + 1];
            let read = read_up_to(&mut self.reader, &mut found)?;
            if read == 0 || (read == found.len() && &found == b"FRAME\n") {
                let back = i64::try_from(read).unwrap_or(0);
                self.reader.seek_relative(-back).map_err(broken)?;
                self.index = index;
                return Ok(());
            }
        }
        self.reader
            .seek(SeekFrom::Start(self.start))
            .map_err(broken)?;
        self.index = 0;
        let skip = i64::try_from(self.header.frame_bytes()).unwrap_or(i64::MAX);
        while self.index < index && self.frame_header()? {
            self.reader.seek_relative(skip).map_err(broken)?;
            self.index += 1;
        }
        Ok(())
    }
}

/// Reads a header line without its line feed.
fn read_line(reader: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    reader
        .take(MAX_HEADER as u64)
        .read_until(b'\n', &mut line)
        .map_err(broken)?;
    if line.pop() != Some(b'\n') {
        return Err(Error::Y4m("its header does not end".into()));
    }
    Ok(line)
}

fn broken(source: io::Error) -> Error {
    Error::Io {
        action: "read a Y4M stream".into(),
        source,
    }
}

/// Fills the buffer as far as the stream goes.
fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(error)),
        }
    }
    Ok(filled)
}

/// Reads as many planes as are stored and makes the others neutral; false if the stream breaks off.
fn fill(
    reader: &mut impl Read,
    frame: &mut Frame,
    stored: usize,
    row: &mut Vec<u8>,
) -> Result<bool> {
    match &mut frame.planes {
        Planes::Eight(planes) => {
            for plane in &mut planes[..stored] {
                for row in plane.rows_mut() {
                    if read_up_to(reader, row)? < row.len() {
                        return Ok(false);
                    }
                }
            }
            planes[stored..]
                .iter_mut()
                .for_each(|plane| plane.fill(128));
        }
        Planes::Ten(planes) => {
            for plane in &mut planes[..stored] {
                if !fill_ten(reader, plane, row)? {
                    return Ok(false);
                }
            }
            planes[stored..]
                .iter_mut()
                .for_each(|plane| plane.fill(512));
        }
    }
    Ok(true)
}

fn fill_ten(reader: &mut impl Read, plane: &mut Plane<u16>, bytes: &mut Vec<u8>) -> Result<bool> {
    bytes.resize(plane.width() * 2, 0);
    for row in plane.rows_mut() {
        if read_up_to(reader, bytes)? < bytes.len() {
            return Ok(false);
        }
        for (sample, pair) in row.iter_mut().zip(bytes.chunks_exact(2)) {
            // What reads ten bits may index with them, so the others go.
            *sample = u16::from_le_bytes([pair[0], pair[1]]) & 1023;
        }
    }
    Ok(true)
}

/// The frames that fit into a stream of `bytes` bytes.
pub(crate) fn frames_in(header: &Y4mHeader, header_bytes: u64, bytes: u64) -> u64 {
    bytes.saturating_sub(header_bytes) / (FRAME.len() as u64 + 1 + header.frame_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn stream(frames: &[&str]) -> Vec<u8> {
        let mut stream = b"YUV4MPEG2 W3 H1 F50:2 Cmono\n".to_vec();
        for frame in frames {
            stream.extend_from_slice(frame.as_bytes());
        }
        stream
    }

    #[test]
    fn frames_come_with_their_parameters_or_without() {
        let data = stream(&["FRAME\nabc", "FRAME Ip Xwhat\ndef"]);
        let mut reader = Y4mReader::new(&data[..]).unwrap();
        let first = reader.next().unwrap().unwrap();
        assert_eq!(first.pts, Timestamp::new(0, TimeBase::new(1, 25)));
        assert_eq!(first.planes.eight().unwrap()[0].row(0), b"abc");
        assert_eq!(first.planes.eight().unwrap()[2].row(0), [128; 2]);
        let second = reader.next().unwrap().unwrap();
        assert_eq!((second.pts.ticks, second.duration), (1, Some(1)));
        assert!(reader.next().unwrap().is_none() && !reader.is_truncated());
    }

    #[test]
    fn a_broken_end_gives_the_whole_frames() {
        for tail in ["FRAME\nde", "FRAME\n", "FRA"] {
            let data = stream(&["FRAME\nabc", tail]);
            let mut reader = Y4mReader::new(&data[..]).unwrap();
            assert!(reader.next().unwrap().is_some());
            assert!(reader.next().unwrap().is_none(), "{tail:?}");
            assert!(reader.is_truncated() && reader.next().unwrap().is_none());
        }
    }

    #[test]
    fn a_lost_place_is_an_error_once() {
        for tail in ["xFRAME\nabc", "FRAMES\nabc", "\n"] {
            let data = stream(&["FRAME\nabc", tail]);
            let mut reader = Y4mReader::new(&data[..]).unwrap();
            assert!(reader.next().unwrap().is_some());
            let error = reader.next().unwrap_err();
            assert_eq!(
                error.to_string(),
                "not a valid Y4M stream: frame 1 does not begin with FRAME"
            );
            assert!(reader.next().unwrap().is_none());
        }
    }

    #[test]
    fn a_header_cannot_make_it_spend_memory() {
        let data = b"YUV4MPEG2 W16384 H16384 C444p10\nFRAME\nabc";
        let mut reader = Y4mReader::new(&data[..]).unwrap();
        assert!(reader.next().unwrap().is_none());
        assert!(reader.is_truncated());
    }

    #[test]
    fn every_frame_can_be_gone_to() {
        for headers in [["FRAME\n"; 3], ["FRAME\n", "FRAME Ip\n", "FRAME\n"]] {
            let frames = ["abc", "def", "ghi"].map(|samples| samples.to_owned());
            let joined: Vec<String> = headers
                .iter()
                .zip(&frames)
                .map(|(header, samples)| format!("{header}{samples}"))
                .collect();
            let data = stream(&joined.iter().map(String::as_str).collect::<Vec<_>>());
            let mut reader = Y4mReader::new(Cursor::new(data)).unwrap();
            for index in [2, 0, 1, 2] {
                reader.seek(index).unwrap();
                let frame = reader.next().unwrap().unwrap();
                assert_eq!(frame.pts.ticks, index as i64);
                assert_eq!(
                    frame.planes.eight().unwrap()[0].row(0),
                    frames[index as usize].as_bytes()
                );
            }
            for past in [3, 4, u64::MAX] {
                reader.seek(past).unwrap();
                assert!(reader.next().unwrap().is_none());
            }
        }
    }
}
