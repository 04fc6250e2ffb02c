//! How far a checkpoint had come, in a small file beside it (`outreach.db-mark`).
//!
//! Each group that changes something raises a count in the checkpoint, in its own transaction; after the commit
//! the count is written to the mark, without fsync. So a checkpoint may be ahead of its mark (the machine lost
//! power) but never behind it, unless an older copy was put in its place or its log was deleted.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::StoreError;
use super::file::check_plain;
use super::node;
use super::query::Query as _;

/// The count in the table `node`.
const COMMITS: &str = "commits";

/// What a mark says: whose it is, and how many groups were on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    uid: String,
    commits: i64,
}

/// The open mark of an open checkpoint.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    path: PathBuf,
    uid: String,
    failed: bool,
}

/// The file of the mark.
pub(super) fn mark_path(checkpoint: &Path) -> PathBuf {
    let mut name = checkpoint.file_name().unwrap_or_default().to_owned();
    name.push("-mark");
    checkpoint.with_file_name(name)
}

impl Marked {
    /// What the mark of the checkpoint says; `None` if there is none, or it cannot be understood.
    pub(super) fn read(checkpoint: &Path) -> Result<Option<Self>, StoreError> {
        let path = mark_path(checkpoint);
        let mut text = String::new();
        let opened = check_plain(&path).and_then(|()| File::open(&path));
        match opened.and_then(|file| file.take(200).read_to_string(&mut text)) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {}
            Err(source) => return Err(StoreError::File { path, source }),
        }
        let mut words = text.split_whitespace();
        let words = (words.next(), words.next(), words.next());
        let (Some("outreach"), Some(uid), Some(commits)) = words else {
            return Ok(None);
        };
        Ok(commits.parse().ok().map(|commits| Self {
            uid: uid.to_owned(),
            commits,
        }))
    }

    /// What the checkpoint itself says.
    pub(super) fn of(connection: &Connection) -> Result<Self, StoreError> {
        let uid = connection.value("SELECT lower(hex(uid)) FROM checkpoint", [])?;
        let commits = node::get(connection, COMMITS)?;
        Ok(Self {
            uid,
            commits: commits.unwrap_or(0),
        })
    }

    /// Whether both are of one checkpoint.
    pub(super) fn is_of_same(&self, other: &Self) -> bool {
        self.uid == other.uid
    }

    /// Whether it is of the checkpoint with this random id.
    pub(super) fn is_of(&self, uid: &str) -> bool {
        self.uid == uid
    }

    /// The random id of its checkpoint.
    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// The groups that were on disk.
    pub(super) fn groups(&self) -> u64 {
        u64::try_from(self.commits).unwrap_or(0)
    }

    /// The groups that the checkpoint lacks which the mark has seen.
    pub(super) fn missing_in(&self, checkpoint: &Self) -> u64 {
        let missing = self.commits.saturating_sub(checkpoint.commits);
        u64::try_from(missing).unwrap_or(0)
    }

    /// Raises the count of the checkpoint above that of the mark.
    pub(super) fn outdo(&self, connection: &Connection) -> Result<(), StoreError> {
        connection.change(
            "INSERT INTO node (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value) + 1",
            (COMMITS, self.commits),
        )?;
        Ok(())
    }
}

/// Counts a group that changes something, in its own transaction. `None` in a checkpoint that keeps no count.
pub(super) fn count(connection: &Connection) -> Result<Option<i64>, StoreError> {
    // Without `RETURNING`, which makes a table for its one row each time.
    connection.change(
        "UPDATE node SET value = value + 1 WHERE key = ?1",
        [COMMITS],
    )?;
    node::get(connection, COMMITS)
}

/// Begins to count, in a checkpoint that does not.
pub(super) fn begin(connection: &Connection) -> Result<(), StoreError> {
    connection.change(
        "INSERT INTO node (key, value) VALUES (?1, 0) ON CONFLICT (key) DO NOTHING",
        [COMMITS],
    )?;
    Ok(())
}

impl Mark {
    /// Opens the mark of a checkpoint that fits it, and writes how far it has come.
    pub(super) fn open(checkpoint: &Path, now: &Marked) -> Result<Self, StoreError> {
        let path = mark_path(checkpoint);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = check_plain(&path).and_then(|()| options.open(&path));
        let file = opened.map_err(|source| StoreError::File {
            path: path.clone(),
            source,
        })?;
        let mut mark = Self {
            file,
            path,
            uid: now.uid.clone(),
            failed: false,
        };
        let is_new = mark.file.metadata().is_ok_and(|file| file.len() == 0);
        mark.note(now.commits);
        if is_new {
            // Written in place from now on: a loss of power finds the old count or the new one, but never nothing.
            mark.file.sync_all().map_err(|source| StoreError::File {
                path: mark.path.clone(),
                source,
            })?;
        }
        Ok(mark)
    }

    /// The random id of its checkpoint.
    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// Writes that so many groups are on disk. What fails is logged once: the checkpoint itself is sound, and the mark only
    /// says less than it could.
    pub(super) fn note(&mut self, commits: i64) {
        let text = format!("outreach {} {commits:020}\n", self.uid);
        let written = self
            .file
            .rewind()
            .and_then(|()| self.file.write_all(text.as_bytes()));
        if let (Err(error), false) = (written, self.failed) {
            tracing::warn!("{} cannot be written: {error}", self.path.display());
            self.failed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_what_was_noted_last_and_a_torn_one_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = folder.path().join("outreach.db");
        assert_eq!(Marked::read(&checkpoint).unwrap(), None);
        let now = Marked {
            uid: "ab12".to_owned(),
            commits: 7,
        };
        let mut mark = Mark::open(&checkpoint, &now).unwrap();
        assert_eq!(Marked::read(&checkpoint).unwrap(), Some(now.clone()));
        mark.note(8);
        let later = Marked::read(&checkpoint).unwrap().unwrap();
        assert_eq!((later.missing_in(&now), now.missing_in(&later)), (1, 0));
        for torn in ["", "\0\0\0\0", "outreach ab12", "outreach ab12 x"] {
            std::fs::write(mark_path(&checkpoint), torn).unwrap();
            assert_eq!(Marked::read(&checkpoint).unwrap(), None);
        }
    }
}
