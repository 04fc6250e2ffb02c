//! The webhook receiver: a small HTTP server that stores events before it answers.
//!
//! - Nothing unsigned gets in: a request without a good signature is answered 401, counted, and
//!   forgotten. The signature is checked over the bytes as they came.
//! - Nothing lost: the 200 leaves when the event, and what it changes, is on disk. Where that fails
//!   the answer is 503, and the API sends the event again.
//! - Nobody can hurt it: bounded bodies, headers, connections and times. What waits for the disk is
//!   bounded by the connections, each of which has one request at a time.
//!
//! It runs beside a sending process, on the same checkpoint.

mod answer;
mod count;
mod listen;
mod metrics;
mod tls;
mod waiting;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::amio::webhook::WebhookSecrets;
use crate::clock::Clock;
use crate::domain::event::OptOutWords;
use crate::store::Store;

use answer::Desk;
use count::Counters;

/// How the receiver works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate chain and private key, as PEM files.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Who may send events; `None` takes them unsigned, which must be on this machine only.
    pub secrets: Option<WebhookSecrets>,
    /// What opts a person out.
    pub words: OptOutWords,
    /// What one client may take up.
    pub limits: Limits,
}

/// What one client may take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body: usize,
    /// The longest time for the head of a request, and between two of one connection.
    pub head_time: Duration,
    /// The longest time for a body.
    pub body_time: Duration,
    /// The longest time for a TLS handshake.
    pub handshake_time: Duration,
    /// Connections at a time; more wait to be accepted.
    pub connections: u32,
    /// How long requests may take to finish after the signal to stop.
    pub grace: Duration,
}

impl Default for Limits {
    /// An event is a few kilobytes; the largest hold a message with its content.
    fn default() -> Self {
        Self {
            body: 256 * 1024,
            head_time: Duration::from_secs(5),
            body_time: Duration::from_secs(10),
            handshake_time: Duration::from_secs(5),
            connections: 512,
            grace: Duration::from_secs(10),
        }
    }
}

/// Why the receiver cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; name another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A PEM file cannot be used.
    #[error("{}: {detail}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Certificate and key do not go together, or are of a kind that is not supported.
    #[error("the certificate cannot be used with this key: {0}")]
    Certificate(String),
}

/// A receiver that listens.
pub struct Server {
    desk: Arc<Desk>,
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    limits: Limits,
    address: SocketAddr,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Opens the port.
    ///
    /// # Errors
    /// [`ServeError`] if the address is taken or the certificate cannot be used.
    pub async fn bind(
        settings: Settings,
        store: Arc<Store>,
        clock: Clock,
    ) -> Result<Self, ServeError> {
        let tls = match &settings.tls {
            Some((certificate, key)) => Some(tls::acceptor(certificate, key)?),
            None => None,
        };
        let fail = |source| ServeError::Listen {
            address: settings.listen,
            source,
        };
        let listener = TcpListener::bind(settings.listen).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let desk = Desk {
            store,
            clock,
            secrets: settings.secrets,
            words: settings.words,
            limits: settings.limits,
            counters: Counters::default(),
            refusing: AtomicBool::new(false),
        };
        Ok(Self {
            desk: Arc::new(desk),
            listener,
            tls,
            limits: settings.limits,
            address,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https` with a certificate, else `http`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Serves until `stop` ends; then finishes the requests that are under way.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        let waiting = tokio::spawn(waiting::run(Arc::clone(&self.desk), stopped.clone()));
        let accept = tokio::spawn(listen::run(self, stopped));
        stop.await;
        let _ = stopping.send(true);
        // Their own limits end them.
        let _ = accept.await;
        let _ = waiting.await;
    }
}
