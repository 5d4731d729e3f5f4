//! Learning: what is fed to networks, and in time the networks.
#![forbid(unsafe_code)]
