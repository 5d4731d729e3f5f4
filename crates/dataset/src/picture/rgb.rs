//! Frames as red, green and blue, in whole numbers only: the same bytes on every machine.
//!
//! Chroma is interpolated to where luma samples sit, straight between its neighbours. Weights are then
//! whole quarters in each direction, so nothing is rounded until the last step.

use nervure_frame::{Chroma, ChromaLocation, Colour, PictureFormat, Plane, Range, Sample};

/// The samples of a plane, or of a part of one.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// Rows, each `stride` after the one before.
    pub data: &'a [T],
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// From the start of one row to the start of the next.
    pub stride: usize,
}

impl<'a, T: Sample> View<'a, T> {
    /// All of a plane.
    pub fn of(plane: &'a Plane<T>) -> Self {
        View {
            data: plane.data(),
            width: plane.width(),
            height: plane.height(),
            stride: plane.stride(),
        }
    }

    fn row(&self, y: usize) -> &'a [T] {
        &self.data[y * self.stride..][..self.width]
    }
}

/// The matrix that a picture of this size has when nobody says: what players take. Low resolution
/// and high resolution of one scene can differ in this, so name one for both before they are
/// converted.
pub fn matrix_of_size(width: usize, height: usize) -> u8 {
    if width >= 1280 || height > 576 { 1 } else { 6 }
}

/// The shares of red and blue in luma, where the matrix is one of luma and differences.
pub(super) fn shares(matrix: u8) -> Option<(f64, f64)> {
    match matrix {
        1 => Some((0.2126, 0.0722)),
        4 => Some((0.30, 0.11)),
        5 | 6 => Some((0.299, 0.114)),
        7 => Some((0.212, 0.087)),
        9 | 10 => Some((0.2627, 0.0593)),
        _ => None,
    }
}

/// Bits behind the point in the weights of luma; those of chroma have one less, and come in
/// sixteenths.
const BITS: u32 = 14;
const CHROMA_BITS: u32 = BITS - 1;

/// Three planes, and what it takes to make colours of them.
pub(crate) struct Rows<'a, T> {
    planes: [View<'a, T>; 3],
    chroma: Chroma,
    location: ChromaLocation,
    weights: Weights,
}

impl<'a, T: Sample> Rows<'a, T> {
    pub(crate) fn new(planes: [View<'a, T>; 3], chroma: Chroma, colour: Colour) -> Self {
        let format = PictureFormat::new(planes[0].width, planes[0].height, chroma, T::DEPTH);
        Rows {
            planes,
            chroma,
            location: colour.location,
            weights: Weights::of(colour, format),
        }
    }

    /// The matrix that is used.
    pub(crate) fn matrix(&self) -> u8 {
        self.weights.matrix
    }
}

/// Turns rows of luma and chroma into rows of 8-bit red, green, blue. Its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct ToRgb {
    blended: [Vec<i16>; 2],
    /// What chroma adds to one colour at each chroma sample, with one more at both ends.
    narrow: Vec<i32>,
    wide: Vec<i32>,
    colours: [Vec<u8>; 3],
}

impl ToRgb {
    /// Nothing allocated yet.
    pub fn new() -> Self {
        ToRgb::default()
    }

    /// Appends the rows of a picture, three bytes for each place. Samples of 10 bits are rounded to
    /// 8 once, at the end.
    pub fn picture<T: Sample>(
        &mut self,
        planes: [View<'_, T>; 3],
        chroma: Chroma,
        colour: Colour,
        rgb: &mut Vec<u8>,
    ) {
        let rows = Rows::new(planes, chroma, colour);
        let (width, height) = (planes[0].width, planes[0].height);
        let from = rgb.len();
        rgb.resize(from + 3 * width * height, 0);
        for (y, out) in rgb[from..].chunks_exact_mut(3 * width).enumerate() {
            self.row(&rows, y, out);
        }
    }

    /// Appends a plane of chroma as large as luma, `width` x `height`, in the bits it has.
    pub fn chroma<T: Sample>(
        &mut self,
        plane: View<'_, T>,
        chroma: Chroma,
        location: ChromaLocation,
        (width, height): (usize, usize),
        out: &mut Vec<u16>,
    ) {
        self.wide.resize(width, 0);
        for y in 0..height {
            blend_rows(&plane, chroma, location, y, &mut self.blended[0]);
            self.narrow.clear();
            self.narrow.push(0);
            let codes = self.blended[0].iter().map(|code| i32::from(*code));
            self.narrow.extend(codes);
            widen(&mut self.narrow, chroma, location, &mut self.wide);
            out.extend(self.wide.iter().map(|code| ((code + 8) >> 4) as u16));
        }
    }

    /// Row `y`.
    pub(crate) fn row<T: Sample>(&mut self, rows: &Rows<'_, T>, y: usize, out: &mut [u8]) {
        let luma = rows.planes[0].row(y);
        let (chroma, location) = (rows.chroma, rows.location);
        for (plane, blended) in rows.planes[1..].iter().zip(&mut self.blended) {
            blend_rows(plane, chroma, location, y, blended);
        }
        self.wide.resize(luma.len(), 0);
        let shift = rows.weights.shift;
        for (codes, row) in self.colours.iter_mut().zip(&rows.weights.rows) {
            self.narrow.clear();
            self.narrow.push(0);
            let [blue, red] = &self.blended;
            self.narrow.extend(blue.iter().zip(red).map(|(blue, red)| {
                i32::from(*blue) * i32::from(row.blue) + i32::from(*red) * i32::from(row.red)
            }));
            widen(&mut self.narrow, chroma, location, &mut self.wide);
            codes.resize(luma.len(), 0);
            for ((code, sample), chroma) in codes.iter_mut().zip(luma).zip(&self.wide) {
                let sample: i32 = (*sample).into();
                // Of 16 bits both: a multiplication that every processor has in vectors.
                let bright = i32::from(sample as i16) * i32::from(row.luma);
                *code = (((bright << 3) + chroma + row.offset) >> shift).clamp(0, 255) as u8;
            }
        }
        let [red, green, blue] = &self.colours;
        for (((out, red), green), blue) in out.chunks_exact_mut(3).zip(red).zip(green).zip(blue) {
            out[0] = *red;
            out[1] = *green;
            out[2] = *blue;
        }
    }
}

/// How much of luma and chroma goes into one colour.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    luma: i16,
    blue: i16,
    red: i16,
    /// Black and neutral chroma, and half a step so that the shift rounds.
    offset: i32,
}

#[derive(Clone, Debug)]
struct Weights {
    rows: [Row; 3],
    shift: u32,
    matrix: u8,
}

impl Weights {
    fn of(colour: Colour, format: PictureFormat) -> Weights {
        let steps = 1i32 << (format.depth.bits() - 8);
        let (black, luma, chroma) = match colour.range {
            Range::Full => {
                let gain = 255.0 * f64::from(steps) / f64::from(format.depth.max());
                (0, gain, gain)
            }
            Range::Limited | Range::Unspecified => (16 * steps, 255.0 / 219.0, 255.0 / 224.0),
        };
        let neutral = 128 * steps;
        let named = match colour.matrix {
            0 | 1 | 4..=10 => colour.matrix,
            _ => matrix_of_size(format.width, format.height),
        };
        let difference = |red: f64, blue: f64| {
            let green = 1.0 - red - blue;
            let (from_red, from_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
            [
                [1.0, 0.0, from_red],
                [1.0, -from_blue * blue / green, -from_red * red / green],
                [1.0, from_blue, 0.0],
            ]
        };
        let matrix = match (named, shares(named)) {
            (_, Some((red, blue))) => difference(red, blue),
            (8, _) => [[1.0, -1.0, 1.0], [1.0, 1.0, 0.0], [1.0, -1.0, -1.0]],
            _ => [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        };
        // With no matrix, all three planes are made as luma is.
        let (chroma, neutral) = if named == 0 {
            (luma, black)
        } else {
            (chroma, neutral)
        };
        let shift = BITS + 3 + (format.depth.bits() - 8);
        let fixed = |weight: f64, bits: u32| (weight * f64::from(1 << bits)).round() as i16;
        let rows = matrix.map(|[y, cb, cr]| {
            let (y, cb, cr) = (
                fixed(y * luma, BITS),
                fixed(cb * chroma, CHROMA_BITS),
                fixed(cr * chroma, CHROMA_BITS),
            );
            let dark = (i32::from(y) * black) << 3;
            let grey = (i32::from(cb) + i32::from(cr)) * neutral * 16;
            Row {
                luma: y,
                blue: cb,
                red: cr,
                offset: (1 << (shift - 1)) - dark - grey,
            }
        });
        Weights {
            rows,
            shift,
            matrix: named,
        }
    }
}

/// The chroma of luma row `y` in quarters, still as narrow as it is.
fn blend_rows<T: Sample>(
    plane: &View<'_, T>,
    chroma: Chroma,
    location: ChromaLocation,
    y: usize,
    blended: &mut Vec<i16>,
) {
    blended.clear();
    let code = |sample: T| -> i16 {
        let sample: i32 = sample.into();
        sample as i16
    };
    let (_, halved) = chroma.shift();
    let quarter = if halved > 0 {
        // Of a chroma row: -1/2, 0 or 1/2 of a luma row is the offset, so this is a whole number.
        let place = 2 * y as i64 - 1 - (2.0 * location.offset().1) as i64;
        place.clamp(0, 4 * (plane.height as i64 - 1)) as usize
    } else {
        4 * y
    };
    let (first, lower) = (quarter / 4, (quarter % 4) as i16);
    let upper = 4 - lower;
    if lower == 0 {
        blended.extend(plane.row(first).iter().map(|sample| 4 * code(*sample)));
    } else {
        let rows = plane.row(first).iter().zip(plane.row(first + 1));
        blended.extend(rows.map(|(a, b)| upper * code(*a) + lower * code(*b)));
    }
}

/// A row of chroma, in quarters, as wide as luma. `narrow` begins with a place to spare.
fn widen(narrow: &mut Vec<i32>, chroma: Chroma, location: ChromaLocation, wide: &mut [i32]) {
    let (halved, _) = chroma.shift();
    if halved == 0 {
        for (wide, value) in wide.iter_mut().zip(&narrow[1..]) {
            *wide = 4 * value;
        }
        return;
    }
    // Beyond its ends a row goes on as it was.
    narrow[0] = narrow[1];
    narrow.push(narrow[narrow.len() - 1]);
    let left = location.offset().0 < -0.25;
    let around = narrow.iter().zip(&narrow[1..]).zip(&narrow[2..]);
    let pairs = wide.chunks_exact_mut(2).zip(around);
    if left {
        for (pair, ((_, at), after)) in pairs {
            pair[0] = 4 * at;
            pair[1] = 2 * (at + after);
        }
    } else {
        for (pair, ((before, at), after)) in pairs {
            pair[0] = before + 3 * at;
            pair[1] = 3 * at + after;
        }
    }
    if wide.len() % 2 == 1 {
        let last = wide.len() / 2;
        wide[2 * last] = if left {
            4 * narrow[last + 1]
        } else {
            narrow[last] + 3 * narrow[last + 1]
        };
    }
}
