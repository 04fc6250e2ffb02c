//! The one thread that writes, and its group commit.
//!
//! A caller submits a job and waits. The thread takes all jobs that wait, up to [`GROUP`], runs them in one
//! transaction, commits with one fsync (`synchronous=FULL`), and then answers every caller: an answer means
//! "on disk". While it commits, the next group collects in the channel.
//!
//! A job is a function of the transaction alone and may run again: it keeps nothing of an earlier run.
//!
//! A group that fails is undone as a whole, and its jobs are run again one by one: only those whose own work
//! fails get the error. A job that may fail for reasons of its own (an unknown name) returns that as a value.
//! A checkpoint that another process holds is waited for, however long it takes.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::error::StoreError;
use super::log::{Log, begin_anew_patiently};
use super::mark::{self, Mark};
use super::openings::{NextCount, Openings};
use super::outdate::outdate;
use super::replica::{Appended, Replica};
use super::reserve::Reserve;
use super::transaction::Tx;
use super::turns::Turns;
use crate::crash::{CrashPoint, crash_point};

/// The most jobs that one group takes: bounds the time to the first answer.
const GROUP: usize = 1024;

/// How soon a checkpoint that another process holds is tried again. SQLite's own waits grow to a tenth of a
/// second: beside a process that writes many short transactions they hardly ever meet the moment between two.
const TRY_AGAIN: Duration = Duration::from_micros(500);

/// A wait for another process that is longer than this is logged.
const PATIENCE: Duration = Duration::from_secs(15);

/// The most jobs that wait; a caller with one more waits for room.
const WAITING: usize = 16 * 1024;

/// A piece of work for the writer.
trait Job: Send {
    /// Does the work inside the group's transaction; fails if the database did.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// Answers the caller: `None` once all is on disk, else why it is not.
    fn answer(self: Box<Self>, failure: Option<StoreError>);
}

struct Waiting<F, T> {
    work: F,
    result: Option<T>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Waiting<F, T>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.result = Some((self.work)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<StoreError>) {
        let answer = match (failure, self.result) {
            (Some(failure), _) => Err(failure),
            (None, Some(result)) => Ok(result),
            (None, None) => Err(StoreError::Stopped),
        };
        // A caller that went away does not undo the commit.
        let _ = self.caller.send(answer);
    }
}

/// The files beside the checkpoint that its writer keeps; one in memory has none.
#[derive(Debug, Default)]
pub(super) struct Companions {
    pub(super) mark: Option<Mark>,
    pub(super) openings: Option<Openings>,
    pub(super) reserve: Option<Reserve>,
}

impl Companions {
    fn count_opening(&self, connection: &Connection) -> Result<Option<NextCount>, StoreError> {
        match &self.openings {
            Some(openings) => openings.count(connection),
            None => Ok(None),
        }
    }

    fn publish_opening(&mut self, count: Option<NextCount>) {
        if let (Some(openings), Some(count)) = (&mut self.openings, count) {
            openings.publish(count);
        }
    }

    fn give_up_reserve(&mut self) -> bool {
        self.reserve.as_mut().is_some_and(Reserve::give_up)
    }
}

/// Makes the writer's side of the log of a cluster, on the writer's own thread.
pub(super) type OpenReplica =
    Box<dyn FnOnce(&mut Connection) -> Result<Replica, StoreError> + Send>;

/// How often a writer that has nothing to do applies what other nodes wrote.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The handle to the writer thread. Dropping it lets the thread finish its work, and waits for it.
pub(super) struct Writer {
    /// `None` only while it is dropped.
    jobs: Option<SyncSender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread on a connection of its own.
    pub(super) fn start(
        connection: Connection,
        path: &Path,
        companions: Companions,
        replica: Option<OpenReplica>,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = sync_channel(WAITING);
        let (opened, is_open) = sync_channel(1);
        let run = move |mut connection: Connection| {
            let replica = match replica.map(|open| open(&mut connection)).transpose() {
                Ok(replica) => replica,
                Err(error) => {
                    let _ = opened.send(Err(error));
                    return;
                }
            };
            // The thread itself waits for other processes.
            let ready = connection.busy_timeout(Duration::ZERO);
            let is_ready = ready.is_ok();
            let _ = opened.send(ready.map_err(StoreError::from));
            if is_ready {
                commit_groups(connection, companions, replica, &queue);
            }
        };
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || run(connection))
            .map_err(|source| StoreError::File {
                path: path.to_owned(),
                source,
            })?;
        is_open.recv().map_err(|_| StoreError::Stopped)??;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Submits a job; the receiver gets its result once that is on disk.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] if the thread is gone.
    pub(super) fn submit<T, F>(
        &self,
        work: F,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Waiting {
            work,
            result: None,
            caller,
        });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Stopped)?;
        jobs.send(job).map_err(|_| StoreError::Stopped)?;
        Ok(answer)
    }

    /// Does `work` in the next group; returns when it is on disk.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(work)?.await.unwrap_or(Err(StoreError::Stopped))
    }

    /// The same for a thread that may block.
    pub(super) fn write_blocking<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(work)?
            .blocking_recv()
            .unwrap_or(Err(StoreError::Stopped))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported as `Stopped` to the callers that waited.
            let _ = thread.join();
        }
    }
}

fn commit_groups(
    mut connection: Connection,
    companions: Companions,
    replica: Option<Replica>,
    queue: &Receiver<Box<dyn Job>>,
) {
    let mut log = Log::of(&connection);
    let mut state = WriterState {
        companions,
        turns: Turns::default(),
        replica,
    };
    // Ends when the handle is gone and no job is left.
    while let Some(first) = next_job(queue, &mut connection, &mut state) {
        state.turns.wait();
        let mut group = vec![first];
        group.extend(queue.try_iter().take(GROUP - 1));
        let cut = log.check(&connection).err();
        // Where the log or the cluster is at fault, no single job is.
        let is_cut = cut.is_some();
        let failure =
            cut.or_else(|| commit_patiently(&mut connection, &mut state, &mut group).err());
        let is_shared = is_cut || matches!(failure, Some(StoreError::Cluster { .. }));
        if failure.is_some() && group.len() > 1 && !is_shared {
            // One job may be at fault: the others must not lose what they hold.
            for mut job in group {
                let job_alone = std::slice::from_mut(&mut job);
                let failure = commit_patiently(&mut connection, &mut state, job_alone).err();
                job.answer(failure);
            }
            continue;
        }
        for job in group {
            job.answer(failure.as_ref().map(StoreError::for_waiter));
        }
        if let Err(error) = log.bound(&connection) {
            tracing::warn!("the log of the checkpoint could not be cut: {error}");
        }
    }
    // Keeps the files small between runs; if it fails, the next opening does the same. No statistics
    // are gathered: what a table held at the end of a small run would make SQLite scan it, at every
    // claim, in the large run that follows.
    if log.check(&connection).is_ok() {
        let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);");
    }
}

/// What the writer thread keeps beside its connection.
struct WriterState {
    companions: Companions,
    turns: Turns,
    /// The log of the cluster, if the checkpoint is a replica of one.
    replica: Option<Replica>,
}

/// Waits for a job; in a cluster what other nodes wrote is applied meanwhile.
fn next_job(
    queue: &Receiver<Box<dyn Job>>,
    connection: &mut Connection,
    state: &mut WriterState,
) -> Option<Box<dyn Job>> {
    let Some(replica) = &mut state.replica else {
        return queue.recv().ok();
    };
    loop {
        match queue.recv_timeout(POLL_INTERVAL) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {
                // The next job meets the same failure, and answers with it.
                if let Err(error) = replica.poll(connection) {
                    tracing::debug!("what other nodes wrote was not applied: {error}");
                }
            }
        }
    }
}

/// Commits a group; waits as long as another process holds the checkpoint, and says so each minute. The jobs
/// hold results that must not be lost, and nothing new is claimed meanwhile.
fn commit_patiently(
    connection: &mut Connection,
    state: &mut WriterState,
    group: &mut [Box<dyn Job>],
) -> Result<(), StoreError> {
    let begin = Instant::now();
    let mut said = PATIENCE;
    let mut is_log_anew = false;
    loop {
        match commit_or_try_again(connection, state, group) {
            // A log that may not grow any more (a limit on the size of files) is written from its beginning again.
            Err(StoreError::Full)
                if !is_log_anew && begin_anew_patiently(connection).unwrap_or(false) =>
            {
                is_log_anew = true;
            }
            Err(StoreError::Full) if state.companions.give_up_reserve() => {
                is_log_anew = false;
                tracing::warn!(
                    "the disk that holds the checkpoint is full: the last results are written into the room that was kept for them, and nothing more is sent"
                );
            }
            Err(StoreError::Busy) => {
                std::thread::sleep(TRY_AGAIN);
                let waited = begin.elapsed();
                if waited >= said {
                    tracing::warn!(
                        "another process holds the checkpoint (a database browser?); this one waits until it can write, and sends nothing meanwhile"
                    );
                    said = waited + Duration::from_mins(1);
                }
            }
            Err(error) => {
                if let Some(replica) = &mut state.replica {
                    replica.give_up();
                }
                return Err(error);
            }
            Ok(()) => return Ok(()),
        }
    }
}

/// In a cluster another node may be faster: then the jobs run again, on what it wrote.
fn commit_or_try_again(
    connection: &mut Connection,
    state: &mut WriterState,
    group: &mut [Box<dyn Job>],
) -> Result<(), StoreError> {
    loop {
        if let Some(replica) = &mut state.replica
            && replica.settle(connection)?
        {
            return Ok(());
        }
        let done = commit(connection, state, group);
        if let Some(replica) = &mut state.replica
            && !matches!(done, Ok(true))
        {
            replica.rolled_back();
        }
        if done? {
            return Ok(());
        }
    }
}

/// Runs the group in one transaction; false if it was rolled back and is to run again.
fn commit(
    connection: &mut Connection,
    state: &mut WriterState,
    group: &mut [Box<dyn Job>],
) -> Result<bool, StoreError> {
    let WriterState {
        companions,
        turns,
        replica,
    } = state;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let begin = Instant::now();
    let mut tx = Tx::new(&transaction);
    tx.disk_is_full = companions
        .reserve
        .as_ref()
        .is_some_and(|reserve| reserve.is_needed(&transaction));
    let mut changed = false;
    let unchanged = transaction.total_changes();
    for job in group.iter_mut() {
        let before = transaction.total_changes();
        (tx.bookkeeping, tx.bookkept) = (false, 0);
        job.run(&mut tx)?;
        changed |= !tx.bookkeeping && transaction.total_changes() - before > tx.bookkept;
    }
    tx.flush()?;
    let sends = tx.sends;
    drop(tx);
    if changed {
        outdate(&transaction)?;
    }
    let (count, opening) = match transaction.total_changes() - unchanged {
        0 => (None, None),
        _ => (
            mark::count(&transaction)?,
            companions.count_opening(&transaction)?,
        ),
    };
    crash_point(CrashPoint::BeforeIntentCommit);
    if let Some(replica) = replica
        && replica.append(&transaction)? == Appended::NotYet
    {
        return Ok(false);
    }
    crash_point(CrashPoint::AfterAppend);
    transaction.commit()?;
    if let Some(replica) = replica {
        replica.committed();
    }
    if let Some(sends) = sends {
        turns.set_sending(sends);
    }
    if let (Some(mark), Some(count)) = (&mut companions.mark, count) {
        mark.note(count);
    }
    companions.publish_opening(opening);
    // The group is on disk: nothing from here on may fail it, or its jobs would run again.
    turns.committed(connection, begin.elapsed());
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use jiff::Timestamp;

    use super::super::checkpoint::Store;
    use super::super::ids::BatchId;
    use super::super::query::Query as _;
    use super::super::schema;
    use super::super::tally::Counter;
    use super::*;
    use crate::domain::delivery::State;

    #[test]
    fn a_job_that_fails_costs_the_others_of_its_group_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let writer = Writer::start(
            connection,
            Path::new(":memory:"),
            Companions::default(),
            None,
        )
        .unwrap();
        let barrier = Arc::new(Barrier::new(2));
        let entered = Arc::clone(&barrier);
        let first = writer.submit(move |_| {
            // The others are handed in while the thread is here.
            entered.wait();
            entered.wait();
            Ok(())
        });
        barrier.wait();
        let insert = |tx: &mut Tx<'_>| {
            tx.connection
                .execute("INSERT INTO node (key, value) VALUES ('a', 1)", [])?;
            Ok(())
        };
        let good = writer.submit(insert).unwrap();
        let bad = writer.submit(insert).unwrap();
        barrier.wait();
        assert!(first.unwrap().blocking_recv().unwrap().is_ok());
        assert!(bad.blocking_recv().unwrap().is_err(), "the key is taken");
        assert!(good.blocking_recv().unwrap().is_ok(), "run again, alone");
        let left: i64 = writer
            .write_blocking(|tx| {
                Ok(tx
                    .connection
                    .query_row("SELECT count(*) FROM node", [], |row| row.get(0))?)
            })
            .unwrap();
        assert_eq!(left, 1);
    }

    /// What comes behind the gap of a log that was cut would be copied into the file.
    #[test]
    fn where_the_log_was_cut_nothing_more_is_written_however_many_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outreach.db");
        let store = Store::open(&path).unwrap();
        let insert = |key: &'static str| {
            move |tx: &mut Tx<'_>| {
                tx.connection
                    .change("INSERT INTO node (key, value) VALUES (?1, 1)", [key])?;
                Ok(())
            }
        };
        store.writer.write_blocking(insert("a")).unwrap();
        let barrier = Arc::new(Barrier::new(2));
        let entered = Arc::clone(&barrier);
        let first = store.writer.submit(move |_| {
            entered.wait();
            entered.wait();
            Ok(())
        });
        barrier.wait();
        let log = super::super::log::log_path(path.to_str().unwrap());
        let file = std::fs::OpenOptions::new().write(true).open(&log).unwrap();
        file.set_len(0).unwrap();
        let jobs = ["b", "c"].map(|key| store.writer.submit(insert(key)).unwrap());
        barrier.wait();
        assert!(first.unwrap().blocking_recv().unwrap().is_ok());
        for job in jobs {
            let found = job.blocking_recv().unwrap();
            assert!(
                matches!(found, Err(StoreError::Corrupt { .. })),
                "{found:?}"
            );
        }
        assert_eq!(super::super::log::length(&log), Some(0));
    }

    /// What a group counts stands in tables alone: of one that is rolled back nothing was counted, and what runs again
    /// counts once.
    #[test]
    fn a_group_that_is_rolled_back_has_counted_nothing() {
        let (batch, token) = (BatchId(1), 7);
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        connection
            .execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO tally (batch) VALUES (1);")
            .unwrap();
        let nobody = Companions::default();
        let writer = Writer::start(connection, Path::new(":memory:"), nobody, None).unwrap();
        let counted = || {
            let read: Result<(i64, i64, Option<i64>), _> = writer.write_blocking(move |tx| {
                let sql = "SELECT queued, requests, (SELECT claimed FROM quota WHERE token = ?2)
                           FROM tally WHERE batch = ?1";
                tx.connection.row(sql, (batch, token))
            });
            read.unwrap()
        };
        let claim = move |tx: &mut Tx<'_>| {
            tx.count(batch, Counter::State(State::Queued), 1);
            tx.count(batch, Counter::Requests, 1);
            tx.note_claim(token, Timestamp::UNIX_EPOCH);
            Ok::<_, StoreError>(())
        };
        let fail = move |tx: &mut Tx<'_>| {
            claim(tx)?;
            let detail = "no number".to_owned();
            Err::<(), _>(StoreError::Value { detail })
        };
        let barrier = Arc::new(Barrier::new(2));
        let entered = Arc::clone(&barrier);
        let first = writer.submit(move |_| {
            // The others are handed in while the thread is here.
            entered.wait();
            entered.wait();
            Ok(())
        });
        barrier.wait();
        let good = writer.submit(claim).unwrap();
        let bad = writer.submit(fail).unwrap();
        barrier.wait();
        assert!(first.unwrap().blocking_recv().unwrap().is_ok());
        assert!(good.blocking_recv().unwrap().is_ok());
        assert!(bad.blocking_recv().unwrap().is_err());
        assert_eq!(counted(), (1, 1, Some(1)));
        assert!(writer.write_blocking(fail).is_err());
        assert_eq!(counted(), (1, 1, Some(1)));
    }
}
