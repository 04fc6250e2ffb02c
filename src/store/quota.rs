//! The quota's row of a token: what the API last reported, and how many requests were ever claimed.

use rusqlite::Connection;

use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;

/// How many requests were ever claimed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Claims {
    with_token: i64,
    of_batch: i64,
}

impl Claims {
    pub(super) fn new(with_token: i64, of_batch: i64) -> Self {
        Self {
            with_token,
            of_batch,
        }
    }

    /// Requests of other batches with the token since `before`.
    pub(super) fn of_others_since(self, before: &Self) -> u64 {
        let all = self.with_token - before.with_token;
        let own = self.of_batch - before.of_batch;
        u64::try_from(all - own).unwrap_or(0)
    }
}

/// How many requests were ever claimed with the token, and by the batch.
pub(super) fn claims(
    connection: &Connection,
    token: i64,
    batch: BatchId,
) -> Result<Claims, StoreError> {
    let (with_token, of_batch) = connection.row(
        "SELECT coalesce((SELECT claimed FROM quota WHERE token = ?1), 0),
                coalesce((SELECT requests FROM tally WHERE batch = ?2), 0)",
        (token, batch),
    )?;
    Ok(Claims {
        with_token,
        of_batch,
    })
}

/// Notes what is new of the quota, if anything is, and so many more claims.
pub(super) fn note(
    connection: &Connection,
    token: i64,
    state: Option<&str>,
    claims: i64,
    at: i64,
) -> Result<(), StoreError> {
    connection.change(
        "INSERT INTO quota (token, state, updated_at, claimed)
             VALUES (?1, coalesce(?2, '{}'), ?3, ?4)
             ON CONFLICT DO UPDATE SET state = coalesce(?2, state), updated_at = excluded.updated_at,
                                       claimed = claimed + excluded.claimed",
        (token, state, at, claims),
    )?;
    Ok(())
}
