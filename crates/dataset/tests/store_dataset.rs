//! A dataset in S3-compatible storage is the one that a folder holds.
#![cfg(feature = "s3")]
#![allow(clippy::unwrap_used)]

mod store_common;

use std::sync::atomic::{AtomicUsize, Ordering};

use nervure_dataset::inspect::{Overview, damaged_frames, manifests, show};
use nervure_dataset::make::{Begun, Claim, Ended, Made, Maker};
use nervure_dataset::manifest::Layout;
use nervure_dataset::recipe::{Rate, Recipe};
use nervure_dataset::sources;
use nervure_dataset::store::{Store, StoreOptions};
use nervure_dataset::verify::{Report, VerifyOptions, verify};
use store_common::scratch;
use store_common::server::Server;

fn maker(store: &Store, layout: Layout, shard: (u32, u32)) -> Maker {
    let source = "lavfi:testsrc2=size=96x64:rate=10:duration=2";
    Maker {
        recipe: Recipe {
            layout,
            rates: vec![Rate::Crf(25.0), Rate::Crf(40.0)],
            loss: "0.1".parse().unwrap(),
            segment_seconds: 1.0,
            ..Recipe::default()
        },
        sources: sources::find(&[source.to_string()]).unwrap(),
        store: store.clone(),
        shard,
        jobs: 2,
        made_by: "test".into(),
        helper: None,
    }
}

fn make(store: &Store, layout: Layout, shard: (u32, u32)) -> Made {
    let claim = Claim::take(store, shard, Begun::Resume).unwrap();
    let maker = maker(store, layout, shard);
    maker.run(&claim, &|| false, &|_| {}).unwrap()
}

fn check(store: &Store) -> Report {
    let options = VerifyOptions {
        jobs: 2,
        ..VerifyOptions::default()
    };
    verify(store, &options, &|_, _| {}).unwrap()
}

/// Every file with its bytes.
fn contents(store: &Store) -> Vec<(String, Vec<u8>)> {
    let folders = ["", "lr", "hr", "mask"].into_iter();
    let names = folders.flat_map(|folder| store.list(folder).unwrap());
    names
        .map(|(name, _)| {
            let bytes = store.get_bytes(&name).unwrap().unwrap();
            (name, bytes)
        })
        .collect()
}

#[test]
fn a_bucket_holds_what_a_folder_holds() {
    for layout in [Layout::Png, Layout::Clips] {
        let (scratch, server) = (scratch(), Server::start());
        let local =
            Store::open(scratch.path().to_str().unwrap(), &StoreOptions::default()).unwrap();
        let remote = Store::open("s3://data/pairs", &server.options()).unwrap();
        for store in [&local, &remote] {
            make(store, layout, (0, 2));
            let half = check(store);
            assert!(half.problems[0].what.contains("never finished"), "{half:?}");
            make(store, layout, (1, 2));
            let report = check(store);
            assert_eq!(report.problems, [], "{layout} in {}", store.name());
            assert_eq!((report.clips, report.frames), (4, 40));
        }
        assert!(contents(&local) == contents(&remote), "{layout}");

        // What is made is looked at from afar too.
        let found = manifests(&remote).unwrap();
        let overview = Overview::of(&found).unwrap();
        assert_eq!((overview.clips, overview.shards), (4, (2, 2)));
        assert_eq!(overview.codecs.len(), 2);
        let clip = &found[0].clips[0];
        let masks = remote.list("mask").unwrap();
        let damaged = damaged_frames(&remote, layout, clip, &masks, scratch.path()).unwrap();
        assert_eq!(
            damaged.len() as u64,
            clip.loss.as_ref().unwrap().damaged_frames
        );
        for index in [0, clip.frames - 1] {
            let near = show(&local, layout, clip, index, scratch.path()).unwrap();
            let far = show(&remote, layout, clip, index, scratch.path()).unwrap();
            assert_eq!(near.low, far.low);
            assert_eq!(near.high, far.high);
            assert_eq!(near.damage.is_some(), damaged.contains(&index));
            assert_eq!(near.damage, far.damage);
        }

        // A changed object is found, and nothing that was fetched is left.
        let (name, mut bytes) = contents(&remote).pop().unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        remote.put_bytes(&name, &bytes).unwrap();
        let report = check(&remote);
        assert!(!report.is_sound(), "{layout}: {name}");
        let left = std::fs::read_dir(remote.staging());
        let fetched = left.into_iter().flatten().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("verify")
        });
        assert_eq!(fetched.count(), 0);
    }
}

/// Broken off and gone on with from another machine: the same bytes.
#[test]
fn another_machine_goes_on() {
    let server = Server::start();
    let whole = Store::open("s3://data/whole", &server.options()).unwrap();
    make(&whole, Layout::Png, (0, 1));

    let first = Store::open("s3://data/broken", &server.options()).unwrap();
    let looks = AtomicUsize::new(0);
    let stop = || looks.fetch_add(1, Ordering::Relaxed) > 30;
    let claim = Claim::take(&first, (0, 1), Begun::Resume).unwrap();
    let ended = maker(&first, Layout::Png, (0, 1)).run(&claim, &stop, &|_| {});
    assert!(matches!(ended, Err(Ended::Stopped)), "{ended:?}");
    let mut elsewhere = server.options();
    elsewhere.staging = Some(server.root().join("another-staging"));
    let second = Store::open("s3://data/broken", &elsewhere).unwrap();
    make(&second, Layout::Png, (0, 1));
    assert_eq!(check(&second).problems, []);
    assert!(contents(&whole) == contents(&second));
}
