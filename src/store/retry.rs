//! Refused rows that go back to the queue by a person's decision.

use jiff::Timestamp;

use super::batch::{Batch, QueuedBy, reopen};
use super::checkpoint::{Reader, Store};
use super::error::StoreError;
use super::ids::{BatchId, RecipientId};
use super::query::Query as _;
use super::refusal::{self, Cause, STEP};
use super::steps::at_most;
use crate::domain::delivery::State;
use crate::domain::outcome::AttemptOutcome;

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusedRow {
    pub(crate) recipient: RecipientId,
    /// Index of its file.
    pub(crate) file: u16,
    /// Its row in that file.
    pub(crate) row: u32,
    pub(crate) state: State,
    /// What the API said, and what is known of it.
    pub(crate) reason: String,
    /// Whether it may be sent to again: nothing was or may have been accepted, and the person has not opted out.
    pub(crate) may_retry: bool,
}

impl Store {
    /// Puts refused rows back into the queue, by a decision of `actor`; `detail` is what it names, without any
    /// person. Rows that may not be sent to again stay. Returns how many went.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails. What was done until then is whole.
    pub(crate) fn retry(
        &self,
        batch: &Batch,
        rows: &[RecipientId],
        detail: &serde_json::Value,
        actor: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (id, detail, by) = (batch.id, detail.clone(), actor.to_owned());
        self.writer.write_blocking(move |tx| {
            refusal::decided(tx.connection, Some(id), &by, "retry", &detail, now)
        })?;
        let mut queued = 0;
        for step in rows.chunks(at_most(STEP)) {
            let (step, actor) = (step.to_vec(), actor.to_owned());
            queued += self.writer.write_blocking(move |tx| {
                let cause = Cause {
                    outcome: AttemptOutcome::Resend,
                    text: "refused; to be tried again by decision",
                    actor: &actor,
                    at: now,
                };
                let mut queued = 0;
                for recipient in &step {
                    queued += u64::from(refusal::requeue(tx, *recipient, false, cause)?);
                }
                Ok(queued)
            })?;
        }
        self.writer
            .write_blocking(move |tx| reopen(tx.connection, id, QueuedBy::Person, now))?;
        Ok(queued)
    }
}

impl Reader {
    /// The refused rows of the batch's present list, in row order.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn refused_rows(&self, batch: BatchId) -> Result<Vec<RefusedRow>, StoreError> {
        let (first, last) = batch.range();
        self.connection.read(
            "SELECT r.id, i.file, i.row, r.state, coalesce(r.reason, r.reason_code, ''),
                    p.suppressed_at IS NULL
             FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id LEFT JOIN person p ON p.id = r.person
             WHERE r.id > ?1 AND r.id < ?2 AND r.state IN ('no_messenger', 'error')
                   AND r.reason_code IS NOT 'erased'
                   AND i.file >= (SELECT first_file FROM batch WHERE id = ?3)
             ORDER BY r.id",
            (first, last, batch),
            |row| {
            let recipient: RecipientId = row.get(0)?;
            let wants_none: bool = !row.get::<_, bool>(5)?;
            Ok(RefusedRow {
                recipient,
                file: row.get(1)?,
                row: row.get(2)?,
                state: row.get(3)?,
                reason: row.get(4)?,
                may_retry: !wants_none && refusal::refused(&self.connection, recipient)?.is_some(),
            })
            },
        )
    }
}
