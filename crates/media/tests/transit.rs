//! Video through networks, with every codec.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod transit_common;

use nervure_frame::{BitDepth, Chroma, Frame, LossMask, PictureFormat, TimeBase, Timestamp};
use nervure_media::{
    Codec, LossLevel, LossModel, PictureSpec, Transit, TransitSettings, TransitStats,
};
use transit_common::{LOSSY, frames, lossy, pass, plain, psnr, quick, spec};

/// Settings that lose the packets marked in a trace.
fn traced(codec: Codec, trace: &str, level: LossLevel) -> TransitSettings {
    TransitSettings {
        loss: LossModel::Trace(trace.parse().unwrap()),
        level,
        ..quick(codec)
    }
}

/// The same without losses, into the same bytes.
fn whole(settings: &TransitSettings) -> TransitSettings {
    let mut whole = settings.clone();
    whole.loss = LossModel::None;
    whole.encode.keyframe_seconds = Some(2.0);
    whole
}

fn marked(frames: &[Frame]) -> Vec<usize> {
    let damaged = frames.iter().enumerate();
    let damaged = damaged.filter(|(_, frame)| frame.damage.is_some());
    damaged.map(|(number, _)| number).collect()
}

fn rows(mask: &LossMask) -> Vec<usize> {
    (0..mask.rows())
        .filter(|row| (0..mask.columns()).all(|column| mask.is_lost(column, *row)))
        .collect()
}

#[test]
fn without_losses_every_frame_arrives_whole() {
    let sent = frames(plain(192, 112), 30);
    let spec = spec(plain(192, 112));
    for codec in LOSSY.into_iter().chain([Codec::Ffv1]) {
        let mut settings = quick(codec);
        if codec == Codec::Ffv1 {
            settings.encode.preset = None;
        }
        let (arrived, stats) = pass(&settings, &spec, &sent);
        for (sent, arrived) in sent.iter().zip(&arrived) {
            assert!(arrived.damage.is_none());
            let found = psnr(sent, arrived);
            assert!(found > 28.0, "{codec} at {:?}: {found:.1} dB", sent.pts);
        }
        let expected = TransitStats {
            frames: 30,
            packets: 30,
            bytes: stats.bytes,
            bitrate: (stats.bytes as f64 * 8.0 / 1.2).round() as u64,
            ..TransitStats::default()
        };
        assert_eq!(stats, expected, "{codec}");
        assert!(stats.bytes > 1000);
    }
}

#[test]
fn lost_frames_are_held_and_marked() {
    let sent = frames(plain(192, 112), 60);
    let spec = spec(plain(192, 112));
    for codec in LOSSY {
        let settings = lossy(codec, "0.1", LossLevel::Frame, 2);
        let (arrived, stats) = pass(&settings, &spec, &sent);
        assert!(
            stats.lost_packets > 0 && stats.held_frames >= stats.lost_packets,
            "{codec} {stats:?}"
        );
        assert_eq!(stats.damaged_frames, stats.held_frames);
        assert_eq!(stats.lost_macroblocks, stats.held_frames * 12 * 7);
        assert_eq!(stats.lost_slices, 0);
        assert!(arrived[0].damage.is_none(), "the first picture arrives");
        for pair in arrived.windows(2) {
            if pair[1].damage.is_some() {
                assert_eq!(pair[0].planes, pair[1].planes, "{codec} holds");
            }
        }
    }
}

#[test]
fn damage_heals_at_a_keyframe_and_what_follows_a_loss_is_not_marked() {
    let format = plain(192, 112);
    let sent = frames(format, 75);
    // One packet of 75, without pictures out of order.
    let trace = format!("{}1{}", "0".repeat(10), "0".repeat(64));
    for codec in [Codec::H264, Codec::Hevc, Codec::Vp8] {
        let mut settings = traced(codec, &trace, LossLevel::Frame);
        if codec != Codec::Vp8 {
            settings.encode.options = vec![("bf".into(), "0".into())];
        }
        let (clean, _) = pass(&whole(&settings), &spec(format), &sent);
        let (damaged, stats) = pass(&settings, &spec(format), &sent);
        assert_eq!(stats.lost_packets, 1);
        assert_eq!(damaged[10].planes, damaged[9].planes, "{codec}");
        assert_eq!(damaged[10].damage, Some(LossMask::lost(192, 112)));
        let same = |range: std::ops::Range<usize>| {
            let pairs = clean[range.clone()].iter().zip(&damaged[range]);
            pairs
                .filter(|(clean, damaged)| clean.planes == damaged.planes)
                .count()
        };
        assert_eq!(same(0..10), 10, "{codec}: whole before the loss");
        assert_eq!(same(50..75), 25, "{codec}: whole from the keyframe on");
        assert!(same(11..50) < 39, "{codec}: something drifts between");
        // Those that the decoder gave out are not marked.
        assert_eq!(marked(&damaged).len() as u64, stats.held_frames, "{codec}");
    }
}

#[test]
fn a_lost_slice_is_concealed_and_marked_in_its_rows() {
    // 12 x 8 macroblocks, a slice for each row.
    let format = plain(192, 128);
    let sent = frames(format, 20);
    // The third and fourth slice of the sixth coded picture.
    let trace = format!("{}0011{}", "0".repeat(40), "0".repeat(116));
    let mut settings = traced(Codec::H264, &trace, LossLevel::Slice);
    settings.encode.options = vec![("bf".into(), "0".into())];
    let (damaged, stats) = pass(&settings, &spec(format), &sent);
    assert_eq!(marked(&damaged), [5]);
    let mask = damaged[5].damage.as_ref().unwrap();
    assert_eq!((rows(mask), mask.count()), (vec![2, 3], 24));
    let expected = TransitStats {
        frames: 20,
        bytes: stats.bytes,
        bitrate: stats.bitrate,
        packets: 160,
        lost_packets: 2,
        lost_slices: 2,
        damaged_frames: 1,
        lost_macroblocks: 24,
        flagged_frames: 1,
        ..TransitStats::default()
    };
    assert_eq!(stats, expected);
    let found = psnr(&sent[5], &damaged[5]);
    assert!(found > 18.0, "concealed, not left blank: {found:.1} dB");
}

#[test]
fn slices_are_lost_at_the_rate_and_every_damaged_picture_comes_out() {
    let format = plain(320, 176);
    let sent = frames(format, 100);
    let settings = lossy(Codec::H264, "burst:0.05", LossLevel::Slice, 4);
    let (damaged, stats) = pass(&settings, &spec(format), &sent);
    assert_eq!(stats.packets, 800);
    let mut fine = settings.clone();
    fine.slices = 1000;
    let (_, stats_of_fine) = pass(&fine, &spec(format), &sent[..5]);
    assert_eq!(stats_of_fine.packets, 5 * 11, "no more slices than rows");
    assert!((20..80).contains(&stats.lost_slices), "{stats:?}");
    assert_eq!(stats.lost_slices, stats.lost_packets);
    assert_eq!(stats.damaged_frames, marked(&damaged).len() as u64);
    let masks = damaged.iter().filter_map(|frame| frame.damage.as_ref());
    assert_eq!(
        stats.lost_macroblocks,
        masks.map(|mask| mask.count() as u64).sum::<u64>()
    );
    assert!(damaged[0].damage.is_none(), "the first picture arrives");
    assert_eq!(stats.refused_packets, 0);
}

#[test]
fn a_picture_that_loses_all_slices_is_held() {
    let format = plain(192, 128);
    let sent = frames(format, 12);
    let trace = format!("{}{}{}", "0".repeat(40), "1".repeat(8), "0".repeat(48));
    let mut settings = traced(Codec::H264, &trace, LossLevel::Slice);
    settings.encode.options = vec![("bf".into(), "0".into())];
    let (damaged, stats) = pass(&settings, &spec(format), &sent);
    assert_eq!(marked(&damaged), [5]);
    assert_eq!(damaged[5].damage, Some(LossMask::lost(192, 128)));
    assert_eq!(damaged[5].planes, damaged[4].planes);
    assert_eq!((stats.held_frames, stats.lost_slices), (1, 8));
}

#[test]
fn when_everything_is_lost_the_first_picture_stands_or_all_is_grey() {
    let format = plain(96, 64);
    let sent = frames(format, 12);
    let levels = LOSSY.map(|codec| (codec, LossLevel::Frame));
    for (codec, level) in levels.into_iter().chain([(Codec::H264, LossLevel::Slice)]) {
        let mut settings = lossy(codec, "1", level, 0);
        let (arrived, stats) = pass(&settings, &spec(format), &sent);
        assert_eq!(marked(&arrived), (1..12).collect::<Vec<_>>(), "{codec}");
        assert!(
            arrived
                .iter()
                .all(|frame| frame.planes == arrived[0].planes)
        );
        assert!(psnr(&sent[0], &arrived[0]) > 28.0, "{codec}");
        assert_eq!((stats.frames, stats.held_frames), (12, 11));

        settings.first_arrives = false;
        let (arrived, stats) = pass(&settings, &spec(format), &sent);
        assert_eq!(marked(&arrived).len(), 12, "{codec}");
        assert_eq!((stats.lost_packets, stats.held_frames), (stats.packets, 12));
        let grey = |frame: &Frame| {
            let planes = frame.planes.eight().unwrap();
            planes
                .iter()
                .all(|plane| plane.rows().flatten().all(|sample| *sample == 128))
        };
        assert!(arrived.iter().all(grey), "{codec}");
    }
}

#[test]
fn a_seed_decides_every_sample() {
    let format = plain(192, 112);
    let sent = frames(format, 40);
    let cases = LOSSY.map(|codec| (codec, LossLevel::Frame));
    for (codec, level) in cases.into_iter().chain([(Codec::H264, LossLevel::Slice)]) {
        let run = |seed| pass(&lossy(codec, "0.1", level, seed), &spec(format), &sent);
        let (one, two, other) = (run(1), run(1), run(2));
        assert_eq!(one.1, two.1, "{codec}");
        for (one, two) in one.0.iter().zip(&two.0) {
            assert!(
                one.planes == two.planes && one.damage == two.damage,
                "{codec}"
            );
        }
        assert_ne!(marked(&one.0), marked(&other.0), "{codec}");
        assert_eq!(
            one.1.bytes, other.1.bytes,
            "{codec}: losses come after coding"
        );
    }
}

#[test]
fn every_format_and_size_that_a_codec_holds_passes() {
    let of = |width, height, chroma, depth| PictureFormat::new(width, height, chroma, depth);
    for codec in LOSSY {
        // x265 is not trusted with sides of 16.
        let low = if codec == Codec::Hevc { 18 } else { 16 };
        let mut formats = vec![plain(64, 64), plain(18, low)];
        let (across, down) = codec.size_step(Chroma::C420);
        if (across, down) == (1, 1) {
            formats.extend([plain(37, 19), plain(97, 65), plain(1, 1), plain(16, 3)]);
        }
        for (chroma, depth) in [
            (Chroma::C420, BitDepth::Ten),
            (Chroma::C422, BitDepth::Eight),
            (Chroma::C444, BitDepth::Eight),
            (Chroma::C444, BitDepth::Ten),
        ] {
            if codec.holds(chroma, depth) {
                formats.push(of(66, 48, chroma, depth));
            }
        }
        for format in formats {
            let sent = frames(format, 8);
            let (arrived, stats) = pass(&quick(codec), &spec(format), &sent);
            assert_eq!(marked(&arrived), [0; 0], "{codec} {format} {stats:?}");
            if format.width > 16 {
                let found = psnr(&sent[7], &arrived[7]);
                assert!(found > 25.0, "{codec} {format}: {found:.1} dB");
            }
            let settings = traced(codec, "00010", LossLevel::finest(codec));
            let (arrived, stats) = pass(&settings, &spec(format), &sent);
            assert!(!marked(&arrived).is_empty(), "{codec} {format} {stats:?}");
        }
    }
}

#[test]
fn uneven_times_and_pictures_out_of_order_keep_their_places() {
    let format = plain(96, 64);
    let mut sent = frames(format, 60);
    let mut at = -70;
    for (number, frame) in sent.iter_mut().enumerate() {
        frame.pts = Timestamp::new(at, TimeBase::new(1, 1000));
        frame.duration = Some(20);
        at += 17 + 31 * (number as i64 % 3);
    }
    let mut spec = PictureSpec::new(format, TimeBase::new(1, 1000));
    spec.frame_rate = Some((25, 1));
    for codec in LOSSY {
        let mut settings = quick(codec);
        // As many pictures out of order, or hidden, as the encoder likes.
        settings.encode.preset = Some("fast".into());
        let (arrived, stats) = pass(&settings, &spec, &sent);
        assert_eq!(marked(&arrived), [0; 0], "{codec} {stats:?}");
        for (sent, arrived) in sent.iter().zip(&arrived) {
            let found = psnr(sent, arrived);
            assert!(found > 27.0, "{codec} at {:?}: {found:.1} dB", sent.pts);
        }
        settings.loss = "burst:0.1".parse().unwrap();
        pass(&settings, &spec, &sent);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let spec = spec(plain(96, 64));
    let open = |settings: &TransitSettings| Transit::open(settings, &spec).map(drop);
    let error = open(&lossy(Codec::Vp9, "0.1", LossLevel::Slice, 0)).unwrap_err();
    assert_eq!(error.to_string(), "slices of VP9 cannot be lost one by one");
    assert!(error.hint().unwrap().contains("h264"));
    let mut settings = quick(Codec::H264);
    settings.loss = LossModel::Independent { rate: 1.5 };
    assert!(open(&settings).is_err());
    assert_eq!("slice".parse::<LossLevel>().unwrap(), LossLevel::Slice);
    let error = "packet".parse::<LossLevel>().unwrap_err();
    assert!(error.to_string().contains("\"packet\""), "{error}");

    // A frame of another size is refused, and those before it are still given out.
    let mut transit = Transit::open(&quick(Codec::H264), &spec).unwrap();
    transit.push(frames(plain(96, 64), 1).remove(0)).unwrap();
    assert!(transit.push(frames(plain(64, 64), 2).remove(1)).is_err());
    transit.flush().unwrap();
    assert!(transit.pull().unwrap().is_some());
    assert!(transit.pull().unwrap().is_none());
}

#[test]
fn transit_goes_from_thread_to_thread() {
    fn goes<T: Send>() {}
    goes::<Transit>();
}
