//! The transaction of a group of jobs, and what of it is written once, at its end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;

use super::columns::to_millis;
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;
use super::quota;
use super::tally::{self, Counter};
use crate::domain::delivery::State;

/// The transaction of a group.
pub(super) struct Tx<'a> {
    pub(super) connection: &'a Connection,
    counts: BTreeMap<(BatchId, Counter), i64>,
    /// By token.
    quotas: BTreeMap<i64, QuotaChange>,
    /// Batches whose first request may be in this group.
    started: BTreeMap<BatchId, i64>,
    /// Whether this process sends a batch from now on; `None` if the group does not change that.
    pub(super) sends: Option<bool>,
    /// What is known is written into the last room on the disk, and nothing new is begun.
    pub(super) disk_is_full: bool,
    /// Results files do not show what the job changes (runs, quota, the files themselves): they stay up to date.
    pub(super) bookkeeping: bool,
    /// The number of such changes in a job that also makes others.
    pub(super) bookkept: u64,
}

/// What a group changes of a token's quota.
#[derive(Default)]
struct QuotaChange {
    claims: i64,
    state: Option<String>,
    at: i64,
}

impl<'a> Tx<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            counts: BTreeMap::new(),
            quotas: BTreeMap::new(),
            started: BTreeMap::new(),
            sends: None,
            disk_is_full: false,
            bookkeeping: false,
            bookkept: 0,
        }
    }

    /// Does the part of a job whose changes results files do not show.
    pub(super) fn bookkeep<T>(&mut self, part: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.connection.total_changes();
        let done = part(self);
        self.bookkept += self.connection.total_changes() - before;
        done
    }

    /// One more request was claimed with the token.
    pub(super) fn note_claim(&mut self, token: i64, at: Timestamp) {
        let change = self.quotas.entry(token).or_default();
        change.claims += 1;
        change.at = change.at.max(to_millis(at));
    }

    /// What an answer said of the token's quota; the last one of the group is written.
    pub(super) fn note_quota(&mut self, token: i64, state: &str, at: Timestamp) {
        let change = self.quotas.entry(token).or_default();
        change.state = Some(state.to_owned());
        change.at = change.at.max(to_millis(at));
    }

    /// A request of the batch leaves.
    pub(super) fn note_started(&mut self, batch: BatchId, at: Timestamp) {
        self.started.entry(batch).or_insert_with(|| to_millis(at));
    }

    /// Adds to a counter of the batch; written once, at the end of the group.
    pub(super) fn count(&mut self, batch: BatchId, counter: Counter, n: i64) {
        *self.counts.entry((batch, counter)).or_default() += n;
    }

    /// Moves one recipient of the batch from one state's count to another's.
    pub(super) fn count_move(&mut self, batch: BatchId, from: State, to: State) {
        if from != to {
            self.count(batch, Counter::State(from), -1);
            self.count(batch, Counter::State(to), 1);
        }
    }

    /// Drops what was counted for a batch that goes away.
    pub(super) fn drop_counts(&mut self, batch: BatchId) {
        self.counts.retain(|(counted, _), _| *counted != batch);
    }

    /// Writes the counters that the jobs so far have changed.
    fn flush_counts(&mut self) -> Result<(), StoreError> {
        let mut changes: BTreeMap<BatchId, Vec<(Counter, i64)>> = BTreeMap::new();
        for ((batch, counter), n) in std::mem::take(&mut self.counts) {
            changes.entry(batch).or_default().push((counter, n));
        }
        for (batch, changes) in changes {
            tally::add(self.connection, batch, &changes)?;
        }
        Ok(())
    }

    /// Writes what is written once for the whole group.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        self.flush_counts()?;
        for (token, change) in std::mem::take(&mut self.quotas) {
            let state = change.state.as_deref();
            quota::note(self.connection, token, state, change.claims, change.at)?;
        }
        for (batch, at) in std::mem::take(&mut self.started) {
            self.connection.change(
                "UPDATE batch SET started_at = ?2 WHERE id = ?1 AND started_at IS NULL",
                (batch, at),
            )?;
        }
        Ok(())
    }
}
