//! Manifests, clips and PNGs that no program of good will wrote: thousands of random changes.
#![allow(clippy::unwrap_used)]

mod read_entry;

use nervure_dataset::ClipWriter;
use nervure_dataset::picture::PngWriter;
use nervure_frame::{
    BitDepth, Chroma, Colour, Frame, LossMask, PictureFormat, TimeBase, Timestamp,
};

const MANIFEST: &str = concat!(
    r#"{"kind":"dataset","version":1,"made_by":"test","layout":"png","shard":[0,1],"recipe":{}}"#,
    "\n",
    r#"{"kind":"clip","stem":"a_0000_h264-50k","source":{"name":"a.mkv","sha256":"34","segment":0,"#,
    r#""start":0.0},"content_type":"sports","content_confidence":0.7,"codec":"h264","#,
    r#""requested_kbps":50.0,"crf":null,"measured_kbps":50.1,"augment":["blur=0.2"],"loss":null,"#,
    r#""dropped_frames":0,"seed":15245617514173622943,"frames":12,"frame_rate":[12,1],"#,
    r#""lr":{"width":96,"height":64},"hr":{"width":192,"height":128},"baseline":{"upscaler":"#,
    r#""lanczos","psnr_y":26.2,"ssim":0.78,"frames":12},"lr_sha256":"e5","hr_sha256":"f5"}"#,
    "\n",
    r#"{"kind":"skipped","source":"b.mkv","reason":"it is empty"}"#,
    "\n",
);

/// The same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// One change of the kinds that a fuzzer makes.
fn mutate(data: &mut Vec<u8>, numbers: &mut Numbers) {
    const TOKENS: [&[u8]; 9] = [
        b"-1",
        b"1e999",
        b"null",
        b"\n",
        b"\"",
        b"../",
        b"{",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
    ];
    let at = numbers.below(data.len());
    match numbers.below(5) {
        0 if !data.is_empty() => data[at] ^= 1 << numbers.below(8),
        1 if !data.is_empty() => data[at] = numbers.below(256) as u8,
        2 => {
            let token = TOKENS[numbers.below(TOKENS.len())];
            let end = (at + token.len() * numbers.below(2)).min(data.len());
            data.splice(at..end, token.iter().copied());
        }
        3 => {
            let end = (at + numbers.below(9)).min(data.len());
            data.drain(at..end);
        }
        _ if numbers.below(8) == 0 => data.truncate(at),
        _ => {
            let end = (at + numbers.below(40)).min(data.len());
            let part = data[at..end].to_vec();
            data.splice(at..at, part);
        }
    }
}

/// Tries `rounds` changes of something good; how often it was still understood.
fn changes(good: &[u8], rounds: usize, mut understood: impl FnMut(&[u8]) -> bool) -> usize {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    assert!(understood(good), "what is good is understood");
    (0..rounds)
        .filter(|_| {
            let mut data = good.to_vec();
            for _ in 0..=numbers.below(3) {
                mutate(&mut data, &mut numbers);
            }
            understood(&data)
        })
        .count()
}

#[test]
fn changed_manifests_do_no_harm() {
    let good = changes(MANIFEST.as_bytes(), 20_000, |data| {
        read_entry::manifest(&String::from_utf8_lossy(data)) > 0
    });
    assert!((500..19_000).contains(&good), "{good} were understood");
    for bad in [
        "",
        "\n",
        "{}",
        "[]",
        "null",
        "{\"kind\":\"skipped\"}",
        "\u{feff}",
    ] {
        assert_eq!(read_entry::manifest(bad), 0);
    }
    let deep = format!("{{\"kind\":\"dataset\",\"recipe\":{}", "[".repeat(100_000));
    assert_eq!(read_entry::manifest(&deep), 0);
    let out = MANIFEST.replace("a_0000_h264-50k", "../../a");
    assert_eq!(read_entry::manifest(&out), 0);
}

fn frame() -> Frame {
    let format = PictureFormat::new(48, 32, Chroma::C420, BitDepth::Eight);
    Frame::new(format, Timestamp::new(3, TimeBase::new(1, 25)))
}

#[test]
fn changed_clips_do_no_harm() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.clip");
    let base = TimeBase::new(1, 25);
    let format = frame().format();
    let mut writer = ClipWriter::create(&path, format, Colour::UNSPECIFIED, base).unwrap();
    for ticks in 0..2 {
        let mut frame = frame();
        frame.pts = Timestamp::new(ticks, base);
        frame.damage = (ticks == 1).then(|| LossMask::lost(format.width, format.height));
        writer.write(&frame).unwrap();
    }
    writer.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let sound = changes(&bytes, 3_000, |data| read_entry::clip(data) == 2);
    // Every byte is under a checksum.
    assert!(sound < 300, "{sound} changes went unseen");
}

#[test]
fn changed_pngs_do_no_harm() {
    let mut writer = PngWriter::new();
    let frame = frame();
    let picture = writer.frame(&frame).unwrap().to_vec();
    let mask = LossMask::lost(frame.format().width, frame.format().height);
    let mask = writer.mask(&mask).unwrap().to_vec();
    for good in [picture, mask] {
        let read = changes(&good, 5_000, read_entry::png);
        assert!(read < 2_500, "{read} changes went unseen");
    }
}
