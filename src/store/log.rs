//! The bound of the write-ahead log. SQLite copies the log into the file by itself and writes it anew from its
//! begin, but not while a reader looks at an older moment: where one reader always follows another, the log
//! only grows. So the writer waits a moment for them, now and then, once the log is long.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::StoreError;

/// A log that is longer is begun anew as soon as no reader needs it, and cut to this length: 36 MiB, more
/// than SQLite itself lets it grow, so that it stays below 64 MB with what is written until the next look.
pub(super) const LONG: u64 = 36 << 20;

/// How often the length is looked at, and how long readers are waited for.
const LOOK: Duration = Duration::from_millis(100);
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

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
pub(super) fn begin_anew(connection: &Connection) -> Result<bool, StoreError> {
    let busy: i64 = connection
        .prepare_cached("PRAGMA wal_checkpoint(RESTART)")?
        .query_row([], |row| row.get(0))?;
    Ok(busy == 0)
}

pub(super) fn log_path(database: &str) -> PathBuf {
    PathBuf::from(format!("{database}-wal"))
}

/// The file is not opened: to close it would drop the locks that SQLite holds in this process.
pub(super) fn length(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.len())
}
