//! The one thread that writes, and its group commit.
//!
//! Callers hand in a piece of work and wait. The thread takes all that waits, does it in one
//! transaction, commits (with one fsync, `synchronous=FULL`), and then answers everybody: an answer
//! means "on disk". While it commits, the next group gathers. A commit costs as much for one as for
//! a hundred, so that under load the thread waits a moment until a good group is together
//! ([`Writer::gather`]), and takes along what comes while it works.
//!
//! A failure of the database is a failure of the whole group: nothing of it is on disk, and every
//! waiter learns so. Work that may fail for reasons of its own (a bad webhook event, an unknown
//! name) returns that as a value.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::batch::BatchId;
use super::error::StoreError;
use super::queue::{Closing, GROUP, Queue};
use crate::crash::{CrashPoint, crash_point};
use crate::domain::delivery::State;

/// A counter of a batch that is kept in the same transaction as what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counter {
    State(State),
    Requests,
    Throttled,
}

impl Counter {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::State(state) => state.word(),
            Self::Requests => "requests",
            Self::Throttled => "throttled",
        }
    }
}

/// The transaction of a group.
pub(super) struct Tx<'a> {
    pub(super) connection: &'a Connection,
    counts: BTreeMap<(BatchId, Counter), i64>,
}

impl Tx<'_> {
    /// Adds to a counter of the batch; written once, at the end of the group.
    pub(super) fn count(&mut self, batch: BatchId, counter: Counter, n: i64) {
        *self.counts.entry((batch, counter)).or_default() += n;
    }

    /// Moves one recipient of the batch from one state's count to another's.
    pub(super) fn count_move(&mut self, batch: BatchId, from: State, to: State) {
        if from != to {
            self.count(batch, Counter::State(from), -1);
            self.count(batch, Counter::State(to), 1);
        }
    }

    /// Drops what was counted for a batch that goes away.
    pub(super) fn forget_counts(&mut self, batch: BatchId) {
        self.counts.retain(|(counted, _), _| *counted != batch);
    }

    /// Writes the counters that the work so far has changed, for whoever reads them next.
    pub(super) fn flush_counts(&mut self) -> Result<(), StoreError> {
        let mut upsert = self.connection.prepare_cached(
            "INSERT INTO tally (batch, what, n) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
        )?;
        for ((batch, counter), n) in std::mem::take(&mut self.counts) {
            if n != 0 {
                upsert.execute((batch.get(), counter.word(), n))?;
            }
        }
        Ok(())
    }
}

/// A piece of work for the writer.
pub(super) trait Job: Send {
    /// Does the work inside the group's transaction; fails if the database did.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// Answers the waiter: `None` once all is on disk, else why it is not.
    fn answer(self: Box<Self>, failure: Option<StoreError>);
}

struct Waiting<F, T> {
    work: Option<F>,
    result: Option<T>,
    waiter: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Waiting<F, T>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if let Some(work) = self.work.take() {
            self.result = Some(work(tx)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<StoreError>) {
        let answer = match (failure, self.result) {
            (Some(failure), _) => Err(failure),
            (None, Some(result)) => Ok(result),
            (None, None) => Err(StoreError::Stopped),
        };
        // A waiter that went away does not undo the commit.
        let _ = self.waiter.send(answer);
    }
}

/// The handle to the writer thread. Dropping it lets the thread finish its work, and waits for it.
pub(super) struct Writer {
    queue: Arc<Queue<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread on a connection of its own.
    pub(super) fn start(connection: Connection, path: &Path) -> Result<Self, StoreError> {
        let queue = Arc::new(Queue::default());
        let for_thread = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || work_off(connection, &for_thread))
            .map_err(|source| StoreError::File {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            queue,
            thread: Some(thread),
        })
    }

    /// From now on, under load, a commit waits a moment (5 ms at the most) for so many pieces of work.
    pub(super) fn gather(&self, pieces: usize) {
        self.queue.gather(pieces);
    }

    /// Hands in a job, which is run in the next group.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] if the thread is gone.
    pub(super) fn hand_in(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.queue.push(job)
    }

    /// A piece of work has joined a job that waits.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] if the thread is gone.
    pub(super) fn one_more(&self) -> Result<(), StoreError> {
        self.queue.one_more()
    }

    pub(super) fn submit<T, F>(
        &self,
        work: F,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (waiter, answer) = oneshot::channel();
        self.hand_in(Box::new(Waiting {
            work: Some(work),
            result: None,
            waiter,
        }))?;
        Ok(answer)
    }

    /// Does `work` in the next group; returns when it is on disk.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(work)?.await.unwrap_or(Err(StoreError::Stopped))
    }

    /// The same for a thread that may block.
    pub(super) fn write_blocking<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(work)?
            .blocking_recv()
            .unwrap_or(Err(StoreError::Stopped))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported as `Stopped` to whoever waited.
            let _ = thread.join();
        }
    }
}

fn work_off(mut connection: Connection, queue: &Queue<Box<dyn Job>>) {
    let _closing = Closing::new(queue);
    let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(GROUP);
    let mut pieces = 0;
    loop {
        pieces = queue.next_group(&mut group, pieces);
        if group.is_empty() {
            break;
        }
        let committed = commit(&mut connection, queue, &mut group);
        pieces += committed.as_ref().copied().unwrap_or(0);
        let failure = committed.err();
        for job in group.drain(..) {
            job.answer(failure.as_ref().map(StoreError::for_waiter));
        }
    }
    // Keeps the files small between runs; if it fails, the next opening does the same. No statistics
    // are gathered: what a table held at the end of a small run would make SQLite scan it, at every
    // claim, in the large run that follows.
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);");
}

/// Works off the group and what has come by then; returns how many pieces the latter were.
fn commit(
    connection: &mut Connection,
    queue: &Queue<Box<dyn Job>>,
    group: &mut Vec<Box<dyn Job>>,
) -> Result<usize, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut tx = Tx {
        connection: &transaction,
        counts: BTreeMap::new(),
    };
    for job in group.iter_mut() {
        job.run(&mut tx)?;
    }
    let first_helping = group.len();
    let more = queue.second_helping(group);
    for job in group.iter_mut().skip(first_helping) {
        job.run(&mut tx)?;
    }
    tx.flush_counts()?;
    drop(tx);
    crash_point(CrashPoint::BeforeIntentCommit);
    transaction.commit()?;
    Ok(more)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::schema;
    use super::*;

    /// Hands in the next job while it is at work; the last one closes the queue.
    struct Relay {
        queue: Arc<Queue<Box<dyn Job>>>,
        left: u32,
        /// How many counters each found that its transaction had touched before it.
        found: Arc<Mutex<Vec<usize>>>,
        answered: Arc<Mutex<Vec<bool>>>,
    }

    impl Job for Relay {
        fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
            self.found.lock().unwrap().push(tx.counts.len());
            tx.count(
                BatchId::from_column(i64::from(self.left)),
                Counter::Requests,
                1,
            );
            if self.left == 0 {
                self.queue.close();
                return Ok(());
            }
            self.queue.push(Box::new(Self {
                queue: Arc::clone(&self.queue),
                left: self.left - 1,
                found: Arc::clone(&self.found),
                answered: Arc::clone(&self.answered),
            }))
        }

        fn answer(self: Box<Self>, failure: Option<StoreError>) {
            self.answered.lock().unwrap().push(failure.is_none());
        }
    }

    #[test]
    fn what_comes_while_a_group_is_worked_off_shares_its_commit_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        // The counters here belong to no batch.
        connection
            .pragma_update(None, "foreign_keys", false)
            .unwrap();
        let queue: Arc<Queue<Box<dyn Job>>> = Arc::default();
        let first = Relay {
            queue: Arc::clone(&queue),
            left: 3,
            found: Arc::default(),
            answered: Arc::default(),
        };
        let (found, answered) = (Arc::clone(&first.found), Arc::clone(&first.answered));
        queue.push(Box::new(first)).unwrap();
        work_off(connection, &queue);
        assert_eq!(
            *found.lock().unwrap(),
            [0, 1, 0, 1],
            "two jobs in each of two commits"
        );
        assert_eq!(*answered.lock().unwrap(), [true; 4]);
    }
}
