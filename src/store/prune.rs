//! Pruning: of batches that were finished long ago, whatever names or describes a person goes. Counts, requests with
//! their times, decisions and the suppression list stay, and keyed hashes of numbers and contact ids: guards against
//! repeated messages find the person by the one, a STOP by the other.
//!
//! A batch is marked first, then its rows go in short steps; a process that finds a batch half pruned goes on. People
//! keep their number while another batch needs it, and while they are on the suppression list.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::{Reader, Store};
use super::columns::{Json, from_millis, time, to_json, to_millis};
use super::decision::{self, DecisionRecord};
use super::error::StoreError;
use super::ids::{BatchId, ContactRow, PersonId, RecipientId, StoredId};
use super::keys::HashKey;
use super::query::Query as _;
use super::steps::at_most;
use super::transaction::Tx;
use super::unread;
use crate::crash::{CrashPoint, crash_point};
use crate::domain::retention::{KeepReason, without_texts};

/// Where a batch says in its policy when it was pruned, in milliseconds.
pub(super) const PRUNED_AT: &str = "$.pruned_at";

/// Where a batch says how far its rows are pruned; gone once all are.
const PRUNED_TO: &str = "$.pruned_to";

/// A step ends when it has held the write lock for so long.
const HELD: Duration = Duration::from_millis(50);

/// Events whose content goes in one transaction.
const EVENTS: u32 = 2_000;

/// A batch that was finished long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldBatch {
    /// Its key.
    pub(crate) id: BatchId,
    /// Its name.
    pub name: String,
    /// When it was finished.
    pub finished_at: Timestamp,
    /// Its rows.
    pub rows: u64,
    /// Why it is not pruned; `None`: it is to be, or was.
    pub kept: Option<KeepReason>,
}

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PruneStep {
    /// Rows.
    pub(crate) rows: u64,
    /// People of whom only hashes are left.
    pub(crate) people: u64,
    /// Whether there are more rows.
    pub(crate) more: bool,
    /// How long it took, with its way to the disk.
    pub(crate) took: Duration,
}

impl Reader {
    /// The batches that were finished before that time and are not pruned whole, the oldest first. Reads the rows of
    /// each of them.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn old_batches(&self, before: Timestamp) -> Result<Vec<OldBatch>, StoreError> {
        self.connection.read(
            "SELECT id, name, coalesce(finished_at, state_since)
             FROM batch
             WHERE name IS NOT NULL AND state <> 'reading' AND coalesce(finished_at, state_since) < ?1
                   AND (json_extract(policy, ?2) IS NULL OR json_extract(policy, ?3) IS NOT NULL)
             ORDER BY id",
            (to_millis(before), PRUNED_AT, PRUNED_TO),
            |row| {
                let id = row.get(0)?;
                Ok(OldBatch {
                    id,
                    name: row.get(1)?,
                    finished_at: time(row, 2)?,
                    rows: self.counts(id)?.rows(),
                    kept: why_kept(&self.connection, id)?,
                })
            },
        )
    }
}

impl Store {
    /// Marks a batch as pruned, if nothing of it is open; returns why not otherwise.
    ///
    /// The caller holds the batch ([`Store::hold`]): nothing of it begins meanwhile, and its rows are looked at before
    /// the write lock is taken.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn begin_prune(
        &self,
        batch: BatchId,
        note: DecisionRecord,
        now: Timestamp,
    ) -> Result<Option<KeepReason>, StoreError> {
        let kept = why_kept(&self.reader()?.connection, batch)?;
        if kept.is_none() {
            self.writer
                .write_blocking(move |tx| mark(tx.connection, batch, &note, now))?;
        }
        Ok(kept)
    }

    /// Prunes the next rows of a batch that is marked, so many at the most.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn prune_step(&self, batch: BatchId, rows: u32) -> Result<PruneStep, StoreError> {
        let (keys, begin) = (self.keys.clone(), Instant::now());
        let step = self
            .writer
            .write_blocking(move |tx| step(tx, &keys, batch, rows))?;
        crash_point(CrashPoint::Prune);
        Ok(PruneStep {
            took: begin.elapsed(),
            ..step
        })
    }

    /// Removes what events say that came before that time: those that were not understood, and those that still wait
    /// for what they are about. Replies that nobody has read stay: no message goes to who wrote them.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn prune_events(&self, before: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let mut after = Some(0);
        while let Some(id) = after {
            let keys = self.keys.clone();
            after = self
                .writer
                .write_blocking(move |tx| prune_kept(tx, &keys, before, id))?;
        }
        loop {
            let waiting = self.writer.write_blocking(move |tx| {
                tx.connection.change(
                    "UPDATE event SET news = NULL, applied_at = ?3
                     WHERE id IN (SELECT id FROM event INDEXED BY event_waiting
                                  WHERE applied_at IS NULL AND received_at < ?1 LIMIT ?2)",
                    (to_millis(before), at_most(EVENTS), to_millis(now)),
                )
            })?;
            if waiting == 0 {
                return Ok(());
            }
        }
    }
}

/// Removes the texts of the next kept events after this one; returns the last of them if there are more.
fn prune_kept(
    tx: &Tx<'_>,
    keys: &HashKey,
    before: Timestamp,
    after: i64,
) -> Result<Option<i64>, StoreError> {
    let kept: Vec<(i64, String, i64)> = tx.connection.rows(
        "SELECT id, body, received_at FROM event INDEXED BY event_unreadable
         WHERE body IS NOT NULL AND id > ?1 AND received_at < ?2 ORDER BY id LIMIT ?3",
        (after, to_millis(before), at_most(EVENTS)),
    )?;
    let last = kept.last().map(|(id, ..)| *id);
    for (id, body, received_at) in kept {
        if !unread::is_unread_reply(tx.connection, keys, &body, from_millis(received_at)?)? {
            tx.connection
                .change("UPDATE event SET body = NULL WHERE id = ?1", [id])?;
        }
    }
    Ok(last)
}

/// Why a batch is not pruned: something of it is open.
fn why_kept(connection: &Connection, batch: BatchId) -> Result<Option<KeepReason>, StoreError> {
    let (state, changes): (String, bool) = connection.row(
        "SELECT state, change IS NOT NULL FROM batch WHERE id = ?1",
        [batch],
    )?;
    let (first, last) = batch.range();
    let count = |states: &str| -> Result<u64, StoreError> {
        connection.count(
            &format!(
                "SELECT count(*) FROM recipient WHERE id > ?1 AND id < ?2 AND state IN ({states})"
            ),
            (first, last),
        )
    };
    let open = || -> Result<bool, StoreError> {
        connection.has(
            "SELECT 1 FROM recipient r CROSS JOIN attempt a INDEXED BY attempt_by_person
                      ON a.person IS r.person AND a.recipient = r.id
                 WHERE r.id > ?1 AND r.id < ?2 AND r.maybe_accepted_at IS NOT NULL AND r.state <> 'sent'
                       AND (a.outcome IS NULL
                            OR a.outcome IN ('undecided', 'interrupted') AND a.proof IS NULL)
                 LIMIT 1",
            (first, last),
        )
    };
    let finished = !changes && matches!(state.as_str(), "complete" | "cancelled");
    let unknown = count("'unknown', 'sending'")?;
    let queued = count("'queued'")?;
    Ok(match (unknown, queued) {
        (rows @ 1.., _) => Some(KeepReason::Unknown(rows)),
        (0, rows @ 1..) => Some(KeepReason::Queued(rows)),
        (0, 0) if !finished => Some(KeepReason::Unfinished),
        (0, 0) if open()? => Some(KeepReason::Open),
        (0, 0) => None,
    })
}

/// Marks the batch. Its message goes with its rows: of the texts of its definition their digests stay.
fn mark(
    connection: &Connection,
    batch: BatchId,
    note: &DecisionRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (Json(definition), begun) = connection.row(
        "SELECT definition, json_extract(policy, ?2) IS NOT NULL FROM batch WHERE id = ?1",
        (batch, PRUNED_TO),
    )?;
    if begun {
        return Ok(());
    }
    let definition = without_texts(definition);
    let (first, _) = batch.range();
    connection.change(
        "UPDATE batch SET definition = ?2, halted_text = NULL,
                policy = json_set(json_remove(policy, '$.fallback', '$.sent_as'), ?3, ?4, ?5, ?6)
         WHERE id = ?1",
        (
            batch,
            to_json(&definition)?,
            PRUNED_AT,
            to_millis(now),
            PRUNED_TO,
            first,
        ),
    )?;
    decision::record(connection, note)
}

/// A batch gets a new list: it is pruned no more.
pub(super) fn unmark(connection: &Connection, batch: BatchId) -> Result<(), StoreError> {
    connection.change(
        "UPDATE batch SET policy = json_remove(policy, ?2, ?3) WHERE id = ?1",
        (batch, PRUNED_AT, PRUNED_TO),
    )?;
    Ok(())
}

fn step(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    batch: BatchId,
    most: u32,
) -> Result<PruneStep, StoreError> {
    let begin = Instant::now();
    let after: Option<i64> = tx.connection.value(
        "SELECT json_extract(policy, ?2) FROM batch WHERE id = ?1",
        (batch, PRUNED_TO),
    )?;
    let Some(after) = after else {
        return Ok(PruneStep::default());
    };
    let (_, last) = batch.range();
    let rows: Vec<(RecipientId, Option<PersonId>)> = tx.connection.rows(
        "SELECT id, person FROM recipient WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
        (after, last, most),
    )?;
    let pruned = pruned_batches(tx.connection)?;
    let mut step = PruneStep::default();
    let mut to = None;
    for (id, whose) in &rows {
        strip(tx.connection, *id, *whose)?;
        if let Some(whose) = whose {
            step.people += u64::from(strip_person(tx.connection, keys, *whose, &pruned)?);
        }
        step.rows += 1;
        to = Some(id.get());
        if begin.elapsed() > HELD {
            break;
        }
    }
    step.more = to.is_some();
    match to {
        Some(to) => {
            strip_input(tx.connection, after, to)?;
            tx.connection.change(
                "UPDATE batch SET policy = json_set(policy, ?2, ?3) WHERE id = ?1",
                (batch, PRUNED_TO, to),
            )?
        }
        None => tx.connection.change(
            "UPDATE batch SET policy = json_remove(policy, ?2) WHERE id = ?1",
            (batch, PRUNED_TO),
        )?,
    };
    Ok(step)
}

fn pruned_batches(connection: &Connection) -> Result<BTreeSet<BatchId>, StoreError> {
    let pruned = connection.list(
        "SELECT id FROM batch WHERE json_extract(policy, ?1) IS NOT NULL",
        [PRUNED_AT],
    )?;
    Ok(pruned.into_iter().collect())
}

/// Of the rows after one up to another their places stay. They are removed and written anew: pages that become empty
/// are free for what follows, while rows that only become shorter would leave all pages where they are.
fn strip_input(connection: &Connection, after: i64, to: i64) -> Result<(), StoreError> {
    let places: Vec<(i64, u16, u32, Option<i64>)> = connection.rows(
        "SELECT id, file, row, content_key FROM recipient_input WHERE id > ?1 AND id <= ?2 ORDER BY id",
        (after, to),
    )?;
    connection.change(
        "DELETE FROM recipient_input WHERE id > ?1 AND id <= ?2",
        (after, to),
    )?;
    for place in places {
        connection.change(
            "INSERT INTO recipient_input (id, file, row, fields, content_key) VALUES (?1, ?2, ?3, '[]', ?4)",
            place,
        )?;
    }
    Ok(())
}

/// What a row says goes, and what answers said of its requests.
fn strip(
    connection: &Connection,
    id: RecipientId,
    whose: Option<PersonId>,
) -> Result<(), StoreError> {
    connection.change(
        "UPDATE recipient SET reason = NULL WHERE id = ?1 AND reason IS NOT NULL",
        [id],
    )?;
    connection.change(
        "UPDATE attempt INDEXED BY attempt_by_person
             SET text = NULL, message_id = NULL, proof_text = NULL
             WHERE person IS ?1 AND recipient = ?2",
        (whose, id),
    )?;
    Ok(())
}

/// People whose list was dropped: whom none but pruned batches know is named by a hash again.
pub(super) fn strip_unneeded(
    connection: &Connection,
    keys: &HashKey,
    people: impl Iterator<Item = PersonId>,
) -> Result<(), StoreError> {
    let pruned = pruned_batches(connection)?;
    if pruned.is_empty() {
        return Ok(());
    }
    for whose in people {
        strip_person(connection, keys, whose, &pruned)?;
    }
    Ok(())
}

/// Of a person whom pruned batches know and no other needs, hashes stay. Returns whether the number went.
fn strip_person(
    connection: &Connection,
    keys: &HashKey,
    whose: PersonId,
    pruned: &BTreeSet<BatchId>,
) -> Result<bool, StoreError> {
    let batches: Vec<BatchId> = connection.list(
        "SELECT id >> 32 FROM recipient INDEXED BY recipient_by_person WHERE person = ?1",
        [whose],
    )?;
    if batches.is_empty() || batches.iter().any(|batch| !pruned.contains(batch)) {
        return Ok(false);
    }
    connection.change(
        "UPDATE attempt INDEXED BY attempt_by_person
             SET text = NULL, message_id = NULL, proof_text = NULL
             WHERE person = ?1 AND message_id IS NOT NULL",
        [whose],
    )?;
    strip_contacts(connection, keys, whose)?;
    let number: Option<Option<i64>> = connection.find(
        "SELECT number FROM person WHERE id = ?1 AND suppressed_at IS NULL",
        [whose],
    )?;
    let Some(number) = number.flatten() else {
        return Ok(false);
    };
    let hash = keys.number_column(number);
    // Another person is known by that hash only where an older version left both.
    let went = connection.change(
        "UPDATE person SET number = NULL, number_hash = ?2
             WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM person WHERE number_hash = ?2)",
        (whose, hash),
    )?;
    if went > 0 {
        connection.change(
            "DELETE FROM person_by_number WHERE number = ?1 AND person = ?2",
            (number, whose),
        )?;
    }
    Ok(went > 0)
}

/// Of contact ids hashes stay, by which a STOP is understood. An id that several people had stays as it is: its STOP
/// concerns all of them.
fn strip_contacts(
    connection: &Connection,
    keys: &HashKey,
    whose: PersonId,
) -> Result<(), StoreError> {
    let contacts: Vec<(ContactRow, String, StoredId)> = connection.rows(
        "SELECT k.id, c.api_id, k.api_id FROM contact k JOIN channel c ON c.id = k.channel
             WHERE k.person = ?1 AND k.api_id IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM contact o WHERE o.api_id = k.api_id
                                   AND o.channel = k.channel AND o.person IS NOT k.person)",
        [whose],
    )?;
    for (row, channel, StoredId(api_id)) in contacts {
        let hash = keys.contact(&channel, &api_id);
        connection.change(
            "UPDATE contact SET api_id = NULL, api_id_hash = ?2
                 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM contact WHERE api_id_hash = ?2)",
            (row, hash),
        )?;
        connection.change("DELETE FROM contact_read WHERE contact = ?1", [row])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
