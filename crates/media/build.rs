//! Tells the code which FFmpeg it is compiled against: libav moves fields between releases, and the
//! binding's build script knows which release it found.
#![allow(clippy::print_stdout)] // A build script speaks to cargo on stdout.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for version in ["6_0", "6_1", "7_0", "7_1", "8_0"] {
        println!("cargo::rustc-check-cfg=cfg(ffmpeg_{version})");
        if env::var_os(format!("DEP_FFMPEG_FFMPEG_{version}")).is_some() {
            println!("cargo::rustc-cfg=ffmpeg_{version}");
        }
    }
}
