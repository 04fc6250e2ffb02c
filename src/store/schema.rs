//! The schema and its migrations.
//!
//! Migrations are append-only: entry N brings a database from `user_version` N to N + 1, in one
//! transaction. A released entry is never edited. A database of a newer version is refused.

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;
use crate::crash::{CrashPoint, crash_point};

/// What marks a file as ours (`application_id`): "outr".
const APPLICATION_ID: i32 = 0x6f75_7472;

const MIGRATIONS: &[&str] = &[
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
];

/// The version that this program writes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "there will not be four billion migrations"
)]
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings the database to [`VERSION`]; does nothing if it is there.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while we waited for the lock.
    let found = version(&transaction)?;
    let missing = MIGRATIONS.get(found as usize..).ok_or(StoreError::Newer {
        found,
        known: VERSION,
    })?;
    for sql in missing {
        transaction.execute_batch(sql)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    crash_point(CrashPoint::Migration);
    transaction.commit()?;
    Ok(())
}

/// The version of the database; fails for a newer one, and for a file that is not ours.
pub(super) fn version(connection: &Connection) -> Result<u32, StoreError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id != APPLICATION_ID && (id != 0 || tables != 0) {
        return Err(StoreError::Foreign);
    }
    if found > VERSION {
        return Err(StoreError::Newer {
            found,
            known: VERSION,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What version 1 knew of a request under way, an accepted message and a mended row lives on.
    #[test]
    fn version_1_with_requests_under_way_becomes_intents() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection
            .execute_batch(
                "PRAGMA user_version = 1;
                 INSERT INTO recipient (id, state, phone) VALUES
                     (4294967297, 'sent', 1), (4294967298, 'sending', 2), (4294967299, 'queued', 3);
                 INSERT INTO attempt (recipient, token, started_at, finished_at, outcome) VALUES
                     (4294967297, 9, 10, 11, 'sent'), (4294967298, 9, 12, 13, 'throttled'),
                     (4294967298, 9, 14, NULL, NULL);
                 INSERT INTO message (recipient, sent_at) VALUES (4294967297, 11);
                 INSERT INTO contact_due (recipient) VALUES (4294967297);
                 INSERT INTO quota (token, state, updated_at) VALUES (9, '{}', 1);",
            )
            .unwrap();
        connection
            .pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        migrate(&mut connection).unwrap();
        let read =
            |sql: &str| -> String { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
        let intents =
            "SELECT group_concat(first || ' ' || last || ' ' || token || ' ' || started_at)
                       FROM intent";
        assert_eq!(read(intents), "4294967298 4294967298 9 14");
        let states = "SELECT group_concat(state) FROM (SELECT state FROM recipient ORDER BY id)";
        assert_eq!(read(states), "sent,queued,queued");
        assert_eq!(
            read("SELECT group_concat(outcome) FROM attempt"),
            "sent,throttled"
        );
        let due = "SELECT group_concat(first || ' ' || last) FROM contact_due";
        assert_eq!(read(due), "4294967297 4294967297");
        assert_eq!(read("SELECT '' || claimed FROM quota"), "0");
    }
}
