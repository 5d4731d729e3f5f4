//! What networks and datasets ask of encoders.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod transit_common;

use nervure_frame::Frame;
use nervure_media::{EncodeSettings, Encoder, Memory, Packet};
use transit_common::{LOSSY, frames, plain, quick, spec};

fn encode(settings: &EncodeSettings, frames: &[Frame]) -> Vec<Packet> {
    let mut encoder = Encoder::open(settings, &spec(frames[0].format())).unwrap();
    let mut packets = Vec::new();
    for frame in frames {
        encoder.push(frame.clone()).unwrap();
        packets.extend(std::iter::from_fn(|| encoder.pull().unwrap()));
    }
    encoder.flush().unwrap();
    packets.extend(std::iter::from_fn(|| encoder.pull().unwrap()));
    packets
}

#[test]
fn every_preset_can_do_with_less_memory() {
    let sent = frames(plain(64, 64), 3);
    // From fast to slow: SVT-AV1 cannot take them in another order in one process.
    for codec in LOSSY {
        for preset in [
            "ultrafast",
            "veryfast",
            "faster",
            "slow",
            "slower",
            "placebo",
        ] {
            let mut settings = quick(codec).encode;
            settings.preset = Some(preset.into());
            settings.threads = 1;
            for memory in [Memory::Lean, Memory::Least] {
                settings.memory = memory;
                let packets = encode(&settings, &sent);
                assert_eq!(packets.len(), 3, "{codec} {preset} {memory:?}");
            }
        }
    }
}

#[test]
fn keyframes_come_as_often_as_asked() {
    let sent = frames(plain(64, 64), 30);
    for codec in LOSSY {
        let mut settings = quick(codec).encode;
        settings.keyframe_seconds = Some(0.4);
        let packets = encode(&settings, &sent);
        let keys = packets.iter().filter(|packet| packet.is_key());
        let keys: Vec<_> = keys.map(|packet| packet.pts().unwrap()).collect();
        assert!(keys.len() >= 3, "{codec}: {keys:?}");
        assert!(
            keys.windows(2).all(|pair| pair[1] - pair[0] <= 10),
            "{codec}: {keys:?}"
        );
    }
}
