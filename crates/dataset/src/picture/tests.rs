use std::fs;
use std::path::Path;

use nervure_frame::{
    BitDepth, Chroma, ChromaLocation, Colour, Frame, LossMask, PictureFormat, Planes, Range,
    TimeBase, Timestamp,
};

use super::*;
use crate::Error;

/// A frame of anything: reproducible, with every code that there is.
fn noise(format: PictureFormat, colour: Colour) -> Frame {
    let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::MICROS));
    frame.colour = colour;
    let mut state = 1u32;
    let mut code = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16 & format.depth.max()
    };
    for plane in 0..3 {
        match &mut frame.planes {
            Planes::Eight(planes) => planes[plane]
                .rows_mut()
                .flatten()
                .for_each(|sample| *sample = code() as u8),
            Planes::Ten(planes) => planes[plane]
                .rows_mut()
                .flatten()
                .for_each(|sample| *sample = code()),
        }
    }
    frame
}

fn sample(frame: &Frame, plane: usize, x: i64, y: i64) -> f64 {
    let (width, height) = frame.planes.size(plane);
    let (x, y) = (
        x.clamp(0, width as i64 - 1) as usize,
        y.clamp(0, height as i64 - 1) as usize,
    );
    match &frame.planes {
        Planes::Eight(planes) => f64::from(planes[plane].row(y)[x]),
        Planes::Ten(planes) => f64::from(planes[plane].row(y)[x]),
    }
}

/// The same by the book, in floating point.
fn by_the_book(frame: &Frame, (red, blue): (f64, f64), x: usize, y: usize) -> [f64; 3] {
    let (offset_x, offset_y) = frame.colour.location.offset();
    let (shift_x, shift_y) = frame.chroma.shift();
    let place = |position: usize, shift: u32, offset: f64| {
        if shift == 0 {
            position as f64
        } else {
            (position as f64 - 0.5 - offset) / 2.0
        }
    };
    let chroma = |plane: usize| {
        let (u, v) = (place(x, shift_x, offset_x), place(y, shift_y, offset_y));
        let (left, top) = (u.floor(), v.floor());
        let (across, down) = (u - left, v - top);
        let at = |dx: i64, dy: i64| sample(frame, plane, left as i64 + dx, top as i64 + dy);
        (at(0, 0) * (1.0 - across) + at(1, 0) * across) * (1.0 - down)
            + (at(0, 1) * (1.0 - across) + at(1, 1) * across) * down
    };
    let steps = f64::from(1 << (frame.planes.depth().bits() - 8));
    let (black, luma, difference) = if frame.colour.range == Range::Full {
        let most = f64::from(frame.planes.depth().max());
        (0.0, most, most)
    } else {
        (16.0 * steps, 219.0 * steps, 224.0 * steps)
    };
    let bright = (sample(frame, 0, x as i64, y as i64) - black) / luma;
    let (cb, cr) = (
        (chroma(1) - 128.0 * steps) / difference,
        (chroma(2) - 128.0 * steps) / difference,
    );
    let r = bright + 2.0 * (1.0 - red) * cr;
    let b = bright + 2.0 * (1.0 - blue) * cb;
    let g = (bright - red * r - blue * b) / (1.0 - red - blue);
    [r, g, b].map(|value| (255.0 * value).clamp(0.0, 255.0))
}

fn rgb_of(frame: &Frame) -> Vec<u8> {
    let mut rgb = Vec::new();
    match &frame.planes {
        Planes::Eight(planes) => ToRgb::new().picture(
            planes.each_ref().map(View::of),
            frame.chroma,
            frame.colour,
            &mut rgb,
        ),
        Planes::Ten(planes) => ToRgb::new().picture(
            planes.each_ref().map(View::of),
            frame.chroma,
            frame.colour,
            &mut rgb,
        ),
    }
    rgb
}

#[test]
fn colours_are_what_the_formula_says() {
    use ChromaLocation::{Bottom, BottomLeft, Centre, Left, Top, TopLeft, Unspecified};
    let matrices = [
        (1, (0.2126, 0.0722)),
        (5, (0.299, 0.114)),
        (7, (0.212, 0.087)),
        (9, (0.2627, 0.0593)),
    ];
    for chroma in [Chroma::C420, Chroma::C422, Chroma::C444] {
        for depth in [BitDepth::Eight, BitDepth::Ten] {
            for (index, location) in [Bottom, BottomLeft, Centre, Left, Top, TopLeft, Unspecified]
                .into_iter()
                .enumerate()
            {
                for range in [Range::Limited, Range::Full] {
                    let (matrix, shares) = matrices[index % matrices.len()];
                    let (width, height) = [(21, 11), (20, 12), (1, 1), (2, 7)][index % 4];
                    let colour = Colour {
                        range,
                        matrix,
                        location,
                        ..Colour::BT709
                    };
                    let format = PictureFormat::new(width, height, chroma, depth);
                    let frame = noise(format, colour);
                    let rgb = rgb_of(&frame);
                    for (at, pixel) in rgb.chunks_exact(3).enumerate() {
                        let wanted = by_the_book(&frame, shares, at % width, at / width);
                        for (got, wanted) in pixel.iter().zip(wanted) {
                            // Half a step is rounding; the weights add very little.
                            assert!(
                                (f64::from(*got) - wanted).abs() < 0.54,
                                "{format} {location:?} {range:?} at {at}: {got}, not {wanted}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn colour_bars_have_their_colours() {
    // 75% bars as every handbook lists them.
    let high = [
        ([180, 128, 128], [191, 191, 191]),
        ([168, 44, 136], [191, 191, 0]),
        ([145, 147, 44], [0, 191, 191]),
        ([133, 63, 52], [0, 191, 0]),
        ([63, 193, 204], [191, 0, 191]),
        ([51, 109, 212], [191, 0, 0]),
        ([28, 212, 120], [0, 0, 191]),
        ([16, 128, 128], [0, 0, 0]),
        ([235, 128, 128], [255, 255, 255]),
    ];
    let standard = [
        ([162, 44, 142], [191, 191, 0]),
        ([65, 100, 212], [191, 0, 0]),
        ([35, 212, 114], [0, 0, 191]),
    ];
    for (matrix, bars) in [(1, &high[..]), (6, &standard[..])] {
        for (codes, wanted) in bars {
            let format = PictureFormat::new(4, 4, Chroma::C420, BitDepth::Eight);
            let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::MICROS));
            frame.colour.matrix = matrix;
            let planes = frame.planes.eight_mut().unwrap();
            for (plane, code) in planes.iter_mut().zip(codes) {
                plane.fill(*code);
            }
            for pixel in rgb_of(&frame).chunks_exact(3) {
                for (got, wanted) in pixel.iter().zip(wanted) {
                    assert!(got.abs_diff(*wanted) <= 1, "{codes:?}: {pixel:?}");
                }
            }
        }
    }
}

#[test]
fn planes_that_are_colours_stay_so() {
    let colour = Colour {
        range: Range::Full,
        matrix: 0,
        ..Colour::UNSPECIFIED
    };
    let format = PictureFormat::new(9, 5, Chroma::C444, BitDepth::Eight);
    let frame = noise(format, colour);
    let planes = frame.planes.eight().unwrap();
    for (at, pixel) in rgb_of(&frame).chunks_exact(3).enumerate() {
        let wanted = [2, 0, 1].map(|plane: usize| planes[plane].row(at / 9)[at % 9]);
        assert_eq!(pixel, wanted);
    }
}

#[test]
fn an_unnamed_matrix_goes_by_size() {
    let mut small = noise(
        PictureFormat::new(64, 32, Chroma::C420, BitDepth::Eight),
        Colour::UNSPECIFIED,
    );
    let guessed = rgb_of(&small);
    small.colour.matrix = 6;
    assert_eq!(rgb_of(&small), guessed);
    small.colour.matrix = 1;
    assert_ne!(rgb_of(&small), guessed);
    assert_eq!(matrix_of_size(1280, 720), 1);
}

#[test]
fn a_written_picture_reads_back() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.png");
    let (mut writer, mut reader) = (PngWriter::new(), PngReader::new());
    let mut picture = Picture::default();
    for (width, height, chroma, depth, range) in [
        (1, 1, Chroma::C420, BitDepth::Eight, Range::Unspecified),
        (2, 3, Chroma::C444, BitDepth::Ten, Range::Full),
        (35, 19, Chroma::C422, BitDepth::Eight, Range::Limited),
        (130, 70, Chroma::C420, BitDepth::Ten, Range::Limited),
    ] {
        let colour = Colour {
            range,
            ..Colour::BT709
        };
        let frame = noise(PictureFormat::new(width, height, chroma, depth), colour);
        writer.write_frame(&frame, &path).unwrap();
        reader.picture(&path, &mut picture).unwrap();
        assert_eq!((picture.width, picture.height), (width, height));
        assert!(picture.rgb == rgb_of(&frame), "{width}x{height}");
        let said = match range {
            Range::Full => Range::Full,
            _ => Range::Limited,
        };
        assert_eq!(picture.made_from, Some((1, said)));
        let again = PngWriter::new().frame(&frame).unwrap().to_vec();
        assert_eq!(fs::read(&path).unwrap(), again);
    }
}

#[test]
fn both_pictures_of_a_pair_can_have_one_matrix() {
    let format = PictureFormat::new(64, 36, Chroma::C420, BitDepth::Eight);
    let mut picture = Picture::default();
    let mut made_from = |writer: &mut PngWriter, colour: Colour| {
        let bytes = writer.frame(&noise(format, colour)).unwrap().to_vec();
        let path = Path::new("a.png");
        PngReader::new()
            .picture_of(&bytes, path, &mut picture)
            .unwrap();
        picture.made_from.map(|(matrix, _)| matrix)
    };
    let unnamed = Colour::UNSPECIFIED;
    assert_eq!(made_from(&mut PngWriter::new(), unnamed), Some(6));
    let mut writer = PngWriter::with_matrix(matrix_of_size(1920, 1080));
    assert_eq!(made_from(&mut writer, unnamed), Some(1));
    let named = Colour {
        matrix: 9,
        ..unnamed
    };
    assert_eq!(made_from(&mut writer, named), Some(9));
}

#[test]
fn flat_pictures_are_small() {
    let format = PictureFormat::new(640, 360, Chroma::C420, BitDepth::Eight);
    let frame = Frame::new(format, Timestamp::new(0, TimeBase::MICROS));
    let length = PngWriter::new().frame(&frame).unwrap().len();
    assert!(length < 10_000, "{length} bytes");
}

#[test]
fn a_written_mask_reads_back() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.png");
    let mut mask = LossMask::whole(100, 70);
    for block in [(0, 0), (6, 4), (3, 2)] {
        mask.set(block.0, block.1, true);
    }
    PngWriter::new().write_mask(&mask, &path).unwrap();
    let mut reader = PngReader::new();
    assert_eq!(reader.mask(&path, 100, 70).unwrap(), mask);
    let error = reader.mask(&path, 200, 140).unwrap_err().to_string();
    assert!(error.contains("7x5 macroblocks"), "{error}");
}

#[test]
fn pictures_of_others_are_read() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.png");
    let mut picture = Picture::default();
    let write = |colour, depth, bytes: &[u8]| {
        let mut encoder = png::Encoder::new(fs::File::create(&path).unwrap(), 2, 1);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(bytes).unwrap();
        writer.finish().unwrap();
    };
    let mut reader = PngReader::new();
    write(png::ColorType::Grayscale, png::BitDepth::Eight, &[7, 200]);
    reader.picture(&path, &mut picture).unwrap();
    assert_eq!(picture.rgb, [7, 7, 7, 200, 200, 200]);
    assert_eq!(picture.made_from, None);
    let wide = [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0];
    write(png::ColorType::Rgb, png::BitDepth::Sixteen, &wide);
    reader.picture(&path, &mut picture).unwrap();
    assert_eq!(picture.rgb, [1, 2, 3, 4, 5, 6]);
    write(png::ColorType::Rgba, png::BitDepth::Eight, &[0; 8]);
    let error = reader.picture(&path, &mut picture).unwrap_err();
    assert!(error.to_string().contains("transparency"), "{error}");
}

#[test]
fn damaged_files_are_errors() {
    let format = PictureFormat::new(20, 12, Chroma::C420, BitDepth::Eight);
    let good = PngWriter::new()
        .frame(&noise(format, Colour::BT709))
        .unwrap()
        .to_vec();
    let mut reader = PngReader::new();
    let mut picture = Picture::default();
    let mut read = |bytes: &[u8]| reader.picture_of(bytes, Path::new("a.png"), &mut picture);
    read(&good).unwrap();
    for length in [0, 7, 20, 33, 60, good.len() / 2, good.len() - 20] {
        let error = read(&good[..length]).unwrap_err();
        assert!(
            error.to_string().starts_with("a.png is damaged"),
            "{length}: {error}"
        );
    }
    // A note that is damaged is passed over, as every reader does; all else is told.
    let pixels = good.windows(4).position(|kind| kind == b"IDAT").unwrap() - 4;
    for at in (0..33).chain(pixels..good.len() - 12) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x41;
        assert!(read(&bytes).is_err(), "byte {at}");
    }
    // A header that asks for gigabytes, its checksum right.
    let mut huge = good.clone();
    huge[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let sum = crc32fast::hash(&huge[12..29]);
    huge[29..33].copy_from_slice(&sum.to_be_bytes());
    let error = read(&huge).unwrap_err().to_string();
    assert!(error.contains("too short"), "{error}");
}

#[test]
fn a_place_that_cannot_be_written_is_an_error() {
    let format = PictureFormat::new(4, 4, Chroma::C420, BitDepth::Eight);
    let frame = noise(format, Colour::BT709);
    let error = PngWriter::new()
        .write_frame(&frame, Path::new("no/such/folder/a.png"))
        .unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    let error = PngReader::new()
        .picture(Path::new("no/such/a.png"), &mut Picture::default())
        .unwrap_err();
    assert!(error.to_string().contains("no/such/a.png"), "{error}");
}
