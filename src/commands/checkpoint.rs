//! Which checkpoint a command about existing batches means.

use std::path::PathBuf;

use super::error::CommandError;
use crate::config::{Checkpoint, Settings};
use crate::report::Hints;
use crate::run::{Batch, CheckpointSettings, RunError, api_of, cluster};

/// The flag of the API's address.
const BASE_URL: &str = "base-url";

/// A checkpoint that exists.
#[derive(Debug)]
pub(super) struct Found {
    /// The file.
    pub(super) path: PathBuf,
    /// What a suggested command must say to find it again.
    pub(super) db: Option<PathBuf>,
    /// Other machines write it too.
    pub(super) is_shared: bool,
    /// Further flags that it must repeat.
    typed_places: Vec<(&'static str, String)>,
    /// The address of the API that a command would ask without a flag.
    api: Option<String>,
}

impl Found {
    pub(super) fn hints(&self) -> Hints {
        Hints {
            db: self.db.clone(),
            flags: self.typed_places.clone(),
            ..Hints::default()
        }
    }

    /// The same for commands about a batch: those that ask the API must name the one that the batch went to, where they
    /// would ask another.
    pub(super) fn hints_of(&self, batch: &Batch) -> Result<Hints, CommandError> {
        let mut hints = self.hints();
        let is_typed = hints.flags.iter().any(|(flag, _)| *flag == BASE_URL);
        if !is_typed
            && !batch.sandbox
            && let Some(kept) = api_of(&self.path, batch)?
            && self.api.as_ref() != Some(&kept)
        {
            hints.flags.push((BASE_URL, kept));
        }
        Ok(hints)
    }
}

/// The checkpoint of the settings, or that of the rehearsals where it must be meant.
pub(super) fn find(settings: &Settings, batch: Option<&str>) -> Result<Found, CommandError> {
    let checkpoint = settings.checkpoint()?;
    let path = path(&checkpoint)?;
    let choice = CheckpointSettings {
        path: &path,
        named: checkpoint.is_named(),
    };
    let found = choice.find(batch)?;
    let flag = checkpoint.db_by_flag();
    let db = found.rehearsals.then_some(found.path.as_path()).or(flag);
    Ok(Found {
        db: db.map(ToOwned::to_owned),
        path: found.path,
        is_shared: checkpoint.cluster.is_some() && !found.rehearsals,
        typed_places: checkpoint.typed_places,
        api: settings.base_url(),
    })
}

/// The checkpoint that the settings name, or the one in use; it need not be there yet. In a cluster it is joined where
/// it is not there, and what it missed is applied.
pub(super) fn path(checkpoint: &Checkpoint) -> Result<PathBuf, RunError> {
    let Some(access) = &checkpoint.cluster else {
        return checkpoint.place().find();
    };
    let path = checkpoint.place().find_to_make()?;
    cluster::keep_up(&path, access)?;
    Ok(path)
}

/// The same for a command that makes it where it is not there: the folder of the user's data is made too.
pub(super) fn path_to_make(checkpoint: &Checkpoint) -> Result<PathBuf, RunError> {
    checkpoint.place().find_to_make()?;
    path(checkpoint)
}
