//! How far a replica has come, kept in the file itself and changed in the same transactions.

use rusqlite::{Connection, OptionalExtension};

use crate::cluster::Hash;
use crate::store::error::StoreError;

/// The rows of `node`.
const LOG: &str = "cluster";
const SEQ: &str = "applied";
const HASH: &str = "applied_hash";
const ENGINE: &str = "engine";

/// A place in the log: a record's number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Position {
    pub(in crate::store) seq: i64,
    pub(in crate::store) hash: Hash,
}

impl Position {
    pub(in crate::store) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let seq = connection
            .prepare_cached("SELECT value FROM node WHERE key = ?1")?
            .query_row([SEQ], |row| row.get(0))?;
        let hash: Vec<u8> = connection
            .prepare_cached("SELECT value FROM node WHERE key = ?1")?
            .query_row([HASH], |row| row.get(0))?;
        let hash = hash.try_into().map_err(|_| StoreError::Value {
            detail: "the hash of the last record of the cluster".to_owned(),
        })?;
        Ok(Self { seq, hash })
    }

    pub(in crate::store) fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        let mut update = connection.prepare_cached("UPDATE node SET value = ?2 WHERE key = ?1")?;
        update.execute((SEQ, self.seq))?;
        update.execute((HASH, self.hash))?;
        Ok(())
    }

    /// From now on the checkpoint is a replica of the log.
    pub(in crate::store) fn begin(
        &self,
        connection: &Connection,
        log: &str,
    ) -> Result<(), StoreError> {
        let mut insert = connection.prepare_cached(
            "INSERT INTO node (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?;
        insert.execute((LOG, log))?;
        insert.execute((SEQ, self.seq))?;
        insert.execute((HASH, self.hash))?;
        Ok(())
    }
}

/// The engine that kept the log when it was asked last.
pub(super) fn engine_of(connection: &Connection) -> Result<Option<String>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT value FROM node WHERE key = ?1")?
        .query_row([ENGINE], |row| row.get(0))
        .optional()?)
}

pub(in crate::store) fn note_engine(
    connection: &Connection,
    engine: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO node (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute((ENGINE, engine))?;
    Ok(())
}

/// The checkpoint is one of its own again.
pub(in crate::store) fn end(connection: &Connection) -> Result<(), StoreError> {
    let mut delete = connection.prepare_cached("DELETE FROM node WHERE key = ?1")?;
    for key in [LOG, SEQ, HASH, ENGINE] {
        delete.execute([key])?;
    }
    Ok(())
}

/// The log that the checkpoint is a replica of.
pub(in crate::store) fn log_of(connection: &Connection) -> Result<Option<String>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT value FROM node WHERE key = ?1")?
        .query_row([LOG], |row| row.get(0))
        .optional()?)
}

/// Whether the checkpoint is a replica of a log.
pub(in crate::store) fn is_replica(connection: &Connection) -> Result<bool, StoreError> {
    Ok(log_of(connection)?.is_some())
}
