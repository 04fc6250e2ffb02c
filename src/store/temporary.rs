//! Files that are being made: beside their final place, under a name of their own, readable by their owner only. They
//! hold phone numbers, and go with the process that makes them.
//!
//! A process that is killed leaves them. The next one that makes such a file in that folder, or opens a checkpoint there
//! for writing, removes them: the process that makes one holds a lock on it, which dies with it. One that was just made
//! may not be locked yet. Where files cannot be locked, its age decides.
//!
//! SQLite writes to no such file itself: its own locks would meet ours on a network's disk. It gets a second name.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempPath;

/// What their names begin and end with. Between the two are [`RANDOM`] letters and digits.
const PREFIX: &str = ".outreach-";
const SUFFIX: &str = ".tmp";
const RANDOM: usize = 12;

/// What a file of SQLite adds to the name.
const COPY: &str = "-copy";

/// What SQLite may have left beside it.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// After so long without a change, a file whose lock cannot be asked was left by a process that is gone.
const LEFT: Duration = Duration::from_hours(24);

/// Between making a file and taking its lock, far less than this passes.
const UNLOCKED: Duration = Duration::from_secs(10);

/// A file that is being made. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    path: TempPath,
}

/// A place for a file that SQLite makes. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct TemporaryCopy {
    path: TempPath,
    // Says that the copy is being made. Removed after it.
    _beside: (TemporaryFile, File),
}

impl TemporaryFile {
    /// Begins a file in the folder. What others left there goes first.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn create(folder: &Path) -> io::Result<(Self, File)> {
        remove_left(folder);
        let (file, path) = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .rand_bytes(RANDOM)
            .make_in(folder, create_private)?
            .into_parts();
        lock(&file);
        Ok((Self { path }, file))
    }

    /// Where it is until [`Self::persist`].
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name; what has that name is replaced.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub(crate) fn persist(self, path: &Path) -> io::Result<()> {
        Ok(self.path.persist(path)?)
    }
}

impl TemporaryCopy {
    /// A name in the folder where no file is yet.
    ///
    /// # Errors
    /// If nothing can be made there.
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        let (beside, mut file) = TemporaryFile::create(folder)?;
        // Not empty: its lock is taken.
        file.write_all(b"a copy is being made\n")?;
        let path = with(beside.path(), COPY);
        // For its owner only, before anything is in it. No connection to it is open yet.
        drop(create_private(&path)?);
        Ok(Self {
            path: TempPath::try_from_path(path)?,
            _beside: (beside, file),
        })
    }

    /// Where it is until [`Self::persist_noclobber`].
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, which no file may have.
    ///
    /// # Errors
    /// If a file has that name, or it cannot be renamed.
    pub(crate) fn persist_noclobber(self, path: &Path) -> io::Result<()> {
        Ok(self.path.persist_noclobber(path)?)
    }
}

/// Removes what processes that are gone have left in the folder. What cannot be removed, the next one tries again.
pub(crate) fn remove_left(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if is_name(&entry.file_name()) && is_left(&path) {
            remove(&path);
        }
    }
}

/// The copy first: without the file that has the lock, nobody would know that it was left.
fn remove(path: &Path) {
    let copy = with(path, COPY);
    for companion in COMPANIONS {
        let _ = std::fs::remove_file(with(&copy, companion));
    }
    let _ = std::fs::remove_file(&copy);
    if !copy.exists() {
        let _ = std::fs::remove_file(path);
    }
}

fn is_name(name: &std::ffi::OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let random = name.strip_prefix(PREFIX.as_bytes());
    let random = random.and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
    random.is_some_and(|it| it.len() == RANDOM && it.iter().all(u8::is_ascii_alphanumeric))
}

/// Whether the process that made it is gone.
fn is_left(path: &Path) -> bool {
    let Ok(there) = std::fs::symlink_metadata(path) else {
        return false;
    };
    // A link, a folder and the like are the user's.
    if !there.is_file() {
        return false;
    }
    let changed = there.modified().ok();
    let is_older = |than| changed.is_some_and(|at| at.elapsed().is_ok_and(|age| age > than));
    // To look at the lock is to take it for a moment: the process that has just made it would not get it.
    if there.len() == 0 && !is_older(UNLOCKED) {
        return false;
    }
    match is_locked(path) {
        Some(locked) => !locked,
        None => is_older(LEFT),
    }
}

/// Whether a process works on it; `None` where that cannot be known.
fn is_locked(path: &Path) -> Option<bool> {
    if cfg!(not(unix)) {
        return None;
    }
    match File::open(path).ok()?.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// Where files cannot be locked, their age decides. Elsewhere than on Unix a lock keeps the process itself from reading.
fn lock(file: &File) {
    if cfg!(unix) {
        let _ = file.try_lock();
    }
}

/// The folder of a file; that of a bare name is the current one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// A new file for its owner only. Its failure does not name it: nobody asked for that name.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    #[test]
    fn what_a_process_left_goes_and_what_one_works_on_or_a_user_keeps_stays() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        for left in [".outreach-aB3xYz456789.tmp", ".outreach-000000000000.tmp"] {
            write(left, "+420777123456");
        }
        write(".outreach-000000000000.tmp-copy", "+420777123456");
        write(".outreach-000000000000.tmp-copy-journal", "+420777123456");
        let users = [
            ".outreach-backup.tmp",
            ".outreach-aB3xYz456789.tmpl",
            ".outreach-aB3x-z456789.tmp",
            "outreach-aB3xYz456789.tmp",
        ];
        for name in users {
            write(name, "mine");
        }
        // Its process has made it, and has not locked it yet.
        write(".outreach-aaaaaaaaaaaa.tmp", "");
        std::os::unix::fs::symlink(
            "outreach-aB3xYz456789.tmp",
            folder.path().join(".outreach-bbbbbbbbbbbb.tmp"),
        )
        .unwrap();
        let (ours, mut file) = TemporaryFile::create(folder.path()).unwrap();
        file.write_all(b"+420777123456").unwrap();
        let copy = TemporaryCopy::create(folder.path()).unwrap();
        remove_left(folder.path());
        assert!(ours.path().exists() && copy.path().exists());
        drop((ours, copy));
        let mut kept = vec![
            ".outreach-aB3x-z456789.tmp",
            ".outreach-aB3xYz456789.tmpl",
            ".outreach-aaaaaaaaaaaa.tmp",
            ".outreach-backup.tmp",
            ".outreach-bbbbbbbbbbbb.tmp",
            "outreach-aB3xYz456789.tmp",
        ];
        kept.sort_unstable();
        assert_eq!(names(folder.path()), kept);
    }

    #[test]
    fn an_empty_one_that_is_old_was_left_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".outreach-aaaaaaaaaaaa.tmp");
        let file = File::create(&path).unwrap();
        let long_ago = std::time::SystemTime::now() - LEFT - UNLOCKED;
        file.set_modified(long_ago).unwrap();
        drop(file);
        remove_left(folder.path());
        assert!(!path.exists());
    }
}
