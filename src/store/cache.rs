//! How much of the checkpoint the writer keeps in memory.

use rusqlite::Connection;

use super::error::StoreError;

/// KiB for work that goes here and there: lists, contacts, suppressions.
const ROOMY: i64 = 32 * 1024;

/// KiB while a batch is sent: the rows in work are neighbours. More of it is slower, because SQLite walks
/// through its whole cache at each commit that moved a page of an index, and because the processor's own
/// cache is needed for the requests.
const SMALL: i64 = 2 * 1024;

/// From now on the cache is as large as lists need it.
pub(super) fn roomy(connection: &Connection) -> Result<(), StoreError> {
    set(connection, ROOMY)
}

/// From now on the cache is as small as sending needs it.
pub(super) fn small(connection: &Connection) -> Result<(), StoreError> {
    set(connection, SMALL)
}

fn set(connection: &Connection, kibibytes: i64) -> Result<(), StoreError> {
    // SQLite takes a negative number for KiB, a positive one for pages.
    connection.pragma_update(None, "cache_size", -kibibytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small_while_a_batch_is_sent_and_roomy_again_after() {
        let connection = Connection::open_in_memory().unwrap();
        let size = || -> i64 {
            connection
                .query_row("PRAGMA cache_size", [], |row| row.get(0))
                .unwrap()
        };
        small(&connection).unwrap();
        assert_eq!(size(), -2048);
        roomy(&connection).unwrap();
        assert_eq!(size(), -32768);
    }
}
