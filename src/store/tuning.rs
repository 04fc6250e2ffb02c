//! What the writer's connection is tuned for: lists, or the sending of a batch.

use rusqlite::Connection;

use super::error::StoreError;
use super::log;

/// How much of the checkpoint is kept in memory, and how much of the log is written before it is copied into
/// the file.
struct Tuning {
    cache_kibibytes: i64,
    log_pages: i64,
}

/// Here and there: lists, contacts, suppressions. Pages that many groups change are copied once.
const LISTS: Tuning = Tuning {
    cache_kibibytes: 32 * 1024,
    log_pages: 8 * 1024,
};

/// The rows in work are neighbours. More cache is slower, because SQLite walks through all of it at each
/// commit that moved a page of an index, and because the processor's own cache is needed for the requests.
/// More log is slower, because a file that grows has to be synced with its new size: written over, it takes
/// half the time. Less is slower as well, because everybody waits while it is copied into the file.
const SENDING: Tuning = Tuning {
    cache_kibibytes: 2 * 1024,
    log_pages: 1024,
};

/// From now on many people are looked up, in no order, by so many readers: together they keep in memory what one would.
pub(super) fn for_people(connection: &Connection, readers: usize) -> Result<(), StoreError> {
    let readers = i64::try_from(readers).unwrap_or(i64::MAX).max(1);
    Ok(connection.pragma_update(None, "cache_size", -LISTS.cache_kibibytes / readers)?)
}

/// From now on lists are read and changed.
pub(super) fn for_lists(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(
        None,
        "journal_size_limit",
        i64::try_from(log::LONG).unwrap_or(-1),
    )?;
    tune(connection, &LISTS)
}

/// From now on a batch is sent.
pub(super) fn for_sending(connection: &Connection) -> Result<(), StoreError> {
    tune(connection, &SENDING)
}

fn tune(connection: &Connection, tuning: &Tuning) -> Result<(), StoreError> {
    // SQLite takes a negative number for KiB, a positive one for pages.
    connection.pragma_update(None, "cache_size", -tuning.cache_kibibytes)?;
    connection.pragma_update(None, "wal_autocheckpoint", tuning.log_pages)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_and_log_are_small_while_a_batch_is_sent_and_large_again_after() {
        let connection = Connection::open_in_memory().unwrap();
        let found = || -> (i64, i64) {
            let pragma = |name| connection.query_row(name, [], |row| row.get(0)).unwrap();
            (
                pragma("PRAGMA cache_size"),
                pragma("PRAGMA wal_autocheckpoint"),
            )
        };
        for_sending(&connection).unwrap();
        assert_eq!(found(), (-2048, 1024));
        for_lists(&connection).unwrap();
        assert_eq!(found(), (-32768, 8192));
    }
}
