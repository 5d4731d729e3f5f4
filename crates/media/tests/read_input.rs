//! Every way in: pipes, files, generators, and what lies beside the picture.

mod read_common;

use std::fs::{self, File};
use std::io::{self, Cursor, Read};

use nervure_frame::{BitDepth, Chroma, PictureFormat, TimeBase};
use nervure_media::{Input, OpenOptions, Reader, StreamKind};
use read_common::{Clips, assert_same, bytes, drain, open, raw_by_ffmpeg};

const SOURCE: &str = "-f lavfi -i testsrc2=size=64x36:rate=25:duration=1";

/// Gives a few bytes at a time, and is interrupted now and then, as pipes are.
struct Trickle {
    data: Cursor<Vec<u8>>,
    turn: usize,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(7) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let some = (self.turn * 13 % 900 + 1).min(buffer.len());
        self.data.read(&mut buffer[..some])
    }
}

fn trickle(data: Vec<u8>) -> Box<dyn Read + Send> {
    Box::new(Trickle {
        data: Cursor::new(data),
        turn: 0,
    })
}

#[test]
fn a_pipe_gives_what_the_file_gives() {
    let Some(clips) = Clips::new() else { return };
    let x264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    for (name, codec) in [
        ("a.mkv", x264.to_owned()),
        ("b.ts", x264.to_owned()),
        ("c.mp4", format!("{x264} -movflags +faststart")),
        ("d.y4m", "-pix_fmt yuv420p".to_owned()),
        ("e.y4m", "-pix_fmt yuv422p10le -strict -1".to_owned()),
        ("f.y4m", "-pix_fmt yuv444p12le -strict -1".to_owned()),
        ("g.y4m", "-pix_fmt gray".to_owned()),
        ("h.y4m", "-pix_fmt yuv411p".to_owned()),
    ] {
        let path = clips.make(name, &format!("{SOURCE} {codec}"));
        let data = fs::read(&path).unwrap();
        let mut file = open(&path);
        let from_file = drain(&mut file);
        let mut pipe = Reader::from_reader(trickle(data), name, &OpenOptions::default()).unwrap();
        assert_eq!(pipe.info().video.format, file.info().video.format, "{name}");
        let from_pipe = drain(&mut pipe);
        assert_eq!(from_pipe.len(), 25, "{name}");
        for (one, other) in from_pipe.iter().zip(&from_file) {
            assert_eq!((one.pts, one.colour), (other.pts, other.colour), "{name}");
            assert_same(&bytes(one), &bytes(other), name);
        }
    }
}

#[test]
fn y4m_files_are_described_without_libav() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make(
        "a.y4m",
        "-f lavfi -i testsrc2=size=64x36:rate=30000/1001:duration=1,setsar=4/3 -pix_fmt yuv420p10le \
         -strict -1",
    );
    let mut reader = open(&path);
    assert!(reader.demuxer().is_none());
    let info = reader.info().clone();
    assert_eq!(
        info.video.format,
        PictureFormat::new(64, 36, Chroma::C420, BitDepth::Ten)
    );
    assert_eq!(info.video.time_base, TimeBase::new(1001, 30_000));
    assert_eq!(info.video.frame_rate, Some((30_000, 1001)));
    assert_eq!(info.video.sample_aspect, (4, 3));
    assert_eq!(info.video.frames, Some(30));
    assert!(info.seekable && (info.duration.unwrap() - 1.001).abs() < 1e-9);
    let ours: Vec<u8> = drain(&mut reader).iter().flat_map(bytes).collect();
    assert_same(&ours, &raw_by_ffmpeg(&path, "yuv420p10le"), "samples");
}

#[test]
fn raw_video_through_a_pipe_needs_and_takes_its_description() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make("a.raw", &format!("{SOURCE} -pix_fmt yuv422p -f rawvideo"));
    let data = fs::read(&path).unwrap();
    let option = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let options = OpenOptions {
        format: Some("rawvideo".into()),
        options: vec![
            option("video_size", "64x36"),
            option("pixel_format", "yuv422p"),
            option("framerate", "50"),
        ],
        ..OpenOptions::default()
    };
    let mut reader = Reader::from_reader(trickle(data.clone()), "raw", &options).unwrap();
    let frames = drain(&mut reader);
    assert_eq!(frames[1].pts.seconds(), 0.02);
    let ours: Vec<u8> = frames.iter().flat_map(bytes).collect();
    assert_same(&ours, &data, "samples");
}

#[test]
fn generators_are_inputs() {
    let Ok(input) =
        "lavfi:testsrc2=size=48x26:rate=10:duration=0.5,format=yuv444p10".parse::<Input>();
    let mut reader = Reader::open(&input, &OpenOptions::default()).unwrap();
    assert_eq!(
        reader.info().video.format,
        PictureFormat::new(48, 26, Chroma::C444, BitDepth::Ten)
    );
    assert!(!reader.info().seekable);
    let frames = drain(&mut reader);
    assert_eq!(frames.len(), 5);
    assert_eq!(frames[4].pts.seconds(), 0.4);
}

#[test]
fn numbered_pictures_are_one_source() {
    let Some(clips) = Clips::new() else { return };
    clips.make("f%03d.png", &format!("{SOURCE} -frames:v 3"));
    let mut reader = open(&clips.path("f%03d.png"));
    assert_eq!(drain(&mut reader).len(), 3);
}

#[test]
fn odd_names_are_names() {
    let Some(clips) = Clips::new() else { return };
    let plain = clips.make("a.mkv", &format!("{SOURCE} -c:v ffv1 -pix_fmt yuv420p"));
    for name in [
        "with:colon.mkv",
        "http:x.mkv",
        "percent%41.mkv",
        "gr\u{fc}n \u{1f3ac}.mkv",
        "-v.mkv",
    ] {
        let path = clips.path(name);
        fs::copy(&plain, &path).unwrap();
        assert_eq!(drain(&mut open(&path)).len(), 25, "{name}");
    }
}

#[test]
fn what_lies_beside_the_picture_is_listed_and_passed_on() {
    let Some(clips) = Clips::new() else { return };
    let cover = clips.make("cover.png", "-f lavfi -i color=red:size=16x16 -frames:v 1");
    let text = clips.write("a.srt", b"1\n00:00:00,100 --> 00:00:00,900\nhello\n");
    let path = clips.make(
        "a.mkv",
        &format!(
            "{SOURCE} -f lavfi -i sine=duration=1 -i {} -map 0 -map 1 -map 2 -c:v libx264 \
             -preset ultrafast -pix_fmt yuv420p -bf 2 -c:a flac -c:s srt -metadata:s:a:0 language=deu \
             -metadata:s:a:0 title=Tone -attach {} -metadata:s:t mimetype=image/png",
            text.display(),
            cover.display()
        ),
    );
    let mut reader = open(&path);
    let info = reader.info().clone();
    let kinds: Vec<StreamKind> = info.others.iter().map(|stream| stream.kind).collect();
    assert_eq!(
        kinds,
        [StreamKind::Audio, StreamKind::Subtitle, StreamKind::Picture]
    );
    let sound = &info.others[0];
    assert_eq!(sound.codec, "flac");
    assert_eq!(sound.language.as_deref(), Some("deu"));
    assert_eq!(sound.title.as_deref(), Some("Tone"));
    reader.keep_others(true);
    let mut packets = Vec::new();
    while reader.next().unwrap().is_some() {
        packets.extend(reader.take_others());
    }
    packets.extend(reader.take_others());
    for stream in &info.others {
        let ours = packets
            .iter()
            .filter(|packet| packet.stream() == stream.index);
        let stored = read_common::count_stream_packets(&path, stream.index);
        assert_eq!(ours.count(), stored, "{stream:?}");
    }
    let subtitle = packets.iter().find(|packet| packet.stream() == 2).unwrap();
    assert_eq!(subtitle.data(), b"hello");
    assert_eq!(
        (subtitle.pts(), subtitle.duration()),
        (Some(100), Some(800))
    );
}

#[test]
fn packets_that_nobody_wants_are_not_kept() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make(
        "a.mp4",
        &format!(
            "{SOURCE} -f lavfi -i sine=duration=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p"
        ),
    );
    let mut reader = open(&path);
    drain(&mut reader);
    assert!(reader.take_others().is_empty());
}

#[test]
fn the_largest_default_video_is_chosen_and_another_can_be() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make(
        "two.mkv",
        "-f lavfi -i testsrc2=size=32x16:rate=5:duration=0.4 -f lavfi -i \
         testsrc2=size=64x36:rate=5:duration=0.4 -map 0 -map 1 -c:v ffv1 -pix_fmt yuv420p \
         -disposition:v default",
    );
    let reader = open(&path);
    assert_eq!(
        (reader.info().video.stream, reader.info().video.format.width),
        (1, 64)
    );
    assert_eq!(reader.info().others[0].kind, StreamKind::Video);
    let options = OpenOptions {
        stream: Some(0),
        ..OpenOptions::default()
    };
    let mut reader = Reader::open(&Input::Path(path), &options).unwrap();
    assert_eq!(drain(&mut reader)[0].planes.size(0), (32, 16));
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_once() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.make("a.y4m", &format!("{SOURCE} -pix_fmt yuv420p"));
    let pipe = clips.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || io::copy(&mut File::open(path)?, &mut File::create(pipe)?))
    };
    let frames = drain(&mut open(&pipe));
    assert_eq!(frames.len(), 25);
    assert!(writer.join().unwrap().is_ok());
}
