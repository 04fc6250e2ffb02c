//! Who is signed in on the console of this machine. Kept as hashes, and in no cluster: a session is of one node.

use jiff::Timestamp;

use super::checkpoint::{Reader, Store};
use super::columns::{from_millis, to_millis};
use super::error::StoreError;
use super::query::Query as _;

fn key(hash: &str) -> String {
    format!("session.{hash}")
}

impl Store {
    /// Keeps a session until then, by the hash of its secret; drops those that are over at `now`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_session(
        &self,
        hash: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (key, until, now) = (key(hash), to_millis(until), to_millis(now));
        self.writer.write_blocking(move |tx| {
            tx.bookkeeping = true;
            tx.connection.change(
                "DELETE FROM node WHERE key >= 'session.' AND key < 'session/' AND value <= ?1",
                [now],
            )?;
            tx.connection.change(
                "INSERT INTO node (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (&key, until),
            )?;
            Ok(())
        })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn end_session(&self, hash: &str) -> Result<(), StoreError> {
        let key = key(hash);
        self.writer.write_blocking(move |tx| {
            tx.bookkeeping = true;
            tx.connection
                .change("DELETE FROM node WHERE key = ?1", [&key])?;
            Ok(())
        })
    }
}

impl Reader {
    /// Until when a session lasts, if there is one of this hash.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn session(&self, hash: &str) -> Result<Option<Timestamp>, StoreError> {
        let until: Option<i64> = self
            .connection
            .find("SELECT value FROM node WHERE key = ?1", [key(hash)])?;
        until.map(from_millis).transpose()
    }
}
