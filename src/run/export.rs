//! What a batch is and was, read from the checkpoint at any time, beside a sending process too.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use crate::report::{
    Summary, default_results_path, is_as_left, write_known_results_file, write_results,
    write_results_file,
};
use crate::store::Reader;

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
/// As [`export`].
pub fn export_file(
    checkpoint: &Path,
    batch: &str,
    path: Option<&Path>,
) -> Result<(PathBuf, u64), RunError> {
    let reader = Reader::open(checkpoint)?;
    let batch = reader.batch(batch)?;
    let path = path.map_or_else(
        || default_results_path(&batch.name, batch.sandbox),
        Path::to_owned,
    );
    let rows = write_results_file(&reader, &batch, &path)?;
    Ok((path, rows))
}

impl HeldBatch {
    /// Writes the results as [`export_file`] does, unless the file stands there as it was left and nothing
    /// changed since. Returns where it is.
    ///
    /// # Errors
    /// As [`export_file`].
    pub fn write_results(&self, path: Option<&Path>, now: Timestamp) -> Result<PathBuf, RunError> {
        let batch = self.batch();
        let path = path.map_or_else(
            || default_results_path(&batch.name, batch.sandbox),
            Path::to_owned,
        );
        let place = place_of(&path);
        let left = self.reader()?.current_results(batch.id, &place)?;
        if left.is_some_and(|left| is_as_left(&path, &left)) {
            return Ok(path);
        }
        self.store().begin_results(batch.id, &place, now)?;
        let reader = self.reader()?;
        let batch = reader.batch(&batch.name)?;
        let (_, written) = write_known_results_file(&reader, &batch, &path)?;
        self.store().end_results(&place, written)?;
        Ok(path)
    }
}

/// One name for each file: a link stands for what it leads to.
fn place_of(path: &Path) -> PathBuf {
    if let Ok(there) = std::fs::canonicalize(path) {
        return there;
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::canonicalize(folder.unwrap_or(Path::new(".")));
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        (Err(_), _) | (_, None) => path.to_owned(),
    }
}
