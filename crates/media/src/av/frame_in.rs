//! A picture as libav decoded it.

use std::ffi::c_int;
use std::ptr::{self, NonNull};
use std::slice;

use nervure_frame::{ChromaLocation, Colour, LossMask, MACROBLOCK, Plane, Planes, Range, Sample};

use super::pixels::bits;
use super::side_data::step;
use super::{ffi, fraction, timestamp};

/// An `AVFrame` of video.
pub(crate) struct RawFrame {
    raw: NonNull<ffi::AVFrame>,
}

// SAFETY: a frame and the reference-counted buffers behind it belong to no thread.
unsafe impl Send for RawFrame {}

impl RawFrame {
    pub(crate) fn new() -> Self {
        // SAFETY: takes nothing, and gives a frame of our own or null.
        let raw = unsafe { ffi::av_frame_alloc() };
        RawFrame {
            raw: NonNull::new(raw).expect("memory for a frame"),
        }
    }

    /// Another reference to the same samples.
    pub(super) fn referring(frame: &ffi::AVFrame) -> Option<Self> {
        // SAFETY: takes a valid frame, and gives one of our own or null.
        let raw = unsafe { ffi::av_frame_clone(frame) };
        NonNull::new(raw).map(|raw| RawFrame { raw })
    }

    /// Leaves away what is to the right of and below a smaller size.
    pub(super) fn crop(&mut self, width: c_int, height: c_int) {
        let frame = self.get_mut();
        frame.width = frame.width.min(width);
        frame.height = frame.height.min(height);
    }

    pub(crate) fn width(&self) -> usize {
        usize::try_from(self.get().width).unwrap_or(0)
    }

    pub(crate) fn height(&self) -> usize {
        usize::try_from(self.get().height).unwrap_or(0)
    }

    /// libav's number of the pixel format.
    pub(crate) fn pixel_format(&self) -> c_int {
        self.get().format
    }

    /// The decoder's best word on when the picture is shown.
    pub(crate) fn timestamp(&self) -> Option<i64> {
        timestamp(self.get().best_effort_timestamp)
    }

    /// What a filter says about when the picture is shown.
    pub(crate) fn pts(&self) -> Option<i64> {
        timestamp(self.get().pts)
    }

    /// For filters, which look at this one only.
    pub(crate) fn set_pts(&mut self, ticks: i64) {
        self.get_mut().pts = ticks;
    }

    /// In ticks, where the container or codec says.
    pub(crate) fn duration(&self) -> Option<i64> {
        #[cfg(ffmpeg_6_0)]
        let ticks = self.get().duration;
        #[cfg(not(ffmpeg_6_0))]
        let ticks = self.get().pkt_duration;
        Some(ticks).filter(|ticks| *ticks > 0)
    }

    /// The decoder knows that parts are invented.
    pub(crate) fn is_corrupt(&self) -> bool {
        let frame = self.get();
        frame.flags & ffi::AV_FRAME_FLAG_CORRUPT != 0 || frame.decode_error_flags != 0
    }

    /// It needs no other picture, nor does any that is shown after it need one from before it.
    pub(crate) fn is_key(&self) -> bool {
        #[cfg(ffmpeg_6_1)]
        return self.get().flags & ffi::AV_FRAME_FLAG_KEY != 0;
        #[cfg(not(ffmpeg_6_1))]
        return self.get().key_frame != 0;
    }

    /// Its rows belong to two moments.
    pub(crate) fn is_interlaced(&self) -> bool {
        #[cfg(ffmpeg_6_1)]
        return self.get().flags & ffi::AV_FRAME_FLAG_INTERLACED != 0;
        #[cfg(not(ffmpeg_6_1))]
        return self.get().interlaced_frame != 0;
    }

    pub(crate) fn sample_aspect(&self) -> Option<(u32, u32)> {
        fraction(self.get().sample_aspect_ratio)
    }

    /// What the samples mean, as the codec says. `full_range` is the pixel format's own word.
    pub(crate) fn colour(&self, full_range: bool) -> Colour {
        let frame = self.get();
        Colour {
            range: if full_range {
                Range::Full
            } else {
                range(frame.color_range)
            },
            primaries: code_point(frame.color_primaries.0 as i64, false),
            transfer: code_point(frame.color_trc.0 as i64, false),
            matrix: code_point(frame.colorspace.0 as i64, true),
            location: location(frame.chroma_location),
        }
    }

    /// libav's numbers for the matrix and the range, for filters.
    pub(crate) fn matrix_and_range(&self) -> (i64, i64) {
        let frame = self.get();
        (frame.colorspace.0 as i64, frame.color_range.0 as i64)
    }

    /// How coarsely luma is coded, in 8-bit codes, where the decoder tells.
    pub(crate) fn step(&self) -> Option<f32> {
        let parameters = self.side_data(ffi::AVFrameSideDataType::VIDEO_ENC_PARAMS)?;
        step(parameters, bits(self.pixel_format())?)
    }

    /// Side data of one kind.
    pub(crate) fn side_data(&self, kind: ffi::AVFrameSideDataType) -> Option<&[u8]> {
        // SAFETY: the frame is valid; a found block holds `size` bytes and lives as long as it.
        unsafe {
            let block = ffi::av_frame_get_side_data(self.raw.as_ptr(), kind).as_ref()?;
            (!block.data.is_null()).then(|| slice::from_raw_parts(block.data, block.size))
        }
    }

    /// The first `rows` rows of a plane, `bytes` bytes of each.
    ///
    /// # Panics
    /// When the plane has not as many: a wrong reading of the pixel format, not of the data.
    pub(crate) fn rows(
        &self,
        plane: usize,
        rows: usize,
        bytes: usize,
    ) -> impl ExactSizeIterator<Item = &[u8]> {
        let frame = self.get();
        let stride = frame.linesize[plane] as isize;
        let start = frame.data[plane];
        assert!(
            !start.is_null()
                && bytes <= stride.unsigned_abs()
                && rows <= self.height()
                && rows <= isize::MAX as usize,
            "plane {plane} has no {rows} rows of {bytes} bytes"
        );
        (0..rows).map(move |row| {
            // SAFETY: libav allocates at least `|stride|` bytes for each row of a plane, and no plane
            // has more rows than luma; the caller asks for as many rows as the pixel format gives the
            // plane. The stride is negative for pictures stored upside down.
            unsafe { slice::from_raw_parts(start.offset(row as isize * stride), bytes) }
        })
    }

    /// Where the buffer begins that luma lies in.
    pub(super) fn luma_buffer(&self) -> Option<usize> {
        // SAFETY: the frame is valid, and the buffers that it refers to live as long as it.
        let buffer = unsafe { self.get().buf[0].as_ref()? };
        Some(buffer.data.addr())
    }

    /// Puts samples where macroblocks are lost, for all who refer to the picture, which has the planes of
    /// ours: [`Pixels::is_ours`](super::pixels::Pixels::is_ours).
    ///
    /// # Panics
    /// When sizes do not fit.
    pub(crate) fn replace(&mut self, planes: &Planes, lost: &LossMask) {
        match planes {
            Planes::Eight(planes) => self.replace_samples(planes, lost, |row, to| to.extend(row)),
            Planes::Ten(planes) => self.replace_samples(planes, lost, |row, to| {
                to.extend(row.iter().flat_map(|sample| sample.to_ne_bytes()));
            }),
        }
    }

    fn replace_samples<T: Sample>(
        &mut self,
        planes: &[Plane<T>; 3],
        lost: &LossMask,
        bytes: impl Fn(&[T], &mut Vec<u8>),
    ) {
        let (luma, mut line) = ((planes[0].width(), planes[0].height()), Vec::new());
        for (number, plane) in planes.iter().enumerate() {
            let across = MACROBLOCK / luma.0.div_ceil(plane.width());
            let down = MACROBLOCK / luma.1.div_ceil(plane.height());
            for (y, row) in plane.rows().enumerate() {
                for column in (0..lost.columns()).filter(|column| lost.is_lost(*column, y / down)) {
                    let first = (column * across).min(row.len());
                    let samples = &row[first..(first + across).min(row.len())];
                    line.clear();
                    bytes(samples, &mut line);
                    self.overwrite(number, y, first * size_of::<T>(), &line);
                }
            }
        }
    }

    /// Replaces bytes of a row of a plane, from some on.
    ///
    /// # Panics
    /// When the plane has not as many.
    fn overwrite(&mut self, plane: usize, row: usize, from: usize, bytes: &[u8]) {
        let frame = self.get_mut();
        let stride = frame.linesize[plane] as isize;
        let start = frame.data[plane];
        assert!(
            !start.is_null()
                && from + bytes.len() <= stride.unsigned_abs()
                && row < usize::try_from(frame.height).unwrap_or(0),
            "plane {plane} has no row {row} of {} bytes",
            bytes.len()
        );
        // SAFETY: within the plane, as in `rows`. Others who refer to the samples are decoders that are not
        // at work, and frames that nobody reads meanwhile: `self` is on the thread that works with them all.
        unsafe {
            let to = start.offset(row as isize * stride).add(from);
            ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
    }

    /// What was said of the frame where its memory came from.
    pub(super) fn opaque(&self) -> usize {
        self.get().opaque.addr()
    }

    /// The planes for calls of libav.
    pub(super) fn planes(&self) -> ([*const u8; 4], [c_int; 4]) {
        let frame = self.get();
        (
            std::array::from_fn(|plane| frame.data[plane].cast_const()),
            std::array::from_fn(|plane| frame.linesize[plane]),
        )
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut ffi::AVFrame {
        self.raw.as_ptr()
    }

    fn get(&self) -> &ffi::AVFrame {
        // SAFETY: allocated by libav, ours until it is dropped, and borrowed with `self`.
        unsafe { self.raw.as_ref() }
    }

    fn get_mut(&mut self) -> &mut ffi::AVFrame {
        // SAFETY: as in `get`, and `self` is borrowed mutably.
        unsafe { self.raw.as_mut() }
    }
}

impl Drop for RawFrame {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: ours, and never used again.
        unsafe { ffi::av_frame_free(&mut raw) }
    }
}

/// What the parameters of a stream say its samples mean.
pub(crate) fn stream_colour(parameters: &ffi::AVCodecParameters, full_range: bool) -> Colour {
    Colour {
        range: if full_range {
            Range::Full
        } else {
            range(parameters.color_range)
        },
        primaries: code_point(parameters.color_primaries.0 as i64, false),
        transfer: code_point(parameters.color_trc.0 as i64, false),
        matrix: code_point(parameters.color_space.0 as i64, true),
        location: location(parameters.chroma_location),
    }
}

fn range(range: ffi::AVColorRange) -> Range {
    match range {
        ffi::AVColorRange::MPEG => Range::Limited,
        ffi::AVColorRange::JPEG => Range::Full,
        _ => Range::Unspecified,
    }
}

/// libav's numbers are those of H.273; reserved ones say nothing. Zero is RGB among matrices.
fn code_point(value: i64, zero: bool) -> u8 {
    match u8::try_from(value) {
        Ok(0) if zero => 0,
        Ok(0 | 3) | Err(_) => 2,
        Ok(value) => value,
    }
}

fn location(location: ffi::AVChromaLocation) -> ChromaLocation {
    match location {
        ffi::AVChromaLocation::LEFT => ChromaLocation::Left,
        ffi::AVChromaLocation::CENTER => ChromaLocation::Centre,
        ffi::AVChromaLocation::TOPLEFT => ChromaLocation::TopLeft,
        ffi::AVChromaLocation::TOP => ChromaLocation::Top,
        ffi::AVChromaLocation::BOTTOMLEFT => ChromaLocation::BottomLeft,
        ffi::AVChromaLocation::BOTTOM => ChromaLocation::Bottom,
        _ => ChromaLocation::Unspecified,
    }
}
