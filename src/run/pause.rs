//! A batch is paused by one person, and begun by a second one where the settings ask for that.

use std::path::Path;

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use super::mismatch::Mismatch;
use crate::domain::batch_state::PausedBy;
use crate::store::{OwnWork, Store};

/// Pauses a batch that is being sent, by whatever process of whatever machine: nothing more is claimed, and what is
/// under way is finished.
///
/// # Errors
/// [`RunError`] if it is not being sent, or the checkpoint fails.
pub(crate) fn pause(
    checkpoint: &Path,
    batch: &str,
    actor: &str,
    now: Timestamp,
) -> Result<(), RunError> {
    let store = Store::open_existing(checkpoint)?;
    let id = store.reader()?.batch(batch)?.id;
    if store.pause(id, actor, now)? {
        return Ok(());
    }
    Err(Mismatch::NotSent(batch.to_owned()).into())
}

impl HeldBatch {
    /// What keeps the batch from being sent now; `resumed`: a person goes on with it.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn paused_by(&self, resumed: bool) -> Result<Option<PausedBy>, RunError> {
        let by = self.reader()?.paused_by(self.batch().id)?;
        Ok(by.filter(|by| !(resumed && matches!(by, PausedBy::Person(_)))))
    }

    /// Where the checkpoint asks for a second person, the one who starts the batch approves its list and text.
    ///
    /// # Errors
    /// [`RunError`] if it is a person who prepared or changed it, or the checkpoint fails.
    pub(crate) fn approve(&self, actor: &str, now: Timestamp) -> Result<(), RunError> {
        let needs_another = |did| {
            let person = actor.to_owned();
            RunError::from(Mismatch::NeedsAnother { person, did })
        };
        match self.store().approve(self.batch().id, actor, now)? {
            None => Ok(()),
            Some(OwnWork::Prepared) => Err(needs_another("prepared")),
            Some(OwnWork::Changed) => Err(needs_another("changed")),
        }
    }
}
