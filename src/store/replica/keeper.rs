//! The leases of this process: a thread that takes, prolongs and gives them back, and says that the node lives.
//!
//! Leases say who works on a batch. That nobody is messaged twice does not rest on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{compact, context};
use crate::clock::Clock;
use crate::cluster::{Access, Lease, LogError, NodeRow, Postgres, SNAPSHOT_LEASE, Size};
use crate::store::error::StoreError;
use crate::store::keys::random;
use crate::store::place::{machine_name, place_name};

/// How often leases are prolonged: they hold for four times as long.
const PROLONG: Duration = Duration::from_secs(2);

/// How often is looked how long the log is.
const MEASURE: Duration = Duration::from_mins(1);

/// A log with more records is cut, and one that is longer than this and than the snapshot.
const RECORDS: i64 = 200_000;
const BYTES: i64 = 64 << 20;

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
    is_ending: Arc<AtomicBool>,
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
        access: Access,
        path: &Path,
        applied: Arc<AtomicI64>,
    ) -> Result<Self, StoreError> {
        let log = Postgres::new(access.clone())?;
        // Made anew at each start: a copied file is no second node of the same name.
        let id = u64::from_be_bytes(random()?);
        let node = format!("{id:016x}");
        let (asks, queue) = channel();
        let seen = NodeRow {
            node: node.clone(),
            pid: std::process::id().to_string(),
            machine: machine_name(),
            place: place_name(path),
            applied: 0,
            seen: 0.0,
            clock: 0.0,
        };
        let own = path.to_owned();
        let is_ending = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&is_ending);
        let thread = std::thread::Builder::new()
            .name("leases".to_owned())
            .spawn(move || {
                let mut leases = Leases {
                    log,
                    access,
                    path: own,
                    node: seen,
                    held: BTreeMap::new(),
                    measured: Instant::now(),
                    snapshot: None,
                    is_ending: ending,
                };
                leases.keep(&applied, &queue);
            })
            .map_err(|source| StoreError::File {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            asks,
            thread: Some(thread),
            node,
            place: place_name(path),
            is_ending,
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
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The writer is gone by now: a snapshot would wait for what only it can answer.
        self.is_ending.store(true, Ordering::SeqCst);
        // A lease may outlive this: it knows another way to the thread.
        let _ = self.asks.send(Ask::End);
        if let Some(thread) = self.thread.take() {
            // Leases that it did not give back end by themselves.
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Leases {
    log: Postgres,
    access: Access,
    path: PathBuf,
    node: NodeRow,
    held: BTreeMap<String, Lease>,
    /// When the length of the log was looked at.
    measured: Instant,
    /// Makes a snapshot.
    snapshot: Option<JoinHandle<()>>,
    is_ending: Arc<AtomicBool>,
}

impl Leases {
    fn keep(&mut self, applied: &AtomicI64, queue: &Receiver<Ask>) {
        // A node that cuts the log waits for this one from now on.
        if let Err(error) = self.see() {
            tracing::debug!("the node is not told of: {error}");
        }
        let mut next = Instant::now() + PROLONG;
        loop {
            match queue.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Ask::Take(lease, answer)) => {
                    let taken = take(&mut self.log, &lease);
                    if matches!(taken, Ok(None)) {
                        self.held.insert(lease.name.clone(), lease);
                    }
                    // Where the caller went away meanwhile, the lease ends by itself.
                    let _ = answer.send(taken);
                }
                Ok(Ask::Release(name)) => self.release(&name),
                Err(RecvTimeoutError::Timeout) => {
                    self.node.applied = applied.load(Ordering::SeqCst);
                    if let Err(error) = self.prolong() {
                        tracing::debug!("the leases were not prolonged: {error}");
                    }
                    self.bound_log();
                    next = Instant::now() + PROLONG;
                }
                Ok(Ask::End) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Some(thread) = self.snapshot.take() {
            // What failed it has said.
            let _ = thread.join();
        }
        for name in std::mem::take(&mut self.held).into_keys() {
            self.release(&name);
        }
        if let Err(error) = self.log.unsee(&self.node.node) {
            tracing::debug!("the node is told of for a while longer: {error}");
        }
    }

    fn release(&mut self, name: &str) {
        self.held.remove(name);
        if let Err(error) = self.log.release(name, &self.node.node) {
            tracing::debug!("the lease of {name} ends by itself: {error}");
        }
    }

    fn see(&mut self) -> Result<(), LogError> {
        let now = Clock::system().now();
        self.node.clock = now.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64();
        self.log.see(&self.node)
    }

    fn prolong(&mut self) -> Result<(), LogError> {
        for lease in self.held.values() {
            self.log.lease(lease)?;
        }
        self.see()?;
        context::note_leases(&self.path, self.log.leases()?);
        Ok(())
    }

    /// Now and then, where the log is long, puts a snapshot in its place, unless another node does.
    fn bound_log(&mut self) {
        if self.snapshot.as_ref().is_some_and(JoinHandle::is_finished) {
            self.snapshot = None;
            self.release(SNAPSHOT_LEASE);
        }
        if self.snapshot.is_some() || (self.measured.elapsed() < MEASURE && wanted().is_none()) {
            return;
        }
        self.measured = Instant::now();
        let lease = Lease {
            name: SNAPSHOT_LEASE.to_owned(),
            node: self.node.node.clone(),
            pid: self.node.pid.clone(),
            machine: self.node.machine.clone(),
            // Each process for itself, also of one file.
            place: self.node.node.clone(),
            since: String::new(),
        };
        match self.log.size() {
            Ok(size) if is_long(size) && matches!(self.log.lease(&lease), Ok(None)) => {}
            Ok(_) => return,
            Err(error) => return tracing::debug!("the log was not measured: {error}"),
        }
        self.held.insert(lease.name.clone(), lease);
        let (path, access) = (self.path.clone(), self.access.clone());
        let ending = Arc::clone(&self.is_ending);
        let cut = move || {
            let is_ending = || ending.load(Ordering::SeqCst);
            let cut = Postgres::new(access)
                .map_err(StoreError::from)
                .and_then(|mut log| compact::compact(&path, &mut log, &is_ending));
            match cut {
                Ok(seq) => tracing::info!("the log of the cluster begins with record {seq} now"),
                // The next process that has it open cuts it.
                Err(StoreError::Stopped) => {}
                Err(error) => tracing::warn!("the log of the cluster was not cut: {error}"),
            }
        };
        let thread = std::thread::Builder::new().name("snapshot".to_owned());
        self.snapshot = thread.spawn(cut).ok();
    }
}

/// Whether a snapshot is to take the place of the log so far. To join takes at most twice as long as from the snapshot.
fn is_long(size: Size) -> bool {
    size.records > wanted().unwrap_or(RECORDS) || size.bytes > size.snapshot.max(BYTES)
}

/// In a debug build a test can have every log cut that has so many records.
#[cfg(debug_assertions)]
fn wanted() -> Option<i64> {
    std::env::var("OUTREACH_TEST_LOG_RECORDS")
        .ok()?
        .parse()
        .ok()
}

#[cfg(not(debug_assertions))]
const fn wanted() -> Option<i64> {
    None
}

fn take(log: &mut Postgres, lease: &Lease) -> Result<Option<Lease>, LogError> {
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
