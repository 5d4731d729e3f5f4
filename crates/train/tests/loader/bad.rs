//! What is wrong is told, with the name of the file.

use std::fs;

use super::datasets::{Spec, make};
use super::{dataset, small};
use nervure_dataset::manifest::Layout;
use nervure_train::loader::PlaneSet;
use nervure_train::{Batch, Error, Loader, LoaderConfig};

#[test]
fn a_damaged_clip_is_named_and_the_others_go_on() {
    let specs = [Spec::new("a", 40, 30, 5), Spec::new("b", 40, 30, 5)];
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let path = folder.join("lr/b.clip");
    let mut bytes = fs::read(&path).unwrap();
    bytes[30] ^= 1;
    fs::write(&path, bytes).unwrap();
    for workers in [0, 2] {
        let config = LoaderConfig {
            workers,
            batch: 1,
            ..small()
        };
        let mut loader = Loader::open(&[&folder], &config).unwrap();
        let mut batch = Batch::default();
        let (mut good, mut bad) = (0, 0);
        for _ in 0..40 {
            match loader.next(&mut batch) {
                Ok(()) => {
                    assert_eq!(batch.picks[0].clip, 0);
                    good += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains("b.clip is damaged"), "{error}");
                    bad += 1;
                }
            }
        }
        assert!(good > 5 && bad > 5, "{good} {bad}");
    }
}

#[test]
fn a_dataset_that_changed_under_us_is_told() {
    let specs = [Spec::new("a", 40, 30, 5)];
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let mut loader = Loader::open(&[&folder], &small()).unwrap();
    let (_other, longer) = dataset(Layout::Clips, &[Spec::new("a", 40, 30, 6)]);
    fs::copy(longer.join("hr/a.clip"), folder.join("hr/a.clip")).unwrap();
    let mut batch = Batch::default();
    let error = loader.next(&mut batch).unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.ends_with("a.clip has 6 frames of 80x60, and the manifest says 5 frames of 80x60"),
        "{text}"
    );
    // Shortened while it is open.
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let mut loader = Loader::open(&[&folder], &small()).unwrap();
    loader.next(&mut batch).unwrap();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(folder.join("hr/a.clip"))
        .unwrap();
    file.set_len(5000).unwrap();
    let error = loader.next(&mut batch).unwrap_err().to_string();
    assert!(error.contains("hr/a.clip"), "{error}");
    fs::remove_file(folder.join("lr/a.clip")).unwrap();
    let mut loader = Loader::open(&[folder], &small()).unwrap();
    let error = loader.next(&mut batch).unwrap_err().to_string();
    assert!(error.contains("a.clip"), "{error}");
}

#[test]
fn what_cannot_be_is_refused_with_a_hint() {
    let mut specs = [Spec::new("a", 40, 30, 5), Spec::new("b", 40, 30, 5)];
    specs[1].scale = 3;
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let (_other, one) = dataset(Layout::Clips, &specs[..1]);
    let refused = |folder: &std::path::Path, config: LoaderConfig| {
        let error = Loader::open(&[folder], &config).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error.to_string()
    };
    let text = refused(&folder, small());
    assert!(
        text.starts_with("b is 3 times larger in high resolution, and a 2 times"),
        "{text}"
    );
    let patch = LoaderConfig {
        patch: 31,
        ..small()
    };
    let text = refused(&one, patch);
    assert_eq!(
        text,
        "a patch of 31x31 does not fit into a, which has 40x30"
    );
    let frames = LoaderConfig {
        frames: 6,
        ..small()
    };
    let text = refused(&one, frames);
    assert!(text.contains("(1 are too short)"), "{text}");
    for config in [
        LoaderConfig {
            batch: 0,
            ..small()
        },
        LoaderConfig {
            skip_flat: 1.5,
            ..small()
        },
        LoaderConfig {
            skip_whole: -0.5,
            ..small()
        },
        LoaderConfig {
            guessed: true,
            planes: PlaneSet::Yuv,
            ..small()
        },
        LoaderConfig {
            weights: [("sports".to_string(), f64::NAN)].into(),
            ..small()
        },
        LoaderConfig {
            weights: [("sports".to_string(), 0.0)].into(),
            ..small()
        },
    ] {
        refused(&one, config);
    }
    let empty = tempfile::tempdir().unwrap();
    refused(empty.path(), small());
}

#[test]
fn a_scale_that_is_no_whole_factor_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("pairs");
    make(&folder, Layout::Clips, &[Spec::new("a", 40, 30, 5)]);
    let path = folder.join("manifest.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"width\":80", "\"width\":81")).unwrap();
    let error = Loader::open(&[folder], &small()).unwrap_err().to_string();
    assert!(error.contains("40x30 to 81x60"), "{error}");
}
