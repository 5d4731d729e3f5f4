//! Video through networks, with every codec.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod transit_common;

use nervure_media::{Codec, LossLevel, TransitStats};
use transit_common::{LOSSY, frames, lossy, pass, plain, psnr, quick, spec};

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
