//! What becomes of the recipients whose identical refusals stopped a batch.

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::{self, Note};
use super::batch::{self, Batch, parse_state};
use super::checkpoint::{Reader, Store};
use super::error::StoreError;
use super::ids::{BatchId, RecipientId};
use super::remembered::mean_no_messenger;
use super::writer::Tx;
use crate::domain::delivery::{self, Event, State};
use crate::domain::outcome::{AttemptOutcome, canonical_text};

/// Rows that go back to the queue in one transaction.
const STEP: usize = 2_000;

impl Store {
    /// The refusals did mean "no Messenger": the recipients stay as they are, and the text is known
    /// from now on.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn confirm_no_messenger(
        &self,
        batch: &Batch,
        text: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = batch.id;
        self.writer.write_blocking(move |tx| {
            mean_no_messenger(tx.connection, &text, "a person", now)?;
            clear(tx, id)
        })
    }

    /// The cause was mended: the recipients that were refused with this text go back to the queue.
    /// They were refused, so that nobody is messaged twice. Returns how many.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn requeue_refused(
        &self,
        batch: &Batch,
        text: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let id = batch.id;
        let refused = self.reader()?.refused(id, text)?;
        let mut requeued = 0;
        for step in refused.chunks(STEP) {
            let step = step.to_vec();
            requeued += self.writer.write_blocking(move |tx| {
                let mut requeued = 0;
                for recipient in &step {
                    requeued += u64::from(requeue(tx, *recipient, now)?);
                }
                Ok(requeued)
            })?;
        }
        self.writer.write_blocking(move |tx| {
            batch::reopen(tx.connection, id, now)?;
            clear(tx, id)
        })?;
        Ok(requeued)
    }
}

/// The state of a refused row; `None` if it is no longer refused, or may have been accepted by an earlier
/// request.
fn requeueable(
    connection: &Connection,
    recipient: RecipientId,
) -> Result<Option<State>, StoreError> {
    let state: String = connection
        .prepare_cached("SELECT state FROM recipient WHERE id = ?1")?
        .query_row([recipient], |row| row.get(0))?;
    let state = parse_state(&state)?;
    let refused = matches!(state, State::NoMessenger | State::Error);
    let may_go = refused && attempt::requests_of(connection, recipient)?.is_empty();
    Ok(may_go.then_some(state))
}

/// Puts a refused row back into the queue; false if it must stay as it is.
fn requeue(tx: &mut Tx<'_>, recipient: RecipientId, now: Timestamp) -> Result<bool, StoreError> {
    let Some(state) = requeueable(tx.connection, recipient)? else {
        return Ok(false);
    };
    let next = delivery::next(state, Event::Resend)?;
    tx.connection
        .prepare_cached(
            "UPDATE recipient SET state = ?2, reason_code = NULL, reason = NULL, finished_at = NULL,
                    not_before = 0 WHERE id = ?1",
        )?
        .execute((recipient, next.word()))?;
    attempt::note(
        tx.connection,
        &Note {
            recipient,
            outcome: AttemptOutcome::Resend,
            text: Some("after the cause of the refusals was mended"),
            actor: "resume",
            at: now,
        },
    )?;
    tx.count_move(recipient.batch(), state, next);
    Ok(true)
}

impl Reader {
    /// How many recipients of the batch [`Store::requeue_refused`] would put back into the queue: those that
    /// count as "no Messenger" now, and those that count as errors.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn count_refused(
        &self,
        batch: BatchId,
        text: &str,
    ) -> Result<(u64, u64), StoreError> {
        let mut states = Vec::new();
        for recipient in self.refused(batch, text)? {
            states.extend(requeueable(&self.connection, recipient)?);
        }
        let is_no_messenger = |state: &&State| **state == State::NoMessenger;
        let no_messenger = states.iter().filter(is_no_messenger).count();
        Ok((no_messenger as u64, (states.len() - no_messenger) as u64))
    }

    /// The rows of the batch's present list that were refused with this text.
    fn refused(&self, batch: BatchId, text: &str) -> Result<Vec<RecipientId>, StoreError> {
        let (first, last) = batch.range();
        let mut select = self.connection.prepare(
            "SELECT r.id, r.reason
             FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id
             WHERE r.id > ?1 AND r.id < ?2 AND r.state IN ('no_messenger', 'error')
                   AND r.reason IS NOT NULL
                   AND i.file >= (SELECT first_file FROM batch WHERE id = ?3)",
        )?;
        let mut rows = select.query((first, last, batch))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if canonical_text(&row.get::<_, String>(1)?) == text {
                found.push(row.get(0)?);
            }
        }
        Ok(found)
    }
}

fn clear(tx: &Tx<'_>, batch: BatchId) -> Result<(), StoreError> {
    tx.connection
        .execute("UPDATE batch SET halted_text = NULL WHERE id = ?1", [batch])?;
    Ok(())
}
