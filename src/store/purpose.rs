//! What a batch is for, as a person said: for whoever asks later why these people were messaged.

use jiff::Timestamp;

use super::checkpoint::Store;
use super::decision::{self, DecisionRecord};
use super::earlier::{policy, set_policy};
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
            let mut policy = policy(tx.connection, batch)?;
            let value = serde_json::Value::from(purpose.as_str());
            if policy.insert(PURPOSE.to_owned(), value.clone()) == Some(value) {
                return Ok(());
            }
            set_policy(tx.connection, batch, &policy)?;
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
