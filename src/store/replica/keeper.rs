//! The leases of this process: a thread that takes, prolongs and gives them back, and says that the node lives.
//!
//! Leases say who works on a batch. That nobody is messaged twice does not rest on them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::context;
use crate::cluster::{Lease, Log, LogError, NodeRow};
use crate::store::error::StoreError;
use crate::store::keys::random;
use crate::store::place::{Place, machine_name};

/// How often leases are prolonged: they hold for four times as long.
const PROLONG: Duration = Duration::from_secs(2);

/// How long a lease is asked for while the engine does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

enum Ask {
    Take(Lease, Sender<Result<Option<Lease>, LogError>>),
    Release(String),
    End,
}

/// The thread that keeps the leases. Dropping it gives them back.
pub(in crate::store) struct Keeper {
    asks: Sender<Ask>,
    thread: Option<JoinHandle<()>>,
    node: String,
    place: String,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keeper({})", self.node)
    }
}

/// A lease that is held until it is dropped.
#[derive(Debug)]
pub(in crate::store) struct Leased {
    name: String,
    asks: Sender<Ask>,
}

impl Drop for Leased {
    fn drop(&mut self) {
        // Without the thread the lease ends by itself.
        let _ = self.asks.send(Ask::Release(std::mem::take(&mut self.name)));
    }
}

impl Keeper {
    /// Starts the thread. `applied` is how far the file has come.
    pub(in crate::store) fn start(
        log: Box<dyn Log>,
        path: &Path,
        applied: Arc<AtomicI64>,
    ) -> Result<Self, StoreError> {
        // Made anew at each start: a copied file is no second node of the same name.
        let id = u64::from_be_bytes(random()?);
        let node = format!("{id:016x}");
        let (asks, queue) = channel();
        let seen = NodeRow {
            node: node.clone(),
            pid: std::process::id().to_string(),
            machine: machine_name(),
            applied: 0,
            seen: 0.0,
        };
        let own = path.to_owned();
        let thread = std::thread::Builder::new()
            .name("leases".to_owned())
            .spawn(move || keep(log, &own, seen, &applied, &queue))
            .map_err(|source| StoreError::File {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            asks,
            thread: Some(thread),
            node,
            place: format!("{} {:?}", machine_name(), Place::of(path)),
        })
    }

    /// Takes a lease.
    ///
    /// # Errors
    /// [`StoreError::Held`] if another node has it.
    pub(in crate::store) fn take(&self, name: &str, since: &str) -> Result<Leased, StoreError> {
        let lease = Lease {
            name: name.to_owned(),
            node: self.node.clone(),
            pid: std::process::id().to_string(),
            machine: machine_name(),
            place: self.place.clone(),
            since: since.to_owned(),
        };
        let (answer, answered) = channel();
        self.asks
            .send(Ask::Take(lease, answer))
            .map_err(|_| StoreError::Stopped)?;
        match answered.recv().map_err(|_| StoreError::Stopped)? {
            Ok(None) => Ok(Leased {
                name: name.to_owned(),
                asks: self.asks.clone(),
            }),
            Ok(Some(other)) => Err(StoreError::Held {
                batch: name.to_owned(),
                pid: format!("{} on {}", other.pid, other.machine),
                since: other.since,
            }),
            Err(error) => Err(super::failed(&error)),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // A lease may outlive this: it knows another way to the thread.
        let _ = self.asks.send(Ask::End);
        if let Some(thread) = self.thread.take() {
            // Leases that it did not give back end by themselves.
            let _ = thread.join();
        }
    }
}

fn keep(
    mut log: Box<dyn Log>,
    path: &Path,
    mut node: NodeRow,
    applied: &AtomicI64,
    queue: &Receiver<Ask>,
) {
    let mut held: BTreeMap<String, Lease> = BTreeMap::new();
    // A command that ends at once is no node to show.
    let mut next = Instant::now() + PROLONG;
    loop {
        match queue.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Ask::Take(lease, answer)) => {
                let taken = take(log.as_mut(), &lease);
                if matches!(taken, Ok(None)) {
                    held.insert(lease.name.clone(), lease);
                }
                // Who went away meanwhile lets it end by itself.
                let _ = answer.send(taken);
            }
            Ok(Ask::Release(name)) => {
                held.remove(&name);
                if let Err(error) = log.release(&name, &node.node) {
                    tracing::debug!("the lease of {name} ends by itself: {error}");
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                node.applied = applied.load(Ordering::SeqCst);
                let said = held
                    .values()
                    .try_for_each(|lease| log.lease(lease).map(drop))
                    .and_then(|()| log.see(&node))
                    .and_then(|()| log.leases());
                match said {
                    Ok(leases) => context::note_leases(path, leases),
                    Err(error) => tracing::debug!("the leases were not prolonged: {error}"),
                }
                next = Instant::now() + PROLONG;
            }
            Ok(Ask::End) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    for name in held.into_keys() {
        let _ = log.release(&name, &node.node);
    }
}

fn take(log: &mut dyn Log, lease: &Lease) -> Result<Option<Lease>, LogError> {
    let begin = Instant::now();
    loop {
        match log.lease(lease) {
            Err(LogError::Away(_)) if begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(200));
            }
            done => return done,
        }
    }
}
