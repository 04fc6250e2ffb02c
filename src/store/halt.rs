//! What becomes of the recipients whose identical refusals stopped a batch.

use jiff::Timestamp;

use super::batch::{self, Batch};
use super::checkpoint::{Reader, Store};
use super::error::StoreError;
use super::ids::{BatchId, RecipientId};
use super::query::Query as _;
use super::refusal::{self, Cause, STEP};
use super::steps::at_most;
use crate::domain::outcome::AttemptOutcome;
use crate::domain::text::canonical_text;

impl Store {
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
        for step in refused.chunks(at_most(STEP)) {
            let step = step.to_vec();
            requeued += self.writer.write_blocking(move |tx| {
                let cause = Cause {
                    outcome: AttemptOutcome::Resend,
                    text: "after the cause of the refusals was mended",
                    actor: "resume",
                    at: now,
                };
                let mut requeued = 0;
                for recipient in &step {
                    requeued += u64::from(refusal::requeue(tx, *recipient, false, cause)?);
                }
                Ok(requeued)
            })?;
        }
        self.writer.write_blocking(move |tx| {
            batch::reopen(tx.connection, id, batch::QueuedBy::Person, now)?;
            tx.connection
                .change("UPDATE batch SET halted_text = NULL WHERE id = ?1", [id])?;
            Ok(())
        })?;
        Ok(requeued)
    }
}

impl Reader {
    /// How many recipients of the batch [`Store::requeue_refused`] would put back into the queue.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn count_refused(&self, batch: BatchId, text: &str) -> Result<u64, StoreError> {
        let mut count = 0;
        for recipient in self.refused(batch, text)? {
            count += u64::from(refusal::refused(&self.connection, recipient)?.is_some());
        }
        Ok(count)
    }

    /// The rows of the batch's present list that were refused with this text, and count as errors.
    fn refused(&self, batch: BatchId, text: &str) -> Result<Vec<RecipientId>, StoreError> {
        let (first, last) = batch.range();
        let mut found = self.connection.rows(
            "SELECT r.id, r.reason
             FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id
             WHERE r.id > ?1 AND r.id < ?2 AND r.state = 'error' AND r.reason IS NOT NULL
                   AND i.file >= (SELECT first_file FROM batch WHERE id = ?3)",
            (first, last, batch),
        )?;
        found.retain(|(_, reason): &(RecipientId, String)| canonical_text(reason) == text);
        Ok(found.into_iter().map(|(id, _)| id).collect())
    }
}
