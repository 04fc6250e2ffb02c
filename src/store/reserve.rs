//! Room for the last results: a small file beside the checkpoint that is given up when the disk is full, so that
//! results which are known still get to disk.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::place::Place;

/// Room for the results of a hundred requests under way, with what SQLite writes for them.
const SIZE: usize = 2 << 20;

/// The reserve of an open checkpoint.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    given_up: bool,
}

impl Reserve {
    /// Makes the reserve where it is not there or not whole. A disk without room for it is full soon anyway, and
    /// says so then.
    pub(super) fn make(checkpoint: &Path) -> Self {
        let checkpoint = Place::of(checkpoint).path;
        let mut name = checkpoint.file_name().unwrap_or_default().to_owned();
        name.push("-reserve");
        let path = checkpoint.with_file_name(name);
        let is_whole = std::fs::metadata(&path).is_ok_and(|file| file.len() == SIZE as u64);
        if !is_whole && fill(&path).is_err() {
            // What is there of it takes room that results need.
            let _ = std::fs::remove_file(&path);
        }
        Self {
            path,
            given_up: false,
        }
    }

    /// Whether the room was given up.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Gives the room up. False if there was none.
    pub(super) fn give_up(&mut self) -> bool {
        if self.given_up {
            return false;
        }
        self.given_up = true;
        std::fs::remove_file(&self.path).is_ok()
    }
}

/// Bytes that a file system cannot leave out or compress.
fn fill(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    let (mut bits, mut block) = (1_u64, Vec::with_capacity(SIZE));
    while block.len() < SIZE {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        block.extend_from_slice(&bits.to_le_bytes());
    }
    file.write_all(&block)
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
            Ok(tx.full)
        });
        assert!(written.unwrap(), "the claims of this group find no room");
        assert!(!reserve.exists());
        // Room was made, and the next program keeps some again.
        drop(store);
        drop(Store::open(&folder.path().join("outreach.db")).unwrap());
        assert!(reserve.exists());
    }
}
