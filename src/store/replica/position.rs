//! How far a replica has come, kept in the file itself and changed in the same transactions.

use rusqlite::Connection;

use crate::cluster::{Entry, Hash, Snapshot, chained};
use crate::store::error::StoreError;
use crate::store::node;

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
    /// The place of a record.
    pub(in crate::store) fn of(entry: &Entry) -> Self {
        Self {
            seq: entry.seq,
            hash: entry.hash,
        }
    }

    /// Whether the record is the next one after this place, and was not altered.
    pub(in crate::store) fn is_followed_by(&self, entry: &Entry) -> bool {
        entry.seq == self.seq + 1 && entry.hash == chained(&self.hash, entry.seq, &entry.body)
    }

    /// A snapshot with this digest of a file that has come this far.
    pub(in crate::store) fn snapshot(&self, digest: Hash) -> Snapshot {
        Snapshot {
            seq: self.seq,
            hash: self.hash,
            digest,
        }
    }

    /// Number and hash are read by one statement: between two of them another process of the file may go on, and the
    /// number of one record with the hash of the next fits no log.
    pub(in crate::store) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let (seq, hash): (i64, Vec<u8>) = connection
            .prepare_cached(
                "SELECT seq.value, hash.value FROM node seq JOIN node hash ON hash.key = ?2
                 WHERE seq.key = ?1",
            )?
            .query_row([SEQ, HASH], |row| Ok((row.get(0)?, row.get(1)?)))?;
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
        node::set(connection, LOG, log)?;
        node::set(connection, SEQ, self.seq)?;
        node::set(connection, HASH, self.hash)
    }
}

/// The engine that kept the log when it was asked last.
pub(super) fn engine_of(connection: &Connection) -> Result<Option<String>, StoreError> {
    node::get(connection, ENGINE)
}

pub(in crate::store) fn note_engine(
    connection: &Connection,
    engine: &str,
) -> Result<(), StoreError> {
    node::set(connection, ENGINE, engine)
}

/// The checkpoint is one of its own again.
pub(in crate::store) fn end(connection: &Connection) -> Result<(), StoreError> {
    [LOG, SEQ, HASH, ENGINE]
        .into_iter()
        .try_for_each(|key| node::remove(connection, key))
}

/// The log that the checkpoint is a replica of.
pub(in crate::store) fn log_of(connection: &Connection) -> Result<Option<String>, StoreError> {
    node::get(connection, LOG)
}

/// Whether the checkpoint is a replica of a log.
pub(in crate::store) fn is_replica(connection: &Connection) -> Result<bool, StoreError> {
    Ok(log_of(connection)?.is_some())
}

#[cfg(test)]
mod tests {
    use rusqlite::TransactionBehavior;

    use super::*;
    use crate::store::schema;

    /// The record that one process of the file has applied, and the next one.
    fn at(seq: i64) -> Position {
        let [.., low] = seq.to_be_bytes();
        Position {
            seq,
            hash: [low; 32],
        }
    }

    #[test]
    fn a_position_is_read_whole_while_another_process_of_the_file_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("outreach.db")).unwrap();
        let (mut reader, mut other) = (open(), open());
        other.pragma_update(None, "journal_mode", "wal").unwrap();
        schema::migrate(&mut other).unwrap();
        at(1).begin(&other, "log").unwrap();
        let (mut seq, mut go_on) = (1, move |seq| {
            let transaction = other.transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = transaction.unwrap();
            at(seq).write(&transaction).unwrap();
            transaction.commit().unwrap();
        });
        // The other one goes on at each step of the reader.
        let between = move || {
            seq += 1;
            go_on(seq);
            false
        };
        reader.progress_handler(1, Some(between)).unwrap();
        for _ in 0..3 {
            let read = Position::read(&reader).unwrap();
            assert!(read.seq > 1, "the other one went on");
            assert_eq!(read, at(read.seq));
        }
    }
}
