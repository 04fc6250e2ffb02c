//! What a worker does: it takes up batches that nobody holds.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use crate::store::{Store, StoreError};

/// The batches of a checkpoint that a worker may take up.
#[derive(Debug)]
pub(crate) struct WorkerQueue {
    store: Arc<Store>,
    token: i64,
}

impl WorkerQueue {
    /// Those that are sent with the token.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint cannot be opened.
    pub(crate) fn open(checkpoint: &Path, token: i64) -> Result<Self, RunError> {
        let store = Arc::new(Store::open(checkpoint)?);
        Ok(Self { store, token })
    }

    /// Their names, the oldest first, as every node sees them `now`.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails, or the cluster does.
    pub(crate) fn batches(&self, now: Timestamp) -> Result<Vec<String>, RunError> {
        self.store.keep_pace()?;
        Ok(self.store.reader()?.for_workers(self.token, now)?)
    }

    /// The names of those that it leaves alone until a second person has approved them.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub(crate) fn not_approved(&self, now: Timestamp) -> Result<Vec<String>, RunError> {
        Ok(self
            .store
            .reader()?
            .for_workers_once_approved(self.token, now)?)
    }
}

impl RunError {
    /// Another process was faster to take the batch.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self, Self::Store(StoreError::Held { .. }))
    }
}

impl HeldBatch {
    /// The batch waits for any worker that has the token.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub(crate) fn leave_to_workers(&self, token: i64, now: Timestamp) -> Result<(), RunError> {
        Ok(self.store().leave_to_workers(self.batch().id, token, now)?)
    }
}
