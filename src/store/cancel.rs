//! A batch is given up, and taken up again.
//!
//! The rows stay as they are: that the queued ones are cancelled follows from the state of their batch.

use jiff::Timestamp;

use super::checkpoint::Store;
use super::columns::to_millis;
use super::decision::{DecisionRecord, record};
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;
use crate::domain::batch_state::BatchState;

impl Store {
    /// Gives the batch up: nobody of it is claimed any more. The caller holds the batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn cancel(&self, id: BatchId, by: &str, at: Timestamp) -> Result<(), StoreError> {
        self.put_in_state(id, BatchState::Cancelled, "cancel", by, at)
    }

    /// Takes the batch up again. Who is queued is judged anew by the claim, as ever.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn undo_cancel(
        &self,
        id: BatchId,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.put_in_state(id, BatchState::Paused, "undo-cancel", by, at)
    }

    fn put_in_state(
        &self,
        id: BatchId,
        state: BatchState,
        what: &'static str,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let decision = DecisionRecord {
            batch: Some(id),
            actor: by.to_owned(),
            what,
            detail: String::new(),
            at,
        };
        self.writer.write_blocking(move |tx| {
            tx.connection.change(
                "UPDATE batch SET state = ?2, state_why = NULL, state_by = ?3, state_since = ?4, state_until = NULL
                 WHERE id = ?1",
                (id, state.word(), &decision.actor, to_millis(at)),
            )?;
            record(tx.connection, &decision)
        })
    }
}
