//! The accept loop: it counts connections, limits them, and can stop listening for a while.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::timeout;

use super::app::{App, Phase};
use super::call::Caller;
use super::settings::{ConnectionLimit, Excess};
use super::wire::{Link, Wire};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// A client that replaces a connection may open the new one before the old one is seen to close: so
/// long a connection above the limit waits for a place before it is refused.
const REPLACING: Duration = Duration::from_millis(20);
/// Likewise, a new peak of connections counts only if it lasts so long.
const SETTLING: Duration = Duration::from_millis(2);

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Opens the listening port.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    socket(address)?.listen(BACKLOG)
}

/// Serves until the phase is [`Phase::Stopped`].
pub(super) async fn serve(app: Arc<App>, mut listener: TcpListener, address: SocketAddr) {
    let slots = Arc::new(Semaphore::new(
        app.settings
            .connections
            .map_or(0, |limit| limit.limit.get() as usize),
    ));
    let mut phases = app.phase.subscribe();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let caller = Caller { app: Arc::clone(&app), link: Arc::new(Link::new()) };
                    tokio::spawn(connection(caller, stream, Arc::clone(&slots), app.phase.subscribe()));
                }
                // Out of file descriptors, or the peer was faster: neither ends the server.
                Err(_) => tokio::time::sleep(SETTLING).await,
            },
            _ = phases.changed() => {
                let phase = *phases.borrow_and_update();
                match phase {
                    Phase::Stopped => return,
                    Phase::Open => {}
                    Phase::Outage(period) => match outage(&app, listener, address, period, &mut phases).await {
                        Some(reopened) => listener = reopened,
                        None => return,
                    },
                }
            }
        }
    }
}

/// Closes the listener for a while; `None` if the sandbox stops meanwhile.
async fn outage(
    app: &App,
    listener: TcpListener,
    address: SocketAddr,
    period: Duration,
    phases: &mut watch::Receiver<Phase>,
) -> Option<TcpListener> {
    drop(listener);
    app.account().stats.outages += 1;
    // A bound socket that does not listen refuses connections and keeps the port ours.
    let reserved = socket(address);
    let stopped = async {
        phases
            .wait_for(|phase| *phase == Phase::Stopped)
            .await
            .map(|_| ())
    };
    tokio::select! {
        () = tokio::time::sleep(period) => {}
        _ = stopped => return None,
    }
    app.phase.send_if_modified(|phase| {
        let is_over = *phase != Phase::Stopped;
        if is_over {
            *phase = Phase::Open;
        }
        is_over
    });
    match reserved {
        Ok(socket) => socket.listen(BACKLOG).ok(),
        Err(_) => listen(address).ok(),
    }
}

/// Counts a connection as open until it is dropped.
struct Open(Arc<App>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.account().stats.connections -= 1;
    }
}

/// Counts a connection that opens.
async fn open(app: &Arc<App>) -> Open {
    let opened = {
        let stats = &mut app.account().stats;
        stats.connections += 1;
        stats.connections
    };
    let open = Open(Arc::clone(app));
    if opened > app.account().stats.peak_connections {
        tokio::time::sleep(SETTLING).await;
        let stats = &mut app.account().stats;
        let level = opened.min(stats.connections);
        stats.peak_connections = stats.peak_connections.max(level);
    }
    open
}

async fn connection(
    caller: Caller,
    stream: TcpStream,
    slots: Arc<Semaphore>,
    mut phases: watch::Receiver<Phase>,
) {
    let app = Arc::clone(&caller.app);
    let _open = open(&app).await;
    let _slot = match app.settings.connections {
        None => None,
        Some(ConnectionLimit { excess, .. }) => match (free_slot(&slots, excess).await, excess) {
            (Some(slot), _) => Some(slot),
            (None, Excess::Answer429 | Excess::Queue) => {
                caller.link.excess.store(true, Ordering::Relaxed);
                None
            }
            (None, Excess::Close) => {
                app.account().stats.refused_connections += 1;
                return;
            }
        },
    };
    serve_connection(caller, stream, &mut phases).await;
}

/// A place under the connection limit; `None` if there is none and none comes at once.
async fn free_slot(slots: &Semaphore, excess: Excess) -> Option<SemaphorePermit<'_>> {
    let free = slots.acquire();
    match excess {
        Excess::Queue => free.await.ok(),
        Excess::Answer429 | Excess::Close => timeout(REPLACING, free).await.ok()?.ok(),
    }
}

async fn serve_connection(caller: Caller, stream: TcpStream, phases: &mut watch::Receiver<Phase>) {
    // Answers are small: waiting to fill a packet would only add latency.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let wire = Wire::new(stream, Arc::clone(&caller.link), &caller.app);
    let service = service_fn(|request| caller.clone().answer(request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(None);
    let mut served = pin!(http.serve_connection(wire, service));
    loop {
        tokio::select! {
            _ = served.as_mut() => return,
            _ = phases.changed() => {
                let phase = *phases.borrow_and_update();
                match phase {
                    Phase::Stopped => return,
                    Phase::Open => {}
                    Phase::Outage(_) => served.as_mut().graceful_shutdown(),
                }
            }
        }
    }
}
