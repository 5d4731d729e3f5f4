//! libav's pictures into our frames.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use nervure_frame::{Colour, Frame, FramePool, PictureFormat, Plane, Planes, Range, Timestamp};

use super::ffi;
use super::frame_in::RawFrame;
use super::pixels::{Component, Pixels, Route, pixel_format};

/// Makes frames of one kind of picture after another; what it learned of the last kind is kept.
pub(crate) struct Converter {
    pool: FramePool,
    last: Option<(c_int, Pixels)>,
    deep: Option<DeepTable>,
    scaler: Option<Scaler>,
}

/// Why a picture could not become a frame.
#[derive(Debug)]
pub(crate) enum ConvertError {
    /// Neither we nor swscale can read its pixel format.
    Format(String),
    /// swscale failed.
    Scale,
}

impl Converter {
    pub(crate) fn new() -> Self {
        Converter {
            pool: FramePool::new(),
            last: None,
            deep: None,
            scaler: None,
        }
    }

    /// What the pixel format of `raw` becomes.
    pub(crate) fn pixels(&mut self, raw: &RawFrame) -> Result<&Pixels, ConvertError> {
        let format = raw.pixel_format();
        if self.last.as_ref().is_none_or(|(last, _)| *last != format) {
            let pixels = Pixels::of(format)
                .ok_or_else(|| ConvertError::Format(super::pixels::name(format)))?;
            self.last = Some((format, pixels));
        }
        match &self.last {
            Some((_, pixels)) => Ok(pixels),
            None => Err(ConvertError::Format(super::pixels::name(format))),
        }
    }

    /// The picture as a frame of our own memory. What the codec leaves unsaid about colour is taken
    /// from `stream`.
    pub(crate) fn frame(
        &mut self,
        raw: &RawFrame,
        stream: Colour,
        pts: Timestamp,
    ) -> Result<Frame, ConvertError> {
        let pixels = self.pixels(raw)?.clone();
        let format = PictureFormat::new(raw.width(), raw.height(), pixels.chroma, pixels.depth);
        let mut frame = self.pool.frame(format, pts);
        frame.colour = pixels.colour(raw.colour(pixels.full_range), stream, format);
        match &pixels.route {
            Route::Copy {
                components,
                big_endian,
            } => {
                let full = frame.colour.range == Range::Full;
                self.copy(raw, &mut frame, components, *big_endian, full);
            }
            Route::Scale { to } => {
                let wanted = ScalerKey {
                    width: raw.width(),
                    height: raw.height(),
                    from: raw.pixel_format(),
                    to: to.0 as c_int,
                    rgb: pixels.rgb,
                    colour: frame.colour,
                };
                if self
                    .scaler
                    .as_ref()
                    .is_none_or(|scaler| scaler.key != wanted)
                {
                    self.scaler = Some(Scaler::new(wanted).ok_or(ConvertError::Scale)?);
                }
                if let Some(scaler) = &mut self.scaler {
                    scaler.scale(raw, &mut frame)?;
                }
            }
        }
        Ok(frame)
    }

    fn copy(
        &mut self,
        raw: &RawFrame,
        frame: &mut Frame,
        components: &[Component],
        big_endian: bool,
        full: bool,
    ) {
        match &mut frame.planes {
            Planes::Eight(planes) => {
                for (plane, component) in planes.iter_mut().zip(components) {
                    copy_eight(raw, component, plane);
                }
                for plane in planes.iter_mut().skip(components.len()) {
                    plane.fill(128);
                }
            }
            Planes::Ten(planes) => {
                for (plane, component) in planes.iter_mut().zip(components) {
                    if component.depth == 10 && component.shift == 0 && !big_endian {
                        copy_ten(raw, component, plane);
                        continue;
                    }
                    let table = DeepTable::of(&mut self.deep, component.depth, full);
                    copy_deep(raw, component, big_endian, table, plane);
                }
                for plane in planes.iter_mut().skip(components.len()) {
                    plane.fill(512);
                }
            }
        }
    }
}

impl Pixels {
    /// What the samples of the frame mean, once they are in our planes.
    pub(crate) fn colour(&self, frame: Colour, stream: Colour, format: PictureFormat) -> Colour {
        let or = |value: u8, other: u8| if value == 2 { other } else { value };
        let mut colour = Colour {
            range: if frame.range == Range::Unspecified {
                stream.range
            } else {
                frame.range
            },
            primaries: or(frame.primaries, stream.primaries),
            transfer: or(frame.transfer, stream.transfer),
            matrix: or(frame.matrix, stream.matrix),
            location: if frame.location == Default::default() {
                stream.location
            } else {
                frame.location
            },
        };
        if self.rgb {
            colour.range = Range::Limited;
            colour.matrix = rgb_matrix(format);
            colour.location = Default::default();
        } else if colour.matrix == 0
            && self.converted
            && format.chroma != nervure_frame::Chroma::C444
        {
            // Grey pictures of RGB codecs (PNG) carry their matrix, which chroma cannot have.
            colour.matrix = 2;
        }
        colour
    }
}

/// The matrix for RGB that becomes luma and chroma: what players assume for a size without tags.
fn rgb_matrix(format: PictureFormat) -> u8 {
    if format.width > 1024 || format.height > 576 {
        1
    } else {
        6
    }
}

/// Bytes of a row of `samples` samples of a component.
fn row_bytes(component: &Component, samples: usize) -> usize {
    component.offset + (samples - 1) * component.step + component.bytes()
}

fn copy_eight(raw: &RawFrame, component: &Component, plane: &mut Plane<u8>) {
    let (width, height) = (plane.width(), plane.height());
    let rows = raw.rows(component.plane, height, row_bytes(component, width));
    for (to, from) in plane.rows_mut().zip(rows) {
        let from = &from[component.offset..];
        match component.step {
            1 => to.copy_from_slice(from),
            // The usual packings, spelled out so that the compiler can vectorise them.
            2 => every::<2>(to, from),
            4 => every::<4>(to, from),
            step => {
                for (to, from) in to.iter_mut().zip(from.iter().step_by(step)) {
                    *to = *from;
                }
            }
        }
    }
}

fn every<const STEP: usize>(to: &mut [u8], from: &[u8]) {
    let (last, rest) = match to.split_last_mut() {
        Some(parts) => parts,
        None => return,
    };
    for (to, from) in rest.iter_mut().zip(from.chunks_exact(STEP)) {
        *to = from[0];
    }
    // The row need not go on for a whole step after its last sample.
    *last = from[rest.len() * STEP];
}

/// Ten bits in two bytes, low one first, wherever they lie.
fn copy_ten(raw: &RawFrame, component: &Component, plane: &mut Plane<u16>) {
    let (width, height) = (plane.width(), plane.height());
    let rows = raw.rows(component.plane, height, row_bytes(component, width));
    for (to, from) in plane.rows_mut().zip(rows) {
        let from = &from[component.offset..];
        if component.step == 2 {
            for (to, from) in to.iter_mut().zip(from.chunks_exact(2)) {
                // A damaged stream cannot make a decoder write more than ten bits, but raw video can
                // hold them, and what reads ten bits may index with them.
                *to = u16::from_le_bytes([from[0], from[1]]) & 1023;
            }
        } else {
            for (x, to) in to.iter_mut().enumerate() {
                let at = x * component.step;
                *to = u16::from_le_bytes([from[at], from[at + 1]]) & 1023;
            }
        }
    }
}

/// Any other depth or order of bytes.
fn copy_deep(
    raw: &RawFrame,
    component: &Component,
    big_endian: bool,
    table: &DeepTable,
    plane: &mut Plane<u16>,
) {
    let (width, height) = (plane.width(), plane.height());
    let rows = raw.rows(component.plane, height, row_bytes(component, width));
    for (to, from) in plane.rows_mut().zip(rows) {
        let from = &from[component.offset..];
        for (x, to) in to.iter_mut().enumerate() {
            let at = x * component.step;
            let value = match (component.bytes(), big_endian) {
                (1, _) => u16::from(from[at]),
                (_, true) => u16::from_be_bytes([from[at], from[at + 1]]),
                (_, false) => u16::from_le_bytes([from[at], from[at + 1]]),
            };
            *to = table.ten(value >> component.shift);
        }
    }
}

/// Every value of another depth at ten bits.
struct DeepTable {
    depth: u32,
    full: bool,
    values: Vec<u16>,
}

impl DeepTable {
    fn of(kept: &mut Option<DeepTable>, depth: u32, full: bool) -> &DeepTable {
        let fits = |table: &DeepTable| (table.depth, table.full) == (depth, full);
        if !kept.as_ref().is_some_and(fits) {
            *kept = None;
        }
        kept.get_or_insert_with(|| DeepTable::new(depth, full))
    }

    /// Limited range scales by powers of two, full range from end to end; both round to nearest.
    fn new(depth: u32, full: bool) -> Self {
        let top = (1u32 << depth) - 1;
        let value = |value: u32| {
            let ten = if full {
                (value * 1023 + top / 2) / top
            } else if depth > 10 {
                (value + (1 << (depth - 11))) >> (depth - 10)
            } else {
                value << (10 - depth)
            };
            ten.min(1023) as u16
        };
        DeepTable {
            depth,
            full,
            values: (0..=top).map(value).collect(),
        }
    }

    fn ten(&self, value: u16) -> u16 {
        // Bits above the depth are padding.
        self.values[usize::from(value) & (self.values.len() - 1)]
    }
}

#[derive(Clone, Debug, PartialEq)]
struct ScalerKey {
    width: usize,
    height: usize,
    from: c_int,
    to: c_int,
    rgb: bool,
    colour: Colour,
}

/// An `SwsContext` that changes the pixel format and not the size.
struct Scaler {
    key: ScalerKey,
    raw: NonNull<ffi::SwsContext>,
}

// SAFETY: the context belongs to no thread.
unsafe impl Send for Scaler {}

impl Scaler {
    fn new(key: ScalerKey) -> Option<Self> {
        // swscale.h: bicubic chroma, rounding instead of truncation, chroma of every sample of RGB.
        const FLAGS: c_int = 4 | 0x40000 | 0x2000 | 0x4000;
        let (width, height) = (
            c_int::try_from(key.width).ok()?,
            c_int::try_from(key.height).ok()?,
        );
        // SAFETY: no filters and no parameters are allowed; the coefficient tables are static; the
        // context is ours.
        unsafe {
            let raw = NonNull::new(ffi::sws_getContext(
                width,
                height,
                pixel_format(key.from),
                width,
                height,
                pixel_format(key.to),
                FLAGS,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            ))?;
            let table = ffi::sws_getCoefficients(c_int::from(key.colour.matrix));
            let full = c_int::from(key.colour.range == Range::Full);
            let from_full = if key.rgb { 1 } else { full };
            ffi::sws_setColorspaceDetails(
                raw.as_ptr(),
                table,
                from_full,
                table,
                full,
                0,
                1 << 16,
                1 << 16,
            );
            Some(Scaler { key, raw })
        }
    }

    fn scale(&mut self, raw: &RawFrame, frame: &mut Frame) -> Result<(), ConvertError> {
        let height = c_int::try_from(raw.height()).map_err(|_| ConvertError::Scale)?;
        let (from, from_strides) = raw.planes();
        let mut to = [ptr::null_mut::<u8>(); 4];
        let mut to_strides = [0 as c_int; 4];
        let mut place = |plane: usize, data: *mut u8, bytes: usize| {
            to[plane] = data;
            to_strides[plane] = c_int::try_from(bytes).unwrap_or(0);
        };
        match &mut frame.planes {
            Planes::Eight(planes) => {
                for (index, plane) in planes.iter_mut().enumerate() {
                    let stride = plane.stride();
                    place(index, plane.data_mut().as_mut_ptr(), stride);
                }
            }
            Planes::Ten(planes) => {
                for (index, plane) in planes.iter_mut().enumerate() {
                    let stride = plane.stride() * 2;
                    place(index, plane.data_mut().as_mut_ptr().cast(), stride);
                }
            }
        }
        // SAFETY: the context was made for pictures of this size and these two formats. The source
        // planes are a valid frame's; ours have as many rows as the format asks for, of 64-byte
        // multiples, which is all that swscale may write past the width.
        let rows = unsafe {
            ffi::sws_scale(
                self.raw.as_ptr(),
                from.as_ptr(),
                from_strides.as_ptr(),
                0,
                height,
                to.as_ptr(),
                to_strides.as_ptr(),
            )
        };
        if rows == height {
            Ok(())
        } else {
            Err(ConvertError::Scale)
        }
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: ours, and never used again.
        unsafe { ffi::sws_freeContext(self.raw.as_ptr()) }
    }
}

/// Depth of a frame in libav's terms, for messages.
impl std::fmt::Display for ConvertError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConvertError::Format(name) => write!(f, "pictures in {name} cannot be read"),
            ConvertError::Scale => f.write_str("libav could not convert a picture"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::BitDepth;

    #[test]
    fn deep_values_round_to_ten_bits() {
        let limited = DeepTable::new(12, false);
        assert_eq!(limited.ten(64 << 2), 64);
        assert_eq!(limited.ten((940 << 2) + 1), 940);
        assert_eq!(limited.ten((940 << 2) + 2), 941);
        assert_eq!(limited.ten(4095), 1023);
        let full = DeepTable::new(16, true);
        assert_eq!(
            (full.ten(0), full.ten(u16::MAX), full.ten(1 << 15)),
            (0, 1023, 512)
        );
        let nine = DeepTable::new(9, false);
        assert_eq!(nine.ten(256), 512);
    }

    #[test]
    fn rows_of_every_packing_are_taken_apart() {
        let mut to = [0; 3];
        every::<2>(&mut to, &[1, 9, 2, 9, 3]);
        assert_eq!(to, [1, 2, 3]);
        every::<4>(&mut to, &[4, 9, 9, 9, 5, 9, 9, 9, 6]);
        assert_eq!(to, [4, 5, 6]);
        assert_eq!(
            BitDepth::Ten,
            Pixels::of(ffi::AVPixelFormat::P010LE.0 as c_int)
                .unwrap()
                .depth
        );
    }
}
