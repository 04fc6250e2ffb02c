//! The bound of the write-ahead log. SQLite copies the log into the file by itself and writes it anew from its
//! begin, but not while a reader looks at an older moment: where one reader always follows another, the log
//! only grows. So the writer waits a moment for them, now and then, once the log is long.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::error::StoreError;

/// A log that is longer is begun anew as soon as no reader needs it, and cut to this length: 36 MiB, more
/// than SQLite itself lets it grow, so that it stays below 64 MB with what is written until the next look.
pub(super) const LONG: u64 = 36 << 20;

/// How often the length is looked at, at first and at the least, and how long readers are waited for: who reads for
/// long must not keep the writer waiting half of the time.
const LOOK: Duration = Duration::from_millis(100);
const LEAST: Duration = Duration::from_millis(400);
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

/// The headers of the log and of each page in it (<https://sqlite.org/fileformat.html#the_write_ahead_log>).
const HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// The log of an open checkpoint.
#[derive(Debug)]
pub(super) struct Log {
    path: Option<PathBuf>,
    looked: Instant,
    /// How long it is not looked at again.
    rest: Duration,
    /// The length of a frame: a page and its header.
    frame: u64,
}

impl Log {
    /// The log of the connection's file.
    pub(super) fn of(connection: &Connection) -> Self {
        let page = connection.query_row("PRAGMA page_size", [], |row| row.get(0));
        let page: i64 = page.unwrap_or(0);
        Self {
            path: connection.path().map(log_path),
            looked: Instant::now(),
            rest: LOOK,
            frame: FRAME_HEADER + u64::try_from(page).unwrap_or(0),
        }
    }

    /// Begins the log anew if it is long, now and then. Outside a transaction.
    pub(super) fn bound(&mut self, connection: &Connection) -> Result<(), StoreError> {
        if self.looked.elapsed() < self.rest {
            return Ok(());
        }
        let mut is_held = false;
        if self.is_long() {
            is_held = !begin_anew_patiently(connection)?;
        }
        self.rest = if is_held {
            (self.rest * 2).min(LEAST)
        } else {
            LOOK
        };
        self.looked = Instant::now();
        Ok(())
    }

    /// Whether the log holds all that was written to it. Outside a transaction.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it was cut: from the next write on its gap would be copied into the file.
    pub(super) fn check(&self, connection: &Connection) -> Result<(), StoreError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        // While another process makes the index anew nobody can say how long it is.
        let Ok(frames) = frames(connection) else {
            return Ok(());
        };
        let is_cut =
            length(path).is_some_and(|length| frames > 0 && length < HEADER + frames * self.frame);
        // Not by another process that began it anew meanwhile.
        if !is_cut || !self::frames(connection).is_ok_and(|now| now == frames) {
            return Ok(());
        }
        // What is left of it stays as it is: the next process that opens the checkpoint says how much is missing.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Err(StoreError::Corrupt {
            detail: format!(
                "{} was cut by another program, and with it the last changes are lost",
                path.display()
            ),
        })
    }

    fn is_long(&self) -> bool {
        self.path
            .as_deref()
            .and_then(length)
            .is_some_and(|length| length > LONG)
    }
}

/// The next transaction is written to the beginning of the log. False if a reader still needs what is there.
pub(super) fn begin_anew(connection: &Connection) -> Result<bool, StoreError> {
    let busy: i64 = connection
        .prepare_cached("PRAGMA wal_checkpoint(RESTART)")?
        .query_row([], |row| row.get(0))?;
    Ok(busy == 0)
}

/// The same for the writer, who waits a moment for readers.
pub(super) fn begin_anew_patiently(connection: &Connection) -> Result<bool, StoreError> {
    connection.busy_timeout(PATIENCE)?;
    let done = begin_anew(connection);
    connection.busy_timeout(Duration::ZERO)?;
    done
}

/// How many frames the log holds.
fn frames(connection: &Connection) -> Result<u64, StoreError> {
    let frames: i64 = connection
        .prepare_cached("PRAGMA wal_checkpoint(NOOP)")?
        .query_row([], |row| row.get(1))?;
    Ok(u64::try_from(frames).unwrap_or(0))
}

pub(super) fn log_path(database: &str) -> PathBuf {
    PathBuf::from(format!("{database}-wal"))
}

/// The file is not opened: to close it would drop the locks that SQLite holds in this process.
pub(super) fn length(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.len())
}
