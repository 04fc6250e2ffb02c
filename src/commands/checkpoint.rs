//! Which checkpoint a command about existing batches means.

use std::path::PathBuf;

use super::error::CommandError;
use crate::config::{Checkpoint, Settings};
use crate::report::Hints;
use crate::run::CheckpointSettings;
use crate::store::Reader;

/// A checkpoint that is there.
#[derive(Debug)]
pub(super) struct Found {
    /// The file.
    pub(super) path: PathBuf,
    /// What a suggested command must say to find it again.
    pub(super) db: Option<PathBuf>,
}

impl Found {
    pub(super) fn hints(&self) -> Hints {
        Hints {
            db: self.db.clone(),
            ..Hints::default()
        }
    }

    /// Opens it for reading.
    pub(super) fn reader(&self) -> Result<Reader, CommandError> {
        Ok(Reader::open(&self.path)?)
    }
}

/// The checkpoint of the settings, or that of the rehearsals where it must be meant.
pub(super) fn find(settings: &Settings, batch: Option<&str>) -> Result<Found, CommandError> {
    let checkpoint = settings.checkpoint()?;
    let found = choice(&checkpoint).find(batch)?;
    let flag = checkpoint.db_by_flag();
    let db = found.rehearsals.then_some(found.path.as_path()).or(flag);
    Ok(Found {
        db: db.map(ToOwned::to_owned),
        path: found.path,
    })
}

/// The checkpoint as the library asks for it.
fn choice(checkpoint: &Checkpoint) -> CheckpointSettings<'_> {
    CheckpointSettings {
        path: checkpoint.db(),
        named: checkpoint.is_named(),
    }
}
