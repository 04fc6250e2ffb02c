//! The webhook receiver: a small HTTP server that stores events before it answers.
//!
//! - Nothing unsigned gets in: a request without a good signature is answered 401, counted, and
//!   forgotten. The signature is checked over the bytes as they came.
//! - Nothing lost: the 200 leaves when the event, and what it changes, is on disk. Where that fails
//!   the answer is 503, and the API sends the event again.
//! - A hostile client cannot exhaust it: bounded bodies, headers, connections and times. What waits for the disk is
//!   bounded by the connections, each of which has one request at a time.
//!
//! It runs beside a sending process, on the same checkpoint.

mod answer;
mod count;
mod listen;
mod metrics;
mod settings;
mod tls;
mod waiting;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::store::Store;

use answer::Handler;
use count::Counters;

pub(crate) use listen::run as accept;
pub(crate) use settings::ServeError;
pub use settings::{Limits, Settings};
pub(crate) use tls::{Acceptor, acceptor};

/// A receiver that listens.
pub struct Server {
    handler: Arc<Handler>,
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
            Some((certificate, key)) => Some(acceptor(certificate, key)?),
            None => None,
        };
        let fail = |source| ServeError::Listen {
            address: settings.listen,
            source,
        };
        let listener = TcpListener::bind(settings.listen).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let handler = Handler {
            store,
            clock,
            secrets: settings.secrets,
            words: settings.words,
            names: settings.metrics_names,
            limits: settings.limits,
            counters: Counters::default(),
            refusing: AtomicBool::new(false),
        };
        Ok(Self {
            handler: Arc::new(handler),
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
        let waiting = tokio::spawn(waiting::run(Arc::clone(&self.handler), stopped.clone()));
        let (router, handler) = (answer::router(Arc::clone(&self.handler)), self.handler);
        let open = move || handler.counters.connection();
        let accept = listen::run(self.listener, self.tls, self.limits, router, open, stopped);
        let accept = tokio::spawn(accept);
        stop.await;
        let _ = stopping.send(true);
        // Their own limits end them.
        let _ = accept.await;
        let _ = waiting.await;
    }
}
