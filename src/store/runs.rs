//! Runs with the same token share its connections, whatever their processes.
//!
//! Each run has a row in `node` from its start to its end. Its id is negative: the nodes of a cluster share such rows. A claim counts the requests that all runs of the token have
//! under way, in its own transaction: with those of this run they stay below the connections that are allowed, and a run
//! takes at most its share, so that one that comes later is let in. A server may count connections that are only kept
//! for the next request, so that runs that are not alone keep none. Each row says how many connections its run was
//! allowed, negative where it keeps none: a run that was allowed fewer is not kept waiting by one that was allowed more.
//!
//! The row of a run whose process is gone is removed by whoever finds it, once its requests are called unknown.
//!
//! A process that asks the API something outside of a run (`resolve --from-api`, `test`, `doctor`) has a row of its own
//! for as long as it asks, and counts as a run with one connection. Nothing tells that it died: its row says until when
//! it holds.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::attempt;
use super::checkpoint::Store;
use super::columns::to_millis;
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;
use super::transaction::Tx;

/// So long after its last request a run has closed the connections that it kept, whatever its row says.
const KEPT: SignedDuration = SignedDuration::from_secs(6);

/// So long the row of a process that asks outside of a run holds, unless it asks again.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// So long it waits for a connection at the most: a request that a run had under way when it came is answered by then,
/// and the run has left it one since. What is still under way is that of a dead process.
const PATIENCE: SignedDuration = SignedDuration::from_secs(40);

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

/// Whether a connection is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// One is.
    Free,
    /// All are used, or this run's share is.
    Taken,
    /// So many runs share the connections: the asker does not know it yet.
    SharedBy(u32),
}

/// A run as its row has it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    batch: BatchId,
    connections: i64,
}

impl Entry {
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
pub(super) fn place(
    tx: &Tx<'_>,
    run: &Run,
    known: u32,
    now: Timestamp,
) -> Result<Place, StoreError> {
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
        return Ok(Place::SharedBy(runs));
    }
    if runs == 1 {
        return Ok(Place::Free);
    }
    let began_lately = now.duration_since(run.since).abs() < KEPT;
    if began_lately && others.iter().any(Entry::keeps) {
        return Ok(Place::Taken);
    }
    let own = attempt::count_under_way(tx.connection, run.batch)?;
    let (mut total, mut allowed) = (own + asking, i64::from(run.connections));
    for other in others {
        total += attempt::count_under_way(tx.connection, other.batch)?;
        allowed = allowed.max(other.connections.abs());
    }
    let share = (run.connections / runs).max(1);
    Ok(if own < share && i64::from(total) < allowed {
        Place::Free
    } else {
        Place::Taken
    })
}

impl Store {
    /// Enters this process, which asks the API something outside of a run since `began`; true if it may ask now. Until
    /// then it asks again, each time.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn may_ask(
        &self,
        token: i64,
        began: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
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
                let waited = now.duration_since(began).abs();
                let (runs, mut total) = of_token(tx.connection, token, Some(&own), now)?;
                if runs.is_empty() || waited >= PATIENCE {
                    return Ok(true);
                }
                if waited < KEPT && runs.iter().any(Entry::keeps) {
                    return Ok(false);
                }
                let mut allowed = 0;
                for run in runs {
                    total += attempt::count_under_way(tx.connection, run.batch)?;
                    allowed = allowed.max(run.connections.abs());
                }
                Ok(i64::from(total) < allowed)
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
) -> Result<(Vec<Entry>, u32), StoreError> {
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
            Some(batch) => runs.push(Entry { batch, connections }),
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
