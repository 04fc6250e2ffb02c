//! What becomes of the recipients whose identical refusals stopped a batch.

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::{self, Note};
use super::batch::{Batch, parse_state};
use super::checkpoint::{Reader, Store};
use super::error::StoreError;
use super::ids::{BatchId, RecipientId};
use super::remembered::mean_no_messenger;
use super::writer::Tx;
use crate::domain::delivery::{self, Event, State};
use crate::domain::outcome::{AttemptOutcome, canonical_text};

impl Reader {
    /// How many recipients of the batch were refused with this text (digits replaced): as "no Messenger", and
    /// as errors.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn refused_with(&self, batch: BatchId, text: &str) -> Result<(u64, u64), StoreError> {
        let refused = refused(&self.connection, batch, text)?;
        let is_no_messenger = |(_, state): &&(_, String)| state == State::NoMessenger.word();
        let no_messenger = refused.iter().filter(is_no_messenger).count();
        Ok((no_messenger as u64, (refused.len() - no_messenger) as u64))
    }
}

impl Store {
    /// The refusals did mean "no Messenger": the recipients stay as they are, and the text is known
    /// from now on.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn confirm_no_messenger(
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
    pub fn requeue_refused(
        &self,
        batch: &Batch,
        text: String,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let id = batch.id;
        self.writer.write_blocking(move |tx| {
            let refused = refused(tx.connection, id, &text)?;
            for (recipient, state) in &refused {
                let state = parse_state(state)?;
                let next = delivery::next(state, Event::Resend)?;
                tx.connection
                    .prepare_cached(
                        "UPDATE recipient SET state = ?2, reason_code = NULL, reason = NULL,
                                finished_at = NULL, not_before = 0 WHERE id = ?1",
                    )?
                    .execute((recipient, next.word()))?;
                attempt::note(
                    tx.connection,
                    &Note {
                        recipient: *recipient,
                        outcome: AttemptOutcome::Resend,
                        text: Some("after the cause of the refusals was mended"),
                        actor: "resume",
                        at: now,
                    },
                )?;
                tx.count_move(recipient.batch(), state, next);
            }
            clear(tx, id)?;
            Ok(refused.len() as u64)
        })
    }
}

fn refused(
    connection: &Connection,
    batch: BatchId,
    text: &str,
) -> Result<Vec<(RecipientId, String)>, StoreError> {
    let mut select = connection.prepare(
        "SELECT id, state, reason FROM recipient
         WHERE id > ?1 AND id < ?2 AND state IN ('no_messenger', 'error') AND reason IS NOT NULL",
    )?;
    let mut rows = select.query(batch.range())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if canonical_text(&row.get::<_, String>(2)?) == text {
            found.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(found)
}

fn clear(tx: &Tx<'_>, batch: BatchId) -> Result<(), StoreError> {
    tx.connection
        .execute("UPDATE batch SET halted_text = NULL WHERE id = ?1", [batch])?;
    Ok(())
}
