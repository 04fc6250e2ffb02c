//! Which checkpoint a call about existing batches means.

use std::path::{Path, PathBuf};

use super::error::{REHEARSALS, RunError};
use crate::store::Reader;

/// The checkpoint that a front end would use.
#[derive(Debug, Clone, Copy)]
pub struct CheckpointSettings<'a> {
    /// The file.
    pub path: &'a Path,
    /// True if a setting names it: then no other is searched for.
    pub named: bool,
}

/// A checkpoint that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCheckpoint {
    /// The file.
    pub path: PathBuf,
    /// True if it is that of the rehearsals, which the front end did not name.
    pub rehearsals: bool,
}

impl CheckpointSettings<'_> {
    /// The checkpoint that is named. If none is: the default; or that of the rehearsals, if it alone is there,
    /// or it alone has the batch.
    ///
    /// # Errors
    /// [`RunError`] if there is none, or it cannot be read.
    pub fn find(&self, batch: Option<&str>) -> Result<FoundCheckpoint, RunError> {
        let found = |path: &Path, rehearsals| FoundCheckpoint {
            path: path.to_owned(),
            rehearsals,
        };
        let rehearsals = Path::new(REHEARSALS);
        match (self.named, self.path.exists(), rehearsals.exists()) {
            (true, ..) | (false, true, false) => Ok(found(self.path, false)),
            (false, false, true) => Ok(found(rehearsals, true)),
            (false, false, false) => Err(RunError::NoCheckpoint(self.path.to_owned())),
            (false, true, true) => {
                let has = |path, name| -> Result<bool, RunError> {
                    Ok(Reader::open(path)?.find_batch(name)?.is_some())
                };
                match batch {
                    Some(name) if !has(self.path, name)? && has(rehearsals, name)? => {
                        Ok(found(rehearsals, true))
                    }
                    Some(_) | None => Ok(found(self.path, false)),
                }
            }
        }
    }

    /// Refuses to continue a batch where there is none to continue; `rehearsal` if it is to be one of those.
    ///
    /// # Errors
    /// [`RunError::NoCheckpoint`], or [`RunError::OnlyRehearsals`] where a real batch is meant.
    pub fn require(&self, rehearsal: bool) -> Result<(), RunError> {
        if self.named || self.path.exists() {
            return Ok(());
        }
        let path = self.path.to_owned();
        Err(if !rehearsal && Path::new(REHEARSALS).exists() {
            RunError::OnlyRehearsals(path)
        } else {
            RunError::NoCheckpoint(path)
        })
    }
}
