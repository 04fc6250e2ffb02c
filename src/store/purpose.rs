//! What a batch is for, as a person said: for whoever asks later why these people were messaged.

use jiff::Timestamp;

use super::checkpoint::Store;
use super::decision::{self, DecisionRecord};
use super::earlier::keep;
use super::error::StoreError;
use super::ids::BatchId;

/// Its key in the policy of a batch, and its word among the decisions.
const PURPOSE: &str = "purpose";

impl Store {
    /// Keeps with the batch what it is for, and that `actor` said so; nothing if that is what it keeps.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_purpose(
        &self,
        batch: BatchId,
        purpose: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (purpose, actor) = (purpose.to_owned(), actor.to_owned());
        self.writer.write_blocking(move |tx| {
            if !keep(tx.connection, batch, PURPOSE, &purpose)? {
                return Ok(());
            }
            let said = DecisionRecord {
                batch: Some(batch),
                actor: actor.clone(),
                what: PURPOSE,
                detail: purpose.clone(),
                at: now,
            };
            decision::record(tx.connection, &said)
        })
    }
}
