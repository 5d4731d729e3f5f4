//! Whole files: everything of a source but its pictures comes out as it went in.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod write_common;

use std::path::{Path, PathBuf};
use std::process::Command;

use nervure_frame::{Rotation, TimeBase, Timestamp};
use nervure_media::{
    Action, Codec, Demuxer, EncodeSettings, MuxOptions, Muxer, OpenOptions, PictureSpec,
    SegmentReader, SegmentWriter, StreamKind,
};
use write_common::{
    MILLIS, encode, ffmpeg, ffprobe, frames, packets, plain, streams, transcode, write,
};

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
        let millis = |time: &Timestamp| time.rescale(MILLIS).ticks;
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

#[test]
fn colour_shape_and_hdr_survive_in_every_codec() {
    let folder = folder();
    if !ffmpeg(
        folder.path(),
        "-f lavfi -i testsrc2=s=96x64:r=25:d=0.2 -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast \
         -vf setsar=4/3,setparams=range=tv:color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc \
         -color_range tv -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc \
         -chroma_sample_location topleft -x265-params \
         log-level=none:chromaloc=2:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400 \
         hdr.mp4",
    ) {
        return;
    }
    let from = folder.path().join("hdr.mp4");
    for (codec, ending) in [
        (Codec::H264, "mp4"),
        (Codec::H264, "mkv"),
        (Codec::Hevc, "mp4"),
        (Codec::Hevc, "mkv"),
        (Codec::Vp9, "mp4"),
        (Codec::Vp9, "webm"),
        (Codec::Av1, "mp4"),
        (Codec::Av1, "mkv"),
        (Codec::Ffv1, "mkv"),
    ] {
        let to = folder.path().join(format!("to.{ending}"));
        let mut settings = quick(codec);
        if codec == Codec::Ffv1 {
            settings.preset = None;
        }
        transcode(&from, &to, &settings, &MuxOptions::default()).unwrap();
        let said = ffprobe(&to, "-show_streams -of flat");
        let said = format!("{said}{}", fractions(&said));
        for wanted in [
            "codec_tag_string=\"hvc1\"",
            "pix_fmt=\"yuv420p10le\"",
            "sample_aspect_ratio=\"4:3\"",
            "color_range=\"tv\"",
            "color_space=\"bt2020nc\"",
            "color_transfer=\"smpte2084\"",
            "color_primaries=\"bt2020\"",
            "chroma_location=\"topleft\"",
            "red_x=0.68 ",
            "max_luminance=1000 ",
            "max_content=1000",
            "max_average=400",
        ] {
            let hvc1 = wanted.contains("hvc1") && (codec, ending) != (Codec::Hevc, "mp4");
            // The MP4 of VP9 has no place for the location of chroma.
            let vp9 = wanted.contains("topleft") && (codec, ending) == (Codec::Vp9, "mp4");
            if !(hvc1 || vp9) {
                assert!(
                    said.contains(wanted),
                    "{codec} in {ending}: {wanted} in {said}"
                );
            }
        }
    }
}

/// Values that are fractions, as decimals.
fn fractions(said: &str) -> String {
    let pairs = said.lines().filter_map(|line| {
        let (key, value) = line.split_once("=\"")?;
        let (num, den) = value.trim_end_matches('"').split_once('/')?;
        let (num, den): (f64, f64) = (num.parse().ok()?, den.parse().ok()?);
        Some(format!("{key}={} \n", num / den))
    });
    pairs.collect()
}

#[test]
fn mp4_says_how_the_picture_is_turned() {
    let folder = folder();
    for quarters in 1..4 {
        for mirrored in [false, true] {
            let mut spec = PictureSpec::new(plain(64, 48), TimeBase::new(1, 25));
            spec.rotation = Rotation { quarters, mirrored };
            let (track, packets) = encode(&quick(Codec::H264), &spec, &[0, 1, 2]);
            let file = folder.path().join("turned.mov");
            write(&file, &track, packets);
            let demuxer = Demuxer::open(&file.into(), &OpenOptions::default()).unwrap();
            assert_eq!(demuxer.info().video.rotation, spec.rotation);
        }
    }
}

#[test]
fn stretches_encoded_one_after_the_other_are_one_stream() {
    let folder = folder();
    let base = TimeBase::new(1001, 90_000);
    let pts: Vec<i64> = (0..90)
        .map(|n| 17 + n * 3 + i64::from(n % 5 == 0))
        .collect();
    for (codec, ending) in [
        (Codec::H264, "mp4"),
        (Codec::Hevc, "mp4"),
        (Codec::Vp8, "webm"),
        (Codec::Vp9, "webm"),
        (Codec::Av1, "mkv"),
    ] {
        let mut spec = PictureSpec::new(plain(96, 64), base);
        spec.frame_rate = Some((30_000, 1001));
        let mut track = None;
        let mut stored = Vec::new();
        for (number, stretch) in pts.chunks(31).enumerate() {
            let (own, packets) = encode(&quick(codec), &spec, stretch);
            let path = folder.path().join(format!("{number}.seg"));
            let mut segment = SegmentWriter::create(&path, &own).unwrap();
            for packet in &packets {
                segment.push(packet).unwrap();
            }
            segment.finish().unwrap();
            let first = track.get_or_insert(own.clone());
            assert_eq!(first.fingerprint(), own.fingerprint(), "{codec}");
            stored.push(path);
        }
        let packets = stored
            .iter()
            .flat_map(|path| SegmentReader::open(path).unwrap());
        let file = folder.path().join(format!("joined.{ending}"));
        write(
            &file,
            &track.unwrap(),
            packets.map(Result::unwrap).collect(),
        );
        let found = packets_of_video(&file);
        let mut shown: Vec<_> = found.iter().map(|packet| packet.pts.unwrap()).collect();
        shown.sort();
        let wanted: Vec<_> = pts
            .iter()
            .map(|ticks| Timestamp::new(*ticks, base))
            .collect();
        if ending == "mp4" {
            assert_eq!(shown, wanted, "{codec}");
            assert!(found.windows(2).all(|pair| pair[0].dts < pair[1].dts));
            assert!(found.iter().all(|packet| packet.dts <= packet.pts));
        } else {
            let millis = |time: &Timestamp| time.rescale(MILLIS).ticks;
            assert!(
                shown.iter().map(millis).eq(wanted.iter().map(millis)),
                "{codec}"
            );
        }
        assert_eq!(frames(&file).len(), pts.len());
        let name = format!("-i joined.{ending} -f null -");
        let said = Command::new("ffmpeg")
            .args(["-v", "warning", "-xerror", "-nostdin"])
            .args(name.split_whitespace())
            .current_dir(folder.path())
            .output();
        if let Ok(said) = said {
            assert_eq!(String::from_utf8_lossy(&said.stderr), "", "{codec}");
        }
    }
}

fn packets_of_video(file: &Path) -> Vec<write_common::Stored> {
    packets(file).swap_remove(0)
}

#[test]
fn every_start_is_kept_to_the_tick() {
    let folder = folder();
    let file = |name: &str| folder.path().join(name);
    if !ffmpeg(
        folder.path(),
        "-f lavfi -i testsrc2=s=64x48:r=25:d=1 -f lavfi -i sine=d=1:r=44100 -c:v ffv1 -c:a flac start.mkv",
    ) {
        return;
    }
    // The video starts between two milliseconds, and so does the sound, elsewhere.
    let source = Demuxer::open(&file("start.mkv").into(), &OpenOptions::default()).unwrap();
    let base = TimeBase::new(1, 24_000);
    let spec = PictureSpec::new(plain(64, 48), base);
    let pts: Vec<i64> = (0..25).map(|n| 4004 + n * 1001).collect();
    let (track, packets_in) = encode(&quick(Codec::H264), &spec, &pts);
    let options = MuxOptions {
        offset: Some(Timestamp::new(9_999, TimeBase::new(1, 44_100))),
        ..MuxOptions::default()
    };
    for faststart in [true, false] {
        let options = MuxOptions {
            faststart,
            ..options.clone()
        };
        let mut muxer = Muxer::create(file("start.mp4"), &track, Some(&source), &options).unwrap();
        for packet in packets_in.iter().cloned() {
            muxer.write_video(packet).unwrap();
        }
        let mut source = Demuxer::open(&file("start.mkv").into(), &OpenOptions::default()).unwrap();
        while let Some(packet) = source.next().unwrap() {
            if packet.stream() == 1 {
                muxer.write_other(packet).unwrap();
            }
        }
        muxer.finish().unwrap();
        let found = packets(&file("start.mp4"));
        let mut shown: Vec<_> = found[0].iter().map(|packet| packet.pts.unwrap()).collect();
        shown.sort();
        assert!(shown.iter().map(|time| time.ticks).eq(pts.iter().copied()));
        assert_eq!(shown[0].base, base);
        let sound = found[1][0].pts.unwrap();
        // The sample nearest to 227 milliseconds, which is what the offset is in Matroska.
        assert_eq!(sound, Timestamp::new(10_011, TimeBase::new(1, 44_100)));
    }
}

#[test]
fn a_part_of_the_source_is_carried_over() {
    let folder = folder();
    let Some(from) = source(folder.path(), "mkv") else {
        return;
    };
    let millis = |ticks| Some(Timestamp::new(ticks, MILLIS));
    let options = MuxOptions {
        start: millis(600),
        end: millis(1_800),
        offset: millis(-600),
        ..MuxOptions::default()
    };
    let old = packets(&from);
    for ending in ["mp4", "mkv"] {
        let to = folder.path().join(format!("part.{ending}"));
        let spec = PictureSpec::new(plain(64, 48), MILLIS);
        let pts: Vec<i64> = (0..30).map(|n| n * 40).collect();
        let (track, video) = encode(&quick(Codec::H264), &spec, &pts);
        let mut source = Demuxer::open(&from.clone().into(), &OpenOptions::default()).unwrap();
        let mut muxer = Muxer::create(to.clone(), &track, Some(&source), &options).unwrap();
        while let Some(packet) = source.next().unwrap() {
            muxer.write_other(packet).unwrap();
        }
        for packet in video {
            muxer.write_video(packet).unwrap();
        }
        let report = muxer.finish().unwrap();
        assert_eq!(
            (report.mended, report.lost, report.shift),
            (0, 0, 0.0),
            "{ending}"
        );
        let new = packets(&to);
        for stream in 1..3 {
            let inside: Vec<_> = old[stream]
                .iter()
                .filter(|packet| {
                    // Where times before zero have a place, the packet that begins earlier is kept.
                    let first = if ending == "mp4" { 600 - 23 } else { 600 };
                    (first..1_800).contains(&packet.millis())
                })
                .collect();
            assert!(inside.len() > 40);
            assert_eq!(new[stream].len(), inside.len(), "{ending} sound {stream}");
            for (old, new) in inside.iter().zip(&new[stream]) {
                assert!(old.data == new.data);
                assert_eq!(old.millis() - 600, new.millis());
            }
        }
        // One subtitle is shown from before the start, one beyond the end.
        let text = texts(&to, folder.path());
        assert!(
            text.contains("00:00:00,000 --> 00:00:00,521\nHello"),
            "{text}"
        );
        assert!(
            text.contains("00:00:00,921 --> 00:00:01,200\nGrüße"),
            "{text}"
        );
        let chapters = ffprobe(&to, "-show_chapters -of csv");
        assert!(chapters.contains("0.000000,"), "{chapters}");
        assert!(chapters.contains(",1.200000,Two"), "{chapters}");
    }
}
