//! The files that a call writes. None of them takes the place of the checkpoint, of what is read, of another
//! that is written, or of what another program wrote or changed.

use std::io;
use std::path::{Path, PathBuf};

use super::clash::{Clash, FileClash};
use super::error::RunError;
use crate::report::{file_as_it_is, is_database, is_own_page, try_file};
use crate::store::{Place, Reader, StoreError, enter_file, folder_of, is_named_pipe, remove_left};

/// How many other names are tried.
const NAMES: u32 = 10_000;

/// The files of a call: what it reads, and what it writes.
#[derive(Debug)]
pub struct Files {
    checkpoint: Option<PathBuf>,
    other_checkpoints: Vec<PathBuf>,
    force: bool,
    used: Vec<UsedFile>,
}

/// A file that the call reads or writes.
#[derive(Debug)]
struct UsedFile {
    use_: String,
    place: Place,
    is_read: bool,
}

impl Files {
    /// A call on this checkpoint. With `force`, what stands at a path that was asked for is written over,
    /// unless it is in use.
    pub fn new(checkpoint: Option<&Path>, force: bool) -> Self {
        Self {
            checkpoint: checkpoint.map(Path::to_owned),
            other_checkpoints: Vec::new(),
            force,
            used: Vec::new(),
        }
    }

    /// This is, or would be, another checkpoint of the user.
    #[must_use]
    pub fn beside_checkpoint(mut self, other: &Path) -> Self {
        self.other_checkpoints.push(other.to_owned());
        self
    }

    /// The call reads this file; `what` names it: "the token file".
    #[must_use]
    pub fn reading(mut self, what: &str, path: &Path) -> Self {
        self.used.push(UsedFile {
            use_: format!("{what} {}", path.display()),
            place: Place::of(path),
            is_read: true,
        });
        self
    }

    fn writing(&mut self, what: &str, place: Place) {
        // Whether or not the file is written anew.
        remove_left(folder_of(&place.path));
        self.used.push(UsedFile {
            use_: format!("also {what}"),
            place,
            is_read: false,
        });
    }

    /// The call writes this file, which `flag` names. To be asked before anything is written or sent.
    ///
    /// # Errors
    /// [`FileClash`] if the file has another use, or stands there and is not as we left it, or cannot be written; else if
    /// the checkpoint cannot be read.
    pub fn write(&mut self, flag: &'static str, path: &Path) -> Result<(), RunError> {
        self.write_over(flag, path, |_| false)
    }

    /// As [`Self::write`], for the page of a check: one that this program wrote is replaced, if nobody changed it,
    /// whatever the checkpoint knows of it.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_page(&mut self, flag: &'static str, path: &Path) -> Result<(), RunError> {
        self.write_over(flag, path, is_own_page)
    }

    /// As [`Self::write`], for a file that is written anew from the same list: where one stands that nobody knows,
    /// that is no fault yet, and this is true. It is well if it holds what would be written.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_again(&mut self, flag: &'static str, path: &Path) -> Result<bool, RunError> {
        let mut stands = false;
        self.write_over(flag, path, |_| {
            stands = true;
            true
        })?;
        Ok(stands)
    }

    fn write_over(
        &mut self,
        flag: &'static str,
        path: &Path,
        is_known: impl FnOnce(&Path) -> bool,
    ) -> Result<(), RunError> {
        let place = Place::of(path);
        let refuse = |why| Err(FileClash::new(flag, path, why).into());
        let unwritable = |error: io::Error| Clash::Unwritable(error.to_string());
        match std::fs::metadata(path) {
            Ok(there) if there.is_dir() => return refuse(Clash::Folder),
            Ok(_) if is_named_pipe(path) => return refuse(Clash::Pipe),
            // A pipe of the shell, a terminal, /dev/null: written to as it is, and never replaced.
            Ok(there) if !there.is_file() => {
                return try_file(path).map_err(unwritable).or_else(refuse);
            }
            Ok(_) | Err(_) => {}
        }
        if let Some(other_use) = self.use_of(&place) {
            return refuse(Clash::Used(other_use));
        }
        if !self.force && !self.is_ours(&place)? && !is_known(&place.path) {
            return refuse(Clash::Stands);
        }
        if let Err(error) = try_file(path) {
            return refuse(unwritable(error));
        }
        self.writing(flag, place);
        Ok(())
    }

    /// Where a file goes that we name ourselves: to `path`, or to a similar name where something else stands.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint cannot be read.
    pub fn write_named(&mut self, path: &Path) -> Result<PathBuf, RunError> {
        let found = self.free(path)?;
        self.writing(&found.display().to_string(), Place::of(&found));
        Ok(found)
    }

    /// Where a file of [`Self::write`] or [`Self::write_named`] can be written now: the run may have been long,
    /// and another program may have written there meanwhile.
    pub(super) fn still(&self, path: &Path) -> Result<PathBuf, RunError> {
        let place = Place::of(path);
        let is_read = self.used.iter().any(|it| it.is_read && it.place.is(&place));
        // A terminal, or a pipe of the shell; a folder or another pipe took the name of the file since.
        let is_stream = std::fs::metadata(path)
            .is_ok_and(|there| !there.is_file() && !there.is_dir())
            && !is_named_pipe(path);
        if is_stream || (!is_read && (self.force || self.is_ours(&place)?)) {
            return Ok(path.to_owned());
        }
        self.free(path)
    }

    /// Enters the file as it was left, in a checkpoint that is there.
    pub fn enter(&self, kind: &'static str, path: &Path) {
        let Some(checkpoint) = self.existing_checkpoint().filter(|_| path.is_file()) else {
            return;
        };
        let entered = file_as_it_is(path)
            .map_err(|error| error.to_string())
            .and_then(|written| {
                enter_file(checkpoint, &Place::of(path).path, kind, written)
                    .map_err(|error| error.to_string())
            });
        if let Err(error) = entered {
            tracing::warn!(
                "{}: written, but the checkpoint could not note it ({error}); to overwrite it next time, give --force",
                path.display()
            );
        }
    }

    fn existing_checkpoint(&self) -> Option<&Path> {
        self.checkpoint.as_deref().filter(|path| path.exists())
    }

    /// The first of `a.csv`, `a-2.csv`, `a-3.csv` ... where nothing else stands.
    fn free(&self, path: &Path) -> Result<PathBuf, RunError> {
        for number in 1..NAMES {
            let candidate = numbered(path, number);
            let place = Place::of(&candidate);
            if self.use_of(&place).is_none() && self.is_ours(&place)? {
                return Ok(candidate);
            }
        }
        Ok(path.to_owned())
    }

    /// What else the file is; `None` if it has no other use.
    fn use_of(&self, place: &Place) -> Option<String> {
        let mut checkpoints = self.checkpoint.iter().chain(&self.other_checkpoints);
        if let Some(checkpoint) = checkpoints.find(|it| place.belongs_to(&Place::of(it))) {
            return Some(format!(
                "the checkpoint {}, or a file that belongs to it",
                checkpoint.display()
            ));
        }
        let used = self.used.iter().find(|it| it.place.is(place));
        used.map(|it| it.use_.clone())
            .or_else(|| is_database(&place.path).then(|| "a database".to_owned()))
    }

    /// Whether nothing stands there, or what stands there is empty or as it was left.
    fn is_ours(&self, place: &Place) -> Result<bool, RunError> {
        match std::fs::symlink_metadata(&place.path) {
            Err(_) => return Ok(true),
            Ok(there) if there.is_file() && there.len() == 0 => return Ok(true),
            Ok(_) => {}
        }
        let versions = self.versions_left(place)?;
        let now = || file_as_it_is(&place.path).map(|now| now.digest);
        Ok(!versions.is_empty() && now().is_ok_and(|now| versions.contains(&now)))
    }

    fn versions_left(&self, place: &Place) -> Result<Vec<[u8; 32]>, RunError> {
        let Some(checkpoint) = self.existing_checkpoint() else {
            return Ok(Vec::new());
        };
        match Reader::open(checkpoint) {
            Ok(reader) => Ok(reader.versions_left(&place.path)?),
            // It knows of no file, and is made or upgraded when it is opened for writing.
            Err(StoreError::Unusable { source, .. })
                if matches!(*source, StoreError::Older { .. } | StoreError::Unfinished) =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// `spring.results.csv`, `spring.results-2.csv`, ...
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_keeps_the_suffix() {
        let name = |number| numbered(Path::new("a/spring.results.csv"), number);
        assert_eq!(name(1), Path::new("a/spring.results.csv"));
        assert_eq!(name(2), Path::new("a/spring.results-2.csv"));
        assert_eq!(numbered(Path::new("list"), 3), Path::new("list-3"));
    }
}
