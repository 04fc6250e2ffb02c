//! Files that were written, as they were left: a file that was changed since is not written over, and a results
//! file that would be the same is not written again.
//!
//! The digest of a new version joins that of the old one before the file appears, so that a crash between the
//! two leaves neither unknown. A results file's entry is made before its rows are read, and outdated by the
//! first transaction that changes what any file may show; only the runs of a batch, the quota and these entries
//! themselves are shown nowhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::checkpoint::{Reader, Store};
use super::columns::{time, to_millis};
use super::error::StoreError;
use super::file::connect;
use super::ids::BatchId;
use super::query::Query as _;
use super::schema;

/// A results file, complete.
const RESULTS: &str = "results";

/// One whose rows are being read.
const BEGUN: &str = "begun";

/// A list of contacts that was filed away.
const LIST: &str = "list";

/// How long another process is waited for, to enter a file that stands already.
const PATIENCE: Duration = Duration::from_secs(2);

/// The length of a digest.
const DIGEST: usize = 32;

/// A file as it was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its length in bytes; of one that was changed, as it was when it was read.
    pub size: u64,
    /// SHA-256 of its content.
    pub digest: [u8; DIGEST],
}

/// A results file of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResultsFile {
    pub(crate) path: PathBuf,
    /// As it was left.
    pub(crate) left: WrittenFile,
    /// When its rows were read.
    pub(crate) written_at: Timestamp,
    /// Nothing that it shows has changed since.
    pub(crate) is_current: bool,
}

/// A list of contacts that is sent, or that was sent and filed away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FiledList {
    pub(crate) path: PathBuf,
    /// The batch that it was sent as.
    pub(crate) batch: String,
    /// As it was read.
    pub(crate) left: WrittenFile,
    /// When it was changed last before that, to the millisecond.
    pub(crate) modified: Timestamp,
}

/// A list that is not filed away: how it stood when it was read stands in its batch.
const BEGUN_LIST: WrittenFile = WrittenFile {
    size: 0,
    digest: [0; DIGEST],
};

/// One that left the inbox, by a person or because the night refused it, while people of its batch waited.
const TAKEN_LIST: WrittenFile = WrittenFile {
    size: 0,
    digest: [1; DIGEST],
};

impl FiledList {
    /// A list of the inbox, which is sent as this batch.
    pub(crate) fn begun(path: PathBuf, batch: String) -> Self {
        Self {
            path,
            batch,
            left: BEGUN_LIST,
            modified: Timestamp::MIN,
        }
    }

    /// Whether it is in the inbox, as far as the nights know.
    pub(crate) fn is_begun(&self) -> bool {
        self.left == BEGUN_LIST
    }

    /// Whether its batch was done with it, and it was filed away.
    pub(crate) fn is_filed(&self) -> bool {
        self.left != BEGUN_LIST && self.left != TAKEN_LIST
    }
}

fn written_file(size: i64, digest: Vec<u8>) -> Option<WrittenFile> {
    Some(WrittenFile {
        size: u64::try_from(size).ok()?,
        digest: digest.try_into().ok()?,
    })
}

impl Store {
    /// The results of the batch are about to be read, and written to `path`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn begin_results(
        &self,
        batch: BatchId,
        path: &Path,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let path = path.to_string_lossy().into_owned();
        self.writer.write_blocking(move |tx| {
            tx.bookkeeping = true;
            tx.connection.change(
                "INSERT INTO written_file (path, kind, batch, size, digest, written_at, up_to_date)
                     VALUES (?1, ?2, ?3, 0, x'', ?4, 1)
                     ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, batch = excluded.batch,
                                                      written_at = excluded.written_at, up_to_date = 1",
                (&path, BEGUN, batch, to_millis(now)),
            )?;
            Ok(())
        })
    }

    /// A new version of the file is about to appear.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn expect_file(&self, path: &Path, next: WrittenFile) -> Result<(), StoreError> {
        let path = path.to_string_lossy().into_owned();
        self.writer.write_blocking(move |tx| {
            tx.bookkeeping = true;
            expect(tx.connection, &path, next)
        })
    }

    /// The results file was written.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn end_results(&self, path: &Path, written: WrittenFile) -> Result<(), StoreError> {
        self.end_file(path, RESULTS, written)
    }

    /// A file that was changed was read, and holds nothing new: as long as it is so long, it need not be read again.
    /// By its digest it is still known as another one than was left.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn note_length(&self, path: &Path, size: u64) -> Result<(), StoreError> {
        let path = path.to_string_lossy().into_owned();
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        self.writer.write_blocking(move |tx| {
            tx.bookkeeping = true;
            tx.connection.change(
                "UPDATE written_file SET size = ?2 WHERE path = ?1",
                (&path, size),
            )?;
            Ok(())
        })
    }

    /// A file of any kind was written.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn end_file(
        &self,
        path: &Path,
        kind: &'static str,
        written: WrittenFile,
    ) -> Result<(), StoreError> {
        let path = path.to_string_lossy().into_owned();
        self.writer.write_blocking(move |tx| {
            tx.bookkeeping = true;
            end(tx.connection, &path, kind, written)
        })
    }
}

/// Enters a file that a command has written which holds no batch. Another process that holds the checkpoint is
/// waited for a moment only: the file stands already.
///
/// # Errors
/// [`StoreError`] if the checkpoint cannot be written as it is.
pub(crate) fn enter_file(
    checkpoint: &Path,
    path: &Path,
    kind: &'static str,
    written: WrittenFile,
) -> Result<(), StoreError> {
    let mut connection = connect_to_enter(checkpoint)?;
    let path = path.to_string_lossy();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    expect(&transaction, &path, written)?;
    end(&transaction, &path, kind, written)?;
    Ok(transaction.commit()?)
}

/// Enters a list of contacts that is sent as a batch, or that was, and was filed away. It is the batch's list from now on:
/// one that the batch had in an inbox before is none any more. Another process that holds the checkpoint is waited for a moment
/// only.
///
/// # Errors
/// [`StoreError`] if the checkpoint cannot be written as it is.
pub(crate) fn enter_list(checkpoint: &Path, list: &FiledList) -> Result<(), StoreError> {
    let mut connection = connect_to_enter(checkpoint)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let batch: Option<i64> =
        transaction.find("SELECT id FROM batch WHERE name = ?1", [&list.batch])?;
    transaction.change(
        "INSERT INTO written_file (path, kind, batch, size, digest, written_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, batch = excluded.batch, size = excluded.size,
                                              digest = excluded.digest, written_at = excluded.written_at,
                                              up_to_date = 0",
        (
            list.path.to_string_lossy(),
            LIST,
            batch,
            i64::try_from(list.left.size).unwrap_or(i64::MAX),
            list.left.digest,
            to_millis(list.modified),
        ),
    )?;
    transaction.change(
        "DELETE FROM written_file WHERE kind = ?1 AND batch = ?2 AND path <> ?3 AND digest IN (?4, ?5)",
        (
            LIST,
            batch,
            list.path.to_string_lossy(),
            BEGUN_LIST.digest,
            TAKEN_LIST.digest,
        ),
    )?;
    Ok(transaction.commit()?)
}

/// A list of contacts that was entered is not at `path` any more. As long as people of its batch wait it stays known as the one
/// that is gone; else it is forgotten. Another process that holds the checkpoint is waited for a moment only.
///
/// # Errors
/// As [`enter_list`].
pub(crate) fn leave_list(checkpoint: &Path, path: &Path) -> Result<(), StoreError> {
    let mut connection = connect_to_enter(checkpoint)?;
    let path = path.to_string_lossy();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken = transaction.change(
        "UPDATE written_file SET digest = ?3 WHERE path = ?1 AND kind = ?2
                AND EXISTS (SELECT 1 FROM tally t WHERE t.batch = written_file.batch AND t.queued + t.sending > 0)",
        (&path, LIST, TAKEN_LIST.digest),
    )?;
    if taken == 0 {
        transaction.change(
            "DELETE FROM written_file WHERE path = ?1 AND kind = ?2",
            (&path, LIST),
        )?;
    }
    Ok(transaction.commit()?)
}

fn connect_to_enter(checkpoint: &Path) -> Result<Connection, StoreError> {
    let connection = connect(checkpoint, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(PATIENCE)?;
    let found = schema::version(&connection)?;
    if found != schema::VERSION {
        return Err(StoreError::Older {
            found,
            known: schema::VERSION,
        });
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn expect(connection: &Connection, path: &str, next: WrittenFile) -> Result<(), StoreError> {
    connection.change(
        "INSERT INTO written_file (path, kind, size, digest, written_at) VALUES (?1, '', 0, ?2, 0)
             ON CONFLICT (path) DO UPDATE SET digest = CAST(digest || excluded.digest AS BLOB)",
        (path, next.digest),
    )?;
    Ok(())
}

fn end(
    connection: &Connection,
    path: &str,
    kind: &str,
    written: WrittenFile,
) -> Result<(), StoreError> {
    connection.change(
        "UPDATE written_file SET kind = ?2, size = ?3, digest = ?4 WHERE path = ?1",
        (
            path,
            kind,
            i64::try_from(written.size).unwrap_or(i64::MAX),
            written.digest,
        ),
    )?;
    Ok(())
}

impl Reader {
    /// The results file at `path` as it was left, if the results of the batch are still the same.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn current_results(
        &self,
        batch: BatchId,
        path: &Path,
    ) -> Result<Option<WrittenFile>, StoreError> {
        let found: Option<(i64, Vec<u8>)> = self.connection.find_row(
            "SELECT size, digest FROM written_file
                 WHERE path = ?1 AND kind = ?2 AND batch = ?3 AND up_to_date = 1",
            (path.to_string_lossy(), RESULTS, batch),
        )?;
        Ok(found.and_then(|(size, digest)| written_file(size, digest)))
    }

    /// The whole results files of the batch, each as it was left.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn results_files(&self, batch: BatchId) -> Result<Vec<ResultsFile>, StoreError> {
        let found = self.connection.read(
            "SELECT path, size, digest, written_at, up_to_date FROM written_file
             WHERE batch = ?1 AND kind = ?2",
            (batch, RESULTS),
            |row| {
                // One that is being replaced has the digests of both.
                let Some(left) = written_file(row.get(1)?, row.get(2)?) else {
                    return Ok(None);
                };
                Ok(Some(ResultsFile {
                    path: PathBuf::from(row.get::<_, String>(0)?),
                    left,
                    written_at: time(row, 3)?,
                    is_current: row.get(4)?,
                }))
            },
        )?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The digests of the versions of the file at `path` that may stand there by our own doing; none if it was
    /// never written from this checkpoint.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn versions_left(&self, path: &Path) -> Result<Vec<[u8; DIGEST]>, StoreError> {
        let digests: Option<Vec<u8>> = self.connection.find(
            "SELECT digest FROM written_file WHERE path = ?1 AND kind <> ?2",
            (path.to_string_lossy(), LIST),
        )?;
        let digests = digests.unwrap_or_default();
        let (whole, _) = digests.as_chunks::<DIGEST>();
        Ok(whole.to_vec())
    }

    /// The lists of contacts that were entered, and not left.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn filed_lists(&self) -> Result<Vec<FiledList>, StoreError> {
        let found = self.connection.read(
            "SELECT f.path, f.size, f.digest, f.written_at, b.name
             FROM written_file f CROSS JOIN batch b ON b.id = f.batch WHERE f.kind = ?1 ORDER BY f.path",
            [LIST],
            |row| {
                let Some(left) = written_file(row.get(1)?, row.get(2)?) else {
                    return Ok(None);
                };
                Ok(Some(FiledList {
                    path: PathBuf::from(row.get::<_, String>(0)?),
                    left,
                    modified: time(row, 3)?,
                    batch: row.get(4)?,
                }))
            },
        )?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Where results were written, as far as this checkpoint knows, and how long each file was when it was left or read.
    pub(crate) fn written_results(&self) -> Vec<(PathBuf, u64)> {
        let sql =
            "SELECT path, size FROM written_file WHERE kind IN ('results', 'begun', 'export')";
        let read = self.connection.read(sql, [], |row| {
            let size = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            Ok((PathBuf::from(row.get::<_, String>(0)?), size))
        });
        read.unwrap_or_default()
    }
}
