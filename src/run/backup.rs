//! A backup of the checkpoint.

use std::path::Path;

use jiff::Timestamp;

use super::clash::FileClash;
use super::error::RunError;
use super::files::Files;
use crate::store::Reader;

/// How errors call the file.
const FLAG: &str = "FILE";

/// Writes a copy of the checkpoint as it is now to `file`, checked and marked as a backup, also beside a process
/// that sends. Nothing is written over. Returns its size in bytes.
///
/// # Errors
/// [`RunError`] if `file` is there or has another use, cannot be written, or the checkpoint cannot be read.
pub fn back_up(checkpoint: &Path, file: &Path, now: Timestamp) -> Result<u64, RunError> {
    // Whatever stands there is refused below, so that nothing is asked about it.
    Files::new(Some(checkpoint), true).write(FLAG, file)?;
    if std::fs::symlink_metadata(file).is_ok() {
        let path = file.to_owned();
        return Err(FileClash::Taken { flag: FLAG, path }.into());
    }
    Ok(Reader::open(checkpoint)?.back_up(file, now)?)
}
