//! `--add` and `--update`: a second list becomes part of a batch.
//!
//! The list is read into a batch of its own first (state `reading`, without a name, never sent from). When it
//! is whole, one short transaction decides the change: it is written at the batch, and from then on nothing
//! of the batch may be claimed. Steps carry it out, each a short transaction that judges the rows as they are
//! then, and notes how far it came: a process that finds a change half done completes it
//! ([`Store::finish_change`]).
//!
//! - Add: all rows join. The numbers that the batch has already were found to be duplicates.
//! - Update: the list replaces the batch's list, person by person. A message that was sent stays sent. Whoever
//!   is not settled for good takes the new row's fields, message and verdict; new people join; people who are
//!   gone and still queued become suppressed; the verdicts on rows without a usable number are replaced.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::batch::{Batch, delete_recipient, remove, reopen};
use super::channel;
use super::checkpoint::{Reader, Store};
use super::columns::{Json, from_json, to_json, to_millis};
use super::earlier::{self, MessagedDecision};
use super::error::StoreError;
use super::ids::{BatchId, PersonId, RecipientId};
use super::journal;
use super::prune;
use super::query::Query as _;
use super::suppression;
use super::tally::Counter;
use super::writer::Tx;
use crate::domain::delivery::{self, Event, State};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Position, RowNumber, Suppression};

/// Rows that are changed in one transaction: some 30 ms.
const STEP: usize = 1_000;

/// How a list becomes part of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Its rows join.
    Add,
    /// It replaces the batch's list.
    Update,
}

/// What a batch is once the list is part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListChange {
    /// How.
    pub(crate) how: Change,
    /// What its digest covers, by name.
    pub(crate) definition: BTreeMap<String, String>,
    /// SHA-256 over that.
    pub(crate) digest: [u8; 32],
    /// The names of all its files.
    pub(crate) files: Vec<String>,
    /// Its columns: those of a batch that was restored may be others before.
    #[serde(default)]
    pub(crate) headers: Option<Vec<String>>,
    /// Its channel, likewise.
    #[serde(default)]
    pub(crate) channel: Option<String>,
}

/// A change that was decided, as it stands at the batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Decided {
    change: ListChange,
    /// The number of the batch that holds the new list.
    staging: i64,
    /// The last row of the old list that was brought in line; `None` once all were.
    after: Option<i64>,
    /// The last row of the old list.
    last: i64,
}

impl Reader {
    /// The numbers of the batch, each with the row that counts. A row that is suppressed, and whose message was
    /// surely not accepted, does not: its person may be messaged by now. One whose list says that the person must
    /// not be messaged counts.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn numbers(&self, id: BatchId) -> Result<Vec<(PhoneNumber, Position)>, StoreError> {
        self.connection.read(
            "SELECT p.number, i.file, i.row
             FROM recipient r JOIN person p ON p.id = r.person JOIN recipient_input i ON i.id = r.id
             WHERE r.id > ?1 AND r.id < ?2 AND p.number IS NOT NULL
                   AND r.state <> 'duplicate' AND r.state <> 'invalid'
                   AND NOT (r.state = 'suppressed' AND r.maybe_accepted_at IS NULL
                            AND r.reason_code IS NOT 'no_consent')
             ORDER BY r.id",
            id.range(),
            |row| {
                let position = Position {
                    file: row.get(1)?,
                    row: RowNumber::new(row.get(2)?).unwrap_or(RowNumber::HEADER),
                };
                Ok((row.get(0)?, position))
            },
        )
    }
}

impl Reader {
    /// The invalid rows of the batch whose place no other row took yet.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn rows_to_mend(
        &self,
        id: BatchId,
    ) -> Result<HashMap<Position, RecipientId>, StoreError> {
        let found = self.connection.read(
            "SELECT r.id, i.file, i.row FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id
             WHERE r.id > ?1 AND r.id < ?2 AND r.state = 'invalid' AND r.mended_by IS NULL",
            id.range(),
            |row| {
                let position = Position {
                    file: row.get(1)?,
                    row: RowNumber::new(row.get(2)?).unwrap_or(RowNumber::HEADER),
                };
                Ok((position, row.get(0)?))
            },
        )?;
        Ok(found.into_iter().collect())
    }

    /// How many invalid rows of the batch were mended: another row took their place.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn mended(&self, id: BatchId) -> Result<u64, StoreError> {
        self.connection.count(
            "SELECT count(*) FROM recipient
                 WHERE id > ?1 AND id < ?2 AND state = 'invalid' AND mended_by IS NOT NULL",
            id.range(),
        )
    }
}

impl Store {
    /// Makes the rows of `staging` part of `batch`. Whoever was under way when an earlier process died becomes
    /// unknown first: returns how many.
    ///
    /// What was decided about people whom other batches messaged is carried out with it.
    ///
    /// The caller holds the batch ([`Store::hold`]).
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; a change that was begun is completed by
    /// [`Store::finish_change`].
    pub(crate) fn change_list(
        &self,
        batch: &Batch,
        staging: BatchId,
        change: ListChange,
        messaged: Option<MessagedDecision>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let target = batch.id;
        let interrupted = self.writer.write_blocking(move |tx| {
            if let Some(decision) = &messaged {
                earlier::carry_out(tx.connection, target, decision, now)?;
            }
            decide(tx, target, staging, &change, now)
        })?;
        self.finish_change(target, now)?;
        Ok(interrupted)
    }

    /// Completes a change of the batch's list that was decided; does nothing if there is none.
    ///
    /// The caller holds the batch ([`Store::hold`]).
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; it can be completed later.
    pub(crate) fn finish_change(&self, batch: BatchId, now: Timestamp) -> Result<(), StoreError> {
        while self.writer.write_blocking(move |tx| step(tx, batch, now))? {}
        Ok(())
    }
}

/// Writes the change at the batch.
fn decide(
    tx: &mut Tx<'_>,
    target: BatchId,
    staging: BatchId,
    change: &ListChange,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let interrupted = journal::interrupt(tx, target, now)?;
    let (last, files): (i64, String) = tx
        .connection
        .row("SELECT last_seq, files FROM batch WHERE id = ?1", [target])?;
    let (first, _) = target.range();
    let decided = Decided {
        staging: staging.get(),
        after: match change.how {
            Change::Add => None,
            Change::Update => Some(first),
        },
        last: first + last,
        change: change.clone(),
    };
    prune::unmark(tx.connection, target)?;
    let on = match &change.channel {
        Some(api_id) => Some(channel::find_or_make(tx.connection, api_id)?),
        None => None,
    };
    let replaced = match change.how {
        Change::Add => None,
        Change::Update => Some(from_json::<Vec<String>>(&files)?.len()),
    };
    tx.connection.execute(
        "UPDATE batch SET change = ?2, files = ?3, first_file = coalesce(?4, first_file),
                headers = coalesce(?5, headers), channel = coalesce(?6, channel)
         WHERE id = ?1",
        (
            target,
            to_json(&decided)?,
            to_json(&change.files)?,
            replaced.and_then(|files| i64::try_from(files).ok()),
            change.headers.as_ref().map(to_json).transpose()?,
            on,
        ),
    )?;
    Ok(interrupted)
}

/// The next step of a decided change; false when there is none left.
fn step(tx: &mut Tx<'_>, target: BatchId, now: Timestamp) -> Result<bool, StoreError> {
    let decided: Option<Option<Json<Decided>>> = tx
        .connection
        .find("SELECT change FROM batch WHERE id = ?1", [target])?;
    let Some(Json(mut decided)) = decided.flatten() else {
        return Ok(false);
    };
    let staging = BatchId(decided.staging);
    if let Some(after) = decided.after {
        decided.after = bring_in_line(tx, staging, after, decided.last, now)?;
        tx.connection.execute(
            "UPDATE batch SET change = ?2 WHERE id = ?1",
            (target, to_json(&decided)?),
        )?;
        return Ok(true);
    }
    if join_rows(tx, target, staging, now)? {
        return Ok(true);
    }
    let change = &decided.change;
    tx.connection.execute(
        // What was approved is not what it is now.
        "UPDATE batch SET definition = ?2, digest = ?3, change = NULL,
                approval = json_remove(approval, '$.digest', '$.by')
         WHERE id = ?1",
        (target, to_json(&change.definition)?, change.digest),
    )?;
    reopen(tx.connection, target, now)?;
    remove(tx, staging)?;
    Ok(false)
}

/// A row of the old list.
struct Old {
    id: RecipientId,
    /// `None` for a row without a number, and for one whose person was erased: no list brings that back.
    person: Option<PersonId>,
    state: State,
}

/// Brings the next rows of the old list in line with the new one; returns the last of them if there are more.
fn bring_in_line(
    tx: &mut Tx<'_>,
    staging: BatchId,
    after: i64,
    last: i64,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let rows: Vec<(RecipientId, Option<PersonId>, State)> = tx.connection.rows(
        "SELECT id, iif(reason_code IS 'erased', NULL, person), state FROM recipient
             WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
        (after, last, i64::try_from(STEP).unwrap_or(1)),
    )?;
    let more = (rows.len() == STEP)
        .then(|| rows.last().map(|(id, ..)| id.get()))
        .flatten();
    for (id, person, state) in rows {
        let old = Old { id, person, state };
        match (old.state, find_new(tx, staging, old.person)?) {
            // Verdicts of the old list go with it.
            (State::Invalid | State::Duplicate, _) => delete_row(tx, &old)?,
            (_, Some(new)) => take_over(tx, &old, new, now)?,
            (State::Queued, None) => suppression::suppress(tx, id, &Suppression::Removed, now)?,
            (
                State::Sending
                | State::Sent
                | State::NoMessenger
                | State::Error
                | State::Unknown
                | State::Suppressed,
                None,
            ) => {}
        }
    }
    Ok(more)
}

/// The row of the new list for a person, if it is to be sent to or suppressed.
fn find_new(
    tx: &Tx<'_>,
    staging: BatchId,
    person: Option<PersonId>,
) -> Result<Option<(RecipientId, State)>, StoreError> {
    let Some(person) = person else {
        return Ok(None);
    };
    let (first, last) = staging.range();
    tx.connection.find_row(
        "SELECT id, state FROM recipient INDEXED BY recipient_by_person
             WHERE person = ?1 AND id > ?2 AND id < ?3 AND state IN ('queued', 'suppressed')
             ORDER BY id LIMIT 1",
        (person, first, last),
    )
}

/// Gives an old row what the new row says, and removes the new one.
fn take_over(
    tx: &mut Tx<'_>,
    old: &Old,
    (new, verdict): (RecipientId, State),
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.connection.change(
        "UPDATE recipient_input AS o SET file = n.file, row = n.row, fields = n.fields
             FROM recipient_input n WHERE o.id = ?1 AND n.id = ?2",
        (old.id, new),
    )?;
    // What was sent is reported as it was sent; all else goes with the new list, whenever it goes.
    if old.state != State::Sent {
        tx.connection.change(
            "UPDATE recipient_input AS o
                 SET first_name = n.first_name, last_name = n.last_name, contact_id = n.contact_id,
                     content = n.content, metadata = n.metadata, content_key = n.content_key
                 FROM recipient_input n WHERE o.id = ?1 AND n.id = ?2 AND n.content IS NOT NULL",
            (old.id, new),
        )?;
    }
    judge_anew(tx, old, new, verdict, now)?;
    delete_recipient(tx.connection, new)?;
    Ok(())
}

/// A row that waits or is suppressed gets the verdict of the new row.
fn judge_anew(
    tx: &mut Tx<'_>,
    old: &Old,
    new: RecipientId,
    verdict: State,
    now: Timestamp,
) -> Result<(), StoreError> {
    let next = match (old.state, verdict) {
        (State::Queued, State::Suppressed) => delivery::next(old.state, Event::Suppress)?,
        (State::Suppressed, State::Queued) => delivery::next(old.state, Event::Restore)?,
        (State::Suppressed, State::Suppressed) => State::Suppressed,
        (
            State::Queued
            | State::Sending
            | State::Sent
            | State::NoMessenger
            | State::Error
            | State::Unknown
            | State::Invalid
            | State::Duplicate
            | State::Suppressed,
            _,
        ) => return Ok(()),
    };
    tx.connection.change(
        "UPDATE recipient AS o
             SET state = ?3, reason_code = n.reason_code, reason = n.reason, not_before = 0,
                 finished_at = iif(?3 = 'suppressed', ?4, NULL)
             FROM recipient n WHERE o.id = ?1 AND n.id = ?2",
        (old.id, new, next.word(), to_millis(now)),
    )?;
    tx.count_move(old.id.batch(), old.state, next);
    Ok(())
}

fn delete_row(tx: &mut Tx<'_>, old: &Old) -> Result<(), StoreError> {
    delete_recipient(tx.connection, old.id)?;
    tx.count(old.id.batch(), Counter::State(old.state), -1);
    Ok(())
}

/// The next rows of the new list join behind the batch's last; false if none was left.
fn join_rows(
    tx: &mut Tx<'_>,
    target: BatchId,
    staging: BatchId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (first, last) = staging.range();
    let rows: Vec<(RecipientId, State)> = tx.connection.rows(
        "SELECT id, state FROM recipient WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
        (first, last, i64::try_from(STEP).unwrap_or(1)),
    )?;
    if rows.is_empty() {
        return Ok(false);
    }
    let last_seq: u32 = tx
        .connection
        .value("SELECT last_seq FROM batch WHERE id = ?1", [target])?;
    let full = || StoreError::Value {
        detail: "a batch holds at most 4,294,967,295 rows".to_owned(),
    };
    let count = u32::try_from(rows.len()).map_err(|_| full())?;
    let new_last = last_seq.checked_add(count).ok_or_else(full)?;
    for ((from, state), seq) in rows.into_iter().zip(last_seq + 1..) {
        let to = RecipientId::new(target, seq);
        move_row(tx, from, to)?;
        tx.count(target, Counter::State(state), 1);
        if state == State::Suppressed {
            refuse_queued(tx, target, to, now)?;
        }
        settle_with_suppressed(tx, target, to, state)?;
    }
    tx.connection.execute(
        "UPDATE batch SET last_seq = ?2 WHERE id = ?1",
        (target, new_last),
    )?;
    Ok(true)
}

/// A row of the new list that says that its person must not be messaged wins over the batch's own rows.
fn refuse_queued(
    tx: &mut Tx<'_>,
    target: BatchId,
    new: RecipientId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (first, _) = target.range();
    let refused: Vec<(RecipientId, String)> = tx.connection.rows(
        "SELECT o.id, n.reason
             FROM recipient n CROSS JOIN recipient o INDEXED BY recipient_by_person
                  ON o.person = n.person
             WHERE n.id = ?1 AND n.reason_code = 'no_consent'
                   AND o.id > ?2 AND o.id < ?1 AND o.state = 'queued'",
        (new, first),
    )?;
    for (id, reason) in refused {
        let says = reason.trim_start_matches("no consent: ").to_owned();
        suppression::suppress(tx, id, &Suppression::NoConsent { says }, now)?;
    }
    Ok(())
}

/// The batch may have a suppressed row of the same person, whose message was surely not accepted. The row of a list
/// that was replaced goes, unless requests were made for it; of the others, the one that is to be sent counts, else
/// the first. One that was erased shows no number any more, and counts for nobody.
fn settle_with_suppressed(
    tx: &mut Tx<'_>,
    target: BatchId,
    new: RecipientId,
    state: State,
) -> Result<(), StoreError> {
    if !matches!(state, State::Queued | State::Suppressed) {
        return Ok(());
    }
    let (first, _) = target.range();
    let old: Option<(RecipientId, bool)> = tx.connection.find_row(
        "SELECT o.id, o.reason_code IS 'removed_by_update' AND o.attempts = 0
             FROM recipient n CROSS JOIN recipient o INDEXED BY recipient_by_person
                  ON o.person = n.person
             WHERE n.id = ?1 AND o.id > ?2 AND o.id < ?1 AND o.state = 'suppressed'
                   AND o.maybe_accepted_at IS NULL AND o.reason_code IS NOT 'erased'",
        (new, first),
    )?;
    match (old, state) {
        (None, _) => Ok(()),
        (Some((id, true)), _) => {
            let person = None;
            let state = State::Suppressed;
            delete_row(tx, &Old { id, person, state })
        }
        (Some((old, false)), State::Queued) => repeat(tx, old, State::Suppressed, new),
        (Some((old, false)), _) => repeat(tx, new, state, old),
    }
}

/// Makes a row the duplicate of another one.
fn repeat(
    tx: &mut Tx<'_>,
    row: RecipientId,
    state: State,
    counts: RecipientId,
) -> Result<(), StoreError> {
    let (file, place, Json(files)): (u16, u32, Json<Vec<String>>) = tx.connection.row(
        "SELECT i.file, i.row, b.files FROM recipient_input i JOIN batch b ON b.id = i.id >> 32
             WHERE i.id = ?1",
        [counts],
    )?;
    let file = files.get(usize::from(file)).map_or("?", String::as_str);
    tx.connection.change(
        "UPDATE recipient SET state = ?2, reason_code = 'duplicate', reason = ?3 WHERE id = ?1",
        (
            row,
            State::Duplicate.word(),
            format!("same number as {file} row {place}"),
        ),
    )?;
    tx.count_move(row.batch(), state, State::Duplicate);
    Ok(())
}

/// Copies a row under its new key and removes the old one. In a list on its way, `mended_by` names the row that it
/// takes the place of; from now on that row names it.
fn move_row(tx: &Tx<'_>, from: RecipientId, to: RecipientId) -> Result<(), StoreError> {
    tx.connection.change(
        "UPDATE recipient AS o SET mended_by = ?2 FROM recipient n
             WHERE n.id = ?1 AND o.id = n.mended_by AND o.state = 'invalid' AND o.mended_by IS NULL",
        (from, to),
    )?;
    for copy in [
        "INSERT INTO recipient (id, person, state, reason_code, reason, finished_at)
         SELECT ?2, person, state, reason_code, reason, finished_at FROM recipient WHERE id = ?1",
        "INSERT INTO recipient_input (id, file, row, fields, suggestion, first_name, last_name, contact_id,
                                      content, metadata, content_key)
         SELECT ?2, file, row, fields, suggestion, first_name, last_name, contact_id, content, metadata,
                content_key FROM recipient_input WHERE id = ?1",
    ] {
        tx.connection.change(
            copy,
            (from, to),
        )?;
    }
    delete_recipient(tx.connection, from)
}
