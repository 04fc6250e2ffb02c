//! What results files and other lists tell of messages: made part of the checkpoint.
//!
//! A batch that the checkpoint does not have is restored: it stays in state `reading` until all its rows are there.
//! Into one that it has, a row brings only what is not known yet. A message of a file stands as a request
//! of a kind of its own, so that all who ask about earlier messages find it.

mod row;

use jiff::Timestamp;

use super::checkpoint::Store;
use super::columns::{Json, to_json, to_millis};
use super::decision::{self, DecisionRecord};
use super::error::StoreError;
use super::ids::{BatchId, RecipientId};
use super::query::Query as _;
use crate::crash::{CrashPoint, crash_point};
use crate::domain::batch_state::BatchState;
use row::{merge, restore};

pub(crate) use row::{Brought, ImportedRow};

/// How a restored batch stands.
#[derive(Debug, Clone)]
pub(crate) struct Restored {
    /// Its last row.
    pub(crate) last: u32,
    /// It was given up.
    pub(crate) cancelled: bool,
    /// Why it stands so, for people.
    pub(crate) why: String,
    /// For the audit.
    pub(crate) note: DecisionRecord,
}

impl Store {
    /// Enters rows of a batch that is being restored, from `first` on; returns how many people they hold for an unread
    /// reply.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn restore_rows(
        &self,
        batch: BatchId,
        first: u32,
        rows: Vec<ImportedRow>,
    ) -> Result<u64, StoreError> {
        let keys = self.keys.clone();
        let held = self.writer.write_blocking(move |tx| {
            let mut held = 0;
            for (seq, row) in (first..).zip(&rows) {
                held += u64::from(restore(tx, &keys, RecipientId::new(batch, seq), row)?);
            }
            Ok(held)
        })?;
        crash_point(CrashPoint::Intake);
        Ok(held)
    }

    /// A restored batch has all its rows.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn finish_restored(
        &self,
        batch: BatchId,
        how: Restored,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer.write_blocking(move |tx| {
            let queued: bool = tx.connection.has(
                "SELECT 1 FROM recipient WHERE id > ?1 AND id < ?2 AND state = 'queued' LIMIT 1",
                batch.range(),
            )?;
            let state = match (queued, how.cancelled) {
                (true, true) => BatchState::Cancelled,
                (true, false) => BatchState::Paused,
                (false, _) => BatchState::Complete,
            };
            tx.connection.change(
                "UPDATE batch SET state = ?2, state_why = ?3, state_by = ?4, state_since = ?5, last_seq = ?6
                 WHERE id = ?1",
                (
                    batch,
                    state.word(),
                    &how.why,
                    &how.note.actor,
                    to_millis(now),
                    how.last,
                ),
            )?;
            decision::record(tx.connection, &how.note)
        })
    }

    /// Brings what rows say into a batch that is there. `headers` is the number of its columns, for rows that it does not
    /// have.
    ///
    /// The caller holds the batch ([`Store::hold`]).
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn merge_rows(
        &self,
        batch: BatchId,
        headers: usize,
        rows: Vec<ImportedRow>,
        now: Timestamp,
    ) -> Result<Brought, StoreError> {
        let keys = self.keys.clone();
        self.writer.write_blocking(move |tx| {
            let mut brought = Brought::default();
            for row in &rows {
                merge(tx, &keys, (batch, headers), row, now, &mut brought)?;
            }
            Ok(brought)
        })
    }

    /// Enters names of contacts files that a batch does not know; returns all its files.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn add_files(
        &self,
        batch: BatchId,
        names: Vec<String>,
    ) -> Result<Vec<String>, StoreError> {
        self.writer.write_blocking(move |tx| {
            let Json(mut files): Json<Vec<String>> = tx
                .connection
                .value("SELECT files FROM batch WHERE id = ?1", [batch])?;
            let known = files.len();
            for name in &names {
                if !files.contains(name) {
                    files.push(name.clone());
                }
            }
            if files.len() > known {
                tx.connection.change(
                    "UPDATE batch SET files = ?2 WHERE id = ?1",
                    (batch, to_json(&files)?),
                )?;
            }
            Ok(files)
        })
    }
}
