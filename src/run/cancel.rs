//! A batch is given up, and taken up again.

use std::path::Path;

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::{Mismatch, RunError};
use crate::domain::batch_state::BatchState;
use crate::store::{Batch, Counts};

impl HeldBatch {
    /// Takes hold of a batch that is to be given up.
    ///
    /// # Errors
    /// [`RunError`] if there is no such batch, nobody of it is queued, or another process holds it.
    pub fn to_cancel(checkpoint: &Path, name: &str, now: Timestamp) -> Result<Self, RunError> {
        let batch = Self::take(checkpoint, name, now)?;
        not_cancelled(batch.batch())?;
        if !batch.batch().is_whole() {
            return Err(Mismatch::NotWhole(batch.batch().name.clone()).into());
        }
        batch.store().finish_change(batch.batch().id, now)?;
        let batch = batch.reread()?;
        if batch.counts()?.queued == 0 {
            return Err(Mismatch::NobodyQueued(batch.batch().name.clone()).into());
        }
        Ok(batch)
    }

    /// How its recipients stand.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn counts(&self) -> Result<Counts, RunError> {
        Ok(self.reader()?.counts(self.batch().id)?)
    }

    /// Gives the batch up: its queued recipients are cancelled. Who may have been messaged stays as it is.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn cancel(&self, by: &str, now: Timestamp) -> Result<(), RunError> {
        Ok(self.store().cancel(self.batch().id, by, now)?)
    }

    /// Takes a batch up again that was given up; does nothing to another.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn undo_cancel(self, by: &str, now: Timestamp) -> Result<Self, RunError> {
        if self.batch().state == BatchState::Cancelled {
            self.store().undo_cancel(self.batch().id, by, now)?;
        }
        self.reread()
    }
}

/// Nothing is sent, added or changed in a batch that was given up.
///
/// # Errors
/// [`RunError::Cancelled`] if it was.
pub(super) fn not_cancelled(batch: &Batch) -> Result<(), RunError> {
    match batch.state {
        BatchState::Cancelled => Err(RunError::Cancelled {
            batch: batch.name.clone(),
            by: batch.state_by.clone().unwrap_or_default(),
            since: batch.state_since,
        }),
        BatchState::Reading
        | BatchState::Draft
        | BatchState::Running
        | BatchState::Waiting
        | BatchState::Paused
        | BatchState::Stopped
        | BatchState::Complete => Ok(()),
    }
}
