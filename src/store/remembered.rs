//! What is remembered between runs: the quota by token, the requests of the last hour, the meanings of refusals.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::checkpoint::{Reader, Store};
use super::columns::{from_millis, to_millis};
use super::error::StoreError;
use super::quota::note;

/// Requests that started lately, as the audit has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastRequests {
    /// When they started, oldest first.
    pub starts: Vec<Timestamp>,
    /// Those of them that got no answer, or none yet.
    pub unanswered: u64,
}

/// After so many requests in a row that are too old, the search back ends: more than any run makes while its
/// clock is wrong, at the speed that the API allows.
const OLD_IN_A_ROW: u32 = 50_000;

impl Store {
    /// Remembers what is known of a token's quota, as the pacer's JSON.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn save_quota(
        &self,
        token: i64,
        state: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| note(tx.connection, token, Some(&state), 0, to_millis(now)))
            .await
    }

    /// Remembers that refusals with these texts mean "no Messenger". `source` is who or what said so.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn learn_no_messenger(
        &self,
        texts: BTreeSet<String>,
        source: &'static str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| {
                for text in &texts {
                    mean_no_messenger(tx.connection, text, source, now)?;
                }
                Ok(())
            })
            .await
    }
}

/// Keeps that refusals with this text mean "no Messenger".
pub(super) fn mean_no_messenger(
    connection: &Connection,
    text: &str,
    source: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO refusal (text, meaning, source, decided_at) VALUES (?1, 'no_messenger', ?2, ?3)
             ON CONFLICT DO UPDATE SET meaning = excluded.meaning, source = excluded.source,
                                       decided_at = excluded.decided_at",
        )?
        .execute((text, source, to_millis(now)))?;
    Ok(())
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
        // From the last one back. Requests stand in the order in which they left, but for clocks that were
        // wrong: the search ends after many that are too old.
        let mut select = self.connection.prepare(
            "SELECT started_at, token, coalesce(finished_at, ?1),
                    outcome IS NULL OR outcome = 'interrupted'
                        OR outcome = 'undecided' AND http_status IS NULL,
                    kind <> 'note' AND outcome IS NOT 'not_sent'
             FROM attempt ORDER BY id DESC",
        )?;
        let since = to_millis(since);
        let mut past = PastRequests::default();
        let mut old_in_a_row = 0;
        let mut rows = select.query([since])?;
        while let Some(row) = rows.next()? {
            let (started_at, finished_at): (i64, i64) = (row.get(0)?, row.get(2)?);
            let old = started_at.max(finished_at) < since;
            old_in_a_row = if old { old_in_a_row + 1 } else { 0 };
            if old_in_a_row > OLD_IN_A_ROW || past.starts.len() >= most {
                break;
            }
            let counts: bool = row.get(4)?;
            if counts && row.get::<_, Option<i64>>(1)? == Some(token) && started_at >= since {
                past.starts.push(from_millis(started_at)?);
                past.unanswered += u64::from(row.get::<_, bool>(3)?);
            }
        }
        past.starts.sort_unstable();
        Ok(past)
    }

    /// The refusal texts that are known to mean "no Messenger".
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn known_refusals(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut select = self
            .connection
            .prepare("SELECT text FROM refusal WHERE meaning = 'no_messenger'")?;
        let texts = select
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(texts)
    }
}
