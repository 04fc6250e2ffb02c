//! What is remembered between runs: the quota by token, and the texts of known refusals.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::history::LookBack;
use super::{Reader, Store, from_millis, intent, to_millis};

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
            .write(move |tx| note_quota(tx.connection, token, Some(state), 0, to_millis(now)))
            .await
    }
}

/// How many requests were ever claimed with the token.
pub(super) fn claims(connection: &Connection, token: i64) -> Result<i64, StoreError> {
    let claims = connection
        .prepare_cached("SELECT claimed FROM quota WHERE token = ?1")?
        .query_row([token], |row| row.get(0))
        .optional()?;
    Ok(claims.unwrap_or(0))
}

/// Notes what is new of the quota, if anything is, and so many more claims.
pub(super) fn note_quota(
    connection: &Connection,
    token: i64,
    state: Option<String>,
    claims: i64,
    at: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO quota (token, state, updated_at, claimed)
             VALUES (?1, coalesce(?2, '{}'), ?3, ?4)
             ON CONFLICT DO UPDATE SET state = coalesce(?2, state), updated_at = excluded.updated_at,
                                       claimed = claimed + excluded.claimed",
        )?
        .execute((token, state, at, claims))?;
    Ok(())
}

/// Where the number of events that could not be read is kept.
const UNREADABLE: &str = "unreadable_events";

/// One more event could not be read.
pub(super) fn count_unreadable(connection: &Connection) -> Result<(), StoreError> {
    let count = unreadable(connection)? + 1;
    connection
        .prepare_cached(
            "INSERT INTO setting (key, value) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute((UNREADABLE, count.to_string().into_bytes()))?;
    Ok(())
}

fn unreadable(connection: &Connection) -> Result<u64, StoreError> {
    let found: Option<Vec<u8>> = connection
        .prepare_cached("SELECT value FROM setting WHERE key = ?1")?
        .query_row([UNREADABLE], |row| row.get(0))
        .optional()?;
    let count = found.and_then(|digits| String::from_utf8(digits).ok()?.parse().ok());
    Ok(count.unwrap_or(0))
}

impl Reader {
    /// How many webhook events are kept that could not be read as documented, or not in full: a person
    /// should look at them.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn unreadable_events(&self) -> Result<u64, StoreError> {
        unreadable(&self.connection)
    }

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
            "SELECT started_at, token, finished_at,
                    outcome = 'interrupted' OR outcome = 'undecided' AND http_status IS NULL
             FROM attempt
             WHERE outcome NOT IN ('evidence', 'assumed_sent', 'resend', 'not_sent')
             ORDER BY id DESC",
        )?;
        let since = to_millis(since);
        let mut past = PastRequests::default();
        for intent in intent::all(&self.connection)? {
            if intent.token == token && intent.started_at >= since {
                let rows = intent::under_way(&self.connection, &intent)?.len();
                past.unanswered += rows as u64;
                let started_at = from_millis(intent.started_at)?;
                past.starts.extend(std::iter::repeat_n(started_at, rows));
            }
        }
        let mut look_back = LookBack::new(since);
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            if look_back.is_over(row.get(2)?) || past.starts.len() >= most {
                break;
            }
            let started_at = row.get(0)?;
            if row.get::<_, Option<i64>>(1)? == Some(token) && started_at >= since {
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
    pub fn known_refusals(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut select = self.connection.prepare("SELECT text FROM known_refusal")?;
        let texts = select
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(texts)
    }
}
