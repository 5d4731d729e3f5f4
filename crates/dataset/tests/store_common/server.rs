//! S3-compatible storage in this process, on loopback: files in a folder behind the real protocol,
//! signatures checked.

#![allow(dead_code)] // Each test binary uses a part of it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use nervure_dataset::store::StoreOptions;
use s3s::S3Result;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

const KEY: &str = "a-key";
const SECRET: &str = "a-secret";

/// A server with one bucket, `data`. It ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    folder: tempfile::TempDir,
    refusals: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Refuses some requests, as storage under load does.
struct Gate(Arc<AtomicUsize>);

impl S3Access for Gate {
    fn check<'a, 'b, 'c, 'd>(
        &'a self,
        context: &'b mut S3AccessContext<'c>,
    ) -> Pin<Box<dyn Future<Output = S3Result<()>> + Send + 'd>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
        Self: 'd,
    {
        let anonymous = context.credentials().is_none();
        let take = |left: usize| left.checked_sub(1);
        let (set, get) = (Ordering::SeqCst, Ordering::SeqCst);
        let busy = self.0.fetch_update(set, get, take).is_ok();
        Box::pin(async move {
            if anonymous {
                return Err(s3s::s3_error!(AccessDenied, "who are you?"));
            }
            if busy {
                return Err(s3s::s3_error!(SlowDown, "not so fast"));
            }
            Ok(())
        })
    }
}

impl Server {
    pub(crate) fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let refusals = Arc::new(AtomicUsize::new(0));
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        builder.set_access(Gate(Arc::clone(&refusals)));
        let service = builder.build();

        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime
            .block_on(TcpListener::bind(("127.0.0.1", 0)))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else {
                    continue;
                };
                let service = service.clone();
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new()).http1_only();
                    // A client that hangs up is no failure of ours.
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        };
        let thread = std::thread::spawn(move || {
            runtime.spawn(serve);
            let _ = runtime.block_on(stopped);
        });
        Server {
            address,
            folder,
            refusals,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// How a client reaches it.
    pub(crate) fn options(&self) -> StoreOptions {
        let settings = [
            ("AWS_ACCESS_KEY_ID", KEY.to_string()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_string()),
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_ALLOW_HTTP", "true".to_string()),
            ("AWS_REGION", "us-east-1".to_string()),
            // Enough for what the tests break, and quick where nobody answers.
            ("AWS_MAX_ATTEMPTS", "4".to_string()),
            ("PATH", "not ours".to_string()),
        ];
        StoreOptions {
            staging: Some(self.folder.path().join("staging")),
            settings: settings.map(|(name, value)| (name.into(), value)).into(),
        }
    }

    /// Where the buckets are.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Refuses the next requests.
    pub(crate) fn refuse(&self, requests: usize) {
        self.refusals.store(requests, Ordering::SeqCst);
    }

    /// How many requests are still to be refused.
    pub(crate) fn refusals_left(&self) -> usize {
        self.refusals.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
