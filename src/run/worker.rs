//! What a worker does: it takes up batches that nobody holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::batch::{HeldBatch, read_again_as};
use super::error::RunError;
use super::filed::{Became, Seen, other_lists};
use crate::store::{Reader, Store, StoreError};

/// The batches of a checkpoint that a worker may take up.
#[derive(Debug)]
pub(crate) struct WorkerQueue {
    store: Arc<Store>,
    token: i64,
    /// The lists of inboxes that do not stand there as their batches read them, as they were when they were looked at last.
    others: BTreeMap<PathBuf, Seen>,
    /// Batches whose lists were read again, with the batches that they became.
    read_again: BTreeSet<(String, String)>,
}

/// The batches that a worker may take up now.
#[derive(Debug, Default)]
pub(crate) struct WorkerBatches {
    /// Their names, the oldest first.
    pub(crate) names: Vec<String>,
    /// How many are left alone: their lists were edited since they were read, or are gone.
    pub(crate) left_alone: usize,
    /// Those of them that were not told yet.
    pub(crate) newly_left: Vec<LeftAlone>,
}

/// A batch that no worker takes up: its list is another one since it was read, and may refuse people by now.
#[derive(Debug)]
pub(crate) enum LeftAlone {
    /// The list lies in the inbox of a night, which reads it again.
    ToNight {
        /// The batch.
        batch: String,
        /// Its list.
        list: PathBuf,
    },
    /// The list is not in the inbox of the night any more: a person says whether the batch goes on without it.
    ListGone {
        /// The batch.
        batch: String,
        /// Where its list was.
        list: PathBuf,
    },
    /// The list was read again as another batch: a person says which of them goes on.
    ToPerson {
        /// The batch.
        batch: String,
        /// The other one.
        newer: String,
    },
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
            others: BTreeMap::new(),
            read_again: BTreeSet::new(),
        })
    }

    /// Which they are, as every node sees them `now`. A batch that a night began, and whose list does not stand in the inbox as
    /// it was read, is none of them, unless the night was done with it: a newer list may refuse people by now. Nor is one whose
    /// list was read again, edited, as another batch.
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
        let others = other_lists(&reader, &found.names, &self.others)?;
        found.left_alone = others.len();
        found
            .names
            .retain(|name| !others.iter().any(|it| it.batch == *name));
        for other in others {
            let before = self.others.insert(other.path.clone(), other.seen.clone());
            if before.as_ref() != Some(&other.seen) {
                let (batch, list) = (other.batch, other.path);
                found.newly_left.push(match other.became {
                    Became::Edited => LeftAlone::ToNight { batch, list },
                    Became::Gone => LeftAlone::ListGone { batch, list },
                });
            }
        }
        self.leave_read_again(&reader, &mut found)?;
        Ok(found)
    }

    /// Leaves out the batches whose lists were read again as others.
    fn leave_read_again(
        &mut self,
        reader: &Reader,
        found: &mut WorkerBatches,
    ) -> Result<(), RunError> {
        for batch in std::mem::take(&mut found.names) {
            let Some(newer) = read_again_as(reader, &reader.batch(&batch)?)? else {
                found.names.push(batch);
                continue;
            };
            found.left_alone += 1;
            if self.read_again.insert((batch.clone(), newer.clone())) {
                found.newly_left.push(LeftAlone::ToPerson { batch, newer });
            }
        }
        Ok(())
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
