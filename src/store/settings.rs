//! What is remembered between runs: the quota by token, and the texts of known refusals.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::error::StoreError;
use super::{Reader, Store, from_millis, to_millis};

/// Requests that started lately, as the audit tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastRequests {
    /// When they started, oldest first.
    pub starts: Vec<Timestamp>,
    /// Those of them that got no answer, or none yet.
    pub unanswered: u64,
}

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

    /// The requests of all batches with this token that started since then: the latest `most`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn past_requests(
        &self,
        token: i64,
        since: Timestamp,
        most: usize,
    ) -> Result<PastRequests, StoreError> {
        let mut select = self.connection.prepare(
            "SELECT started_at, token,
                    finished_at IS NULL OR outcome = 'interrupted'
                    OR outcome = 'undecided' AND http_status IS NULL
             FROM attempt WHERE finished_at IS NULL OR outcome NOT IN
             ('evidence', 'assumed_sent', 'resend', 'not_sent') ORDER BY id DESC",
        )?;
        let mut rows = select.query([])?;
        let mut past = PastRequests::default();
        while let Some(row) = rows.next()? {
            let started_at = row.get(0)?;
            if started_at < to_millis(since) || past.starts.len() >= most {
                break;
            }
            if row.get::<_, Option<i64>>(1)? == Some(token) {
                past.starts.push(from_millis(started_at)?);
                past.unanswered += u64::from(row.get::<_, bool>(2)?);
            }
        }
        past.starts.reverse();
        Ok(past)
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
