//! Canvases to frames and frames to canvases.
//!
//! A frame's R'G'B' is taken to be what a screen with sRGB's curve shows, as players do, so a
//! canvas becomes the same picture in a PNG and in a video.

use nervure_frame::{
    Chroma, Colour, Frame, PictureFormat, Plane, Planes, Range, Sample, Timestamp,
};
use rayon::prelude::*;

use super::{Canvas, Light, Rgba, canvas, colour};

/// A sample that can be rounded to.
trait Store: Sample {
    fn store(value: f32) -> Self;
}

impl Store for u8 {
    #[inline(always)]
    fn store(value: f32) -> u8 {
        (value + 0.5) as u8
    }
}

impl Store for u16 {
    #[inline(always)]
    fn store(value: f32) -> u16 {
        (value + 0.5).min(1023.0) as u16
    }
}

/// A frame of a canvas that holds a whole picture: BT.709, limited range, chroma on the left.
///
/// # Panics
/// When the canvas is a band or its size is not the format's.
pub fn frame_of(canvas: &Canvas, format: PictureFormat, pts: Timestamp) -> Frame {
    assert_eq!(
        (canvas.width(), canvas.rows()),
        (format.width, 0..format.height),
        "a whole picture of the frame's size"
    );
    let mut frame = Frame::new(format, pts);
    frame.colour = Colour::BT709;
    each_band(&mut frame, &[canvas.rows()], |_, _, write| write(canvas));
    frame
}

/// Draws a picture straight into a frame, in bands on all threads: as [`frame_of`], but no whole
/// canvas is ever kept. Every sample of the frame is written, whatever it held.
pub fn render_frame(frame: &mut Frame, light: Light, draw: impl Fn(&mut Canvas) + Sync) {
    frame.colour = Colour::BT709;
    let bands = canvas::bands(frame.format().height);
    each_band(frame, &bands, |format, rows, write| {
        let mut canvas = Canvas::band(format.width, format.height, rows, light);
        draw(&mut canvas);
        write(&canvas);
    });
}

/// Calls `fill` for every band of the frame, with what writes a canvas of those rows into it.
fn each_band(
    frame: &mut Frame,
    bands: &[std::ops::Range<usize>],
    fill: impl Fn(PictureFormat, std::ops::Range<usize>, &mut dyn FnMut(&Canvas)) + Sync,
) {
    let format = frame.format();
    match &mut frame.planes {
        Planes::Eight(planes) => each_band_of(format, planes, bands, &fill),
        Planes::Ten(planes) => each_band_of(format, planes, bands, &fill),
    }
}

fn each_band_of<T: Store>(
    format: PictureFormat,
    planes: &mut [Plane<T>; 3],
    bands: &[std::ops::Range<usize>],
    fill: &(impl Fn(PictureFormat, std::ops::Range<usize>, &mut dyn FnMut(&Canvas)) + Sync),
) {
    let rows = bands[0].len();
    let chroma_rows = rows.div_ceil(1 << format.chroma.shift().1);
    let (luma_stride, chroma_stride) = (planes[0].stride(), planes[1].stride());
    let [y, cb, cr] = planes;
    let parts: Vec<_> = bands
        .iter()
        .cloned()
        .zip(y.bands_mut(rows))
        .zip(cb.bands_mut(chroma_rows).zip(cr.bands_mut(chroma_rows)))
        .map(|((rows, (_, y)), ((_, cb), (_, cr)))| (rows, y, cb, cr))
        .collect();
    parts.into_par_iter().for_each(|(rows, y, cb, cr)| {
        fill(format, rows, &mut |canvas| {
            let mut target = Target {
                format,
                y: &mut *y,
                cb: &mut *cb,
                cr: &mut *cr,
                strides: (luma_stride, chroma_stride),
            };
            target.write(canvas);
        });
    });
}

/// Rows of a frame's planes that a canvas is written to.
struct Target<'a, T> {
    format: PictureFormat,
    y: &'a mut [T],
    cb: &'a mut [T],
    cr: &'a mut [T],
    strides: (usize, usize),
}

/// BT.709: how much of luma is red and blue.
const KR: f32 = 0.2126;
const KB: f32 = 0.0722;

impl<T: Store> Target<'_, T> {
    fn write(&mut self, canvas: &Canvas) {
        let width = self.format.width;
        let scale = f32::from(1u16 << (self.format.depth.bits() - 8));
        let shift = self.format.chroma.shift();
        let step = 1 << shift.1;
        let mut coded = vec![0.0f32; 3 * width];
        let mut sums = (vec![0.0f32; width], vec![0.0f32; width]);
        let rows = canvas.rows();
        for (index, y) in rows.clone().enumerate() {
            let source = canvas.row(y);
            for (target, source) in coded.chunks_exact_mut(width).zip(source) {
                match canvas.light() {
                    Light::Linear => target
                        .iter_mut()
                        .zip(source)
                        .for_each(|(t, s)| *t = colour::encode(*s)),
                    Light::Coded => target
                        .iter_mut()
                        .zip(source)
                        .for_each(|(t, s)| *t = s.clamp(0.0, 1.0)),
                }
            }
            let (r, rest) = coded.split_at(width);
            let (g, b) = rest.split_at(width);
            let first = index % step == 0;
            let luma = &mut self.y[index * self.strides.0..][..width];
            let sums = (&mut sums.0[..width], &mut sums.1[..width]);
            for x in 0..width {
                let bright = KR * r[x] + (1.0 - KR - KB) * g[x] + KB * b[x];
                luma[x] = T::store((16.0 + 219.0 * bright) * scale);
                let blue = (b[x] - bright) * (0.5 / (1.0 - KB));
                let red = (r[x] - bright) * (0.5 / (1.0 - KR));
                if first {
                    sums.0[x] = blue;
                    sums.1[x] = red;
                } else {
                    sums.0[x] += blue;
                    sums.1[x] += red;
                }
            }
            let last = index % step == step - 1 || y + 1 == rows.end;
            if last {
                let count = (index % step + 1) as f32;
                let gain = 224.0 * scale / count;
                let start = (index >> shift.1) * self.strides.1;
                let chroma_width = self.format.plane_size(1).0;
                for (sum, plane) in [(&*sums.0, &mut *self.cb), (&*sums.1, &mut *self.cr)] {
                    let row = &mut plane[start..][..chroma_width];
                    put_chroma(sum, row, shift.0 > 0, gain, 128.0 * scale);
                }
            }
        }
    }
}

/// A row of chroma; when it is halved, each sample is centred on the left of its two columns.
fn put_chroma<T: Store>(full: &[f32], row: &mut [T], halve: bool, gain: f32, middle: f32) {
    if !halve {
        for (target, value) in row.iter_mut().zip(full) {
            *target = T::store(middle + gain * value);
        }
        return;
    }
    let last = full.len() - 1;
    for (index, target) in row.iter_mut().enumerate() {
        let x = 2 * index;
        let value =
            0.25 * full[x.saturating_sub(1)] + 0.5 * full[x] + 0.25 * full[(x + 1).min(last)];
        *target = T::store(middle + gain * value);
    }
}

/// How a frame's numbers become red, green and blue.
enum Matrix {
    /// The planes are green, blue and red.
    Rgb,
    /// Luma and colour differences, with the shares of red and blue in luma.
    Difference(f32, f32),
    /// YCgCo.
    GreenOrange,
}

impl Matrix {
    fn of(code: u8, format: PictureFormat) -> Matrix {
        match code {
            0 => Matrix::Rgb,
            1 => Matrix::Difference(0.2126, 0.0722),
            4 => Matrix::Difference(0.30, 0.11),
            5 | 6 => Matrix::Difference(0.299, 0.114),
            7 => Matrix::Difference(0.212, 0.087),
            8 => Matrix::GreenOrange,
            9 | 10 => Matrix::Difference(0.2627, 0.0593),
            // What players do when nothing is said: high definition is BT.709.
            _ if format.width >= 1280 || format.height > 576 => Matrix::of(1, format),
            _ => Matrix::of(6, format),
        }
    }
}

/// A frame as a coded canvas, by the matrix, range and chroma position that it names.
pub fn canvas_of(frame: &Frame) -> Canvas {
    let format = frame.format();
    let matrix = Matrix::of(frame.colour.matrix, format);
    let full = frame.colour.range == Range::Full;
    let steps = f32::from(1u16 << (format.depth.bits() - 8));
    let most = f32::from(format.depth.max());
    let (black, luma, chroma) = if full {
        (0.0, 1.0 / most, 1.0 / most)
    } else {
        (16.0 * steps, 1.0 / (219.0 * steps), 1.0 / (224.0 * steps))
    };
    let middle = 128.0 * steps;
    let offset = frame.colour.location.offset();
    let mut canvas = Canvas::new(format.width, format.height, Light::Coded, Rgba::BLACK);
    let mut planes = [const { Vec::new() }; 3];
    for row in canvas.rows_mut() {
        match &frame.planes {
            Planes::Eight(source) => rows(source, format.chroma, offset, row.y, &mut planes),
            Planes::Ten(source) => rows(source, format.chroma, offset, row.y, &mut planes),
        }
        let [first, second, third] = &planes;
        for x in 0..format.width {
            let bright = (first[x] - black) * luma;
            let (blue, red) = ((second[x] - middle) * chroma, (third[x] - middle) * chroma);
            let rgb = match matrix {
                Matrix::Rgb => [
                    (third[x] - black) * luma,
                    bright,
                    (second[x] - black) * luma,
                ],
                Matrix::Difference(kr, kb) => {
                    let r = bright + 2.0 * (1.0 - kr) * red;
                    let b = bright + 2.0 * (1.0 - kb) * blue;
                    [r, (bright - kr * r - kb * b) / (1.0 - kr - kb), b]
                }
                Matrix::GreenOrange => [bright - blue + red, bright + blue, bright - blue - red],
            };
            row.r[x] = rgb[0].clamp(0.0, 1.0);
            row.g[x] = rgb[1].clamp(0.0, 1.0);
            row.b[x] = rgb[2].clamp(0.0, 1.0);
        }
    }
    canvas
}

/// Row `y` of all planes at the luma's size, chroma interpolated to where luma samples sit.
fn rows<T: Sample>(
    planes: &[Plane<T>; 3],
    chroma: Chroma,
    offset: (f64, f64),
    y: usize,
    out: &mut [Vec<f32>; 3],
) {
    let value = |sample: T| -> f32 {
        let whole: i32 = sample.into();
        whole as f32
    };
    let width = planes[0].width();
    out[0].clear();
    out[0].extend(planes[0].row(y).iter().map(|s| value(*s)));
    let shift = chroma.shift();
    for (plane, out) in planes[1..].iter().zip(&mut out[1..]) {
        let (top, bottom, down) = between(y, shift.1, offset.1, plane.height());
        let (upper, lower) = (plane.row(top), plane.row(bottom));
        out.clear();
        out.extend((0..width).map(|x| {
            let (left, right, across) = between(x, shift.0, offset.0, plane.width());
            let a = value(upper[left]) * (1.0 - across) + value(upper[right]) * across;
            let b = value(lower[left]) * (1.0 - across) + value(lower[right]) * across;
            a * (1.0 - down) + b * down
        }));
    }
}

/// The two chroma samples around a luma sample in one direction, and how far it is to the second.
fn between(position: usize, shift: u32, offset: f64, count: usize) -> (usize, usize, f32) {
    if shift == 0 {
        return (position, position, 0.0);
    }
    let place = ((position as f64 - 0.5 - offset) * 0.5).clamp(0.0, (count - 1) as f64);
    let first = place as usize;
    (
        first,
        (first + 1).min(count - 1),
        (place - first as f64) as f32,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::{BitDepth, ChromaLocation, TimeBase};

    fn zero() -> Timestamp {
        Timestamp::new(0, TimeBase::new(1, 25))
    }

    fn smooth(width: usize, height: usize) -> Canvas {
        let mut canvas = Canvas::new(width, height, Light::Coded, Rgba::BLACK);
        for row in canvas.rows_mut() {
            for x in 0..width {
                row.r[x] = 0.2 + 0.6 * x as f32 / width as f32;
                row.g[x] = 0.8 - 0.5 * row.y as f32 / height as f32;
                row.b[x] = 0.4 + 0.2 * (x + row.y) as f32 / (width + height) as f32;
            }
        }
        canvas
    }

    fn worst(a: &Canvas, b: &Canvas) -> f32 {
        (0..a.height())
            .flat_map(|y| {
                let (a, b) = (a.row(y), b.row(y));
                (0..3).map(move |c| {
                    let pairs = a[c].iter().zip(b[c]);
                    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
                })
            })
            .fold(0.0, f32::max)
    }

    #[test]
    fn pictures_survive_the_way_there_and_back() {
        let canvas = smooth(67, 45);
        for chroma in [Chroma::C420, Chroma::C422, Chroma::C444] {
            for depth in [BitDepth::Eight, BitDepth::Ten] {
                let format = PictureFormat::new(67, 45, chroma, depth);
                let frame = frame_of(&canvas, format, zero());
                assert_eq!((frame.format(), frame.colour), (format, Colour::BT709));
                let limit = if depth == BitDepth::Ten { 0.008 } else { 0.012 };
                let error = worst(&canvas, &canvas_of(&frame));
                assert!(error < limit, "{format}: {error}");
            }
        }
    }

    #[test]
    fn known_colours_have_their_known_codes() {
        // Pure red in BT.709 limited range.
        let canvas = Canvas::new(4, 4, Light::Coded, Rgba::hex(0xff0000));
        let format = PictureFormat::new(4, 4, Chroma::C420, BitDepth::Eight);
        let frame = frame_of(&canvas, format, zero());
        let planes = frame.planes.eight().unwrap();
        let codes = [0, 1, 2].map(|plane: usize| planes[plane].row(1)[1]);
        assert_eq!(codes, [63, 102, 240]);
        let white = Canvas::new(4, 4, Light::Linear, Rgba::WHITE);
        let ten = PictureFormat::new(4, 4, Chroma::C444, BitDepth::Ten);
        let frame = frame_of(&white, ten, zero());
        let planes = frame.planes.ten().unwrap();
        assert_eq!(
            [0, 1, 2].map(|p: usize| planes[p].row(3)[3]),
            [940, 512, 512]
        );
    }

    #[test]
    fn the_matrix_and_range_that_a_frame_names_are_used() {
        let format = PictureFormat::new(4, 4, Chroma::C444, BitDepth::Eight);
        let mut frame = Frame::new(format, zero());
        for (plane, code) in frame
            .planes
            .eight_mut()
            .unwrap()
            .iter_mut()
            .zip([76, 85, 255])
        {
            plane.fill(code);
        }
        // JPEG's red.
        frame.colour.matrix = 5;
        frame.colour.range = Range::Full;
        let red = canvas_of(&frame).pixel(2, 2);
        assert!(red.r > 0.99 && red.g < 0.01 && red.b < 0.01, "{red:?}");
        frame.colour.matrix = 0;
        let direct = canvas_of(&frame).pixel(2, 2);
        assert!((direct.g - 76.0 / 255.0).abs() < 1e-5 && direct.r == 1.0);
    }

    #[test]
    fn chroma_is_put_where_it_says() {
        // A step of chroma: its middle must lie where the location says.
        let format = PictureFormat::new(16, 2, Chroma::C422, BitDepth::Eight);
        let mut frame = Frame::new(format, zero());
        let planes = frame.planes.eight_mut().unwrap();
        planes[0].fill(126);
        planes[1].fill(128);
        for row in planes[2].rows_mut() {
            row.copy_from_slice(&[100, 100, 100, 100, 156, 156, 156, 156]);
        }
        frame.colour = Colour::BT709;
        let left = canvas_of(&frame);
        assert!(
            (left.pixel(7, 0).r - left.pixel(7, 0).g).abs() < 1e-3,
            "neutral at column 7"
        );
        frame.colour.location = ChromaLocation::Centre;
        let centre = canvas_of(&frame);
        assert!(centre.pixel(7, 0).r < centre.pixel(7, 0).g);
        assert!(centre.pixel(8, 0).r > centre.pixel(8, 0).g);
    }

    #[test]
    fn bands_and_whole_pictures_give_one_frame() {
        let draw = |canvas: &mut Canvas| {
            canvas.clear(Rgba::light(0x204060));
            canvas.circle(30.0, 33.0, 21.0, &Rgba::light(0xffc040));
        };
        let format = PictureFormat::new(61, 75, Chroma::C420, BitDepth::Eight);
        let mut banded = Frame::new(format, zero());
        render_frame(&mut banded, Light::Linear, draw);
        let whole = frame_of(&Canvas::render(61, 75, Light::Linear, draw), format, zero());
        assert_eq!(banded.planes, whole.planes);
    }
}
