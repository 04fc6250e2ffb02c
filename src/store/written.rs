//! Files that were written, as they were left: a results file that would be the same is not written again.
//!
//! An entry is made before the rows are read, and outdated by the first transaction that changes what any file
//! may tell; only the runs of a batch, the quota and these entries themselves are told nowhere.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::checkpoint::{Reader, Store};
use super::columns::to_millis;
use super::error::StoreError;
use super::ids::BatchId;

/// The only kind of file that is entered.
const RESULTS: &str = "results";

/// A file as it was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of its content.
    pub digest: [u8; 32],
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
            // Without a digest no file is taken for this one.
            tx.connection
                .prepare_cached(
                    "INSERT INTO written_file (path, kind, batch, size, digest, written_at, up_to_date)
                     VALUES (?1, ?2, ?3, 0, x'', ?4, 1)
                     ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, batch = excluded.batch, size = 0,
                                                      digest = x'', written_at = excluded.written_at,
                                                      up_to_date = 1",
                )?
                .execute((&path, RESULTS, batch, to_millis(now)))?;
            Ok(())
        })
    }

    /// The file was written.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn end_results(&self, path: &Path, written: WrittenFile) -> Result<(), StoreError> {
        let path = path.to_string_lossy().into_owned();
        self.writer.write_blocking(move |tx| {
            tx.bookkeeping = true;
            tx.connection
                .prepare_cached("UPDATE written_file SET size = ?2, digest = ?3 WHERE path = ?1")?
                .execute((
                    &path,
                    i64::try_from(written.size).unwrap_or(i64::MAX),
                    written.digest,
                ))?;
            Ok(())
        })
    }
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
        let found: Option<(i64, Vec<u8>)> = self
            .connection
            .prepare_cached(
                "SELECT size, digest FROM written_file
                 WHERE path = ?1 AND kind = ?2 AND batch = ?3 AND up_to_date = 1",
            )?
            .query_row((path.to_string_lossy(), RESULTS, batch), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        Ok(found.and_then(|(size, digest)| {
            Some(WrittenFile {
                size: u64::try_from(size).ok()?,
                digest: digest.try_into().ok()?,
            })
        }))
    }
}
