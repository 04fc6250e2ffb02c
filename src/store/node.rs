//! The table `node`: single values by key, each of this file alone. (Rows with a negative id are shared by a cluster:
//! these are written by the files that need them.)

use rusqlite::types::FromSql;
use rusqlite::{Connection, ToSql};

use super::error::StoreError;
use super::query::Query as _;

/// The value of a key, if it has one.
pub(super) fn get<T: FromSql>(connection: &Connection, key: &str) -> Result<Option<T>, StoreError> {
    connection.find("SELECT value FROM node WHERE key = ?1", [key])
}

/// Whether the key has a value.
pub(super) fn has(connection: &Connection, key: &str) -> Result<bool, StoreError> {
    connection.has("SELECT 1 FROM node WHERE key = ?1", [key])
}

/// Gives the key this value, in place of the one that it has.
pub(super) fn set(connection: &Connection, key: &str, value: impl ToSql) -> Result<(), StoreError> {
    connection.change(
        "INSERT INTO node (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )?;
    Ok(())
}

/// Removes the value of a key.
pub(super) fn remove(connection: &Connection, key: &str) -> Result<(), StoreError> {
    connection.change("DELETE FROM node WHERE key = ?1", [key])?;
    Ok(())
}
