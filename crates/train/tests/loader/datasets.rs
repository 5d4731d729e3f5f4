//! Datasets that are known to the last sample.

use std::fs;
use std::path::Path;

use nervure_dataset::ClipWriter;
use nervure_dataset::manifest::{
    Baseline, ClipRecord, Header, Layout, LossRecord, Manifest, Size, SourceRecord, VERSION,
};
use nervure_dataset::picture::PngWriter;
use nervure_frame::{
    BitDepth, Chroma, Colour, Frame, LossMask, PictureFormat, Planes, TimeBase, Timestamp,
};
use sha2::{Digest, Sha256};

pub(crate) const BASE: TimeBase = TimeBase { num: 1, den: 25 };

/// One clip of a dataset to be made.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) stem: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) codec: &'static str,
    pub(crate) frames: usize,
    pub(crate) scale: usize,
    pub(crate) format: PictureFormat,
    pub(crate) colour: Colour,
    /// Everything has this code.
    pub(crate) flat: Option<u16>,
    /// Chroma is neutral.
    pub(crate) grey: bool,
    /// Pictures are of one scene, which becomes brighter; else each is another.
    pub(crate) still: bool,
}

impl Spec {
    pub(crate) fn new(stem: &'static str, width: usize, height: usize, frames: usize) -> Spec {
        Spec {
            stem,
            content_type: "sports",
            codec: "h264",
            frames,
            scale: 2,
            format: PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight),
            colour: Colour::BT709,
            flat: None,
            grey: false,
            still: false,
        }
    }

    /// A sample of the low resolution, in 8 bits.
    pub(crate) fn low(&self, frame: usize, plane: usize, x: usize, y: usize) -> u16 {
        if let Some(code) = self.flat {
            return code;
        }
        if self.grey && plane > 0 {
            return 128;
        }
        let (scene, brighter) = match self.still {
            true => (0, 5 * frame as u16),
            false => (frame, 0),
        };
        let stem = self.stem.bytes().map(usize::from).sum::<usize>();
        let mut hash =
            (x * 7919 + y * 104_729 + scene * 1_299_709 + plane * 15_485_863 + stem) as u32;
        hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
        hash = (hash ^ (hash >> 12)).wrapping_mul(0x297a_2d39);
        40 + brighter + ((hash >> 16) % 120) as u16
    }

    /// A sample of the high resolution: that of the low one below it, and something that says where
    /// within it.
    pub(crate) fn high(&self, frame: usize, plane: usize, x: usize, y: usize) -> u16 {
        if let Some(code) = self.flat {
            return code;
        }
        if self.grey && plane > 0 {
            return 128;
        }
        let within = (y % self.scale) * self.scale + x % self.scale;
        self.low(frame, plane, x / self.scale, y / self.scale) + 4 * within as u16
    }

    /// Whether a macroblock of the low resolution is damaged.
    pub(crate) fn is_lost(&self, frame: usize, column: usize, row: usize) -> bool {
        frame % 2 == 1 && (column + 2 * row + frame / 2).is_multiple_of(3)
    }

    pub(crate) fn low_frame(&self, index: usize) -> Frame {
        let mut frame = self.frame(self.format, index, |plane, x, y| {
            self.low(index, plane, x, y)
        });
        let mut mask = LossMask::whole(self.format.width, self.format.height);
        for row in 0..mask.rows() {
            for column in 0..mask.columns() {
                mask.set(column, row, self.is_lost(index, column, row));
            }
        }
        frame.damage = (mask.count() > 0).then_some(mask);
        frame
    }

    pub(crate) fn high_frame(&self, index: usize) -> Frame {
        let PictureFormat { width, height, .. } = self.format;
        let format = self
            .format
            .with_size(width * self.scale, height * self.scale);
        self.frame(format, index, |plane, x, y| self.high(index, plane, x, y))
    }

    fn frame(
        &self,
        format: PictureFormat,
        index: usize,
        code: impl Fn(usize, usize, usize) -> u16,
    ) -> Frame {
        let mut frame = Frame::new(format, Timestamp::new(3 * index as i64 + 1, BASE));
        frame.colour = self.colour;
        for plane in 0..3 {
            match &mut frame.planes {
                Planes::Eight(planes) => {
                    for (y, row) in planes[plane].rows_mut().enumerate() {
                        for (x, sample) in row.iter_mut().enumerate() {
                            *sample = code(plane, x, y) as u8;
                        }
                    }
                }
                Planes::Ten(planes) => {
                    for (y, row) in planes[plane].rows_mut().enumerate() {
                        for (x, sample) in row.iter_mut().enumerate() {
                            *sample = 4 * code(plane, x, y) + 1;
                        }
                    }
                }
            }
        }
        frame
    }

    fn record(&self, digests: [String; 2]) -> ClipRecord {
        let PictureFormat { width, height, .. } = self.format;
        let [lr_sha256, hr_sha256] = digests;
        ClipRecord {
            stem: self.stem.into(),
            source: SourceRecord {
                name: "made".into(),
                sha256: String::new(),
                segment: 0,
                start: 0.0,
            },
            content_type: self.content_type.into(),
            content_confidence: None,
            codec: self.codec.into(),
            requested_kbps: None,
            crf: Some(29.0),
            measured_kbps: 100.0,
            augment: Vec::new(),
            loss: (self.codec == "h264").then(|| LossRecord {
                damaged_frames: 1,
                ..LossRecord::default()
            }),
            dropped_frames: 0,
            seed: 0,
            frames: self.frames as u64,
            frame_rate: Some((25, 1)),
            lr: Size { width, height },
            hr: Size {
                width: width * self.scale,
                height: height * self.scale,
            },
            baseline: Baseline {
                upscaler: "lanczos".into(),
                psnr_y: None,
                ssim: 1.0,
                frames: 0,
            },
            lr_sha256,
            hr_sha256,
        }
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Makes a dataset.
pub(crate) fn make(folder: &Path, layout: Layout, specs: &[Spec]) {
    for side in ["lr", "hr", "mask"] {
        fs::create_dir_all(folder.join(side)).unwrap();
    }
    let mut clips = Vec::new();
    for spec in specs {
        let frames: [Vec<Frame>; 2] = [
            (0..spec.frames)
                .map(|index| spec.low_frame(index))
                .collect(),
            (0..spec.frames)
                .map(|index| spec.high_frame(index))
                .collect(),
        ];
        let digests = ["lr", "hr"].map(|side| {
            let frames = &frames[usize::from(side == "hr")];
            match layout {
                Layout::Clips => {
                    let path = folder.join(side).join(format!("{}.clip", spec.stem));
                    let format = frames[0].format();
                    let mut writer = ClipWriter::create(&path, format, spec.colour, BASE).unwrap();
                    for frame in frames {
                        writer.write(frame).unwrap();
                    }
                    writer.finish().unwrap();
                    hex(Sha256::new().chain_update(fs::read(&path).unwrap()))
                }
                Layout::Png => {
                    let mut writer = PngWriter::new();
                    let mut hash = Sha256::new();
                    for (index, frame) in frames.iter().enumerate() {
                        let name = format!("{}-{index:05}.png", spec.stem);
                        let bytes = writer.frame(frame).unwrap();
                        hash.update(bytes);
                        fs::write(folder.join(side).join(&name), bytes).unwrap();
                        if let Some(mask) = &frame.damage {
                            writer
                                .write_mask(mask, &folder.join("mask").join(&name))
                                .unwrap();
                        }
                    }
                    hex(hash)
                }
            }
        });
        clips.push(spec.record(digests));
    }
    let manifest = Manifest {
        header: Header {
            version: VERSION,
            made_by: "a test".into(),
            layout,
            shard: (0, 1),
            recipe: serde_json::Value::Null,
        },
        clips,
        skipped: Vec::new(),
    };
    fs::write(folder.join("manifest.jsonl"), manifest.to_text().unwrap()).unwrap();
}
