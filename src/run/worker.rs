//! What a worker does: it takes up batches that nobody holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use super::filed::{Seen, edited_lists};
use crate::store::{Store, StoreError};

/// The batches of a checkpoint that a worker may take up.
#[derive(Debug)]
pub(crate) struct WorkerQueue {
    store: Arc<Store>,
    token: i64,
    /// The lists in an inbox that are not as their batches read them, as they were when they were looked at last.
    edited: BTreeMap<PathBuf, Seen>,
}

/// The batches that a worker may take up now.
#[derive(Debug, Default)]
pub(crate) struct WorkerBatches {
    /// Their names, the oldest first.
    pub(crate) names: Vec<String>,
    /// How many are left to the next night: their lists were edited since they were read.
    pub(crate) left_alone: usize,
    /// Those of them that were not told yet, each with its list.
    pub(crate) newly_edited: Vec<(String, PathBuf)>,
}

impl WorkerQueue {
    /// Those that are sent with the token.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint cannot be opened.
    pub(crate) fn open(checkpoint: &Path, token: i64) -> Result<Self, RunError> {
        let store = Arc::new(Store::open(checkpoint)?);
        Ok(Self {
            store,
            token,
            edited: BTreeMap::new(),
        })
    }

    /// Which they are, as every node sees them `now`. A batch whose list lies in the inbox of a night, and was edited since
    /// it was read, is none of them: the list may refuse people by now.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails, or the cluster does.
    pub(crate) fn batches(&mut self, now: Timestamp) -> Result<WorkerBatches, RunError> {
        self.store.keep_pace()?;
        let reader = self.store.reader()?;
        let mut found = WorkerBatches {
            names: reader.for_workers(self.token, now)?,
            ..WorkerBatches::default()
        };
        let edited = edited_lists(&reader, &found.names, &self.edited)?;
        found.left_alone = edited.len();
        found
            .names
            .retain(|name| !edited.iter().any(|it| it.batch == *name));
        for list in edited {
            let before = self.edited.insert(list.path.clone(), list.seen.clone());
            if before.as_ref() != Some(&list.seen) {
                found.newly_edited.push((list.batch, list.path));
            }
        }
        Ok(found)
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
