//! Questions to the API that are no messages: they use the quota, and are claimed like requests.

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::{Reader, Store};
use super::columns::to_millis;
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;
use super::writer::Tx;

/// What became of the claim of a question to the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// It may leave, and counts.
    Claimed,
    /// Others claimed requests meanwhile: so many with the token by now, ever. Nothing was claimed.
    OthersClaimed {
        /// How many.
        total: u64,
    },
}

impl Store {
    /// Claims a question about recipients of the batch, if so many requests were claimed with the token as
    /// the caller knows. It stands among the requests, so that the next run counts it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn claim_lookup(
        &self,
        batch: BatchId,
        token: i64,
        known: u64,
        now: Timestamp,
    ) -> Result<Lookup, StoreError> {
        self.writer
            .write(move |tx| claim_lookup(tx, batch, token, known, now))
            .await
    }
}

fn claim_lookup(
    tx: &mut Tx<'_>,
    batch: BatchId,
    token: i64,
    known: u64,
    now: Timestamp,
) -> Result<Lookup, StoreError> {
    let total = claimed(tx.connection, token)?;
    if total > known {
        return Ok(Lookup::OthersClaimed { total });
    }
    // It concerns nobody: it must not count as a message to a person.
    tx.connection.change(
        "INSERT INTO attempt (recipient, channel, kind, token, started_at, finished_at, outcome)
             SELECT 0, channel, 'lookup', ?2, ?3, ?3, 'lookup' FROM batch WHERE id = ?1",
        (batch, token, to_millis(now)),
    )?;
    tx.note_claim(token, now);
    Ok(Lookup::Claimed)
}

pub(super) fn claimed(connection: &Connection, token: i64) -> Result<u64, StoreError> {
    let claimed: Option<i64> =
        connection.find("SELECT claimed FROM quota WHERE token = ?1", [token])?;
    Ok(u64::try_from(claimed.unwrap_or(0)).unwrap_or(0))
}

impl Reader {
    /// How many requests were ever claimed with the token.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn claimed(&self, token: i64) -> Result<u64, StoreError> {
        claimed(&self.connection, token)
    }
}
