//! `--add` and `--update`: a second list becomes part of a batch.
//!
//! The list is read into a batch of its own first (stage `reading`, never sent from). When it is
//! whole, one transaction takes it over: a crash leaves the batch as it was, or as it should be.
//!
//! - Add: all rows join. The numbers that the batch has already were found to be duplicates.
//! - Update: the list replaces the batch's list, keyed by number. Who was messaged stays messaged.
//!   Who is still queued takes the new row's fields and message, new numbers join, numbers that are
//!   gone and still queued become suppressed; the verdicts on rows without a usable number are
//!   replaced by those of the new list.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::batch::{Batch, BatchId, parse_state, to_json};
use super::error::StoreError;
use super::writer::{Counter, Tx};
use super::{Reader, Store, journal, suppression, to_millis};
use crate::domain::delivery::{self, Event, State};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Position, RowNumber, Suppression};

/// How a list becomes part of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absorb {
    /// Its rows join.
    Add,
    /// It replaces the batch's list.
    Update,
}

/// What a batch is once it has taken a list over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Becomes {
    /// What its digest covers, by name.
    pub definition: BTreeMap<String, String>,
    /// SHA-256 over that.
    pub digest: [u8; 32],
    /// The names of all its files.
    pub files: Vec<String>,
}

impl Reader {
    /// The numbers of the batch, each with the row that counts.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn numbers(&self, id: BatchId) -> Result<Vec<(PhoneNumber, Position)>, StoreError> {
        let mut select = self.connection.prepare(
            "SELECT r.phone, i.file, i.row FROM recipient r JOIN recipient_input i ON i.id = r.id
             WHERE r.id > ?1 AND r.id < ?2 AND r.phone IS NOT NULL AND r.state <> 'duplicate'
             ORDER BY r.id",
        )?;
        let mut rows = select.query(range(id))?;
        let mut numbers = Vec::new();
        while let Some(row) = rows.next()? {
            let position = Position {
                file: row.get(1)?,
                row: RowNumber::new(row.get(2)?).unwrap_or(RowNumber::HEADER),
            };
            numbers.push((suppression::phone(row.get(0)?)?, position));
        }
        Ok(numbers)
    }
}

impl Store {
    /// Takes the rows of `staging` over into `batch`, whose definition and files become these. Whoever
    /// was under way when an earlier process died becomes unknown first: returns how many.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; then nothing has changed.
    pub fn absorb(
        &self,
        batch: &Batch,
        staging: BatchId,
        how: Absorb,
        becomes: Becomes,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let target = batch.id;
        let Becomes {
            definition,
            digest,
            files,
        } = becomes;
        self.writer.write_blocking(move |tx| {
            let interrupted = journal::interrupt(tx, target, now)?;
            match how {
                Absorb::Add => {}
                Absorb::Update => update(tx, target, staging, now)?,
            }
            append(tx, target, staging)?;
            tx.connection.execute(
                "UPDATE batch SET definition = ?2, digest = ?3, files = ?4 WHERE id = ?1",
                (
                    target.get(),
                    to_json(&definition)?,
                    digest,
                    to_json(&files)?,
                ),
            )?;
            remove(tx, staging)?;
            Ok(interrupted)
        })
    }
}

fn range(id: BatchId) -> (i64, i64) {
    (id.get() << 32, (id.get() + 1) << 32)
}

/// Brings the batch's rows in line with the new list; takes the rows that it matches off that list.
fn update(
    tx: &mut Tx<'_>,
    target: BatchId,
    staging: BatchId,
    now: Timestamp,
) -> Result<(), StoreError> {
    drop_verdicts(tx, target)?;
    let (first, last) = range(target);
    let (new_first, new_last) = range(staging);
    tx.connection.execute_batch(
        "DROP TABLE IF EXISTS temp.pair;
         CREATE TEMP TABLE pair (old INTEGER PRIMARY KEY, new INTEGER, state TEXT, code TEXT,
                                 new_state TEXT);",
    )?;
    // The hash join that SQLite builds by itself (an automatic index) is what is wanted here.
    tx.connection.execute(
        "INSERT INTO temp.pair
         SELECT o.id, n.id, o.state, o.reason_code, n.state
         FROM recipient o LEFT JOIN
              (SELECT id, phone, state FROM recipient
               WHERE id > ?3 AND id < ?4 AND phone IS NOT NULL AND state <> 'duplicate') n
              ON n.phone = o.phone
         WHERE o.id > ?1 AND o.id < ?2",
        (first, last, new_first, new_last),
    )?;
    take_over_fields(tx)?;
    move_states(tx, target, now)?;
    // The matched rows of the new list are the old ones now.
    tx.connection.execute_batch(
        "DELETE FROM recipient_input WHERE id IN (SELECT new FROM temp.pair WHERE new IS NOT NULL);
         DELETE FROM recipient WHERE id IN (SELECT new FROM temp.pair WHERE new IS NOT NULL);
         DROP TABLE temp.pair;",
    )?;
    Ok(())
}

/// Rows of the old list that were never recipients go with it.
fn drop_verdicts(tx: &mut Tx<'_>, target: BatchId) -> Result<(), StoreError> {
    let (first, last) = range(target);
    for state in [State::Invalid, State::Duplicate] {
        tx.connection.execute(
            "DELETE FROM recipient_input WHERE id IN
             (SELECT id FROM recipient WHERE id > ?1 AND id < ?2 AND state = ?3)",
            (first, last, state.word()),
        )?;
        let gone = tx.connection.execute(
            "DELETE FROM recipient WHERE id > ?1 AND id < ?2 AND state = ?3",
            (first, last, state.word()),
        )?;
        tx.count(
            target,
            Counter::State(state),
            -i64::try_from(gone).unwrap_or(0),
        );
    }
    Ok(())
}

fn take_over_fields(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.connection.execute_batch(
        "UPDATE recipient_input AS o SET file = n.file, row = n.row, fields = n.fields
         FROM temp.pair p JOIN recipient_input n ON n.id = p.new WHERE o.id = p.old;
         UPDATE recipient_input AS o
         SET first_name = n.first_name, last_name = n.last_name, contact_id = n.contact_id,
             content = n.content, metadata = n.metadata
         FROM temp.pair p JOIN recipient_input n ON n.id = p.new
         WHERE o.id = p.old AND n.content IS NOT NULL
           AND (p.state = 'queued' OR (p.state = 'suppressed' AND p.code = 'removed_by_update'));",
    )?;
    Ok(())
}

fn move_states(tx: &mut Tx<'_>, target: BatchId, now: Timestamp) -> Result<(), StoreError> {
    // Queued and gone from the list.
    let gone = delivery::next(State::Queued, Event::Suppress)?;
    let removed = Suppression::Removed;
    let rows = tx.connection.execute(
        "UPDATE recipient SET state = ?1, reason_code = ?2, reason = ?3, finished_at = ?4
         WHERE id IN (SELECT old FROM temp.pair WHERE new IS NULL AND state = 'queued')",
        (
            gone.word(),
            removed.code(),
            removed.to_string(),
            to_millis(now),
        ),
    )?;
    count_moves(tx, target, State::Queued, gone, rows);
    // Queued, and suppressed by what the new list's reading found.
    let rows = tx.connection.execute(
        "UPDATE recipient AS o
         SET state = n.state, reason_code = n.reason_code, reason = n.reason, finished_at = ?1
         FROM temp.pair p JOIN recipient n ON n.id = p.new
         WHERE o.id = p.old AND p.state = 'queued' AND p.new_state = 'suppressed'",
        [to_millis(now)],
    )?;
    count_moves(tx, target, State::Queued, gone, rows);
    // Removed by an earlier update, and back again.
    let back = delivery::next(State::Suppressed, Event::Restore)?;
    let rows = tx.connection.execute(
        "UPDATE recipient SET state = ?1, reason_code = NULL, reason = NULL, finished_at = NULL
         WHERE id IN (SELECT old FROM temp.pair WHERE state = 'suppressed'
                      AND code = 'removed_by_update' AND new_state = 'queued')",
        [back.word()],
    )?;
    count_moves(tx, target, State::Suppressed, back, rows);
    Ok(())
}

fn count_moves(tx: &mut Tx<'_>, batch: BatchId, from: State, to: State, rows: usize) {
    let rows = i64::try_from(rows).unwrap_or(0);
    tx.count(batch, Counter::State(from), -rows);
    tx.count(batch, Counter::State(to), rows);
}

/// The rows of the new list join behind the batch's last.
fn append(tx: &mut Tx<'_>, target: BatchId, staging: BatchId) -> Result<(), StoreError> {
    let (first, last) = range(staging);
    let last_seq: i64 = tx.connection.query_row(
        "SELECT last_seq FROM batch WHERE id = ?1",
        [target.get()],
        |row| row.get(0),
    )?;
    let offset = (target.get() << 32) + last_seq - first;
    let highest: Option<i64> = tx.connection.query_row(
        "SELECT max(id) FROM recipient WHERE id > ?1 AND id < ?2",
        (first, last),
        |row| row.get(0),
    )?;
    let new_last = last_seq + highest.map_or(0, |highest| highest - first);
    if new_last > i64::from(u32::MAX) {
        return Err(StoreError::Value {
            detail: "a batch holds at most 4,294,967,295 rows".to_owned(),
        });
    }
    let counted: Vec<(String, i64)> = tx
        .connection
        .prepare("SELECT state, count(*) FROM recipient WHERE id > ?1 AND id < ?2 GROUP BY state")?
        .query_map((first, last), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (state, rows) in counted {
        tx.count(target, Counter::State(parse_state(&state)?), rows);
    }
    for table in ["recipient", "recipient_input"] {
        // The ids of the two batches do not meet: each has its own range.
        tx.connection.execute(
            &format!("UPDATE {table} SET id = id + ?3 WHERE id > ?1 AND id < ?2"),
            (first, last, offset),
        )?;
    }
    tx.connection.execute(
        "UPDATE batch SET last_seq = ?2 WHERE id = ?1",
        (target.get(), new_last),
    )?;
    Ok(())
}

/// The list's own batch is empty now.
fn remove(tx: &mut Tx<'_>, staging: BatchId) -> Result<(), StoreError> {
    tx.forget_counts(staging);
    // Its counts go with it.
    tx.connection
        .execute("DELETE FROM batch WHERE id = ?1", [staging.get()])?;
    Ok(())
}
