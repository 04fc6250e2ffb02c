//! What a batch is and was, read from the checkpoint at any time, beside a sending process too.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use super::files::Files;
use crate::report::{
    Summary, default_results_path, is_as_left, known_by, write_known_results_file, write_results,
    write_results_file, write_whole_file,
};
use crate::store::{Place, Reader};

/// How the batch stands.
///
/// # Errors
/// [`RunError`] if there is no such batch, or the checkpoint cannot be read.
pub fn summary(checkpoint: &Path, batch: &str) -> Result<Summary, RunError> {
    let reader = Reader::open(checkpoint)?;
    let batch = reader.batch(batch)?;
    Ok(Summary::load(&reader, &batch)?)
}

/// Writes the results of the batch: one line for each row of the input, whatever became of it. Returns how many
/// rows.
///
/// # Errors
/// [`RunError`] if there is no such batch, the checkpoint cannot be read, or `to` cannot be written.
pub fn export(checkpoint: &Path, batch: &str, to: impl Write) -> Result<u64, RunError> {
    let reader = Reader::open(checkpoint)?;
    let batch = reader.batch(batch)?;
    Ok(write_results(&reader, &batch, to)?)
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
    path: Option<&Path>,
) -> Result<(PathBuf, u64), RunError> {
    let reader = Reader::open(checkpoint)?;
    let batch = reader.batch(batch)?;
    let path = if let Some(path) = path {
        files.write("--out", path)?;
        path.to_owned()
    } else {
        files.write_named(&default_results_path(&batch.name, batch.sandbox))?
    };
    let rows = write_results_file(&reader, &batch, &path)?;
    files.enter("export", &path);
    Ok((path, rows))
}

impl HeldBatch {
    /// Writes the results as [`export_file`] does, unless the file stands there as it was left and nothing
    /// changed since. Returns where it is: beside `path` under a similar name, if something else stands there.
    ///
    /// # Errors
    /// As [`export`].
    pub fn write_results(
        &self,
        files: &Files,
        path: Option<&Path>,
        now: Timestamp,
    ) -> Result<PathBuf, RunError> {
        let batch = self.batch();
        let path = path.map_or_else(
            || default_results_path(&batch.name, batch.sandbox),
            Path::to_owned,
        );
        let path = files.still(&path)?;
        let place = Place::of(&path).path;
        let left = self.reader()?.current_results(batch.id, &place)?;
        if left.is_some_and(|left| is_as_left(&path, &left)) {
            return Ok(path);
        }
        self.store().begin_results(batch.id, &place, now)?;
        let reader = self.reader()?;
        let batch = reader.batch(&batch.name)?;
        let expect = |next| self.store().expect_file(&place, next);
        let (_, written) = write_known_results_file(&reader, &batch, &path, expect)?;
        self.store().end_results(&place, written)?;
        Ok(path)
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
