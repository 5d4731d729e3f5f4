//! The header that is in the repository is the one that the code makes. `cargo xtask header` writes it.
#![allow(clippy::unwrap_used)]

use std::path::Path;

#[test]
fn the_header_is_what_the_code_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    let made = cbindgen::Builder::new()
        .with_config(config)
        .with_src(folder.join("src/border.rs"))
        .with_src(folder.join("src/failure.rs"))
        .with_src(folder.join("src/context.rs"))
        .generate()
        .unwrap();
    let mut text = Vec::new();
    made.write(&mut text);
    let made = String::from_utf8(text).unwrap();
    let path = folder.join("include/nervure.h");
    if std::env::var_os("NERVURE_WRITE_HEADER").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = there.lines().zip(made.lines()).find(|(a, b)| a != b);
    assert!(
        there == made,
        "include/nervure.h is not what the code says ({differing:?}): run cargo xtask header"
    );
}
