//! Runs with the same token share its connections, whatever their processes.
//!
//! Each run has a row in `node` from its start to its end. The id of the row is negative: the nodes of a cluster share
//! such rows. A claim counts the requests that all runs of the token have under way, in its own transaction: with those
//! of this run they stay below the connections that are allowed, and a run takes at most its share, so that a run that
//! comes later is let in. A server may count connections that are only kept for the next request, so that runs that are
//! not alone keep none. Each row says how many connections its run was allowed, negative where the run keeps none: a run
//! that was allowed fewer does not wait for one that was allowed more.
//!
//! The row of a run whose process is gone is removed by the next process that finds it, once its requests are called unknown.
//!
//! A process that asks the API something outside of a run (`resolve --from-api`, `test`, `doctor`) has a row of its own
//! for as long as it asks, and counts as a run with one connection. Nothing shows that such a process died: its row says
//! until when it counts.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::attempt;
use super::checkpoint::{Reader, Store};
use super::columns::{from_millis, to_millis};
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;
use super::transaction::Tx;

/// How long a run keeps idle connections after its last request at the most, whatever its row says.
const KEPT: SignedDuration = SignedDuration::from_secs(6);

/// How long the row of a process that asks outside of a run counts, unless the process asks again.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// How long such a process waits for a connection at the most: a request that a run had under way when the process
/// came is answered by then, and the run has left it a connection since.
const PATIENCE: SignedDuration = SignedDuration::from_secs(40);

/// How long a request of another run holds a connection at the most. A process that was stopped (Ctrl-Z, a debugger) has
/// requests under way until it goes on; the API answered or dropped them long before.
const HELD: SignedDuration = SignedDuration::from_mins(2);

/// The run that asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) batch: BatchId,
    pub(super) token: i64,
    /// Connections that are allowed for the token.
    pub(super) connections: u32,
    /// When it began.
    pub(super) since: Timestamp,
}

/// Whether a connection is free for one more request of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// One is.
    Free,
    /// All are used, or this run's share is.
    Taken,
    /// This number of runs shares the connections, which the run that asks does not know yet.
    SharedBy(u32),
}

/// Whether a process may ask the API outside of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MayAsk {
    /// It may.
    Now,
    /// Runs use all connections.
    Later {
        /// The batches of these runs.
        batches: Vec<String>,
        /// It need not wait any longer then.
        until: Timestamp,
    },
}

/// A run as its row has it.
#[derive(Debug, Clone, Copy)]
struct RunRow {
    batch: BatchId,
    connections: i64,
}

impl RunRow {
    fn keeps(&self) -> bool {
        self.connections > 0
    }
}

impl Run {
    /// The connections that it is allowed, as its row has them.
    fn sign(&self, keeps: bool) -> i64 {
        let connections = i64::from(self.connections);
        if keeps { connections } else { -connections }
    }
}

/// Enters a run. It has no connection yet.
pub(super) fn enter(tx: &Tx<'_>, run: &Run) -> Result<(), StoreError> {
    leave(tx.connection, run.batch)?;
    note(tx.connection, run.token, run.batch, run.sign(false))
}

/// A run is over, or its process is.
pub(super) fn leave(connection: &Connection, batch: BatchId) -> Result<(), StoreError> {
    connection.change(
        "DELETE FROM node WHERE key GLOB ?1",
        [format!("run.*.{}", batch.get())],
    )?;
    Ok(())
}

/// Whether one more request of the run may be under way. `known` is how many runs it believes to share the connections.
pub(super) fn slot(tx: &Tx<'_>, run: &Run, known: u32, now: Timestamp) -> Result<Slot, StoreError> {
    let (entries, asking) = of_token(tx.connection, run.token, None, now)?;
    let (own, others): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|entry| entry.batch == run.batch);
    let sign = run.sign(known == 1);
    if own.first().map(|entry| entry.connections) != Some(sign) {
        note(tx.connection, run.token, run.batch, sign)?;
    }
    let runs = u32::try_from(others.len() + 1).unwrap_or(u32::MAX);
    let runs = runs.saturating_add(asking);
    if runs != known {
        return Ok(Slot::SharedBy(runs));
    }
    if runs == 1 {
        return Ok(Slot::Free);
    }
    let began_lately = now.duration_since(run.since).abs() < KEPT;
    if began_lately && others.iter().any(RunRow::keeps) {
        return Ok(Slot::Taken);
    }
    let own = attempt::count_under_way(tx.connection, run.batch, Timestamp::MIN)?;
    let held_after = held_after(now);
    let (mut total, mut allowed) = (own + asking, i64::from(run.connections));
    for other in others {
        total += attempt::count_under_way(tx.connection, other.batch, held_after)?;
        allowed = allowed.max(other.connections.abs());
    }
    let share = (run.connections / runs).max(1);
    Ok(if own < share && i64::from(total) < allowed {
        Slot::Free
    } else {
        Slot::Taken
    })
}

impl Store {
    /// Enters this process, which asks the API something outside of a run since `began`, and returns whether it may ask
    /// now. Until then it asks again, each time.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn may_ask(
        &self,
        token: i64,
        began: Timestamp,
        now: Timestamp,
    ) -> Result<MayAsk, StoreError> {
        let own = asking_key(token);
        self.writer
            .write(move |tx| {
                tx.bookkeeping = true;
                let until = to_millis(now.checked_add(LEASE).unwrap_or(now));
                // Of this machine alone: its id is not negative.
                tx.connection.change(
                    "INSERT INTO node (rowid, key, value)
                         SELECT max(0, coalesce(max(rowid), 0)) + 1, ?1, ?2 FROM node WHERE true
                         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (&own, until),
                )?;
                judge(tx.connection, token, &own, began, now)
            })
            .await
    }

    /// This process asks nothing more.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn asks_no_more(&self, token: i64) -> Result<(), StoreError> {
        let own = asking_key(token);
        self.writer
            .write(move |tx| {
                tx.bookkeeping = true;
                tx.connection
                    .change("DELETE FROM node WHERE key = ?1", [&own])?;
                Ok(())
            })
            .await
    }
}

/// Whether the process with this row may ask.
fn judge(
    connection: &Connection,
    token: i64,
    own: &str,
    began: Timestamp,
    now: Timestamp,
) -> Result<MayAsk, StoreError> {
    let waited = now.duration_since(began).abs();
    let (runs, mut total) = of_token(connection, token, Some(own), now)?;
    if runs.is_empty() || waited >= PATIENCE {
        return Ok(MayAsk::Now);
    }
    let (mut allowed, mut busy, mut keeping) = (0, Vec::new(), Vec::new());
    for run in runs {
        let under_way = attempt::count_under_way(connection, run.batch, held_after(now))?;
        total += under_way;
        allowed = allowed.max(run.connections.abs());
        if under_way > 0 {
            busy.push(run.batch);
        }
        if waited < KEPT && run.keeps() {
            keeping.push(run.batch);
        }
    }
    let (users, longest) = if i64::from(total) >= allowed {
        (busy, PATIENCE)
    } else if keeping.is_empty() {
        return Ok(MayAsk::Now);
    } else {
        (keeping, KEPT)
    };
    let batches = names(connection, users)?;
    let until = began.checked_add(longest).unwrap_or(began);
    Ok(MayAsk::Later { batches, until })
}

impl Reader {
    /// Who uses the token's connections beside the run of batch `own`: the batches of other runs, and until when the
    /// processes hold them at the latest that ask something outside of a run.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn connection_users(
        &self,
        token: i64,
        own: BatchId,
        now: Timestamp,
    ) -> Result<(Vec<String>, Option<Timestamp>), StoreError> {
        let connection = &self.connection;
        let (mut others, _) = of_token(connection, token, None, now)?;
        others.retain(|run| run.batch != own);
        let (first, last, longest) = asking(token, now);
        let until: Option<i64> = connection.value(
            "SELECT max(value) FROM node WHERE key >= ?1 AND key < ?2 AND value > ?3 AND value <= ?4",
            (first, last, to_millis(now), longest),
        )?;
        let batches = names(connection, others.into_iter().map(|run| run.batch))?;
        Ok((batches, until.map(from_millis).transpose()?))
    }
}

/// What left before that holds no connection any more.
fn held_after(now: Timestamp) -> Timestamp {
    now.checked_sub(HELD).unwrap_or(Timestamp::MIN)
}

/// The names of batches, as far as they have one.
fn names(
    connection: &Connection,
    batches: impl IntoIterator<Item = BatchId>,
) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for id in batches {
        let name: Option<Option<String>> =
            connection.find("SELECT name FROM batch WHERE id = ?1", [id])?;
        names.extend(name.flatten());
    }
    Ok(names)
}

/// The first key of processes that ask, the one after the last, and how far ahead a row of theirs may hold.
fn asking(token: i64, now: Timestamp) -> (String, String, i64) {
    let longest = to_millis(now.checked_add(LEASE).unwrap_or(now));
    (
        format!("asking.{token}."),
        format!("asking.{token}/"),
        longest,
    )
}

fn asking_key(token: i64) -> String {
    format!("asking.{token}.{}", std::process::id())
}

/// The batches with runs, live or dead.
pub(super) fn batches(connection: &Connection) -> Result<Vec<BatchId>, StoreError> {
    let sql = "SELECT key FROM node WHERE key >= 'run.' AND key < 'run/'";
    let keys: Vec<String> = connection.list(sql, [])?;
    Ok(keys.iter().filter_map(|key| batch_of(key)).collect())
}

/// The runs with the token, and how many processes ask outside of a run, `but` for this one. One statement: each claim
/// asks.
fn of_token(
    connection: &Connection,
    token: i64,
    but: Option<&str>,
    now: Timestamp,
) -> Result<(Vec<RunRow>, u32), StoreError> {
    let longest = to_millis(now.checked_add(LEASE).unwrap_or(now));
    let rows: Vec<(bool, String, i64)> = connection.rows(
        "SELECT 1, key, value FROM node WHERE key >= 'run.' || ?1 || '.' AND key < 'run.' || ?1 || '/'
         UNION ALL
         SELECT 0, key, value FROM node
         WHERE key >= 'asking.' || ?1 || '.' AND key < 'asking.' || ?1 || '/'
               AND key IS NOT ?2 AND value > ?3 AND value <= ?4",
        (token, but, to_millis(now), longest),
    )?;
    let (mut runs, mut asking) = (Vec::new(), 0);
    for (is_run, key, connections) in rows {
        match batch_of(&key).filter(|_| is_run) {
            Some(batch) => runs.push(RunRow { batch, connections }),
            None => asking += u32::from(!is_run),
        }
    }
    Ok((runs, asking))
}

fn batch_of(key: &str) -> Option<BatchId> {
    let (_, batch) = key.rsplit_once('.')?;
    batch.parse().ok().map(BatchId)
}

fn note(
    connection: &Connection,
    token: i64,
    batch: BatchId,
    connections: i64,
) -> Result<(), StoreError> {
    connection.change(
        "INSERT INTO node (rowid, key, value) VALUES (-?3, ?1, ?2)
             ON CONFLICT DO UPDATE SET key = excluded.key, value = excluded.value",
        (
            format!("run.{token}.{}", batch.get()),
            connections,
            batch.get(),
        ),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: i64 = 7;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn run(batch: i64, connections: u32) -> Run {
        Run {
            batch: BatchId(batch),
            token: TOKEN,
            connections,
            since: at(0),
        }
    }

    /// A checkpoint in which these runs have begun.
    fn checkpoint(runs: &[Run]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let runs = runs.to_vec();
        let begun = store
            .writer
            .write_blocking(move |tx| runs.iter().try_for_each(|run| enter(tx, run)));
        begun.unwrap();
        (folder, store)
    }

    /// Puts more requests of the batch under way.
    fn requests(store: &Store, batch: i64, count: i64) {
        let begun = store.writer.write_blocking(move |tx| {
            for request in 0..count {
                tx.connection.change(
                    "INSERT INTO attempt (recipient, channel, kind, started_at)
                         VALUES ((?1 << 32) + ?2, 1, 'request', 0)",
                    (batch, request + 1),
                )?;
            }
            Ok(())
        });
        begun.unwrap();
    }

    fn ask(store: &Store, run: Run, known: u32, now: Timestamp) -> Slot {
        let found = store
            .writer
            .write_blocking(move |tx| slot(tx, &run, known, now));
        found.unwrap()
    }

    #[test]
    fn a_run_that_is_alone_has_all_connections_and_learns_when_another_comes() {
        let (_folder, store) = checkpoint(&[run(1, 3)]);
        requests(&store, 1, 3);
        assert_eq!(ask(&store, run(1, 3), 1, at(0)), Slot::Free);
        assert_eq!(ask(&store, run(1, 3), 2, at(0)), Slot::SharedBy(1));
        let (_folder, store) = checkpoint(&[run(1, 3), run(2, 3)]);
        for batch in [1, 2] {
            assert_eq!(ask(&store, run(batch, 3), 1, at(0)), Slot::SharedBy(2));
        }
    }

    #[test]
    fn runs_that_share_take_their_share_and_together_no_more_than_is_allowed() {
        for (own, others, (connections, theirs), wanted) in [
            (0, 0, (3, 3), Slot::Free),
            (0, 2, (3, 3), Slot::Free),
            (0, 3, (3, 3), Slot::Taken),
            (1, 0, (3, 3), Slot::Taken),
            (1, 0, (4, 4), Slot::Free),
            (2, 0, (4, 4), Slot::Taken),
            (0, 0, (1, 1), Slot::Free),
            (0, 1, (1, 1), Slot::Taken),
            // One that was allowed fewer is not kept waiting by one that was allowed more.
            (0, 5, (2, 10), Slot::Free),
        ] {
            let (_folder, store) = checkpoint(&[run(1, connections), run(2, theirs)]);
            requests(&store, 1, own);
            requests(&store, 2, others);
            let found = ask(&store, run(1, connections), 2, at(100));
            assert_eq!(found, wanted, "{own} and {others} of {connections}");
        }
    }

    #[test]
    fn the_requests_of_a_process_that_was_stopped_hold_no_connection_for_long() {
        let (_folder, store) = checkpoint(&[run(1, 3), run(2, 3)]);
        requests(&store, 2, 3);
        assert_eq!(ask(&store, run(1, 3), 2, at(119)), Slot::Taken);
        assert_eq!(ask(&store, run(1, 3), 2, at(120)), Slot::Free);
    }

    #[test]
    fn a_run_that_comes_waits_until_the_others_have_closed_what_they_kept() {
        let (_folder, store) = checkpoint(&[run(1, 3), run(2, 3)]);
        assert_eq!(ask(&store, run(2, 3), 2, at(1)), Slot::Free, "none is kept");
        // The first one believes to be alone, and keeps its connections.
        assert_eq!(ask(&store, run(1, 3), 1, at(1)), Slot::SharedBy(2));
        assert_eq!(ask(&store, run(2, 3), 2, at(5)), Slot::Taken);
        assert_eq!(
            ask(&store, run(2, 3), 2, at(6)),
            Slot::Free,
            "they are closed"
        );
        // It knows of the other.
        ask(&store, run(1, 3), 2, at(1));
        assert_eq!(ask(&store, run(2, 3), 2, at(1)), Slot::Free);
    }

    #[test]
    fn a_process_that_asks_counts_as_a_run_with_one_connection_until_its_time_is_over() {
        let (_folder, store) = checkpoint(&[run(1, 1)]);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let asks = |now| {
            let asks = store.may_ask(TOKEN, at(0), now);
            runtime.as_ref().unwrap().block_on(asks).unwrap()
        };
        assert_eq!(asks(at(0)), MayAsk::Now);
        assert_eq!(ask(&store, run(1, 1), 1, at(1)), Slot::SharedBy(2));
        assert_eq!(ask(&store, run(1, 1), 2, at(1)), Slot::Taken);
        let reader = store.reader().unwrap();
        let users = reader.connection_users(TOKEN, BatchId(1), at(1)).unwrap();
        assert_eq!(users, (Vec::new(), Some(at(60))));
        let other = reader.connection_users(8, BatchId(1), at(1)).unwrap();
        assert_eq!(other, (Vec::new(), None), "another token");
        assert_eq!(ask(&store, run(1, 1), 2, at(60)), Slot::SharedBy(1));
        assert_eq!(ask(&store, run(1, 1), 1, at(60)), Slot::Free);
    }

    #[test]
    fn who_asks_waits_while_runs_use_all_connections_and_no_longer_than_its_patience() {
        let (_folder, store) = checkpoint(&[run(1, 1)]);
        requests(&store, 1, 1);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let asks = |began, now| {
            let asks = store.may_ask(TOKEN, at(began), at(now));
            runtime.as_ref().unwrap().block_on(asks).unwrap()
        };
        let later = |began: i64| MayAsk::Later {
            batches: Vec::new(),
            until: at(began + 40),
        };
        for (began, now, wanted) in [
            (0, 0, later(0)),
            (0, 39, later(0)),
            (0, 40, MayAsk::Now),
            // The clock was set back since it began: that is no reason to wait for ever.
            (100, 61, later(100)),
            (100, 60, MayAsk::Now),
        ] {
            assert_eq!(asks(began, now), wanted, "since {began}, at {now}");
        }
    }

    /// A process that asks and dies leaves its row; if the clock was ahead then, the row says a time far from now.
    #[test]
    fn a_row_of_who_asks_that_holds_longer_than_any_says_nothing() {
        let (_folder, store) = checkpoint(&[run(1, 1)]);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let asks = store.may_ask(TOKEN, at(1000), at(1000));
        assert_eq!(runtime.unwrap().block_on(asks).unwrap(), MayAsk::Now);
        for (now, runs, users) in [(999, 1, None), (1000, 2, Some(at(1060)))] {
            assert_eq!(ask(&store, run(1, 1), 9, at(now)), Slot::SharedBy(runs));
            let reader = store.reader().unwrap();
            let found = reader.connection_users(TOKEN, BatchId(1), at(now));
            assert_eq!(found.unwrap(), (Vec::new(), users), "at {now}");
        }
    }
}
