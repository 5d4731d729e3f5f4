//! Every sample is the one that is stored.

mod read_common;

use nervure_frame::{BitDepth, Chroma, PictureFormat, Range};
use nervure_media::{Input, OpenOptions, Reader};
use read_common::{Clips, assert_same, bytes, drain, open, raw_by_ffmpeg};

const NOISE: &str =
    "-f lavfi -i testsrc2=size=SIZE:rate=5:duration=0.6,format=yuv444p,noise=alls=40:allf=t";

fn noise(size: &str) -> String {
    NOISE.replace("SIZE", size)
}

#[test]
fn our_formats_are_copied_whatever_the_size() {
    let Some(clips) = Clips::new() else { return };
    for (pixels, chroma, depth) in [
        ("yuv420p", Chroma::C420, BitDepth::Eight),
        ("yuv422p", Chroma::C422, BitDepth::Eight),
        ("yuv444p", Chroma::C444, BitDepth::Eight),
        ("yuv420p10le", Chroma::C420, BitDepth::Ten),
        ("yuv422p10le", Chroma::C422, BitDepth::Ten),
        ("yuv444p10le", Chroma::C444, BitDepth::Ten),
    ] {
        let path = clips.make(
            &format!("{pixels}.mkv"),
            &format!("{} -pix_fmt {pixels} -c:v ffv1", noise("97x55")),
        );
        let mut reader = open(&path);
        let info = reader.info().video.clone();
        assert_eq!(info.format, PictureFormat::new(97, 55, chroma, depth));
        assert_eq!(
            (info.source_pixels.as_str(), info.converted),
            (pixels, false)
        );
        let frames = drain(&mut reader);
        assert_eq!(frames.len(), 3);
        let ours: Vec<u8> = frames.iter().flat_map(bytes).collect();
        assert_same(&ours, &raw_by_ffmpeg(&path, pixels), pixels);
        assert!(reader.damage().is_none());
    }
}

#[test]
fn predicted_pictures_decode_to_the_same_samples_on_any_number_of_threads() {
    let Some(clips) = Clips::new() else { return };
    for (name, size, codec) in [
        (
            "a.mp4",
            "130x78",
            "-c:v libx264 -preset veryfast -bf 3 -g 10 -pix_fmt yuv420p",
        ),
        (
            "b.mkv",
            "130x78",
            "-c:v libx264 -preset veryfast -bf 3 -profile:v high10 -pix_fmt yuv420p10le",
        ),
        (
            "c.webm",
            "131x77",
            "-pix_fmt yuv420p -c:v libvpx-vp9 -cpu-used 8 -deadline realtime -b:v 200k",
        ),
    ] {
        let source = noise(size).replace("duration=0.6", "duration=3");
        let path = clips.make(name, &format!("{source} {codec}"));
        let pixels = open(&path).info().video.source_pixels.clone();
        let oracle = raw_by_ffmpeg(&path, &pixels);
        for threads in [1, 3] {
            let options = OpenOptions {
                threads,
                ..OpenOptions::default()
            };
            let mut reader = Reader::open(&Input::Path(path.clone()), &options).unwrap();
            let ours: Vec<u8> = drain(&mut reader).iter().flat_map(bytes).collect();
            assert_same(&ours, &oracle, &format!("{name} on {threads} threads"));
        }
    }
}

#[test]
fn other_layouts_of_the_same_samples_are_taken_apart() {
    let Some(clips) = Clips::new() else { return };
    for (stored, planar) in [
        ("nv12", "yuv420p"),
        ("nv21", "yuv420p"),
        ("nv24", "yuv444p"),
        ("p010le", "yuv420p10le"),
        ("p010be", "yuv420p10le"),
        ("yuyv422", "yuv422p"),
        ("uyvy422", "yuv422p"),
        ("yuv420p10be", "yuv420p10le"),
        ("yuv444p10be", "yuv444p10le"),
    ] {
        // FFmpeg 5.1 writes p010 of even sizes only.
        let size = if stored.starts_with("p010") {
            "54x32"
        } else {
            "53x31"
        };
        // Planar first, so that the packed clip holds exactly its samples.
        let first = clips.make(
            &format!("{stored}.first.nut"),
            &format!("{} -pix_fmt {planar} -c:v rawvideo", noise(size)),
        );
        let path = clips.make(
            &format!("{stored}.raw"),
            &format!(
                "-i {} -sws_flags accurate_rnd -pix_fmt {stored} -f rawvideo",
                first.display()
            ),
        );
        let option = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let options = OpenOptions {
            format: Some("rawvideo".into()),
            options: vec![
                option("video_size", size),
                option("pixel_format", stored),
                option("framerate", "5"),
            ],
            ..OpenOptions::default()
        };
        let mut reader = Reader::open(&Input::Path(path), &options).unwrap();
        let video = &reader.info().video;
        assert_eq!(
            (video.source_pixels.as_str(), video.converted),
            (stored, false)
        );
        let ours: Vec<u8> = drain(&mut reader).iter().flat_map(bytes).collect();
        assert_same(&ours, &raw_by_ffmpeg(&first, planar), stored);
    }
}

#[test]
fn deeper_samples_round_to_ten_bits() {
    let Some(clips) = Clips::new() else { return };
    for (stored, chroma, bits) in [
        ("yuv420p12le", Chroma::C420, 12),
        ("yuv422p16le", Chroma::C422, 16),
        ("yuv444p14be", Chroma::C444, 14),
        ("yuv420p9le", Chroma::C420, 9),
    ] {
        let path = clips.make(
            &format!("{stored}.nut"),
            &format!("{} -pix_fmt {stored} -c:v rawvideo", noise("33x18")),
        );
        let mut reader = open(&path);
        assert!(reader.info().video.converted);
        assert_eq!(
            reader.info().video.format,
            PictureFormat::new(33, 18, chroma, BitDepth::Ten)
        );
        let stored_bytes = raw_by_ffmpeg(&path, stored);
        let ours: Vec<u8> = drain(&mut reader).iter().flat_map(bytes).collect();
        assert_eq!(ours.len(), stored_bytes.len());
        for (ours, stored_pair) in ours.chunks(2).zip(stored_bytes.chunks(2)) {
            let pair = [stored_pair[0], stored_pair[1]];
            let value = u32::from(if stored.ends_with("be") {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            });
            let expected = (f64::from(value) * f64::from(1 << 10) / f64::from(1 << bits)).round();
            let ours = u16::from_le_bytes([ours[0], ours[1]]);
            assert_eq!(f64::from(ours), expected.min(1023.0), "{stored} {value}");
        }
    }
}

#[test]
fn grey_gets_neutral_chroma_and_alpha_goes() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make(
        "grey.nut",
        &format!("{} -pix_fmt gray -c:v rawvideo", noise("21x13")),
    );
    let mut reader = open(&path);
    assert!(reader.info().video.converted);
    let frame = reader.next().unwrap().unwrap();
    assert_same(
        &bytes(&frame)[..21 * 13],
        &raw_by_ffmpeg(&path, "gray")[..21 * 13],
        "luma",
    );
    assert!(bytes(&frame)[21 * 13..].iter().all(|sample| *sample == 128));
    assert_eq!(
        frame.format(),
        PictureFormat::new(21, 13, Chroma::C420, BitDepth::Eight)
    );

    let path = clips.make(
        "alpha.nut",
        &format!("{} -pix_fmt yuva444p -c:v rawvideo", noise("21x13")),
    );
    let mut reader = open(&path);
    assert!(reader.info().video.converted);
    let first = bytes(&reader.next().unwrap().unwrap());
    assert_same(
        &first,
        &raw_by_ffmpeg(&path, "yuva444p")[..21 * 13 * 3],
        "yuv",
    );
}

#[test]
fn rgb_becomes_full_resolution_limited_range() {
    let Some(clips) = Clips::new() else { return };
    for (size, pixels, depth, matrix, red) in [
        ("64x36", "rgb24", BitDepth::Eight, 6, [81, 90, 240]),
        ("1280x720", "gbrp", BitDepth::Eight, 1, [63, 102, 240]),
        ("64x36", "gbrp10le", BitDepth::Ten, 6, [326, 361, 960]),
        ("64x36", "bgra", BitDepth::Eight, 6, [81, 90, 240]),
        ("64x36", "pal8", BitDepth::Eight, 6, [81, 90, 240]),
    ] {
        let path = clips.make(
            &format!("{pixels}.nut"),
            &format!(
                "-f lavfi -i color=red:size={size}:rate=5:duration=0.2,format=gbrp \
                 -pix_fmt {pixels} -c:v rawvideo"
            ),
        );
        let mut reader = open(&path);
        let video = &reader.info().video;
        assert!(video.converted);
        assert_eq!(
            (video.format.chroma, video.format.depth),
            (Chroma::C444, depth)
        );
        let frame = reader.next().unwrap().unwrap();
        assert_eq!(
            (frame.colour.matrix, frame.colour.range),
            (matrix, Range::Limited)
        );
        let samples: Vec<i32> = match &frame.planes {
            nervure_frame::Planes::Eight(planes) => {
                planes.iter().map(|plane| plane.row(5)[7].into()).collect()
            }
            nervure_frame::Planes::Ten(planes) => {
                planes.iter().map(|plane| plane.row(5)[7].into()).collect()
            }
        };
        for (sample, expected) in samples.iter().zip(red) {
            // swscale works with rounded coefficients.
            assert!(
                (sample - expected).abs() <= 2,
                "{pixels}: {samples:?} not {red:?}"
            );
        }
    }
}

#[test]
fn chroma_of_other_subsamplings_is_not_lost() {
    let Some(clips) = Clips::new() else { return };
    for (stored, chroma) in [
        ("yuv411p", Chroma::C422),
        ("yuv410p", Chroma::C420),
        ("yuv440p", Chroma::C444),
    ] {
        let path = clips.make(
            &format!("{stored}.nut"),
            &format!(
                "-f lavfi -i color=0x3060c0:size=64x32:rate=5:duration=0.2,format=yuv444p -pix_fmt {stored} \
                 -c:v rawvideo"
            ),
        );
        let mut reader = open(&path);
        let frame = reader.next().unwrap().unwrap();
        assert_eq!(frame.chroma, chroma);
        let stored_bytes = raw_by_ffmpeg(&path, stored);
        let luma = 64 * 32;
        assert_same(&bytes(&frame)[..luma], &stored_bytes[..luma], stored);
        let planes = frame.planes.eight().unwrap();
        assert!(planes[1].rows().flatten().all(|u| *u == stored_bytes[luma]));
        assert!(
            planes[2]
                .rows()
                .flatten()
                .all(|v| *v == stored_bytes[stored_bytes.len() - 1])
        );
    }
}

#[test]
fn one_sample_is_a_picture() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make(
        "one.mkv",
        "-f lavfi -i color=gray:size=1x1:rate=5:duration=0.6,format=yuv444p -pix_fmt yuv420p -c:v ffv1",
    );
    let frames = drain(&mut open(&path));
    assert_eq!(frames.len(), 3);
    assert_eq!(bytes(&frames[2]).len(), 3);
}
