//! A batch is given up, and taken up again.

use std::path::Path;

use jiff::Timestamp;

use super::batch::{HeldBatch, not_cancelled};
use super::error::RunError;
use super::mismatch::Mismatch;
use crate::domain::batch_state::BatchState;
use crate::store::Counts;

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
        let counts = batch.counts()?;
        if counts.queued + counts.awaiting == 0 {
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
