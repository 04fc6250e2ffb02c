//! A backup of the checkpoint.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::clash::{Clash, FileClash};
use super::error::RunError;
use super::files::Files;
use crate::report::ReportError;
use crate::store::{Reader, StoreError};

/// How errors call the file.
const FLAG: &str = "FILE";

/// Writes a copy of the checkpoint as it is now to `file`, checked and marked as a backup, also beside a process
/// that sends. Nothing is written over. Returns its size in bytes.
///
/// # Errors
/// [`RunError`] if `file` is there or has another use, cannot be written, or the checkpoint cannot be read.
pub fn back_up(checkpoint: &Path, file: &Path, now: Timestamp) -> Result<u64, RunError> {
    let cannot_be_written = |path: &Path, source| ReportError::File {
        path: path.to_owned(),
        source,
    };
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|it| !it.is_dir()) {
        let text = format!("there is no folder {}", folder.display());
        let missing = io::Error::new(io::ErrorKind::NotFound, text);
        return Err(cannot_be_written(file, missing).into());
    }
    // Whatever stands there is refused below, so that nothing is asked about it.
    Files::new(Some(checkpoint), true).write(FLAG, file)?;
    if std::fs::symlink_metadata(file).is_ok() {
        return Err(FileClash::new(FLAG, file, Clash::Taken).into());
    }
    let size = Reader::open(checkpoint)?.back_up(file, now);
    size.map_err(|error| match error {
        StoreError::File { path, source } => cannot_be_written(&path, source).into(),
        other => other.into(),
    })
}
