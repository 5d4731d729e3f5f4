//! What the samples mean and how they are shown is carried along.

mod read_common;

use nervure_frame::{ChromaLocation, Colour, FramePool, Range};
use read_common::{Clips, assert_same, bytes, open, raw_by_ffmpeg};

const SOURCE: &str = "-f lavfi -i testsrc2=size=64x36:rate=5:duration=0.6";

#[test]
fn colour_tags_arrive_on_every_frame() {
    let Some(clips) = Clips::new() else { return };
    for (name, arguments, expected) in [
        (
            "hd.mp4",
            "-vf setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709 \
             -c:v libx264 -pix_fmt yuv420p -color_range tv -color_primaries bt709 -color_trc bt709 \
             -colorspace bt709 -chroma_sample_location left",
            Colour::BT709,
        ),
        (
            "hdr.mkv",
            "-vf setparams=range=tv:color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc \
             -c:v libx265 -x265-params log-level=none:chromaloc=2 -pix_fmt yuv420p10le -color_range tv \
             -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc \
             -chroma_sample_location topleft",
            Colour {
                range: Range::Limited,
                primaries: 9,
                transfer: 16,
                matrix: 9,
                location: ChromaLocation::TopLeft,
            },
        ),
        (
            "full.avi",
            "-c:v mjpeg -pix_fmt yuvj422p",
            Colour {
                range: Range::Full,
                matrix: 5,
                location: ChromaLocation::Centre,
                ..Colour::UNSPECIFIED
            },
        ),
        (
            "plain.mkv",
            "-c:v libx264 -pix_fmt yuv420p",
            Colour {
                location: ChromaLocation::Left,
                ..Colour::UNSPECIFIED
            },
        ),
    ] {
        let path = clips.make(name, &format!("{SOURCE} {arguments}"));
        let mut reader = open(&path);
        let frame = reader.next().unwrap().unwrap();
        let mut expected = expected;
        if name == "plain.mkv" {
            // Newer commands write down the range that nobody mentioned.
            assert_ne!(frame.colour.range, Range::Full);
            expected.range = frame.colour.range;
        }
        assert_eq!(frame.colour, expected, "{name}");
        assert_eq!(reader.info().video.colour, expected, "{name}");
    }
}

#[test]
fn tags_of_the_container_count_where_the_codec_is_silent() {
    let Some(clips) = Clips::new() else { return };
    // Matroska carries the tags; FFV1 has none of its own.
    let path = clips.make(
        "tags.mkv",
        &format!(
            "{SOURCE} \
             -vf setparams=range=tv:color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc \
             -c:v ffv1 -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc arib-std-b67 \
             -colorspace bt2020nc -color_range tv"
        ),
    );
    let colour = open(&path).next().unwrap().unwrap().colour;
    assert_eq!(
        (colour.primaries, colour.transfer, colour.matrix),
        (9, 18, 9)
    );
    assert_eq!(colour.range, Range::Limited);
}

#[test]
fn samples_may_be_wider_than_high() {
    let Some(clips) = Clips::new() else { return };
    for (name, codec, aspect, expected) in [
        (
            "a.mp4",
            "-c:v libx264 -pix_fmt yuv420p",
            "setsar=8/9",
            (8, 9),
        ),
        ("b.mkv", "-c:v ffv1 -pix_fmt yuv420p", "setsar=4/3", (4, 3)),
        ("c.avi", "-c:v mpeg4", "setsar=12/11", (12, 11)),
        (
            "d.h264",
            "-c:v libx264 -pix_fmt yuv420p -f h264",
            "setsar=16/11",
            (16, 11),
        ),
        ("e.mkv", "-c:v ffv1 -pix_fmt yuv420p", "setsar=0", (1, 1)),
    ] {
        let path = clips.make(name, &format!("{SOURCE} -vf {aspect} {codec}"));
        assert_eq!(open(&path).info().video.sample_aspect, expected, "{name}");
    }
}

#[test]
fn a_turned_picture_says_so_and_is_not_turned() {
    let Some(clips) = Clips::new() else { return };
    let flat = clips.make(
        "flat.mp4",
        &format!("{SOURCE} -c:v libx264 -pix_fmt yuv420p"),
    );
    assert!(open(&flat).info().video.rotation.is_none());
    let data = std::fs::read(&flat).unwrap();
    for (name, matrix) in [
        ("right", [0, 1, -1, 0]),
        ("over", [-1, 0, 0, -1]),
        ("left", [0, -1, 1, 0]),
        ("mirrored", [-1, 0, 0, 1]),
        ("upside-down", [1, 0, 0, -1]),
        ("transposed", [0, 1, 1, 0]),
        ("transversed", [0, -1, -1, 0]),
    ] {
        let path = clips.write(&format!("{name}.mp4"), &with_matrix(data.clone(), matrix));
        let mut reader = open(&path);
        let rotation = reader.info().video.rotation;
        assert!(!rotation.is_none(), "{name}");
        let frame = reader.next().unwrap().unwrap();
        assert_eq!(frame.planes.size(0), (64, 36));
        // The oracle turns pictures as players do.
        let turned = bytes(&frame.rotated(rotation, &FramePool::new()));
        let oracle = raw_by_ffmpeg(&path, "yuv420p");
        assert_same(&turned, &oracle[..turned.len()], name);
    }
}

/// An MP4 file whose picture is turned: `x' = a x + c y`, `y' = b x + d y`.
fn with_matrix(mut data: Vec<u8>, [a, b, c, d]: [i32; 4]) -> Vec<u8> {
    let header = data
        .windows(4)
        .position(|bytes| bytes == b"tkhd")
        .expect("a track header");
    let matrix = header + 44;
    for (index, value) in [a, b, 0, c, d].into_iter().enumerate() {
        let place = matrix + index * 4;
        data[place..place + 4].copy_from_slice(&(value << 16).to_be_bytes());
    }
    data
}

#[test]
fn a_turn_in_the_codec_counts_where_the_container_is_silent() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make(
        "sei.h264",
        &format!(
            "{SOURCE} -c:v libx264 -pix_fmt yuv420p \
             -bsf:v h264_metadata=display_orientation=insert:rotate=90:flip=horizontal -f h264"
        ),
    );
    let rotation = open(&path).info().video.rotation;
    assert!(rotation.mirrored && rotation.swaps_sides(), "{rotation:?}");
}

#[test]
fn the_display_of_the_grading_is_kept() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make(
        "hdr.mkv",
        &format!(
            "{SOURCE} -c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=none:hdr10=1:\
             repeat-headers=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)\
             WP(15635,16450)L(10000000,1):max-cll=1000,400"
        )
        .replace(" repeat", "repeat"),
    );
    assert!(!open(&path).info().video.hdr.is_empty());
    let plain = clips.make(
        "plain.mkv",
        &format!("{SOURCE} -c:v ffv1 -pix_fmt yuv420p10le"),
    );
    assert!(open(&plain).info().video.hdr.is_empty());
}
