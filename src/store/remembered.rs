//! What is remembered between runs: the quota by token, the requests of the last hour.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::checkpoint::{Reader, Store};
use super::clock_notes::{ClockNotes, slowest};
use super::columns::{from_json, from_millis, to_json, to_millis};
use super::error::StoreError;
use super::node;
use super::query::Query as _;
use super::quota::note;
use crate::clock::Uptime;

/// Where the notes of the clocks stand in the table `node`.
const CLOCK: &str = "clock";

/// Requests that started lately, as the audit has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastRequests {
    /// When they started, oldest first.
    pub starts: Vec<Timestamp>,
    /// Those of them that got no answer, or none yet.
    pub unanswered: u64,
}

/// The time in which requests count for the pace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookBack {
    /// Its beginning.
    pub since: Timestamp,
    /// Its end.
    pub now: Timestamp,
    /// How long the machine runs at its end, where that is known.
    pub uptime: Option<Uptime>,
}

/// A request, as a look back finds it.
struct Latest {
    at: i64,
    /// Whether it used the quota that is asked about.
    counts: bool,
    unanswered: bool,
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
            .write(move |tx| {
                tx.bookkeeping = true;
                note(tx.connection, token, Some(&state), 0, to_millis(now))
            })
            .await
    }

    /// Notes what the clocks show, if the wall clock was set since that was noted last.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn note_clock(&self, uptime: Uptime, now: Timestamp) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| {
                tx.bookkeeping = true;
                let mut notes = clock_notes(tx.connection)?;
                let last: Option<i64> = tx.connection.value("SELECT max(id) FROM attempt", [])?;
                if notes.add(&uptime, to_millis(now), last.unwrap_or(0)) {
                    node::set(tx.connection, CLOCK, to_json(&notes)?)?;
                }
                Ok(())
            })
            .await
    }
}

/// What is noted of the clocks; notes that cannot be read are as good as none.
fn clock_notes(connection: &Connection) -> Result<ClockNotes, StoreError> {
    let notes: Option<String> = node::get(connection, CLOCK)?;
    Ok(notes
        .and_then(|json| from_json(&json).ok())
        .unwrap_or_default())
}

impl Reader {
    /// What is remembered of a token's quota, as the pacer's JSON.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn quota(&self, token: i64) -> Result<Option<String>, StoreError> {
        self.connection
            .find("SELECT state FROM quota WHERE token = ?1", [token])
    }

    /// The requests of all batches with this token that left lately: the latest `most`. Their times are by
    /// the clock of `window`'s end, and where that is not possible, as late as they can be.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn past_requests(
        &self,
        token: i64,
        window: &LookBack,
        most: usize,
    ) -> Result<PastRequests, StoreError> {
        let (since, now) = (to_millis(window.since), to_millis(window.now));
        let notes = clock_notes(&self.connection)?;
        let mut requests = self.latest_requests(token, since, most, |id| {
            notes.moved(id, window.uptime.as_ref(), now)
        })?;
        requests.reverse();
        let times: Vec<i64> = requests.iter().map(|request| request.at).collect();
        let mut counted: Vec<(i64, bool)> = slowest(&times, now)
            .into_iter()
            .zip(&requests)
            .filter(|(at, request)| request.counts && *at >= since)
            .map(|(at, request)| (at, request.unanswered))
            .collect();
        counted.sort_unstable();
        counted.drain(..counted.len().saturating_sub(most));
        let mut past = PastRequests::default();
        for (at, unanswered) in counted {
            past.starts.push(from_millis(at)?);
            past.unanswered += u64::from(unanswered);
        }
        Ok(past)
    }

    /// The latest requests, the last one first; times are moved by `moved`. Those of other tokens are among
    /// them: they show when clocks were wrong.
    fn latest_requests(
        &self,
        token: i64,
        since: i64,
        most: usize,
        moved: impl Fn(i64) -> i64,
    ) -> Result<Vec<Latest>, StoreError> {
        // From the last one back. Requests stand in the order in which they left, but for clocks that were
        // wrong: the search ends after many that are too old.
        let mut select = self.connection.prepare(
            "SELECT id, started_at, coalesce(finished_at, started_at), token IS ?1 AND outcome IS NOT 'not_sent',
                    outcome IS NULL OR outcome = 'interrupted'
                        OR outcome = 'undecided' AND http_status IS NULL
             FROM attempt WHERE kind NOT IN ('note', 'import') ORDER BY id DESC",
        )?;
        let mut found = Vec::new();
        let (mut old_in_a_row, mut fresh) = (0, 0);
        let mut rows = select.query([token])?;
        while let Some(row) = rows.next()? {
            let by = moved(row.get(0)?);
            let (started_at, finished_at): (i64, i64) = (row.get(1)?, row.get(2)?);
            let request = Latest {
                at: started_at + by,
                counts: row.get(3)?,
                unanswered: row.get(4)?,
            };
            let old = started_at.max(finished_at) + by < since;
            old_in_a_row = if old { old_in_a_row + 1 } else { 0 };
            fresh += usize::from(request.counts && request.at >= since);
            if old_in_a_row > OLD_IN_A_ROW || fresh > most {
                break;
            }
            found.push(request);
        }
        Ok(found)
    }

    /// How far a time that was noted last is moved to be a time of the clock of now.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn clock_moved(&self, window: &LookBack) -> Result<SignedDuration, StoreError> {
        let notes = clock_notes(&self.connection)?;
        let moved = notes.moved(i64::MAX, window.uptime.as_ref(), to_millis(window.now));
        Ok(SignedDuration::from_millis(moved))
    }
}
