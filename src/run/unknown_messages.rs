//! Messages in results files that the checkpoint does not know: it is older than it was. A backup that is put back in
//! place, with all that lies in its folder, looks as it did; but results files often lie elsewhere.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;

use super::error::RunError;
use crate::domain::delivery::State;
use crate::domain::phone::PhoneNumber;
use crate::domain::results_row::{REHEARSED, ResultsRow};
use crate::intake::{IntakeError, Settings, Source, Table, is_rounded};
use crate::report::{ResultsColumns, file_as_it_is};
use crate::store::{Batch, Misfit, Place, Reader, Store, StoreError};

/// The formats that results are written in.
const FORMATS: [&str; 2] = ["csv", "xlsx"];

/// Messages of one results file that the checkpoint does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnknownMessages {
    /// The file.
    pub file: PathBuf,
    /// Messages that were sent, or may have been.
    pub messages: u64,
    /// Others of which neither number nor id is left: it cannot be found out whether the checkpoint knows them.
    pub unreadable: u64,
    /// When the last of them was settled, as the file has it.
    pub last: Option<Timestamp>,
}

/// The messages of results files in the folder of the checkpoint, in the current one, or where it wrote
/// them last, that it does not know. A file that cannot be read holds none.
pub fn messages_unknown_to(checkpoint: &Path) -> Vec<UnknownMessages> {
    let reader = Reader::open(checkpoint).ok();
    let rehearsals = reader
        .as_ref()
        .is_some_and(|reader| reader.holds_rehearsals().unwrap_or(false));
    let files = results_files(checkpoint, reader.as_ref());
    let files = files.into_iter().filter(|(place, _)| {
        let stem = place.file_stem().unwrap_or_default().to_string_lossy();
        rehearsals || !stem.ends_with(REHEARSED)
    });
    files
        .filter_map(|(place, file)| {
            let found = unknown_in(&place, reader.as_ref(), |_| true)?;
            Some(UnknownMessages { file, ..found })
        })
        .collect()
}

/// Refuses a checkpoint that is older than a results file that it wrote: to be asked before a batch is begun or goes
/// on. A file is read only if it is not as long as it was when it was left, or read
/// before.
///
/// # Errors
/// [`StoreError::Misfit`] if a file has messages that it does not know.
pub(super) fn refuse_if_older(store: &Store) -> Result<(), RunError> {
    if store.is_in_cluster() {
        // The log shows how far the checkpoint must have come.
        return Ok(());
    }
    let reader = store.reader()?;
    if reader.holds_rehearsals()? {
        return Ok(());
    }
    for (path, size) in reader.written_results() {
        let Ok(there) = std::fs::metadata(&path) else {
            continue;
        };
        if there.is_file() && there.len() != size {
            refuse_if_unknown(store, &reader, &path, |_| true)?;
            store.note_length(&path, there.len())?;
        }
    }
    Ok(())
}

/// The same by the file that the results of a batch would be written to, where another one stands: as far as it says
/// that people have the message of this batch who wait for it.
///
/// # Errors
/// As [`refuse_if_older`].
pub(super) fn refuse_if_sent(store: &Store, batch: &Batch, path: &Path) -> Result<(), RunError> {
    let path = Place::of(path).path;
    if batch.sandbox || store.is_in_cluster() || !path.is_file() {
        return Ok(());
    }
    let reader = store.reader()?;
    let left = reader.versions_left(&path)?;
    if file_as_it_is(&path).is_ok_and(|now| left.contains(&now.digest)) {
        return Ok(());
    }
    let waiting = OnceCell::new();
    refuse_if_unknown(store, &reader, &path, |row| {
        // Few files have an unknown message: only then the people who wait are read.
        let waiting = waiting.get_or_init(|| queued(&reader, batch));
        (row.batch.is_empty() || row.batch == batch.name)
            && row.phone.is_some_and(|phone| waiting.contains(&phone))
    })
}

/// The numbers of those who wait. Where the checkpoint cannot be read, the run fails by itself.
fn queued(reader: &Reader, batch: &Batch) -> HashSet<PhoneNumber> {
    let mut numbers = HashSet::new();
    let read = reader.queued_numbers(batch.id, |phone| {
        numbers.insert(phone);
    });
    if let Err(error) = read {
        tracing::debug!("the people of {} are not read: {error}", batch.name);
    }
    numbers
}

/// Refuses the checkpoint if the file has such messages, and was written since a person said that the checkpoint is
/// the one.
fn refuse_if_unknown(
    store: &Store,
    reader: &Reader,
    path: &Path,
    counts: impl FnMut(&ResultsRow) -> bool,
) -> Result<(), RunError> {
    if Place::of(path).belongs_to(&Place::of(store.path())) {
        return Ok(());
    }
    let adopted = reader.adopted_at()?.map(SystemTime::from);
    let changed = std::fs::metadata(path).and_then(|there| there.modified());
    if matches!((changed, adopted), (Ok(changed), Some(adopted)) if changed <= adopted) {
        return Ok(());
    }
    let unknown = unknown_in(path, Some(reader), counts);
    let Some(unknown) = unknown.filter(|unknown| unknown.messages > 0) else {
        return Ok(());
    };
    let misfit = Misfit::Outdated {
        file: path.to_owned(),
        messages: unknown.messages,
    };
    let path = store.path().to_owned();
    Err(StoreError::Misfit { path, misfit }.into())
}

/// The messages of a file that the checkpoint does not know, of those that count; `None` if there is none. What cannot
/// be read says nothing, and what was read before it counts. A person may have taken out the column of numbers, or a
/// spreadsheet may have rounded them: then the ids of the messages say it.
fn unknown_in(
    path: &Path,
    reader: Option<&Reader>,
    mut counts: impl FnMut(&ResultsRow) -> bool,
) -> Option<UnknownMessages> {
    // Anything but a file is left alone: reading a pipe would wait without end.
    if !std::fs::metadata(path).is_ok_and(|there| there.is_file()) {
        return None;
    }
    let table = Table::open(&Source::Path(path.to_owned()), &Settings::default()).ok()?;
    let columns = ResultsColumns::find_what_is_left(table.names())?;
    // What was sent to an erased person is known by the number alone.
    let are_ids_enough =
        reader.is_none_or(|reader| reader.keeps_hashes().is_ok_and(|keeps| !keeps));
    let mut found = UnknownMessages {
        file: path.to_owned(),
        ..UnknownMessages::default()
    };
    let _whole = table.rows::<IntakeError>(|_, record| {
        let Ok(row) = columns.what_is_left_of(record) else {
            return Ok(());
        };
        if !matches!(row.state, State::Sent | State::Unknown) {
            return Ok(());
        }
        let is_readable = row.phone.is_some() || are_ids_enough && id_of(&row).is_some();
        if !is_readable {
            found.unreadable += u64::from(!columns.is_of_erased(&row, record));
        } else if !is_known(reader, &row) && counts(&row) {
            found.messages += 1;
            found.last = found.last.max(row.finished_at);
        }
        Ok(())
    });
    (found.messages > 0 || found.unreadable > 0).then_some(found)
}

/// The id of the message. What a spreadsheet rounded is the id of none.
fn id_of(row: &ResultsRow) -> Option<&str> {
    row.message_id.as_deref().filter(|id| !is_rounded(id))
}

/// A checkpoint that cannot be read knows nothing.
fn is_known(reader: Option<&Reader>, row: &ResultsRow) -> bool {
    let Some(reader) = reader else {
        return false;
    };
    let known = match (id_of(row), row.phone) {
        (Some(id), phone) => reader.knows_message(id).and_then(|known| {
            Ok(known
                || match phone {
                    Some(phone) => reader.keeps_hash_alone_of(phone)?,
                    None => false,
                })
        }),
        (None, Some(phone)) => reader.knows_request_to(phone),
        (None, None) => Ok(true),
    };
    known.unwrap_or(false)
}

/// Where results may stand: by their place, with the name for people.
fn results_files(checkpoint: &Path, reader: Option<&Reader>) -> BTreeMap<PathBuf, PathBuf> {
    let beside = checkpoint.parent().filter(|it| !it.as_os_str().is_empty());
    let here = Path::new(".");
    let mut files = BTreeMap::new();
    for folder in [here, beside.unwrap_or(here)] {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let format = path.extension().unwrap_or_default();
            if FORMATS.iter().any(|it| format == *it) {
                let name = path.strip_prefix(here).unwrap_or(&path).to_owned();
                files.insert(Place::of(&path).path, name);
            }
        }
    }
    for (path, _) in reader.map(Reader::written_results).unwrap_or_default() {
        files.entry(path.clone()).or_insert(path);
    }
    files
}
