use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use nervure_frame::{
    BitDepth, Chroma, Colour, Frame, LossMask, PictureFormat, TimeBase, Timestamp,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;
use crate::clip::ClipWriter;
use crate::digest::{hex, sha256_of};
use crate::manifest::{Baseline, ClipRecord, Header, LossRecord, Size, Skipped, SourceRecord};
use crate::picture::PngWriter;
use crate::store::StoreOptions;

const FRAMES: usize = 3;
const LOW: (usize, usize) = (40, 24);
const HIGH: (usize, usize) = (80, 48);

/// A dataset of one source with two segments, two variants each; the first frame of each
/// low-resolution clip is damaged. Two shards have a segment each.
struct Sample {
    folder: tempfile::TempDir,
    layout: Layout,
}

impl Sample {
    fn new(layout: Layout) -> Sample {
        let sample = Sample {
            folder: tempfile::tempdir().unwrap(),
            layout,
        };
        for folder in FOLDERS {
            fs::create_dir(sample.path(folder)).unwrap();
        }
        for segment in 0..2u32 {
            let stems = [200, 300].map(|kbps| format!("a_{segment:04}_h264-{kbps}k"));
            let clips = [0, 1].map(|variant| sample.clip(segment, &stems, variant));
            sample.write(&Manifest {
                header: Header {
                    version: 1,
                    made_by: "test".into(),
                    layout,
                    shard: (segment, 2),
                    recipe: json!({ "scale": 2, "every": 1 }),
                },
                clips: clips.into(),
                skipped: Vec::new(),
            });
        }
        sample
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn clip(&self, segment: u32, stems: &[String; 2], variant: usize) -> ClipRecord {
        let stem = &stems[variant];
        let lr_sha256 = self.side("lr", stem, LOW, 7 * segment as usize + variant);
        let hr_sha256 = if variant == 0 {
            self.side("hr", stem, HIGH, segment as usize)
        } else {
            for ending in self.endings() {
                let name = |stem: &str| self.path(&format!("hr/{stem}{ending}"));
                fs::hard_link(name(&stems[0]), name(stem)).unwrap();
            }
            self.read(segment)
                .clips
                .first()
                .map_or_else(|| self.sum("hr", &stems[0]), |clip| clip.hr_sha256.clone())
        };
        let size = |(width, height)| Size { width, height };
        ClipRecord {
            stem: stem.clone(),
            source: SourceRecord {
                name: "a.mp4".into(),
                sha256: "00".into(),
                segment,
                start: f64::from(segment),
            },
            content_type: "sports".into(),
            content_confidence: None,
            codec: "h264".into(),
            requested_kbps: Some(200.0),
            crf: None,
            measured_kbps: 201.5,
            augment: Vec::new(),
            loss: Some(LossRecord {
                damaged_frames: 1,
                ..LossRecord::default()
            }),
            dropped_frames: 0,
            seed: 1,
            frames: FRAMES as u64,
            frame_rate: Some((25, 1)),
            lr: size(LOW),
            hr: size(HIGH),
            baseline: Baseline {
                upscaler: "lanczos".into(),
                psnr_y: Some(30.0),
                ssim: 0.9,
                frames: 3,
            },
            lr_sha256,
            hr_sha256,
        }
    }

    fn endings(&self) -> Vec<String> {
        match self.layout {
            Layout::Png => (0..FRAMES).map(|i| format!("-{i:05}.png")).collect(),
            Layout::Clips => vec![".clip".into()],
        }
    }

    /// SHA-256 of files that are there.
    fn sum(&self, folder: &str, stem: &str) -> String {
        let mut hash = Sha256::new();
        for ending in self.endings() {
            hash.update(fs::read(self.path(&format!("{folder}/{stem}{ending}"))).unwrap());
        }
        hex(&hash.finalize())
    }

    fn side(&self, folder: &str, stem: &str, size: (usize, usize), look: usize) -> String {
        let format = PictureFormat::new(size.0, size.1, Chroma::C420, BitDepth::Eight);
        let base = TimeBase::new(1, 25);
        let frames = (0..FRAMES).map(|index| {
            let mut frame = Frame::new(format, Timestamp::new(index as i64, base));
            if let Some(planes) = frame.planes.eight_mut() {
                for (y, row) in planes[0].rows_mut().enumerate() {
                    for (x, sample) in row.iter_mut().enumerate() {
                        *sample = (x * 3 + y * 5 + look * 40 + index * 9) as u8;
                    }
                }
            }
            if folder == "lr" && index == 0 {
                let mut mask = LossMask::whole(size.0, size.1);
                mask.set(1, 1, true);
                frame.damage = Some(mask);
            }
            frame
        });
        match self.layout {
            Layout::Clips => {
                let path = self.path(&format!("{folder}/{stem}.clip"));
                let mut writer =
                    ClipWriter::create(&path, format, Colour::UNSPECIFIED, base).unwrap();
                frames.for_each(|frame| writer.write(&frame).unwrap());
                writer.finish().unwrap();
                sha256_of(&path).unwrap()
            }
            Layout::Png => {
                let mut encoder = PngWriter::new();
                for (frame, ending) in frames.zip(self.endings()) {
                    let bytes = encoder.frame(&frame).unwrap().to_vec();
                    fs::write(self.path(&format!("{folder}/{stem}{ending}")), bytes).unwrap();
                    if let Some(mask) = &frame.damage {
                        let bytes = encoder.mask(mask).unwrap().to_vec();
                        fs::write(self.path(&format!("mask/{stem}{ending}")), bytes).unwrap();
                    }
                }
                self.sum(folder, stem)
            }
        }
    }

    fn manifest(&self, shard: u32) -> PathBuf {
        self.path(&Manifest::name((shard, 2)))
    }

    fn read(&self, shard: u32) -> Manifest {
        let path = self.manifest(shard);
        match fs::read_to_string(&path) {
            Ok(text) => Manifest::parse(&text, &path).unwrap(),
            Err(_) => Manifest {
                header: Header {
                    version: 1,
                    made_by: String::new(),
                    layout: self.layout,
                    shard: (shard, 2),
                    recipe: json!({}),
                },
                clips: Vec::new(),
                skipped: Vec::new(),
            },
        }
    }

    fn write(&self, manifest: &Manifest) {
        let path = self.path(&Manifest::name(manifest.header.shard));
        fs::write(path, manifest.to_text().unwrap()).unwrap();
    }

    /// Changes a manifest.
    fn edit(&self, shard: u32, edit: impl FnOnce(&mut Manifest)) {
        let mut manifest = self.read(shard);
        edit(&mut manifest);
        self.write(&manifest);
    }

    fn store(&self) -> Store {
        Store::open(
            self.folder.path().to_str().unwrap(),
            &StoreOptions::default(),
        )
        .unwrap()
    }

    fn verify(&self) -> Report {
        let one = verify(&self.store(), &VerifyOptions::default(), &|_, _| {}).unwrap();
        let options = VerifyOptions {
            jobs: 3,
            ..VerifyOptions::default()
        };
        let three = verify(&self.store(), &options, &|_, _| {}).unwrap();
        assert_eq!(one, three, "jobs do not matter");
        assert_eq!(one.problem_count == 0, one.is_sound());
        one
    }

    /// The only problem, as `name: what`.
    fn problem(&self) -> String {
        let report = self.verify();
        assert_eq!(report.problem_count, 1, "{:?}", report.problems);
        format!("{}: {}", report.problems[0].name, report.problems[0].what)
    }
}

#[test]
fn a_sound_dataset_is_sound() {
    for (layout, files) in [(Layout::Png, 4 * (3 + 3 + 1)), (Layout::Clips, 8)] {
        let sample = Sample::new(layout);
        let seen = Mutex::new(Vec::new());
        let progress = |done, of| seen.lock().unwrap().push((done, of));
        let report = verify(&sample.store(), &VerifyOptions::default(), &progress).unwrap();
        assert_eq!(report.problems, [], "{layout}");
        assert_eq!((report.manifests, report.clips, report.frames), (2, 4, 12));
        assert_eq!(report.files, files);
        assert!(report.bytes > 0 && report.is_sound());
        assert_eq!(
            seen.into_inner().unwrap(),
            [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
        );
        assert!(!sample.path(".nervure").exists(), "looking leaves nothing");
    }
}

/// Every byte of every file counts, whatever it is.
#[test]
fn changed_bytes_are_found() {
    for layout in [Layout::Png, Layout::Clips] {
        let stem = "a_0001_h264-300k";
        let sample = Sample::new(layout);
        let ending = sample.endings().pop().unwrap();
        let path = sample.path(&format!("lr/{stem}{ending}"));
        let whole = fs::read(&path).unwrap();
        let step = (whole.len() / 23).max(1);
        for at in (0..whole.len()).step_by(step) {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            fs::write(&path, bytes).unwrap();
            let report = sample.verify();
            assert!(!report.is_sound(), "{layout}: byte {at}");
            assert!(report.problems.iter().all(|p| p.name.contains(stem)));
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(sample.problem().contains(stem));
        fs::write(&path, &whole).unwrap();
        assert!(sample.verify().is_sound());
    }
}

#[test]
fn missing_and_stray_files_are_found() {
    let sample = Sample::new(Layout::Png);
    let name = "hr/a_0000_h264-200k-00001.png";
    fs::remove_file(sample.path(name)).unwrap();
    assert_eq!(sample.problem(), format!("{name}: it is missing"));
    fs::remove_file(sample.path("hr/a_0000_h264-200k-00002.png")).unwrap();
    assert_eq!(
        sample.problem(),
        format!("{name}: it and 1 others of its clip are missing")
    );

    let sample = Sample::new(Layout::Clips);
    fs::write(sample.path("lr/other.clip"), b"x").unwrap();
    assert_eq!(sample.problem(), "lr/other.clip: no manifest tells of it");
}

#[test]
fn masks_are_where_the_record_says() {
    let mask = "mask/a_0001_h264-200k-00000.png";
    let sample = Sample::new(Layout::Png);
    let other = sample.path("mask/a_0001_h264-200k-00002.png");
    fs::copy(sample.path(mask), &other).unwrap();
    let told = "a_0001_h264-200k: 2 of its frames have masks, and its record says 1";
    assert_eq!(sample.problem(), told);
    fs::remove_file(other).unwrap();
    // A picture is no mask.
    fs::copy(
        sample.path("lr/a_0001_h264-200k-00000.png"),
        sample.path(mask),
    )
    .unwrap();
    assert!(sample.problem().starts_with(mask));
    let whole = LossMask::whole(LOW.0, LOW.1);
    fs::write(sample.path(mask), PngWriter::new().mask(&whole).unwrap()).unwrap();
    assert_eq!(sample.problem(), format!("{mask}: nothing is lost in it"));
    fs::remove_file(sample.path(mask)).unwrap();
    assert!(sample.problem().contains("0 of its frames have masks"));

    let sample = Sample::new(Layout::Clips);
    sample.edit(0, |manifest| manifest.clips[1].loss = None);
    let told = "a_0000_h264-300k: 1 of its frames have masks, and its record says 0";
    assert_eq!(sample.problem(), told);
}

#[test]
fn records_must_be_true() {
    for layout in [Layout::Png, Layout::Clips] {
        let sample = Sample::new(layout);
        sample.edit(0, |manifest| {
            manifest.clips[0].lr_sha256 = manifest.clips[1].lr_sha256.clone();
        });
        assert!(sample.problem().contains("not those of the manifest"));

        // What is true of the files that two clips share need not be true of both.
        let sample = Sample::new(layout);
        sample.edit(0, |manifest| manifest.clips[1].hr_sha256 = "00".into());
        let problem = sample.problem();
        assert!(problem.starts_with("hr/a_0000_h264-300k"), "{problem}");

        let sample = Sample::new(layout);
        sample.edit(1, |manifest| {
            manifest.clips[1].hr = Size {
                width: 82,
                height: 48,
            };
        });
        let report = sample.verify();
        assert_eq!(report.problems[0].what, "82x48 is not 2 times 40x24");
        assert!(
            report.problems[1]
                .what
                .contains("are 80x48, and its record says 82x48")
        );

        let sample = Sample::new(layout);
        sample.edit(1, |manifest| manifest.clips[1].frames = 2);
        let report = sample.verify();
        let told = |name: &str| report.problems.iter().any(|it| it.name.starts_with(name));
        // Its pictures of high resolution are another clip's too, of which the record is true.
        assert!(told("lr/a_0001_h264-300k"), "{layout}: {report:?}");
        if layout == Layout::Clips {
            assert!(told("hr/a_0001_h264-300k"), "{report:?}");
        }
    }
}

#[test]
fn shards_are_one_dataset() {
    let problem = |break_it: &dyn Fn(&Sample)| {
        let sample = Sample::new(Layout::Clips);
        break_it(&sample);
        let report = sample.verify();
        assert!(!report.is_sound());
        format!("{}: {}", report.problems[0].name, report.problems[0].what)
    };
    let gone = problem(&|sample| fs::remove_file(sample.manifest(1)).unwrap());
    assert_eq!(
        gone,
        "manifest-00001-of-00002.jsonl: it is missing: its shard was never finished"
    );
    let torn = problem(&|sample| fs::write(sample.manifest(1), "{").unwrap());
    assert!(
        torn.starts_with("manifest-00001-of-00002.jsonl: line 1"),
        "{torn}"
    );
    let recipe = problem(&|sample| sample.edit(1, |m| m.header.recipe = json!({ "scale": 2 })));
    assert!(
        recipe.contains("its recipe is not that of manifest-00000"),
        "{recipe}"
    );
    let renamed = problem(&|sample| {
        fs::copy(sample.manifest(0), sample.manifest(1))
            .map(drop)
            .unwrap();
    });
    assert!(
        renamed.contains("it says that it is shard 0/2"),
        "{renamed}"
    );
    let twice = problem(&|sample| {
        let clips = sample.read(0).clips;
        sample.edit(1, |manifest| manifest.clips.extend(clips));
    });
    assert!(twice.contains("both tell of it"), "{twice}");
    let short = problem(&|sample| sample.edit(1, |manifest| drop(manifest.clips.pop())));
    assert_eq!(short, "a.mp4: segment 1 has 1 of 2 clips");
    let skip = Skipped {
        source: "a.mp4".into(),
        reason: "it breaks off".into(),
    };
    let told = problem(&|sample| {
        sample.edit(1, |manifest| {
            manifest.clips.pop();
            manifest.skipped.push(skip.clone());
        });
    });
    assert!(
        told.contains("no manifest tells of it"),
        "only the stray files: {told}"
    );
}

#[test]
fn what_cannot_be_looked_at_is_an_error() {
    let sample = Sample::new(Layout::Clips);
    let newer = sample.manifest(0);
    let text = fs::read_to_string(&newer).unwrap();
    fs::write(&newer, text.replacen("\"version\":1", "\"version\":2", 1)).unwrap();
    let verify = |sample: &Sample| verify(&sample.store(), &VerifyOptions::default(), &|_, _| {});
    assert!(matches!(
        verify(&sample),
        Err(Error::Newer { found: 2, .. })
    ));
    let empty = Sample {
        folder: tempfile::tempdir().unwrap(),
        layout: Layout::Png,
    };
    let error = verify(&empty).unwrap_err();
    assert!(error.to_string().contains("it has no manifest"), "{error}");
}

#[test]
fn a_dataset_has_clips() {
    let sample = Sample {
        folder: tempfile::tempdir().unwrap(),
        layout: Layout::Png,
    };
    let mut manifest = sample.read(0);
    manifest.header.shard = (0, 1);
    manifest.skipped.push(Skipped {
        source: "a.mp4".into(),
        reason: "it is no video".into(),
    });
    sample.write(&manifest);
    assert!(sample.problem().ends_with(": no source gave any clip"));
    assert_eq!(sample.verify().skipped, 1);
}

#[test]
fn many_problems_are_counted_and_few_listed() {
    let sample = Sample::new(Layout::Png);
    for index in 0..300 {
        fs::write(sample.path(&format!("lr/stray-{index:05}.png")), b"x").unwrap();
    }
    let report = sample.verify();
    assert_eq!((report.problem_count, report.problems.len()), (300, 100));
}
