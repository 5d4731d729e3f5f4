//! PNG files.

use std::io::{self, Write};
use std::path::Path;

use super::{Canvas, Light, colour};
use crate::{Error, Result};

/// Writes a canvas that holds a whole picture as an 8-bit PNG.
///
/// # Errors
/// When the file cannot be written.
pub fn write_png(canvas: &Canvas, path: &Path) -> Result<()> {
    let failed = |source: io::Error| Error::Io {
        action: format!("write {}", path.display()),
        source,
    };
    let file = std::fs::File::create(path).map_err(failed)?;
    let mut file = io::BufWriter::new(file);
    encode_png(canvas, &mut file).map_err(failed)?;
    file.flush().map_err(failed)
}

fn encode_png(canvas: &Canvas, out: &mut impl Write) -> io::Result<()> {
    let side = |length: usize| {
        u32::try_from(length).map_err(|_| io::Error::other("the picture is too large for PNG"))
    };
    let mut encoder = png::Encoder::new(out, side(canvas.width())?, side(canvas.rows().len())?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bytes(canvas))?;
    writer.finish()?;
    Ok(())
}

/// The picture in rows of red, green, blue bytes.
fn bytes(canvas: &Canvas) -> Vec<u8> {
    let code = |value: f32| -> u8 {
        let coded = match canvas.light() {
            Light::Linear => colour::encode(value),
            Light::Coded => value.clamp(0.0, 1.0),
        };
        (coded * 255.0 + 0.5) as u8
    };
    let mut bytes = Vec::with_capacity(3 * canvas.width() * canvas.rows().len());
    for y in canvas.rows() {
        let [r, g, b] = canvas.row(y);
        for ((r, g), b) in r.iter().zip(g).zip(b) {
            bytes.extend([code(*r), code(*g), code(*b)]);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Rgba;

    #[test]
    fn a_written_picture_reads_back() {
        let mut canvas = Canvas::new(5, 3, Light::Coded, Rgba::hex(0x102030));
        canvas.rect(4.0, 2.0, 5.0, 3.0, &Rgba::hex(0xfedcba));
        let mut file = Vec::new();
        encode_png(&canvas, &mut file).unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (5, 3));
        assert_eq!(pixels[..3], [0x10, 0x20, 0x30]);
        assert_eq!(pixels[42..], [0xfe, 0xdc, 0xba]);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error() {
        let canvas = Canvas::new(1, 1, Light::Coded, Rgba::BLACK);
        let error = write_png(&canvas, Path::new("/nowhere/at/all.png")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot write /nowhere/at/all.png")
        );
    }
}
