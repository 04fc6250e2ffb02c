//! Results files of many batches, written again where their contents have changed.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::error::RunError;
use super::export::{RESULTS, default_path, standing_results, write_results};
use super::files::Files;
use crate::domain::batch_state::BatchState;
use crate::domain::dialect::Dialect;
use crate::report::is_as_left;
use crate::store::{Batch, Reader, Store};

/// Deliveries and opt-ins of a batch come for so long, after its last run.
const RESULTS_CHANGE_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What became of the results of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    /// They were written to this file.
    Written(PathBuf),
    /// This file has them as they are.
    Same(PathBuf),
    /// They were not written, for this reason.
    LeftOut(&'static str),
}

/// Writes the results of every batch that was ever sent: over its file, where that stands as it was left, else to
/// one that is named after it. With `changed`, a file that would be the same is left alone. What became of each is
/// passed to `report`, by name.
///
/// # Errors
/// [`RunError`] if the checkpoint fails, or a file cannot be written.
pub fn export_all(
    checkpoint: &Path,
    files: &mut Files,
    changed: bool,
    dialect: Option<Dialect>,
    now: Timestamp,
    report: &mut dyn FnMut(&str, &Exported),
) -> Result<(), RunError> {
    // A checkpoint that is not there is not made.
    let mut batches = Reader::open(checkpoint)?.batches()?;
    let store = Store::open(checkpoint)?;
    batches.retain(|batch| batch.is_whole() && batch.started_at.is_some());
    for batch in batches.into_iter().rev() {
        let reader = store.reader()?;
        let done = if batch.pruned_at.is_some() {
            Exported::LeftOut("it was pruned: its file may hold what the batch no longer does")
        } else if reader.holder(&batch.name).is_some() {
            Exported::LeftOut("a process works on it, and writes them at its end")
        } else {
            export_one(&store, &batch, files, changed, dialect, now)?
        };
        report(&batch.name, &done);
    }
    Ok(())
}

fn export_one(
    store: &Store,
    batch: &Batch,
    files: &mut Files,
    changed: bool,
    dialect: Option<Dialect>,
    now: Timestamp,
) -> Result<Exported, RunError> {
    let reader = store.reader()?;
    let path = match standing_results(&reader, batch)? {
        Some(file) if changed && file.is_current => return Ok(Exported::Same(file.path)),
        Some(file) => file.path,
        None => files.write_named(&default_path(&reader, batch, RESULTS, dialect)?)?,
    };
    Ok(Exported::Written(write_results(
        store, batch, files, &path, dialect, now,
    )?))
}

/// Writes the results files of finished batches again, where their contents have changed: deliveries
/// came. A file that was changed or removed stays as it is.
///
/// # Errors
/// [`RunError`] if the checkpoint fails, or a file cannot be written.
pub(super) fn refresh_results(
    store: &Store,
    dialect: Option<Dialect>,
    now: Timestamp,
) -> Result<(), RunError> {
    let reader = store.reader()?;
    let files = Files::new(Some(store.path()), false);
    for batch in reader.batches()? {
        let is_finished = matches!(batch.state, BatchState::Complete | BatchState::Cancelled);
        let is_late = batch
            .finished_at
            .is_none_or(|at| at + RESULTS_CHANGE_FOR < now);
        let is_fixed = !is_finished || is_late || batch.pruned_at.is_some();
        if is_fixed || reader.holder(&batch.name).is_some() {
            continue;
        }
        for file in reader.results_files(batch.id)? {
            if !file.is_current && is_as_left(&file.path, &file.left) {
                write_results(store, &batch, &files, &file.path, dialect, now)?;
            }
        }
    }
    Ok(())
}
