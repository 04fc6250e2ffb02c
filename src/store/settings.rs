//! What is remembered between runs: the quota by token, and the texts of known refusals.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::error::StoreError;
use super::{Reader, Store, from_millis, to_millis};

impl Store {
    /// Remembers what is known of a token's quota, as the pacer's JSON.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn save_quota(
        &self,
        token: i64,
        state: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| {
                tx.connection
                    .prepare_cached(
                        "INSERT INTO quota (token, state, updated_at) VALUES (?1, ?2, ?3)
                         ON CONFLICT DO UPDATE SET state = excluded.state,
                                                   updated_at = excluded.updated_at",
                    )?
                    .execute((token, state, to_millis(now)))?;
                Ok(())
            })
            .await
    }
}

impl Reader {
    /// What is remembered of a token's quota, as the pacer's JSON.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn quota(&self, token: i64) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .query_row("SELECT state FROM quota WHERE token = ?1", [token], |row| {
                row.get(0)
            })
            .optional()?)
    }

    /// When the requests with this token started, since then, the latest first.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn request_starts(
        &self,
        token: i64,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let mut select = self.connection.prepare(
            "SELECT started_at, token FROM attempt WHERE finished_at IS NULL OR outcome NOT IN
             ('evidence', 'assumed_sent', 'resend') ORDER BY id DESC",
        )?;
        let mut rows = select.query([])?;
        let mut starts = Vec::new();
        while let Some(row) = rows.next()? {
            let started_at = row.get(0)?;
            if started_at < to_millis(since) {
                break;
            }
            if row.get::<_, Option<i64>>(1)? == Some(token) {
                starts.push(from_millis(started_at)?);
            }
        }
        Ok(starts)
    }

    /// The refusal texts that are known to mean "no Messenger".
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn known_refusals(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut select = self.connection.prepare("SELECT text FROM known_refusal")?;
        let texts = select
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(texts)
    }
}
