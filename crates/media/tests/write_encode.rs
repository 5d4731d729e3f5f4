//! Frames into packets with every codec.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod write_common;

use nervure_frame::{BitDepth, Chroma, PictureFormat, TimeBase, Timestamp};
use nervure_media::{Codec, EncodeSettings, Encoder, Memory, Packet, PictureSpec};
use write_common::{MILLIS, encode, frame, frames, plain, psnr, write};

fn quick(codec: Codec) -> EncodeSettings {
    EncodeSettings {
        codec,
        preset: (codec != Codec::Ffv1).then(|| "ultrafast".into()),
        threads: 2,
        ..EncodeSettings::default()
    }
}

fn by_time(packets: &[Packet]) -> Vec<(i64, i64)> {
    let mut times: Vec<_> = packets
        .iter()
        .map(|packet| (packet.pts().unwrap(), packet.duration().unwrap()))
        .collect();
    times.sort_unstable();
    times
}

#[test]
fn packets_carry_the_times_of_the_frames() {
    let pts = [-7, 0, 33, 35, 66, 133, 140, 1000, 1001, 1042, 1083, 1125];
    for codec in Codec::ALL {
        for base in [
            MILLIS,
            TimeBase::new(1001, 90_000),
            TimeBase::new(1, 1_000_000_000),
        ] {
            let mut spec = PictureSpec::new(plain(64, 64), base);
            spec.frame_rate = Some((24_000, 1001));
            let mut settings = quick(codec);
            if codec == Codec::H264 {
                // B-frames, whose packets come out of order.
                settings.preset = Some("veryfast".into());
            }
            let (track, packets) = encode(&settings, &spec, &pts);
            let times = by_time(&packets);
            let found: Vec<_> = times.iter().map(|(pts, _)| *pts).collect();
            assert_eq!(found, pts, "{codec} on {base}");
            for pair in times.windows(2) {
                assert_eq!(pair[0].0 + pair[0].1, pair[1].0, "{codec} on {base}");
            }
            assert!(packets[0].is_key());
            assert!(packets.iter().all(|packet| packet.dts() <= packet.pts()));
            assert!(packets.windows(2).all(|pair| pair[0].dts() < pair[1].dts()));
            if codec == Codec::H264 {
                assert_eq!(track.delay(), 2);
                assert!(packets.windows(2).any(|pair| pair[0].pts() > pair[1].pts()));
            }
        }
    }
}

#[test]
fn the_same_frames_give_the_same_bytes() {
    let usual = Codec::ALL.map(|codec| (codec, Memory::Usual));
    for (codec, memory) in usual.into_iter().chain([(Codec::H264, Memory::Least)]) {
        let mut settings = quick(codec);
        settings.preset = None;
        settings.memory = memory;
        let spec = PictureSpec::new(plain(192, 128), MILLIS);
        let pts: Vec<i64> = (0..30).map(|n| n * 40).collect();
        let (first, one) = encode(&settings, &spec, &pts);
        let (second, two) = encode(&settings, &spec, &pts);
        assert_eq!(first.fingerprint(), second.fingerprint(), "{codec}");
        assert_eq!(one.len(), two.len());
        for (one, two) in one.iter().zip(&two) {
            assert!(one.data() == two.data(), "{codec} at {:?}", one.pts());
        }
    }
}

/// x265 once read memory that nobody had written: its bytes changed with what the process did before.
#[test]
fn small_hevc_pictures_do_not_depend_on_what_memory_held() {
    let mut settings = quick(Codec::Hevc);
    settings.preset = None;
    settings.threads = 1;
    settings.bitrate = Some(60_000);
    let pts: Vec<i64> = (0..12).map(|n| n * 40).collect();
    for (width, height) in [
        (64, 64),
        (96, 64),
        (64, 128),
        (256, 32),
        (32, 128),
        (48, 48),
        (18, 18),
    ] {
        let spec = PictureSpec::new(plain(width, height), MILLIS);
        let coded = |held: u8| {
            let blocks: Vec<_> = (4..17)
                .flat_map(|bits| (0..40).map(move |_| vec![held; 3 << (bits - 1)]))
                .collect();
            drop(std::hint::black_box(blocks));
            let (_, packets) = encode(&settings, &spec, &pts);
            packets
                .iter()
                .map(|packet| packet.data().to_vec())
                .collect::<Vec<_>>()
        };
        let zero = coded(0);
        for held in [127, 128, 255] {
            assert!(coded(held) == zero, "{width}x{height} after {held}");
        }
    }
}

#[test]
fn less_memory_means_fewer_pictures_inside() {
    let spec = PictureSpec::new(plain(192, 128), MILLIS);
    // How many pictures x264 holds before it gives out the first.
    let held = |memory| {
        let mut settings = quick(Codec::H264);
        settings.preset = None;
        settings.memory = memory;
        let mut encoder = Encoder::open(&settings, &spec).unwrap();
        let first = (0..80).find(|&n| {
            let pts = Timestamp::new(n * 40, MILLIS);
            encoder.push(frame(spec.format, n, pts)).unwrap();
            encoder.pull().unwrap().is_some()
        });
        first.unwrap()
    };
    let [usual, lean, least] = [Memory::Usual, Memory::Lean, Memory::Least].map(held);
    assert!(
        least + 5 < lean && lean + 15 < usual,
        "{least}, {lean}, {usual}"
    );
}

#[test]
fn every_codec_and_format_decodes_back() {
    let folder = tempfile::tempdir().unwrap();
    let formats = [Chroma::C420, Chroma::C422, Chroma::C444]
        .into_iter()
        .flat_map(|chroma| [BitDepth::Eight, BitDepth::Ten].map(|depth| (chroma, depth)));
    for (chroma, depth) in formats {
        let able = |codec: &Codec| codec.holds(chroma, depth);
        for codec in Codec::ALL.into_iter().filter(able) {
            let format = PictureFormat::new(98, 66, chroma, depth);
            let spec = PictureSpec::new(format, TimeBase::new(1, 25));
            let pts: Vec<i64> = (0..6).collect();
            let mut settings = quick(codec);
            if codec != Codec::Ffv1 {
                settings.crf = Some(12.0);
            }
            let (track, packets) = encode(&settings, &spec, &pts);
            let file = folder.path().join("clip.mkv");
            write(&file, &track, packets);
            let decoded = frames(&file);
            assert_eq!(decoded.len(), 6, "{codec} {format}");
            for (number, decoded) in decoded.iter().enumerate() {
                let original = frame(format, number as i64, decoded.pts);
                if codec == Codec::Ffv1 {
                    assert_eq!(decoded.planes, original.planes, "{format}");
                } else {
                    let found = psnr(&original, decoded);
                    assert!(found > 34.0, "{codec} {format}: {found:.1} dB");
                }
            }
        }
    }
}

#[test]
fn odd_sizes_are_kept_where_the_codec_can() {
    let folder = tempfile::tempdir().unwrap();
    for codec in [Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::Ffv1] {
        let spec = PictureSpec::new(plain(37, 19), TimeBase::new(1, 25));
        let (track, packets) = encode(&quick(codec), &spec, &[0, 1, 2]);
        let file = folder.path().join("clip.mkv");
        write(&file, &track, packets);
        let decoded = frames(&file);
        assert_eq!(decoded.len(), 3);
        assert_eq!(decoded[0].format(), plain(37, 19), "{codec}");
    }
    let spec = PictureSpec::new(plain(37, 19), TimeBase::new(1, 25));
    let error = Encoder::open(&quick(Codec::H264), &spec)
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("must be even"), "{error}");
}

#[test]
fn what_makes_no_sense_is_refused_in_one_line() {
    let spec = PictureSpec::new(plain(64, 64), MILLIS);
    let cases = [
        (
            Codec::H264,
            Some(60.0),
            None,
            "libx264 takes no quality of 60",
        ),
        (Codec::Vp8, Some(3.0), None, "libvpx takes no quality of 3"),
        (
            Codec::Vp9,
            Some(20.5),
            None,
            "libvpx-vp9 takes no quality of 20.5",
        ),
        (
            Codec::Av1,
            Some(0.0),
            None,
            "libsvtav1 takes no quality of 0",
        ),
        (
            Codec::Hevc,
            None,
            Some("quick"),
            "libx265 has no preset \"quick\"",
        ),
        (
            Codec::Vp9,
            None,
            Some("9"),
            "libvpx-vp9 has no preset \"9\"",
        ),
        (
            Codec::Ffv1,
            Some(1.0),
            None,
            "ffv1 is lossless and takes no --crf",
        ),
        (
            Codec::H264,
            Some(f32::NAN),
            None,
            "libx264 takes no quality of NaN",
        ),
    ];
    for (codec, crf, preset, message) in cases {
        let settings = EncodeSettings {
            codec,
            crf,
            preset: preset.map(Into::into),
            ..EncodeSettings::default()
        };
        let error = Encoder::open(&settings, &spec).map(drop).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(error.hint().is_some(), "{message}");
    }
    let mut settings = quick(Codec::H264);
    settings.options = vec![("nonsense".into(), "1".into())];
    let error = Encoder::open(&settings, &spec).map(drop).unwrap_err();
    assert_eq!(error.to_string(), "libx264 has no option \"nonsense\"");
}

#[test]
fn frames_that_do_not_belong_are_refused() {
    let spec = PictureSpec::new(plain(64, 64), MILLIS);
    let mut encoder = Encoder::open(&quick(Codec::H264), &spec).unwrap();
    let at = |ticks| Timestamp::new(ticks, MILLIS);
    encoder.push(frame(spec.format, 0, at(40))).unwrap();
    let error = encoder.push(frame(plain(32, 64), 1, at(80))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the picture changes from 64x64 4:2:0 8-bit to 32x64 4:2:0 8-bit at 0.080 s"
    );
    let error = encoder.push(frame(spec.format, 1, at(40))).unwrap_err();
    assert!(
        error.to_string().contains("follows one at 0.040000 s"),
        "{error}"
    );
    assert!(encoder.pull().unwrap().is_none());
    encoder.flush().unwrap();
    let packet = encoder.pull().unwrap().unwrap();
    assert_eq!(packet.pts(), Some(40));
    assert!(encoder.pull().unwrap().is_none());
}

#[test]
fn bitrates_and_other_options_reach_the_encoders() {
    let spec = PictureSpec::new(plain(192, 128), TimeBase::new(1, 25));
    let pts: Vec<i64> = (0..20).collect();
    for codec in [Codec::H264, Codec::Hevc, Codec::Vp8, Codec::Vp9, Codec::Av1] {
        let size = |settings: &EncodeSettings| {
            let (_, packets) = encode(settings, &spec, &pts);
            packets
                .iter()
                .map(|packet| packet.data().len())
                .sum::<usize>()
        };
        let usual = size(&quick(codec));
        let mut starved = quick(codec);
        starved.bitrate = Some(30_000);
        assert!(size(&starved) < usual / 2, "{codec} by bitrate");
        let mut poor = quick(codec);
        poor.crf = Some(50.0);
        assert!(size(&poor) < usual / 2, "{codec} by quality");
    }
    let mut settings = quick(Codec::H264);
    settings.options = vec![("bf".into(), "0".into())];
    assert_eq!(encode(&settings, &spec, &pts).0.delay(), 0);
}

#[test]
fn encoders_and_muxers_go_from_thread_to_thread() {
    fn goes<T: Send>() {}
    goes::<Encoder>();
    goes::<nervure_media::Muxer>();
    goes::<nervure_media::VideoTrack>();
    let spec = PictureSpec::new(plain(64, 64), MILLIS);
    let mut encoder = Encoder::open(&quick(Codec::H264), &spec).unwrap();
    let at = Timestamp::new(0, MILLIS);
    encoder.push(frame(spec.format, 0, at)).unwrap();
    let packet = std::thread::spawn(move || {
        encoder.flush().unwrap();
        encoder.pull().unwrap().unwrap()
    });
    assert_eq!(packet.join().unwrap().duration(), Some(40));
}

/// SVT-AV1 waits for ever when it is closed before it was told that nothing follows.
#[test]
fn an_encoder_that_is_given_up_ends() {
    for codec in Codec::ALL {
        for pushed in [0, 1, 40] {
            let spec = PictureSpec::new(plain(64, 64), MILLIS);
            let (done, ended) = std::sync::mpsc::channel();
            // On a thread of its own, so that one that hangs fails the test instead of hanging it.
            std::thread::spawn(move || {
                let mut encoder = Encoder::open(&quick(codec), &spec).unwrap();
                for index in 0..pushed {
                    let pts = Timestamp::new(index * 40, MILLIS);
                    encoder.push(frame(plain(64, 64), index, pts)).unwrap();
                }
                drop(encoder);
                let _ = done.send(());
            });
            let ended = ended.recv_timeout(std::time::Duration::from_secs(60));
            assert!(ended.is_ok(), "{codec} after {pushed} frames");
        }
    }
}
