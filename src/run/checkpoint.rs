//! Which checkpoint is meant: one account of who was messaged, from whatever folder one asks.

use std::path::{Path, PathBuf};

use super::error::{REHEARSALS, RunError};
use super::mismatch::Mismatch;
use crate::store::{Reader, Store, StoreError, make_private_folder};

/// Which file is the checkpoint of real batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckpointPlace {
    /// A setting names it.
    Named(PathBuf),
    /// One of two: which, depends on what they hold.
    Either {
        /// In the current folder, where it was in earlier versions.
        local: PathBuf,
        /// The same from every folder; `None` if there is no home.
        home: Option<PathBuf>,
    },
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileContents {
    /// No real batch and nobody on the suppression list, or there is no such file.
    Nothing,
    /// Who was messaged, or must not be.
    People,
}

/// Which of two files is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Local,
    Home,
    Both,
    Neither,
}

/// The one in use; that of the home if none is yet. Two in use would be two accounts of who was messaged.
fn choose(local: FileContents, home: Option<FileContents>) -> Choice {
    match (local, home) {
        (FileContents::People, Some(FileContents::People)) => Choice::Both,
        (FileContents::People, Some(FileContents::Nothing) | None) => Choice::Local,
        (FileContents::Nothing, Some(_)) => Choice::Home,
        (FileContents::Nothing, None) => Choice::Neither,
    }
}

impl CheckpointPlace {
    /// The checkpoint to use; it need not be there yet.
    ///
    /// # Errors
    /// [`RunError`] if both are in use, one of them cannot be read, or there is no home.
    pub fn find(&self) -> Result<PathBuf, RunError> {
        match self {
            Self::Named(path) => Ok(path.clone()),
            Self::Either { local, home } => find_either(local, home.as_deref()),
        }
    }

    /// The same for a caller that makes it where it is not there: the folder of the user's data is made too.
    ///
    /// # Errors
    /// As [`Self::find`]; and if the folder cannot be made.
    pub fn find_to_make(&self) -> Result<PathBuf, RunError> {
        let file = self.find()?;
        if let Self::Either { home, .. } = self
            && home.as_ref() == Some(&file)
            && let Some(folder) = file.parent()
        {
            make_private_folder(folder).map_err(|error| StoreError::Open {
                path: file.clone(),
                detail: format!("its folder cannot be made: {error}"),
            })?;
        }
        Ok(file)
    }

    /// The checkpoint that is found from other folders, where `used` is not it.
    pub fn elsewhere(&self, used: &Path) -> Option<&Path> {
        match self {
            Self::Either {
                local,
                home: Some(home),
            } if local == used && !is_same_file(local, home) => Some(home),
            Self::Either { .. } | Self::Named(_) => None,
        }
    }

    /// The checkpoint, where it holds what a rehearsal in another one must know. Nothing is made or written.
    ///
    /// # Errors
    /// [`RunError`] if it cannot be read.
    pub fn known_to_rehearsal(&self, rehearsal: &Path) -> Result<Option<PathBuf>, RunError> {
        let real = match self.find() {
            Err(RunError::NoHome) => return Ok(None),
            found => found?,
        };
        // A real run refuses one that is gone, with a message of its own; here it knows no one.
        if is_same_file(&real, rehearsal) || !real.exists() {
            return Ok(None);
        }
        Ok(match holds(&real)? {
            FileContents::People => Some(real),
            FileContents::Nothing => None,
        })
    }
}

fn find_either(local: &Path, home: Option<&Path>) -> Result<PathBuf, RunError> {
    if home.is_some_and(|home| is_same_file(local, home)) {
        return Ok(local.to_owned());
    }
    // A local one that is gone is no reason to take another one, which does not know whom the first one messaged:
    // opening it reports that it is gone.
    if Store::refuse_gone(local, home).is_err() {
        return Ok(local.to_owned());
    }
    match (choose(holds(local)?, home.map(holds).transpose()?), home) {
        (Choice::Local, _) => Ok(local.to_owned()),
        (Choice::Home, Some(home)) => Ok(home.to_owned()),
        (Choice::Both, Some(home)) => {
            Err(Mismatch::TwoCheckpoints(local.to_owned(), home.to_owned()).into())
        }
        (Choice::Neither | Choice::Home | Choice::Both, _) => Err(RunError::NoHome),
    }
}

/// What a file holds. One of an older version is in use: it is upgraded when it is written.
fn holds(path: &Path) -> Result<FileContents, RunError> {
    let is_empty = std::fs::metadata(path).map(|file| file.is_file() && file.len() == 0);
    if is_empty.unwrap_or(true) {
        return Ok(FileContents::Nothing);
    }
    match Reader::open(path) {
        Ok(reader) if reader.is_in_use()? => Ok(FileContents::People),
        Ok(_) => Ok(FileContents::Nothing),
        Err(error) if matches!(error.cause(), StoreError::Older { .. }) => Ok(FileContents::People),
        Err(error) if matches!(error.cause(), StoreError::Unfinished) => Ok(FileContents::Nothing),
        Err(error) => Err(error.into()),
    }
}

/// Whether two paths lead to one file.
fn is_same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::canonicalize(a), std::fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        (Ok(_) | Err(_), _) => false,
    }
}

/// The checkpoint that a front end would use.
#[derive(Debug, Clone, Copy)]
pub struct CheckpointSettings<'a> {
    /// The file.
    pub path: &'a Path,
    /// True if a setting names it: then no other is searched for.
    pub named: bool,
}

/// A checkpoint that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCheckpoint {
    /// The file.
    pub path: PathBuf,
    /// True if it is that of the rehearsals, which the front end did not name.
    pub rehearsals: bool,
}

impl CheckpointSettings<'_> {
    /// The checkpoint that is named. If none is: the default; or that of the rehearsals, if it alone exists,
    /// or it alone has the batch.
    ///
    /// # Errors
    /// [`RunError`] if there is none, the one that was there is gone, or it cannot be read.
    pub fn find(&self, batch: Option<&str>) -> Result<FoundCheckpoint, RunError> {
        let found = |path: &Path, rehearsals| FoundCheckpoint {
            path: path.to_owned(),
            rehearsals,
        };
        let rehearsals = Path::new(REHEARSALS);
        if !self.named && !self.path.exists() {
            Store::refuse_gone(self.path, Some(rehearsals))?;
        }
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
    /// [`RunError::NoCheckpoint`], or [`RunError::OnlyRehearsals`] where a real batch is meant; [`RunError::Store`] if
    /// the checkpoint that was there is gone.
    pub fn require(&self, rehearsal: bool) -> Result<(), RunError> {
        if self.named || self.path.exists() {
            return Ok(());
        }
        let rehearsals = Path::new(REHEARSALS);
        Store::refuse_gone(self.path, Some(rehearsals))?;
        let path = self.path.to_owned();
        Err(if !rehearsal && rehearsals.exists() {
            RunError::OnlyRehearsals(path)
        } else {
            RunError::NoCheckpoint(path)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_accounts_of_who_was_messaged_are_never_chosen_from() {
        use FileContents::{Nothing, People};
        for (local, home, choice) in [
            (Nothing, Some(Nothing), Choice::Home),
            (Nothing, Some(People), Choice::Home),
            (People, Some(Nothing), Choice::Local),
            (People, None, Choice::Local),
            (People, Some(People), Choice::Both),
            (Nothing, None, Choice::Neither),
        ] {
            assert_eq!(choose(local, home), choice, "{local:?} {home:?}");
        }
    }
}
