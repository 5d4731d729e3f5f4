//! Files that hold one still picture.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use nervure_frame::{Frame, FramePool};

use crate::{Input, OpenOptions, Reader, Result};

/// Extensions of still pictures, for what cannot be told by its first bytes.
const EXTENSIONS: [&str; 14] = [
    "avif", "bmp", "dpx", "exr", "jpeg", "jpg", "pgm", "png", "pnm", "ppm", "qoi", "tif", "tiff",
    "webp",
];

/// Extensions of videos that begin as a still picture does.
const MOVING: [&str; 3] = ["apng", "mjpeg", "mjpg"];

/// Whether a file is a still picture, by its first bytes, or, where they say nothing, by its name.
/// Moving ones (GIF, animated PNG and WebP, motion JPEG) are videos.
pub fn is_image(path: &Path) -> bool {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase)
        .unwrap_or_default();
    if MOVING.contains(&extension.as_str()) {
        return false;
    }
    let mut head = Vec::new();
    // A pipe or a device would lose what is read here.
    if path.metadata().is_ok_and(|data| data.is_file())
        && let Ok(file) = File::open(path)
    {
        // What is there before a failed read is enough to judge by.
        let _ = file.take(64).read_to_end(&mut head);
    }
    content(&head).unwrap_or_else(|| EXTENSIONS.contains(&extension.as_str()))
}

/// Whether a file that begins with `head` is a still picture; none where that cannot be told.
fn content(head: &[u8]) -> Option<bool> {
    let at = |place: usize, bytes: &[u8]| head.get(place..place + bytes.len()) == Some(bytes);
    if at(0, b"\x89PNG\r\n\x1a\n") {
        // The chunk that makes a PNG move is in practice the first after its header.
        return Some(!at(37, b"acTL"));
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        let animated = at(12, b"VP8X") && head.get(20).is_some_and(|flags| flags & 2 != 0);
        return Some(!animated);
    }
    if at(4, b"ftyp") {
        // AVIF sequences are `avis`; other brands are film.
        return Some(at(8, b"avif"));
    }
    let known: [(&[u8], bool); 9] = [
        (b"\xff\xd8\xff", true),
        (b"BM", true),
        (b"II*\0", true),
        (b"MM\0*", true),
        (b"P5", true),
        (b"P6", true),
        (b"qoif", true),
        (b"GIF8", false),
        (b"YUV4MPEG2", false),
    ];
    known
        .iter()
        .find(|(magic, _)| at(0, magic))
        .map(|(_, still)| *still)
}

/// The picture in a file, turned as viewers show it.
///
/// # Errors
/// When it cannot be opened or holds no picture.
pub fn read_image(path: &Path) -> Result<Frame> {
    let options = OpenOptions {
        // One picture has nothing to share out.
        threads: 1,
        ..OpenOptions::default()
    };
    let mut reader = Reader::open(&Input::Path(path.into()), &options)?;
    let rotation = reader.info().video.rotation;
    let frame = reader.next()?.ok_or_else(|| crate::Error::NoVideo {
        name: path.display().to_string(),
    })?;
    Ok(if rotation.is_none() {
        frame
    } else {
        frame.rotated(rotation, &FramePool::new())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Canvas, Light, Rgba, canvas_of, write_png};

    #[test]
    fn first_bytes_come_before_names() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        for (name, bytes, still) in [
            ("a.png", &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], true),
            ("a.mp4", b"\xff\xd8\xff\xe0", true),
            ("a.mjpeg", b"\xff\xd8\xff\xe0", false),
            ("b.jpg", b"GIF89a", false),
            ("b.webp", b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0", false),
            ("c.webp", b"RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\x02\0\0\0", true),
            ("c.jpg", b"\0\0\0\x20ftypisom", false),
            ("d.tif", b"", true),
            ("d.mkv", b"\x1a\x45\xdf\xa3", false),
            ("d", b"P6 1 1 255 abc", true),
        ] {
            assert_eq!(is_image(&file(name, bytes)), still, "{name}");
        }
        assert!(is_image(Path::new("/nowhere/photo.JPG")));
        assert!(!is_image(Path::new("/nowhere/film.mov")));
        assert!(!is_image(folder.path()));
    }

    #[test]
    fn a_picture_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        let mut canvas = Canvas::new(31, 21, Light::Coded, Rgba::hex(0x3366cc));
        canvas.rect(10.0, 5.0, 31.0, 21.0, &Rgba::hex(0xcc8844));
        write_png(&canvas, &path).unwrap();
        assert!(is_image(&path));
        let frame = read_image(&path).unwrap();
        let read = canvas_of(&frame);
        for (x, y) in [(2, 2), (20, 15), (30, 20), (10, 5), (9, 4)] {
            let (want, got) = (canvas.pixel(x, y), read.pixel(x, y));
            let far = [(want.r, got.r), (want.g, got.g), (want.b, got.b)]
                .map(|(a, b)| (a - b).abs())
                .into_iter()
                .fold(0.0, f32::max);
            assert!(far < 0.02, "{want:?} {got:?} at {x},{y}");
        }
        assert!(read_image(&folder.path().join("none.png")).is_err());
    }
}
