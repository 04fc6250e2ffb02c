//! Intents: which recipients may have a request on its way.
//!
//! An intent is on disk before its requests leave. It covers a range of rows that were claimed
//! together; those of them that are still `queued` are [`State::Sending`]. The table is as small as
//! the number of requests under way, whatever the length of the list.
//!
//! Invariant: whoever changes queued rows of a batch that it holds, or puts rows back into the queue,
//! has called [`interrupt`](super::journal::interrupt) before: what a dead process left under way is
//! `unknown` then, and no intent covers a row that waits.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::batch::{BatchId, RecipientId, parse_state};
use super::error::StoreError;
use super::{from_millis, suppression};
use crate::domain::delivery::State;
use crate::domain::phone::PhoneNumber;

/// Rows that were claimed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) token: i64,
    /// When the first of them was claimed, in milliseconds.
    pub(super) started_at: i64,
}

impl Intent {
    pub(super) fn batch(&self) -> BatchId {
        RecipientId::from_column(self.first).batch()
    }
}

/// A recipient whose request may be on its way.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) recipient: RecipientId,
    pub(super) phone: PhoneNumber,
    pub(super) content: String,
}

pub(super) fn insert(connection: &Connection, intent: &Intent) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO intent (first, last, token, started_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((intent.first, intent.last, intent.token, intent.started_at))?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, first: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM intent WHERE first = ?1")?
        .execute([first])?;
    Ok(())
}

const SELECT: &str = "SELECT first, last, token, started_at FROM intent";

fn select(
    connection: &Connection,
    condition: &str,
    batch: BatchId,
) -> Result<Vec<Intent>, StoreError> {
    let mut select =
        connection.prepare_cached(&format!("{SELECT} WHERE {condition} ORDER BY first"))?;
    let rows = select.query_map((batch.get() << 32, (batch.get() + 1) << 32), |row| {
        Ok(Intent {
            first: row.get(0)?,
            last: row.get(1)?,
            token: row.get(2)?,
            started_at: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The intents of a batch.
pub(super) fn of_batch(connection: &Connection, batch: BatchId) -> Result<Vec<Intent>, StoreError> {
    select(connection, "first > ?1 AND first < ?2", batch)
}

/// The intents of all other batches.
pub(super) fn of_others(
    connection: &Connection,
    batch: BatchId,
) -> Result<Vec<Intent>, StoreError> {
    select(connection, "first < ?1 OR first > ?2", batch)
}

/// The intents of all batches.
pub(super) fn all(connection: &Connection) -> Result<Vec<Intent>, StoreError> {
    of_others(connection, BatchId::from_column(0))
}

/// The recipients of an intent that are not settled.
pub(super) fn under_way(
    connection: &Connection,
    intent: &Intent,
) -> Result<Vec<UnderWay>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT r.id, r.phone, i.content FROM recipient r JOIN recipient_input i ON i.id = r.id
         WHERE r.id BETWEEN ?1 AND ?2 AND r.state = 'queued' AND r.phone IS NOT NULL ORDER BY r.id",
    )?;
    let rows = select.query_map((intent.first, intent.last), |row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get::<_, Option<String>>(2)?.unwrap_or_default(),
        ))
    })?;
    rows.map(|row| {
        let (id, phone, content) = row?;
        Ok(UnderWay {
            recipient: RecipientId::from_column(id),
            phone: suppression::phone(phone)?,
            content,
        })
    })
    .collect()
}

/// When the intent was written that covers the row; `None` if none does.
pub(super) fn covers(
    connection: &Connection,
    id: RecipientId,
) -> Result<Option<Timestamp>, StoreError> {
    let started: Option<i64> = connection
        .prepare_cached("SELECT started_at FROM intent WHERE first <= ?1 AND last >= ?1")?
        .query_row([id.get()], |row| row.get(0))
        .optional()?;
    started.map(from_millis).transpose()
}

/// The state of a row whose stored word is `word`.
pub(super) fn state(
    connection: &Connection,
    id: RecipientId,
    word: &str,
) -> Result<State, StoreError> {
    let stored = parse_state(word)?;
    if stored == State::Queued && covers(connection, id)?.is_some() {
        return Ok(State::Sending);
    }
    Ok(stored)
}

/// The intents of a batch, for readers of many rows.
#[derive(Debug)]
pub(super) struct Intents(Vec<Intent>);

impl Intents {
    pub(super) fn load(connection: &Connection, batch: BatchId) -> Result<Self, StoreError> {
        of_batch(connection, batch).map(Self)
    }

    /// The state of a row whose stored word is `word`.
    pub(super) fn state(&self, id: RecipientId, word: &str) -> Result<State, StoreError> {
        let stored = parse_state(word)?;
        let covered = || {
            let after = self.0.partition_point(|intent| intent.first <= id.get());
            after > 0 && self.0[after - 1].last >= id.get()
        };
        if stored == State::Queued && covered() {
            return Ok(State::Sending);
        }
        Ok(stored)
    }
}
