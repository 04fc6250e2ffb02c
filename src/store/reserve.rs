//! Room for the last results: a small file beside the checkpoint that is given up when the disk is full, so that
//! results which are known still get to disk.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::place::Place;
use super::query::Query as _;

/// Room for the results of a hundred requests under way, with what SQLite writes for them.
const SIZE: usize = 2 << 20;

/// So much of the longest file that the system allows is kept for the same results in the checkpoint itself, most of whose
/// pages are there already.
const ROOM_IN_FILE: u64 = 256 << 10;

/// How many bytes at its beginning distinguish it from a file that the user keeps under this name.
const HEAD: usize = 64;

/// The reserve of an open checkpoint.
#[derive(Debug)]
pub(super) struct Reserve {
    /// `None` where something else has its name.
    path: Option<PathBuf>,
    given_up: bool,
    /// No file of this process may be longer; `None`: as long as the disk has room.
    longest_file: Option<u64>,
}

/// What has the name of the reserve.
enum There {
    Nothing,
    /// Ours, as far as it goes.
    Part,
    Whole,
    /// A file of the user, a link, a folder: it is left alone.
    Other,
}

impl Reserve {
    /// Makes the reserve where it is not there or not whole. Where the disk has no room for it, it counts as given up:
    /// nothing new is begun.
    pub(super) fn make(checkpoint: &Path) -> Self {
        let checkpoint = Place::of(checkpoint).path;
        let mut name = checkpoint.file_name().unwrap_or_default().to_owned();
        name.push("-reserve");
        let path = checkpoint.with_file_name(name);
        let filled = match what_is_there(&path) {
            There::Other => {
                return Self {
                    path: None,
                    given_up: false,
                    longest_file: longest_file(),
                };
            }
            There::Whole => Ok(()),
            There::Part | There::Nothing => fill(&path),
        };
        if filled.is_err() {
            // What is there of it takes room that results need.
            let _ = std::fs::remove_file(&path);
        }
        Self {
            path: Some(path),
            given_up: filled.is_err_and(|error| is_full(error.kind())),
            longest_file: longest_file(),
        }
    }

    /// Whether what room is left is for results: it was given up, or the checkpoint is nearly as long as a file may be.
    pub(super) fn is_needed(&self, connection: &Connection) -> bool {
        let is_nearly_full = |longest| length(connection).saturating_add(ROOM_IN_FILE) > longest;
        self.given_up || self.longest_file.is_some_and(is_nearly_full)
    }

    /// Gives the room up. False if there was none.
    pub(super) fn give_up(&mut self) -> bool {
        if self.given_up {
            return false;
        }
        self.given_up = true;
        let removed = self.path.as_ref().map(std::fs::remove_file);
        matches!(removed, Some(Ok(())))
    }
}

/// How long the checkpoint is, with what its log holds. What cannot be read counts as nothing: the write says more.
fn length(connection: &Connection) -> u64 {
    let length = connection.value(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        [],
    );
    u64::try_from(length.unwrap_or(0_i64)).unwrap_or(0)
}

#[cfg(unix)]
fn longest_file() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Fsize).current
}

#[cfg(not(unix))]
fn longest_file() -> Option<u64> {
    None
}

fn is_full(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

fn what_is_there(path: &Path) -> There {
    let Ok(there) = std::fs::symlink_metadata(path) else {
        return There::Nothing;
    };
    if !there.is_file() {
        return There::Other;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
    let is_ours = read.is_ok() && bytes(HEAD).starts_with(&head);
    match usize::try_from(there.len()) {
        Ok(SIZE) if is_ours => There::Whole,
        Ok(0..SIZE) if is_ours => There::Part,
        Ok(_) | Err(_) => There::Other,
    }
}

/// Bytes that a file system cannot leave out or compress, always the same.
fn bytes(count: usize) -> Vec<u8> {
    let (mut bits, mut block) = (1_u64, Vec::with_capacity(count));
    while block.len() < count {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        block.extend_from_slice(&bits.to_le_bytes());
    }
    block
}

fn fill(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    file.write_all(&bytes(SIZE))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::checkpoint::Store;
    use super::super::error::StoreError;

    #[test]
    fn results_that_find_the_disk_full_get_the_room_that_was_kept_and_nothing_new_is_begun() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let reserve = folder.path().join("outreach.db-reserve");
        assert!(reserve.exists());
        let is_full = AtomicBool::new(true);
        let there = reserve.clone();
        let written = store.writer.write_blocking(move |tx| {
            // Full as long as the reserve takes its room.
            if is_full.swap(there.exists(), Ordering::SeqCst) && there.exists() {
                return Err(StoreError::Full);
            }
            Ok(tx.disk_is_full)
        });
        assert!(written.unwrap(), "the claims of this group find no room");
        assert!(!reserve.exists());
        // Room was made, and the next program keeps some again.
        drop(store);
        drop(Store::open(&folder.path().join("outreach.db")).unwrap());
        assert!(reserve.exists());
    }

    #[test]
    fn a_file_of_the_user_that_has_the_name_is_neither_written_nor_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = folder.path().join("outreach.db-reserve");
        std::fs::write(&reserve, "seats: 14, 15").unwrap();
        let mut made = super::Reserve::make(&folder.path().join("outreach.db"));
        assert!(!made.give_up());
        assert_eq!(std::fs::read(&reserve).unwrap(), b"seats: 14, 15");
        // A part of ours, of a process that was killed.
        let whole = super::bytes(super::SIZE);
        for part in [&whole[..0], &whole[..10], &whole[..100_000]] {
            std::fs::write(&reserve, part).unwrap();
            let mut made = super::Reserve::make(&folder.path().join("outreach.db"));
            assert_eq!(std::fs::read(&reserve).unwrap(), whole);
            assert!(made.give_up() && !reserve.exists());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_has_the_name_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.csv");
        std::fs::write(&list, "").unwrap();
        std::os::unix::fs::symlink(&list, folder.path().join("outreach.db-reserve")).unwrap();
        super::Reserve::make(&folder.path().join("outreach.db"));
        assert_eq!(std::fs::read(&list).unwrap(), b"");
    }
}
