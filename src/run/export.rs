//! What a batch is and was, read from the checkpoint at any time, beside a sending process too.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::RunError;
use crate::report::{Summary, default_results_path, write_results, write_results_file};
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
    let path = path.map_or_else(|| default_results_path(&batch.name), Path::to_owned);
    let rows = write_results_file(&reader, &batch, &path)?;
    Ok((path, rows))
}
