//! Files that were written are out of date once something that they show may have changed.

use rusqlite::Connection;

use super::error::StoreError;
use super::query::Query as _;

/// Marks the files that were written as out of date: something that they show may have changed ([`Store::begin_results`](super::Store::begin_results)).
pub(super) fn outdate(connection: &Connection) -> Result<(), StoreError> {
    // Each group asks, and there are hardly ever any: an `UPDATE` for all would make a table for them first.
    let files: Vec<i64> = connection.list(
        "SELECT id FROM written_file INDEXED BY written_file_up_to_date WHERE up_to_date = 1",
        [],
    )?;
    for file in files {
        connection.change(
            "UPDATE written_file SET up_to_date = 0 WHERE id = ?1",
            [file],
        )?;
    }
    Ok(())
}
