//! How the shared library is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        // Programs then look for it by name, wherever it lay when they were linked.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libnervure.so");
        // Its threads may still be at their last steps when a plugin is unloaded, and must not lose
        // their code.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
