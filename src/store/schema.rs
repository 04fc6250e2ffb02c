//! The schema and its migrations.
//!
//! Migrations are append-only: entry N brings a database from `user_version` N to N + 1, in one
//! transaction. A released entry is never edited. A database of a newer version is refused.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::error::StoreError;
use super::ids::ApiId;
use super::keys::{HashKey, random};
use crate::crash::{CrashPoint, crash_point};

/// What marks a file as ours (`application_id`): "outr".
const APPLICATION_ID: i32 = 0x6f75_7472;

/// A step from one version to the next.
#[derive(Debug, Clone, Copy)]
enum Migration {
    /// SQL alone.
    Sql(&'static str),
    /// Version 4: SQL with functions of the program.
    People,
}

const MIGRATIONS: &[Migration] = &[
    Migration::Sql(include_str!("schema/v1.sql")),
    Migration::Sql(include_str!("schema/v2.sql")),
    Migration::Sql(include_str!("schema/v3.sql")),
    Migration::People,
];

/// The version that this program writes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "there will not be four billion migrations"
)]
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings the database to [`VERSION`]; does nothing if it is there. Returns the version that was found.
pub(super) fn migrate(connection: &mut Connection) -> Result<u32, StoreError> {
    migrate_and(connection, |_| Ok(()))
}

/// The same. A database that is made has in it, from its first moment, what `begin` writes.
pub(super) fn migrate_and(
    connection: &mut Connection,
    begin: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<u32, StoreError> {
    let found = version(connection)?;
    if found == VERSION {
        return Ok(found);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while we waited for the lock.
    let found = version(&transaction)?;
    let missing = MIGRATIONS.get(found as usize..).ok_or(StoreError::Newer {
        found,
        known: VERSION,
    })?;
    for migration in missing {
        match migration {
            Migration::Sql(sql) => transaction.execute_batch(sql)?,
            Migration::People => people(&transaction)?,
        }
    }
    if found == 0 {
        begin(&transaction)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    crash_point(CrashPoint::Migration);
    transaction.commit()?;
    Ok(found)
}

/// Version 4.
fn people(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(include_str!("schema/v4.sql"))?;
    let known: Option<Vec<u8>> = connection
        .query_row(
            "SELECT value FROM setting WHERE key = 'forget_key'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    let key = match known {
        Some(key) => key,
        None => random::<32>()?.to_vec(),
    };
    connection.execute(
        "INSERT INTO checkpoint (id, uid, hash_key, created_at)
         VALUES (1, ?1, ?2, CAST(unixepoch('subsec') * 1000 AS INTEGER))",
        (random::<16>()?, &key),
    )?;
    let keys = HashKey::from_bytes(&key)?;
    let hashes = keys.clone();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("content_key", 2, flags, move |call| {
        let content: Option<String> = call.get(1)?;
        let channel: String = call.get(0)?;
        Ok(content.map(|content| keys.content_key(&channel, &content)))
    })?;
    connection.create_scalar_function("number_hash", 1, flags, move |call| {
        let number: Option<i64> = call.get(0)?;
        Ok(number.map(|number| hashes.number_column(number).to_vec()))
    })?;
    connection.create_scalar_function("decimal", 1, flags, |call| {
        let text: Option<String> = call.get(0)?;
        Ok(match text {
            Some(text) => Value::from(ApiId(&text)),
            None => Value::Null,
        })
    })?;
    connection.execute_batch(include_str!("schema/v4_data.sql"))?;
    connection.remove_function("content_key", 2)?;
    connection.remove_function("decimal", 1)?;
    connection.remove_function("number_hash", 1)?;
    Ok(())
}

/// The version of the database; fails for a newer one, and for a file that is not ours.
pub(super) fn version(connection: &Connection) -> Result<u32, StoreError> {
    // All as of one moment: another process may be making the file.
    let moment = if connection.is_autocommit() {
        Some(connection.unchecked_transaction()?)
    } else {
        None
    };
    // First, because it takes the lock that the pragmas are read under.
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    drop(moment);
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

    /// What version 1 knew of a request under way, an accepted message and a row in the queue lives on.
    #[test]
    fn version_1_with_requests_under_way_keeps_them_under_way() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("schema/v1.sql"))
            .unwrap();
        connection
            .execute_batch(
                "PRAGMA user_version = 1;
                 INSERT INTO batch (id, name, stage, digest, definition, headers, files, channel, sandbox,
                                    created_at, started_at)
                     VALUES (1, 'spring', 'ready', x'00', '{}', '[]', '[]', '7001', 0, 1, 2);
                 INSERT INTO recipient (id, state, phone) VALUES
                     (4294967297, 'sent', 1), (4294967298, 'sending', 2), (4294967299, 'queued', 3);
                 INSERT INTO recipient_input (id, file, row, fields, content) VALUES
                     (4294967297, 0, 2, '[]', '{}'), (4294967298, 0, 3, '[]', '{}'),
                     (4294967299, 0, 4, '[]', '{}');
                 INSERT INTO attempt (recipient, phone, token, started_at, finished_at, outcome) VALUES
                     (4294967297, 1, 9, 10, 11, 'sent'), (4294967298, 2, 9, 12, 13, 'throttled'),
                     (4294967298, 2, 9, 14, NULL, NULL);
                 INSERT INTO message (recipient, message_id, sent_at) VALUES (4294967297, '77', 11);
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
        assert_eq!(
            read(
                "SELECT group_concat(recipient || ' ' || started_at || ' ' || token) FROM attempt
                 WHERE outcome IS NULL"
            ),
            "4294967298 14 9"
        );
        assert_eq!(
            read("SELECT group_concat(state) FROM (SELECT state FROM recipient ORDER BY id)"),
            "sent,sending,queued"
        );
        assert_eq!(
            read("SELECT group_concat(outcome) FROM attempt WHERE outcome IS NOT NULL"),
            "sent,throttled"
        );
        assert_eq!(
            read("SELECT typeof(message_id) || message_id FROM attempt WHERE outcome = 'sent'"),
            "integer77"
        );
        assert_eq!(
            read("SELECT group_concat(number) FROM (SELECT number FROM person ORDER BY id)"),
            "1,2,3"
        );
        assert_eq!(read("SELECT '' || claimed FROM quota"), "0");
    }
}
