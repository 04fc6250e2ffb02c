//! A checkpoint of an earlier version, brought to that of this program.

use std::path::Path;

use super::error::RunError;
use crate::store::{OldCopy, Store};

/// Brings a checkpoint of an earlier version to that of this program, and does nothing else. Returns the version
/// that it had, or `None` if nothing was to be done.
///
/// # Errors
/// [`RunError`] if there is no such checkpoint, another process has it open, or it fails; then it is as it was.
pub fn upgrade(checkpoint: &Path, copy: OldCopy) -> Result<Option<u32>, RunError> {
    Ok(Store::upgrade(checkpoint, copy)?)
}
