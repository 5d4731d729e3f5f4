//! Frames into packets with every codec.

mod write_common;

use nervure_frame::{BitDepth, Chroma, PictureFormat, TimeBase};
use nervure_media::{Codec, EncodeSettings, Encoder, Packet, PictureSpec};
use write_common::{MILLIS, encode, plain};

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
    for codec in Codec::ALL {
        let mut settings = quick(codec);
        settings.preset = None;
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
