//! The accept loop and its connections.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::settings::Limits;

/// The longest head of a request, in bytes.
const HEAD: usize = 16 * 1024;
/// After a failure to accept (no file descriptors, usually).
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

type Service = TowerToHyperService<axum::Router>;

/// Accepts connections until asked to stop, then waits for those that are open. What `open` returns lives as long as
/// its connection.
pub(crate) async fn run<G: Send + 'static>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    router: axum::Router,
    open: impl Fn() -> G,
    mut stopped: watch::Receiver<bool>,
) {
    let service = TowerToHyperService::new(router);
    let slots = Arc::new(Semaphore::new(limits.connections as usize));
    loop {
        // First a free slot, then a connection: a connection too many waits in the kernel's queue.
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
            Some((slot, listener.accept().await))
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let Some((slot, accepted)) = accepted else {
            break;
        };
        match accepted {
            Ok((stream, _)) => {
                let (tls, service, stopped) = (tls.clone(), service.clone(), stopped.clone());
                let open = open();
                tokio::spawn(async move {
                    let _open = open;
                    connection(stream, tls, service, limits, stopped).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!("a connection cannot be accepted: {error}");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    drop(listener);
    // All slots are free when the last connection has ended.
    let _ = timeout(limits.grace, slots.acquire_many(limits.connections)).await;
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    service: Service,
    limits: Limits,
    stopped: watch::Receiver<bool>,
) {
    // Answers are small: waiting to fill a packet would only add latency.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match tls {
        None => serve(stream, service, limits, stopped).await,
        Some(tls) => match timeout(limits.handshake_time, tls.accept(stream)).await {
            Ok(Ok(stream)) => serve(stream, service, limits, stopped).await,
            Ok(Err(error)) => tracing::debug!("a TLS handshake failed: {error}"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    service: Service,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    // What `wait_for` returns is a lock, which must not be held while the request ends.
    let stop = async move { stopped.wait_for(|stopped| *stopped).await.is_ok() };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop => {
            // The request that is under way gets its answer.
            connection.as_mut().graceful_shutdown();
            match timeout(limits.grace, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}
