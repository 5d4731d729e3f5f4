//! Pairs of damaged and whole video to train on: made, kept and read.
#![forbid(unsafe_code)]
