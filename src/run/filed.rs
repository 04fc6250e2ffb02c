//! Lists that are sent, and that were sent and filed away. What is written to one meanwhile or afterwards was sent to
//! nobody: that is noticed.

use std::collections::{BTreeMap, HashSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::definition::has_file;
use super::error::RunError;
use super::mismatch::Mismatch;
use crate::domain::batch_state::BatchState;
use crate::report::{file_as_it_is, grouped};
use crate::store::{
    Batch, Counts, FiledList, Place, Reader, StoreError, WrittenFile, enter_list, leave_list,
};

/// A list in `sent` that is not as it was when it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedList {
    /// The file.
    pub path: PathBuf,
    /// The batch that it was sent as.
    pub batch: String,
    /// Its length when it was read, and now, in bytes.
    length: (u64, u64),
}

impl ChangedList {
    /// What happened to it.
    pub fn text(&self) -> String {
        let (then, now) = (grouped(self.length.0), grouped(self.length.1));
        format!(
            "it was written to after it was sent ({then} bytes were read, it has {now}): people who were added since were not \
             messaged. The command below sends to them alone; else take the file out of sent/"
        )
    }
}

/// What distinguishes a file from another one, and from itself before it was changed: its length, and when it was
/// changed last.
pub(super) type Version = (u64, Option<Timestamp>);

/// How the file stands.
pub(super) fn version(metadata: &Metadata) -> Version {
    let modified = metadata.modified().ok();
    let modified = modified.and_then(|at| Timestamp::try_from(at).ok());
    (metadata.len(), modified)
}

/// The checkpoint, if it can know of a list.
fn reader(checkpoint: &Path) -> Result<Option<Reader>, RunError> {
    if !checkpoint.exists() {
        return Ok(None);
    }
    match Reader::open(checkpoint) {
        Ok(reader) => Ok(Some(reader)),
        // It is upgraded when it is opened for writing.
        Err(StoreError::Unusable { source, .. })
            if matches!(*source, StoreError::Older { .. } | StoreError::Unfinished) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The lists in the folder `sent` that are not as they were when they were sent.
pub(super) fn changed_lists(sent: &Path, checkpoint: &Path) -> Result<Vec<ChangedList>, RunError> {
    let Some(reader) = reader(checkpoint)? else {
        return Ok(Vec::new());
    };
    let whole = Place::of(sent).path;
    let mut found = Vec::new();
    for list in reader.filed_lists()? {
        if list.path.parent() != Some(whole.as_path()) {
            continue;
        }
        let Some(length) = changed_to(&reader, &list)? else {
            continue;
        };
        found.push(ChangedList {
            path: sent.join(list.path.file_name().unwrap_or_default()),
            batch: list.batch,
            length: (list.left.size, length),
        });
    }
    Ok(found)
}

/// The length of the list as it is now, if it is there, and was changed, and its batch has not got it so.
fn changed_to(reader: &Reader, list: &FiledList) -> Result<Option<u64>, RunError> {
    let Ok(there) = std::fs::metadata(&list.path) else {
        return Ok(None);
    };
    let (length, modified) = version(&there);
    let is_untouched = modified.is_some_and(|at| in_millis(at) == in_millis(list.modified));
    if length == list.left.size && is_untouched {
        return Ok(None);
    }
    if let Ok(now) = file_as_it_is(&list.path) {
        let batch = reader.batch(&list.batch)?;
        if now == list.left || has_file(&batch.definition, &now.digest) {
            return Ok(None);
        }
    }
    Ok(Some(length))
}

/// A list of an inbox by which its batch does not go on unasked.
pub(super) struct OtherList {
    pub(super) batch: String,
    pub(super) path: PathBuf,
    /// What became of it.
    pub(super) became: Became,
    pub(super) seen: Seen,
}

/// What became of a list since its batch read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    /// It was edited, and the next night reads it again.
    Edited,
    /// It is not where it was read: the night refused it as it is by now, or it was moved, renamed or deleted.
    Gone,
}

/// How a list and its batch stood when the one was not as the other read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// `None`: no file is there.
    version: Option<Version>,
    /// The digest of the batch: the list may become its list as it is.
    batch: Vec<u8>,
}

/// Of the lists in inboxes that are sent as these batches, those that do not stand there as they were read; one that cannot be
/// read does not. A list that was filed away is done with. `known` are those that were others when they were looked at last: they
/// are not read again while both stand as they stood then.
pub(super) fn other_lists(
    reader: &Reader,
    batches: &[String],
    known: &BTreeMap<PathBuf, Seen>,
) -> Result<Vec<OtherList>, RunError> {
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for list in reader.filed_lists()? {
        if list.is_filed() || !batches.contains(&list.batch) {
            continue;
        }
        let version = std::fs::metadata(&list.path).ok().map(|it| version(&it));
        let batch = reader.batch(&list.batch)?;
        let became = match version {
            Some(_) => Became::Edited,
            None => Became::Gone,
        };
        let seen = Seen {
            version,
            batch: batch.digest.clone(),
        };
        if known.get(&list.path) == Some(&seen) || !is_as_read(&batch, &list.path) {
            found.push(OtherList {
                batch: list.batch,
                path: list.path,
                became,
                seen,
            });
        }
    }
    Ok(found)
}

/// The list in the inbox of a night that is sent as this batch, and what became of it, if it does not stand there as it was
/// read.
///
/// # Errors
/// [`RunError`] if the checkpoint fails.
pub(crate) fn other_list(
    reader: &Reader,
    batch: &str,
) -> Result<Option<(PathBuf, Became)>, RunError> {
    let others = other_lists(reader, &[batch.to_owned()], &BTreeMap::new())?;
    let mut others = others.into_iter();
    Ok(others.next().map(|list| (list.path, list.became)))
}

/// What a person should know who goes on with a batch whose list is not where it was read.
pub(crate) fn list_is_gone(list: &Path) -> String {
    format!(
        "Its list {} is not there any more: a night refused it as it is by now, or it was moved or renamed. This goes by the list as \
         it was read: also to people whom a newer one refuses or leaves out.",
        list.display()
    )
}

impl HeldBatch {
    /// Refuses a batch of a night whose list in the inbox is not as it was read: it may refuse people by now. Returns the list
    /// if it is gone from there: only who names the batch goes on with it.
    ///
    /// # Errors
    /// [`RunError`] if it was edited, or the checkpoint fails.
    pub fn refuse_if_edited(&self) -> Result<Option<PathBuf>, RunError> {
        let batch = &self.batch().name;
        match other_list(&self.reader()?, batch)? {
            Some((list, Became::Edited)) => Err(Mismatch::ListEdited(batch.clone(), list).into()),
            Some((list, Became::Gone)) => Ok(Some(list)),
            None => Ok(None),
        }
    }
}

/// A batch that waits, and the list of it that is not in its inbox any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListGone {
    /// The file's name.
    pub name: String,
    /// The batch that it was sent as.
    pub batch: String,
    /// How its recipients stand.
    pub counts: Counts,
}

/// The batches of lists of this inbox that are not in it any more, while people wait in them.
pub(super) fn lists_gone(inbox: &Path, checkpoint: &Path) -> Result<Vec<ListGone>, RunError> {
    let Some(reader) = reader(checkpoint)? else {
        return Ok(Vec::new());
    };
    let whole = Place::of(inbox).path;
    let mut found = Vec::new();
    for list in reader.filed_lists()? {
        let is_here = list.path.parent() == Some(whole.as_path());
        if list.is_filed() || !is_here || list.path.exists() {
            continue;
        }
        let batch = reader.batch(&list.batch)?;
        let counts = reader.counts(batch.id)?;
        if batch.state != BatchState::Cancelled && counts.queued + counts.sending > 0 {
            let name = list.path.file_name().unwrap_or_default();
            found.push(ListGone {
                name: name.to_string_lossy().into_owned(),
                batch: list.batch,
                counts,
            });
        }
    }
    Ok(found)
}

fn is_as_read(batch: &Batch, list: &Path) -> bool {
    file_as_it_is(list).is_ok_and(|now| has_file(&batch.definition, &now.digest))
}

/// Enters a list that was sent, as it was read, with the batch that it was sent as. Where that fails, what is written to
/// it later is not noticed.
pub(super) fn enter_sent(checkpoint: &Path, batch: &str, read: Version, filed: &Path) {
    let (size, modified) = read;
    let entered = file_as_it_is(filed)
        .map_err(|error| error.to_string())
        .and_then(|now| {
            let stands = std::fs::metadata(filed).map_err(|error| error.to_string())?;
            let is_as_read = version(&stands) == read;
            // Written to while it was moved: no content is that of a file as it was read.
            let digest = if is_as_read { now.digest } else { [0; 32] };
            let filed = FiledList {
                path: Place::of(filed).path,
                batch: batch.to_owned(),
                left: WrittenFile { size, digest },
                modified: modified.unwrap_or(Timestamp::MIN),
            };
            enter_list(checkpoint, &filed).map_err(|error| error.to_string())
        });
    if let Err(error) = entered {
        tracing::warn!(
            "{}: filed away, but the checkpoint could not note it ({error}); what is written to it later is not noticed",
            filed.display()
        );
    }
}

/// Enters that a list of the inbox is sent as this batch: until it leaves the inbox, it is this batch's list, however
/// it is edited.
pub fn enter_begun(checkpoint: &Path, batch: &str, list: &Path) {
    let begun = FiledList::begun(Place::of(list).path, batch.to_owned());
    if let Err(error) = enter_list(checkpoint, &begun) {
        tracing::warn!(
            "{}: the checkpoint could not note that it is sent as {batch} ({error}); if it is edited before it is \
             complete, the next night takes it for another list",
            list.display()
        );
    }
}

/// The batch that the list of the inbox was sent as when it was not filed away.
pub(super) fn batch_begun_with(reader: &Reader, list: &Path) -> Result<Option<String>, StoreError> {
    let path = Place::of(list).path;
    let mut begun = reader.filed_lists()?.into_iter();
    let begun = begun.find(|it| it.path == path && it.is_begun());
    Ok(begun.map(|it| it.batch))
}

/// The batches that were sent from lists of other folders of nights than that of this list, as far as those folders
/// are still there.
pub(super) fn batches_of_other_folders(
    reader: &Reader,
    list: &Path,
) -> Result<HashSet<String>, StoreError> {
    let ours = Place::of(list).path;
    let root = |path: &Path| Some(path.parent()?.parent()?.to_owned());
    let is_other = |it: &FiledList| {
        root(&it.path) != root(&ours) && it.path.parent().is_some_and(Path::is_dir)
    };
    let others = reader.filed_lists()?.into_iter().filter(is_other);
    Ok(others.map(|it| it.batch).collect())
}

/// The list left the inbox: what comes under its name is another one. Its batch is not gone on with unasked while people wait
/// in it.
pub(super) fn leave_inbox(checkpoint: &Path, place: &Place) {
    if let Err(error) = leave_list(checkpoint, &place.path) {
        tracing::warn!(
            "{}: the checkpoint could not note that it is not in the inbox any more ({error}); a list that comes under \
             its name is taken for the same one, edited",
            place.path.display()
        );
    }
}

/// As [`leave_inbox`], for the lists that somebody took out of it.
pub(super) fn leave_taken(inbox: &Path, checkpoint: &Path) -> Result<(), RunError> {
    let Some(reader) = reader(checkpoint)? else {
        return Ok(());
    };
    let whole = Place::of(inbox).path;
    for list in reader.filed_lists()? {
        if list.path.parent() == Some(whole.as_path()) && !list.path.exists() {
            leave_inbox(checkpoint, &Place::of(&list.path));
        }
    }
    Ok(())
}

fn in_millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}
