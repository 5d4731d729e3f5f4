//! Whole files: everything of a source but its pictures comes out as it went in.

mod write_common;

use std::path::{Path, PathBuf};

use nervure_frame::Timestamp;
use nervure_media::{
    Action, Codec, Demuxer, EncodeSettings, MuxOptions, Muxer, OpenOptions, StreamKind,
};
use write_common::{ffmpeg, ffprobe, packets, streams, transcode};

/// A source with all that a file can have: B-frames, variable frame rate, two sounds that start at
/// different times (the second between two milliseconds), subtitles, chapters, tags, a font, a cover.
fn source(folder: &Path, ending: &str) -> Option<PathBuf> {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write(
        "text.srt",
        "1\n00:00:00,300 --> 00:00:01,100\nHello, <i>world</i>\n\n\
         2\n00:00:01,500 --> 00:00:02,200\nGrüße\nline two\n",
    );
    write(
        "tags.txt",
        ";FFMETADATA1\ntitle=A title\nartist=Somebody\ndate=2024\n\
         [CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1200\ntitle=One\n\
         [CHAPTER]\nTIMEBASE=1/1000\nSTART=1200\nEND=2600\ntitle=Two\n",
    );
    write("font.ttf", "not really a font");
    if !ffmpeg(
        folder,
        "-f lavfi -i color=red:s=16x16 -frames:v 1 cover.png",
    ) {
        return None;
    }
    let (text, extra) = if ending == "mkv" {
        (
            "srt",
            "-attach font.ttf -metadata:s:t mimetype=application/x-truetype-font",
        )
    } else {
        (
            "mov_text",
            "-map 5:v -c:v:1 png -disposition:v:1 attached_pic",
        )
    };
    let file = folder.join(format!("source.{ending}"));
    let made = ffmpeg(
        folder,
        &format!(
            "-f lavfi -i testsrc2=s=160x90:r=25:d=2.6 -f lavfi -i sine=440:d=2.6:r=48000 \
             -itsoffset 0.51359 -f lavfi -i sine=880:d=1.5:r=44100 -i text.srt -i tags.txt -i cover.png \
             -map 0:v -map 1:a -map 2:a -map 3:s {extra} -map_metadata 4 -map_chapters 4 \
             -vf settb=1/90000,setpts=N*3600+mod(N\\,3)*701 -enc_time_base 1/90000 -fps_mode passthrough \
             -video_track_timescale 90000 -c:v:0 libx264 -preset veryfast -bf 3 -g 20 -threads 1 \
             -c:a aac -b:a 48k -c:s {text} -metadata:s:a:0 language=deu -metadata:s:a:1 language=fra \
             -metadata:s:a:1 title=Second -metadata:s:s:0 language=eng source.{ending}"
        ),
    );
    made.then_some(file)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn quick(codec: Codec) -> EncodeSettings {
    EncodeSettings {
        codec,
        preset: Some("veryfast".into()),
        threads: 1,
        ..EncodeSettings::default()
    }
}

fn texts(file: &Path, folder: &Path) -> String {
    let name = file.file_name().unwrap().to_string_lossy();
    assert!(ffmpeg(
        folder,
        &format!("-i {name} -map 0:s:0 -c:s srt subtitles.srt")
    ));
    let text = std::fs::read_to_string(folder.join("subtitles.srt")).unwrap();
    text.replace('\r', "")
}

/// Checks that `to` has all that `from` has. In Matroska all may be later by one number of
/// milliseconds, which is given.
fn compare(from: &Path, to: &Path, times: &[Timestamp], shift: i64, folder: &Path) {
    let exact = !to.ends_with("to.mkv") && !from.ends_with("source.mkv");
    let (old, new) = (packets(from), packets(to));
    let mut shown: Vec<_> = new[0].iter().map(|packet| packet.pts.unwrap()).collect();
    shown.sort();
    assert_eq!(shown.len(), times.len(), "frames");
    if to.ends_with("to.mkv") {
        let millis = |time: &Timestamp| time.rescale(write_common::MILLIS).ticks;
        let wanted: Vec<_> = times.iter().map(|time| millis(time) + shift).collect();
        assert_eq!(shown.iter().map(millis).collect::<Vec<_>>(), wanted);
    } else {
        assert_eq!(shown, times);
        assert_eq!(shown[1].base, times[1].base, "the clock itself is kept");
    }
    let stored = |packet: &&write_common::Stored| packet.dts.is_some();
    let decoded: Vec<_> = new[0].iter().filter(stored).collect();
    assert!(decoded.windows(2).all(|pair| pair[0].dts < pair[1].dts));
    assert!(decoded.iter().all(|packet| packet.dts <= packet.pts));

    let kinds = [StreamKind::Audio, StreamKind::Subtitle];
    for kind in kinds {
        let (before, after) = (streams(from, kind), streams(to, kind));
        assert_eq!(before.len(), after.len(), "{kind:?}");
        if kind == StreamKind::Subtitle {
            continue;
        }
        for (before, after) in before.iter().zip(&after) {
            let (before, after) = (&old[*before], &new[*after]);
            assert_eq!(before.len(), after.len());
            for (before, after) in before.iter().zip(after) {
                assert!(before.data == after.data, "sound at {:?}", before.pts);
                if exact {
                    assert_eq!(before.pts, after.pts);
                } else {
                    assert_eq!(before.millis() + shift, after.millis());
                }
            }
        }
    }
    assert!(texts(to, folder).contains("Grüße\nline two"));
    let chapters = ffprobe(to, "-show_chapters -of csv");
    let seconds = |millis: i64| format!("{:.6}", (millis + shift) as f64 / 1000.0);
    assert!(
        chapters.contains(&format!("{},One", seconds(1200))),
        "{chapters}"
    );
    assert!(
        chapters.contains(&format!("{},Two", seconds(2600))),
        "{chapters}"
    );
    let tags = ffprobe(to, "-show_entries format_tags -of flat");
    for tag in ["A title", "Somebody", "2024"] {
        assert!(tags.contains(tag), "{tags}");
    }
    let audio = ffprobe(
        to,
        "-select_streams a -show_entries stream_tags=language,title -of csv",
    );
    assert!(audio.contains("deu") && audio.contains("fra"), "{audio}");
}

#[test]
fn mp4_to_mp4_keeps_every_tick() {
    let folder = folder();
    let Some(from) = source(folder.path(), "mp4") else {
        return;
    };
    let to = folder.path().join("to.mp4");
    let (report, times) =
        transcode(&from, &to, &quick(Codec::H264), &MuxOptions::default()).unwrap();
    assert_eq!((report.mended, report.lost, report.shift), (0, 0, 0.0));
    assert_eq!(report.video_packets, 65);
    compare(&from, &to, &times, 0, folder.path());
    assert_eq!(streams(&to, StreamKind::Picture).len(), 1, "the cover");
    assert_eq!(
        packets(&from)[streams(&from, StreamKind::Picture)[0]],
        packets(&to)[streams(&to, StreamKind::Picture)[0]]
    );
}

#[test]
fn mkv_to_mkv_keeps_every_millisecond() {
    let folder = folder();
    let Some(from) = source(folder.path(), "mkv") else {
        return;
    };
    let to = folder.path().join("to.mkv");
    let (report, times) =
        transcode(&from, &to, &quick(Codec::H264), &MuxOptions::default()).unwrap();
    assert_eq!((report.mended, report.lost, report.shift), (0, 0, 0.0));
    compare(&from, &to, &times, 0, folder.path());
    assert_eq!(streams(&to, StreamKind::Attachment).len(), 1, "the font");
    let tags = ffprobe(&to, "-select_streams t -show_entries stream_tags -of flat");
    assert!(
        tags.contains("font.ttf") && tags.contains("truetype"),
        "{tags}"
    );
    assert_eq!(texts(&from, folder.path()), texts(&to, folder.path()));
}

#[test]
fn mp4_to_mkv_moves_all_streams_by_one_amount() {
    let folder = folder();
    let Some(from) = source(folder.path(), "mp4") else {
        return;
    };
    let to = folder.path().join("to.mkv");
    let (report, times) =
        transcode(&from, &to, &quick(Codec::H264), &MuxOptions::default()).unwrap();
    assert_eq!((report.mended, report.lost), (0, 0));
    // The sound begins 1024 samples before zero.
    assert_eq!(report.shift, 0.022);
    compare(&from, &to, &times, 22, folder.path());
    assert_eq!(streams(&to, StreamKind::Picture).len(), 1, "the cover");
    let plan = plan("mkv", Codec::H264, &from);
    assert_eq!(
        plan[2],
        (
            StreamKind::Subtitle,
            Action::Convert {
                to: "subrip".into()
            }
        )
    );
    assert!(
        plan.iter()
            .all(|(_, action)| !matches!(action, Action::Drop { .. })),
        "{plan:?}"
    );
}

#[test]
fn mkv_to_mp4_says_what_it_leaves_out() {
    let folder = folder();
    let Some(from) = source(folder.path(), "mkv") else {
        return;
    };
    let plan = plan("mp4", Codec::H264, &from);
    assert_eq!(
        plan[2],
        (
            StreamKind::Subtitle,
            Action::Convert {
                to: "mov_text".into()
            }
        )
    );
    let (kind, Action::Drop { reason }) = &plan[3] else {
        panic!("{plan:?}")
    };
    assert_eq!(*kind, StreamKind::Attachment);
    assert_eq!(reason, "mp4 cannot hold it");
    let to = folder.path().join("to.mp4");
    let (report, times) =
        transcode(&from, &to, &quick(Codec::H264), &MuxOptions::default()).unwrap();
    assert_eq!((report.mended, report.lost, report.shift), (0, 0, 0.0));
    compare(&from, &to, &times, 0, folder.path());
}

#[test]
fn webm_holds_its_own_and_refuses_the_rest() {
    let folder = folder();
    let Some(from) = source(folder.path(), "mkv") else {
        return;
    };
    let demuxer = Demuxer::open(&from.clone().into(), &OpenOptions::default()).unwrap();
    let error = Muxer::check("webm", Codec::Vp9, &demuxer).unwrap_err();
    assert_eq!(
        error.to_string(),
        "webm cannot hold the aac sound of stream 1"
    );
    assert!(error.hint().unwrap().contains(".mkv"));
    let error = Muxer::check("webm", Codec::H264, &demuxer).unwrap_err();
    assert_eq!(error.to_string(), "webm cannot hold H.264 video");

    assert!(ffmpeg(
        folder.path(),
        "-i source.mkv -map 0:v -map 0:a -map 0:s -c copy -c:a libopus -b:a 48k opus.mkv"
    ));
    let from = folder.path().join("opus.mkv");
    let to = folder.path().join("to.webm");
    let (report, times) =
        transcode(&from, &to, &quick(Codec::Vp9), &MuxOptions::default()).unwrap();
    assert_eq!((report.mended, report.lost, report.shift), (0, 0, 0.0));
    let codecs = ffprobe(&to, "-show_entries stream=codec_name -of csv=p=0");
    assert_eq!(
        codecs.split_whitespace().collect::<Vec<_>>(),
        ["vp9", "opus", "opus", "webvtt"]
    );
    let (old, new) = (packets(&from), packets(&to));
    assert_eq!(new[0].len(), times.len());
    for stream in 1..3 {
        assert_eq!(old[stream], new[stream], "sound {stream}");
    }
    assert_eq!(new[3][0].data, "Hello, <i>world</i>".as_bytes());
}

/// What would become of each stream.
fn plan(container: &str, codec: Codec, from: &Path) -> Vec<(StreamKind, Action)> {
    let demuxer = Demuxer::open(&from.to_owned().into(), &OpenOptions::default()).unwrap();
    let plan = Muxer::check(container, codec, &demuxer).unwrap();
    plan.streams
        .into_iter()
        .map(|stream| (stream.kind, stream.action))
        .collect()
}
