//! The dataset that a command is told of.

use std::path::PathBuf;

use anyhow::Result;
use nervure_dataset::store::{Store, StoreOptions};

/// Opens a folder or `s3://BUCKET/PREFIX`, with the settings that the environment has for S3.
pub(super) fn open(place: &str, staging: Option<PathBuf>) -> Result<Store> {
    let settings = std::env::vars_os().filter_map(|(name, value)| {
        // A variable that is no text is not one of ours.
        let name = name.into_string().ok()?;
        let wanted = name.starts_with("AWS_");
        Some((name, value.into_string().ok()?)).filter(|_| wanted)
    });
    let options = StoreOptions {
        staging,
        settings: settings.collect(),
    };
    Ok(Store::open(place, &options)?)
}
