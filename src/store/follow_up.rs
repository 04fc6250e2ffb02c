//! Follow-ups: the people of a batch who wait for an event about them, each queued when it comes.
//!
//! All rows are there from the beginning, rendered as those of any list. They are queued and held, so that no claim
//! finds them, until [`queue`] lets one go in the transaction that learns of the event. The note that it leaves in the
//! row's history says when the event was received: delay and end are counted from it.

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::{self, Note};
use super::batch::{QueuedBy, reopen};
use super::checkpoint::{Reader, Store};
use super::columns::{Json, from_millis, to_millis};
use super::decision::{self, DecisionRecord};
use super::error::StoreError;
use super::ids::{BatchId, ChannelId, PersonId, RecipientId};
use super::not_before::AT_ONCE;
use super::policy::{self, keep};
use super::query::Query as _;
use super::steps::at_most;
use super::suppression::suppress;
use super::transaction::Tx;
use crate::domain::batch_state::BatchState;
use crate::domain::follow_up::{FollowUp, Trigger};
use crate::domain::outcome::AttemptOutcome;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{ListAnswer, Suppression};

/// Its key in the policy of a batch.
const FOLLOW_UP: &str = "follow_up";

/// `held` of a row that waits for its event: no refusal has this key.
pub(super) const FOR_ITS_EVENT: i64 = 0;

/// The reason code of such a row.
pub(super) const AWAITED: &str = "awaits_event";

/// Whether batch `b` takes events, as far as its state says. A draft that waits for its second person takes them: that
/// wait may last longer than the event is remembered, and whom it queued is shown to that person.
const TAKES_EVENTS: &str = "b.state <> 'reading' AND b.state <> 'cancelled'
     AND (b.state <> 'draft' OR EXISTS (SELECT 1 FROM node WHERE key = 'require-approval'))";

/// Rows that are closed in one transaction.
const STEP: u32 = 2_000;

/// An event that may queue people.
#[derive(Debug, Clone, Copy)]
pub(super) struct TriggerEvent<'a> {
    pub(super) what: Trigger,
    /// Whom it is about.
    pub(super) whose: PersonId,
    /// The channel.
    pub(super) on: ChannelId,
    /// The batch whose message it is about, if it is about one.
    pub(super) of: Option<BatchId>,
    /// When its first copy was received.
    pub(super) received: Timestamp,
    /// Who says so, for the row's history.
    pub(super) actor: &'a str,
}

/// What the batch goes by; `None` if it is no follow-up.
pub(super) fn kept(
    connection: &Connection,
    batch: BatchId,
) -> Result<Option<FollowUp>, StoreError> {
    policy::kept(connection, batch, FOLLOW_UP)
}

/// When the event of a row was received; `None` before it was.
pub(super) fn came(
    connection: &Connection,
    row: RecipientId,
    whose: PersonId,
) -> Result<Option<Timestamp>, StoreError> {
    connection
        .value::<Option<i64>>(
            "SELECT min(started_at) FROM attempt INDEXED BY attempt_by_person
             WHERE person = ?1 AND recipient = ?2 AND kind = 'note' AND outcome = ?3",
            (whose, row, AttemptOutcome::Event.word()),
        )?
        .map(from_millis)
        .transpose()
}

/// What the list of a batch says, by now, of a person whom it must not message.
pub(super) fn refusal_in(
    connection: &Connection,
    whose: PersonId,
    batch: BatchId,
) -> Result<Option<String>, StoreError> {
    let (first, last) = batch.range();
    let reason: Option<Option<String>> = connection.find(
        "SELECT reason FROM recipient INDEXED BY recipient_by_person
             WHERE person = ?1 AND id > ?2 AND id < ?3 AND reason_code IN ('no_consent', 'says_no')
                   AND mended_by IS NULL LIMIT 1",
        (whose, first, last),
    )?;
    Ok(reason.map(Option::unwrap_or_default))
}

/// The same of the batch that a follow-up follows.
pub(super) fn refusal_before(
    connection: &Connection,
    whose: PersonId,
    follow_up: &FollowUp,
) -> Result<Option<Suppression>, StoreError> {
    let before: Option<BatchId> = connection.find(
        "SELECT id FROM batch WHERE uid = unhex(?1)",
        [&follow_up.of],
    )?;
    let reason = before.map(|batch| refusal_in(connection, whose, batch));
    let reason = reason.transpose()?.flatten();
    Ok(reason.map(|reason| refusal(Some(&reason))))
}

/// Why a person is not messaged whose row in a list says no, for this reason.
pub(super) fn refusal(reason: Option<&str>) -> Suppression {
    let says = reason.unwrap_or_default();
    Suppression::NoConsent {
        answer: ListAnswer::No,
        says: says.trim_start_matches("no consent: ").to_owned(),
    }
}

/// A row goes back to those who wait for their event.
pub(super) fn hold(connection: &Connection, row: RecipientId) -> Result<(), StoreError> {
    connection.change(
        "UPDATE recipient SET held = ?2, reason_code = ?3 WHERE id = ?1",
        (row, FOR_ITS_EVENT, AWAITED),
    )?;
    Ok(())
}

/// Queues the person of an event wherever it waits for that.
pub(super) fn queue(tx: &mut Tx<'_>, happened: &TriggerEvent<'_>) -> Result<(), StoreError> {
    let waiting: Vec<RecipientId> = tx.connection.list(
        &format!(
            "SELECT r.id FROM recipient r INDEXED BY recipient_by_person CROSS JOIN batch b ON b.id = r.id >> 32
             WHERE r.person = ?1 AND r.state = 'queued' AND r.held = ?2
                   AND {TAKES_EVENTS} AND b.created_at <= ?3"
        ),
        (
                happened.whose,
                FOR_ITS_EVENT,
                to_millis(happened.received),
            ),
    )?;
    for row in waiting {
        if let Some(follow_up) = kept(tx.connection, row.batch())?
            && is_awaited(tx.connection, row.batch(), &follow_up, happened)?
        {
            let due = to_millis(follow_up.due(happened.received)).max(AT_ONCE);
            tx.connection.change(
                "UPDATE recipient SET held = NULL, not_before = ?2, reason_code = NULL, reason = NULL
                     WHERE id = ?1",
                (row, due),
            )?;
            let note = Note {
                recipient: row,
                outcome: AttemptOutcome::Event,
                text: Some(happened.what.happened()),
                actor: happened.actor,
                at: happened.received,
            };
            attempt::note(tx.connection, &note)?;
            reopen(
                tx.connection,
                row.batch(),
                QueuedBy::Event,
                happened.received,
            )?;
        }
    }
    Ok(())
}

/// Whether an opt-in on the channel that was received `at` may queue its person, once it is known whose it is.
pub(super) fn awaits_opt_in(
    connection: &Connection,
    on: ChannelId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let kept: Vec<Json<FollowUp>> = connection.list(
        &format!(
            "SELECT policy ->> 'follow_up' FROM batch b
             WHERE channel = ?1 AND {TAKES_EVENTS} AND created_at <= ?2 AND policy ->> 'follow_up' IS NOT NULL"
        ),
        (on, to_millis(at)),
    )?;
    let mut kept = kept.into_iter();
    Ok(kept.any(|Json(it)| it.after == Trigger::OptIn && it.is_open(at)))
}

/// Whether it is the event that the follow-up waits for, and in time.
fn is_awaited(
    connection: &Connection,
    batch: BatchId,
    follow_up: &FollowUp,
    happened: &TriggerEvent<'_>,
) -> Result<bool, StoreError> {
    if follow_up.after != happened.what || !follow_up.is_open(happened.received) {
        return Ok(false);
    }
    Ok(match follow_up.after {
        Trigger::OptIn => connection.has(
            "SELECT 1 FROM batch WHERE id = ?1 AND channel = ?2",
            (batch, happened.on),
        )?,
        Trigger::Delivered => connection.has(
            "SELECT 1 FROM batch WHERE id = ?1 AND uid = unhex(?2)",
            (happened.of, &follow_up.of),
        )?,
    })
}

/// Suppresses some of those whose event did not come in time. Returns how many.
fn close_step(tx: &mut Tx<'_>, batch: BatchId, now: Timestamp) -> Result<usize, StoreError> {
    let (first, last) = batch.range();
    let rows: Vec<RecipientId> = tx.connection.list(
        "SELECT id FROM recipient WHERE id > ?1 AND id < ?2 AND state = 'queued' AND held = ?3 LIMIT ?4",
        (first, last, FOR_ITS_EVENT, at_most(STEP)),
    )?;
    for row in &rows {
        suppress(tx, *row, &Suppression::NoEvent, now)?;
    }
    Ok(rows.len())
}

/// A row of a batch as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedRow {
    pub(crate) number: PhoneNumber,
    pub(crate) fields: Vec<String>,
}

impl Reader {
    /// How many rows of a batch wait for their event. Reads all rows of a follow-up.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(super) fn awaiting(&self, batch: BatchId) -> Result<u64, StoreError> {
        if kept(&self.connection, batch)?.is_none() {
            return Ok(0);
        }
        let (first, last) = batch.range();
        self.connection.count(
            "SELECT count(*) FROM recipient WHERE id > ?1 AND id < ?2 AND state = 'queued' AND held = ?3",
            (first, last, FOR_ITS_EVENT),
        )
    }

    /// Of the rows of a follow-up that wait, those whose event came before it began: it may never come again.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn happened_before(
        &self,
        batch: BatchId,
        follow_up: &FollowUp,
    ) -> Result<u64, StoreError> {
        let (first, last) = batch.range();
        let (sql, by) = match follow_up.after {
            Trigger::OptIn => (
                "SELECT count(*) FROM recipient r
                 WHERE r.id > ?1 AND r.id < ?2 AND r.state = 'queued' AND r.held = ?3
                       AND EXISTS (SELECT 1 FROM contact k WHERE k.person = r.person AND k.opted_in_at IS NOT NULL
                                   AND k.channel = (SELECT channel FROM batch WHERE id = ?4))",
                Some(batch),
            ),
            Trigger::Delivered => (
                "SELECT count(*) FROM recipient r
                 WHERE r.id > ?1 AND r.id < ?2 AND r.state = 'queued' AND r.held = ?3
                       AND EXISTS (SELECT 1 FROM attempt a INDEXED BY attempt_by_person
                                   WHERE a.person = r.person AND a.delivered_at IS NOT NULL
                                         AND a.recipient >> 32 = ?4)",
                self.batch_of_uid(&follow_up.of)?,
            ),
        };
        self.connection.count(sql, (first, last, FOR_ITS_EVENT, by))
    }

    fn batch_of_uid(&self, uid: &str) -> Result<Option<BatchId>, StoreError> {
        self.connection
            .find("SELECT id FROM batch WHERE uid = unhex(?1)", [uid])
    }

    /// Passes the rows of a batch to `each` that it messages, or messaged, with the numbers that they have today.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn rows_to_follow(
        &self,
        batch: BatchId,
        mut each: impl FnMut(ListedRow),
    ) -> Result<(), StoreError> {
        let (first, last) = batch.range();
        self.connection.visit(
            "SELECT p.number, i.fields
             FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id CROSS JOIN person p ON p.id = r.person
             WHERE r.id > ?1 AND r.id < ?2 AND p.number IS NOT NULL AND r.reason_code IS NOT 'erased'
                   AND r.state NOT IN ('invalid', 'duplicate', 'suppressed') ORDER BY r.id",
            (first, last),
            |row| {
                Ok(ListedRow {
                    number: row.get(0)?,
                    fields: row.get::<_, Json<_>>(1)?.0,
                })
            },
            |row| {
                each(row);
                Ok(())
            },
        )
    }
}

/// What a batch's people wait for, in the transaction that changes its list.
pub(super) fn keep_with(
    connection: &Connection,
    batch: BatchId,
    follow_up: &FollowUp,
) -> Result<(), StoreError> {
    keep(connection, batch, FOLLOW_UP, follow_up).map(|_| ())
}

impl Store {
    /// Keeps this with the batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn keep_follow_up(&self, batch: BatchId, follow_up: &FollowUp) -> Result<(), StoreError> {
        self.decide_follow_up(batch, follow_up, Vec::new())
    }

    /// As [`Self::keep_follow_up`], with what was said, for the audit.
    pub(crate) fn decide_follow_up(
        &self,
        batch: BatchId,
        follow_up: &FollowUp,
        decisions: Vec<DecisionRecord>,
    ) -> Result<(), StoreError> {
        let follow_up = follow_up.clone();
        self.writer.write_blocking(move |tx| {
            keep(tx.connection, batch, FOLLOW_UP, &follow_up)?;
            decision::record_all(tx.connection, &decisions)
        })
    }

    /// Once a follow-up takes nobody any more, those whose event did not come are suppressed.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn close_follow_up(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Also where the file is gone from its path by now.
        let open = self.read_opened(|reader| kept(&reader.connection, batch))?;
        if open.is_none_or(|follow_up| follow_up.is_open(now)) {
            return Ok(());
        }
        while self
            .writer
            .write(move |tx| close_step(tx, batch, now))
            .await?
            > 0
        {}
        Ok(())
    }

    /// Closes the follow-ups that wait for events and take nobody any more: they are complete.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn close_follow_ups(&self, now: Timestamp) -> Result<(), StoreError> {
        for batch in self.read_opened(|reader| are_over(&reader.connection, now))? {
            self.close_follow_up(batch, now).await?;
            self.writer
                .write(move |tx| {
                    tx.connection.change(
                        "UPDATE batch SET state = ?2, state_why = NULL, state_since = ?3
                         WHERE id = ?1 AND state = 'open'
                               AND (SELECT queued + sending FROM tally WHERE batch = ?1) = 0",
                        (batch, BatchState::Complete.word(), to_millis(now)),
                    )?;
                    Ok(())
                })
                .await?;
        }
        Ok(())
    }
}

/// The follow-ups without anybody left to send to that take nobody any more.
fn are_over(connection: &Connection, now: Timestamp) -> Result<Vec<BatchId>, StoreError> {
    let open: Vec<(BatchId, Json<FollowUp>)> = connection.rows(
        "SELECT id, policy ->> 'follow_up' FROM batch
         WHERE state = 'open' AND policy ->> 'follow_up' IS NOT NULL",
        [],
    )?;
    let over = open.into_iter().filter(|(_, Json(it))| !it.is_open(now));
    Ok(over.map(|(batch, _)| batch).collect())
}

#[cfg(test)]
mod tests;
