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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Rows of a batch that is complete: two that were refused, and what may not be tried again beside them.
    const CHECKPOINT: &str = "
        INSERT INTO channel (id, api_id) VALUES (1, '7001');
        INSERT INTO batch (id, uid, name, state, state_since, digest, definition, headers, files, first_file, channel,
                           sandbox, created_at)
            VALUES (1, x'01', 'spring', 'complete', 0, zeroblob(32), '{}', '[]', '[\"a\", \"b\"]', 1, 1, 0, 0),
                   (2, x'02', 'summer', 'complete', 0, zeroblob(32), '{}', '[]', '[\"a\"]', 0, 1, 0, 0);
        INSERT INTO tally (batch, error, no_messenger) VALUES (1, 9, 9);
        INSERT INTO person (id, number, suppressed_at) VALUES
            (1, 420777000001, NULL), (2, 420777000002, NULL), (3, 420777000003, 7), (4, 420777000004, NULL),
            (5, 420777000005, NULL), (6, 420777000006, NULL), (7, NULL, NULL), (8, 420777000008, NULL);
        INSERT INTO recipient (id, person, state, reason_code, reason) VALUES
            ((1 << 32) + 1, 1, 'error', 'rejected', 'blocked'), ((1 << 32) + 2, 2, 'no_messenger', 'no_messenger', NULL),
            ((1 << 32) + 3, 3, 'error', NULL, NULL), ((1 << 32) + 4, 4, 'error', 'rejected', 'maybe'),
            ((1 << 32) + 5, 5, 'error', 'rejected', 'of the list before'), ((1 << 32) + 6, 6, 'sent', NULL, NULL),
            ((1 << 32) + 7, 7, 'error', 'erased', NULL), ((2 << 32) + 1, 8, 'error', 'rejected', 'of another batch');
        UPDATE recipient SET maybe_accepted_at = 3 WHERE person = 4;
        INSERT INTO recipient_input (id, file, row, fields, content)
            SELECT id, iif(person = 5, 0, 1), 10 + person, '[]', '{}' FROM recipient;";

    fn checkpoint() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let made = store.writer.write_blocking(|tx| {
            tx.connection.execute_batch(CHECKPOINT)?;
            Ok(())
        });
        made.unwrap();
        (folder, store)
    }

    fn row(seq: u32) -> RecipientId {
        RecipientId::new(BatchId::for_tests(1), seq)
    }

    #[test]
    fn the_refused_rows_of_the_present_list_say_why_and_whether_they_may_be_tried_again() {
        let (_folder, store) = checkpoint();
        let found = store.reader().unwrap().refused_rows(BatchId::for_tests(1));
        let refused = |seq: u32, state, reason: &str, may_retry| RefusedRow {
            recipient: row(seq),
            file: 1,
            row: 10 + seq,
            state,
            reason: reason.to_owned(),
            may_retry,
        };
        let wanted = [
            refused(1, State::Error, "blocked", true),
            refused(2, State::NoMessenger, "no_messenger", true),
            // The person must not be messaged, and the other one may have it.
            refused(3, State::Error, "", false),
            refused(4, State::Error, "maybe", false),
        ];
        assert_eq!(found.unwrap(), wanted);
    }

    #[test]
    fn rows_that_are_tried_again_by_decision_are_queued_and_noted_and_the_others_stay() {
        let (_folder, store) = checkpoint();
        let batch = store.reader().unwrap().batch("spring").unwrap();
        let rows = [1, 2, 4, 5, 6, 7].map(row);
        let now = Timestamp::from_second(9).unwrap();
        let queued = store.retry(&batch, &rows, &json!({ "rows": 6 }), "jana", now);
        assert_eq!(queued.unwrap(), 2);
        let found = store.writer.write_blocking(|tx| {
            tx.connection.value(
                "SELECT concat_ws(' | ',
                        (SELECT group_concat(state, ' ' ORDER BY id) FROM recipient),
                        (SELECT group_concat(person || ' ' || outcome || ' by ' || proof_by, ', ' ORDER BY id) FROM attempt),
                        (SELECT concat_ws(' ', at, actor, batch, what, detail) FROM decision),
                        (SELECT group_concat(state, ' ' ORDER BY id) FROM batch))",
                [],
            )
        });
        let found: String = found.unwrap();
        assert_eq!(
            found,
            "queued queued error error error sent error error | 1 resend by jana, 2 resend by jana \
             | 9000 jana 1 retry {\"rows\":6} | paused complete"
        );
    }
}
