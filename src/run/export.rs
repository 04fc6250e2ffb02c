//! What a batch is and was, read from the checkpoint at any time, beside a sending process too.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use super::files::Files;
use super::mismatch::Mismatch;
use crate::domain::dialect::{Dialect, FileFormat};
use crate::report::{
    Selection, Summary, check_room, default_stem, is_as_left, known_by, write_selected,
    write_selected_file, write_whole_file,
};
use crate::store::{Batch, Place, Reader, ResultsFile, Store};

/// What the name of a file with all results says that it holds.
pub(super) const RESULTS: &str = "results";

/// How the batch stands.
///
/// # Errors
/// [`RunError`] if there is no such batch, or the checkpoint cannot be read.
pub fn summary(checkpoint: &Path, batch: &str) -> Result<Summary, RunError> {
    let reader = Reader::open(checkpoint)?;
    let batch = reader.batch(batch)?;
    Ok(Summary::load(&reader, &batch)?)
}

/// The newest results file of the batch that stands there as it was left: one of which nothing has changed since, if
/// there is one.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read.
pub(crate) fn standing_results(
    reader: &Reader,
    batch: &Batch,
) -> Result<Option<ResultsFile>, RunError> {
    let files = reader.results_files(batch.id)?.into_iter();
    let standing = files.filter(|file| is_as_left(&file.path, &file.left));
    Ok(standing.max_by_key(|file| (file.is_current, file.written_at)))
}

/// Which rows and columns of a batch are exported, and how text is written. The default is all, as the list was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportSettings {
    /// Which rows and columns.
    pub selection: Selection,
    /// How text is written; `None` is as the list was in files, and plain CSV elsewhere.
    pub dialect: Option<Dialect>,
}

/// Writes the results of the batch as text: one line for each row of the input, whatever became of it. Returns how
/// many rows.
///
/// # Errors
/// [`RunError`] if there is no such batch, the checkpoint cannot be read, or `to` cannot be written.
pub fn export(
    checkpoint: &Path,
    batch: &str,
    settings: &ExportSettings,
    to: impl Write,
) -> Result<u64, RunError> {
    let reader = Reader::open(checkpoint)?;
    let batch = reader.batch(batch)?;
    let dialect = settings.dialect.unwrap_or_default();
    Ok(write_selected(
        &reader,
        &batch,
        &settings.selection,
        dialect,
        to,
    )?)
}

/// The same to a file, which appears whole or not at all: to `path`, or to one that is named after the batch.
/// Returns where, and how many rows.
///
/// # Errors
/// As [`export`]; and [`FileClash`](super::FileClash) if something else stands at `path`.
pub fn export_file(
    files: &mut Files,
    checkpoint: &Path,
    batch: &str,
    settings: &ExportSettings,
    path: Option<&Path>,
) -> Result<(PathBuf, u64), RunError> {
    let ExportSettings { selection, dialect } = settings;
    let reader = Reader::open(checkpoint)?;
    let batch = reader.batch(batch)?;
    let path = if let Some(path) = path {
        keep_whole(&batch, path)?;
        files.write("--out", path)?;
        path.to_owned()
    } else {
        // A part never takes the place of the whole.
        let what = if selection.is_partial() {
            "selected"
        } else {
            RESULTS
        };
        let path = default_path(&reader, &batch, what, *dialect)?;
        keep_whole(&batch, &path)?;
        files.write_named(&path)?
    };
    let format = FileFormat::of(&path, batch.list, *dialect);
    let (rows, _) = write_selected_file(&reader, &batch, selection, format, &path, |_| Ok(()))?;
    files.enter("export", &path);
    Ok((path, rows))
}

/// Refuses to write the results of a pruned batch over a file: it may hold what the batch does not any more.
fn keep_whole(batch: &Batch, path: &Path) -> Result<(), Mismatch> {
    match batch.pruned_at {
        Some(at) if path.is_file() => Err(Mismatch::Pruned {
            batch: batch.name.clone(),
            at,
            path: path.to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// When the batch was pruned, if it was: its results hold no numbers and no fields.
///
/// # Errors
/// [`RunError`] if there is no such batch, or the checkpoint cannot be read.
pub fn pruned_at(checkpoint: &Path, batch: &str) -> Result<Option<Timestamp>, RunError> {
    Ok(Reader::open(checkpoint)?.batch(batch)?.pruned_at)
}

/// Where a file about the batch goes that nobody names; `what` it holds.
pub(super) fn default_path(
    reader: &Reader,
    batch: &Batch,
    what: &str,
    dialect: Option<Dialect>,
) -> Result<PathBuf, RunError> {
    let stem = default_stem(&batch.name, batch.sandbox);
    let suffix = batch.list.suffix(dialect, reader.counts(batch.id)?.rows());
    Ok(PathBuf::from(format!("{stem}.{what}.{suffix}")))
}

/// Writes the results to `path`, or beside it where something else stands; unless the file stands there as it was
/// left and nothing changed since. Returns where it is.
pub(super) fn write_results(
    store: &Store,
    batch: &Batch,
    files: &Files,
    path: &Path,
    dialect: Option<Dialect>,
    now: Timestamp,
) -> Result<PathBuf, RunError> {
    if batch.pruned_at.is_some() && path.is_file() {
        // It may hold what the batch does not any more.
        return Ok(path.to_owned());
    }
    let path = files.still(path)?;
    let place = Place::of(&path).path;
    // A file in the list's own dialect may be asked for in another now.
    let left = match dialect {
        Some(_) => None,
        None => store.reader()?.current_results(batch.id, &place)?,
    };
    if left.is_some_and(|left| is_as_left(&path, &left)) {
        return Ok(path);
    }
    store.begin_results(batch.id, &place, now)?;
    let reader = store.reader()?;
    let batch = reader.batch(&batch.name)?;
    let format = FileFormat::of(&path, batch.list, dialect);
    let expect = |next| store.expect_file(&place, next);
    let all = Selection::default();
    let (_, written) = write_selected_file(&reader, &batch, &all, format, &path, expect)?;
    store.end_results(&place, written)?;
    Ok(path)
}

impl HeldBatch {
    /// Whether the results of the batch can be written to `path`: to be asked before anything is sent.
    ///
    /// # Errors
    /// [`RunError`] if the format that the path names cannot hold so many rows or columns.
    pub fn check_results(&self, path: &Path, dialect: Option<Dialect>) -> Result<(), RunError> {
        let (reader, batch) = (self.reader()?, self.batch());
        let format = FileFormat::of(path, batch.list, dialect);
        Ok(check_room(format, batch, reader.counts(batch.id)?.rows())?)
    }

    /// Where the results go if no file is named: the name alone.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint cannot be read.
    pub fn results_name(&self, dialect: Option<Dialect>) -> Result<PathBuf, RunError> {
        default_path(&self.reader()?, self.batch(), RESULTS, dialect)
    }

    /// Writes the results as [`export_file`] does, unless the file stands there as it was left and nothing
    /// changed since. Returns where it is: beside `path` under a similar name, if something else stands there.
    ///
    /// # Errors
    /// As [`export`].
    pub fn write_results(
        &self,
        files: &Files,
        path: &Path,
        dialect: Option<Dialect>,
        now: Timestamp,
    ) -> Result<PathBuf, RunError> {
        let write = || write_results(self.store(), self.batch(), files, path, dialect, now);
        match write() {
            // The log of the checkpoint may take the room that the results need.
            Err(error) if error.is_full_disk() && self.store().fold_log() => write(),
            written => written,
        }
    }

    /// Writes the summary as JSON. Returns where it is, as [`Self::write_results`].
    ///
    /// # Errors
    /// [`RunError`] if it cannot be written.
    pub fn write_summary(
        &self,
        files: &Files,
        summary: &Summary,
        path: &Path,
    ) -> Result<PathBuf, RunError> {
        let path = files.still(path)?;
        let place = Place::of(&path).path;
        let content = summary.file_content()?;
        let written = known_by(&content);
        self.store().expect_file(&place, written)?;
        write_whole_file(&path, &content)?;
        self.store().end_file(&place, "summary", written)?;
        Ok(path)
    }
}
