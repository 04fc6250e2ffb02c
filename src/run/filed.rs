//! Lists that were sent and filed away. What is written to one afterwards was sent to nobody: that is noticed.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::definition::has_file;
use super::error::RunError;
use crate::report::{file_as_it_is, grouped};
use crate::store::{FiledList, Place, Reader, StoreError, WrittenFile, enter_list};

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
            "it was written to after it was sent ({then} bytes were read, it has {now}): whoever came since was not \
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

/// The lists in the folder `sent` that are not as they were when they were sent.
pub(super) fn changed_lists(sent: &Path, checkpoint: &Path) -> Result<Vec<ChangedList>, RunError> {
    if !checkpoint.exists() {
        return Ok(Vec::new());
    }
    let reader = match Reader::open(checkpoint) {
        Ok(reader) => reader,
        // It knows of no list, and is brought forward when it is opened for writing.
        Err(StoreError::Unusable { source, .. })
            if matches!(*source, StoreError::Older { .. } | StoreError::Unfinished) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
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

fn in_millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}
