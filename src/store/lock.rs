//! One holder for a batch: an OS file lock, which dies with its process.
//!
//! The lock file stands beside the database and names its holder. It is removed when the lock is
//! given back; a process that opened it before that finds out by comparing the file with its path, and
//! opens it anew.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::file::check_plain;
use super::place::machine_name;
use super::replica::Leased;

/// `status` looks whether a lock is taken by taking it for a moment: a process that wants it meanwhile tries so often again.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// The process that holds a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Its process id.
    pub pid: String,
    /// Since when, in RFC 3339.
    pub since: String,
    /// The name of its machine; `None` where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
}

impl Holder {
    /// What a lock file says.
    fn read(file: &mut File) -> Self {
        let mut text = String::new();
        let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
        let mut lines = text.lines();
        let mut line = || lines.next().unwrap_or("unknown").to_owned();
        Self {
            pid: line(),
            since: line(),
            machine: lines.next().map(str::to_owned),
        }
    }

    /// Who holds `batch` of the database at `database`; `None` if nobody does.
    pub(super) fn of(database: &Path, batch: &str) -> Option<Self> {
        let path = lock_path(database, batch);
        check_plain(&path).ok()?;
        let mut file = File::open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Self::read(&mut file)),
            // What a process left that died, or that ends just now.
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    /// Whether it is this process.
    pub fn is_this_process(&self) -> bool {
        self.pid == std::process::id().to_string()
    }
}

/// The right to change a batch. Given back on drop, and by the system when the process dies.
#[derive(Debug)]
pub struct Hold {
    path: PathBuf,
    // Holds the lock for as long as it is open.
    _file: File,
    // In a cluster: no other node has the batch.
    lease: Option<Leased>,
}

impl Hold {
    /// Takes the lock of `batch` on the database at `database`.
    ///
    /// # Errors
    /// [`StoreError::Held`] if another process has it, with its pid and start time.
    pub(super) fn take(database: &Path, batch: &str, now: &str) -> Result<Self, StoreError> {
        Self::take_file(lock_path(database, batch), batch, now)
    }

    /// The same, and no other node of the cluster has it.
    pub(super) fn with_lease(mut self, lease: Leased) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Takes the lock that is the file `path`. `what` is the name of what is held, for the error.
    ///
    /// # Errors
    /// [`StoreError::Held`] if another process has it, [`StoreError::File`] if the file cannot be made.
    pub(crate) fn take_file(path: PathBuf, what: &str, now: &str) -> Result<Self, StoreError> {
        let fail = |source| StoreError::File {
            path: path.clone(),
            source,
        };
        check_plain(&path).map_err(fail)?;
        let mut tries = 0;
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&path).map_err(fail)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    tries += 1;
                    if tries == TRIES {
                        return Err(held(&mut file, what));
                    }
                    std::thread::sleep(BETWEEN_TRIES);
                    continue;
                }
                Err(TryLockError::Error(source)) => return Err(fail(source)),
            }
            if !is_at(&file, &path) {
                continue;
            }
            // One that an earlier program left may be readable by others.
            #[cfg(unix)]
            {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                file.set_permissions(mode).map_err(fail)?;
            }
            file.set_len(0).map_err(fail)?;
            let (pid, machine) = (std::process::id(), machine_name());
            writeln!(file, "{pid}\n{now}\n{machine}").map_err(fail)?;
            return Ok(Self {
                path,
                _file: file,
                lease: None,
            });
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Removed while still locked; a file that stays does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn held(file: &mut File, batch: &str) -> StoreError {
    let Holder { pid, since, .. } = Holder::read(file);
    StoreError::Held {
        batch: batch.to_owned(),
        pid,
        since,
    }
}

/// Whether the path still leads to this file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => ours.ino() == theirs.ino() && ours.dev() == theirs.dev(),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

fn lock_path(database: &Path, batch: &str) -> PathBuf {
    // A batch name may hold anything; a file name may not. The digest keeps apart what looks the same then.
    let digest: [u8; 32] = Sha256::digest(batch.as_bytes()).into();
    let apart = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let safe: String = batch
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '-' || c == '.' {
                c
            } else {
                '_'
            }
        })
        .take(60)
        .collect();
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(format!("-{safe}-{apart:08x}.lock"));
    database.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_as_files_are_two_locks() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("outreach.db");
        let long = "x".repeat(100);
        let names = ["a b", "a_b", "a/b", &long, &format!("{long}y")];
        let holds: Vec<_> = names
            .iter()
            .map(|name| Hold::take(&database, name, "now").unwrap())
            .collect();
        assert_eq!(holds.len(), names.len());
    }

    #[test]
    fn the_second_taker_learns_who_holds_the_batch() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("outreach.db");
        let first = Hold::take(&database, "spring", "2026-05-01T10:00:00Z").unwrap();
        match Hold::take(&database, "spring", "later") {
            Err(StoreError::Held { batch, pid, since }) => {
                assert_eq!(batch, "spring");
                assert_eq!(pid, std::process::id().to_string());
                assert_eq!(since, "2026-05-01T10:00:00Z");
            }
            other => panic!("{other:?}"),
        }
        assert!(Hold::take(&database, "other", "now").is_ok());
        let holder = Holder::of(&database, "spring").unwrap();
        assert!(holder.is_this_process());
        assert_eq!(holder.since, "2026-05-01T10:00:00Z");
        assert_eq!(Holder::of(&database, "other"), None);
        drop(first);
        assert!(Hold::take(&database, "spring", "now").is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
