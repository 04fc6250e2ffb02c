//! Which checkpoint a command about existing batches means.

use std::path::{Path, PathBuf};

use super::error::CommandError;
use crate::config::{Checkpoint, CheckpointPlace, Settings};
use crate::report::Hints;
use crate::run::{
    CheckpointPlaces, CheckpointSettings, RunError, is_same_file, known_to_rehearsal,
};
use crate::store::{Batch, Reader, Store, StoreError, make_private_folder};

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
    pub(super) fn hints_of(&self, reader: &Reader, batch: &Batch) -> Result<Hints, CommandError> {
        let mut hints = self.hints();
        let is_typed = hints.flags.iter().any(|(flag, _)| *flag == BASE_URL);
        if !is_typed
            && !batch.sandbox
            && let Some(kept) = reader.kept_api(batch.id)?
            && self.api.as_ref() != Some(&kept)
        {
            hints.flags.push((BASE_URL, kept));
        }
        Ok(hints)
    }

    /// Opens it for reading.
    pub(super) fn reader(&self) -> Result<Reader, CommandError> {
        Ok(Reader::open(&self.path)?)
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
        return place(checkpoint);
    };
    let path = place_to_make(checkpoint)?;
    Store::keep_up(&path, access)?;
    Ok(path)
}

/// The file alone.
pub(super) fn place(checkpoint: &Checkpoint) -> Result<PathBuf, RunError> {
    path_at(checkpoint.place())
}

/// The checkpoint of the real batches that a rehearsal in another one uses, if there is one.
pub(super) fn real(checkpoint: &Checkpoint, rehearsal: &Path) -> Result<Option<PathBuf>, RunError> {
    match path_at(checkpoint.real()) {
        Err(RunError::NoHome) => Ok(None),
        found => known_to_rehearsal(&found?, rehearsal),
    }
}

fn path_at(place: &CheckpointPlace) -> Result<PathBuf, RunError> {
    match place {
        CheckpointPlace::Named(path) => Ok(path.clone()),
        CheckpointPlace::Either { local, home } => {
            let (local, home) = (local.clone(), home.clone());
            CheckpointPlaces { local, home }.find()
        }
    }
}

/// The same for a command that makes it where it is not there: the folder of the user's data is made too.
pub(super) fn path_to_make(checkpoint: &Checkpoint) -> Result<PathBuf, RunError> {
    place_to_make(checkpoint)?;
    path(checkpoint)
}

/// The file alone; the folder of the user's data is made.
pub(super) fn place_to_make(checkpoint: &Checkpoint) -> Result<PathBuf, RunError> {
    let file = place(checkpoint)?;
    if let CheckpointPlace::Either { home, .. } = checkpoint.place()
        && home.as_ref() == Some(&file)
    {
        make_folder(&file)?;
    }
    Ok(file)
}

/// The checkpoint that is found from other folders, where this one is not it.
pub(super) fn elsewhere<'a>(checkpoint: &'a Checkpoint, used: &Path) -> Option<&'a Path> {
    match checkpoint.place() {
        CheckpointPlace::Either {
            local,
            home: Some(home),
        } if local == used && !is_same_file(local, home) => Some(home),
        CheckpointPlace::Either { .. } | CheckpointPlace::Named(_) => None,
    }
}

/// Makes the folder of a file, for its owner only.
fn make_folder(file: &Path) -> Result<(), StoreError> {
    let Some(folder) = file.parent() else {
        return Ok(());
    };
    make_private_folder(folder).map_err(|error| StoreError::Open {
        path: file.to_owned(),
        detail: format!("its folder cannot be made: {error}"),
    })
}
