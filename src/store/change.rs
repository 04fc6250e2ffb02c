//! `--add` and `--update`: a second list becomes part of a batch.
//!
//! The list is read into a batch of its own first (state `reading`, without a name, never sent from). When it
//! is whole, one short transaction decides the change: it is written at the batch, and from then on nothing
//! of the batch may be claimed. Steps carry it out, each a short transaction that judges the rows as they are
//! then, and notes how far it came: a process that finds a change half done completes it
//! ([`Store::finish_change`]).
//!
//! - Add: all rows join. The numbers that the batch has already were found to be duplicates.
//! - Update: the list replaces the batch's list, person by person. A message that was sent stays sent. A person who
//!   is not settled for good takes the new row's fields, message and verdict; new people join; people who are
//!   gone and still queued become suppressed; the verdicts on rows without a usable number are replaced.

mod rows;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::batch::{Batch, QueuedBy, remove, reopen};
use super::checkpoint::{Reader, Store};
use super::columns::{Json, from_json, to_json};
use super::decision::{self, DecisionRecord};
use super::earlier::{self, MessagedDecision};
use super::error::StoreError;
use super::ids::{BatchId, RecipientId};
use super::query::Query as _;
use super::steps::StepSize;
use super::transaction::Tx;
use super::{channel, fallback, follow_up, journal, kept, pause, prune};
use crate::crash::{CrashPoint, crash_point};
use crate::domain::fallback::Fallback;
use crate::domain::follow_up::FollowUp;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Position, RowNumber};
use crate::domain::sms::SmsSettings;

/// Rows that are changed in one transaction where others write too: some 30 ms.
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
    /// Who changes it.
    #[serde(default)]
    by: Option<String>,
    /// It has another channel, or has queued people who were not queued before: it must be approved again.
    #[serde(default)]
    asks_again: bool,
}

impl Reader {
    /// The numbers of the batch, each with the row that counts. A row that is suppressed, and whose message was
    /// surely not accepted, does not: its person may be messaged by now. One whose list says that the person must
    /// not be messaged counts, also where it says so beside a number that it does not give for a message. So does one whose
    /// person is messaged on another number.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn numbers(&self, id: BatchId) -> Result<Vec<(PhoneNumber, Position)>, StoreError> {
        self.connection.read(
            "SELECT p.number, i.file, i.row
             FROM recipient r JOIN person p ON p.id = r.person JOIN recipient_input i ON i.id = r.id
             WHERE r.id > ?1 AND r.id < ?2 AND p.number IS NOT NULL
                   AND (r.state <> 'duplicate' OR r.reason_code = 'same_person')
                   AND (r.state <> 'invalid' OR r.reason_code = 'says_no' AND r.mended_by IS NULL)
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

/// A row of a batch that could not be sent, for one that mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MendPlace {
    /// The row whose place is taken: this one, or the last of those that tried to mend it and cannot be sent either. A
    /// row that mended it and was left out, so that nobody was messaged, leaves the place free.
    Free(RecipientId),
    /// It was mended, by a row with this number if that is still known, whose person has the message or may get it.
    Taken(Option<PhoneNumber>),
}

/// A row that cannot be sent, and the one that took its place.
struct Invalid {
    id: RecipientId,
    mended_by: Option<RecipientId>,
    number: Option<PhoneNumber>,
    /// What took its place is left out, and nothing was ever requested for it.
    is_left_out: bool,
}

impl Invalid {
    /// What became of it, by those that cannot be sent.
    fn place(&self, invalid: &HashMap<RecipientId, &Self>) -> MendPlace {
        let mut row = self;
        // Each row takes the place of an earlier one, so that this ends.
        while let Some(by) = row.mended_by.filter(|_| !row.is_left_out) {
            match invalid.get(&by) {
                Some(next) if next.id > row.id => row = next,
                Some(_) | None => return MendPlace::Taken(row.number),
            }
        }
        MendPlace::Free(row.id)
    }
}

impl Reader {
    /// The rows of the batch that could not be sent, and whether another row took their place.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn rows_to_mend(
        &self,
        id: BatchId,
    ) -> Result<HashMap<Position, MendPlace>, StoreError> {
        let found = self.connection.read(
            "SELECT r.id, i.file, i.row, r.mended_by, p.number,
                    coalesce(m.state IN ('duplicate', 'suppressed') AND m.reason_code IS NOT 'erased'
                             AND m.attempts = 0 AND m.maybe_accepted_at IS NULL, 0)
             FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id
             LEFT JOIN recipient m ON m.id = r.mended_by LEFT JOIN person p ON p.id = m.person
             WHERE r.id > ?1 AND r.id < ?2 AND r.state = 'invalid'",
            id.range(),
            |row| {
                let position = Position {
                    file: row.get(1)?,
                    row: RowNumber::new(row.get(2)?).unwrap_or(RowNumber::HEADER),
                };
                let row = Invalid {
                    id: row.get(0)?,
                    mended_by: row.get(3)?,
                    number: row.get(4)?,
                    is_left_out: row.get(5)?,
                };
                Ok((position, row))
            },
        )?;
        let invalid = found.iter().map(|(_, row)| (row.id, row)).collect();
        let places = found
            .iter()
            .map(|(position, row)| (*position, row.place(&invalid)));
        Ok(places.collect())
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

/// What is decided with a change of a batch's list.
#[derive(Debug, Default)]
pub(crate) struct DecidedWithList {
    /// About people whom other batches messaged.
    pub messaged: Option<MessagedDecision>,
    /// What the batch keeps about SMS.
    pub sms: SmsSettings,
    /// What it keeps about other channels; `None` leaves that as it is.
    pub fallback: Option<Fallback>,
    /// What its people wait for, if it is a follow-up; `None` leaves that as it is.
    pub follow_up: Option<FollowUp>,
    /// Who gave the list.
    pub prepared_by: Option<String>,
    /// For the audit.
    pub decisions: Vec<DecisionRecord>,
}

impl Store {
    /// Makes the rows of `staging` part of `batch`. Recipients that were under way when an earlier process died become
    /// unknown first: returns how many.
    ///
    /// What was decided about it is carried out with it.
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
        decided: DecidedWithList,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let target = batch.id;
        let interrupted = self.writer.write_blocking(move |tx| {
            if let Some(decision) = &decided.messaged {
                earlier::carry_out(tx.connection, target, decision, now)?;
            }
            kept::keep_sms(tx.connection, target, decided.sms)?;
            let adds_channel = match &decided.fallback {
                Some(fallback) => fallback::keep_with(tx.connection, target, fallback)?,
                None => false,
            };
            if let Some(follow_up) = &decided.follow_up {
                // Before the rows: nobody is claimed without the event.
                follow_up::keep_with(tx.connection, target, follow_up)?;
            }
            decision::record_all(tx.connection, &decided.decisions)?;
            let new = NewList {
                staging,
                by: decided.prepared_by.clone(),
                adds_channel,
            };
            decide(tx, target, new, &change, now)
        })?;
        crash_point(CrashPoint::Change);
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
        let mut size = StepSize::of(STEP);
        loop {
            let most = size.rows();
            let step = || {
                self.writer
                    .write_blocking(move |tx| step(tx, batch, most, now))
            };
            if !size.time(step)? {
                return Ok(());
            }
            crash_point(CrashPoint::Change);
        }
    }
}

/// A list that was read for a batch.
struct NewList {
    /// The batch of its own that holds it.
    staging: BatchId,
    /// Who gave it.
    by: Option<String>,
    /// The batch has another channel with it.
    adds_channel: bool,
}

/// Writes the change at the batch.
fn decide(
    tx: &mut Tx<'_>,
    target: BatchId,
    new: NewList,
    change: &ListChange,
    now: Timestamp,
) -> Result<u64, StoreError> {
    // Whom the old list may have messaged must be known before rows are compared.
    let interrupted = journal::interrupt(tx, target, now)?;
    let (last, files): (i64, String) = tx
        .connection
        .row("SELECT last_seq, files FROM batch WHERE id = ?1", [target])?;
    let (first, _) = target.range();
    let decided = Decided {
        staging: new.staging.get(),
        after: match change.how {
            Change::Add => None,
            Change::Update => Some(first),
        },
        last: first + last,
        by: new.by,
        asks_again: new.adds_channel,
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
    tx.connection.change(
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

/// The next step of a decided change, of at most so many rows; false when there is none left.
fn step(tx: &mut Tx<'_>, target: BatchId, most: usize, now: Timestamp) -> Result<bool, StoreError> {
    let decided: Option<Option<Json<Decided>>> = tx
        .connection
        .find("SELECT change FROM batch WHERE id = ?1", [target])?;
    let Some(Json(mut decided)) = decided.flatten() else {
        return Ok(false);
    };
    let staging = BatchId(decided.staging);
    let is_done = if let Some(after) = decided.after {
        let brought = rows::bring_in_line(tx, staging, after, decided.last, most, now)?;
        decided.after = brought.more;
        decided.asks_again |= brought.queues;
        false
    } else {
        match rows::join_rows(tx, target, staging, most, now)? {
            Some(queues) => {
                decided.asks_again |= queues;
                false
            }
            None => true,
        }
    };
    if !is_done {
        tx.connection.change(
            "UPDATE batch SET change = ?2 WHERE id = ?1",
            (target, to_json(&decided)?),
        )?;
        return Ok(true);
    }
    end(tx.connection, target, &decided)?;
    reopen(tx.connection, target, QueuedBy::Person, now)?;
    remove(tx, staging)?;
    Ok(false)
}

/// The batch is what the change makes of it.
fn end(connection: &Connection, target: BatchId, decided: &Decided) -> Result<(), StoreError> {
    let (definition, digest) = (to_json(&decided.change.definition)?, decided.change.digest);
    let is_same: bool = connection.value(
        "SELECT definition = ?2 AND digest = ?3 FROM batch WHERE id = ?1",
        (target, &definition, digest),
    )?;
    // The same list for the same people is what was approved, and nothing else is.
    if !is_same || decided.asks_again {
        pause::note_changed(connection, target, decided.by.as_deref())?;
    }
    connection.change(
        "UPDATE batch SET definition = ?2, digest = ?3, change = NULL WHERE id = ?1",
        (target, definition, digest),
    )?;
    Ok(())
}
