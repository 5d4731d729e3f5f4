//! Every kind of store keeps the same promises.
#![allow(clippy::unwrap_used)]

mod store_common;

use std::fs;
use std::path::{Path, PathBuf};

use nervure_dataset::store::{Store, StoreOptions};
use store_common::scratch;

/// What every store must do.
fn conforms(store: &Store, scratch: &Path) {
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = scratch.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let names = |folder: &str| -> Vec<(String, u64)> { store.list(folder).unwrap() };

    // Nothing is there yet.
    assert_eq!(names(""), []);
    assert_eq!(names("lr/"), []);
    assert_eq!(store.get_bytes("manifest.jsonl").unwrap(), None);
    assert_eq!(store.size("lr/a.png").unwrap(), None);
    store.remove("lr/a.png").unwrap();
    assert!(store.fetch("lr/a.png", scratch).is_err());
    assert!(store.link("lr/a.png", "lr/b.png").is_err());
    assert!(!store.exists("lr/b.png").unwrap());

    // A file moves: it is here and then there.
    let local = file("a", b"picture");
    store.put_file("lr/a.png", &local).unwrap();
    assert!(!local.exists());
    assert_eq!(store.get_bytes("lr/a.png").unwrap().unwrap(), b"picture");
    assert_eq!(store.size("lr/a.png").unwrap(), Some(7));
    assert!(store.exists("lr/a.png").unwrap());

    // What is written again is replaced, by either way of writing.
    store.put_file("lr/a.png", &file("a", b"other")).unwrap();
    assert_eq!(store.get_bytes("lr/a.png").unwrap().unwrap(), b"other");
    store.put_bytes("lr/a.png", b"third one").unwrap();
    assert_eq!(store.get_bytes("lr/a.png").unwrap().unwrap(), b"third one");
    store.put_bytes("empty", b"").unwrap();
    assert_eq!(store.get_bytes("empty").unwrap().unwrap(), b"");
    assert_eq!(store.size("empty").unwrap(), Some(0));

    // A link has the bytes, also where something stood, and stays when the first goes.
    store.put_bytes("hr/b.png", b"old").unwrap();
    for _ in 0..2 {
        store.link("lr/a.png", "hr/b.png").unwrap();
        assert_eq!(store.get_bytes("hr/b.png").unwrap().unwrap(), b"third one");
    }
    store.link("hr/b.png", "hr/b.png").unwrap();
    store.remove("lr/a.png").unwrap();
    store.remove("lr/a.png").unwrap();
    assert!(!store.exists("lr/a.png").unwrap());
    assert_eq!(store.get_bytes("hr/b.png").unwrap().unwrap(), b"third one");
    // Replacing one name leaves the other alone.
    store.link("hr/b.png", "hr/c.png").unwrap();
    store.put_bytes("hr/c.png", b"new").unwrap();
    assert_eq!(store.get_bytes("hr/b.png").unwrap().unwrap(), b"third one");

    // Lists are of one folder, sorted, without what is hidden or below.
    for name in ["hr/é+_.png", "hr/a.png", "hr/.hidden", "hr/deep/x", "hrx/y"] {
        store.put_bytes(name, name.as_bytes()).unwrap();
    }
    let expected: Vec<(String, u64)> = [("a.png", 8), ("b.png", 9), ("c.png", 3), ("é+_.png", 11)]
        .map(|(name, length)| (format!("hr/{name}"), length))
        .into();
    assert_eq!(names("hr/"), expected);
    assert_eq!(names("hr"), expected);
    assert_eq!(names(""), [("empty".to_string(), 0)]);
    assert_eq!(names("hr/deep"), [("hr/deep/x".to_string(), 9)]);
    assert_eq!(
        store.get_bytes("hr/é+_.png").unwrap().unwrap(),
        "hr/é+_.png".as_bytes()
    );

    // Fetched files have the bytes of large ones too, whatever their length.
    for length in [(16 << 20) + 12_345, 16 << 20] {
        let large: Vec<u8> = (0..length as u32)
            .flat_map(|i| [(i.wrapping_mul(2_654_435_761) >> 24) as u8])
            .collect();
        store
            .put_file("hr/large.clip", &file("large", &large))
            .unwrap();
        assert_eq!(store.size("hr/large.clip").unwrap(), Some(length as u64));
        let path = store
            .fetch("hr/large.clip", &scratch.join("fetched"))
            .unwrap();
        assert!(fs::read(path).unwrap() == large);
    }
    store.sync().unwrap();

    // Threads share it.
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = store.clone();
            scope.spawn(move || {
                for index in 0..5 {
                    let name = format!("many/{thread}-{index}");
                    store.put_bytes(&name, name.as_bytes()).unwrap();
                    assert_eq!(store.get_bytes(&name).unwrap().unwrap(), name.as_bytes());
                }
            });
        }
    });
    assert_eq!(names("many").len(), 20);

    // Names that lead elsewhere are refused before anything happens.
    for name in ["../a", "/etc/passwd", "a//b", ""] {
        assert!(store.put_bytes(name, b"x").is_err(), "{name:?}");
        assert!(store.get_bytes(name).is_err(), "{name:?}");
    }
}

#[test]
fn a_folder_keeps_the_promises() {
    let scratch = scratch();
    let place = scratch.path().join("data");
    let store = Store::open(place.to_str().unwrap(), &StoreOptions::default()).unwrap();
    conforms(&store, scratch.path());
    let left = fs::read_dir(place.join("hr")).unwrap();
    let parts = left.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".part")
    });
    assert_eq!(parts.count(), 0);
    assert_eq!(store.folder(), Some(place.as_path()));
    assert!(!store.exists("hr").unwrap(), "a folder is no file");
}

/// A disk that takes no more is told from other failures, and nothing half-written is left on it.
/// What a full disk says is played by a limit on the size of files, in a process of its own.
#[cfg(unix)]
#[test]
fn a_full_disk_is_told() {
    const FOLDER: &str = "NERVURE_TEST_FULL_DISK";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let store = Store::open(folder.to_str().unwrap(), &StoreOptions::default()).unwrap();
        store.put_bytes("lr/small", b"fits").unwrap();
        let error = store.put_bytes("lr/large", &vec![7; 4 << 20]).unwrap_err();
        assert!(error.is_full_disk(), "{error}");
        assert!(error.hint().unwrap().contains("--resume"), "{error}");
        assert_eq!(store.list("lr").unwrap(), [("lr/small".to_string(), 4)]);
        assert_eq!(
            fs::read_dir(store.folder().unwrap().join("lr"))
                .unwrap()
                .count(),
            1
        );
        return;
    }
    let scratch = scratch();
    let status = std::process::Command::new("sh")
        // Without the signal, writing fails as it does on a full disk.
        .args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_full_disk_is_told"])
        .env(FOLDER, scratch.path().join("data"))
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.status.success() && out.contains("1 passed"), "{out}");
}

/// A second name costs nothing in a folder: it is the same file.
#[cfg(unix)]
#[test]
fn links_share_their_bytes() {
    use std::os::unix::fs::MetadataExt;
    let scratch = scratch();
    let store = Store::open(scratch.path().to_str().unwrap(), &StoreOptions::default()).unwrap();
    store.put_bytes("hr/a", b"bytes").unwrap();
    store.link("hr/a", "hr/b").unwrap();
    let meta = fs::metadata(scratch.path().join("hr/b")).unwrap();
    assert_eq!(meta.nlink(), 2);
}

#[cfg(feature = "s3")]
mod s3 {
    use super::*;
    use store_common::server::Server;

    #[test]
    fn a_bucket_keeps_the_promises() {
        let (scratch, server) = (scratch(), Server::start());
        let store = Store::open("s3://data/sets/one/", &server.options()).unwrap();
        assert_eq!(store.name(), "s3://data/sets/one");
        conforms(&store, scratch.path());
        // Under its prefix, and nowhere else.
        assert!(server.root().join("data/sets/one/hr/b.png").exists());
        let other = Store::open("s3://data/sets/two", &server.options()).unwrap();
        assert_eq!(other.list("hr").unwrap(), []);
        let above = Store::open("s3://data", &server.options()).unwrap();
        assert!(above.exists("sets/one/hr/b.png").unwrap());
        assert_eq!(above.list("sets/one").unwrap()[0].0, "sets/one/empty");
    }

    /// What users see when something is not as it should be: one line, and what to do.
    #[test]
    fn refusals_say_what_to_do() {
        let server = Server::start();
        let refused = |place: &str, options: &StoreOptions| {
            let error = Store::open(place, options).unwrap_err();
            let text = error.to_string();
            assert!(!text.contains('\n') && text.len() < 300, "{text}");
            assert!(!text.contains("secret"), "{text}");
            (text, error.hint().unwrap_or_default())
        };
        let (text, hint) = refused("s3://missing/set", &server.options());
        assert!(text.starts_with("cannot open s3://missing: "), "{text}");
        assert!(hint.contains("create the bucket"), "{text} {hint}");

        let mut wrong = server.options();
        for (name, value) in &mut wrong.settings {
            if name == "AWS_SECRET_ACCESS_KEY" {
                *value = "another secret".into();
            }
        }
        let (text, hint) = refused("s3://data/set", &wrong);
        assert!(hint.contains("AWS_SECRET_ACCESS_KEY"), "{text} {hint}");

        let mut no_http = server.options();
        no_http
            .settings
            .retain(|(name, _)| name != "AWS_ALLOW_HTTP");
        let (text, hint) = refused("s3://data/set", &no_http);
        assert!(hint.contains("AWS_ALLOW_HTTP"), "{text} {hint}");

        let gone = server.options();
        drop(server);
        let (text, hint) = refused("s3://data/set", &gone);
        assert!(hint.contains("AWS_ENDPOINT_URL"), "{text} {hint}");
        assert!(text.to_lowercase().contains("refused"), "{text}");
    }

    /// A server that stumbles once is asked again.
    #[test]
    fn a_busy_server_is_asked_again() {
        let server = Server::start();
        let store = Store::open("s3://data/set", &server.options()).unwrap();
        server.refuse(2);
        store.put_bytes("a", b"bytes").unwrap();
        assert_eq!(server.refusals_left(), 0);
        assert_eq!(store.get_bytes("a").unwrap().unwrap(), b"bytes");
    }

    /// A crash and a new start find the same work, and two datasets never share it.
    #[test]
    fn unfinished_work_is_found_again() {
        let server = Server::start();
        let mut options = server.options();
        let staging = |place: &str, options: &StoreOptions| {
            let store = Store::open(place, options).unwrap();
            store.staging().to_path_buf()
        };
        options.staging = None;
        let first = staging("s3://data/set", &options);
        assert_eq!(first, staging("s3://data/set/", &options));
        assert_ne!(first, staging("s3://data/set2", &options));
        assert!(first.starts_with(std::env::temp_dir()));
        options.staging = Some("elsewhere".into());
        assert_eq!(staging("s3://data/set", &options), Path::new("elsewhere"));
    }
}
