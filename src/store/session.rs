//! Who is signed in on the console of this machine. Kept as hashes, and in no cluster: a session is of one node.

use jiff::Timestamp;

use super::checkpoint::{Reader, Store};
use super::columns::{from_millis, to_millis};
use super::error::StoreError;
use super::node;
use super::query::Query as _;

/// A session, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptSession {
    /// Until when it lasts.
    pub until: Timestamp,
    /// Which password began it, and whose; `None` if a link did.
    pub user: Option<(String, String)>,
}

/// All keys of a session begin so; what follows is the user.
fn key(hash: &str) -> String {
    format!("session.{hash}.")
}

impl Store {
    /// Keeps a session by the hash of its secret; drops those that are over at `now`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_session(
        &self,
        hash: &str,
        session: KeptSession,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let user = session.user.map(|(stamp, name)| format!("{stamp}.{name}"));
        let key = key(hash) + user.as_deref().unwrap_or_default();
        let (until, now) = (to_millis(session.until), to_millis(now));
        self.writer.write_blocking(move |tx| {
            tx.bookkeeping = true;
            tx.connection.change(
                "DELETE FROM node WHERE key >= 'session.' AND key < 'session/' AND value <= ?1",
                [now],
            )?;
            node::set(tx.connection, &key, until)
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
            tx.connection.change(
                "DELETE FROM node WHERE substr(key, 1, length(?1)) = ?1",
                [&key],
            )?;
            Ok(())
        })
    }
}

impl Reader {
    /// The session of this hash, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn session(&self, hash: &str) -> Result<Option<KeptSession>, StoreError> {
        let key = key(hash);
        let found: Option<(String, i64)> = self.connection.find_row(
            "SELECT key, value FROM node
                 WHERE key >= 'session.' AND key < 'session/' AND substr(key, 1, length(?1)) = ?1",
            [&key],
        )?;
        found
            .map(|(kept, until)| {
                let user = kept.get(key.len()..).and_then(|user| user.split_once('.'));
                Ok(KeptSession {
                    until: from_millis(until)?,
                    user: user.map(|(stamp, name)| (stamp.to_owned(), name.to_owned())),
                })
            })
            .transpose()
    }
}
