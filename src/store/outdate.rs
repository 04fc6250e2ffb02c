//! Files that were written are out of date once what they tell of may have changed.

use rusqlite::Connection;

use super::error::StoreError;
use super::query::Query as _;

/// What the files tell that were written may have changed ([`Store::begin_results`](super::Store::begin_results)).
pub(super) fn outdate(connection: &Connection) -> Result<(), StoreError> {
    connection.change(
        "UPDATE written_file SET up_to_date = 0 WHERE up_to_date = 1",
        [],
    )?;
    Ok(())
}
