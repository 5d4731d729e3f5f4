//! A second decoder, which is asked only what of each picture was decoded.
//!
//! libav's decoder conceals what it has no data for, and does not say where. This one gets the same
//! packets, and pictures that are filled with marks before it draws in them; it conceals nothing and
//! filters nothing, so a macroblock whose marks are all there was never drawn. What it draws from
//! pictures with marks in them looks like nothing, and nobody looks at it: which macroblocks a stream
//! has data for does not depend on that.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::Ordering;

use nervure_frame::{LossMask, MACROBLOCK};

use super::decode::{Decoder, Drawn, Received, Sent, kept};
use super::ffi;
use super::frame_in::RawFrame;
use super::input::Stream;
use super::packet::Packet;
use super::pixels;

/// Answers that nobody asked for are forgotten beyond this many: pictures that one decoder gave out and
/// the other did not.
const MOST: usize = 256;
/// Failures for one packet after which the decoder is left alone until the next.
const MOST_FAILURES: u32 = 16;

/// Which macroblocks of pictures are missing.
pub(crate) struct Witness {
    decoder: Decoder,
    raw: RawFrame,
    /// What is known of pictures by their time, in the order they are shown.
    known: VecDeque<(Option<i64>, Option<LossMask>)>,
}

impl Witness {
    /// For a stream whose decoder draws in macroblocks and conceals; none for others. Those of newer
    /// codecs refuse a damaged picture as a whole, or draw in squares of other sizes.
    pub(crate) fn open(stream: Stream<'_>, max_samples: usize) -> Option<Self> {
        if stream.parameters().codec_id != ffi::AVCodecID::H264 {
            return None;
        }
        let decoder = Decoder::prepared(stream.parameters(), stream.time_base(), |context| {
            // It follows the other, which has more to do.
            context.thread_count = 1;
            context.max_pixels = i64::try_from(max_samples).unwrap_or(i64::MAX);
            context.error_concealment = 0;
            // Filters reach over the edges of macroblocks.
            context.skip_loop_filter = ffi::AVDiscard::ALL;
            context.get_buffer2 = Some(marked);
        });
        Some(Witness {
            decoder: decoder.ok()?,
            raw: RawFrame::new(),
            known: VecDeque::new(),
        })
    }

    /// What the other decoder was sent. What is missing of its picture, where anything is, whether or not it
    /// is its turn to be shown.
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Option<LossMask> {
        for _ in 0..MOST_FAILURES {
            let sent = self.decoder.send(packet);
            self.receive();
            if !matches!(sent, Sent::Full) {
                break;
            }
        }
        self.decoder.drawn().as_ref().and_then(missing)
    }

    fn receive(&mut self) {
        for _ in 0..MOST_FAILURES {
            match self.decoder.receive(&mut self.raw) {
                Received::Frame => {
                    let known = (self.raw.timestamp(), missing(&self.raw));
                    self.known.push_back(known);
                    if self.known.len() > MOST {
                        self.known.pop_front();
                    }
                }
                Received::NeedMore | Received::End => break,
                Received::Failed(_) => {}
            }
        }
    }

    /// What is missing of the picture of that time, where anything is.
    pub(crate) fn missing(&mut self, timestamp: Option<i64>) -> Option<LossMask> {
        let place = self.known.iter().position(|(at, _)| *at == timestamp)?;
        self.known.drain(..=place).next_back()?.1
    }

    /// Forgets everything it was sent, as after a seek.
    pub(crate) fn reset(&mut self) {
        self.decoder.reset();
        self.known.clear();
    }
}

/// Marks are these bytes, again and again: no pattern that a decoder would draw, and of a length that no row
/// has. Each picture begins with another of them, so that marks that are copied from picture to picture, as
/// what rests is, do not pass for its own.
static MARKS: [u8; 4099] = marks();

/// How much further on the first mark of the next picture is. A prime: all are first before one is again.
const STEP: usize = 1021;

const fn marks() -> [u8; 4099] {
    let mut marks = [0; 4099];
    let mut state = 0x2545_f491_u32;
    let mut place = 0;
    while place < marks.len() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        marks[place] = (state >> 11) as u8;
        place += 1;
    }
    marks
}

/// Gives a decoder memory for a picture, full of marks.
unsafe extern "C" fn marked(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
    flags: c_int,
) -> c_int {
    // SAFETY: libav calls this with a context and a frame that are valid. The context is of `prepared`, which
    // is all that `kept` wants. What is `opaque` in a frame is for us, a number here and never followed. The
    // buffer of luma is new: nobody else writes to it until this returns.
    unsafe {
        let drawn = (*context).opaque.cast::<Drawn>().as_ref();
        let count = drawn.map_or(0, |drawn| drawn.count.load(Ordering::Relaxed));
        let first = count % MARKS.len() * STEP % MARKS.len();
        (*frame).opaque = ptr::without_provenance_mut(first);
        let code = kept(context, frame, flags);
        if code < 0 {
            return code;
        }
        if let Some(buffer) = (*frame).buf[0].as_ref() {
            let mut bytes = std::slice::from_raw_parts_mut(buffer.data, buffer.size);
            let mut marks = &MARKS[first..];
            while !bytes.is_empty() {
                let (now, rest) = bytes.split_at_mut(marks.len().min(bytes.len()));
                now.copy_from_slice(&marks[..now.len()]);
                (bytes, marks) = (rest, &MARKS);
            }
        }
        code
    }
}

/// Macroblocks whose marks are all there.
fn missing(raw: &RawFrame) -> Option<LossMask> {
    // Rows of interlaced pictures belong to two sets of macroblocks.
    if raw.is_interlaced() {
        return None;
    }
    let (width, height) = (raw.width(), raw.height());
    let sample = pixels::luma_bytes(raw.pixel_format())?;
    let (base, first) = (raw.luma_buffer()?, raw.opaque());
    let mut mask = LossMask::whole(width, height);
    let mut marked = vec![true; mask.columns()];
    for (y, row) in raw.rows(0, height, width * sample).enumerate() {
        for (marked, samples) in marked.iter_mut().zip(row.chunks(MACROBLOCK * sample)) {
            *marked = *marked && is_marked(first + samples.as_ptr().addr() - base, samples);
        }
        if (y + 1) % MACROBLOCK == 0 || y + 1 == height {
            for (column, marked) in marked.iter_mut().enumerate() {
                mask.set(column, y / MACROBLOCK, std::mem::replace(marked, true));
            }
        }
    }
    (mask.count() > 0).then_some(mask)
}

/// Whether bytes are the marks from that one on.
fn is_marked(start: usize, bytes: &[u8]) -> bool {
    let mut bytes = bytes.iter().enumerate();
    bytes.all(|(place, byte)| *byte == MARKS[(start + place) % MARKS.len()])
}
