//! Datasets in S3-compatible storage.
//!
//! The rest of nervure has threads, not tasks: a runtime of one thread is hidden in here, and every
//! call waits for its answer.

use std::error::Error as StdError;
use std::fs::{self, File};
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig, WriteMultipart,
};
use tokio::runtime::{Builder, Runtime};

use super::Place;
use crate::{Error, Result};

/// Sent and received at once: larger files are sent in parts of this size.
const PART: usize = 8 << 20;
/// Storage refuses files of more parts than 10000.
const MOST_PARTS: u64 = 9_000;
/// Parts on their way at once.
const PARTS_AT_ONCE: usize = 2;

const ENDPOINT_HINT: &str = "AWS_ENDPOINT_URL says where it is; AWS_ALLOW_HTTP=true allows http";
const KEY_HINT: &str = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION say who asks";

/// A prefix in a bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    bucket: String,
    prefix: String,
    client: AmazonS3,
    runtime: Runtime,
}

impl Bucket {
    /// Reaches a bucket and makes sure that it is there and may be read.
    pub(super) fn open(bucket: &str, prefix: &str, settings: &[(String, String)]) -> Result<Self> {
        // Without this there is no cipher: `rustls` is built with none of its own choice. That
        // someone else has chosen is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let opening = format!("open s3://{bucket}");
        let mut builder = AmazonS3Builder::new()
            .with_retry(retries(settings))
            .with_client_options(
                ClientOptions::new()
                    .with_connect_timeout(Duration::from_secs(5))
                    .with_read_timeout(Duration::from_secs(60))
                    .with_timeout(Duration::from_secs(300)),
            );
        for (name, value) in settings {
            // Names that are not ours to know are passed over, as in an environment.
            let key = name.starts_with("AWS_").then(|| name.to_ascii_lowercase());
            if let Some(Ok(key)) = key.map(|key| key.parse::<AmazonS3ConfigKey>()) {
                builder = builder.with_config(key, value);
            }
        }
        let client = builder
            .with_bucket_name(bucket)
            .build()
            .map_err(|error| failure(&opening, &error))?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::io(&opening))?;
        let bucket = Bucket {
            bucket: bucket.into(),
            prefix: prefix.into(),
            client,
            runtime,
        };
        // A job should not run for an hour before it learns that it cannot keep anything. One page
        // of a list is enough to know.
        let top = bucket.key("", &opening)?;
        let prefix = (!top.as_ref().is_empty()).then_some(&top);
        let mut listed = bucket.client.list(prefix);
        let first = poll_fn(|context| listed.as_mut().poll_next(context));
        match bucket.runtime.block_on(first) {
            Some(Err(error)) => Err(failure(&opening, &error)),
            _ => {
                drop(listed);
                Ok(bucket)
            }
        }
    }

    fn key(&self, name: &str, action: &str) -> Result<Key> {
        let full = match (self.prefix.as_str(), name) {
            ("", _) => name.to_string(),
            (prefix, "") => prefix.to_string(),
            (prefix, _) => format!("{prefix}/{name}"),
        };
        Key::parse(full).map_err(|error| failure(action, &error))
    }

    /// What is done to a file, for messages.
    fn doing(&self, verb: &str, name: &str) -> String {
        match self.prefix.as_str() {
            "" => format!("{verb} s3://{}/{name}", self.bucket),
            prefix => format!("{verb} s3://{}/{prefix}/{name}", self.bucket),
        }
    }

    async fn upload(&self, key: &Key, file: &Path) -> Result<(), Upload> {
        let mut file = File::open(file)?;
        let length = file.metadata()?.len();
        if length <= PART as u64 {
            let mut bytes = Vec::with_capacity(length as usize);
            file.read_to_end(&mut bytes)?;
            self.client.put(key, bytes.into()).await?;
            return Ok(());
        }
        let part = (PART as u64).max(length.div_ceil(MOST_PARTS)) as usize;
        let mut parts =
            WriteMultipart::new_with_chunk_size(self.client.put_multipart(key).await?, part);
        match send(&mut parts, &mut file, part).await {
            Ok(()) => Ok(parts.finish().await.map(drop)?),
            Err(error) => {
                // Parts of an upload that is not finished cost their owner money. That clearing up
                // fails too is no news.
                let _ = parts.abort().await;
                Err(error)
            }
        }
    }

    async fn download(&self, key: &Key, path: &Path) -> Result<(), Upload> {
        let mut file = File::create(path)?;
        let length = self.client.head(key).await?.size;
        let mut at = 0;
        while at < length {
            let end = length.min(at + PART as u64);
            let bytes = self.client.get_range(key, at..end).await?;
            if bytes.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            file.write_all(&bytes)?;
            at += bytes.len() as u64;
        }
        Ok(())
    }
}

/// Sends a file part by part, a few of them at once.
async fn send(parts: &mut WriteMultipart, file: &mut File, size: usize) -> Result<(), Upload> {
    loop {
        let mut bytes = Vec::with_capacity(size);
        file.take(size as u64).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(());
        }
        parts.wait_for_capacity(PARTS_AT_ONCE).await?;
        parts.put(bytes.into());
    }
}

/// Either end of a transfer can fail.
#[derive(Debug, thiserror::Error)]
enum Upload {
    #[error(transparent)]
    Local(#[from] io::Error),
    #[error(transparent)]
    Remote(#[from] object_store::Error),
}

impl Upload {
    fn told(self, action: String) -> Error {
        match self {
            Upload::Local(error) => Error::io(action)(error),
            Upload::Remote(error) => failure(&action, &error),
        }
    }
}

impl Place for Bucket {
    fn put_file(&self, name: &str, file: &Path) -> Result<()> {
        let action = self.doing("write", name);
        let key = self.key(name, &action)?;
        self.runtime
            .block_on(self.upload(&key, file))
            .map_err(|error| error.told(action))?;
        fs::remove_file(file).map_err(Error::io(format!("remove {}", file.display())))
    }

    fn put_bytes(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let action = self.doing("write", name);
        let key = self.key(name, &action)?;
        let put = self.client.put(&key, bytes.to_vec().into());
        let put = self.runtime.block_on(put);
        put.map(drop).map_err(|error| failure(&action, &error))
    }

    fn link(&self, existing: &str, name: &str) -> Result<()> {
        if existing == name {
            return Ok(());
        }
        let action = self.doing("write", name);
        let (from, to) = (self.key(existing, &action)?, self.key(name, &action)?);
        self.runtime
            .block_on(self.client.copy(&from, &to))
            .map_err(|error| failure(&action, &error))
    }

    fn get_bytes(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let action = self.doing("read", name);
        let key = self.key(name, &action)?;
        let get = async { self.client.get(&key).await?.bytes().await };
        match self.runtime.block_on(get) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failure(&action, &error)),
        }
    }

    fn size(&self, name: &str) -> Result<Option<u64>> {
        let action = self.doing("read", name);
        let key = self.key(name, &action)?;
        match self.runtime.block_on(self.client.head(&key)) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failure(&action, &error)),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<(String, u64)>> {
        let action = self.doing("list", folder);
        let top = self.key("", &action)?;
        let key = self.key(folder, &action)?;
        let prefix = (!key.as_ref().is_empty()).then_some(&key);
        let listed = self
            .runtime
            .block_on(self.client.list_with_delimiter(prefix))
            .map_err(|error| failure(&action, &error))?;
        let skip = match top.as_ref().len() {
            0 => 0,
            length => length + 1,
        };
        let files = listed.objects.into_iter();
        Ok(files
            .filter_map(|meta| Some((meta.location.as_ref().get(skip..)?.to_string(), meta.size)))
            .collect())
    }

    fn remove(&self, name: &str) -> Result<()> {
        let action = self.doing("remove", name);
        let key = self.key(name, &action)?;
        match self.runtime.block_on(self.client.delete(&key)) {
            Err(error) if !is_absent(&error) => Err(failure(&action, &error)),
            _ => Ok(()),
        }
    }

    fn fetch(&self, name: &str, scratch: &Path) -> Result<PathBuf> {
        let action = self.doing("read", name);
        let key = self.key(name, &action)?;
        fs::create_dir_all(scratch).map_err(Error::io(format!("create {}", scratch.display())))?;
        // Unique, for a name holds no such sign: several threads fetch into one folder.
        let path = scratch.join(name.replace('/', "%"));
        let fetched = self.runtime.block_on(self.download(&key, &path));
        fetched.map_err(|error| {
            // Half a file under the name of a whole one would mislead.
            let _ = fs::remove_file(&path);
            error.told(action)
        })?;
        Ok(path)
    }

    fn sync(&self) -> Result<()> {
        // Storage answers when it has what was sent.
        Ok(())
    }

    fn folder(&self) -> Option<&Path> {
        None
    }
}

/// How patient to be. `AWS_MAX_ATTEMPTS` is the name that other tools know.
fn retries(settings: &[(String, String)]) -> RetryConfig {
    let attempts = settings
        .iter()
        .find(|(name, _)| name == "AWS_MAX_ATTEMPTS")
        .and_then(|(_, value)| value.parse::<usize>().ok());
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            base: 2.0,
        },
        max_retries: attempts.map_or(6, |attempts| attempts.saturating_sub(1)),
        retry_timeout: Duration::from_secs(60),
    }
}

/// The file is not there. That its bucket is not is another matter.
fn is_absent(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. })
        && !error.to_string().contains("NoSuchBucket")
}

/// An error in one line, with what can be done about it.
fn failure(action: &str, error: &(dyn StdError + 'static)) -> Error {
    let causes = || {
        std::iter::successors(Some(error), |cause: &&(dyn StdError + 'static)| {
            (*cause).source()
        })
    };
    // Some tell their cause in their own words, and some do not.
    let texts: Vec<String> = causes().map(ToString::to_string).collect();
    let text = texts.join(" ");
    let coded = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once('<')?.0.to_string())
    };
    let reason = match (coded("Code"), coded("Message")) {
        (Some(code), Some(message)) => format!("{message} ({code})"),
        (Some(code), None) => code,
        _ => texts.last().cloned().unwrap_or_default(),
    };
    let connection = causes()
        .filter_map(|cause| cause.downcast_ref::<HttpError>())
        .any(|error| {
            matches!(
                error.kind(),
                HttpErrorKind::Connect | HttpErrorKind::Timeout
            )
        });
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let hint = if has(&["NoSuchBucket"]) {
        Some("create the bucket first, or see whether AWS_ENDPOINT_URL names the right storage")
    } else if has(&[
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "NotSignedUp",
        "credential",
        "169.254.",
        "AccessKey",
        "lacked",
    ]) {
        Some(KEY_HINT)
    } else if connection || has(&["scheme is not allowed", "dns error", "BadScheme"]) {
        Some(ENDPOINT_HINT)
    } else {
        None
    };
    Error::Remote {
        action: action.into(),
        reason: reason.split_whitespace().collect::<Vec<_>>().join(" "),
        hint: hint.map(Into::into),
    }
}
