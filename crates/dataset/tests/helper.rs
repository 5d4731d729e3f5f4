//! Processes that code a variant each: what becomes of a dataset when one fails.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // Tests, helpers included.

use nervure_dataset::make::{Begun, Claim, Ended, Made, Maker};
use nervure_dataset::manifest::Layout;
use nervure_dataset::recipe::{Rate, Recipe};
use nervure_dataset::sources;
use nervure_dataset::store::{Store, StoreOptions};
use nervure_media::Codec;

/// A small dataset whose helpers are this shell script.
fn make(script: &str) -> Result<Made, Ended> {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions::default();
    let store = Store::open(folder.path().to_str().unwrap(), &options).unwrap();
    let maker = Maker {
        recipe: Recipe {
            layout: Layout::Clips,
            codecs: vec![Codec::H264, Codec::Av1],
            rates: vec![Rate::Crf(40.0)],
            ..Recipe::default()
        },
        sources: sources::find(&["lavfi:testsrc2=size=128x128:rate=10:duration=1".into()]).unwrap(),
        store: store.clone(),
        shard: (0, 1),
        jobs: 2,
        made_by: "test".into(),
        helper: Some(["sh", "-c", script].map(Into::into).to_vec()),
    };
    let claim = Claim::take(&store, (0, 1), Begun::Refuse).unwrap();
    maker.run(&claim, &|| false, &|_| {})
}

#[test]
fn a_helper_that_crashes_costs_its_variant() {
    for signal in ["SEGV", "ABRT"] {
        let made = make(&format!("kill -{signal} $$")).unwrap();
        let codecs: Vec<_> = made.manifest.clips.iter().map(|clip| &clip.codec).collect();
        assert_eq!(codecs, ["h264"]);
        let reason = &made.manifest.skipped[0].reason;
        assert!(reason.contains("av1-crf40 from 0.0 s"), "{reason}");
        assert!(reason.contains("ended early"), "{reason}");
    }
}

#[test]
fn what_a_helper_says_of_its_variant_is_the_reason() {
    let failed = r#"{"Failed":{"of_variant":true,"message":"no such luck","hint":null}}"#;
    let made = make(&format!("echo '\"Frame\"'; echo '{failed}'")).unwrap();
    assert_eq!(made.manifest.clips.len(), 1);
    let reason = &made.manifest.skipped[0].reason;
    assert!(reason.ends_with("no such luck"), "{reason}");
}

#[test]
fn a_helper_that_is_no_use_ends_the_run() {
    let full = r#"{"Failed":{"of_variant":false,"message":"the disk is full","hint":"free some"}}"#;
    for (script, words) in [
        ("exit 3", "exit status: 3"),
        // Somebody wanted it gone, or memory was short: its clip is not to be missing for good.
        ("kill -KILL $$", "signal: 9"),
        ("echo nonsense", "work with an encoder's process"),
        (&format!("echo '{full}'"), "the disk is full"),
    ] {
        let error = make(script).unwrap_err();
        assert!(error.to_string().contains(words), "{script}: {error}");
    }
}
