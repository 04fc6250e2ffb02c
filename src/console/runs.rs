//! Batches that this process sends, each on a thread of its own, as it would have a process of its own on the command
//! line.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::base::Kind;
use super::page::Failure;
use crate::clock::Clock;
use crate::locked::lock;
use crate::run::{
    Access, HeldBatch, Observer, Rehearsal, RunError, RunProgress, RunSettings, StopHandle,
};

/// A batch by its kind and name.
type Key = (Kind, String);

/// Batches that this process sends.
#[derive(Default)]
pub(super) struct Runs {
    running: Mutex<HashMap<Key, Arc<OwnRun>>>,
    /// Why the last run of a batch failed.
    failed: Mutex<HashMap<Key, String>>,
    count: watch::Sender<usize>,
    stopping: AtomicBool,
}

/// What a run needs.
pub(super) struct Work {
    pub(super) batch: HeldBatch,
    pub(super) settings: RunSettings,
    /// How the API is reached; a rehearsal needs none.
    pub(super) access: Option<Access>,
    pub(super) clock: Clock,
}

/// One of them.
#[derive(Default)]
pub(super) struct OwnRun {
    stop: StopHandle,
    progress: Mutex<Option<RunProgress>>,
}

impl OwnRun {
    pub(super) fn progress(&self) -> Option<RunProgress> {
        lock(&self.progress).clone()
    }
}

/// Keeps what a run reports.
struct Watcher(Arc<OwnRun>);

impl Observer for Watcher {
    fn progress(&mut self, progress: &RunProgress) {
        *lock(&self.0.progress) = Some(progress.clone());
    }
}

impl Runs {
    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<Arc<OwnRun>> {
        lock(&self.running).get(&(kind, name.to_owned())).cloned()
    }

    /// Why its last run here failed, if it did.
    pub(super) fn failure(&self, kind: Kind, name: &str) -> Option<String> {
        lock(&self.failed).get(&(kind, name.to_owned())).cloned()
    }

    /// Sends a batch. Returns at once.
    pub(super) fn start(self: &Arc<Self>, kind: Kind, work: Work) -> Result<(), Failure> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Failure::refused("The console is being stopped."));
        }
        let key = (kind, work.batch.batch().name.clone());
        let own = Arc::new(OwnRun::default());
        lock(&self.running).insert(key.clone(), Arc::clone(&own));
        lock(&self.failed).remove(&key);
        self.count.send_modify(|count| *count += 1);
        let entry = Entry {
            runs: Arc::clone(self),
            key,
        };
        let handle = Handle::current();
        std::thread::spawn(move || {
            let sent = handle.block_on(send(kind, &work, &own));
            // The next one to take it up finds it free.
            drop(work);
            if let Err(error) = sent {
                tracing::error!("batch {}: {error}", entry.key.1);
                lock(&entry.runs.failed).insert(entry.key.clone(), error.to_string());
            }
            drop(entry);
        });
        Ok(())
    }

    /// Asks all runs to end, and begins no other.
    pub(super) fn stop_all(&self, why: &'static str) {
        self.stopping.store(true, Ordering::Relaxed);
        for run in lock(&self.running).values() {
            run.stop.finish_by(why);
        }
    }

    /// Waits until no run is left.
    pub(super) async fn all_ended(&self) {
        // The sender lives in `self`, so that the wait cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// A run in the table, for as long as its thread lives, also if that panics.
struct Entry {
    runs: Arc<Runs>,
    key: Key,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.runs.running).remove(&self.key);
        self.runs
            .count
            .send_modify(|count| *count = count.saturating_sub(1));
    }
}

async fn send(kind: Kind, work: &Work, own: &Arc<OwnRun>) -> Result<(), RunError> {
    let mut watcher = Watcher(Arc::clone(own));
    let rehearsal = match kind {
        Kind::Real => None,
        Kind::Rehearsal => Some(Rehearsal::of(&work.batch, None).await?),
    };
    let access = match (&rehearsal, &work.access) {
        (Some(rehearsal), _) => rehearsal.access(),
        (None, Some(access)) => access,
        // The page does not offer to start it.
        (None, None) => return Ok(()),
    };
    let (settings, clock) = (&work.settings, &work.clock);
    let sent = work
        .batch
        .send(access, settings, clock, &own.stop, &mut watcher);
    sent.await.map(|_| ())
}
