//! The bound of the write-ahead log. SQLite copies the log into the file by itself and writes it anew from its
//! begin, but not while a reader looks at an older moment: where one reader always follows another, the log
//! only grows. So the writer waits a moment for them, now and then, once the log is long.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::checkpoint::Store;
use super::error::StoreError;
use super::file;

/// A log that is longer is begun anew as soon as no reader needs it, and cut to this length: 36 MiB, more
/// than SQLite itself lets it grow, so that it stays below 64 MB with what is written until the next look.
pub(super) const LONG: u64 = 36 << 20;

/// How often the length is looked at, and how long readers are waited for.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_millis(50);

/// The log of an open checkpoint.
#[derive(Debug)]
pub(super) struct Log {
    path: Option<PathBuf>,
    looked: Instant,
}

impl Log {
    /// The log of the connection's file.
    pub(super) fn of(connection: &Connection) -> Self {
        Self {
            path: connection.path().map(log_path),
            looked: Instant::now(),
        }
    }

    /// Begins the log anew if it is long, now and then. Outside a transaction.
    pub(super) fn bound(&mut self, connection: &Connection) -> Result<(), StoreError> {
        if self.looked.elapsed() < LOOK {
            return Ok(());
        }
        if self.is_long() {
            connection.busy_timeout(PATIENCE)?;
            let done = begin_anew(connection);
            connection.busy_timeout(Duration::ZERO)?;
            done?;
        }
        self.looked = Instant::now();
        Ok(())
    }

    fn is_long(&self) -> bool {
        self.path
            .as_deref()
            .and_then(length)
            .is_some_and(|length| length > LONG)
    }
}

/// The next transaction is written to the begin of the log. False if a reader still needs what is there.
fn begin_anew(connection: &Connection) -> Result<bool, StoreError> {
    let busy: i64 = connection
        .prepare_cached("PRAGMA wal_checkpoint(RESTART)")?
        .query_row([], |row| row.get(0))?;
    Ok(busy == 0)
}

fn log_path(database: &str) -> PathBuf {
    PathBuf::from(format!("{database}-wal"))
}

/// The file is not opened: to close it would drop the locks that SQLite holds in this process.
fn length(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.len())
}

impl Store {
    /// The length of the log, if it is long and a reader keeps it from being cut.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn held_log(&self) -> Result<Option<u64>, StoreError> {
        let connection = file::connect(&self.path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(PATIENCE)?;
        // The connection knows its file only once it has read.
        super::schema::version(&connection)?;
        let Some(long) = connection
            .path()
            .map(log_path)
            .as_deref()
            .and_then(length)
            .filter(|length| *length > LONG)
        else {
            return Ok(None);
        };
        Ok((!begin_anew(&connection)?).then_some(long))
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::Reader;
    use super::*;

    fn write(store: &Store, bytes: i64) {
        let insert = move |tx: &mut super::super::writer::Tx<'_>| {
            tx.connection.execute(
                "INSERT INTO decision (at, actor, what, detail) VALUES (1, 'a', 'b', hex(zeroblob(?1)))",
                [bytes / 2],
            )?;
            Ok(())
        };
        store.writer.write_blocking(insert).unwrap();
    }

    #[test]
    fn a_log_that_a_reader_held_is_cut_when_the_reader_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outreach.db");
        let store = Store::open(&path).unwrap();
        write(&store, 1 << 20);
        let reader = Reader::open(&path).unwrap();
        reader.connection.execute_batch("BEGIN").unwrap();
        let batches = || reader.batches().unwrap().len();
        assert_eq!(batches(), 0, "the reader looks at this moment");
        for _ in 0..6 {
            write(&store, 8 << 20);
        }
        let log = log_path(path.to_str().unwrap());
        let held = store.held_log().unwrap();
        assert_eq!(held, length(&log));
        assert!(held.unwrap() > LONG);

        reader.connection.execute_batch("COMMIT").unwrap();
        assert_eq!(store.held_log().unwrap(), None, "nobody holds it");
        write(&store, 1 << 20);
        assert!(length(&log).unwrap() <= LONG, "the next commit cuts it");
        assert_eq!(batches(), 0);
    }
}
