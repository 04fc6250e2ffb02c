//! Retention: of batches that were finished long ago, numbers, fields and texts go.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::error::RunError;
use crate::domain::retention::{FIRST_STEP, KeepReason, next_step};
use crate::store::{DecisionRecord, OldBatch, Reader, Store, StoreError, at_most};

/// Between two steps others have the write lock: who waits for it asks every 25 ms in the first 128 ms of its waiting,
/// and ever more rarely then (SQLite's busy handler).
const STEP_PAUSE: Duration = Duration::from_millis(26);

/// What went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The batches that are old enough, those that were kept among them.
    pub batches: Vec<OldBatch>,
    /// Rows whose fields and texts went.
    pub rows: u64,
    /// People of whom only keyed hashes are left.
    pub people: u64,
    /// Whether nothing of them lingers in the log: another process may need it for now.
    pub log_is_empty: bool,
}

/// The batches that are to be pruned, and those that are old enough and stay.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read.
pub fn prunable(
    checkpoint: &Path,
    older_than: Duration,
    now: Timestamp,
) -> Result<Vec<OldBatch>, RunError> {
    Ok(Reader::open(checkpoint)?.old_batches(before(older_than, now))?)
}

/// Prunes the batches that were finished so long ago. Can be interrupted at any time: the next call goes on.
/// `progress` gets the rows that are done.
///
/// # Errors
/// [`RunError`] if the checkpoint fails.
pub fn prune(
    checkpoint: &Path,
    older_than: Duration,
    actor: &str,
    now: Timestamp,
    progress: &mut dyn FnMut(u64),
) -> Result<Pruned, RunError> {
    let store = Store::open_existing(checkpoint)?;
    store.discard_dead_lists(now)?;
    let before = before(older_than, now);
    let mut pruned = Pruned::default();
    for mut batch in store.reader()?.old_batches(before)? {
        let hold = match store.hold(&batch.name, now) {
            Ok(hold) => hold,
            Err(StoreError::Held { .. }) => {
                batch.kept = batch.kept.or(Some(KeepReason::Held));
                pruned.batches.push(batch);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let detail = format!("{} rows, finished {}", batch.rows, batch.finished_at);
        let note = DecisionRecord::new(actor, "prune", detail, now).about(batch.id);
        batch.kept = store.begin_prune(batch.id, note, now)?;
        let mut rows = FIRST_STEP;
        while batch.kept.is_none() {
            let step = store.prune_step(batch.id, at_most(rows))?;
            rows = next_step(rows, step.took);
            pruned.rows += step.rows;
            pruned.people += step.people;
            progress(pruned.rows);
            if !step.more {
                break;
            }
            // A run that sends gets its turn between two steps.
            std::thread::sleep(STEP_PAUSE);
        }
        drop(hold);
        pruned.batches.push(batch);
    }
    store.prune_events(before, now)?;
    pruned.log_is_empty = store.empty_log()?;
    Ok(pruned)
}

fn before(older_than: Duration, now: Timestamp) -> Timestamp {
    let age = SignedDuration::try_from(older_than).unwrap_or(SignedDuration::MAX);
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}
