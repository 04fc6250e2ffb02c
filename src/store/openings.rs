//! How often a checkpoint was opened and changed, in the name of a small file beside it (`outreach.db-mark-7`).
//!
//! A backup of the whole folder that is unpacked over it brings the mark of that time too, and both fit. But it does
//! not take away a file whose name it does not know: so the first change of each opening gives that file a new name, once
//! the count is in the checkpoint, and so does a change now and then. A file that counts further than its checkpoint says
//! that the checkpoint is older than it was. The count goes with the change in one transaction: who only looks, and who
//! opens it while another program writes, waits for nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction};

use super::error::StoreError;
use super::mark::mark_path;
use super::node;
use super::query::Query as _;

/// The count in the table `node`.
const OPENINGS: &str = "openings";

/// The files beside the checkpoint with this random id that count its openings, with their counts. What else has such
/// a name, a link or a file of the user, is neither followed nor touched.
fn files(checkpoint: &Path, uid: &str) -> Vec<(u64, PathBuf)> {
    let mark = mark_path(checkpoint);
    let (Some(name), Some(folder)) = (mark.file_name(), checkpoint.parent()) else {
        return Vec::new();
    };
    let start = format!("{}-", name.to_string_lossy());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        let count = name.strip_prefix(&start)?.parse().ok()?;
        is_of(&path, uid).then_some((count, path))
    };
    entries.filter_map(|entry| count(entry.path())).collect()
}

fn is_of(path: &Path, uid: &str) -> bool {
    let mut text = String::new();
    std::fs::symlink_metadata(path).is_ok_and(|there| there.is_file())
        && File::open(path).is_ok_and(|file| file.take(200).read_to_string(&mut text).is_ok())
        && text.trim() == uid
}

/// The file that counts furthest, of those of the checkpoint with this random id.
pub(super) fn furthest(checkpoint: &Path, uid: &str) -> Option<(u64, PathBuf)> {
    files(checkpoint, uid).into_iter().max()
}

/// What the checkpoint itself counts.
pub(super) fn counted(connection: &Connection) -> Result<u64, StoreError> {
    let count: Option<i64> = node::get(connection, OPENINGS)?;
    Ok(count.and_then(|it| u64::try_from(it).ok()).unwrap_or(0))
}

/// How often a program that goes on changing the checkpoint counts again: a backup may be made under a run.
const AGAIN: Duration = Duration::from_mins(1);

/// Counts the changes of an open checkpoint.
#[derive(Debug)]
pub(super) struct Openings {
    checkpoint: PathBuf,
    uid: String,
    counted: Option<Instant>,
    again: Duration,
}

/// A count that is about to be in the checkpoint.
#[derive(Debug)]
pub(super) struct NextCount {
    count: u64,
    before: Vec<(u64, PathBuf)>,
}

impl Openings {
    /// Of the checkpoint at this place, with this random id: its next change is counted.
    pub(super) fn of(checkpoint: &Path, uid: &str) -> Self {
        Self {
            checkpoint: checkpoint.to_owned(),
            uid: uid.to_owned(),
            counted: None,
            again: AGAIN,
        }
    }

    /// Counts one more, above what the checkpoint and the files count, in the transaction of a change; `None` where that
    /// was done just now.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(super) fn count(&self, connection: &Connection) -> Result<Option<NextCount>, StoreError> {
        if self.counted.is_some_and(|at| at.elapsed() < self.again) {
            return Ok(None);
        }
        let before = files(&self.checkpoint, &self.uid);
        let least = before.iter().map(|(count, _)| *count).max().unwrap_or(0);
        connection.change(
            "INSERT INTO node (key, value) VALUES (?1, ?2 + 1)
             ON CONFLICT (key) DO UPDATE SET value = max(value, ?2) + 1",
            (OPENINGS, i64::try_from(least).unwrap_or(0)),
        )?;
        let count = counted(connection)?;
        Ok(Some(NextCount { count, before }))
    }

    /// The count is in the checkpoint: now the file may say it, never before. What fails is logged: the checkpoint itself
    /// is sound, and an older copy of the folder is found by its mark alone.
    pub(super) fn publish(&mut self, next: NextCount) {
        self.counted = Some(Instant::now());
        if let Err(error) = self.name_file(next) {
            tracing::debug!(
                "the opening of {} is not counted: {error}",
                self.checkpoint.display()
            );
        }
    }

    /// Counts one more in this transaction, and commits it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(super) fn commit(mut self, transaction: Transaction<'_>) -> Result<(), StoreError> {
        let count = self.count(&transaction)?;
        transaction.commit()?;
        if let Some(count) = count {
            self.publish(count);
        }
        Ok(())
    }

    fn name_file(&self, next: NextCount) -> io::Result<()> {
        let mut name = mark_path(&self.checkpoint).into_os_string();
        name.push(format!("-{}", next.count));
        let mut options = OpenOptions::new();
        // A name that is taken is left alone: the next count has another one.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        writeln!(options.open(PathBuf::from(name))?, "{}", self.uid)?;
        for (_, old) in next.before {
            // One that another process took away meanwhile is gone as it should be.
            let _ = std::fs::remove_file(old);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::Store;
    use super::super::file::connect;
    use super::super::mark::Marked;
    use super::*;

    fn change(store: &Store) {
        let changed = store.writer.write_blocking(|tx| {
            tx.connection.change(
                "INSERT OR REPLACE INTO node (key, value) VALUES ('seen', 1)",
                [],
            )
        });
        changed.unwrap();
    }

    fn names(db: &Path) -> Vec<u64> {
        let store = Store::open(db).unwrap();
        let mut counts: Vec<_> = files(db, &store.uid().unwrap())
            .into_iter()
            .map(|(count, _)| count)
            .collect();
        counts.sort_unstable();
        counts
    }

    #[test]
    fn who_only_looks_counts_nothing_and_waits_for_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("outreach.db");
        drop(Store::open(&db).unwrap());
        assert_eq!(names(&db), [1], "it was made");
        // Another program holds the write lock.
        let mut other = connect(&db, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        let held = other
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .unwrap();
        assert_eq!(names(&db), [1]);
        drop(held);
        let store = Store::open(&db).unwrap();
        for _ in 0..3 {
            change(&store);
        }
        assert_eq!(names(&db), [2], "once for all of its changes");
    }

    #[test]
    fn a_long_run_counts_again() {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("outreach.db");
        change(&Store::open(&db).unwrap());
        let connection = connect(&db, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        let mut openings = Openings::of(&db, Marked::of(&connection).unwrap().uid());
        let mut count = |again| {
            openings.again = again;
            let next = openings.count(&connection).unwrap()?;
            openings.publish(next);
            Some(names(&db))
        };
        assert_eq!(count(AGAIN), Some(vec![3]));
        assert_eq!(count(AGAIN), None);
        assert_eq!(count(Duration::ZERO), Some(vec![4]));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_or_a_link_of_the_user_that_has_the_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (db, list) = (
            folder.path().join("outreach.db"),
            folder.path().join("list.csv"),
        );
        let name = |count: u64| folder.path().join(format!("outreach.db-mark-{count}"));
        std::fs::write(&list, "phone").unwrap();
        drop(Store::open(&db).unwrap());
        std::os::unix::fs::symlink(&list, name(2)).unwrap();
        std::fs::hard_link(&list, name(3)).unwrap();
        std::fs::write(name(9), "mine").unwrap();
        for _ in 0..3 {
            change(&Store::open(&db).unwrap());
        }
        assert_eq!(std::fs::read(&list).unwrap(), b"phone");
        assert_eq!(std::fs::read(name(9)).unwrap(), b"mine");
        assert!(name(2).is_symlink() && name(3).exists());
        assert!(name(4).exists() && !name(1).exists(), "it counts on");
    }
}
