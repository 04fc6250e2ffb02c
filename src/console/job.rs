//! Work that takes longer than a page may: it goes on while pages show how far it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::locked::lock;

/// A page waits so long for the end before it shows how far the work is.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many results are kept.
const KEPT: usize = 32;

/// Work under way or done, by a key.
pub(super) struct Jobs<T>(Mutex<Vec<(String, Arc<Job<T>>)>>);

impl<T> Default for Jobs<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// One piece of work.
pub(super) struct Job<T> {
    /// Rows that were read.
    pub(super) rows: AtomicU64,
    done: watch::Sender<Option<T>>,
}

impl<T: Clone + Send + Sync + 'static> Jobs<T> {
    /// Begins the work, unless that was done before.
    pub(super) fn begin(
        &self,
        key: &str,
        work: impl FnOnce(&Job<T>) -> T + Send + 'static,
    ) -> Arc<Job<T>> {
        let mut jobs = lock(&self.0);
        if let Some((_, job)) = jobs.iter().find(|(at, _)| at == key) {
            return Arc::clone(job);
        }
        let job = Arc::new(Job {
            rows: AtomicU64::new(0),
            done: watch::Sender::new(None),
        });
        if jobs.len() >= KEPT {
            // The oldest that is over.
            if let Some(at) = jobs.iter().position(|(_, job)| job.result().is_some()) {
                jobs.remove(at);
            }
        }
        jobs.push((key.to_owned(), Arc::clone(&job)));
        let ours = Arc::clone(&job);
        tokio::task::spawn_blocking(move || {
            let result = work(&ours);
            ours.done.send_replace(Some(result));
        });
        job
    }

    pub(super) fn find(&self, key: &str) -> Option<Arc<Job<T>>> {
        let jobs = lock(&self.0);
        let found = jobs.iter().find(|(at, _)| at == key);
        found.map(|(_, job)| Arc::clone(job))
    }

    /// Forgets what was done, so that it can be done again.
    pub(super) fn forget(&self, key: &str) {
        lock(&self.0).retain(|(at, job)| at != key || job.result().is_none());
    }
}

impl<T: Clone> Job<T> {
    pub(super) fn result(&self) -> Option<T> {
        self.done.borrow().clone()
    }

    /// The result, if it comes soon.
    pub(super) async fn soon(&self) -> Option<T> {
        let mut done = self.done.subscribe();
        let wait = done.wait_for(Option::is_some);
        let _ = tokio::time::timeout(PATIENCE, wait).await;
        self.result()
    }

    pub(super) fn read(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }
}
