//! What a batch keeps about SMS: whether its messages are counted, and how many segments they may have.

use super::checkpoint::{Reader, Store};
use super::earlier::{keep, policy};
use super::error::StoreError;
use super::ids::BatchId;
use crate::domain::sms::SmsSettings;

/// Its key in the policy of a batch.
const SMS: &str = "sms";

impl Reader {
    /// What the batch keeps.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn kept_sms(&self, batch: BatchId) -> Result<SmsSettings, StoreError> {
        let kept = policy(&self.connection, batch)?.remove(SMS);
        let kept = kept.map(serde_json::from_value).transpose();
        Ok(kept
            .map_err(|error| StoreError::Value {
                detail: error.to_string(),
            })?
            .unwrap_or_default())
    }
}

impl Store {
    /// Keeps these settings with the batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_sms(&self, batch: BatchId, sms: SmsSettings) -> Result<(), StoreError> {
        self.writer
            .write_blocking(move |tx| keep(tx.connection, batch, SMS, &sms).map(|_| ()))
    }
}
