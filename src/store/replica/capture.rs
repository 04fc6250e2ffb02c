//! What a transaction changed: SQLite names the rows, which are read as they stand before the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OptionalExtension};

use super::record::{Cell, TableRows};
use crate::locked::lock;
use crate::store::error::StoreError;

/// The tables that are of one node alone. Of `node` itself the rows with a negative id are shared.
pub(super) const OWN: [&str; 2] = ["node", "written_file"];

/// Where the shared rows of `node` end.
const SHARED_BELOW: i64 = 0;

/// Whether a row is in the records.
pub(super) fn is_shared(table: &str, rowid: i64) -> bool {
    !OWN.contains(&table) || (table == "node" && rowid < SHARED_BELOW)
}

/// The rows that the connection changed since it was asked last.
#[derive(Debug, Clone, Default)]
pub(super) struct Capture(Arc<Mutex<BTreeMap<String, BTreeSet<i64>>>>);

impl Capture {
    /// Begins to watch the connection.
    pub(super) fn of(connection: &mut Connection) -> Result<Self, StoreError> {
        let capture = Self::default();
        let seen = Arc::clone(&capture.0);
        let note = move |_, _: &str, table: &str, rowid: i64| {
            if !is_shared(table, rowid) {
                return;
            }
            let mut seen = lock(&seen);
            if let Some(rows) = seen.get_mut(table) {
                rows.insert(rowid);
            } else {
                seen.insert(table.to_owned(), BTreeSet::from([rowid]));
            }
        };
        connection.update_hook(Some(note))?;
        Ok(capture)
    }

    /// Forgets what was seen.
    pub(super) fn clear(&self) {
        self.take();
    }

    fn take(&self) -> BTreeMap<String, BTreeSet<i64>> {
        std::mem::take(&mut *lock(&self.0))
    }

    /// The rows that were changed, as they stand in the transaction.
    pub(super) fn rows(&self, connection: &Connection) -> Result<Vec<TableRows>, StoreError> {
        let mut tables = Vec::new();
        for (replica, rowids) in self.take() {
            let mut select = connection
                .prepare_cached(&format!("SELECT * FROM \"{replica}\" WHERE rowid = ?1"))?;
            let columns = select.column_count();
            let mut rows = Vec::with_capacity(rowids.len());
            for rowid in rowids {
                let row = select
                    .query_row([rowid], |row| {
                        (0..columns)
                            .map(|column| row.get_ref(column).map(Cell::from))
                            .collect::<Result<Vec<_>, _>>()
                    })
                    .optional()?;
                rows.push((rowid, row));
            }
            drop(select);
            tables.push(TableRows {
                table: replica,
                rows,
            });
        }
        Ok(tables)
    }
}
