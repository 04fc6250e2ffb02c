//! The counters of a batch: one row, changed in the transactions that change what it counts.

use rusqlite::Connection;
use serde::Serialize;

use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;
use crate::domain::delivery::State;

/// A counter of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counter {
    /// Recipients in a state.
    State(State),
    /// Requests that were claimed.
    Requests,
    /// Requests that the API put off (429).
    Throttled,
}

impl Counter {
    /// The column.
    const fn word(self) -> &'static str {
        match self {
            Self::State(state) => state.word(),
            Self::Requests => "requests",
            Self::Throttled => "throttled",
        }
    }
}

/// How many recipients are in each state, and how many requests it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Accepted by the API.
    pub sent: u64,
    /// No Messenger for the number.
    pub no_messenger: u64,
    /// Refused, or failed to be delivered.
    pub error: u64,
    /// A message may have gone out.
    pub unknown: u64,
    /// Cannot be sent as the row stands.
    pub invalid: u64,
    /// The number stands in an earlier row.
    pub duplicate: u64,
    /// Must not be messaged.
    pub suppressed: u64,
    /// Waits for its turn.
    pub queued: u64,
    /// Of a follow-up: waits for an event about the person.
    #[serde(skip_serializing_if = "is_zero")]
    pub awaiting: u64,
    /// On its way this moment.
    pub sending: u64,
    /// Requests that left.
    pub requests: u64,
    /// Requests that the API put off (429).
    pub throttled: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Counts {
    /// All rows of the batch.
    pub fn rows(&self) -> u64 {
        State::ALL.into_iter().map(|state| self.of(state)).sum()
    }

    /// The rows in one state.
    pub fn of(&self, state: State) -> u64 {
        match state {
            State::Queued => self.queued + self.awaiting,
            State::Sending => self.sending,
            State::Sent => self.sent,
            State::NoMessenger => self.no_messenger,
            State::Error => self.error,
            State::Unknown => self.unknown,
            State::Invalid => self.invalid,
            State::Duplicate => self.duplicate,
            State::Suppressed => self.suppressed,
        }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.no_messenger += more.no_messenger;
        self.error += more.error;
        self.unknown += more.unknown;
        self.invalid += more.invalid;
        self.duplicate += more.duplicate;
        self.suppressed += more.suppressed;
        self.queued += more.queued;
        self.awaiting += more.awaiting;
        self.sending += more.sending;
        self.requests += more.requests;
        self.throttled += more.throttled;
    }
}

/// Adds to the counters of a batch.
pub(super) fn add(
    connection: &Connection,
    batch: BatchId,
    changes: &[(Counter, i64)],
) -> Result<(), StoreError> {
    let changes: Vec<_> = changes.iter().filter(|(_, n)| *n != 0).collect();
    if changes.is_empty() {
        return Ok(());
    }
    // Few combinations occur, so that the statements stay prepared.
    let columns: Vec<String> = changes
        .iter()
        .enumerate()
        .map(|(at, (counter, _))| format!("{0} = {0} + ?{1}", counter.word(), at + 2))
        .collect();
    let sql = format!("UPDATE tally SET {} WHERE batch = ?1", columns.join(", "));
    let values = std::iter::once(batch.get()).chain(changes.iter().map(|(_, n)| *n));
    connection.change(&sql, rusqlite::params_from_iter(values))?;
    Ok(())
}
