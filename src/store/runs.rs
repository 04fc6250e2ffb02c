//! Runs with the same token share its connections, whatever their processes.
//!
//! Each run has a row in `node` from its start to its end. A claim counts the requests that all runs of the token have
//! under way, in its own transaction: with those of this run they stay below the connections that are allowed, and a run
//! takes at most its share, so that one that comes later is let in. A server may count connections that are only kept
//! for the next request, so that runs that are not alone keep none; each row says whether its run does.
//!
//! The row of a run whose process is gone is removed by whoever finds it, once its requests are called unknown.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::attempt;
use super::error::StoreError;
use super::ids::BatchId;
use super::writer::Tx;

/// So long after its last request a run has closed the connections that it kept, whatever its row says.
const KEPT: SignedDuration = SignedDuration::from_secs(6);

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

/// Enters a run. It has no connection yet.
pub(super) fn enter(tx: &Tx<'_>, run: &Run) -> Result<(), StoreError> {
    leave(tx.connection, run.batch)?;
    note(tx.connection, run, false)
}

/// A run is over, or its process is.
pub(super) fn leave(connection: &Connection, batch: BatchId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM node WHERE key GLOB ?1")?
        .execute([format!("run.*.{}", batch.get())])?;
    Ok(())
}

/// Whether one more request of the run may be under way. `known` is how many runs it believes to share the connections.
pub(super) fn place(
    tx: &Tx<'_>,
    run: &Run,
    known: u32,
    now: Timestamp,
) -> Result<Place, StoreError> {
    let all = of_token(tx.connection, run.token)?;
    let keeps = known == 1;
    if !all.contains(&(run.batch, keeps)) {
        note(tx.connection, run, keeps)?;
    }
    let others: Vec<_> = all
        .iter()
        .filter(|(batch, _)| *batch != run.batch)
        .collect();
    let runs = u32::try_from(others.len() + 1).unwrap_or(u32::MAX);
    if runs != known {
        return Ok(Place::SharedBy(runs));
    }
    if others.is_empty() {
        return Ok(Place::Free);
    }
    let began_lately = now.duration_since(run.since).abs() < KEPT;
    if began_lately && others.iter().any(|(_, keeps)| *keeps) {
        return Ok(Place::Taken);
    }
    let own = attempt::count_under_way(tx.connection, run.batch)?;
    let mut total = own;
    for (batch, _) in others {
        total += attempt::count_under_way(tx.connection, *batch)?;
    }
    let share = (run.connections / runs).max(1);
    Ok(if own < share && total < run.connections {
        Place::Free
    } else {
        Place::Taken
    })
}

/// The batches with runs, live or dead.
pub(super) fn batches(connection: &Connection) -> Result<Vec<BatchId>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT key FROM node WHERE key >= 'run.' AND key < 'run/'")?;
    let keys = select.query_map([], |row| row.get::<_, String>(0))?;
    let mut found = Vec::new();
    for key in keys {
        found.extend(batch_of(&key?));
    }
    Ok(found)
}

/// The runs with the token: their batch, and whether they keep connections.
fn of_token(connection: &Connection, token: i64) -> Result<Vec<(BatchId, bool)>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT key, value FROM node WHERE key >= ?1 AND key < ?2")?;
    let range = (format!("run.{token}."), format!("run.{token}/"));
    let rows = select.query_map(range, |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (key, keeps) = row?;
        found.extend(batch_of(&key).map(|batch| (batch, keeps)));
    }
    Ok(found)
}

fn batch_of(key: &str) -> Option<BatchId> {
    let (_, batch) = key.rsplit_once('.')?;
    batch.parse().ok().map(BatchId)
}

fn note(connection: &Connection, run: &Run, keeps: bool) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO node (key, value) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute((format!("run.{}.{}", run.token, run.batch.get()), keeps))?;
    Ok(())
}
