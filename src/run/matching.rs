//! How a list matches the batch that has its name.

use super::batch::{needs_list, not_cancelled};
use super::definition::{BatchMatch, Definition};
use super::error::RunError;
use super::list::List;
use super::mismatch::Mismatch;
use crate::domain::follow_up::is_named_as_one;
use crate::store::{Batch, Change};

/// How the list matches the batch of that name. `change`: what is asked for where it is another list.
pub(super) fn compare(
    definition: &Definition,
    name: &str,
    found: Option<Batch>,
    list: &List,
    change: Option<Change>,
    is_follow_up: bool,
) -> Result<BatchMatch<Batch>, RunError> {
    if let Some(batch) = &found {
        not_cancelled(batch)?;
    }
    let batch_match = match found {
        Some(batch) if batch.restored_from().is_some() => again(batch, list, change, is_follow_up)?,
        found => definition.compare(
            name,
            found.map(|batch| (batch.definition.clone(), batch)),
            change,
        )?,
    };
    match &batch_match {
        BatchMatch::Change(batch, _) if batch.follow_up.is_some() && !is_follow_up => {
            Err(Mismatch::FollowUpList(name.to_owned()).into())
        }
        BatchMatch::New | BatchMatch::Continue(_) | BatchMatch::Change(..) => Ok(batch_match),
    }
}

/// The list of a batch that was restored from results files comes again, and takes the place of what was restored.
fn again(
    batch: Batch,
    list: &List,
    change: Option<Change>,
    is_follow_up: bool,
) -> Result<BatchMatch<Batch>, Mismatch> {
    let from = batch.restored_from().unwrap_or_default();
    if is_follow_up {
        return Ok(BatchMatch::Change(batch, Change::Update));
    }
    if is_named_as_one(&batch.name) {
        return Err(needs_list(&batch, from));
    }
    // The list may lie in another folder by now.
    let is_its_list = list.input.file_names().any(|name| {
        batch
            .files
            .iter()
            .any(|file| own_name(file) == own_name(name))
    });
    match change {
        Some(Change::Update) => Ok(BatchMatch::Change(batch, Change::Update)),
        None if is_its_list => Ok(BatchMatch::Change(batch, Change::Update)),
        None | Some(Change::Add) => Err(needs_list(&batch, from)),
    }
}

/// The name of a file without its folders, whichever system wrote it.
fn own_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
